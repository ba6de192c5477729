//! The network of the beat classifier: one hidden layer of rectified linear units, a softmax over the classes. Weights are
//! F32 in the file and double precision here, so that a sum does not depend on its order in any digit that matters.

use super::{
    ModelError,
    declaration::Declaration,
    examples::Examples,
    layout::{self, Layout},
};

/// Names of the tensors, in the order of their names.
pub const HIDDEN_BIAS: &str = "hidden.bias";
/// As [`HIDDEN_BIAS`].
pub const HIDDEN_WEIGHT: &str = "hidden.weight";
/// As [`HIDDEN_BIAS`].
pub const OUTPUT_BIAS: &str = "output.bias";
/// As [`HIDDEN_BIAS`].
pub const OUTPUT_WEIGHT: &str = "output.weight";

/// A dense layer; row by row, one row for each neuron.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Numbers it takes.
    pub inputs: usize,
    /// Its weights.
    pub weights: Vec<f64>,
    /// One for each neuron.
    pub biases: Vec<f64>,
}

/// The network.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// What it declares.
    pub declaration: Declaration,
    /// The hidden layer.
    pub hidden: Layer,
    /// The layer of the classes.
    pub output: Layer,
}

/// How well a network does on labelled windows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// Fraction of windows of which it names the class.
    pub accuracy: f64,
    /// Mean of that fraction over the classes that occur.
    pub balanced_accuracy: f64,
    /// Mean cross-entropy in nats.
    pub loss: f64,
}

impl Layer {
    /// What the neurons hold before any function is applied.
    pub fn forward(&self, input: &[f64]) -> Vec<f64> {
        let rows = self.weights.chunks_exact(self.inputs.max(1));
        rows.zip(&self.biases).map(|(row, bias)| bias + dot(row, input)).collect()
    }
}

/// Sum of products.
pub fn dot(one: &[f64], other: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (a, b) in one.iter().zip(other) {
        sum += a * b;
    }
    sum
}

impl Network {
    /// Reads a file of this network.
    ///
    /// # Errors
    /// [`ModelError`] when it is no safetensors file, or its tensors are not those of its declaration.
    pub fn read(bytes: &[u8]) -> Result<Self, ModelError> {
        let layout = Layout::read(bytes)?;
        let declaration = Declaration::of(&layout)?;
        let (inputs, hidden, classes) = (declaration.inputs(), declaration.hidden, declaration.classes.len());
        let layer = |weight: &str, bias: &str, inputs: usize, neurons: usize| {
            let numbers = |name: &str, shape: &[usize]| {
                let is_of = |found: &[u64]| found.iter().copied().eq(shape.iter().map(|length| *length as u64));
                if layout.tensor(name).is_none_or(|tensor| !is_of(&tensor.shape)) {
                    return Err(ModelError::Shape(format!("the tensor `{name}` is not of the shape {shape:?}")));
                }
                Ok(layout.numbers(bytes, name)?.into_iter().map(f64::from).collect::<Vec<_>>())
            };
            Ok::<_, ModelError>(Layer {
                inputs,
                weights: numbers(weight, &[neurons, inputs])?,
                biases: numbers(bias, &[neurons])?,
            })
        };
        if layout.tensors.len() != 4 {
            return Err(ModelError::Shape("the declared network has four tensors".to_owned()));
        }
        let hidden_layer = layer(HIDDEN_WEIGHT, HIDDEN_BIAS, inputs, hidden)?;
        let output = layer(OUTPUT_WEIGHT, OUTPUT_BIAS, hidden, classes)?;
        Ok(Self { declaration, hidden: hidden_layer, output })
    }

    /// Writes it as a file.
    ///
    /// # Errors
    /// Never for a network whose layers fit its declaration.
    pub fn write(&self) -> Result<Vec<u8>, ModelError> {
        let numbers = |values: &[f64]| values.iter().map(|value| *value as f32).collect::<Vec<_>>();
        let (hidden, output) = (&self.hidden, &self.output);
        layout::write(
            &self.declaration.to_text(),
            &[
                (HIDDEN_WEIGHT, vec![hidden.biases.len(), hidden.inputs], numbers(&hidden.weights)),
                (HIDDEN_BIAS, vec![hidden.biases.len()], numbers(&hidden.biases)),
                (OUTPUT_WEIGHT, vec![output.biases.len(), output.inputs], numbers(&output.weights)),
                (OUTPUT_BIAS, vec![output.biases.len()], numbers(&output.biases)),
            ],
        )
    }

