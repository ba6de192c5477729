//! Measurements: numbers of Observations, by what was measured, in one unit each.
//!
//! Which LOINC codes mean the same measure, which UCUM units it may have and what a living person can show is data
//! (`data/measures.json`, with its sources). Used are Observations with a status that stands (`final`, `amended`,
//! `corrected`, `preliminary`), about the patient and not about somebody or something else (`focus`), without a
//! comparator (`<5` is a bound, not a value). Panels count by their components.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    concept::{LOINC, UCUM, codes},
    error::ClinicalError,
    moment::Moment,
    reading::Resource,
    record::Record,
};

/// What can be measured.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Measure {
    /// Its name.
    pub name: String,
    /// LOINC codes that mean it.
    pub codes: Vec<String>,
    /// UCUM unit its values are given in.
    pub unit: String,
    /// The lowest possible value.
    pub lowest: f64,
    /// The highest possible value.
    pub highest: f64,
    /// UCUM units it may be written in: factor and offset to `unit`.
    pub units: BTreeMap<String, [f64; 2]>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Table {
    #[serde(rename = "Provenance")]
    _provenance: Vec<String>,
    measures: Vec<Measure>,
}

static MEASURES: LazyLock<Table> = LazyLock::new(|| {
    // Cannot fail: the file is part of the program, and a test reads it.
    serde_json::from_str(include_str!("data/measures.json")).expect("measures.json fits its type")
});

/// The measure a LOINC code means.
pub fn measure(loinc: &str) -> Option<&'static Measure> {
    MEASURES.measures.iter().find(|measure| measure.codes.iter().any(|code| code == loinc))
}

/// Names of all measures.
pub fn names() -> impl Iterator<Item = &'static str> {
    MEASURES.measures.iter().map(|measure| measure.name.as_str())
}

/// The measure of this name, by its name.
pub fn named(name: &str) -> Option<&'static str> {
    names().find(|known| *known == name)
}

/// The unit in which values of a measure are given.
pub fn unit_of(name: &str) -> Option<&'static str> {
    MEASURES.measures.iter().find(|measure| measure.name == name).map(|measure| measure.unit.as_str())
}

/// One value of one measure.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Measurement {
    /// The Observation it stands in.
    pub resource: String,
    /// What was measured.
    #[serde(rename = "Measure")]
    pub name: &'static str,
    /// The value, in `unit`.
    pub value: f64,
    /// UCUM unit.
    pub unit: &'static str,
    /// When, as exactly as the record says.
    #[serde(rename = "At", serialize_with = "as_text")]
    pub at: Moment,
    /// Highest value of the laboratory's own reference range, in `unit`.
    #[serde(skip)]
    pub reference_high: Option<f64>,
}

fn as_text<S: serde::Serializer>(at: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.text())
}

/// An Observation, or a component of one: its codes and its value.
pub struct Part<'a> {
    /// The Observation.
    pub observation: &'a Resource,
    /// The element that holds `code` and `value[x]`.
    pub element: &'a Map<String, Value>,
    /// When it was observed.
    pub at: Option<Moment>,
}

impl Part<'_> {
    /// Whether one of its codes is this one.
    pub fn is(&self, system: &str, code: &str) -> bool {
        codes(self.element.get("code")).iter().any(|c| c.system == system && c.code == code)
    }

    /// The known measure it is of.
    pub fn measure(&self) -> Option<&'static Measure> {
        let loinc = codes(self.element.get("code")).into_iter().filter(|code| code.system == LOINC);
        loinc.filter_map(|code| measure(code.code)).next()
    }
}

/// The Observations of the patient that stand, and their components.
///
/// # Errors
/// [`ClinicalError::Element`] when one has a time that is none.
pub fn parts(record: &Record) -> Result<Vec<Part<'_>>, ClinicalError> {
    let mut parts = Vec::new();
    for observation in record.of_kind("Observation") {
        let status = observation.body.get("status").and_then(Value::as_str);
        let stands = matches!(status, Some("final" | "amended" | "corrected" | "preliminary"));
        if !stands || observation.body.contains_key("focus") {
            continue;
        }
        let at = effective(observation)?;
        parts.push(Part { observation, element: &observation.body, at });
        let components = observation.body.get("component").and_then(Value::as_array);
        parts.extend(components.into_iter().flatten().filter_map(Value::as_object).map(|element| Part {
            observation,
            element,
            at,
        }));
    }
    Ok(parts)
}

