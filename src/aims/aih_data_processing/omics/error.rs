//! Why a VCF payload, a parameter or a weight file is refused.

/// Every refusal of the omics code. The sentences carry line numbers and counts, never values from the file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OmicsError {
    /// No byte at all.
    #[error("the payload is empty")]
    Empty,
    /// Something else than VCF.
    #[error("the payload is not a VCF 4 file: it does not begin with ##fileformat=VCFv4, plain or compressed by bgzip")]
    NotVcf,
    /// A version noodles does not know.
    #[error("the header is not a valid VCF 4 header: {0}")]
    Header(&'static str),
    /// The end is missing.
    #[error("the file ends early: {0}")]
    Truncated(&'static str),
    /// The compressed blocks are damaged.
    #[error("the bgzip blocks are damaged")]
    Compression,
    /// A record that is not valid.
    #[error("record {record} is not valid: {reason}")]
    Record {
        /// Number of the record, counted from 1.
        record: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A claim beyond a constant of [`super::limits`].
    #[error("{what} is more than the {limit} that are accepted")]
    Limit {
        /// What is too much.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A header and no record.
    #[error("the file has no records")]
    NoRecords,
    /// The analysis needs what the file does not have.
    #[error("the file has no {0}")]
    Without(&'static str),
    /// Several people, and nobody says whose licence it is.
    #[error(
        "the file holds the genotypes of {0} people and its licence is one End User's: the parameter Sample must say in \
         which column they stand, from 1"
    )]
    SeveralPeople(usize),
    /// A parameter outside its range.
    #[error("the parameter {name} is not valid: {reason}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// What it should be.
        reason: &'static str,
    },
    /// No weight file came with the request.
    #[error("the parameter Weights must name a scoring file in the Store")]
    NoWeights,
    /// The weight file is not what it should be.
    #[error("the weight file is not a usable PGS Catalog scoring file: {0}")]
    Weights(&'static str),
    /// A row of the weight file is not valid.
    #[error("row {row} of the weight file is not valid: {reason}")]
    WeightRow {
        /// Number of the row, counted from 1 below the column names.
        row: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Neither positions nor names can be compared.
    #[error(
        "the file and the weights cannot be matched: {0}; positions count only in one genome build, and rsIDs are absent"
    )]
    Builds(&'static str),
    /// Too few of the weights found a genotype.
    #[error(
        "only {used} of {total} weights found a genotype; a share of at least {minimum} is asked for, so no score is given"
    )]
    Coverage {
        /// Weights that entered the score.
        used: u64,
        /// Weights in the file.
        total: u64,
        /// Least share asked for.
        minimum: f64,
    },
    /// Not a processing type of this module.
    #[error("this AI Module does not perform that processing type")]
    NotPerformed,
    /// Not a format of this module.
    #[error("this AI Module reads VCF only")]
    Format,
    /// The result could not be written.
    #[error("the result cannot be written as JSON")]
    Json,
}

impl OmicsError {
    /// A refusal of one record.
    pub(super) fn record(record: u64, reason: &'static str) -> Self {
        Self::Record { record, reason }
    }
}
