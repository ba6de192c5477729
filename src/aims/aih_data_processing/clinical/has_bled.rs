//! **HAS-BLED**: risk of major bleeding under anticoagulation, 0 to 9 points.
//!
//! Pisters R, Lane DA, Nieuwlaat R, de Vos CB, Crijns HJGM, Lip GYH. A novel user-friendly score (HAS-BLED) to assess
//! 1-year risk of major bleeding in patients with atrial fibrillation: the Euro Heart Survey. Chest 138(5):1093-1100, 2010.
//!
//! | Letter | Input | Points |
//! | --- | --- | --- |
//! | H | systolic pressure above 160 mmHg | 1 |
//! | A | renal: dialysis, transplant, creatinine of 200 µmol/L or more; hepatic: cirrhosis, or bilirubin above twice with ALT above three times the upper reference limit | 1 + 1 |
//! | S | stroke, ischaemic or haemorrhagic; a transient attack is none | 1 |
//! | B | major bleeding other than a haemorrhagic stroke, or a disposition to it, or anaemia | 1 |
//! | L | labile INR: less than 60 % of time in range, only under a vitamin K antagonist | 1 |
//! | E | older than 65 years | 1 |
//! | D | antiplatelet or anti-inflammatory drugs; 8 or more alcoholic drinks a week | 1 + 1 |
//!
//! Two places are narrower than the paper, which names aspartate aminotransferase and alkaline phosphatase beside ALT and
//! does not say from which haemoglobin on blood is anaemic: ours takes ALT alone, and anaemia only as a coded diagnosis.
//! The definitions were checked against the table as reviews print it (PMC9340656), not in the paper itself.
//!
//! A record seldom has all of it. What decides and is missing is named, and the score is then not given: a low score made
//! of unknowns would be a wrong comfort. That goes for medicines as well: RxNorm has a code for each strength and product, of
//! which the list holds few, so that a medicine without an ATC code and with none of the listed leaves the answer open.

use serde::Serialize;

use super::{
    cha2ds2_vasc::Factor,
    condition::{Conditions, age},
    error::ClinicalError,
    measurement::{Measurement, newest},
    medication::{Taken, taken},
    moment::Moment,
    record::Record,
};

/// The measures that are read.
pub const MEASURES: [&str; 5] =
    ["systolic blood pressure", "creatinine", "bilirubin", "alanine aminotransferase", "alcohol"];
const SYSTOLIC_ABOVE_MM_HG: f64 = 160.0;
const CREATININE_FROM_UMOL_PER_L: f64 = 200.0;
const ELDERLY_ABOVE_YEARS: i32 = 65;
const DRINKS_PER_WEEK_FROM: f64 = 8.0;
/// ICD-10-CM: personal history of transient ischaemic attack *and* cerebral infarction; the code does not say which.
const EITHER_ATTACK_OR_STROKE: [&str; 2] = ["Z86.73", "Z8673"];

/// HAS-BLED of one person at one date, or why it is not given.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BleedingRisk {
    /// Points, 0 to 9; absent when an input is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
    /// What each known input gave.
    pub factors: Vec<Factor>,
    /// What is missing.
    pub missing: Vec<&'static str>,
    /// Condition resources whose codes are on no list.
    pub unlisted_condition_count: usize,
}

