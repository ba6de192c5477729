//! The AI Module `AIP-EEG-V1.0`: what it is asked for, and what can be judged in an EEG.

use std::io::Cursor;

use serde::Serialize;
use serde_json::Value;

use super::line_length::{Course, STEPS_PER_WINDOW, WINDOW_SECONDS};
use super::parameters::Parameters;
use super::quantification::ActivityQuantification;
use super::state::StateClassification;
use super::{EegError, EegRecording, classify, detect, monitor, quantify, read_recording};
use crate::{
    aims::ai_modules::{
        input::Input,
        observations::{Measured, Observations, Series},
    },
    domain::operation::Operation,
    schema::wire::DataFormat,
};

/// Performs a processing type on an EEG.
///
/// # Errors
/// What is wrong with the payload or a parameter, in words and without values of the data.
pub fn run(input: &Input<'_>) -> Result<Value, String> {
    let parameters = Parameters(input.parameters);
    let recording = recording(input)?;
    match input.operation {
        Operation::NeuroActivityQuantification => document(quantify(&recording, parameters.segment_seconds()?)),
        Operation::BrainStateClassification => document(classify(&recording, parameters.epoch_seconds()?)),
        Operation::NeuroStateMonitoring => document(monitor(&recording, parameters.epoch_seconds()?)),
        Operation::NeuralEventDetection => document(detect(&recording, parameters.sensitivity()?)),
        _ => Err("this module does not perform that".to_owned()),
    }
}

/// What Anomaly and Risk Alerting judges: line length and rhythms over time, and the measures of each channel.
///
/// Parts that a recording is too short for are left out.
///
/// # Errors
/// What is wrong with the payload or a parameter, in words and without values of the data.
pub fn observe(input: &Input<'_>) -> Result<Observations, String> {
    let parameters = Parameters(input.parameters);
    let recording = recording(input)?;
    let states = classify(&recording, parameters.epoch_seconds()?).ok();
    let mut series = states.as_ref().map(of_states).unwrap_or_default();
    let asked_s = parameters.sensitivity()?.window_s;
    let window_s = window_that_fits(asked_s, recording.duration_s, recording.channels.len());
    for channel in &recording.channels {
        if let Ok(course) = Course::of(channel, window_s, recording.duration_s) {
            let context = states.as_ref().map(|s| course.at_s.iter().map(|at| word(s, *at)).collect());
            let name = match window_s > asked_s {
                false => format!("LineLength {}", channel.label),
                true => format!("LineLength {} (windows of {window_s:.2} s)", channel.label),
            };
            series.push(Series {
                name,
                unit: "uV/s".to_owned(),
                at_seconds: course.at_s,
                values: course.values,
                context,
            });
        }
    }
    let values = quantify(&recording, parameters.segment_seconds()?).map(|q| of_activity(&q)).unwrap_or_default();
    Ok(Observations { series, values, codes: Vec::new(), start: None })
}

/// Most values of all line lengths together: some tens of megabytes of JSON, of which a child may write 64.
const MOST_VALUES: f64 = 500_000.0;

/// The window asked for, or for a long recording of many channels a longer one, so that what is observed fits into an
/// answer. Longer ones than there are windows would leave nothing to see.
fn window_that_fits(asked_s: f64, duration_s: f64, channels: usize) -> f64 {
    let least_s = duration_s * channels as f64 * STEPS_PER_WINDOW / MOST_VALUES;
    asked_s.max(least_s).min(WINDOW_SECONDS.end().max(asked_s))
}

fn recording(input: &Input<'_>) -> Result<EegRecording, String> {
    if !matches!(input.format, DataFormat::Edf | DataFormat::EdfPlus | DataFormat::Bdf | DataFormat::BdfPlus) {
        return Err("this module reads EDF and BDF recordings only".to_owned());
    }
    let choice = Parameters(input.parameters).channel()?;
    read_recording(Cursor::new(input.payload), &choice).map_err(|e| e.to_string())
}

fn document(result: Result<impl Serialize, EegError>) -> Result<Value, String> {
    serde_json::to_value(result.map_err(|e| e.to_string())?).map_err(|e| e.to_string())
}

/// The state at a time; the rest after the last epoch belongs to it.
fn word(states: &StateClassification, at_s: f64) -> String {
    let epoch = ((at_s / states.epoch_seconds) as usize).min(states.epochs.len().saturating_sub(1));
    states.epochs.get(epoch).map(|e| format!("{:?}", e.state)).unwrap_or_default()
}

fn of_states(states: &StateClassification) -> Vec<Series> {
    let rated = states.epochs.iter().filter_map(|e| Some((e, e.alpha_theta_ratio?)));
    let (epochs, ratios): (Vec<_>, Vec<f64>) = rated.unzip();
    vec![Series {
        name: "AlphaThetaRatio".to_owned(),
        unit: "1".to_owned(),
        at_seconds: epochs.iter().map(|e| e.start_seconds).collect(),
        values: ratios,
        context: Some(epochs.iter().map(|e| format!("{:?}", e.state)).collect()),
    }]
}

fn of_activity(activity: &ActivityQuantification) -> Vec<Measured> {
    let mut values = Vec::new();
    for channel in &activity.channels {
        let mut add = |name: &str, unit: &str, value: Option<f64>| {
            let (name, unit) = (format!("{name} {}", channel.channel), unit.to_owned());
            values.extend(value.map(|value| Measured { name, unit, value, at_seconds: None }));
        };
        add("TotalPower", "uV2", Some(channel.total_power_microvolts_squared));
        for power in &channel.band_powers {
            add(&format!("Relative{}Power", power.band), "%", power.relative_percent);
        }
        add("PeakAlphaFrequency", "Hz", channel.peak_alpha_frequency_hz);
        add("SpectralEdgeFrequency95", "Hz", channel.spectral_edge_frequency95_hz);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_observed_of_a_night_fits_into_an_answer() {
        assert_eq!(window_that_fits(1.0, 3_600.0, 21), 1.0, "an hour fits as it is");
        let night_s = window_that_fits(1.0, 8.0 * 3_600.0, 21);
        let values = 8.0 * 3_600.0 * 21.0 * STEPS_PER_WINDOW / night_s;
        assert!(night_s > 1.0 && values <= MOST_VALUES + 1.0, "{night_s} s, {values}");
        assert_eq!(window_that_fits(1.0, 1e9, 64), *WINDOW_SECONDS.end());
    }
}
