//! Events that stand out of the background (processing type `NeuralEventDetection`): bursts, spike trains, seizures.
//!
//! Line length is the way the curve travels in a window, Σ |x(n) − x(n−1)|: it grows with amplitude and with frequency
//! (R. Esteller, J. Echauz, T. Tcheng, B. Litt, B. Pless, "Line length: an efficient feature for seizure onset
//! detection", Proc. 23rd Int. Conf. IEEE EMBS, 1707–1710, 2001). Here it is given per second, in windows that move on
//! by a quarter of their length; each channel has its own threshold:
//!
//! ```text
//! threshold = max(median + factor · 1.4826 · MAD, 1.5 · median)
//! ```
//!
//! Median and median absolute deviation over all windows hardly feel the events themselves; 1.4826 makes the MAD that of
//! a normal distribution (F. R. Hampel, J. Am. Stat. Assoc. 69, 383–393, 1974). The second bound, ours, keeps a very even
//! signal from having events. Windows above the threshold that are less than a window apart are one event; its ends are
//! known to half a window. Electrode and muscle artefacts are events too: line length cannot tell.

use serde::Serialize;

use super::error::EegError;
use super::recording::{EegChannel, EegRecording};
use crate::aims::aih_data_processing::trend::median;

/// Accepted lengths of a window in seconds.
pub const WINDOW_SECONDS: std::ops::RangeInclusive<f64> = 0.25..=10.0;
/// Length of a window unless another is asked for.
pub const DEFAULT_WINDOW_SECONDS: f64 = 1.0;
/// Accepted factors of the robust deviation.
pub const FACTORS: std::ops::RangeInclusive<f64> = 3.0..=50.0;
/// Factor unless another is asked for.
pub const DEFAULT_FACTOR: f64 = 6.0;
/// Fewest windows a threshold is learned from.
const MIN_WINDOWS: usize = 40;
pub(super) const STEPS_PER_WINDOW: f64 = 4.0;
const NORMAL_MAD: f64 = 1.4826;
const LEAST_RATIO: f64 = 1.5;

const METHOD: &str =
    "line length in moving windows above max(median + factor x 1.4826 x MAD, 1.5 x median) of the channel";
const SOURCE: &str = "doi:10.1109/IEMBS.2001.1020545; doi:10.1080/01621459.1974.10482962";

/// What to look for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sensitivity {
    /// Length of a window in seconds.
    pub window_s: f64,
    /// Robust deviations above the median.
    pub factor: f64,
}

impl Default for Sensitivity {
    fn default() -> Self {
        Self { window_s: DEFAULT_WINDOW_SECONDS, factor: DEFAULT_FACTOR }
    }
}

/// Result of `NeuralEventDetection`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NeuralEvents {
    /// Always `NeuralEventDetection`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where it is published.
    pub source: &'static str,
    /// Length of a window in seconds.
    pub window_seconds: f64,
    /// Robust deviations above the median.
    pub threshold_factor: f64,
    /// Length of the recording in seconds.
    pub duration_seconds: f64,
    /// Background and threshold of each channel.
    pub channels: Vec<ChannelThreshold>,
    /// Channels in which nothing was looked for, because they are flat for more than half of the time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flat_channels: Vec<String>,
    /// Number of events.
    pub event_count: usize,
    /// The events by onset, then by channel.
    pub events: Vec<NeuralEvent>,
}

/// What a channel was measured by.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ChannelThreshold {
    /// Label of the channel.
    pub channel: String,
    /// Median line length in µV/s.
    pub median_microvolts_per_second: f64,
    /// Threshold in µV/s.
    pub threshold_microvolts_per_second: f64,
}

/// One event in one channel.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NeuralEvent {
    /// Label of the channel.
    pub channel: String,
    /// Onset in seconds since the start of the recording.
    pub onset_seconds: f64,
    /// Duration in seconds.
    pub duration_seconds: f64,
    /// Longest line over the median of the channel.
    pub peak_ratio: f64,
}

/// Line length of a channel over time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Course {
    /// Middle of each window, in seconds.
    pub(super) at_s: Vec<f64>,
    /// In µV/s.
    pub(super) values: Vec<f64>,
    step_s: f64,
}

