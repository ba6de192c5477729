//! Why a VCF payload is not treated.

/// Every refusal. The sentences carry numbers of lines, never what stands in them.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum VcfTreatmentError {
    /// No byte at all.
    #[error("the payload is empty")]
    Empty,
    /// Something else than VCF.
    #[error("the payload is not a VCF 4 file: it does not begin with ##fileformat=VCFv4, plain or compressed by bgzip")]
    NotVcf,
    /// Several people, of whom at most one licensed anything.
    #[error(
        "the file holds the genotypes of {0} people and its licence is one End User's: split it by sample, and license \
         each part by whom it is about"
    )]
    SeveralPeople(usize),
    /// Not a format of this treatment.
    #[error("this treatment reads VCF only")]
    Format,
    /// The compressed blocks are damaged or end early.
    #[error("the bgzip blocks are damaged or end early")]
    Compression,
    /// The last line was cut off.
    #[error("the file ends early: the last line has no line break")]
    Truncated,
    /// Lines or text longer than is accepted.
    #[error("{what} is more than the {limit} bytes that are accepted")]
    Limit {
        /// What is too long.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The header cannot be read.
    #[error("the header is not a valid VCF 4 header")]
    Header,
    /// A record cannot be read, so what identifies in it cannot be told.
    #[error("line {line} is not a valid record: {reason}")]
    Record {
        /// Number of the line, counted from 1.
        line: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A parameter that is not what it should be.
    #[error("the parameter {0} is a list of at most 64 names of letters, digits, points and underscores")]
    Parameter(&'static str),
    /// What was written does not read back; a defect of ours, and nothing is handed out.
    #[error("the treated file would not be a valid VCF file")]
    Output,
}
