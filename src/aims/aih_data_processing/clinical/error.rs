//! Why a clinical record, a parameter or an analysis is refused.

use crate::schema::strict::StrictError;

/// Every refusal of the clinical code, each with a sentence a person can act on.
///
/// The sentences carry names of resource types and elements, positions and counts; never a value of the record.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ClinicalError {
    /// No bytes, or only white space.
    #[error("the payload is empty")]
    Empty,
    /// XML instead of JSON.
    #[error("the payload is XML; FHIR is read in its JSON form only")]
    Xml,
    /// Not strict JSON.
    #[error("the payload is not one strict JSON document: {0}")]
    Json(StrictError),
    /// A line of NDJSON that is not strict JSON.
    #[error("line {line} is not one strict JSON document: {error}")]
    Line {
        /// Line, from 1.
        line: usize,
        /// What is wrong with it.
        error: StrictError,
    },
    /// More than the limits allow.
    #[error("the record has more than {most} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        most: usize,
    },
    /// JSON, but not a FHIR R4 resource.
    #[error("{place} is not a FHIR R4 resource: {reason}")]
    NotFhir {
        /// Where.
        place: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A format this module does not read.
    #[error("a clinical record is read as FHIR or NDJSON, not as {0}")]
    Format(&'static str),
    /// Two resources that claim to be the same one.
    #[error("mixed versions: {place} has the identity of an earlier resource of the record")]
    Duplicate {
        /// Where the second one is.
        place: String,
    },
    /// A reference that fits more than one resource.
    #[error("a reference in {place} fits more than one resource of the record")]
    Ambiguous {
        /// Where.
        place: String,
    },
    /// Resources about different people.
    #[error("mixed patients: the record speaks of more than one patient")]
    MixedPatients,
    /// An element that FHIR R4 does not allow to look like this.
    #[error("{place}: the element {element} is not valid: {reason}")]
    Element {
        /// Which resource.
        place: String,
        /// Name of the element.
        element: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// A parameter with a value it cannot have.
    #[error("the parameter {name} is not valid: {reason}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// What an analysis needs is not in the record.
    #[error("{analysis} cannot be computed; the record lacks: {}", missing.join(", "))]
    Missing {
        /// The analysis.
        analysis: &'static str,
        /// What is missing.
        missing: Vec<String>,
    },
    /// The analysis does not apply to this person.
    #[error("{analysis} does not apply: {reason}")]
    NotApplicable {
        /// The analysis.
        analysis: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// A processing type that is not performed here.
    #[error("this module does not perform that")]
    Operation,
}
