//! Measurements: numbers of Observations, by what was measured, in one unit each.
//!
//! Which LOINC codes mean the same measure, which UCUM units it may have and what a living person can show is data
//! (`data/measures.json`, with its sources). Used are Observations with a status that stands (`final`, `amended`,
//! `corrected`, `preliminary`), about the patient and not about somebody or something else (`focus`). One with a
//! comparator (`<5`) is a bound and no value: it is kept, so that where it is the newest no older value passes for it.
//! Panels count by their components.

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
    /// Of a bound and not of a value: which way it is open.
    #[serde(skip)]
    pub bound: Option<Bound>,
}

/// Which side of a number the value lies on, where the number is none itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// `<`, `<=`: the value is below.
    Below,
    /// `>`, `>=`, and whatever else a comparator may say.
    Other,
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
///
/// # Errors
/// [`ClinicalError::Element`] when it is no time.
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

/// The measurements of the patient with one of the names `wanted` (of [`MEASURES`]) that have a time, in time order.
/// An analysis names those it uses: what it does not use cannot spoil it.
///
/// # Errors
/// [`ClinicalError::Element`] when a wanted measure has an unknown unit or an impossible value.
pub fn measurements(record: &Record, wanted: &[&str]) -> Result<Vec<Measurement>, ClinicalError> {
    let mut found = Vec::new();
    for part in parts(record)? {
        let (Some(at), Some(measure)) = (part.at, part.measure()) else { continue };
        if !wanted.contains(&measure.name.as_str()) {
            continue;
        }
        if let Some((value, bound)) = quantity(&part, measure)? {
            let reference_high = reference_high(&part, measure);
            let (name, unit, resource) = (measure.name.as_str(), measure.unit.as_str(), part.observation.name());
            found.push(Measurement { resource, name, value, unit, at, reference_high, bound });
        }
    }
    found.sort_by_key(|measurement| measurement.at.first);
    Ok(found)
}

/// The value of a known measure in its unit, and whether it is a bound; `None` when there is none.
///
/// # Errors
/// [`ClinicalError::Element`] when its unit is not one of the measure's or the value is impossible.
pub fn quantity(part: &Part<'_>, measure: &Measure) -> Result<Option<(f64, Option<Bound>)>, ClinicalError> {
    let Some(quantity) = part.element.get("valueQuantity") else { return Ok(None) };
    let bound = quantity.get("comparator").map(|comparator| match comparator.as_str() {
        Some("<" | "<=") => Bound::Below,
        _ => Bound::Other,
    });
    let Some(value) = quantity.get("value") else { return Ok(None) };
    let invalid = |reason| ClinicalError::Element { place: part.observation.place(), element: "valueQuantity", reason };
    let value = value.as_f64().ok_or_else(|| invalid("its value is not a number"))?;
    let [factor, offset] = unit(quantity, measure)
        .ok_or_else(|| invalid("its unit is not a UCUM unit (system and code) that this measure can have"))?;
    let value = value * factor + offset;
    match (measure.lowest..=measure.highest).contains(&value) {
        true => Ok(Some((value, bound))),
        // Nobody has a glucose of 0, but somebody has one above 0.
        false if bound.is_some() => Ok(Some((value, bound))),
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

/// The newest measurement of a name that is not after `until`, be it a value or a bound.
pub fn newest<'a>(all: &'a [Measurement], name: &str, until: &Moment) -> Option<&'a Measurement> {
    let fits = all.iter().filter(|m| m.name == name && m.at.first <= until.last);
    // Of one time the bound: it is what a value beside it may not hide.
    fits.max_by_key(|m| (m.at.first, m.bound.is_some()))
}

/// The newest value of a name that is not after `until`.
///
/// # Errors
/// [`ClinicalError::Missing`] when the newest is only a bound: an older value is not the newest.
pub fn newest_value<'a>(
    all: &'a [Measurement],
    name: &str,
    until: &Moment,
    analysis: &'static str,
) -> Result<Option<&'a Measurement>, ClinicalError> {
    match newest(all, name, until) {
        Some(found) if found.bound.is_some() => {
            let missing = vec![format!("{name} as a value (the newest is only a bound)")];
            Err(ClinicalError::Missing { analysis, missing })
        }
        found => Ok(found),
    }
}
