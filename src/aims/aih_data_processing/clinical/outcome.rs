//! Outcomes: did what was hoped for, or feared, come about?
//!
//! | `Outcome` | Rule | Source |
//! | --- | --- | --- |
//! | `Readmission30Days` | an inpatient stay that begins 1 to 30 days after the discharge from another, whatever the cause; stays that touch (transfers) are one | Horwitz L et al., Hospital-Wide All-Cause Unplanned Readmission Measure, CMS/YNHHSC-CORE, 2012, without its exclusion of planned stays |
//! | `GlycaemicControl` | newest HbA1c below 53 mmol/mol (7 %) | American Diabetes Association, Standards of Care in Diabetes 2024, section 6, Diabetes Care 47(S1):S111-S125 |
//! | `BloodPressureControl` | newest pressure below 140/90 mmHg, from 80 years on below 150/90 | NICE guideline NG136, Hypertension in adults, 2019 |
//!
//! What lies less than 30 days before the date asked about cannot be judged yet and is said to be open.

use serde::Serialize;
use serde_json::{Map, Value};
use time::Date;

use super::{
    condition::age,
    date_asked::date_asked,
    error::ClinicalError,
    measurement::{Measurement, measurements, newest_value},
    moment::{Moment, Precision},
    record::Record,
};

const HBA1C_BELOW_MMOL_PER_MOL: f64 = 53.0;
const SYSTOLIC_BELOW_MM_HG: (f64, f64) = (140.0, 150.0);
const DIASTOLIC_BELOW_MM_HG: f64 = 90.0;
const OLD_FROM_YEARS: i32 = 80;
const READMISSION_DAYS: i64 = 30;

/// What came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Answer {
    /// It did.
    Yes,
    /// It did not.
    No,
    /// Too early to say.
    Open,
}

/// A discharge with what followed.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Discharge {
    /// Encounters of the stay, transfers included.
    pub stay: Vec<String>,
    /// Day of discharge.
    pub discharged: String,
    /// Whether a stay began within 30 days.
    pub readmitted: Answer,
    /// Days until the next stay, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_to_next_stay: Option<i64>,
}

/// Result of `ClinicalOutcomeDerivation`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outcome {
    /// Which outcome.
    pub outcome: &'static str,
    /// The date it speaks of.
    pub at: String,
    /// Whether it came about (of several discharges: after any).
    pub answer: Answer,
    /// Each discharge.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub discharges: Vec<Discharge>,
    /// The measurements that were used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub used: Vec<Measurement>,
    /// The rule that was applied.
    pub rule: String,
}

/// Derives the outcome that the parameter `Outcome` names, readmission unless told.
///
/// # Errors
/// [`ClinicalError::Missing`] when the record lacks what the rule needs, [`ClinicalError::Parameter`] for another outcome.
pub fn outcome(record: &Record, parameters: &Map<String, Value>) -> Result<Outcome, ClinicalError> {
    let at = date_asked(record, parameters)?;
    match parameters.get("Outcome").map_or(Some("Readmission30Days"), Value::as_str) {
        Some("Readmission30Days") => readmission(record, &at),
        Some("GlycaemicControl") => glycaemic_control(record, &at),
        Some("BloodPressureControl") => blood_pressure_control(record, &at),
        _ => Err(ClinicalError::Parameter {
            name: "Outcome",
            reason: "it is Readmission30Days, GlycaemicControl or BloodPressureControl",
        }),
    }
}

fn missing(analysis: &'static str, what: &str) -> ClinicalError {
    ClinicalError::Missing { analysis, missing: vec![what.to_owned()] }
}

fn glycaemic_control(record: &Record, at: &Moment) -> Result<Outcome, ClinicalError> {
    const NAME: &str = "GlycaemicControl";
    const HBA1C: &str = "haemoglobin A1c";
    let all = measurements(record, &[HBA1C])?;
    let hba1c = newest_value(&all, HBA1C, at, NAME)?.ok_or_else(|| missing(NAME, HBA1C))?;
    // 7.0 % are 52.99… mmol/mol by the master equation: compared as laboratories report, in whole mmol/mol.
    let below = hba1c.value.round() < HBA1C_BELOW_MMOL_PER_MOL;
    Ok(Outcome {
        outcome: NAME,
        at: at.text(),
        answer: if below { Answer::Yes } else { Answer::No },
        discharges: Vec::new(),
        used: vec![hba1c.clone()],
        rule: format!("newest HbA1c below {HBA1C_BELOW_MMOL_PER_MOL} mmol/mol"),
    })
}

