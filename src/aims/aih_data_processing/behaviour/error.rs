//! Why a behavioural recording or a parameter is refused.

/// Every refusal. The sentences carry row numbers and counts, never values from the recording.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BehaviourError {
    /// No byte at all.
    #[error("the payload is empty")]
    Empty,
    /// Not a format of this module.
    #[error("this AI Module reads CSV and JSON only")]
    Format,
    /// Not text.
    #[error("the payload is no UTF-8 text")]
    NotText,
    /// The columns or properties are not those of a behavioural recording.
    #[error("the recording needs timestamp, x, y and z, or timestamp and steps: {0}")]
    Columns(&'static str),
    /// The JSON document cannot be read as samples.
    #[error("the JSON document is no list of samples, and no object with a list Samples (line {line})")]
    Json {
        /// Line at which reading stopped.
        line: usize,
    },
    /// A row that is not valid.
    #[error("sample {row} is not valid: {reason}")]
    Row {
        /// Number of the sample, counted from 1.
        row: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The last line was cut off.
    #[error("the file ends early: its last line has no line break")]
    Truncated,
    /// More than one person.
    #[error("the recording holds samples of more than one person")]
    MixedPersons,
    /// A claim beyond a constant of [`super::limits`].
    #[error("{what} is more than the {limit} that are accepted")]
    Limit {
        /// What is too much.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// Not raw acceleration.
    #[error("raw acceleration has at least {minimum} samples a second; the timestamps give fewer")]
    Rate {
        /// Samples a second that are needed.
        minimum: u32,
    },
    /// Acceleration in another unit.
    #[error(
        "at rest the acceleration is not about 1 g: the samples are in another unit, or the sensor is not calibrated"
    )]
    Unit,
    /// Epochs of steps that are not regular.
    #[error("the steps are not counted over regular epochs of 1 second to 1 hour")]
    Epochs,
    /// The epochs are too long for the analysis.
    #[error("{0} needs epochs of at most a minute")]
    TooCoarse(&'static str),
    /// Not enough valid data.
    #[error("{found} valid {what} are there, at least {minimum} are needed")]
    TooFew {
        /// What is counted.
        what: &'static str,
        /// How many were found.
        found: usize,
        /// How many are needed.
        minimum: usize,
    },
    /// Nothing ever changes.
    #[error("the activity never changes, so it has no pattern")]
    Constant,
    /// A parameter outside its range.
    #[error("the parameter {name} is not valid: {reason}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// What it should be.
        reason: &'static str,
    },
    /// Not a processing type of this module.
    #[error("this AI Module does not perform that processing type")]
    NotPerformed,
    /// The result could not be written.
    #[error("the result cannot be written as JSON")]
    Result,
}
