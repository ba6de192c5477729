//! De-identification of clinical records in FHIR R4 JSON: **HIPAA Safe Harbor** (45 CFR 164.514(b)(2)) as an allow list.
//!
//! ```text
//! payload ─ clinical::Record ─▶ resources ─ walk (elements.json) ─▶ kept elements ─┬─ codes, values ── as they are
//!           (mixed patients:                 every other element                   ├─ ids, references ─ pseudonyms
//!            refused)                        is dropped and counted                └─ dates ─────────── shifted, or year
//! ```
//!
//! Nothing passes because it was not recognised: kept is what `data/elements.json` lists, and of that only codes of
//! `data/vocabulary.json`, numbers, truth values, dates and references. So the 18 classes of identifiers fall away whatever
//! element they hide in: narrative, notes, display texts, extensions, attachments, contained resources, unknown fields.
//! `data/identifiers.json` only says which class a dropped element is counted under.
//!
//! | What | Becomes |
//! | --- | --- |
//! | resource ids, `fullUrl`, references | keyed pseudonyms; what pointed somewhere in the item still points there |
//! | dates | shifted by one number of days for the person (`Dates` = `shift`), or the year alone (`Dates` = `year`) |
//! | numbers | themselves, as they are written: the precision of a decimal is kept |
//! | ages over 89 | 90; the birth date becomes a year that says 90 or more; dates of more than 89 years ago are dropped |
//! | address | country and State; of a US ZIP code three digits, `000` for small areas |
//! | required elements that were dropped | marked `masked`, as FHIR provides |
//! | a resource with a modifier extension, or of a type not listed | its type and id alone |
//!
//! Shifted dates are not Safe Harbor (which leaves the year alone): they keep order and distance, and are named in the
//! residual notes. The result is one person's record, so its status is `Pseudonymised`, never more.

pub(super) mod codes;
mod dates;
mod names;
pub(super) mod places;
mod quantities;
mod rules;
mod tally;
mod units;
mod walk;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use crate::{
    aims::{
        ai_modules::treatment::{Measure, Treated, Treatment},
        aih_data_processing::clinical::{
            ClinicalError, Record,
            reading::{self, Shape},
        },
    },
    domain::taxonomy::DataStatus,
    schema::as_written,
};
use dates::{DateRule, Dates};
use names::Names;
use tally::Tally;
use walk::Walk;

/// The parameter that says what becomes of dates: `shift` (the default) or `year`.
pub const DATES: &str = "Dates";
/// Most days by which dates are shifted back.
pub const MOST_DAYS: u32 = 365;

/// De-identifies a record.
///
/// # Errors
/// What is wrong with the record or the parameters, in words, never with a value of the record.
pub fn treat(input: &Treatment<'_>) -> Result<Treated, String> {
    perform(input).map_err(|error| match error {
        ClinicalError::MixedPatients => {
            format!("{error}; a Bundle of many patients is a cohort, treated by DIA-FHC-V1.0")
        }
        other => other.to_string(),
    })
}

fn perform(input: &Treatment<'_>) -> Result<Treated, ClinicalError> {
    let record = Record::of(reading::read_as_written(input.format, input.payload)?)?;
    let person = record.person().unwrap_or_default();
    let days = input.pseudonyms.days(&person, MOST_DAYS);
    let rule = match input.parameters.get(DATES).map_or(Some("shift"), Value::as_str) {
        Some("shift") => DateRule::Shift { days },
        Some("year") => DateRule::Year,
        _ => return Err(ClinicalError::Parameter { name: DATES, reason: "it is shift or year" }),
    };
    let dates = Dates::of(&record, rule)?;
    let mut names = Names::new(&record, input.pseudonyms);
    if let DateRule::Shift { days } = rule {
        names.note("days", person, days.to_string());
    }
    let mut tally = Tally::default();
    let residual = residual(rule, &dates);
    let mut walk = Walk { dates, names, tally: &mut tally };
    let payload = written(&record, &mut walk)?;
    let mapping = walk.names.into_mapping();
    let measures =
        vec![Measure { name: "information loss (share of elements removed)".to_owned(), value: tally.loss() }];
    Ok(Treated { payload, status: DataStatus::Pseudonymised, steps: tally.into_steps(), measures, residual, mapping })
}

/// The treated resources in the shape in which they came.
fn written(record: &Record, walk: &mut Walk<'_>) -> Result<Vec<u8>, ClinicalError> {
    let mut resources = Vec::with_capacity(record.resources.len());
    for (at, resource) in record.resources.iter().enumerate() {
        resources.push((at, walk.resource(resource)?));
    }
    match &record.shape {
        Shape::Bundle(own) => Ok(as_written::written(&bundle(own, record, resources, walk))),
        _ => {
            let lines: Vec<Vec<u8>> = resources.iter().map(|(_, resource)| as_written::written(resource)).collect();
            let end: &[u8] = if record.shape == Shape::Lines { b"\n" } else { b"" };
            Ok([lines.join(&b'\n').as_slice(), end].concat())
        }
    }
}

/// A Bundle again: a search set if it was one, otherwise a collection, since requests and responses are dropped.
fn bundle(own: &Map<String, Value>, record: &Record, resources: Vec<(usize, Value)>, walk: &mut Walk<'_>) -> Value {
    let search_set = own.get("type").and_then(Value::as_str) == Some("searchset");
    let mut bundle = walk.bundle(own);
    let entries = resources.into_iter().map(|(at, resource)| {
        let mut entry = json!({"fullUrl": walk.names.full_url(at), "resource": resource});
        let mode = record.resources.get(at).and_then(|resource| resource.search_mode.as_deref());
        if let Some(mode @ ("match" | "include" | "outcome")) = mode.filter(|_| search_set) {
            entry["search"] = json!({"mode": mode});
        }
        entry
    });
    bundle.insert("entry".to_owned(), entries.collect());
    bundle.insert("type".to_owned(), Value::from(if search_set { "searchset" } else { "collection" }));
    Value::Object(bundle)
}

fn residual(rule: DateRule, dates: &Dates) -> Vec<String> {
    let mut notes = vec![
        "One person's record: a rare disease, course or combination of codes may still be recognised by someone who knows it".to_owned(),
        "Codes of public systems are kept when they are well formed and not looked up; a code list of one's own is dropped".to_owned(),
    ];
    notes.push(match rule {
        DateRule::Shift { .. } => format!(
            "Dates are shifted by one secret number of 1 to {MOST_DAYS} days: order, distance and time of day remain. \
             Safe Harbor asks for the year alone (parameter {DATES} = year); this is a deviation from it"
        ),
        DateRule::Year => "Of dates the year remains; what happened within a year has lost its order".to_owned(),
    });
    notes.push(dates.note().to_owned());
    notes
}