    /// Probabilities of the classes; they sum to 1.
    pub fn probabilities(&self, input: &[f64]) -> Vec<f64> {
        let hidden: Vec<f64> = self.hidden.forward(input).into_iter().map(|value| value.max(0.0)).collect();
        softmax(&self.output.forward(&hidden))
    }

    /// How well it does. Windows of another length count as not recognised.
    pub fn quality(&self, examples: &Examples) -> Quality {
        let classes = self.declaration.classes.len();
        let (mut right, mut seen, mut loss) = (vec![0_u64; classes], vec![0_u64; classes], 0.0);
        for (window, label) in examples.iter() {
            let probabilities = self.probabilities(window);
            let said = greatest(&probabilities);
            loss -= probabilities.get(label).copied().unwrap_or(0.0).max(f64::MIN_POSITIVE).ln();
            if let (Some(right), Some(seen)) = (right.get_mut(label), seen.get_mut(label)) {
                *right += u64::from(said == label);
                *seen += 1;
            }
        }
        let total = examples.len().max(1) as f64;
        let recalls: Vec<f64> =
            right.iter().zip(&seen).filter(|(_, seen)| **seen > 0).map(|(r, s)| *r as f64 / *s as f64).collect();
        Quality {
            accuracy: right.iter().sum::<u64>() as f64 / total,
            balanced_accuracy: recalls.iter().sum::<f64>() / recalls.len().max(1) as f64,
            loss: loss / total,
        }
    }
}

/// Probabilities from the outputs of a network.
pub fn softmax(outputs: &[f64]) -> Vec<f64> {
    let most = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = outputs.iter().map(|output| (output - most).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// Position of the greatest value, the first of equals.
pub fn greatest(values: &[f64]) -> usize {
    let mut best = 0;
    for (place, value) in values.iter().enumerate() {
        if values.get(best).is_some_and(|most| value > most) {
            best = place;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiny() -> Network {
        let declaration = Declaration {
            before: 0,
            after: 0,
            hidden: 2,
            classes: vec!["N".into(), "V".into()],
            ..Declaration::beat_classifier(2)
        };
        Network {
            declaration,
            hidden: Layer { inputs: 2, weights: vec![1.0, 0.0, 0.0, -1.0], biases: vec![0.0, 0.5] },
            output: Layer { inputs: 2, weights: vec![2.0, 0.0, 0.0, 4.0], biases: vec![0.0, 1.0] },
        }
    }

    #[test]
    fn it_computes_what_the_formula_says() {
        // Hidden: max(0, 0.5) and max(0, 0.5 − 2) = 0; outputs 1 and 1: even.
        assert_eq!(tiny().probabilities(&[0.5, 2.0]), [0.5, 0.5]);
        // Hidden: 0 and 1.5; outputs 0 and 7.
        let certain = tiny().probabilities(&[-3.0, -1.0]);
        assert!((certain[1] - 1.0 / (1.0 + (-7.0_f64).exp())).abs() < 1e-12);
    }

    #[test]
    fn it_comes_back_from_its_file() {
        let bytes = tiny().write().unwrap();
        assert_eq!(Network::read(&bytes).unwrap(), tiny());
        let other = layout::write(&tiny().declaration.to_text(), &[("hidden.bias", vec![1], vec![0.0])]).unwrap();
        assert!(matches!(Network::read(&other), Err(ModelError::Shape(_))));
        let silent = layout::write("", &[("hidden.bias", vec![1], vec![0.0])]).unwrap();
        assert!(matches!(Network::read(&silent), Err(ModelError::Declaration(_))));
    }

    #[test]
    fn quality_counts_what_is_right() {
        let examples = Examples::new(2, vec![-3.0, -1.0, 5.0, 2.0, 5.0, 2.0], vec![1, 0, 1]).unwrap();
        let quality = tiny().quality(&examples);
        assert!((quality.accuracy - 2.0 / 3.0).abs() < 1e-12);
        assert!((quality.balanced_accuracy - 0.75).abs() < 1e-12);
        assert!(quality.loss > 0.0);
    }
}
