//! QRS detection: which energy peaks are heart beats (processing type `PhysiologicalEventDetection`).
//!
//! Source: J. Pan, W. J. Tompkins, "A real-time QRS detection algorithm", IEEE Trans. Biomed. Eng. 32(3),
//! 230–236, 1985; levels as medians of the last eight peaks after P. S. Hamilton, W. J. Tompkins,
//! "Quantitative investigation of QRS detection rules", IEEE Trans. Biomed. Eng. 33(12), 1157–1165, 1986.
//!
//! | Rule | Value | From |
//! | --- | --- | --- |
//! | threshold | noise + 0.25 (beat − noise) | 1985, (12)–(16) |
//! | refractory time | 200 ms | 1985 |
//! | T wave, not a beat | within 360 ms and less than half as steep as the beat before | 1985 |
//! | search back | no beat for 1.66 mean intervals: highest peak above half the threshold | 1985 |
//! | levels | median of the last 8 beats and noise peaks | 1986 |
//! | learn again | no beat for 8 s, unless the signal is below 1 % of the old energy | ours |
//! | smallest beat | 0.03 mV in the pass band | ours: a flat line with converter noise has no beats |
//!
//! Learning again keeps a moved electrode from ending the detection; its lower bound keeps asystole silent.
//! The event time is the R peak (or the S peak, where that is the larger one throughout) of the band-passed
//! signal, interpolated between samples.

use serde::Serialize;

use super::error::EcgError;
use super::qrs_decision::{REFRACTORY_S, decide};
use super::qrs_peaks::{Candidate, Extremum, candidates};
use super::recording::EcgRecording;

/// Sampling rates the detector works at, in hertz.
pub const DETECTOR_RATES_HZ: std::ops::RangeInclusive<f64> = 100.0..=1000.0;
/// Shortest recording, in seconds.
pub const MIN_DURATION_S: f64 = 5.0;

const METHOD: &str = "Pan-Tompkins 1985 with zero-phase filters, median levels and R peak interpolation";
const SOURCE: &str = "doi:10.1109/TBME.1985.325532; doi:10.1109/TBME.1986.325695";

/// Result of `PhysiologicalEventDetection`: when the heart beat.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventDetection {
    /// Always `PhysiologicalEventDetection`.
    pub processing_type: &'static str,
    /// Always `QRS`.
    pub event_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where it is published.
    pub source: &'static str,
    /// Lead the beats were found in.
    pub lead: String,
    /// Samples per second of that lead.
    pub sampling_rate_hz: f64,
    /// Length of the recording in seconds.
    pub duration_seconds: f64,
    /// Whether millivolts of the recording rest on a stated gain.
    pub calibrated: bool,
    /// Samples that were marked as missing and held.
    pub missing_sample_count: u64,
    /// Number of events.
    pub event_count: usize,
    /// R peaks in seconds since the start of the recording, ascending, to the microsecond.
    pub event_times_seconds: Vec<f64>,
}

/// Finds the beats of a recording.
///
/// # Errors
///
/// [`EcgError::DetectorRate`] outside 100–1,000 Hz, [`EcgError::TooShort`] below five seconds.
pub fn detect_events(recording: &EcgRecording) -> Result<EventDetection, EcgError> {
    let rate = recording.sampling_rate_hz();
    if !DETECTOR_RATES_HZ.contains(&rate) {
        return Err(EcgError::DetectorRate(rate));
    }
    let seconds = recording.duration_seconds();
    if seconds < MIN_DURATION_S {
        return Err(EcgError::TooShort { seconds, minimum: MIN_DURATION_S });
    }
    let candidates = candidates(recording);
    let beats = decide(&candidates, seconds);
    let microseconds = |t: f64| (t * 1e6).round() / 1e6;
    let event_times_seconds = peak_times(&beats).into_iter().map(microseconds).collect::<Vec<_>>();
    Ok(EventDetection {
        processing_type: "PhysiologicalEventDetection",
        event_type: "QRS",
        method: METHOD,
        source: SOURCE,
        lead: recording.lead().to_owned(),
        sampling_rate_hz: rate,
        duration_seconds: seconds,
        calibrated: recording.is_calibrated(),
        missing_sample_count: recording.missing_samples(),
        event_count: event_times_seconds.len(),
        event_times_seconds,
    })
}

/// The same wave of every beat: R where most beats point up, S where most point down.
fn peak_times(beats: &[Candidate]) -> Vec<f64> {
    let up = beats.iter().filter(|b| b.up.amplitude_mv >= b.down.amplitude_mv).count();
    let wave = |b: &Candidate| -> Extremum { if up * 2 >= beats.len() { b.up } else { b.down } };
    let mut times = beats.iter().map(|b| wave(b).time_s).collect::<Vec<_>>();
    times.sort_by(f64::total_cmp);
    times.dedup_by(|later, earlier| *later - *earlier < REFRACTORY_S / 2.0);
    times
}
