//! What a treatment (de-identification or anonymisation of one format) is given and gives back.
//!
//! A treatment claims only the status it can prove, and says what it changed without saying what stood there.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::pseudonyms::Pseudonyms;
use crate::{domain::taxonomy::DataStatus, schema::wire::DataFormat};

/// What a treatment is given.
#[derive(Debug)]
pub struct Treatment<'a> {
    /// Format of the payload, as its Qualifier says.
    pub format: DataFormat,
    /// Parameters of the request.
    pub parameters: &'a Map<String, Value>,
    /// The whole payload.
    pub payload: &'a [u8],
    /// Pseudonyms for one recipient.
    pub pseudonyms: &'a Pseudonyms,
}

/// What a treatment gives back.
#[derive(Debug, Clone, PartialEq)]
pub struct Treated {
    /// The treated payload, in the same format.
    pub payload: Vec<u8>,
    /// The status it proved; of a single person's record at most `Pseudonymised`.
    pub status: DataStatus,
    /// What was changed, never the values removed.
    pub steps: Vec<Step>,
    /// What was reached and what was lost: `k`, `l`, suppressed rows, information loss.
    pub measures: Vec<Measure>,
    /// What remains a risk, in words.
    pub residual: Vec<String>,
    /// Original and pseudonym, to be sealed under the End User's key.
    pub mapping: Vec<Mapped>,
}

/// One kind of change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Step {
    /// Word of the taxonomy's `DataProcessTechnique`.
    pub technique: &'static str,
    /// By which rule, e.g. `PS3.15 E.1-1 (0010,0010): Z`.
    pub rule: String,
    /// How often.
    pub count: u64,
}

/// One figure of a treatment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Measure {
    /// What it measures.
    pub name: String,
    /// Its value.
    pub value: f64,
}

/// One pseudonym and what it stands for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Mapped {
    /// What kind of identifier.
    pub kind: String,
    /// The identifier.
    pub original: String,
    /// What stands in its place.
    pub pseudonym: String,
}

/// Identifiers do not reach a log.
impl std::fmt::Debug for Mapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mapped").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// All of [`Treated`] but the payload, as it comes out of the child process.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Outcome {
    /// The status it proved.
    pub status: DataStatus,
    /// What was changed.
    pub steps: Vec<StepDone>,
    /// What was reached and what was lost.
    pub measures: Vec<Measure>,
    /// What remains a risk.
    pub residual: Vec<String>,
    /// Original and pseudonym.
    pub mapping: Vec<Mapped>,
    /// Length of the treated payload, in bytes.
    pub length: u64,
}

/// A [`Step`] as it comes out of the child process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct StepDone {
    /// Word of the taxonomy's `DataProcessTechnique`.
    pub technique: String,
    /// By which rule.
    pub rule: String,
    /// How often.
    pub count: u64,
}

/// All of [`Treated`] but the payload, as the child process says it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Said<'a> {
    status: DataStatus,
    steps: &'a [Step],
    measures: &'a [Measure],
    residual: &'a [String],
    mapping: &'a [Mapped],
    length: u64,
}

impl<'a> From<&'a Treated> for Said<'a> {
    fn from(treated: &'a Treated) -> Self {
        let Treated { payload, status, steps, measures, residual, mapping } = treated;
        Self { status: *status, steps, measures, residual, mapping, length: payload.len() as u64 }
    }
}
