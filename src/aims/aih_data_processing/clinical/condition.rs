//! Conditions: which of the listed diseases the record documents.
//!
//! The code lists are data with their sources (`data/condition_codes.json`). A Condition counts when its verification
//! status is `confirmed` or not stated; `unconfirmed`, `provisional` and `differential` are listed apart, `refuted` and
//! `entered-in-error` are left out. It is *present* when its clinical status is `active`, `recurrence` or `relapse` or
//! not stated and no abatement lies before the date asked about; it is *past* when its status or its abatement says that
//! it is over, and was present all the same at a date before it ended.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    concept::{Code, codes},
    error::ClinicalError,
    measurement::{measurements, newest_value},
    moment::Moment,
    reading::Resource,
    record::Record,
};

const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";

/// WHO: obesity is a body mass index of 30 kg/m² or more (Technical Report Series 894, 2000). For adults.
const OBESITY_FROM_KG_PER_M2: f64 = 30.0;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Table {
    provenance: Vec<String>,
    systems: std::collections::BTreeMap<String, Vec<String>>,
    conditions: Vec<CodeList>,
}

/// One disease and the codes that mean it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CodeList {
    name: String,
    history: bool,
    #[serde(rename = "ICD-10")]
    icd_10: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
    #[serde(rename = "SNOMED CT")]
    snomed_ct: Vec<String>,
    #[serde(rename = "ICPC-2")]
    icpc_2: Vec<String>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    // Cannot fail: the file is part of the program, and a test reads it.
    serde_json::from_str(include_str!("data/condition_codes.json")).expect("condition_codes.json fits its type")
});

/// Whether a condition is there now, was there, or is only suspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Presence {
    /// Confirmed or not questioned, and not over.
    Present,
    /// Confirmed or not questioned, and over.
    Past,
    /// Unconfirmed, provisional or differential.
    Unconfirmed,
}

/// One place in the record that documents a condition.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Evidence {
    /// The resource.
    pub resource: String,
    /// The code of it that is on the list; of a body mass index its LOINC code.
    pub code: String,
    /// System of the code.
    pub system: String,
    /// Whether it is there now.
    pub presence: Presence,
    /// When it began, as exactly as the record says; not the day on which it was written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onset: Option<String>,
}

/// A listed condition with what documents it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Detected {
    /// Name of the condition in the code list.
    pub condition: &'static str,
    /// The strongest of the evidence.
    pub presence: Presence,
    /// What documents it.
    pub evidence: Vec<Evidence>,
    #[serde(skip)]
    history: bool,
}

/// Result of `ClinicalConditionDetection`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ConditionDetection {
    /// The date it speaks of.
    pub at: String,
    /// Conditions documented.
    pub conditions: Vec<Detected>,
    /// Listed conditions for which the record has no entry; that is not a proof of absence.
    pub not_documented: Vec<&'static str>,
    /// Condition resources whose codes are on no list.
    pub unlisted_condition_count: usize,
    /// Where the code lists come from.
    pub code_list_provenance: &'static [String],
}

/// What the record documents at a date.
#[derive(Debug)]
pub struct Conditions {
    /// The listed conditions found.
    pub found: Vec<Detected>,
    unlisted: usize,
}

impl Conditions {
    /// Of a record, at a date.
    ///
    /// # Errors
    /// [`ClinicalError`] when a used element is not what FHIR allows.
    pub fn of(record: &Record, at: &Moment) -> Result<Self, ClinicalError> {
        let mut conditions = Self { found: Vec::new(), unlisted: 0 };
        for resource in record.of_kind("Condition") {
            conditions.add(resource, at)?;
        }
        Ok(conditions)
    }

    /// How many Condition resources have codes that are on no list.
    pub fn unlisted(&self) -> usize {
        self.unlisted
    }

    fn add(&mut self, resource: &Resource, at: &Moment) -> Result<(), ClinicalError> {
        let Some(presence) = presence(resource, Some(at))? else { return Ok(()) };
        if known_since(resource)?.is_some_and(|since| since.is_after(at)) {
            return Ok(());
        }
        let onset = onset(resource)?;
        let mut listed = false;
        for code in codes(resource.body.get("code")) {
            for list in TABLE.conditions.iter().filter(|list| list.means(code)) {
                listed = true;
                self.note(
                    list,
                    Evidence {
                        resource: resource.name(),
                        code: code.code.to_owned(),
                        system: code.system.to_owned(),
                        presence,
                        onset: onset.map(|onset| onset.text()),
                    },
                );
            }
        }
        self.unlisted += usize::from(!listed);
        Ok(())
    }

