//! An ECG with ectopic beats of known kind, and a network that learned from others to tell them apart.

use std::sync::LazyLock;

use health_back_end::{
    aims::aih_data_processing::ecg::synthetic_beats::{LabelledRecording, SyntheticBeats},
    domain::operation::Operation,
    front_end::{
        recording,
        training::{
            learner::{Recipe, fresh, train},
            recordings::all_examples,
        },
    },
    mpai_store::models::{declaration::Declaration, onnx},
    schema::wire::DataFormat,
};
use serde_json::Value;

use super::{ecg, edf, samples::Sample};

const RATE_HZ: u32 = 200;

fn person(seed: u64) -> LabelledRecording {
    let person = SyntheticBeats {
        seed,
        sampling_rate_hz: f64::from(RATE_HZ),
        duration_s: 90.0,
        ventricular: 0.12,
        supraventricular: 0.08,
        noise_mv: 0.02,
    };
    person.generate().unwrap()
}

/// Nobody the network learned from.
static STRANGER: LazyLock<LabelledRecording> = LazyLock::new(|| person(77));

fn edf_plus(made: &LabelledRecording) -> Vec<u8> {
    recording::edf_plus(made, f64::from(RATE_HZ)).unwrap()
}

pub fn sample(format: DataFormat) -> Sample {
    let bytes = match format {
        DataFormat::Wfdb => ecg::wfdb(&STRANGER.samples_mv, RATE_HZ),
        other => edf::from_edf_plus(&edf_plus(&STRANGER), other),
    };
    Sample::new(bytes, check)
}

/// A network that learned from four people, as an ONNX graph.
pub fn trained() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (1..=4).map(|seed| folder.path().join(format!("{seed}.edf"))).collect();
    for (seed, path) in (1..).zip(&paths) {
        std::fs::write(path, edf_plus(&person(seed))).unwrap();
    }
    let declared = Declaration::beat_classifier(12);
    let mut network = fresh(declared.clone(), 1);
    let recipe = Recipe { epochs: 12, learning_rate: 0.003, batch: 16, seed: 1 };
    train(&mut network, &all_examples(&paths, &declared).unwrap(), &recipe);
    onnx::encode(&network)
}

fn check(operation: Operation, result: &Value) {
    assert_eq!(operation, Operation::PhysiologicalStateClassification, "what is true under another is not known here");
    assert!(result["MLModelObjectID"].as_str().unwrap().starts_with("urn:uuid:"), "{result}");
    let named = result["Beats"].as_array().unwrap();
    let right = named.iter().filter(|beat| {
        let (at, class) = (beat["TimeSeconds"].as_f64().unwrap(), beat["Class"].as_str().unwrap());
        STRANGER.beats.iter().any(|(true_at, kind)| (true_at - at).abs() < 0.15 && kind.letter() == class)
    });
    let share = right.count() as f64 / named.len() as f64;
    println!("{} beats of a stranger named, {:.1} % right", named.len(), 100.0 * share);
    assert!(
        named.len() + 5 > STRANGER.beats.len() && share > 0.9,
        "{} of {}: {share}",
        named.len(),
        STRANGER.beats.len()
    );
}
