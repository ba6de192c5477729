//! The date an analysis speaks of: the parameter `At`, or the newest date on which something happened to the patient. Never the clock on the wall, so
//! that the same record gives the same result tomorrow.

use serde_json::{Map, Value};

use super::{
    error::ClinicalError,
    moment::{Moment, Precision},
    reading::Resource,
    record::Record,
};

/// Elements that say when something happened to the patient, and the periods of which the last end counts.
const DATES: [&str; 10] = [
    "effectiveDateTime",
    "effectiveInstant",
    "onsetDateTime",
    "recordedDate",
    "authoredOn",
    "performedDateTime",
    "occurrenceDateTime",
    "issued",
    "date",
    "abatementDateTime",
];
const PERIODS: [&str; 4] = ["effectivePeriod", "period", "performedPeriod", "onsetPeriod"];

/// The date asked about.
///
/// # Errors
/// [`ClinicalError::Parameter`] when `At` is not a date with at least a day; [`ClinicalError::Missing`] when neither it
/// nor any date in the record is there.
pub fn date_asked(record: &Record, parameters: &Map<String, Value>) -> Result<Moment, ClinicalError> {
    if let Some(at) = parameters.get("At") {
        let at = at.as_str().and_then(Moment::parse).filter(|at| at.precision >= Precision::Day);
        return at
            .ok_or(ClinicalError::Parameter { name: "At", reason: "it is a date (YYYY-MM-DD) or an RFC 3339 time" });
    }
    newest_happening(record)?.ok_or_else(|| ClinicalError::Missing {
        analysis: "the analysis",
        missing: vec!["any date (name one with the parameter At)".to_owned()],
    })
}

/// Kinds of resource that say what happened to the patient; an insurance that ends in ten years says nothing of today.
const HAPPENED: [&str; 12] = [
    "AllergyIntolerance",
    "Condition",
    "DiagnosticReport",
    "Encounter",
    "FamilyMemberHistory",
    "Immunization",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Procedure",
];
/// Kinds of which the end of a period is a time at which something was seen; of others it may be a plan.
const ENDS: [&str; 2] = ["Encounter", "Observation"];

/// The newest date on which something happened to the patient.
fn newest_happening(record: &Record) -> Result<Option<Moment>, ClinicalError> {
    let planned = |resource: &&Resource| resource.body.get("status").and_then(Value::as_str) == Some("planned");
    let happened = HAPPENED.iter().flat_map(|kind| record.of_kind(kind)).filter(|resource| !planned(resource));
    newest_of(happened, |resource| ENDS.contains(&resource.kind))
}

/// The newest date of the record, of whatever it is: also of a plan or an insurance.
///
/// # Errors
/// [`ClinicalError::Element`] when one of the dates is none.
pub fn newest_date(record: &Record) -> Result<Option<Moment>, ClinicalError> {
    newest_of(record.resources.iter().filter(|resource| resource.kind != "Patient"), |_| true)
}

/// The newest date of some resources; the end of a period counts where `ends` says so.
fn newest_of<'a>(
    resources: impl Iterator<Item = &'a Resource>,
    ends: impl Fn(&Resource) -> bool,
) -> Result<Option<Moment>, ClinicalError> {
    let mut newest: Option<Moment> = None;
    let mut note = |found: Option<Moment>| {
        if let Some(found) = found
            && newest.is_none_or(|known| (found.last, found.precision) > (known.last, known.precision))
        {
            newest = Some(found);
        }
    };
    for resource in resources {
        for element in DATES {
            note(Moment::in_element(resource, element)?);
        }
        for period in PERIODS.iter().filter_map(|name| resource.body.get(*name)).filter_map(Value::as_object) {
            note(Moment::in_map(period, "start", || resource.place())?);
            if ends(resource) {
                note(Moment::in_map(period, "end", || resource.place())?);
            }
        }
    }
    Ok(newest)
}
