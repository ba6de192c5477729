//! Tests of the whole chain: payload in, result or refusal out.

mod derivations;
mod early_warning;
mod hostile;
mod real_samples;
mod scores;
mod tables;
mod unclear;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::*;
use crate::schema::wire::DataFormat;

/// Runs a processing type on a payload.
pub(crate) fn run_on(
    operation: Operation,
    format: DataFormat,
    payload: &[u8],
    parameters: Value,
) -> Result<Value, String> {
    let parameters = parameters.as_object().cloned().unwrap_or_default();
    let input = Input { operation, format, parameters: &parameters, payload, attachments: &BTreeMap::new() };
    // Whatever a test asks, what it gets is what the AIM declares.
    run(&input)
        .inspect(|result| crate::mpai_store::processing::check_result("AIP-FHR-V1.0", operation, result).unwrap())
}

fn run_bundle(operation: Operation, resources: &[Value], parameters: Value) -> Result<Value, String> {
    run_on(operation, DataFormat::Fhir, &bundle(resources), parameters)
}

fn observe_bundle(resources: &[Value]) -> Result<crate::aims::ai_modules::observations::Observations, String> {
    let (operation, parameters) = (Operation::AnomalyAndRiskAlerting, Map::new());
    let (payload, attachments) = (bundle(resources), BTreeMap::new());
    let format = DataFormat::Fhir;
    observe(&Input { operation, format, parameters: &parameters, payload: &payload, attachments: &attachments })
}

/// A collection Bundle; every entry with a `fullUrl` of one server.
pub(crate) fn bundle(resources: &[Value]) -> Vec<u8> {
    let url = |r: &Value| format!("https://example.org/fhir/{}/{}", text(r, "resourceType"), text(r, "id"));
    let entries: Vec<Value> = resources.iter().map(|r| json!({"fullUrl": url(r), "resource": r})).collect();
    serde_json::to_vec(&json!({"resourceType": "Bundle", "type": "collection", "entry": entries})).unwrap()
}

fn text<'a>(resource: &'a Value, element: &str) -> &'a str {
    resource[element].as_str().unwrap()
}

pub(crate) fn patient(birth: &str, gender: &str) -> Value {
    json!({"resourceType": "Patient", "id": "p", "birthDate": birth, "gender": gender})
}

pub(crate) fn condition(id: &str, system: &str, code: &str) -> Value {
    json!({
        "resourceType": "Condition", "id": id, "subject": {"reference": "Patient/p"},
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "confirmed"}]},
        "code": {"coding": [{"system": system, "code": code}]}, "recordedDate": "2024-01-10"
    })
}

pub(crate) fn icd(id: &str, code: &str) -> Value {
    condition(id, "http://hl7.org/fhir/sid/icd-10-cm", code)
}

/// With the code of a status element replaced.
fn with_status(mut resource: Value, element: &str, code: &str) -> Value {
    resource[element]["coding"][0]["code"] = json!(code);
    resource
}

pub(crate) fn quantity(id: &str, loinc: &str, value: f64, unit: &str, at: &str) -> Value {
    json!({
        "resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]}, "effectiveDateTime": at,
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    })
}

pub(crate) fn concept(id: &str, loinc: &str, system: &str, answer: &str, at: &str) -> Value {
    let mut observation = quantity(id, loinc, 0.0, "1", at);
    let object = observation.as_object_mut().unwrap();
    object.remove("valueQuantity");
    object.insert("valueCodeableConcept".to_owned(), json!({"coding": [{"system": system, "code": answer}]}));
    observation
}

fn none() -> Value {
    Value::Object(Map::new())
}