fn blood_pressure_control(record: &Record, at: &Moment) -> Result<Outcome, ClinicalError> {
    const NAME: &str = "BloodPressureControl";
    const SYSTOLIC: &str = "systolic blood pressure";
    const DIASTOLIC: &str = "diastolic blood pressure";
    let all = measurements(record, &[SYSTOLIC, DIASTOLIC])?;
    let systolic = newest_value(&all, SYSTOLIC, at, NAME)?.ok_or_else(|| missing(NAME, SYSTOLIC))?;
    let same_reading = |m: &&Measurement| m.name == DIASTOLIC && m.at == systolic.at && m.bound.is_none();
    let diastolic =
        all.iter().rfind(same_reading).ok_or_else(|| missing(NAME, "diastolic pressure of the same reading"))?;
    let limit = match age(record, &systolic.at)? {
        Some((_, most)) if most < OLD_FROM_YEARS => SYSTOLIC_BELOW_MM_HG.0,
        Some((least, _)) if least >= OLD_FROM_YEARS => SYSTOLIC_BELOW_MM_HG.1,
        _ => return Err(missing(NAME, "age, exactly enough to tell it from 80")),
    };
    let below = systolic.value < limit && diastolic.value < DIASTOLIC_BELOW_MM_HG;
    Ok(Outcome {
        outcome: NAME,
        at: at.text(),
        answer: if below { Answer::Yes } else { Answer::No },
        discharges: Vec::new(),
        used: vec![systolic.clone(), diastolic.clone()],
        rule: format!("newest pressure below {limit}/{DIASTOLIC_BELOW_MM_HG} mmHg"),
    })
}

/// An inpatient stay: first and last day, and its Encounters.
struct Stay {
    from: Date,
    to: Option<Date>,
    encounters: Vec<String>,
}

fn readmission(record: &Record, at: &Moment) -> Result<Outcome, ClinicalError> {
    let stays = joined(stays(record, at)?);
    if stays.is_empty() {
        return Err(missing("Readmission30Days", "an inpatient Encounter with its period to the day"));
    }
    let mut discharges = Vec::new();
    for (index, stay) in stays.iter().enumerate() {
        let Some(to) = stay.to else { continue };
        let days = stays.get(index + 1).map(|next| (next.from - to).whole_days());
        let readmitted = match days {
            Some(days) if days <= READMISSION_DAYS => Answer::Yes,
            _ if (at.days().1 - to).whole_days() >= READMISSION_DAYS => Answer::No,
            _ => Answer::Open,
        };
        discharges.push(Discharge {
            stay: stay.encounters.clone(),
            discharged: to.to_string(),
            readmitted,
            days_to_next_stay: days,
        });
    }
    let any = |answer| discharges.iter().any(|d| d.readmitted == answer);
    let answer = if any(Answer::Yes) {
        Answer::Yes
    } else if any(Answer::Open) || discharges.is_empty() {
        Answer::Open
    } else {
        Answer::No
    };
    let rule = "an inpatient stay of any cause that begins within 30 days of a discharge".to_owned();
    Ok(Outcome { outcome: "Readmission30Days", at: at.text(), answer, discharges, used: Vec::new(), rule })
}

fn stays(record: &Record, at: &Moment) -> Result<Vec<Stay>, ClinicalError> {
    let mut stays = Vec::new();
    for encounter in record.of_kind("Encounter") {
        let class = encounter.body.get("class").and_then(|class| class.get("code")).and_then(Value::as_str);
        let status = encounter.body.get("status").and_then(Value::as_str);
        if !matches!(class, Some("IMP" | "ACUTE" | "NONAC"))
            || !matches!(status, Some("finished" | "in-progress" | "onleave"))
        {
            continue;
        }
        let inexact = || ClinicalError::Element {
            place: encounter.place(),
            element: "period",
            reason: "an inpatient stay needs its period to the day",
        };
        let period = encounter.body.get("period").and_then(Value::as_object).ok_or_else(inexact)?;
        let day = |element| -> Result<Option<Date>, ClinicalError> {
            match Moment::in_map(period, element, || encounter.place())? {
                Some(moment) if moment.precision < Precision::Day => Err(inexact()),
                moment => Ok(moment.map(|moment| moment.days().0)),
            }
        };
        let from = day("start")?.ok_or_else(inexact)?;
        let to = day("end")?;
        // One that is finished and does not say when would swallow every stay after it.
        if to.is_some_and(|to| to < from) || (to.is_none() && status == Some("finished")) {
            return Err(inexact());
        }
        if from <= at.days().1 {
            stays.push(Stay { from, to: to.filter(|to| *to <= at.days().1), encounters: vec![encounter.name()] });
        }
    }
    stays.sort_by_key(|stay| (stay.from, stay.to));
    Ok(stays)
}

/// Stays that touch or overlap become one.
fn joined(stays: Vec<Stay>) -> Vec<Stay> {
    let mut joined: Vec<Stay> = Vec::new();
    for stay in stays {
        match joined.last_mut() {
            Some(last) if last.to.is_none_or(|to| stay.from <= to) => {
                last.to = match (last.to, stay.to) {
                    (Some(a), Some(b)) => Some(a.max(b)),
                    _ => None,
                };
                last.encounters.extend(stay.encounters);
            }
            _ => joined.push(stay),
        }
    }
    joined
}
