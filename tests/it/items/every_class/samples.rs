//! The samples of an AIM in a format, and what is true of them.

use health_back_end::{domain::operation::Operation, mpai_store::processing::Performance, schema::wire::DataFormat};
use serde_json::{Map, Value, json};

use super::{beats, behaviour, ecg, eeg, images, records, variants};

/// A payload of which the truth is known.
pub struct Sample {
    pub bytes: Vec<u8>,
    /// Processing types it is made for; all of its AIM when empty.
    pub only: &'static [Operation],
    /// Parameters that a type needs on it, besides those that name assets.
    pub parameters: fn(Operation) -> Value,
    /// Compares a result with the truth; panics for a type of which it knows none.
    pub check: fn(Operation, &Value),
}

impl Sample {
    pub fn new(bytes: Vec<u8>, check: fn(Operation, &Value)) -> Self {
        Self { bytes, only: &[], parameters: |_| json!({}), check }
    }

    /// Whether it is made for a type, or for the one that answers a `HealthState…` type.
    pub fn serves(&self, performance: &Performance) -> bool {
        self.only.is_empty() || self.only.contains(&answering(performance))
    }

    pub fn parameters_for(&self, performance: &Performance) -> Map<String, Value> {
        (self.parameters)(answering(performance)).as_object().unwrap().clone()
    }
}

/// The type that answers: a `HealthState…` type is the one it dispatches to.
pub fn answering(performance: &Performance) -> Operation {
    performance.dispatches_to.unwrap_or(performance.processing_type)
}

/// The samples of an AIM in a format. A declaration that is not here is a failure, not a gap.
pub fn of(aim: &str, format: DataFormat) -> Vec<Sample> {
    match aim {
        "AIP-ECG-V1.0" => vec![ecg::sample(format)],
        "AIP-NNB-V1.0" => vec![beats::sample(format)],
        "AIP-EEG-V1.0" => vec![eeg::sample(format)],
        "AIP-FHR-V1.0" => vec![records::sample(format)],
        "AIP-IMG-V1.0" => vec![images::sample(format)],
        "AIP-VCF-V1.0" => vec![variants::sample(format)],
        "AIP-BEH-V1.0" => behaviour::samples(format),
        other => panic!("there is no sample for {other}"),
    }
}

/// A number of a result.
#[track_caller]
pub fn number(result: &Value, pointer: &str) -> f64 {
    result.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number at {pointer} in {result}"))
}

#[track_caller]
pub fn near(result: &Value, pointer: &str, truth: f64, tolerance: f64) {
    let found = number(result, pointer);
    assert!((found - truth).abs() <= tolerance, "{pointer}: {found}, true is {truth} ± {tolerance}");
}
