//! Why an EEG payload, parameter or analysis is refused.

use super::super::edf::EdfError;

/// Every refusal of the EEG code, each with a sentence a person can act on; field names and numbers only.
#[derive(Debug, thiserror::Error)]
pub enum EegError {
    /// The file is damaged, contradictory or no EDF.
    #[error(transparent)]
    Edf(#[from] EdfError),
    /// No channel looks like an EEG.
    #[error("none of the {channels} channels is an EEG by its name and unit")]
    NoEegChannel {
        /// How many channels were looked at.
        channels: usize,
    },
    /// The requested channel is not in the recording.
    #[error("the recording has no channel of that name or position")]
    NoSuchChannel,
    /// A channel whose unit is no voltage.
    #[error("a chosen channel is not measured in volts, millivolts, microvolts or nanovolts")]
    NotAVoltage,
    /// A sampling rate the analysis does not work at.
    #[error("an EEG is analysed at 100 to 5,000 Hz; a chosen channel has {0} Hz")]
    Rate(f64),
    /// More samples than are read at once.
    #[error("the chosen channels have {samples} samples, at most {limit} are accepted; choose fewer channels")]
    TooManySamples {
        /// Samples of the chosen channels together.
        samples: u64,
        /// The limit.
        limit: u64,
    },
    /// The recording is too short for what is asked.
    #[error("{seconds:.1} s of signal are too short; at least {minimum:.1} s are needed")]
    TooShort {
        /// Duration of the recording, in seconds.
        seconds: f64,
        /// Shortest accepted duration, in seconds.
        minimum: f64,
    },
    /// Nothing is measured in the chosen channels.
    #[error("the chosen channels are flat: nothing can be measured in them")]
    Flat,
    /// A parameter outside its range.
    #[error("the parameter {name} is outside its range: {range}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// The accepted range, in words.
        range: &'static str,
    },
}
