//! What can be judged in an item: series, single measurements and codes. A module that can read a class of data offers
//! them; Anomaly and Risk Alerting judges them and knows no file format.

use serde::{Deserialize, Serialize};

/// What can be judged in an item.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Observations {
    /// Measured over time or position.
    pub series: Vec<Series>,
    /// Single measurements.
    pub values: Vec<Measured>,
    /// Diagnoses and findings.
    pub codes: Vec<Coded>,
    /// What times count from (RFC 3339), where the data says it: a record was made long after what it tells of. Elsewhere
    /// they count from the item's own time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
}

/// One quantity over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Series {
    /// What was measured, e.g. `RR interval`.
    pub name: String,
    /// Its unit (UCUM).
    pub unit: String,
    /// When each value holds, in seconds since the start of the recording; as many as values, ascending.
    pub at_seconds: Vec<f64>,
    /// The values.
    pub values: Vec<f64>,
    /// Circumstances of each value in one word, e.g. `rest`; as many as values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Vec<String>>,
}

/// One measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Measured {
    /// What was measured.
    pub name: String,
    /// Its unit (UCUM).
    pub unit: String,
    /// The value.
    pub value: f64,
    /// When, in seconds since the start of the recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_seconds: Option<f64>,
}

/// One coded finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Coded {
    /// Code system, as FHIR writes it.
    pub system: String,
    /// Code.
    pub code: String,
    /// Its meaning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// When (RFC 3339), where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}
