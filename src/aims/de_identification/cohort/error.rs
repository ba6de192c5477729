//! Why a cohort is not treated. Texts carry names of resource types, positions and counts; never a value of the records.

use crate::aims::aih_data_processing::clinical::ClinicalError;

/// Why a cohort is not treated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CohortError {
    /// The resources cannot be read, or one of them cannot.
    #[error(transparent)]
    Clinical(#[from] ClinicalError),
    /// A parameter that is not what it must be.
    #[error("parameter {name}: {reason}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// There is nobody in it.
    #[error("the cohort has no Patient resource: nobody's data can be told from anybody's")]
    Nobody,
    /// Two Patient resources that may be one person, who would count twice.
    #[error("{place} is linked to another Patient, or shares an identifier with one: persons cannot be counted")]
    SamePerson {
        /// The second of them.
        place: String,
    },
    /// Conditions that no one code system names.
    #[error(
        "the conditions are coded in different systems: in none of them all {conditions} have a code, so the same \
         disease would pass for two"
    )]
    Systems {
        /// How many conditions with a public code there are.
        conditions: usize,
    },
    /// Nothing that could be of use is in the table.
    #[error(
        "the table would hold nothing but quasi-identifiers: no condition is coded, and no measure named has a value"
    )]
    NothingSensitive,
    /// The table made of it is not treated.
    #[error("{0}{hint}", hint = if *.1 { "" } else { "; ConditionCodes can name the conditions that matter" })]
    Table(String, bool),
}
