//! What a network says of itself in its file's metadata: the architecture, and how its input is made from a recording.
//! Whoever has the file has all it takes to use it; nothing is agreed on elsewhere.

use serde::{Deserialize, Serialize};

use super::{ModelError, layout::Layout};

/// The one architecture known here: one hidden layer with ReLU, one output for each class, softmax for probabilities.
pub const ARCHITECTURE: &str = "MultilayerPerceptron";
/// The one kind of input known here: a window of an ECG around a beat, and its intervals to the beats beside it.
pub const INPUT: &str = "ECGBeatWindow";
/// Intervals that stand behind the samples of a window.
pub const INTERVALS: usize = 2;
const MOST_INPUTS: usize = 4_096;
const MOST_HIDDEN: usize = 4_096;
const MOST_CLASSES: usize = 64;

/// What a network declares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Declaration {
    /// [`ARCHITECTURE`].
    pub architecture: String,
    /// [`INPUT`].
    pub input: String,
    /// Samples per second the recording is brought to.
    pub sampling_rate_hz: f64,
    /// Samples of a window before its beat.
    pub before: usize,
    /// Samples of a window from its beat on.
    pub after: usize,
    /// Neurons of the hidden layer.
    pub hidden: usize,
    /// Names of the classes, in the order of the outputs.
    pub classes: Vec<String>,
}

impl Declaration {
    /// The beat classifier: 0.3 s before and 0.4 s after each beat at 100 Hz; normal, supraventricular and ventricular
    /// beats as ANSI/AAMI EC57 groups them.
    pub fn beat_classifier(hidden: usize) -> Self {
        Self {
            architecture: ARCHITECTURE.to_owned(),
            input: INPUT.to_owned(),
            sampling_rate_hz: 100.0,
            before: 30,
            after: 40,
            hidden,
            classes: ["N", "S", "V"].map(str::to_owned).to_vec(),
        }
    }

    /// Reads and checks the declaration of a file.
    ///
    /// # Errors
    /// [`ModelError::Declaration`].
    pub fn of(layout: &Layout) -> Result<Self, ModelError> {
        let refuse = |why: &str| ModelError::Declaration(why.to_owned());
        Self::read(layout.declaration.as_deref().ok_or_else(|| refuse("no network is declared"))?)
    }

    /// Reads and checks a declaration.
    ///
    /// # Errors
    /// [`ModelError::Declaration`].
    pub fn read(text: &str) -> Result<Self, ModelError> {
        let refuse = |why: &str| ModelError::Declaration(why.to_owned());
        let declared: Self = serde_json::from_str(text).map_err(|_| refuse("the declaration is not of its form"))?;
        if declared.architecture != ARCHITECTURE || declared.input != INPUT {
            return Err(refuse("the declared architecture or input is not known here"));
        }
        let sizes_fit = (1..=MOST_INPUTS).contains(&declared.inputs())
            && (1..=MOST_HIDDEN).contains(&declared.hidden)
            && (2..=MOST_CLASSES).contains(&declared.classes.len());
        if !sizes_fit || !(50.0..=1_000.0).contains(&declared.sampling_rate_hz) {
            return Err(refuse("the declared sizes are beyond the limits"));
        }
        Ok(declared)
    }

    /// Numbers the network takes.
    pub fn inputs(&self) -> usize {
        self.before.saturating_add(self.after).saturating_add(INTERVALS)
    }

    /// As it stands in the file.
    pub fn to_text(&self) -> String {
        // Texts and numbers always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Position of a class.
    pub fn class(&self, name: &str) -> Option<usize> {
        self.classes.iter().position(|class| class == name)
    }
}
