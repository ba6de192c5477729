//! Tests of the whole module: images with known truth, published reference values, real files, damaged payloads.

mod extent_truth;
mod hostile;
mod otsu_truth;
mod phenotype_truth;
mod real_file;
mod structure_truth;
pub(crate) mod writer;

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::{Map, Value, json};

use super::{observe, run};
use crate::{
    aims::ai_modules::{input::Input, observations::Observations},
    domain::operation::Operation,
    schema::wire::DataFormat,
};

/// Real files, named by `HBE_SAMPLES`. A test that does not find them says so and checks nothing.
pub(crate) fn sample(test: &str, name: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("HBE_SAMPLES").map(PathBuf::from).filter(|p| p.is_dir());
    if folder.is_none() {
        eprintln!("SKIPPED {test}: HBE_SAMPLES names no folder with the sample recordings");
    }
    Some(std::fs::read(folder?.join("dicom").join(name)).unwrap())
}

fn ask(operation: Operation, payload: &[u8], parameters: Value) -> Result<Value, String> {
    let parameters: Map<String, Value> = parameters.as_object().unwrap().clone();
    let (format, attachments) = (DataFormat::Dicom, BTreeMap::new());
    let input = Input { operation, format, parameters: &parameters, payload, attachments: &attachments };
    // Whatever a test asks, what it gets is what the AIM declares.
    run(&input)
        .inspect(|result| crate::mpai_store::processing::check_result("AIP-IMG-V1.0", operation, result).unwrap())
}

fn look(payload: &[u8]) -> Result<Observations, String> {
    let (operation, parameters, attachments) = (Operation::AnomalyAndRiskAlerting, Map::new(), BTreeMap::new());
    observe(&Input {
        operation,
        format: DataFormat::Dicom,
        parameters: &parameters,
        payload,
        attachments: &attachments,
    })
}

fn detect(payload: &[u8], parameters: Value) -> Result<Value, String> {
    ask(Operation::AnatomicalStructureDetection, payload, parameters)
}

fn measure(payload: &[u8], parameters: Value) -> Result<Value, String> {
    ask(Operation::LesionExtentQuantification, payload, parameters)
}

fn characterise(payload: &[u8], parameters: Value) -> Result<Value, String> {
    ask(Operation::ImagingPhenotypeCharacterisation, payload, parameters)
}

/// A number of a result, by its JSON pointer.
#[track_caller]
fn number(result: &Value, pointer: &str) -> f64 {
    result.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number at {pointer} in {result}"))
}

#[track_caller]
fn near(result: &Value, pointer: &str, expected: f64, tolerance: f64) {
    let found = number(result, pointer);
    assert!((found - expected).abs() <= tolerance, "{pointer}: {found}, expected {expected} ± {tolerance}");
}

fn none() -> Value {
    json!({})
}
