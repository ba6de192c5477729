//! Learning: the gradient of the cross-entropy by back-propagation (D. E. Rumelhart, G. E. Hinton, R. J. Williams, Nature
//! 323, 1986) and the optimiser Adam (D. P. Kingma, J. Ba, ICLR 2015). The same seed, data and model give the same result.

use crate::mpai_store::models::{
    declaration::Declaration,
    examples::Examples,
    network::{Layer, Network, softmax},
};

/// How to learn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    /// Times every window is seen.
    pub epochs: usize,
    /// Step size of Adam.
    pub learning_rate: f64,
    /// Windows of one step.
    pub batch: usize,
    /// Decides the order in which windows are seen.
    pub seed: u64,
}

impl Default for Recipe {
    fn default() -> Self {
        Self { epochs: 3, learning_rate: 0.005, batch: 16, seed: 1 }
    }
}

/// The same shape as a network's parameters.
#[derive(Debug, Clone, PartialEq)]
struct Parameters {
    hidden_weights: Vec<f64>,
    hidden_biases: Vec<f64>,
    output_weights: Vec<f64>,
    output_biases: Vec<f64>,
}

impl Parameters {
    fn zeros(network: &Network) -> Self {
        Self {
            hidden_weights: vec![0.0; network.hidden.weights.len()],
            hidden_biases: vec![0.0; network.hidden.biases.len()],
            output_weights: vec![0.0; network.output.weights.len()],
            output_biases: vec![0.0; network.output.biases.len()],
        }
    }

    fn parts(&mut self) -> [&mut Vec<f64>; 4] {
        [&mut self.hidden_weights, &mut self.hidden_biases, &mut self.output_weights, &mut self.output_biases]
    }
}

/// `SplitMix64`, as in the synthetic recordings.
struct Order(u64);

impl Order {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Fisher–Yates.
    fn shuffle(&mut self, places: &mut [usize]) {
        for last in (1..places.len()).rev() {
            places.swap(last, (self.next() % (last as u64 + 1)) as usize);
        }
    }
}

/// A network that has learned nothing: weights uniform within ±√(6 / inputs) (K. He et al., ICCV 2015), biases zero.
pub fn fresh(declaration: Declaration, seed: u64) -> Network {
    let mut order = Order(seed);
    let mut layer = |inputs: usize, neurons: usize| {
        let bound = (6.0 / inputs.max(1) as f64).sqrt();
        let weights = (0..inputs * neurons).map(|_| bound * (2.0 * order.unit() - 1.0)).collect();
        Layer { inputs, weights, biases: vec![0.0; neurons] }
    };
    let hidden = layer(declaration.inputs(), declaration.hidden);
    let output = layer(declaration.hidden, declaration.classes.len());
    Network { declaration, hidden, output }
}

/// Trains a network on labelled windows; windows of another length are passed over.
pub fn train(network: &mut Network, examples: &Examples, recipe: &Recipe) {
    let mut order = Order(recipe.seed);
    let mut places: Vec<usize> = (0..examples.len()).collect();
    let (mut mean, mut square) = (Parameters::zeros(network), Parameters::zeros(network));
    let mut step = 0;
    for _ in 0..recipe.epochs {
        order.shuffle(&mut places);
        for batch in places.chunks(recipe.batch.max(1)) {
            let mut gradient = gradient(network, examples, batch);
            step += 1;
            adam(network, &mut gradient, (&mut mean, &mut square), recipe.learning_rate, step);
        }
    }
}

/// One step of Adam with its usual constants.
fn adam(
    network: &mut Network,
    gradient: &mut Parameters,
    (mean, square): (&mut Parameters, &mut Parameters),
    rate: f64,
    step: i32,
) {
    const BETA: (f64, f64) = (0.9, 0.999);
    const EPSILON: f64 = 1e-8;
    let (first, second) = (1.0 - BETA.0.powi(step), 1.0 - BETA.1.powi(step));
    let weights = [
        &mut network.hidden.weights,
        &mut network.hidden.biases,
        &mut network.output.weights,
        &mut network.output.biases,
    ];
    let moments = mean.parts().into_iter().zip(square.parts());
    for ((weights, gradient), (mean, square)) in weights.into_iter().zip(gradient.parts()).zip(moments) {
        for (((w, g), m), s) in weights.iter_mut().zip(gradient).zip(mean).zip(square) {
            *m = BETA.0 * *m + (1.0 - BETA.0) * *g;
            *s = BETA.1 * *s + (1.0 - BETA.1) * *g * *g;
            *w -= rate * (*m / first) / ((*s / second).sqrt() + EPSILON);
        }
    }
}

