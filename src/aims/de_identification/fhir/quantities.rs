//! Quantities: numbers with a UCUM unit.
//!
//! A number can be somebody's number. One without a unit, or with the unit 1, is kept below a million only; one with a
//! dimension below 10¹², and none with more than 18 digits, which is what FHIR asks a reader to keep (R4, 2.24.0.1) and no
//! measurement needs. An age over 89 becomes 90 (45 CFR 164.514(b)(2)(i)(C)); where no unit says of what, an age of 90 or
//! more goes. Numbers stay as they are written.

use serde_json::{Map, Value};

use super::units;
use crate::{aims::aih_data_processing::clinical::concept::UCUM, schema::as_written::numeral};

/// Below this a number without a unit is kept.
const PLAIN_BELOW: f64 = 1e6;
/// Below this a number with a dimension is kept.
const MEASURED_BELOW: f64 = 1e12;
/// Most digits of a number.
const MOST_DIGITS: usize = 18;
const OLDEST_YEARS: f64 = 89.0;
/// UCUM: how many of a unit make a year.
const PER_YEAR: [(&str, f64); 4] = [("a", 1.0), ("mo", 12.0), ("wk", 52.178_571_428_571_43), ("d", 365.25)];

/// A quantity as it is kept, and whether it was an age over 89.
pub(super) fn quantity(value: &Value) -> Option<(Value, bool)> {
    let system = value.get("system").and_then(Value::as_str).filter(|system| *system == UCUM);
    let unit = system.and_then(|_| units::plain(value.get("code")?.as_str()?));
    let dimension = unit.as_deref().is_some_and(|unit| !units::is_dimensionless(unit));
    let number = value.get("value")?;
    let size = size(number)?;
    if size.abs() >= if dimension { MEASURED_BELOW } else { PLAIN_BELOW } {
        return None;
    }
    let too_old =
        PER_YEAR.iter().any(|(name, per_year)| unit.as_deref() == Some(name) && size / per_year >= OLDEST_YEARS + 1.0);
    let mut kept = Map::new();
    let (number, unit) = if too_old { (Value::from(90), Some("a".to_owned())) } else { (number.clone(), unit) };
    kept.insert("value".to_owned(), number);
    if let Some(comparator @ ("<" | "<=" | ">=" | ">")) = value.get("comparator").and_then(Value::as_str) {
        kept.insert("comparator".to_owned(), Value::from(comparator));
    }
    if let Some(unit) = unit {
        kept.insert("system".to_owned(), Value::from(UCUM));
        kept.insert("unit".to_owned(), Value::from(unit.as_str()));
        kept.insert("code".to_owned(), Value::from(unit));
    }
    Some((Value::Object(kept), too_old))
}

/// Elements that are somebody's age in a range.
const RANGES_OF_AGE: [&str; 5] = ["ageRange", "onsetRange", "abatementRange", "deceasedRange", "performedRange"];
/// Codes by which an Observation is of an age: LOINC age, reported, estimated, calculated, at death; SNOMED CT age, current
/// age, age at onset.
const CODES_OF_AGE: [&str; 8] =
    ["30525-0", "21612-7", "21611-9", "29553-5", "39016-1", "397669002", "424144002", "445518008"];

/// Whether an element of an object is somebody's age, by its name or by the code beside it.
pub(super) fn is_age(object: &Map<String, Value>, name: &str) -> bool {
    let codings = || object.get("code").and_then(|code| code.get("coding")).and_then(Value::as_array);
    let of_age =
        |coding: &Value| coding.get("code").and_then(Value::as_str).is_some_and(|code| CODES_OF_AGE.contains(&code));
    name.ends_with("Age")
        || RANGES_OF_AGE.contains(&name)
        || (name.starts_with("value") && codings().is_some_and(|codings| codings.iter().any(of_age)))
}

/// Whether an age is perhaps over 89 and no unit says that it is not; [`quantity`] sees to those in UCUM units.
pub(super) fn may_be_over_89(age: &Value) -> bool {
    let large = |value: &Value| size(value).is_some_and(|size| size > OLDEST_YEARS);
    let Some(age) = age.as_object() else { return large(age) };
    let system = age.get("system").and_then(Value::as_str).filter(|system| *system == UCUM);
    let unit = system.and_then(|_| units::plain(age.get("code")?.as_str()?));
    let unknown = unit.is_none_or(|unit| units::is_dimensionless(&unit));
    let ends = ["low", "high"].iter().filter_map(|end| age.get(*end)).any(may_be_over_89);
    ends || (unknown && age.get("value").is_some_and(large))
}

/// The size of a number as it is written; `None` for what is no number, or has more digits than one needs.
fn size(value: &Value) -> Option<f64> {
    let text = numeral(value)?;
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.parse::<f64>().ok().filter(|_| digits <= MOST_DIGITS)
}

/// A number that is too small to be somebody's number.
pub(super) fn number(value: &Value) -> Option<Value> {
    size(value).filter(|size| size.abs() < PLAIN_BELOW).map(|_| value.clone())
}

/// A whole number that is too small to be somebody's number.
pub(super) fn integer(value: &Value) -> Option<Value> {
    size(value).filter(|size| size.fract() == 0.0).and_then(|_| number(value))
}

/// A series: its origin, its scale, and samples that are all numbers or the letters R4 gives a meaning.
pub(super) fn sampled(value: &Value) -> Option<Value> {
    let data = value.get("data")?.as_str()?;
    let is_sample = |sample: &str| {
        matches!(sample, "E" | "U" | "L") || sample.parse::<f64>().is_ok_and(|size| size.abs() < PLAIN_BELOW)
    };
    if !data.split(' ').all(is_sample) {
        return None;
    }
    let mut kept = Map::new();
    kept.insert("data".to_owned(), Value::from(data));
    kept.insert("origin".to_owned(), value.get("origin").and_then(quantity)?.0);
    kept.insert("dimensions".to_owned(), value.get("dimensions").and_then(integer)?);
    for name in ["period", "factor", "lowerLimit", "upperLimit"] {
        if let Some(kept_number) = value.get(name).and_then(number) {
            kept.insert(name.to_owned(), kept_number);
        }
    }
    Some(Value::Object(kept))
}
