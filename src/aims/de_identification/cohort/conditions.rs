//! The conditions of each person, as codes of one system.
//!
//! Counted are Conditions that are confirmed or not questioned, present or past. Of ICD-10 the category of three
//! characters is taken, so that `I48.0` and `I48.1` are one disease. The code system is the first of ICD-10, SNOMED CT and
//! ICPC-2 in which every Condition with a public code has one: with two systems the same disease would have two names, and
//! pass for diversity. A Condition without a public code is left out and counted.

use serde_json::Value;

use super::error::CohortError;
use crate::aims::{
    aih_data_processing::clinical::{
        Record,
        concept::{SNOMED_CT, code_in, coding},
        reading::Resource,
    },
    de_identification::fhir::codes,
};

const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
/// Characters of a category of ICD-10.
const CATEGORY: usize = 3;

/// A code system, by what it is called in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    Icd10,
    SnomedCt,
    Icpc2,
}

impl System {
    const ALL: [Self; 3] = [Self::Icd10, Self::SnomedCt, Self::Icpc2];

    fn addresses(self) -> &'static [&'static str] {
        match self {
            Self::Icd10 => &[
                "http://hl7.org/fhir/sid/icd-10",
                "http://hl7.org/fhir/sid/icd-10-cm",
                "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
            ],
            Self::SnomedCt => &[SNOMED_CT],
            Self::Icpc2 => &["http://hl7.org/fhir/sid/icpc-2"],
        }
    }

    fn written(self, code: &str) -> String {
        match self {
            Self::Icd10 => code.chars().take(CATEGORY).collect(),
            Self::SnomedCt | Self::Icpc2 => code.to_owned(),
        }
    }
}

/// The conditions of all persons.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    /// For each person, the codes.
    pub of: Vec<Vec<String>>,
    /// Conditions that are in the table.
    pub kept: usize,
    /// Conditions that count and are not: without a public code, or not of those that matter.
    pub left_out: usize,
}

impl Conditions {
    /// Of the persons of a cohort.
    ///
    /// # Errors
    /// [`CohortError::Systems`]; [`CohortError::Parameter`] when a code that matters is none of the system.
    pub fn of(persons: &[Record], wanted: Option<&[String]>) -> Result<Self, CohortError> {
        let counting: Vec<Vec<&Resource>> =
            persons.iter().map(|person| person.of_kind("Condition").filter(|c| counts(c)).collect()).collect();
        let coded: Vec<&Resource> = counting.iter().flatten().copied().filter(|c| is_coded(c)).collect();
        let all_in = |system: &System| coded.iter().all(|condition| code(condition, *system).is_some());
        let system = System::ALL.into_iter().find(all_in);
        let system = system.ok_or(CohortError::Systems { conditions: coded.len() })?;
        let wanted = wanted.map(|wanted| wanted.iter().map(|code| system.written(code)).collect::<Vec<_>>());
        let matters = |code: &String| wanted.as_ref().is_none_or(|wanted| wanted.contains(code));
        let mut conditions = Self::default();
        for person in counting {
            let mut codes = Vec::new();
            for condition in person {
                match code(condition, system).map(|code| system.written(code)).filter(matters) {
                    Some(code) => {
                        conditions.kept += 1;
                        codes.push(code);
                    }
                    None => conditions.left_out += 1,
                }
            }
            codes.sort_unstable();
            codes.dedup();
            conditions.of.push(codes);
        }
        Ok(conditions)
    }
}

/// Confirmed, or not questioned.
fn counts(condition: &Resource) -> bool {
    matches!(code_in(condition.body.get("verificationStatus"), VERIFICATION), Some("confirmed") | None)
}

fn is_coded(condition: &Resource) -> bool {
    System::ALL.into_iter().any(|system| code(condition, system).is_some())
}

/// The well-formed code of a condition in a system.
fn code(condition: &Resource, system: System) -> Option<&str> {
    let list = condition.body.get("code")?.get("coding").and_then(Value::as_array)?;
    let known = list.iter().filter(|one| codes::coding(one).is_some()).filter_map(coding);
    known.filter(|code| system.addresses().contains(&code.system)).map(|code| code.code).next()
}
