//! A diabetes phenotype from three kinds of evidence: codes, laboratory values and medicines.
//!
//! The way of combining them follows the idea of Kho AN et al., Use of diverse electronic medical record systems to
//! identify genetic risk for type 2 diabetes within a genome-wide association study, JAMIA 19(2):212-218, 2012 (eMERGE),
//! strongly simplified, and is our own rule, **HBE-Diabetes-1**. Laboratory limits: HbA1c of 48 mmol/mol (6.5 %) or more,
//! fasting glucose of 7.0 mmol/L or more (WHO 2011; ADA, Diabetes Care 47(S1):S20-S42, 2024); without symptoms two
//! abnormal results are needed. ADA accepts two different tests of one sample as well; ours asks for two days and is
//! narrower.
//!
//! | Codes | Laboratory or medicines | Phenotype |
//! | --- | --- | --- |
//! | type 2, not type 1 | at least one of them | `Type2Diabetes` |
//! | type 1, not type 2 | insulin | `Type1Diabetes` |
//! | types 1 and 2 | any | `Conflicting` |
//! | type 1 or another, not type 2 | abnormal, and for type 1 no insulin | `DiabetesTypeUndetermined` |
//! | any type | none that supports it; of another type a medicine alone supports nothing | `DiabetesByCodeOnly` |
//! | none | abnormal on two days, or one abnormal and a glucose-lowering medicine | `DiabetesTypeUndetermined` |
//! | none | less than that | `NoEvidenceOfDiabetes`, if a laboratory value is there at all |

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    condition::{Conditions, Evidence},
    date_asked::date_asked,
    error::ClinicalError,
    measurement::{Bound, Measurement, measurements},
    medication::{Taken, taken},
    record::Record,
};

const NAME: &str = "the diabetes phenotype";
const MEASURES: [&str; 2] = ["haemoglobin A1c", "fasting glucose"];
const HBA1C_FROM_MMOL_PER_MOL: f64 = 48.0;
const FASTING_GLUCOSE_FROM_MMOL_PER_L: f64 = 7.0;

/// The phenotypes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Phenotype {
    /// Type 1, coded and treated with insulin.
    Type1Diabetes,
    /// Type 2, coded and supported by laboratory or medicines.
    Type2Diabetes,
    /// Diabetes by laboratory (and medicines), no type coded.
    DiabetesTypeUndetermined,
    /// Coded, and nothing else supports it.
    DiabetesByCodeOnly,
    /// Both types are coded.
    Conflicting,
    /// Measured, and nothing speaks for diabetes.
    NoEvidenceOfDiabetes,
}

impl Phenotype {
    /// The SNOMED CT concept of it, where there is one.
    pub fn snomed_ct(self) -> Option<&'static str> {
        match self {
            Self::Type1Diabetes => Some("46635009"),
            Self::Type2Diabetes => Some("44054006"),
            Self::DiabetesTypeUndetermined => Some("73211009"),
            _ => None,
        }
    }
}

/// Result of `ClinicalPhenotypeDerivation`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DiabetesPhenotype {
    /// The phenotype.
    pub phenotype: Phenotype,
    /// The same as a code where SNOMED CT has one.
    #[serde(rename = "SNOMEDCT", skip_serializing_if = "Option::is_none")]
    pub snomed_ct: Option<&'static str>,
    /// The date it speaks of.
    pub at: String,
    /// Codes used.
    pub coded: Vec<Evidence>,
    /// Laboratory values at or above a limit.
    pub abnormal: Vec<Measurement>,
    /// Laboratory values below the limits.
    pub normal_count: usize,
    /// Resources with insulin.
    pub insulin: Vec<String>,
    /// Resources with other glucose-lowering medicines.
    pub other_medicines: Vec<String>,
    /// Resources with a medicine of which it cannot be told whether it lowers glucose: without an ATC code, and with no
    /// code on a list.
    pub unread_medicine_count: usize,
    /// The rule.
    pub rule: &'static str,
}

