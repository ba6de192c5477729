//! The ECG module as the AI Module that a child process runs.

use serde::Serialize;
use serde_json::Value;

use super::{LeadChoice, classify_rhythm, detect_events, quantify_heart_rate, read_recording};
use crate::{aims::ai_modules::input::Input, domain::operation::Operation};

const LEAD: &str = "Lead";
const NO_LEAD: &str = "the parameter Lead is a name or a position counted from 0";

/// Performs a processing type on an ECG.
///
/// # Errors
/// What is wrong with the payload, in words.
pub fn run(input: &Input<'_>) -> Result<Value, String> {
    let recording = read_recording(std::io::Cursor::new(input.payload), &lead(input)?).map_err(in_words)?;
    let events = detect_events(&recording).map_err(in_words)?;
    match input.operation {
        Operation::PhysiologicalEventDetection => result(&events),
        Operation::PhysiologicalParameterQuantification => result(&quantify_heart_rate(&events).map_err(in_words)?),
        Operation::PhysiologicalStateClassification => result(&classify_rhythm(&events).map_err(in_words)?),
        _ => Err("this module does not perform that".to_owned()),
    }
}

fn lead(input: &Input<'_>) -> Result<LeadChoice, String> {
    match input.parameters.get(LEAD) {
        None => Ok(LeadChoice::default()),
        Some(Value::String(name)) => Ok(LeadChoice::Named(name.clone())),
        Some(value) => {
            let index = value.as_u64().and_then(|index| usize::try_from(index).ok());
            Ok(LeadChoice::Index(index.ok_or(NO_LEAD)?))
        }
    }
}

fn result(result: &impl Serialize) -> Result<Value, String> {
    serde_json::to_value(result).map_err(in_words)
}

fn in_words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
