//! Labelled windows in a file: what a round's model is judged by before it is promoted. A safetensors file with two
//! tensors: `windows`, one row for each beat, and `labels`, the position of each beat's class; both F32.

use super::{
    ModelError,
    layout::{self, Layout},
};

const WINDOWS: &str = "windows";
const LABELS: &str = "labels";
/// Labels above this are none.
const MOST_CLASSES: usize = 64;

/// Labelled windows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Examples {
    inputs: usize,
    windows: Vec<f64>,
    labels: Vec<usize>,
}

impl Examples {
    /// Windows of `inputs` numbers each, one behind the other, and their labels.
    ///
    /// # Errors
    /// [`ModelError::Examples`] when there are not as many windows as labels, or none.
    pub fn new(inputs: usize, windows: Vec<f64>, labels: Vec<usize>) -> Result<Self, ModelError> {
        if inputs == 0 || labels.is_empty() || windows.len() != inputs * labels.len() {
            return Err(ModelError::Examples("there are not as many windows as labels, or none".to_owned()));
        }
        Ok(Self { inputs, windows, labels })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`ModelError`] when it is no such file.
    pub fn read(bytes: &[u8]) -> Result<Self, ModelError> {
        let layout = Layout::read(bytes)?;
        let refuse = |why: &str| ModelError::Examples(why.to_owned());
        let windows = layout.tensor(WINDOWS).ok_or_else(|| refuse("it has no tensor `windows`"))?;
        let [_, inputs] = windows.shape[..] else { return Err(refuse("`windows` has not two dimensions")) };
        let labels = layout.numbers(bytes, LABELS)?;
        let is_label = |label: &f32| label.fract() == 0.0 && (0.0..MOST_CLASSES as f32).contains(label);
        if !labels.iter().all(is_label) {
            return Err(refuse("a label is not the position of a class"));
        }
        let inputs = usize::try_from(inputs).map_err(|_| refuse("the windows are too long"))?;
        let windows = layout.numbers(bytes, WINDOWS)?.into_iter().map(f64::from).collect();
        Self::new(inputs, windows, labels.into_iter().map(|label| label as usize).collect())
    }

    /// Writes them as a file.
    ///
    /// # Errors
    /// Never for what [`Examples::new`] made.
    pub fn write(&self) -> Result<Vec<u8>, ModelError> {
        let windows = self.windows.iter().map(|value| *value as f32).collect();
        let labels = self.labels.iter().map(|label| *label as f32).collect();
        let count = self.labels.len();
        layout::write("", &[(WINDOWS, vec![count, self.inputs], windows), (LABELS, vec![count], labels)])
    }

    /// Each window with its label.
    pub fn iter(&self) -> impl Iterator<Item = (&[f64], usize)> {
        self.windows.chunks_exact(self.inputs.max(1)).zip(self.labels.iter().copied())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Numbers of a window.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The greatest label.
    pub fn greatest_label(&self) -> usize {
        self.labels.iter().copied().max().unwrap_or_default()
    }

    /// A window and its label.
    pub fn get(&self, place: usize) -> Option<(&[f64], usize)> {
        let start = place.checked_mul(self.inputs)?;
        Some((self.windows.get(start..start + self.inputs)?, *self.labels.get(place)?))
    }

    /// Adds others of the same length.
    ///
    /// # Errors
    /// [`ModelError::Examples`] when their length differs.
    pub fn append(&mut self, other: &Self) -> Result<(), ModelError> {
        if self.labels.is_empty() {
            *self = other.clone();
            return Ok(());
        }
        if self.inputs != other.inputs {
            return Err(ModelError::Examples("the windows are not of one length".to_owned()));
        }
        self.windows.extend_from_slice(&other.windows);
        self.labels.extend_from_slice(&other.labels);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_come_back_from_their_file_and_nothing_else_does() {
        let examples = Examples::new(2, vec![1.0, 2.0, 3.0, 4.0], vec![0, 2]).unwrap();
        assert_eq!(Examples::read(&examples.write().unwrap()).unwrap(), examples);
        assert!(Examples::new(2, vec![1.0], vec![0]).is_err() && Examples::new(2, vec![], vec![]).is_err());
        for labels in [vec![0.5, 1.0], vec![-1.0, 0.0], vec![64.0, 0.0], vec![0.0]] {
            let count = labels.len();
            let bytes = layout::write("", &[(WINDOWS, vec![2, 1], vec![1.0, 2.0]), (LABELS, vec![count], labels)]);
            assert!(matches!(Examples::read(&bytes.unwrap()), Err(ModelError::Examples(_))));
        }
        let flat = layout::write("", &[(WINDOWS, vec![2], vec![1.0, 2.0]), (LABELS, vec![2], vec![0.0, 0.0])]);
        assert!(Examples::read(&flat.unwrap()).is_err());
    }
}
