//! Clinical records of the AIH Data Processing SubAIM: FHIR R4 in its JSON form.
//!
//! ```text
//! payload ─ reading ─▶ resources ─ record ─▶ one patient's record ─┬─ condition ───▶ ConditionDetection
//!          (Bundle,     (reference: who      (mixed: refused)      ├─ cha2ds2_vasc,
//!           NDJSON,      points where)                             │  has_bled ────▶ RiskAssessment
//!           resource)                                              ├─ news2 ───────▶ EarlyWarning
//!                                                                  ├─ outcome ─────▶ Outcome
//!                                                                  └─ phenotype ───▶ DiabetesPhenotype
//! ```
//!
//! | Processing type of the standard | Method |
//! | --- | --- |
//! | `ClinicalConditionDetection` | code lists ([`condition`]) |
//! | `ClinicalRiskAssessment` | CHA₂DS₂-VASc ([`cha2ds2_vasc`]), HAS-BLED where the inputs are there ([`has_bled`]) |
//! | `ClinicalStateClassification` | NEWS2 ([`news2`]) |
//! | `ClinicalOutcomeDerivation` | readmission, control of glucose or pressure ([`outcome`]) |
//! | `ClinicalPhenotypeDerivation` | diabetes ([`phenotype`]) |
//!
//! Code lists, units, bands and groups of medicines are data with their sources, in `data/`. Nothing is guessed: what a
//! rule needs and the record lacks is named in the refusal. Times come from the record or a parameter, never from a clock.
//!
//! None of this is a diagnosis: the results say what the record documents, with the resources that were used.

pub mod cha2ds2_vasc;
pub mod concept;
pub mod condition;
pub mod date_asked;
mod error;
pub mod has_bled;
pub mod measurement;
pub mod medication;
pub mod moment;
pub mod news2;
pub mod observed;
pub mod outcome;
pub mod phenotype;
pub mod reading;
pub mod record;
pub mod reference;

#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::Value;

pub use error::ClinicalError;
pub use record::Record;

use crate::{
    aims::ai_modules::{input::Input, observations::Observations},
    domain::operation::Operation,
};

/// Result of `ClinicalRiskAssessment`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RiskAssessment {
    /// The date it speaks of.
    pub at: String,
    /// Risk of stroke with atrial fibrillation.
    #[serde(rename = "CHA2DS2VASc")]
    pub stroke: cha2ds2_vasc::StrokeRisk,
    /// Risk of major bleeding under anticoagulation.
    #[serde(rename = "HASBLED")]
    pub bleeding: has_bled::BleedingRisk,
}

/// Performs a processing type on a clinical record.
///
/// # Errors
/// What is wrong with the record or the parameters, in words.
pub fn run(input: &Input<'_>) -> Result<Value, String> {
    perform(input).map_err(|error| error.to_string())
}

/// What can be judged in a clinical record.
///
/// # Errors
/// What is wrong with the record, in words.
pub fn observe(input: &Input<'_>) -> Result<Observations, String> {
    let record = Record::read_to_judge(input.format, input.payload).map_err(|error| error.to_string())?;
    observed::observed(&record).map_err(|error| error.to_string())
}

/// The result, and in it how many resources were left out because they do not name the patient.
fn perform(input: &Input<'_>) -> Result<Value, ClinicalError> {
    let record = Record::read_to_judge(input.format, input.payload)?;
    let mut result = analyse(&record, input)?;
    if let (Value::Object(result), count @ 1..) = (&mut result, record.left_out()) {
        result.insert(LEFT_OUT.to_owned(), Value::from(count));
    }
    Ok(result)
}

/// In a result: resources of the kinds that are read which do not name the patient. Absent where there are none.
const LEFT_OUT: &str = "LeftOutResourceCount";

fn analyse(record: &Record, input: &Input<'_>) -> Result<Value, ClinicalError> {
    match input.operation {
        Operation::ClinicalConditionDetection => {
            let at = date_asked::date_asked(record, input.parameters)?;
            let mut conditions = condition::Conditions::of(record, &at)?;
            conditions.add_body_mass_index(record, &at)?;
            value(&conditions.into_result(&at))
        }
        Operation::ClinicalRiskAssessment => value(&assess_risk(record, input)?),
        Operation::ClinicalStateClassification => value(&news2::early_warning(record, input.parameters)?),
        Operation::ClinicalOutcomeDerivation => value(&outcome::outcome(record, input.parameters)?),
        Operation::ClinicalPhenotypeDerivation => value(&phenotype::diabetes(record, input.parameters)?),
        _ => Err(ClinicalError::Operation),
    }
}

fn assess_risk(record: &Record, input: &Input<'_>) -> Result<RiskAssessment, ClinicalError> {
    let at = date_asked::date_asked(record, input.parameters)?;
    if deceased(record, &at)? {
        return Err(ClinicalError::NotApplicable {
            analysis: "a risk assessment",
            reason: "the person has died by then",
        });
    }
    let conditions = condition::Conditions::of(record, &at)?;
    let wanted = [&[cha2ds2_vasc::EJECTION_FRACTION], has_bled::MEASURES.as_slice()].concat();
    let measured = measurement::measurements(record, &wanted)?;
    Ok(RiskAssessment {
        at: at.text(),
        stroke: cha2ds2_vasc::stroke_risk(record, &conditions, &measured, &at)?,
        bleeding: has_bled::bleeding_risk(record, &conditions, &measured, &at)?,
    })
}

fn deceased(record: &Record, at: &moment::Moment) -> Result<bool, ClinicalError> {
    let Some(patient) = record.patient() else { return Ok(false) };
    let died = moment::Moment::in_map(patient, "deceasedDateTime", || "Patient".to_owned())?;
    let flagged = patient.get("deceasedBoolean").and_then(Value::as_bool) == Some(true);
    Ok(died.map_or(flagged, |died| !died.is_after(at)))
}

fn value<T: Serialize>(result: &T) -> Result<Value, ClinicalError> {
    serde_json::to_value(result).map_err(|_| ClinicalError::Operation)
}