/// When an Observation was true: `effective[x]`, of a period its end.
fn effective(observation: &Resource) -> Result<Option<Moment>, ClinicalError> {
    for element in ["effectiveDateTime", "effectiveInstant"] {
        if let Some(at) = Moment::in_element(observation, element)? {
            return Ok(Some(at));
        }
    }
    let Some(period) = observation.body.get("effectivePeriod").and_then(Value::as_object) else { return Ok(None) };
    match Moment::in_map(period, "end", || observation.place())? {
        Some(end) => Ok(Some(end)),
        None => Moment::in_map(period, "start", || observation.place()),
    }
}

/// All measurements of the patient that are known to [`MEASURES`] and have a time, in time order.
///
/// # Errors
/// [`ClinicalError::Element`] when a known measure has an unknown unit or an impossible value.
pub fn measurements(record: &Record) -> Result<Vec<Measurement>, ClinicalError> {
    let mut found = Vec::new();
    for part in parts(record)? {
        let (Some(at), Some(measure)) = (part.at, part.measure()) else { continue };
        if let Some(value) = quantity(&part, measure)? {
            let reference_high = reference_high(&part, measure);
            let (name, unit) = (measure.name.as_str(), measure.unit.as_str());
            found.push(Measurement { resource: part.observation.name(), name, value, unit, at, reference_high });
        }
    }
    found.sort_by_key(|measurement| measurement.at.first);
    Ok(found)
}

/// The value of a known measure in its unit; `None` when there is none or only a bound.
///
/// # Errors
/// [`ClinicalError::Element`] when its unit is not one of the measure's or the value is impossible.
pub fn quantity(part: &Part<'_>, measure: &Measure) -> Result<Option<f64>, ClinicalError> {
    let Some(quantity) = part.element.get("valueQuantity") else { return Ok(None) };
    if quantity.get("comparator").is_some() {
        return Ok(None);
    }
    let Some(value) = quantity.get("value") else { return Ok(None) };
    let invalid = |reason| ClinicalError::Element { place: part.observation.place(), element: "valueQuantity", reason };
    let value = value.as_f64().ok_or_else(|| invalid("its value is not a number"))?;
    let [factor, offset] = unit(quantity, measure)
        .ok_or_else(|| invalid("its unit is not a UCUM unit (system and code) that this measure can have"))?;
    let value = value * factor + offset;
    match (measure.lowest..=measure.highest).contains(&value) {
        true => Ok(Some(value)),
        false => Err(invalid("no living person has a value like this; unit or value must be wrong")),
    }
}

fn unit(quantity: &Value, measure: &Measure) -> Option<[f64; 2]> {
    let system = quantity.get("system").and_then(Value::as_str);
    let code = quantity.get("code").and_then(Value::as_str).filter(|_| system == Some(UCUM))?;
    measure.units.get(&without_annotation(code)).copied()
}

/// A UCUM unit without its annotations: `{beats}/min` is `/min`.
pub fn without_annotation(unit: &str) -> String {
    let mut plain = String::with_capacity(unit.len());
    let mut inside = false;
    for character in unit.chars() {
        match character {
            '{' => inside = true,
            '}' => inside = false,
            other if !inside => plain.push(other),
            _ => {}
        }
    }
    if plain.is_empty() { "1".to_owned() } else { plain }
}

fn reference_high(part: &Part<'_>, measure: &Measure) -> Option<f64> {
    let high = part.element.get("referenceRange")?.get(0)?.get("high")?;
    let [factor, offset] = unit(high, measure)?;
    Some(high.get("value")?.as_f64()? * factor + offset)
}

/// The newest measurement of a name that is not after `until`.
pub fn newest<'a>(all: &'a [Measurement], name: &str, until: &Moment) -> Option<&'a Measurement> {
    all.iter().rfind(|m| m.name == name && m.at.first <= until.last)
}
