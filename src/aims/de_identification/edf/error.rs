//! Why a recording is not de-identified.

use crate::aims::aih_data_processing::edf::EdfError;

/// Every refusal; none of them carries a value of the file.
#[derive(Debug, thiserror::Error)]
pub enum EdfTreatmentError {
    /// The file is damaged or contradictory: what is not understood cannot be cleaned.
    #[error(transparent)]
    Edf(#[from] EdfError),
    /// EDF named BDF, or the other way round, or neither.
    #[error("the payload is not of the format its qualifier names")]
    OtherFormat,
    /// A parameter that is not one of its words.
    #[error("the parameter {name} is one of: {words}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// What it may be.
        words: &'static str,
    },
    /// Annotation times that are no plain numbers or leave the recording; they could carry anything.
    #[error("the times of the annotations are not those of a recording")]
    Times,
    /// The result does not hold what the original held.
    #[error("the de-identified recording would not hold the same samples")]
    NotFaithful,
}