/// Finds the events of every channel.
///
/// # Errors
///
/// [`EegError::Parameter`] outside [`WINDOW_SECONDS`] and [`FACTORS`], [`EegError::TooShort`] for fewer than forty
/// windows, [`EegError::Flat`] when every channel is flat for most of the time.
pub fn detect(recording: &EegRecording, sensitivity: Sensitivity) -> Result<NeuralEvents, EegError> {
    let Sensitivity { window_s, factor } = sensitivity;
    if !FACTORS.contains(&factor) {
        return Err(EegError::Parameter { name: "ThresholdFactor", range: "3 to 50" });
    }
    let (mut channels, mut flat_channels, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for channel in &recording.channels {
        let course = Course::of(channel, window_s, recording.duration_s)?;
        let middle = median(&mut course.values.clone());
        if middle <= 0.0 {
            flat_channels.push(channel.label.clone());
            continue;
        }
        let spread = median(&mut course.values.iter().map(|v| (v - middle).abs()).collect::<Vec<_>>());
        let threshold = (middle + factor * NORMAL_MAD * spread).max(LEAST_RATIO * middle);
        events.extend(course.events(&channel.label, middle, threshold, window_s));
        channels.push(ChannelThreshold {
            channel: channel.label.clone(),
            median_microvolts_per_second: middle,
            threshold_microvolts_per_second: threshold,
        });
    }
    if channels.is_empty() {
        return Err(EegError::Flat);
    }
    // Stable: channels stay in file order where onsets are equal.
    events.sort_by(|a: &NeuralEvent, b| a.onset_seconds.total_cmp(&b.onset_seconds));
    Ok(NeuralEvents {
        processing_type: "NeuralEventDetection",
        method: METHOD,
        source: SOURCE,
        window_seconds: window_s,
        threshold_factor: factor,
        duration_seconds: recording.duration_s,
        channels,
        flat_channels,
        event_count: events.len(),
        events,
    })
}

impl Course {
    /// The line length of a channel.
    ///
    /// # Errors
    ///
    /// [`EegError::Parameter`] outside [`WINDOW_SECONDS`], [`EegError::TooShort`].
    pub(super) fn of(channel: &EegChannel, window_s: f64, duration_s: f64) -> Result<Self, EegError> {
        if !WINDOW_SECONDS.contains(&window_s) {
            return Err(EegError::Parameter { name: "WindowSeconds", range: "0.25 to 10" });
        }
        let step = ((window_s * channel.rate_hz / STEPS_PER_WINDOW).round() as usize).max(1);
        let length = step * STEPS_PER_WINDOW as usize;
        let seconds = length as f64 / channel.rate_hz;
        // Running sums, so that the time does not grow with the window.
        let mut sums = vec![0.0];
        let mut sum = 0.0;
        for pair in channel.samples_uv.windows(2) {
            sum += f64::from((pair[1] - pair[0]).abs());
            sums.push(sum);
        }
        let starts = (0..sums.len().saturating_sub(length)).step_by(step);
        let (at_s, values): (Vec<f64>, Vec<f64>) = starts
            .map(|from| ((from as f64) / channel.rate_hz + seconds / 2.0, (sums[from + length] - sums[from]) / seconds))
            .unzip();
        if values.len() < MIN_WINDOWS {
            let minimum = window_s * (MIN_WINDOWS as f64 + STEPS_PER_WINDOW) / STEPS_PER_WINDOW;
            return Err(EegError::TooShort { seconds: duration_s, minimum });
        }
        Ok(Self { at_s, values, step_s: step as f64 / channel.rate_hz })
    }

    fn events(&self, channel: &str, middle: f64, threshold: f64, window_s: f64) -> Vec<NeuralEvent> {
        let mut events: Vec<NeuralEvent> = Vec::new();
        let above = self.at_s.iter().zip(&self.values).filter(|(_, value)| **value > threshold);
        for (at, value) in above {
            let (from, to) = (at - self.step_s / 2.0, at + self.step_s / 2.0);
            match events.last_mut() {
                Some(event) if from - (event.onset_seconds + event.duration_seconds) < window_s => {
                    event.duration_seconds = to - event.onset_seconds;
                    event.peak_ratio = event.peak_ratio.max(value / middle);
                }
                _ => events.push(NeuralEvent {
                    channel: channel.to_owned(),
                    onset_seconds: from.max(0.0),
                    duration_seconds: to - from.max(0.0),
                    peak_ratio: value / middle,
                }),
            }
        }
        events
    }
}
