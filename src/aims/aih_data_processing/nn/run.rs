//! The AI Module: beats are found, a window is cut around each, and an ONNX model of the MPAI Store names its kind. The
//! model says in its metadata what windows it wants and what its classes are; tract runs it. None of this is a diagnosis.

use std::io::Cursor;

use serde::Serialize;
use serde_json::Value;
use tract_onnx::prelude::*;

use super::windows::{BeatWindow, windows};
use crate::{
    aims::{
        ai_modules::input::Input,
        aih_data_processing::ecg::{LeadChoice, detect_events, read_recording},
    },
    domain::operation::Operation,
    mpai_store::models::{declaration::Declaration, layout::DECLARATION, network::greatest},
};

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
    let recording = read_recording(Cursor::new(input.payload), &lead(input)?).map_err(|error| error.to_string())?;
    let events = detect_events(&recording).map_err(|error| error.to_string())?;
    let windows = windows(&recording, &events.event_times_seconds, &declared);
    if windows.is_empty() {
        return Err("there are too few beats to compare them with one another".to_owned());
    }
    let probabilities = probabilities(onnx, &declared, &windows)?;
    let model = input.parameters.get(MODEL).and_then(Value::as_str).unwrap_or_default().to_owned();
    serde_json::to_value(classified(model, &declared, &windows, &probabilities)).map_err(|error| error.to_string())
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

/// What the model says of itself in its metadata.
fn declaration(onnx: &[u8]) -> Result<Declaration, String> {
    let proto = tract_onnx::onnx().proto_model_for_read(&mut Cursor::new(onnx));
    let proto = proto.map_err(|_| "the model is not an ONNX file".to_owned())?;
    let text = proto.metadata_props.iter().find(|entry| entry.key == DECLARATION).map(|entry| entry.value.as_str());
    let text = text.ok_or("the model does not declare its input")?;
    Declaration::read(text).map_err(|error| error.to_string())
}

/// Probabilities of the classes, beat by beat.
///
/// # Errors
/// When the graph is not what its declaration says.
pub fn probabilities(onnx: &[u8], declared: &Declaration, windows: &[BeatWindow]) -> Result<Vec<Vec<f64>>, String> {
    let refuse = |_| "the model's graph is not that of its declaration".to_owned();
    let (rows, inputs, classes) = (windows.len(), declared.inputs(), declared.classes.len());
    let graph = tract_onnx::onnx().model_for_read(&mut Cursor::new(onnx)).map_err(refuse)?;
    let graph = graph.with_input_fact(0, f32::fact([rows, inputs]).into()).map_err(refuse)?;
    let graph = graph.into_optimized().and_then(|graph| graph.into_runnable()).map_err(refuse)?;
    let numbers: Vec<f32> = windows.iter().flat_map(|w| w.numbers.iter().map(|value| *value as f32)).collect();
    let tensor = Tensor::from_shape(&[rows, inputs], &numbers).map_err(refuse)?;
    let answer = graph.run(tvec!(tensor.into())).map_err(refuse)?;
    let output = answer.first().filter(|output| output.shape() == [rows, classes]);
    let output = output.ok_or("the model's graph is not that of its declaration")?;
    let plain = output.try_as_plain_ram().map_err(refuse)?;
    let found = plain.as_slice::<f32>().map_err(refuse)?;
    Ok(found.chunks_exact(classes).map(|row| row.iter().map(|value| f64::from(*value)).collect()).collect())
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
