//! **NEWS2**, the National Early Warning Score 2: how ill an adult is, from seven observations at the bedside.
//!
//! Royal College of Physicians. National Early Warning Score (NEWS) 2. London: RCP, 2017. The bands are data
//! (`data/news2.json`, Chart 1), the answer to a score is Chart 2.
//!
//! All seven must have been taken within one window before the newest of them (parameter `WindowMinutes`, 60 unless told);
//! of each the newest counts. An incomplete set is refused: a missing observation is not a normal one, and an older one does
//! not stand for a newer that cannot be read (a bound, an answer on no list) or that another of its time contradicts. Scale 2 for oxygen
//! saturation is for hypercapnic respiratory failure and only by a clinician's decision: parameter `SpO2Scale`.
//! Not for children under 16 and not in pregnancy (RCP 2017, recommendations).

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::Duration;

use super::{
    concept::{LOINC, SNOMED_CT, codes},
    condition::{Conditions, age},
    error::ClinicalError,
    measurement::{Part, measurements, parts},
    moment::{Moment, Precision},
    record::Record,
};

const NAME: &str = "NEWS2";
const CONSCIOUSNESS: [&str; 2] = ["67775-7", "80288-4"];
const ON_OXYGEN: &str = "371825009";
const ON_AIR: &str = "722742002";
const YES: &str = "373066001";
const NO: &str = "373067005";
/// Percent of oxygen in room air, rounded up.
const ROOM_AIR_UP_TO: f64 = 21.0;

/// Upper ends of bands with their points; the last band has no upper end.
type Bands = Vec<(Option<f64>, u8)>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Chart {
    source: String,
    parameters: Vec<Row>,
    #[serde(rename = "SpO2Scale1")]
    scale_1: Bands,
    #[serde(rename = "SpO2Scale2Air")]
    scale_2_air: Bands,
    #[serde(rename = "SpO2Scale2Oxygen")]
    scale_2_oxygen: Bands,
    oxygen_points: u8,
    consciousness: Vec<Level>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Row {
    name: String,
    step: f64,
    bands: Bands,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Level {
    word: String,
    points: u8,
    codes: BTreeMap<String, Vec<String>>,
}

static CHART: LazyLock<Chart> = LazyLock::new(|| {
    // Cannot fail: the file is part of the program, and a test reads it.
    serde_json::from_str(include_str!("data/news2.json")).expect("news2.json fits its type")
});

/// What is to be done (Chart 2 and the thresholds of Chart 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ClinicalRisk {
    /// 0 to 4.
    Low,
    /// 3 in any one observation.
    LowMedium,
    /// 5 or 6.
    Medium,
    /// 7 or more.
    High,
}

/// One observation with its points.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Scored {
    /// What was observed.
    pub name: &'static str,
    /// The value in words or as a number.
    pub value: Value,
    /// UCUM unit of a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'static str>,
    /// Points, 0 to 3.
    pub points: u8,
    /// The Observation.
    pub resource: String,
}

/// Result of `ClinicalStateClassification`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EarlyWarning {
    /// Aggregate score, 0 to 20.
    pub score: u8,
    /// What is to be done.
    pub clinical_risk: ClinicalRisk,
    /// The scale for oxygen saturation that was used, 1 or 2.
    #[serde(rename = "SpO2Scale")]
    pub scale: u8,
    /// Time of the newest observation used.
    pub at: String,
    /// What each observation gave.
    pub observations: Vec<Scored>,
    /// What a reader must know.
    pub caveats: Vec<&'static str>,
    /// The source of the bands.
    pub source: &'static str,
}

/// An observation found, before it has points.
struct Found {
    name: &'static str,
    /// Null where it cannot be read.
    value: Value,
    number: f64,
    unit: Option<&'static str>,
    resource: String,
    at: Moment,
}

impl Found {
    /// One that was observed, and what cannot be told.
    fn unread(name: &'static str, resource: String, at: Moment) -> Self {
        Self { name, value: Value::Null, number: 0.0, unit: None, resource, at }
    }
}