/// Mean gradient of the cross-entropy over some windows.
fn gradient(network: &Network, examples: &Examples, batch: &[usize]) -> Parameters {
    let mut gradient = Parameters::zeros(network);
    let share = 1.0 / batch.len().max(1) as f64;
    for (window, label) in batch.iter().filter_map(|place| examples.get(*place)) {
        if window.len() == network.hidden.inputs {
            add_gradient(&mut gradient, network, window, label, share);
        }
    }
    gradient
}

fn add_gradient(gradient: &mut Parameters, network: &Network, window: &[f64], label: usize, share: f64) {
    let units: Vec<f64> = network.hidden.forward(window).into_iter().map(|sum| sum.max(0.0)).collect();
    // Of softmax and cross-entropy together: what was said minus what is right.
    let mut errors = softmax(&network.output.forward(&units));
    if let Some(right) = errors.get_mut(label) {
        *right -= 1.0;
    }
    errors.iter_mut().for_each(|error| *error *= share);
    let mut back = vec![0.0; units.len()];
    let (rows, own) =
        (network.output.weights.chunks_exact(units.len()), gradient.output_weights.chunks_exact_mut(units.len()));
    for (((row, own), bias), error) in rows.zip(own).zip(&mut gradient.output_biases).zip(&errors) {
        *bias += error;
        for (((weight, own), unit), back) in row.iter().zip(own).zip(&units).zip(&mut back) {
            *own += error * unit;
            *back += error * weight;
        }
    }
    let own = gradient.hidden_weights.chunks_exact_mut(window.len());
    for (((own, bias), unit), back) in own.zip(&mut gradient.hidden_biases).zip(&units).zip(&back) {
        // A unit at rest lets nothing back.
        if *unit > 0.0 {
            *bias += back;
            own.iter_mut().zip(window).for_each(|(own, input)| *own += back * input);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem() -> (Network, Examples) {
        let declaration = Declaration { before: 1, after: 1, hidden: 5, ..Declaration::beat_classifier(5) };
        let mut order = Order(7);
        let (mut windows, mut labels) = (Vec::new(), Vec::new());
        for _ in 0..60 {
            let window: Vec<f64> = (0..4).map(|_| 2.0 * order.unit() - 1.0).collect();
            labels.push(if window[0] + window[1] > 0.6 { 2 } else { usize::from(window[2] > 0.0) });
            windows.extend(window);
        }
        (fresh(declaration, 3), Examples::new(4, windows, labels).unwrap())
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        const STEP: f64 = 1e-6;
        let (network, examples) = problem();
        let all: Vec<usize> = (0..examples.len()).collect();
        let mut found = gradient(&network, &examples, &all);
        let loss = |network: &Network| network.quality(&examples).loss;
        let mut most: f64 = 0.0;
        for part in 0..4 {
            for place in 0..found.parts()[part].len() {
                let moved = |by: f64| {
                    let mut other = network.clone();
                    let layer = if part < 2 { &mut other.hidden } else { &mut other.output };
                    let values = if part % 2 == 0 { &mut layer.weights } else { &mut layer.biases };
                    values[place] += by;
                    loss(&other)
                };
                let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                most = most.max((found.parts()[part][place] - expected).abs());
            }
        }
        println!("largest difference between gradient and finite differences: {most:e}");
        assert!(most < 1e-6, "{most}");
    }

    #[test]
    fn it_learns_and_the_same_again() {
        let (fresh, examples) = problem();
        let recipe = Recipe { epochs: 60, learning_rate: 0.02, ..Recipe::default() };
        let (mut one, mut two) = (fresh.clone(), fresh.clone());
        train(&mut one, &examples, &recipe);
        train(&mut two, &examples, &recipe);
        assert_eq!(one, two);
        let (before, after) = (fresh.quality(&examples), one.quality(&examples));
        assert!(after.accuracy > 0.95 && after.loss < before.loss / 3.0, "{before:?} {after:?}");
        let mut other = fresh;
        train(&mut other, &examples, &Recipe { seed: 2, ..recipe });
        assert_ne!(one, other);
    }
}
