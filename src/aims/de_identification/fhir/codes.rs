//! Codes: those of public systems are kept, with system and code alone.
//!
//! Of small systems the codes themselves are listed. Of large ones a code must be well formed: SNOMED CT and LOINC have
//! check digits, so an identifier written into their place is found out nine times out of ten or more. Texts, versions and
//! codes of private systems (a hospital's own lists can number people) are dropped.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::units;
use crate::aims::aih_data_processing::clinical::{concept, measurement};

/// `data/vocabulary.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Vocabulary {
    /// Sources.
    #[serde(rename = "Provenance")]
    pub _provenance: Vec<String>,
    /// Small systems and their codes.
    listed: BTreeMap<String, Vec<String>>,
    /// Large systems and the form of their codes.
    checked: BTreeMap<String, String>,
    /// Three-digit ZIP areas with 20,000 or fewer inhabitants.
    pub small_zip: Vec<String>,
    /// States of the USA, by their abbreviation.
    pub states: BTreeMap<String, String>,
    /// Countries.
    pub countries: Vec<String>,
    /// Profiles that name nobody.
    pub profiles: Vec<String>,
    /// Extensions that are kept, and of them what.
    pub extensions: BTreeMap<String, Value>,
}

/// The vocabulary.
pub(super) static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    // Cannot fail: the file is part of the program, and a test reads it.
    serde_json::from_str(include_str!("data/vocabulary.json")).expect("vocabulary.json fits its type")
});

/// A Coding with system and code alone, when both are known.
pub(in crate::aims::de_identification) fn coding(value: &Value) -> Option<Value> {
    let known = concept::coding(value).filter(|code| is_known(code.system, code.code))?;
    let mut kept = Map::new();
    kept.insert("system".to_owned(), Value::from(known.system));
    kept.insert("code".to_owned(), Value::from(known.code));
    if let Some(Value::Bool(selected)) = value.get("userSelected") {
        kept.insert("userSelected".to_owned(), Value::Bool(*selected));
    }
    Some(Value::Object(kept))
}

/// A CodeableConcept with its known codes; `None` when none is.
pub(super) fn concept(value: &Value) -> Option<Value> {
    let list = value.get("coding").and_then(Value::as_array)?;
    let known: Vec<Value> = list.iter().filter_map(coding).collect();
    (!known.is_empty()).then(|| json!({"coding": known}))
}

/// A concept that says its content was hidden.
pub(super) fn masked_coding() -> Value {
    json!({"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "masked"})
}

/// An element that says the same of a value.
pub(super) fn masked() -> Value {
    json!({"extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}
    ]})
}

fn is_known(system: &str, code: &str) -> bool {
    if let Some(listed) = VOCABULARY.listed.get(system) {
        return listed.iter().any(|listed| listed == code);
    }
    VOCABULARY.checked.get(system).is_some_and(|form| has_form(form, code))
}

fn has_form(form: &str, code: &str) -> bool {
    let digits = |most: usize| (1..=most).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
    match form {
        "SNOMED CT" => concept::is_snomed_ct(code),
        "LOINC" => concept::is_loinc(code) || concept::is_loinc_answer(code) || measurement::measure(code).is_some(),
        "ICD-10" => is_icd_10(code),
        "ICPC-2" => shape(code, "A99"),
        "RxNorm" => digits(7),
        "ATC" => ["A99", "A99A", "A99AA", "A99AA99"].iter().any(|form| shape(code, form)),
        "CVX" => digits(3),
        "UCUM" => units::plain(code).as_deref() == Some(code),
        "language" => is_language(code),
        "CDC race" => shape(code, "9999-9"),
        _ => false,
    }
}

/// Whether each character is a capital letter where the form has `A`, a digit where it has `9`, and the same elsewhere.
fn shape(code: &str, form: &str) -> bool {
    code.len() == form.len()
        && code.bytes().zip(form.bytes()).all(|(byte, form)| match form {
            b'A' => byte.is_ascii_uppercase(),
            b'9' => byte.is_ascii_digit(),
            other => byte == other,
        })
}

/// A letter, a digit, a letter or digit; then up to four letters or digits, in the modifications after a point.
fn is_icd_10(code: &str) -> bool {
    let (category, rest) = match code.split_once('.') {
        Some((category, rest)) if !rest.is_empty() => (category, rest),
        Some(_) => return false,
        None => code.split_at_checked(3).unwrap_or(("", "")),
    };
    let upper = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    (shape(category, "A99") || shape(category, "A9A")) && rest.len() <= 4 && upper(rest)
}

/// A language, perhaps with a region: `en`, `pt-BR`.
pub(super) fn is_language(code: &str) -> bool {
    let (language, region) = code.split_once('-').map_or((code, None), |(language, region)| (language, Some(region)));
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && region.is_none_or(|region| shape(region, "AA"))
}