/// Computes it.
///
/// # Errors
/// [`ClinicalError::Missing`] with every observation that is not there in the window, [`ClinicalError::NotApplicable`] for
/// children and in pregnancy.
pub fn early_warning(record: &Record, parameters: &Map<String, Value>) -> Result<EarlyWarning, ClinicalError> {
    let (scale, window) = (scale(parameters)?, window(parameters)?);
    let until = parameters.get("At").map(|_| super::date_asked::date_asked(record, parameters)).transpose()?;
    let mut found = find(record)?;
    found.retain(|f| f.at.precision == Precision::Second && until.is_none_or(|until| f.at.first <= until.last));
    let Some(newest) = found.iter().map(|f| f.at.first).max() else {
        let missing = NAMES.iter().map(|name| format!("{name} with a time of day")).collect();
        return Err(ClinicalError::Missing { analysis: NAME, missing });
    };
    found.retain(|f| newest - f.at.first <= window);
    // Of one time what cannot be read, so that it is not hidden.
    let newest_of =
        |name: &&str| found.iter().filter(|f| f.name == *name).max_by_key(|f| (f.at.first, f.value.is_null()));
    let taken = NAMES.map(|name| newest_of(&name));
    let missing: Vec<String> = NAMES.iter().zip(&taken).filter_map(|(name, taken)| lacks(name, *taken)).collect();
    if !missing.is_empty() {
        return Err(ClinicalError::Missing { analysis: NAME, missing });
    }
    agree(&found, &taken, scale)?;
    let at = found.iter().map(|f| f.at).find(|at| at.first == newest);
    let caveats = applies(record, at.as_ref())?;
    let observations = score(taken.into_iter().flatten(), scale);
    let total = observations.iter().map(|o| o.points).sum();
    Ok(EarlyWarning {
        score: total,
        clinical_risk: clinical_risk(total, observations.iter().any(|o| o.points == 3)),
        scale,
        at: at.map(|at| at.text()).unwrap_or_default(),
        observations,
        caveats,
        source: &CHART.source,
    })
}

/// What is missing of an observation.
fn lacks(name: &str, taken: Option<&Found>) -> Option<String> {
    match taken {
        None => Some(name.to_owned()),
        Some(found) if found.value.is_null() => Some(format!("{name} in a form that can be read (the newest is not)")),
        Some(_) => None,
    }
}

/// Refuses two observations of one time that give different points: nothing says which of them is true.
fn agree(found: &[Found], taken: &[Option<&Found>], scale: u8) -> Result<(), ClinicalError> {
    let oxygen = taken.iter().flatten().any(|f| f.name == OXYGEN && f.number > 0.0);
    for newest in taken.iter().flatten() {
        let same = found.iter().filter(|f| f.name == newest.name && f.at.first == newest.at.first);
        let mut points = same.map(|f| match f.name {
            OXYGEN => u8::from(f.number > 0.0),
            _ => points_of(f, scale, oxygen),
        });
        let first = points.next();
        if points.any(|other| Some(other) != first) {
            let missing = vec![format!("{} without a contradiction (two of one time differ)", newest.name)];
            return Err(ClinicalError::Missing { analysis: NAME, missing });
        }
    }
    Ok(())
}

const OXYGEN: &str = "supplemental oxygen";
const OXYGEN_FLOW: &str = "inhaled oxygen flow rate";
const OXYGEN_SHARE: &str = "inhaled oxygen concentration";
const SATURATION: &str = "oxygen saturation";
const AWARENESS: &str = "level of consciousness";
const NAMES: [&str; 7] =
    ["respiration rate", SATURATION, OXYGEN, "systolic blood pressure", "heart rate", AWARENESS, "body temperature"];

fn scale(parameters: &Map<String, Value>) -> Result<u8, ClinicalError> {
    match parameters.get("SpO2Scale").map(Value::as_u64) {
        None | Some(Some(1)) => Ok(1),
        Some(Some(2)) => Ok(2),
        Some(_) => Err(ClinicalError::Parameter { name: "SpO2Scale", reason: "it is 1 or 2" }),
    }
}

fn window(parameters: &Map<String, Value>) -> Result<Duration, ClinicalError> {
    match parameters.get("WindowMinutes").map(Value::as_i64) {
        None => Ok(Duration::minutes(60)),
        Some(Some(minutes @ 1..=1440)) => Ok(Duration::minutes(minutes)),
        Some(_) => Err(ClinicalError::Parameter { name: "WindowMinutes", reason: "it is a number from 1 to 1440" }),
    }
}

fn applies(record: &Record, at: Option<&Moment>) -> Result<Vec<&'static str>, ClinicalError> {
    let Some(at) = at else { return Ok(Vec::new()) };
    if !Conditions::of(record, at)?.evidence("Pregnancy").is_empty() {
        return Err(ClinicalError::NotApplicable { analysis: NAME, reason: "it is not for use in pregnancy" });
    }
    match age(record, at)? {
        Some((least, _)) if least < 16 => {
            Err(ClinicalError::NotApplicable { analysis: NAME, reason: "it is not for children under 16" })
        }
        Some(_) => Ok(Vec::new()),
        None => Ok(vec!["The age is not known; the score is not for children under 16"]),
    }
}

