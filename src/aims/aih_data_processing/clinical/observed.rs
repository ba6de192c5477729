//! What a record offers for judging: series of vital signs and laboratory values, single values, and diagnoses.
//!
//! Known measures come under their name and in one unit each; other LOINC-coded quantities with a UCUM unit come under
//! `LOINC <code>` in the unit they were written in. Two or more values with a time make a series, a single one or one
//! without a time a value. A known measure in a unit that is not UCUM, or with a comparator, comes with its unit named so that
//! no rule takes it for one of its own and each says that it stood aside. Times count from the first of all of them. Where the newest observations make a whole NEWS2
//! (on scale 1 of oxygen saturation), its total and its highest parameter are values too; an incomplete set makes none.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use super::{
    concept::{LOINC, UCUM, codes},
    condition::{Presence, onset, presence},
    error::ClinicalError,
    measurement::{Part, parts, quantity, without_annotation},
    moment::{Moment, Precision},
    news2,
    record::Record,
};
use crate::aims::ai_modules::observations::{Coded, Measured, Observations, Series};

/// Name and unit of a measure, and its values with their times.
type Found = BTreeMap<(String, String), Vec<(OffsetDateTime, f64)>>;

/// Collects them.
///
/// # Errors
/// [`ClinicalError`] when a used element is not what FHIR allows.
pub fn observed(record: &Record) -> Result<Observations, ClinicalError> {
    let mut found: Found = BTreeMap::new();
    let (mut series, mut values) = (Vec::new(), Vec::new());
    for part in parts(record)? {
        let Some((name, unit, value)) = value_of(&part)? else { continue };
        match part.at {
            Some(at) => found.entry((name, unit)).or_default().push((at.first, value)),
            None => values.push(Measured { name, unit, value, at_seconds: None }),
        }
    }
    let start = found.values().flatten().map(|(at, _)| *at).min();
    for ((name, unit), mut points) in found {
        points.sort_by_key(|(at, _)| *at);
        let seconds = |at: OffsetDateTime| start.map_or(0.0, |start| (at - start).as_seconds_f64());
        if let [(at, value)] = points.as_slice() {
            values.push(Measured { name, unit, value: *value, at_seconds: Some(seconds(*at)) });
        } else {
            let at_seconds = points.iter().map(|(at, _)| seconds(*at)).collect();
            let values = points.into_iter().map(|(_, value)| value).collect();
            series.push(Series { name, unit, at_seconds, values, context: None });
        }
    }
    values.extend(early_warning(record, start));
    let start = start.and_then(|start| start.to_offset(UtcOffset::UTC).format(&Rfc3339).ok());
    Ok(Observations { series, values, codes: diagnoses(record)?, start })
}

/// The total of NEWS2 and its highest parameter; none where the score cannot be computed or is not for this patient.
fn early_warning(record: &Record, start: Option<OffsetDateTime>) -> Vec<Measured> {
    let Ok(score) = news2::early_warning(record, &Map::new()) else { return Vec::new() };
    let at = OffsetDateTime::parse(&score.at, &Rfc3339).ok();
    let at_seconds = at.zip(start).map(|(at, start)| (at - start).as_seconds_f64());
    let measured = |name: &str, points: u8| Measured {
        name: name.to_owned(),
        unit: "{score}".to_owned(),
        value: f64::from(points),
        at_seconds,
    };
    let highest = score.observations.iter().map(|observation| observation.points).max().unwrap_or_default();
    vec![measured("NEWS2", score.score), measured("NEWS2 highest parameter", highest)]
}

/// Name, unit and value of an Observation or component that is a quantity.
fn value_of(part: &Part<'_>) -> Result<Option<(String, String, f64)>, ClinicalError> {
    if let Some(measure) = part.measure() {
        return Ok(match quantity(part, measure) {
            Ok(None) => None,
            Ok(Some((value, None))) => Some((measure.name.clone(), measure.unit.clone(), value)),
            Ok(Some((value, Some(_)))) => Some((measure.name.clone(), format!("{}, as a bound", measure.unit), value)),
            // One value in other words does not silence what is said of the others.
            Err(_) => as_written(part).map(|(unit, value)| (measure.name.clone(), unit, value)),
        });
    }
    let loinc = codes(part.element.get("code")).into_iter().find(|code| code.system == LOINC);
    let (Some(loinc), Some(quantity)) = (loinc, part.element.get("valueQuantity")) else { return Ok(None) };
    let text = |element: &str| quantity.get(element).and_then(Value::as_str);
    let (Some(UCUM), Some(unit), None) = (text("system"), text("code"), text("comparator")) else { return Ok(None) };
    let value = quantity.get("value").and_then(Value::as_f64);
    Ok(value.map(|value| (format!("LOINC {}", loinc.code), without_annotation(unit), value)))
}

/// A quantity that cannot be read, for the judge to stand aside: its unit, in words no rule has, and its number.
fn as_written(part: &Part<'_>) -> Option<(String, f64)> {
    let quantity = part.element.get("valueQuantity")?;
    let text = |element: &str| quantity.get(element).and_then(Value::as_str).filter(|text| !text.is_empty());
    let unit = text("unit").or_else(|| text("code")).unwrap_or("no unit");
    Some((format!("{unit}, which cannot be read"), quantity.get("value").and_then(Value::as_f64)?))
}

/// Codes of the Conditions that are there, and of those that were where the record says since when.
fn diagnoses(record: &Record) -> Result<Vec<Coded>, ClinicalError> {
    let mut found = Vec::new();
    for condition in record.of_kind("Condition") {
        let at = onset(condition)?.or(Moment::in_element(condition, "recordedDate")?);
        match presence(condition, None)? {
            Some(Presence::Present) => {}
            Some(Presence::Past) if at.is_some() => {}
            _ => continue,
        }
        // Of a month or a year its end: what is not known to be old is not old.
        let instant = |at: Moment| if at.precision < Precision::Day { at.last } else { at.first };
        let rfc_3339 = |at: Moment| instant(at).format(&Rfc3339).ok();
        for code in codes(condition.body.get("code")) {
            found.push(Coded {
                system: code.system.to_owned(),
                code: code.code.to_owned(),
                display: None,
                at: at.and_then(rfc_3339),
            });
        }
    }
    Ok(found)
}
