//! The AI Module: beats are found, a window is cut around each, and an ONNX model of the MPAI Store names its kind. The
//! model says in its metadata what windows it wants and what its classes are. None of this is a diagnosis.

use super::{
    graph::{declaration, probabilities},
    windows::{BeatWindow, windows},
};
use crate::{
    aims::{
        ai_modules::input::Input,
        aih_data_processing::ecg::{LeadChoice, detect_events, read_as_named},
    },
    domain::operation::Operation,
    mpai_store::models::{declaration::Declaration, network::greatest},
};
use serde::Serialize;
use serde_json::Value;

/// The parameter that names the model, and the attachment that is it.
pub const MODEL: &str = "Model";
const LEAD: &str = "Lead";
const METHOD: &str = "Multilayer perceptron on windows around detected QRS complexes, run as an ONNX graph";
/// A kind of beat that makes up less of a recording than this does not name its state.
const LEAST_SHARE: f64 = 0.01;

/// Result of `PhysiologicalStateClassification` by a model.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Classified {
    processing_type: &'static str,
    method: &'static str,
    #[serde(rename = "MLModelObjectID")]
    model: String,
    state: String,
    beat_count: usize,
    classes: Vec<ClassCount>,
    beats: Vec<Beat>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ClassCount {
    class: String,
    count: usize,
    share_percent: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Beat {
    time_seconds: f64,
    class: String,
    probability: f64,
}

/// Names the kind of each beat of a recording.
///
/// # Errors
/// What is wrong with the recording or the model, in words.
pub fn run(input: &Input<'_>) -> Result<Value, String> {
    if input.operation != Operation::PhysiologicalStateClassification {
        return Err("this module does not perform that".to_owned());
    }
    let onnx = input.attachments.get(MODEL).ok_or("the parameter Model names no model of the Store")?;
    let declared = declaration(onnx)?;
    names_its_kinds(&declared)?;
    let recording = read_as_named(input, &lead(input)?)?;
    let events = detect_events(&recording).map_err(|error| error.to_string())?;
    let windows = windows(&recording, &events.event_times_seconds, &declared);
    if windows.is_empty() {
        return Err("there are too few beats to compare them with one another".to_owned());
    }
    let probabilities = probabilities(onnx, &declared, &windows)?;
    let model = input.parameters.get(MODEL).and_then(Value::as_str).unwrap_or_default().to_owned();
    serde_json::to_value(classified(model, &declared, &windows, &probabilities)).map_err(|error| error.to_string())
}

/// The state is said by the classes V and S: of a model that calls them otherwise their absence would say nothing.
fn names_its_kinds(declared: &Declaration) -> Result<(), String> {
    match declared.class("V").is_some() && declared.class("S").is_some() {
        true => Ok(()),
        false => Err("the model has no classes V and S, by which the state is told".to_owned()),
    }
}

fn lead(input: &Input<'_>) -> Result<LeadChoice, String> {
    let refused = || "the parameter Lead is a name or a position counted from 0".to_owned();
    match input.parameters.get(LEAD) {
        None => Ok(LeadChoice::default()),
        Some(Value::String(name)) => Ok(LeadChoice::Named(name.clone())),
        Some(value) => {
            let index = value.as_u64().and_then(|index| usize::try_from(index).ok());
            index.map(LeadChoice::Index).ok_or_else(refused)
        }
    }
}

fn classified(model: String, declared: &Declaration, windows: &[BeatWindow], found: &[Vec<f64>]) -> Classified {
    let mut counts = vec![0_usize; declared.classes.len()];
    let name = |place: usize| declared.classes.get(place).cloned().unwrap_or_default();
    let beat = |(window, probabilities): (&BeatWindow, &Vec<f64>)| {
        let class = greatest(probabilities);
        counts.iter_mut().skip(class).take(1).for_each(|count| *count += 1);
        let probability = probabilities.get(class).copied().unwrap_or_default();
        Beat { time_seconds: window.at_s, class: name(class), probability }
    };
    let beats: Vec<Beat> = windows.iter().zip(found).map(beat).collect();
    let total = beats.len().max(1) as f64;
    let classes: Vec<ClassCount> = counts
        .iter()
        .enumerate()
        .map(|(place, count)| ClassCount {
            class: name(place),
            count: *count,
            share_percent: 100.0 * *count as f64 / total,
        })
        .collect();
    let ectopic = |class: &str| classes.iter().any(|c| c.class == class && c.share_percent >= 100.0 * LEAST_SHARE);
    let state = match (ectopic("V"), ectopic("S")) {
        (true, true) => "ventricular and supraventricular ectopic beats",
        (true, false) => "ventricular ectopic beats",
        (false, true) => "supraventricular ectopic beats",
        (false, false) => "no ectopic beats above 1 percent",
    };
    Classified {
        processing_type: "PhysiologicalStateClassification",
        method: METHOD,
        model,
        state: state.to_owned(),
        beat_count: beats.len(),
        classes,
        beats,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_with_other_words_for_its_classes_is_refused() {
        let with = |classes: &[&str]| Declaration {
            classes: classes.iter().map(|class| (*class).to_owned()).collect(),
            ..Declaration::beat_classifier(2)
        };
        assert_eq!(names_its_kinds(&with(&["N", "S", "V"])), Ok(()));
        assert_eq!(names_its_kinds(&with(&["V", "N", "S", "F"])), Ok(()));
        for classes in [&["N", "SVEB", "VEB"][..], &["N", "V"], &["N", "S"], &["n", "s", "v"]] {
            assert!(names_its_kinds(&with(classes)).unwrap_err().contains("V and S"), "{classes:?}");
        }
    }
}