    fn note(&mut self, list: &'static CodeList, evidence: Evidence) {
        let rank = |presence| match presence {
            Presence::Present => 0,
            Presence::Past => 1,
            Presence::Unconfirmed => 2,
        };
        if let Some(known) = self.found.iter_mut().find(|known| known.condition == list.name) {
            if rank(evidence.presence) < rank(known.presence) {
                known.presence = evidence.presence;
            }
            known.evidence.push(evidence);
        } else {
            let (presence, history) = (evidence.presence, list.history);
            self.found.push(Detected { condition: &list.name, presence, evidence: vec![evidence], history });
        }
    }

    /// Adds what the newest body mass index shows.
    ///
    /// # Errors
    /// [`ClinicalError`] when it is no value, or in no unit it can have.
    pub fn add_body_mass_index(&mut self, record: &Record, at: &Moment) -> Result<(), ClinicalError> {
        const NAME: &str = "body mass index";
        let all = measurements(record, &[NAME])?;
        let newest = newest_value(&all, NAME, at, "obesity")?;
        let Some(index) = newest.filter(|m| m.value >= OBESITY_FROM_KG_PER_M2) else { return Ok(()) };
        if age(record, at)?.is_some_and(|(least, _)| least < 18) {
            return Ok(());
        }
        let Some(list) = TABLE.conditions.iter().find(|list| list.name == "Obesity") else { return Ok(()) };
        self.note(
            list,
            Evidence {
                resource: index.resource.clone(),
                code: "39156-5".to_owned(),
                system: super::concept::LOINC.to_owned(),
                presence: Presence::Present,
                onset: None,
            },
        );
        Ok(())
    }

    /// The evidence that counts for a score: present, or past where the history counts.
    pub fn evidence(&self, condition: &str) -> Vec<&Evidence> {
        let found = self.found.iter().find(|found| found.condition == condition);
        let counts = |found: &Detected, e: &Evidence| {
            e.presence == Presence::Present || (found.history && e.presence == Presence::Past)
        };
        found.into_iter().flat_map(|f| f.evidence.iter().filter(move |e| counts(f, e))).collect()
    }

    /// As a result.
    pub fn into_result(self, at: &Moment) -> ConditionDetection {
        let names = TABLE.conditions.iter().map(|list| list.name.as_str());
        let not_documented = names.filter(|name| !self.found.iter().any(|found| found.condition == *name)).collect();
        ConditionDetection {
            at: at.text(),
            conditions: self.found,
            not_documented,
            unlisted_condition_count: self.unlisted,
            code_list_provenance: &TABLE.provenance,
        }
    }
}

impl CodeList {
    fn means(&self, code: Code<'_>) -> bool {
        let of = |name: &str| TABLE.systems.get(name).is_some_and(|s| s.iter().any(|system| system == code.system));
        if of("SNOMED CT") {
            self.snomed_ct.iter().any(|listed| listed == code.code)
        } else if of("ICPC-2") {
            self.icpc_2.iter().any(|listed| listed == code.code)
        } else {
            of("ICD-10")
                && self.icd_10.iter().any(|listed| icd_below(code.code, listed))
                && !self.except.iter().any(|listed| icd_below(code.code, listed))
        }
    }
}

/// Whether an ICD-10 code is a listed one, stands below it, or has its category within a listed range.
fn icd_below(code: &str, listed: &str) -> bool {
    let plain = |text: &str| text.chars().filter(|c| *c != '.').collect::<String>().to_ascii_uppercase();
    let code = plain(code);
    match listed.split_once('-') {
        Some((from, to)) => code.get(..3).is_some_and(|category| (from..=to).contains(&category)),
        None => code.starts_with(&plain(listed)),
    }
}

/// Whether a Condition is there at a date, or at the end of the record; `None` when it was refuted or entered in error.
///
/// # Errors
/// [`ClinicalError::Element`] when a status or the abatement is none.
pub fn presence(resource: &Resource, at: Option<&Moment>) -> Result<Option<Presence>, ClinicalError> {
    match verified(resource)? {
        Verified::No => return Ok(None),
        Verified::NotYet => return Ok(Some(Presence::Unconfirmed)),
        Verified::Yes => {}
    }
    let (active, over) = match status(resource, "clinicalStatus", CLINICAL)? {
        Some("active" | "recurrence" | "relapse") => (true, false),
        Some("inactive" | "remission" | "resolved") => (false, true),
        None => (false, false),
        Some(_) => return Err(invalid(resource, "clinicalStatus")),
    };
    let is_past = match (end(resource)?, at) {
        (Some(_), None) => true,
        (Some(end), Some(at)) if active => at.is_after(&end),
        (Some(end), Some(at)) => !end.is_after(at),
        // At an age, or in words: over, and nobody can say at which date.
        (None, _) => over || ABATED.iter().any(|element| resource.body.contains_key(*element)),
    };
    Ok(Some(if is_past { Presence::Past } else { Presence::Present }))
}