fn find(record: &Record) -> Result<Vec<Found>, ClinicalError> {
    let mut found = Vec::new();
    let wanted = [&NAMES[..], &[OXYGEN_FLOW, OXYGEN_SHARE]].concat();
    for m in measurements(record, &wanted)? {
        if m.bound.is_some() {
            let name = NAMES.into_iter().find(|known| *known == m.name).unwrap_or(OXYGEN);
            found.push(Found::unread(name, m.resource, m.at));
            continue;
        }
        let (name, value) = match m.name {
            OXYGEN_FLOW => (OXYGEN, m.value > 0.0),
            OXYGEN_SHARE => (OXYGEN, m.value > ROOM_AIR_UP_TO),
            name => {
                if let Some(name) = NAMES.into_iter().find(|known| *known == name) {
                    let (value, unit) = (Value::from(m.value), Some(m.unit));
                    found.push(Found { name, value, number: m.value, unit, resource: m.resource, at: m.at });
                }
                continue;
            }
        };
        found.push(on_oxygen(name, value, m.resource, m.at));
    }
    for part in parts(record)? {
        found.extend(coded(&part));
    }
    Ok(found)
}

fn on_oxygen(name: &'static str, yes: bool, resource: String, at: Moment) -> Found {
    let value = Value::from(if yes { "oxygen" } else { "air" });
    Found { name, value, number: f64::from(u8::from(yes)), unit: None, resource, at }
}

/// Consciousness, and oxygen where it is coded. An answer on no list is one that cannot be read; no answer is none.
fn coded(part: &Part<'_>) -> Option<Found> {
    let at = part.at?;
    let resource = part.observation.name();
    let answered = part.element.keys().any(|element| element.starts_with("value"));
    let unread = |name| answered.then(|| Found::unread(name, part.observation.name(), at));
    let answer = codes(part.element.get("valueCodeableConcept"));
    let says = |system: &str, code: &str| answer.iter().any(|c| c.system == system && c.code == code);
    if part.is(SNOMED_CT, ON_OXYGEN) {
        let stated = part.element.get("valueBoolean").and_then(Value::as_bool);
        let stated = stated.or_else(|| says(SNOMED_CT, YES).then_some(true));
        return match stated.or_else(|| says(SNOMED_CT, NO).then_some(false)) {
            Some(stated) => Some(on_oxygen(OXYGEN, stated, resource, at)),
            None => unread(OXYGEN),
        };
    }
    if says(SNOMED_CT, ON_OXYGEN) || says(SNOMED_CT, ON_AIR) {
        return Some(on_oxygen(OXYGEN, says(SNOMED_CT, ON_OXYGEN), resource, at));
    }
    if !CONSCIOUSNESS.iter().any(|code| part.is(LOINC, code)) {
        return None;
    }
    let listed = |level: &&Level| level.codes.iter().any(|(system, codes)| codes.iter().any(|code| says(system, code)));
    let Some(level) = CHART.consciousness.iter().find(listed) else { return unread(AWARENESS) };
    let value = Value::from(level.word.as_str());
    Some(Found { name: AWARENESS, value, number: f64::from(level.points), unit: None, resource, at })
}

fn score<'a>(found: impl Iterator<Item = &'a Found> + Clone, scale: u8) -> Vec<Scored> {
    let oxygen = found.clone().any(|f| f.name == OXYGEN && f.number > 0.0);
    found
        .map(|f| {
            let points = points_of(f, scale, oxygen);
            Scored { name: f.name, value: f.value.clone(), unit: f.unit, points, resource: f.resource.clone() }
        })
        .collect()
}

/// Points of an observation, of someone who does or does not breathe oxygen.
fn points_of(found: &Found, scale: u8, oxygen: bool) -> u8 {
    let saturation = match (scale, oxygen) {
        (1, _) => &CHART.scale_1,
        (_, true) => &CHART.scale_2_oxygen,
        (_, false) => &CHART.scale_2_air,
    };
    match found.name {
        SATURATION => points(saturation, found.number, 1.0),
        OXYGEN if oxygen => CHART.oxygen_points,
        OXYGEN => 0,
        AWARENESS => found.number as u8,
        name => {
            let row = CHART.parameters.iter().find(|row| row.name == name);
            row.map_or(0, |row| points(&row.bands, found.number, row.step))
        }
    }
}

/// Points of a value, rounded to the step in which the chart is written.
fn points(bands: &Bands, value: f64, step: f64) -> u8 {
    let steps = (value / step).round();
    bands.iter().find(|(up_to, _)| up_to.is_none_or(|up_to| steps <= (up_to / step).round())).map_or(0, |(_, p)| *p)
}

fn clinical_risk(score: u8, any_three: bool) -> ClinicalRisk {
    match score {
        7.. => ClinicalRisk::High,
        5 | 6 => ClinicalRisk::Medium,
        _ if any_three => ClinicalRisk::LowMedium,
        _ => ClinicalRisk::Low,
    }
}
