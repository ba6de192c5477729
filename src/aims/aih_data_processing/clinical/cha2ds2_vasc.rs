//! **CHA₂DS₂-VASc**: risk of stroke with atrial fibrillation, 0 to 9 points.
//!
//! Lip GYH, Nieuwlaat R, Pisters R, Lane DA, Crijns HJGM. Refining clinical risk stratification for predicting stroke and
//! thromboembolism in atrial fibrillation using a novel risk factor-based approach: the Euro Heart Survey on Atrial
//! Fibrillation. Chest 137(2):263-272, 2010.
//!
//! | Letter | Input | Points |
//! | --- | --- | --- |
//! | C | heart failure, or left ventricular ejection fraction of 40 % or less | 1 |
//! | H | hypertension | 1 |
//! | A₂ | age of 75 or more | 2 |
//! | D | diabetes | 1 |
//! | S₂ | stroke, transient ischaemic attack or thromboembolism, ever | 2 |
//! | V | myocardial infarction, peripheral artery disease or aortic plaque, ever | 1 |
//! | A | age of 65 to 74 | 1 |
//! | Sc | female sex | 1 |
//!
//! Age and sex must be known. What is only known to a year may leave two ages possible; then the score is given only if
//! both give the same.

use serde::Serialize;

use super::{
    condition::{Conditions, age, sex},
    error::ClinicalError,
    measurement::{Measurement, newest_value},
    moment::Moment,
    record::Record,
};

const NAME: &str = "CHA2DS2-VASc";
/// The measure that is read.
pub const EJECTION_FRACTION: &str = "left ventricular ejection fraction";
/// Percent; Lip 2010. The paper itself was not at hand: the sources that were name moderate to severe dysfunction of the
/// left ventricle, some as an ejection fraction of 40 % or less, some as below 40 %.
const REDUCED_EJECTION_FRACTION_UP_TO: f64 = 40.0;

/// One input of a score with what it gave.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Factor {
    /// Its name in the score.
    pub name: &'static str,
    /// Points given.
    pub points: u8,
    /// The resources that were used.
    pub used: Vec<String>,
}

/// CHA₂DS₂-VASc of one person at one date.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StrokeRisk {
    /// Points, 0 to 9.
    pub score: u8,
    /// What each input gave.
    pub factors: Vec<Factor>,
    /// Inputs the record says nothing about, taken as absent.
    pub assumed_absent: Vec<&'static str>,
    /// Inputs that were not measured.
    pub missing: Vec<&'static str>,
    /// Whether the record documents atrial fibrillation, which the score was made for.
    pub atrial_fibrillation_documented: bool,
    /// Condition resources whose codes are on no list: what "says nothing" was not read from.
    pub unlisted_condition_count: usize,
}

/// Computes it.
///
/// # Errors
/// [`ClinicalError::Missing`] when age or sex is unknown or too inexactly known, or the newest ejection fraction is only a
/// bound.
pub fn stroke_risk(
    record: &Record,
    conditions: &Conditions,
    measured: &[Measurement],
    at: &Moment,
) -> Result<StrokeRisk, ClinicalError> {
    let (years, female, patient) = age_and_sex(record, at)?;
    let mut factors = Vec::new();
    let mut assumed_absent = Vec::new();
    let mut missing = Vec::new();
    let mut add = |name, points: u8, used: Vec<String>| {
        if used.is_empty() {
            assumed_absent.push(name);
        }
        factors.push(Factor { name, points: if used.is_empty() { 0 } else { points }, used });
    };
    let of = |names: &[&str]| -> Vec<String> {
        names.iter().flat_map(|name| conditions.evidence(name)).map(|e| e.resource.clone()).collect()
    };
    let mut heart = of(&["HeartFailure"]);
    match newest_value(measured, EJECTION_FRACTION, at, NAME)? {
        Some(fraction) if fraction.value <= REDUCED_EJECTION_FRACTION_UP_TO => heart.push(fraction.resource.clone()),
        Some(_) => {}
        None => missing.push(EJECTION_FRACTION),
    }
    add("heart failure or reduced ejection fraction", 1, heart);
    add("hypertension", 1, of(&["Hypertension"]));
    add("diabetes", 1, of(&["DiabetesType1", "DiabetesType2", "DiabetesOther"]));
    let thromboembolism = of(&["IschaemicOrUnspecifiedStroke", "TransientIschaemicAttackOrEmbolism"]);
    add("stroke, transient ischaemic attack or thromboembolism", 2, thromboembolism);
    add("vascular disease", 1, of(&["VascularDisease"]));
    factors.push(Factor { name: "age", points: age_points(years.0), used: vec![patient.clone()] });
    factors.push(Factor { name: "female sex", points: u8::from(female), used: vec![patient] });
    Ok(StrokeRisk {
        score: factors.iter().map(|factor| factor.points).sum(),
        factors,
        assumed_absent,
        missing,
        atrial_fibrillation_documented: !conditions.evidence("AtrialFibrillation").is_empty(),
        unlisted_condition_count: conditions.unlisted(),
    })
}

fn age_points(years: i32) -> u8 {
    match years {
        75.. => 2,
        65..=74 => 1,
        _ => 0,
    }
}

/// Least and most age, whether female, and the Patient resource.
fn age_and_sex(record: &Record, at: &Moment) -> Result<((i32, i32), bool, String), ClinicalError> {
    let mut missing = Vec::new();
    let years = age(record, at)?;
    match years {
        None => missing.push("the date of birth".to_owned()),
        Some((least, most)) if age_points(least) != age_points(most) => {
            missing
                .push("a date of birth exact enough to tell on which side of 65 or 75 years the person is".to_owned());
        }
        Some(_) => {}
    }
    let sex = sex(record.patient());
    if !matches!(sex, Some("female" | "male")) {
        missing.push("sex (female or male)".to_owned());
    }
    match (years, sex, missing.is_empty()) {
        (Some(years), Some(sex), true) => {
            if years.1 < 18 {
                return Err(ClinicalError::NotApplicable { analysis: NAME, reason: "it was made for adults" });
            }
            Ok((years, sex == "female", record.patient_name()))
        }
        _ => Err(ClinicalError::Missing { analysis: NAME, missing }),
    }
}
