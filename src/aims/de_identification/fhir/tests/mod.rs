//! Tests of the whole treatment: identifiers planted everywhere, references, dates, scores, refusals.

mod dates;
mod everywhere;
mod identities;
mod numbers;
mod real_samples;
mod refusals;
mod safe_harbor;
mod same_scores;

use serde_json::{Map, Value, json};

use super::*;
use crate::{
    aims::{ai_modules::pseudonyms::Pseudonyms, ai_modules::treatment::Treated},
    schema::wire::DataFormat,
};

fn treated_with(key: u8, format: DataFormat, payload: &[u8], parameters: Value) -> Result<Treated, String> {
    let parameters = parameters.as_object().cloned().unwrap_or_default();
    treat(&Treatment { format, parameters: &parameters, payload, pseudonyms: &Pseudonyms::new([key; 32]) })
}

fn treated(payload: &[u8], parameters: Value) -> Treated {
    treated_with(7, DataFormat::Fhir, payload, parameters).unwrap()
}

/// The treated resource of a payload that is one resource.
fn single(resource: &Value, parameters: Value) -> Value {
    serde_json::from_slice(&treated(resource.to_string().as_bytes(), parameters).payload).unwrap()
}

/// A collection Bundle of resources, each with a `fullUrl`.
fn bundle_of(resources: &[Value]) -> Vec<u8> {
    let entries: Vec<Value> = resources
        .iter()
        .map(|r| json!({"fullUrl": format!("https://ehr.example/fhir/{}/{}", r["resourceType"].as_str().unwrap(), r["id"].as_str().unwrap()), "resource": r}))
        .collect();
    serde_json::to_vec(&json!({"resourceType": "Bundle", "type": "collection", "entry": entries})).unwrap()
}

fn resources_of(bundle: &[u8]) -> Vec<Value> {
    let bundle: Value = serde_json::from_slice(bundle).unwrap();
    bundle["entry"].as_array().unwrap().iter().map(|entry| entry["resource"].clone()).collect()
}

/// Whether a text stands in the output: as it is, in other letters, or within base64.
fn stands_in(planted: &str, output: &str) -> bool {
    use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
    let lower = output.to_lowercase();
    let encoded = (0..3).any(|offset| {
        let encoded = STANDARD_NO_PAD.encode(format!("{}{planted}", &"\0\0"[..offset]));
        let whole = encoded.get([0, 2, 3][offset]..encoded.len() - 2).unwrap_or_default().to_owned();
        whole.len() >= 6 && output.contains(&whole)
    });
    encoded || lower.contains(&planted.to_lowercase())
}