/// Derives it.
///
/// # Errors
/// [`ClinicalError::Missing`] when the record has neither a code nor a laboratory value to judge by, or a laboratory value is
/// a bound that leaves open whether it is normal.
pub fn diabetes(record: &Record, parameters: &Map<String, Value>) -> Result<DiabetesPhenotype, ClinicalError> {
    let at = date_asked(record, parameters)?;
    let conditions = Conditions::of(record, &at)?;
    let coded = |name: &str| conditions.evidence(name).into_iter().cloned().collect::<Vec<_>>();
    let (type_1, type_2, other) = (coded("DiabetesType1"), coded("DiabetesType2"), coded("DiabetesOther"));
    let measured = measurements(record, &MEASURES)?.into_iter().filter(|m| m.at.first <= at.last && limit(m).is_some());
    let measured: Vec<Measurement> = measured.collect();
    // A bound that is not surely normal might be what decides.
    if let Some(open) = measured.iter().find(|m| m.bound.is_some() && !is_surely_normal(m)) {
        let missing = vec![format!("{} as a value (one is only a bound)", open.name)];
        return Err(ClinicalError::Missing { analysis: NAME, missing });
    }
    // Compared as laboratories report: 6.5 % are 47.5 mmol/mol by the master equation and mean 48.
    let (abnormal, normal): (Vec<_>, Vec<_>) =
        measured.into_iter().partition(|m| !is_surely_normal(m) && limit(m).is_some_and(|limit| rounded(m) >= limit));
    let Taken { found: insulin, unread_count } = taken(record, "Insulin", &at)?;
    let other_medicines = taken(record, "GlucoseLoweringExceptInsulin", &at)?.found;
    let days = abnormal.iter().map(|m| m.at.days().0).collect::<std::collections::BTreeSet<_>>().len();
    let treated = !insulin.is_empty() || !other_medicines.is_empty();
    let any_code = !(type_1.is_empty() && type_2.is_empty() && other.is_empty());
    let phenotype = match (type_1.is_empty(), type_2.is_empty()) {
        (false, false) => Phenotype::Conflicting,
        (true, false) if !abnormal.is_empty() || treated => Phenotype::Type2Diabetes,
        (false, true) if !insulin.is_empty() => Phenotype::Type1Diabetes,
        _ if days >= 2 || (days == 1 && (treated || any_code)) => Phenotype::DiabetesTypeUndetermined,
        _ if any_code => Phenotype::DiabetesByCodeOnly,
        _ if !(abnormal.is_empty() && normal.is_empty()) => Phenotype::NoEvidenceOfDiabetes,
        _ => {
            let missing = vec!["a diabetes code, HbA1c or fasting glucose".to_owned()];
            return Err(ClinicalError::Missing { analysis: NAME, missing });
        }
    };
    Ok(DiabetesPhenotype {
        phenotype,
        snomed_ct: phenotype.snomed_ct(),
        at: at.text(),
        coded: [type_1, type_2, other].concat(),
        normal_count: normal.len(),
        abnormal,
        insulin,
        other_medicines,
        unread_medicine_count: unread_count,
        rule: "HBE-Diabetes-1",
    })
}

fn limit(measurement: &Measurement) -> Option<f64> {
    match measurement.name {
        "haemoglobin A1c" => Some(HBA1C_FROM_MMOL_PER_MOL),
        "fasting glucose" => Some(FASTING_GLUCOSE_FROM_MMOL_PER_L),
        _ => None,
    }
}

/// Of a bound: whether the value lies below the limit, whatever it is.
fn is_surely_normal(measurement: &Measurement) -> bool {
    measurement.bound == Some(Bound::Below) && limit(measurement).is_some_and(|limit| measurement.value <= limit)
}

fn rounded(measurement: &Measurement) -> f64 {
    match measurement.name {
        "haemoglobin A1c" => measurement.value.round(),
        _ => (measurement.value * 10.0).round() / 10.0,
    }
}