/// Ways of saying that a Condition is over without a date.
const ABATED: [&str; 4] = ["abatementAge", "abatementPeriod", "abatementRange", "abatementString"];
/// Ways of saying when a Condition began without a date.
const BEGAN: [&str; 3] = ["onsetAge", "onsetRange", "onsetString"];

/// When a Condition was over: the end of its abatement.
fn end(resource: &Resource) -> Result<Option<Moment>, ClinicalError> {
    if let Some(end) = Moment::in_element(resource, "abatementDateTime")? {
        return Ok(Some(end));
    }
    match resource.body.get("abatementPeriod").and_then(Value::as_object) {
        Some(period) => Moment::in_map(period, "end", || resource.place()),
        None => Ok(None),
    }
}

/// What became of a suspicion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// Confirmed, or stated without a doubt.
    Yes,
    /// Unconfirmed, provisional, or one of several.
    NotYet,
    /// Refuted, or entered in error.
    No,
}

/// Whether a Condition was verified.
///
/// # Errors
/// When its verification status is none of R4's: it might say that the patient does not have it.
pub fn verified(resource: &Resource) -> Result<Verified, ClinicalError> {
    match status(resource, "verificationStatus", VERIFICATION)? {
        Some("refuted" | "entered-in-error") => Ok(Verified::No),
        Some("unconfirmed" | "provisional" | "differential") => Ok(Verified::NotYet),
        Some("confirmed") | None => Ok(Verified::Yes),
        Some(_) => Err(invalid(resource, "verificationStatus")),
    }
}

/// A status of a code system that R4 binds it to: one that is absent is one thing, one in other words another.
fn status<'a>(resource: &'a Resource, element: &'static str, system: &str) -> Result<Option<&'a str>, ClinicalError> {
    let found = resource.body.get(element);
    match (found, super::concept::code_in(found, system)) {
        (Some(_), None) => Err(invalid(resource, element)),
        (_, code) => Ok(code),
    }
}

fn invalid(resource: &Resource, element: &'static str) -> ClinicalError {
    ClinicalError::Element { place: resource.place(), element, reason: "R4 has no such status" }
}

/// When a Condition began, where the record says a date.
///
/// # Errors
/// [`ClinicalError::Element`] when it is none.
pub fn onset(resource: &Resource) -> Result<Option<Moment>, ClinicalError> {
    if let Some(onset) = Moment::in_element(resource, "onsetDateTime")? {
        return Ok(Some(onset));
    }
    match resource.body.get("onsetPeriod").and_then(Value::as_object) {
        Some(period) => Moment::in_map(period, "start", || resource.place()),
        None => Ok(None),
    }
}

/// From when on a Condition is taken to be there: its onset, else the day it was written down; not known where the onset
/// is an age or words, which that day says nothing about.
fn known_since(resource: &Resource) -> Result<Option<Moment>, ClinicalError> {
    match onset(resource)? {
        None if BEGAN.iter().any(|element| resource.body.contains_key(*element)) => Ok(None),
        None => Moment::in_element(resource, "recordedDate"),
        known => Ok(known),
    }
}

/// Age in full years at a date: the least and the most it can be, from how exactly the birth date is known.
///
/// # Errors
/// [`ClinicalError::Element`] when the birth date is none, or lies after the date.
pub fn age(record: &Record, at: &Moment) -> Result<Option<(i32, i32)>, ClinicalError> {
    let Some(patient) = record.patient() else { return Ok(None) };
    let Some(birth) = Moment::in_map(patient, "birthDate", || "Patient".to_owned())? else { return Ok(None) };
    let (least, most) = at.years_since(&birth);
    match (0..=130).contains(&most) {
        false => Err(ClinicalError::Element {
            place: "Patient".to_owned(),
            element: "birthDate",
            reason: "at the date asked about, the person was not yet born or older than anyone ever was",
        }),
        true => Ok(Some((least.max(0), most))),
    }
}

/// Administrative sex of the patient, when it is stated.
pub fn sex(patient: Option<&Map<String, Value>>) -> Option<&str> {
    patient?.get("gender")?.as_str()
}
