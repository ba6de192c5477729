//! Medicines the record says the patient was to take or took, by the groups of `data/medications.json`.
//!
//! Used are MedicationRequest, MedicationStatement, MedicationAdministration and MedicationDispense whose status does not
//! say that it never came to it or has not yet, which is more than a proposal, a plan or an option, and which is no request
//! not to give it (`doNotPerform`). One that was stopped or completed counts, however long ago; of a period its start
//! decides. The medicine stands in `medicationCodeableConcept`, or in the Medication that
//! `medicationReference` names.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::{
    concept::{Code, codes},
    error::ClinicalError,
    moment::Moment,
    reading::Resource,
    record::Record,
};

/// Each kind with the element that says when.
const KINDS: [(&str, &str); 4] = [
    ("MedicationRequest", "authoredOn"),
    ("MedicationStatement", "effectiveDateTime"),
    ("MedicationAdministration", "effectiveDateTime"),
    ("MedicationDispense", "whenHandedOver"),
];
/// Words of `status` by which nothing was taken, or not yet.
const NOT_TAKEN: [&str; 8] =
    ["entered-in-error", "cancelled", "draft", "not-done", "not-taken", "declined", "intended", "preparation"];
/// Words of `intent` that are less than an order.
const NOT_ORDERED: [&str; 3] = ["proposal", "plan", "option"];
const ATC: &str = "http://www.whocc.no/atc";
const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Table {
    #[serde(rename = "Provenance")]
    _provenance: Vec<String>,
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Group {
    name: String,
    #[serde(rename = "ATC")]
    atc: Vec<String>,
    #[serde(rename = "RxNorm")]
    rx_norm: Vec<String>,
}

static GROUPS: LazyLock<Table> = LazyLock::new(|| {
    // Cannot fail: the file is part of the program, and a test reads it.
    serde_json::from_str(include_str!("data/medications.json")).expect("medications.json fits its type")
});

/// What a record says of the medicines of a group.
#[derive(Debug, Default)]
pub struct Taken {
    /// Resources that document one of them.
    pub found: Vec<String>,
    /// Resources with a medicine of which it cannot be told: without an ATC code, and with no code on any list.
    pub unread_count: usize,
}

/// What documents a medicine of a group up to a date.
///
/// # Errors
/// [`ClinicalError`] when a used element is not what FHIR allows.
pub fn taken(record: &Record, group: &str, until: &Moment) -> Result<Taken, ClinicalError> {
    let Some(group) = GROUPS.groups.iter().find(|known| known.name == group) else { return Ok(Taken::default()) };
    let mut taken = Taken::default();
    for (kind, date) in KINDS {
        for resource in record.of_kind(kind) {
            if !came_to_it(resource)? || since(resource, date)?.is_some_and(|at| at.is_after(until)) {
                continue;
            }
            let medication = record.follow(resource, "medicationReference")?;
            let concept =
                resource.body.get("medicationCodeableConcept").or_else(|| medication.and_then(|m| m.get("code")));
            let codes = codes(concept);
            if codes.iter().any(|code| group.holds(*code)) {
                taken.found.push(resource.name());
            } else if !codes.iter().any(|code| is_told(*code)) {
                taken.unread_count += 1;
            }
        }
    }
    Ok(taken)
}

/// Whether nothing in a resource says that the medicine was not, or not yet, to be taken.
fn came_to_it(resource: &Resource) -> Result<bool, ClinicalError> {
    let says = |element: &str, words: &[&str]| {
        resource.body.get(element).and_then(Value::as_str).is_some_and(|word| words.contains(&word))
    };
    if says("status", &NOT_TAKEN) || says("intent", &NOT_ORDERED) {
        return Ok(false);
    }
    match resource.body.get("doNotPerform") {
        None | Some(Value::Bool(false)) => Ok(true),
        Some(Value::Bool(true)) => Ok(false),
        Some(_) => {
            let reason = "it is true or false";
            Err(ClinicalError::Element { place: resource.place(), element: "doNotPerform", reason })
        }
    }
}

/// From when on a medicine was taken.
fn since(resource: &Resource, date: &'static str) -> Result<Option<Moment>, ClinicalError> {
    if let Some(at) = Moment::in_element(resource, date)? {
        return Ok(Some(at));
    }
    match resource.body.get("effectivePeriod").and_then(Value::as_object) {
        Some(period) => Moment::in_map(period, "start", || resource.place()),
        None => Ok(None),
    }
}

/// Whether a code tells to which groups its medicine belongs: ATC by its place, others when they are on a list.
fn is_told(code: Code<'_>) -> bool {
    code.system == ATC || GROUPS.groups.iter().any(|group| group.holds(code))
}

impl Group {
    fn holds(&self, code: Code<'_>) -> bool {
        match code.system {
            ATC => self.atc.iter().any(|listed| code.code.starts_with(listed.as_str())),
            RXNORM => self.rx_norm.iter().any(|listed| listed == code.code),
            _ => false,
        }
    }
}
