//! Why a record is not de-identified.

use crate::aims::{aih_data_processing::ecg::EcgError, de_identification::edf::EdfTreatmentError};

/// Every refusal; none of them carries a text of the record.
#[derive(Debug, thiserror::Error)]
pub enum WfdbTreatmentError {
    /// The archive, its header or a file is damaged or contradictory: what is not understood cannot be cleaned.
    #[error(transparent)]
    Record(#[from] EcgError),
    /// A parameter that is not one of its words.
    #[error(transparent)]
    Parameter(#[from] EdfTreatmentError),
    /// Not a WFDB record by its qualifier.
    #[error("the payload is not of the format its qualifier names")]
    OtherFormat,
    /// The result does not hold what the original held.
    #[error("the de-identified record would not hold the same samples")]
    NotFaithful,
}
