//! Why an EDF file or a parameter of the writer is refused.

/// Every refusal of the EDF code, each with a sentence a person can act on; field names and numbers only.
#[derive(Debug, thiserror::Error)]
pub enum EdfError {
    /// Reading or writing failed below us.
    #[error("the payload could not be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// No version field of EDF or BDF.
    #[error("the payload is not an EDF file")]
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
        /// Name of the field in the words of the format.
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
        value: u64,
        /// The limit it breaks.
        limit: u64,
    },
    /// An EDF+ recording with gaps.
    #[error("the EDF+ recording is not continuous; times across its gaps would be wrong")]
    Discontinuous,
    /// A parameter of the writer outside its range.
    #[error("the parameter {name} is outside its range: {range}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// The accepted range, in words.
        range: &'static str,
    },
}

impl EdfError {
    /// A field refusal.
    pub(super) fn field(field: &'static str, reason: &'static str) -> Self {
        Self::Field { field, reason }
    }
}