/// What is known of an input: the resources that prove it, nothing found although measured, or not measured.
enum Known {
    Yes(Vec<String>),
    No(Vec<String>),
    Unknown(&'static str),
}

/// Computes it as far as the record allows.
///
/// # Errors
/// [`ClinicalError`] when a used element is not what FHIR allows.
pub fn bleeding_risk(
    record: &Record,
    conditions: &Conditions,
    measured: &[Measurement],
    at: &Moment,
) -> Result<BleedingRisk, ClinicalError> {
    let coded = |name: &str| -> Vec<String> { conditions.evidence(name).iter().map(|e| e.resource.clone()).collect() };
    let either = |proof: Vec<String>| if proof.is_empty() { Known::No(proof) } else { Known::Yes(proof) };
    let bleeding = either([coded("MajorBleeding"), coded("Anaemia")].concat());
    let vitamin_k_antagonist = taken(record, "VitaminKAntagonist", at)?;
    let labile = match medicine(vitamin_k_antagonist, "whether medicines without an ATC code are vitamin K antagonists")
    {
        Known::Yes(_) => Known::Unknown("time in therapeutic range of the INR"),
        open => open,
    };
    let drugs = taken(record, "AntiplateletOrAntiInflammatory", at)?;
    let drugs = medicine(drugs, "whether medicines without an ATC code are antiplatelet or anti-inflammatory");
    let above = |name, bound: f64, what| match newest(measured, name, at) {
        // A bound is no value, and an older value is not the newest.
        Some(m) if m.bound.is_some() => Known::Unknown(what),
        Some(m) if m.value >= bound => Known::Yes(vec![m.resource.clone()]),
        Some(m) => Known::No(vec![m.resource.clone()]),
        None => Known::Unknown(what),
    };
    let hypertension = above("systolic blood pressure", SYSTOLIC_ABOVE_MM_HG.next_up(), "systolic blood pressure");
    let renal = match coded("RenalReplacement") {
        proof if proof.is_empty() => above("creatinine", CREATININE_FROM_UMOL_PER_L, "creatinine"),
        proof => Known::Yes(proof),
    };
    let inputs = [
        ("uncontrolled hypertension", hypertension),
        ("abnormal renal function", renal),
        ("abnormal liver function", liver(coded("LiverCirrhosis"), measured, at)),
        ("stroke", stroke(conditions)),
        ("bleeding", bleeding),
        ("labile INR", labile),
        ("elderly", elderly(record, at)?),
        ("drugs", drugs),
        (
            "alcohol",
            above("alcohol", DRINKS_PER_WEEK_FROM, "alcoholic drinks a week (LOINC 44940-5) or a day (74013-4)"),
        ),
    ];
    Ok(BleedingRisk { unlisted_condition_count: conditions.unlisted(), ..sum(inputs) })
}

/// Whether a medicine is taken; one that could not be told apart leaves it open.
fn medicine(taken: Taken, open: &'static str) -> Known {
    match (taken.found.is_empty(), taken.unread_count) {
        (false, _) => Known::Yes(taken.found),
        (true, 0) => Known::No(Vec::new()),
        (true, _) => Known::Unknown(open),
    }
}

fn elderly(record: &Record, at: &Moment) -> Result<Known, ClinicalError> {
    Ok(match age(record, at)? {
        Some((least, _)) if least > ELDERLY_ABOVE_YEARS => Known::Yes(vec![record.patient_name()]),
        Some((_, most)) if most <= ELDERLY_ABOVE_YEARS => Known::No(vec![record.patient_name()]),
        _ => Known::Unknown("age, exactly enough to tell it from 65"),
    })
}

fn stroke(conditions: &Conditions) -> Known {
    let strokes = ["IschaemicOrUnspecifiedStroke", "HaemorrhagicStroke"].map(|name| conditions.evidence(name)).concat();
    let attacks = conditions.evidence("TransientIschaemicAttackOrEmbolism");
    let unclear = attacks.iter().any(|e| EITHER_ATTACK_OR_STROKE.contains(&e.code.to_ascii_uppercase().as_str()));
    match strokes.is_empty() {
        false => Known::Yes(strokes.iter().map(|e| e.resource.clone()).collect()),
        true if unclear => Known::Unknown("whether Z86.73 was a cerebral infarction or a transient attack"),
        true => Known::No(Vec::new()),
    }
}

fn liver(cirrhosis: Vec<String>, measured: &[Measurement], at: &Moment) -> Known {
    if !cirrhosis.is_empty() {
        return Known::Yes(cirrhosis);
    }
    let times = |name| {
        let measurement = newest(measured, name, at).filter(|measurement| measurement.bound.is_none())?;
        Some((measurement.value / measurement.reference_high.filter(|high| *high > 0.0)?, measurement.resource.clone()))
    };
    match (times("bilirubin"), times("alanine aminotransferase")) {
        (Some((bilirubin, a)), Some((alt, b))) if bilirubin > 2.0 && alt > 3.0 => Known::Yes(vec![a, b]),
        (Some((_, a)), Some((_, b))) => Known::No(vec![a, b]),
        _ => Known::Unknown("bilirubin and ALT with their reference ranges"),
    }
}

fn sum(inputs: [(&'static str, Known); 9]) -> BleedingRisk {
    let (mut factors, mut missing) = (Vec::new(), Vec::new());
    for (name, known) in inputs {
        match known {
            Known::Yes(used) => factors.push(Factor { name, points: 1, used }),
            Known::No(used) => factors.push(Factor { name, points: 0, used }),
            Known::Unknown(what) => missing.push(what),
        }
    }
    let score = missing.is_empty().then(|| factors.iter().map(|factor| factor.points).sum());
    BleedingRisk { score, factors, missing, unlisted_condition_count: 0 }
}
