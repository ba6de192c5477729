//! The module as a request sees it, and real recordings.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::*;
use super::{eeg, file, rhythmic};
use crate::aims::ai_modules::input::Input;
use crate::{domain::operation::Operation, schema::wire::DataFormat};

fn ask(payload: &[u8], operation: Operation, format: DataFormat, parameters: Value) -> Result<Value, String> {
    let parameters = parameters.as_object().cloned().unwrap_or_default();
    run(&Input { operation, format, parameters: &parameters, payload, attachments: &BTreeMap::new() })
}

const PERFORMED: [Operation; 4] = [
    Operation::NeuroActivityQuantification,
    Operation::BrainStateClassification,
    Operation::NeuroStateMonitoring,
    Operation::NeuralEventDetection,
];

#[test]
fn every_type_answers_with_its_name_its_method_and_its_source() {
    let payload = file(&eeg(180, vec![rhythmic("EEG O1", 10.0, 100.0)]));
    for operation in PERFORMED {
        let result = ask(&payload, operation, DataFormat::EdfPlus, json!({})).unwrap();
        assert_eq!(result["ProcessingType"], format!("{operation}"));
        assert!(result["Method"].is_string() && result["Source"].as_str().unwrap().contains("doi:"));
    }
    let result = ask(&payload, PERFORMED[0], DataFormat::Edf, json!({"SegmentSeconds": 8, "Channel": "o1"})).unwrap();
    assert_eq!(result["Channels"][0]["SegmentCount"], 44);
    assert_eq!(result["Channels"][0]["BandPowers"][2]["Band"], "Alpha");
}

#[test]
fn what_the_module_does_not_do_is_refused() {
    let payload = file(&eeg(60, vec![rhythmic("EEG O1", 10.0, 100.0)]));
    let quantify = |format, parameters| ask(&payload, PERFORMED[0], format, parameters).unwrap_err();
    assert!(quantify(DataFormat::Wfdb, json!({})).contains("EDF"));
    assert!(quantify(DataFormat::Edf, json!({"Channel": "Cz"})).contains("no channel"));
    assert!(quantify(DataFormat::Edf, json!({"Channel": true})).contains("Channel"));
    assert!(quantify(DataFormat::Edf, json!({"Channel": -1})).contains("Channel"));
    assert!(quantify(DataFormat::Edf, json!({"SegmentSeconds": 1})).contains("SegmentSeconds"));
    assert!(quantify(DataFormat::Edf, json!({"SegmentSeconds": "4"})).contains("SegmentSeconds"));
    let of = |operation, parameters| ask(&payload, operation, DataFormat::Edf, parameters).unwrap_err();
    assert!(of(PERFORMED[1], json!({"EpochSeconds": 61})).contains("EpochSeconds"));
    assert!(of(PERFORMED[3], json!({"ThresholdFactor": 1})).contains("ThresholdFactor"));
    assert!(of(PERFORMED[3], json!({"WindowSeconds": 100})).contains("WindowSeconds"));
    assert!(of(PERFORMED[3], json!({"WindowSeconds": 10})).contains("too short"));
    assert!(of(Operation::NeurologicalRiskPrediction, json!({})).contains("does not perform"));
}

#[test]
fn observations_carry_units_and_the_state_as_context() {
    let payload = file(&eeg(120, vec![rhythmic("EEG O1", 10.0, 200.0)]));
    let (parameters, attachments) = (Map::new(), BTreeMap::new());
    let operation = Operation::AnomalyAndRiskAlerting;
    let format = DataFormat::EdfPlus;
    let input = Input { operation, format, parameters: &parameters, payload: &payload, attachments: &attachments };
    let seen = observe(&input).unwrap();
    for series in &seen.series {
        assert_eq!(series.at_seconds.len(), series.values.len());
        assert!(series.context.as_ref().unwrap().iter().all(|word| word == "RelaxedWakefulness"), "{}", series.name);
    }
    assert_eq!(
        seen.series.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
        ["AlphaThetaRatio", "LineLength EEG O1"]
    );
    let alpha = seen.values.iter().find(|v| v.name == "RelativeAlphaPower EEG O1").unwrap();
    assert!(alpha.unit == "%" && alpha.value > 50.0);
    assert!(observe(&Input { payload: b"", ..input }).is_err());
}

#[test]
fn the_sample_recordings_are_quantified() {
    let folder = std::env::var_os("HBE_SAMPLES").map(std::path::PathBuf::from).filter(|p| p.is_dir());
    let Some(folder) = folder else {
        eprintln!(
            "SKIPPED the_sample_recordings_are_quantified: HBE_SAMPLES names no folder with the sample recordings"
        );
        return;
    };
    for name in ["test_subsecond.edf", "test_utf8.edf"] {
        let payload = std::fs::read(folder.join("edf").join(name)).unwrap();
        for operation in PERFORMED {
            let result = ask(&payload, operation, DataFormat::EdfPlus, json!({}));
            println!(
                "{name}: {operation}: {}",
                result.as_ref().map_or_else(Clone::clone, |v| { v.to_string().chars().take(700).collect::<String>() })
            );
            assert!(result.is_ok());
        }
    }
}
