//! Why an ECG payload, parameter or analysis is refused.

use super::super::edf::EdfError;

/// Every refusal of the ECG code, each with a sentence a person can act on.
///
/// The sentences carry field names and numbers, never patient fields.
#[derive(Debug, thiserror::Error)]
pub enum EcgError {
    /// Reading or writing failed below us.
    #[error("the payload could not be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// Neither an EDF version field nor a tar magic.
    #[error("the payload is neither an EDF file nor an uncompressed tar archive with a WFDB record")]
    UnknownFormat,
    /// Fewer bytes than the header describes.
    #[error("{what} ends early: its header describes {described} bytes, {found} are there")]
    Truncated {
        /// The part that ends early.
        what: &'static str,
        /// Bytes the header describes.
        described: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// More bytes than the header describes.
    #[error("{what} holds {found} bytes, its header describes only {described}")]
    Excess {
        /// The part that is too long.
        what: &'static str,
        /// Bytes the header describes.
        described: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// A field that is absent, unreadable or impossible.
    #[error("the field \u{201c}{field}\u{201d} is not valid: {reason}")]
    Field {
        /// Name of the field in the words of its format.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A claim beyond a constant of [`super::limits`].
    #[error("{what} is {value}, at most {limit} is accepted")]
    Limit {
        /// What is too much.
        what: &'static str,
        /// The claim.
        value: f64,
        /// The limit it breaks.
        limit: f64,
    },
    /// An archive with something else than plain files with plain names.
    #[error("the archive is refused: {reason}")]
    Archive {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A record put together from segments.
    #[error("multi-segment WFDB records are not read; send each segment as its own record")]
    MultiSegment,
    /// A WFDB storage format other than 16 and 212.
    #[error("WFDB signal format {0} is not read, only 16 and 212")]
    UnsupportedWfdbFormat(u32),
    /// An EDF+ recording with gaps.
    #[error("the EDF+ recording is not continuous; intervals across its gaps would be wrong")]
    Discontinuous,
    /// The samples do not add up to the checksum in the header.
    #[error("the samples do not match the {what} in the header ({stated} stated, {found} found)")]
    IntegrityMismatch {
        /// `checksum` or `initial value`.
        what: &'static str,
        /// As the header states it.
        stated: i64,
        /// As the samples give it.
        found: i64,
    },
    /// No channel looks like an ECG.
    #[error("none of the {channels} channels is an ECG by its name, transducer and unit")]
    NoEcgChannel {
        /// How many channels were looked at.
        channels: usize,
    },
    /// The requested lead is not in the recording.
    #[error("the recording has no such lead")]
    NoSuchLead,
    /// A lead whose unit is no voltage.
    #[error("the chosen lead is not measured in volts, millivolts, microvolts or nanovolts")]
    NotAVoltage,
    /// Too many samples are marked as missing.
    #[error("{missing} of {total} samples are marked as missing")]
    TooManyMissing {
        /// Samples marked as missing.
        missing: u64,
        /// All samples of the lead.
        total: u64,
    },
    /// The detector cannot work at this sampling rate.
    #[error("beats are detected at 100 to 1,000 Hz; this lead has {0} Hz")]
    DetectorRate(f64),
    /// The recording is too short to learn what a beat looks like.
    #[error("{seconds:.1} s of signal are too short; at least {minimum:.0} s are needed")]
    TooShort {
        /// Duration of the recording, in seconds.
        seconds: f64,
        /// Shortest accepted duration, in seconds.
        minimum: f64,
    },
    /// Too few intervals for the asked parameter.
    #[error("only {found} usable intervals between beats; at least {minimum} are needed")]
    TooFewIntervals {
        /// Usable intervals.
        found: usize,
        /// Intervals needed.
        minimum: usize,
    },
    /// Too few windows with usable intervals for a trend.
    #[error("{found} windows with usable intervals; a trend is stated from {minimum} to 2,000")]
    TooFewWindows {
        /// Usable windows.
        found: usize,
        /// Windows needed.
        minimum: usize,
    },
    /// A parameter of the synthetic recording or of the writer outside its range.
    #[error("the parameter {name} is outside its range: {range}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// The accepted range, in words.
        range: &'static str,
    },
}

impl EcgError {
    /// A limit refusal; counts are shown as numbers whatever their integer type.
    pub(super) fn limit(what: &'static str, value: u64, limit: u64) -> Self {
        // Shown to a person, so the loss of precision above 2^53 does not matter.
        Self::Limit { what, value: value as f64, limit: limit as f64 }
    }

    /// A field refusal.
    pub(super) fn field(field: &'static str, reason: &'static str) -> Self {
        Self::Field { field, reason }
    }
}

impl From<EdfError> for EcgError {
    /// The same refusal: whoever sent an ECG need not know which room read its container.
    fn from(error: EdfError) -> Self {
        match error {
            EdfError::Io(source) => Self::Io(source),
            EdfError::UnknownFormat => Self::UnknownFormat,
            EdfError::Truncated { what, described, found } => Self::Truncated { what, described, found },
            EdfError::Excess { what, described, found } => Self::Excess { what, described, found },
            EdfError::Field { field, reason } => Self::Field { field, reason },
            EdfError::Limit { what, value, limit } => Self::limit(what, value, limit),
            EdfError::Discontinuous => Self::Discontinuous,
            EdfError::Parameter { name, range } => Self::Parameter { name, range },
        }
    }
}
