//! Medicines the record says the patient was to take or took, by the groups of `data/medications.json`.
//!
//! Used are MedicationRequest, MedicationStatement, MedicationAdministration and MedicationDispense whose status does not
//! say that it never came to it, and which is no request not to give it (`doNotPerform`). One that was stopped or completed
//! counts, however long ago. The medicine stands in `medicationCodeableConcept`, or in the Medication that
//! `medicationReference` names.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::{
    concept::{Code, codes},
    error::ClinicalError,
    moment::Moment,
    record::Record,
};

const KINDS: [(&str, &str); 4] = [
    ("MedicationRequest", "authoredOn"),
    ("MedicationStatement", "effectiveDateTime"),
    ("MedicationAdministration", "effectiveDateTime"),
    ("MedicationDispense", "whenHandedOver"),
];
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

/// Resources that document a medicine of a group up to a date.
///
/// # Errors
/// [`ClinicalError`] when a used element is not what FHIR allows.
pub fn taken(record: &Record, group: &str, until: &Moment) -> Result<Vec<String>, ClinicalError> {
    let Some(group) = GROUPS.groups.iter().find(|known| known.name == group) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (kind, date) in KINDS {
        for resource in record.of_kind(kind) {
            let status = resource.body.get("status").and_then(Value::as_str);
            if matches!(
                status,
                Some("entered-in-error" | "cancelled" | "draft" | "not-done" | "not-taken" | "declined")
            ) {
                continue;
            }
            // A request not to give it.
            match resource.body.get("doNotPerform") {
                None | Some(Value::Bool(false)) => {}
                Some(Value::Bool(true)) => continue,
                Some(_) => {
                    let reason = "it is true or false";
                    return Err(ClinicalError::Element { place: resource.place(), element: "doNotPerform", reason });
                }
            }
            if Moment::in_element(resource, date)?.is_some_and(|at| at.is_after(until)) {
                continue;
            }
            let medication = record.follow(resource, "medicationReference")?;
            let concept =
                resource.body.get("medicationCodeableConcept").or_else(|| medication.and_then(|m| m.get("code")));
            if codes(concept).into_iter().any(|code| group.holds(code)) {
                found.push(resource.name());
            }
        }
    }
    Ok(found)
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
