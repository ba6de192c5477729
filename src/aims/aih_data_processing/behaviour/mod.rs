//! Behavioural signals of the AIH Data Processing SubAIM: AI Module `AIP-BEH-V1.0`, from accelerometry or step counts
//! (CSV, JSON) to five results.
//!
//! ```text
//! payload ─► table (CSV, JSON) ─► acceleration (ENMO, wear) ─► Recording ─► levels     (minutes by level)
//!                              └► steps        (cadence)    ──┘           ├► bouts      (activity, inactivity)
//!                                                                         ├► pattern    (IS, IV, L5, M10, RA)
//!                                                                         ├► trend      (Theil–Sen, Mann–Kendall)
//!                                                                         └► guideline  (WHO 2020)
//! ```
//!
//! | Processing type of the standard | Function |
//! | --- | --- |
//! | `BehaviouralStateDetection` | [`bouts::detect`] |
//! | `BehaviouralStateClassification` | [`levels::classify`] |
//! | `BehaviouralPatternCharacterisation` | [`pattern::characterise`] |
//! | `BehaviouralTrendMonitoring` | [`trend::monitor`] |
//! | `BehaviouralRiskPrediction` | [`guideline::predict`] |
//!
//! Sleep is not told from rest: what does that reliably needs more than these two signals give. None of this is a
//! diagnosis.

mod acceleration;
pub mod bouts;
pub mod cut_points;
mod error;
pub mod guideline;
pub mod levels;
pub mod limits;
mod observe;
pub mod pattern;
pub mod recording;
mod steps;
mod table;
pub mod trend;

#[cfg(test)]
mod tests;

pub use error::BehaviourError;
pub use recording::Recording;

use serde_json::{Map, Value};

use crate::{
    aims::ai_modules::{input::Input, observations::Observations},
    domain::operation::Operation,
};

/// Parameter: minutes the local clock is ahead of UTC, where the timestamps do not say it.
pub const UTC_OFFSET_MINUTES: &str = "UTCOffsetMinutes";

/// Performs one processing type.
///
/// # Errors
///
/// What is wrong with the payload or a parameter, in words, never with values from it.
pub fn run(input: &Input<'_>) -> Result<Value, String> {
    result(input).map_err(|e| e.to_string())
}

/// What Anomaly and Risk Alerting can judge.
///
/// # Errors
///
/// As [`run`].
pub fn observe(input: &Input<'_>) -> Result<Observations, String> {
    read(input).map(|recording| observe::observations(&recording)).map_err(|e| e.to_string())
}

fn read(input: &Input<'_>) -> Result<Recording, BehaviourError> {
    Recording::read(input.format, input.payload, offset_seconds(input.parameters)?)
}

fn result(input: &Input<'_>) -> Result<Value, BehaviourError> {
    let recording = read(input)?;
    let mut result = analyse(&recording, input)?;
    if let Value::Object(result) = &mut result {
        let clock = if recording.clock_known { "Local" } else { "UTC" };
        result.insert(CLOCK.to_owned(), Value::from(clock));
    }
    Ok(result)
}

/// In a result: the clock by which its days, hours and minutes count, `Local` or, where nobody said what the local one
/// shows, `UTC`.
const CLOCK: &str = "Clock";

fn analyse(recording: &Recording, input: &Input<'_>) -> Result<Value, BehaviourError> {
    match input.operation {
        Operation::BehaviouralStateDetection => json(&bouts::detect(recording, input.parameters)?),
        Operation::BehaviouralStateClassification => json(&levels::classify(recording, input.parameters)?),
        Operation::BehaviouralPatternCharacterisation => json(&pattern::characterise(recording)?),
        Operation::BehaviouralTrendMonitoring => json(&trend::monitor(recording, input.parameters)?),
        Operation::BehaviouralRiskPrediction => json(&guideline::predict(recording, input.parameters)?),
        _ => Err(BehaviourError::NotPerformed),
    }
}

/// The widest offset in use is fourteen hours.
fn offset_seconds(parameters: &Map<String, Value>) -> Result<Option<i32>, BehaviourError> {
    if !parameters.contains_key(UTC_OFFSET_MINUTES) {
        return Ok(None);
    }
    let minutes = cut_points::number(parameters, UTC_OFFSET_MINUTES, -840.0..=840.0, 0.0)?;
    Ok(Some((minutes * 60.0) as i32))
}

fn json(result: &impl serde::Serialize) -> Result<Value, BehaviourError> {
    serde_json::to_value(result).map_err(|_| BehaviourError::Result)
}
