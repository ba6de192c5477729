//! The state of the brain over time (processing type `NeuroStateMonitoring`).
//!
//! The epochs of [`super::state`] in a row: how long each state lasted, how often it changed, and whether alpha over
//! theta rises or falls. A falling ratio is how falling asleep shows in the EEG.

use std::collections::BTreeMap;

use serde::Serialize;

use super::error::EegError;
use super::recording::EegRecording;
use super::state::{BrainState, Epoch, classify};
use crate::aims::aih_data_processing::trend::{self, Trend, trend};

/// Result of `NeuroStateMonitoring`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StateCourse {
    /// Always `NeuroStateMonitoring`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: String,
    /// Where its parts are published.
    pub source: String,
    /// Channels the states rest on.
    pub channels: Vec<String>,
    /// Length of an epoch in seconds.
    pub epoch_seconds: f64,
    /// Stretches of the same state, in order.
    pub course: Vec<Stretch>,
    /// Changes from one state to another.
    pub transition_count: usize,
    /// Share of the epochs in each state that occurs, in percent.
    pub state_percent: BTreeMap<BrainState, f64>,
    /// Trend of alpha over theta, slope per hour; absent with fewer than 5 or more than 2,000 epochs that have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha_theta_trend: Option<Trend>,
}

/// A time in one state.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Stretch {
    /// Start in seconds since the start of the recording.
    pub start_seconds: f64,
    /// Length in seconds.
    pub duration_seconds: f64,
    /// The state.
    pub state: BrainState,
}

/// Follows the state through a recording.
///
/// # Errors
///
/// As [`classify`].
pub fn monitor(recording: &EegRecording, epoch_s: f64) -> Result<StateCourse, EegError> {
    let states = classify(recording, epoch_s)?;
    let course = course(&states.epochs, epoch_s);
    let rated = states.epochs.iter().filter_map(|e| Some((e.start_seconds / 3600.0, e.alpha_theta_ratio?)));
    let (hours, ratios): (Vec<f64>, Vec<f64>) = rated.unzip();
    let mut state_percent = BTreeMap::new();
    for epoch in &states.epochs {
        *state_percent.entry(epoch.state).or_default() += 100.0 / states.epochs.len() as f64;
    }
    Ok(StateCourse {
        processing_type: "NeuroStateMonitoring",
        method: format!("{}; slope by Theil and Sen, test by Mann and Kendall", states.method),
        source: format!("{}; {}", states.source, trend::SOURCE),
        channels: states.channels,
        epoch_seconds: epoch_s,
        transition_count: course.len().saturating_sub(1),
        course,
        state_percent,
        alpha_theta_trend: trend(&hours, &ratios),
    })
}

fn course(epochs: &[Epoch], epoch_s: f64) -> Vec<Stretch> {
    let stretch = |run: &[Epoch]| {
        let first = run.first()?;
        let (start_seconds, duration_seconds) = (first.start_seconds, run.len() as f64 * epoch_s);
        Some(Stretch { start_seconds, duration_seconds, state: first.state })
    };
    epochs.chunk_by(|a, b| a.state == b.state).filter_map(stretch).collect()
}
