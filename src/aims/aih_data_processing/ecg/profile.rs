//! The profile of a recording (`PhysiologicalProfileCharacterisation`): how the heart beat over its whole length.
//!
//! | Part | Definition |
//! | --- | --- |
//! | segments | mean rate, SDNN, RMSSD and share of disturbed intervals of each stretch of a few minutes |
//! | histogram | intervals in bins of 1/128 s; the triangular index is their number over that of the fullest bin (Task Force of the ESC and the NASPE, Circulation 93, 1043–1065, 1996) |
//! | Poincaré plot | each normal interval against the next: SD1 = √(var(y − x) / 2), SD2 = √(var(y + x) / 2) (Brennan, Palaniswami, Kamen, "Do existing measures of Poincaré plot geometry reflect nonlinear features of heart rate variability?", IEEE Trans. Biomed. Eng. 48, 1342–1347, 2001) |
//!
//! Exclusions are those of [`super::heart_rate`]: only plausible intervals count, and variability is that of normal ones.

use std::collections::BTreeMap;

use serde::Serialize;

use super::error::EcgError;
use super::heart_rate::{HeartRateQuantification, from_intervals, intervals_ms, normal_intervals};
use super::qrs::EventDetection;

/// Width of the bins of the histogram in milliseconds: 1/128 s.
pub const BIN_MS: f64 = 1e3 / 128.0;
/// Accepted lengths of a segment, in minutes.
pub const SEGMENT_MINUTES: std::ops::RangeInclusive<f64> = 1.0..=60.0;
/// Length of a segment unless another is asked for: the five minutes of short-term recordings (Task Force 1996).
pub const DEFAULT_SEGMENT_MINUTES: f64 = 5.0;

const METHOD: &str = "time-domain parameters in segments, interval histogram with triangular index, Poincaré plot";
const SOURCE: &str = "doi:10.1161/01.CIR.93.5.1043; doi:10.1109/10.959330";

/// Result of `PhysiologicalProfileCharacterisation`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct HeartProfile {
    /// Always `PhysiologicalProfileCharacterisation`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where its parts are defined.
    pub source: &'static str,
    /// Length of the recording in seconds.
    pub duration_seconds: f64,
    /// The parameters of the whole recording.
    pub whole: HeartRateQuantification,
    /// Plausible intervals that are ectopic or disturbed, in percent.
    pub ectopic_interval_percent: f64,
    /// Shortest and longest normal interval, in milliseconds.
    #[serde(rename = "NormalRRRangeMilliseconds")]
    pub range_ms: [f64; 2],
    /// The Poincaré plot of normal intervals.
    pub poincare: Poincare,
    /// Normal intervals over those in the fullest bin of the histogram.
    pub triangular_index: f64,
    /// Lower edge of each bin that is not empty, in milliseconds, and the intervals in it.
    #[serde(rename = "RRHistogram")]
    pub histogram: Vec<Bin>,
    /// The segments, in order; a stretch with too few intervals has no parameters.
    pub segments: Vec<ProfileSegment>,
}

/// Dispersion of the Poincaré plot, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Poincare {
    /// Across the line of identity: from beat to beat.
    #[serde(rename = "SD1Milliseconds")]
    pub sd1_ms: f64,
    /// Along it: over longer times.
    #[serde(rename = "SD2Milliseconds")]
    pub sd2_ms: f64,
}

/// A bin of the histogram.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Bin {
    /// Lower edge in milliseconds; the bin is 7.8125 ms wide.
    pub from_milliseconds: f64,
    /// Normal intervals in it.
    pub interval_count: usize,
}

/// A stretch of the recording.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProfileSegment {
    /// Start in seconds since the start of the recording.
    pub start_seconds: f64,
    /// End in seconds.
    pub end_seconds: f64,
    /// Beats in it.
    pub beat_count: usize,
    /// Parameters of its intervals, when there are enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<HeartRateQuantification>,
}

/// Characterises the beats of an event detection in segments of some minutes.
///
/// # Errors
///
/// [`EcgError::Parameter`] for a length outside [`SEGMENT_MINUTES`], [`EcgError::TooFewIntervals`] as in
/// [`super::quantify_heart_rate`].
pub fn characterise(events: &EventDetection, segment_minutes: f64) -> Result<HeartProfile, EcgError> {
    let segments = segments(&events.event_times_seconds, events.duration_seconds, segment_minutes)?;
    let intervals = intervals_ms(&events.event_times_seconds);
    let whole = from_intervals(&intervals)?;
    let normal = normal_intervals(&intervals);
    let kept = intervals.iter().zip(&normal).filter(|(_, n)| **n).map(|(i, _)| *i).collect::<Vec<_>>();
    let histogram = histogram(&kept);
    let fullest = histogram.iter().map(|b| b.interval_count).max().unwrap_or(1);
    let plausible = whole.interval_count - whole.implausible_interval_count;
    Ok(HeartProfile {
        processing_type: "PhysiologicalProfileCharacterisation",
        method: METHOD,
        source: SOURCE,
        duration_seconds: events.duration_seconds,
        ectopic_interval_percent: 100.0 * whole.ectopic_interval_count as f64 / plausible as f64,
        range_ms: kept.iter().fold([f64::MAX, f64::MIN], |[l, h], i| [l.min(*i), h.max(*i)]),
        poincare: Poincare::of(&intervals, &normal),
        triangular_index: kept.len() as f64 / fullest as f64,
        histogram,
        segments,
        whole,
    })
}

/// Cuts beat times into segments of some minutes and quantifies each; a last one shorter than half is left out,
/// unless it is the only one.
///
/// # Errors
///
/// [`EcgError::Parameter`] for a length outside [`SEGMENT_MINUTES`].
pub(super) fn segments(times_s: &[f64], duration_s: f64, minutes: f64) -> Result<Vec<ProfileSegment>, EcgError> {
    if !SEGMENT_MINUTES.contains(&minutes) {
        return Err(EcgError::Parameter { name: "segment length", range: "1 to 60 minutes" });
    }
    let length = minutes * 60.0;
    let count = ((duration_s / length).round() as usize).max(1);
    let segment = |number: usize| {
        let start_seconds = number as f64 * length;
        let end_seconds = (start_seconds + length).min(duration_s);
        let first = times_s.partition_point(|t| *t < start_seconds);
        let last = times_s.partition_point(|t| *t < end_seconds);
        let times = &times_s[first..last.max(first)];
        let parameters = from_intervals(&intervals_ms(times)).ok();
        ProfileSegment { start_seconds, end_seconds, beat_count: times.len(), parameters }
    };
    Ok((0..count).map(segment).collect())
}

fn histogram(intervals_ms: &[f64]) -> Vec<Bin> {
    let mut bins = BTreeMap::<u64, usize>::new();
    // Plausible intervals lie within 240 to 3,000 ms.
    intervals_ms.iter().for_each(|i| *bins.entry((i / BIN_MS) as u64).or_default() += 1);
    bins.into_iter()
        .map(|(bin, interval_count)| Bin { from_milliseconds: bin as f64 * BIN_MS, interval_count })
        .collect()
}

impl Poincare {
    /// Of neighbours that are both normal; 0 for a single pair.
    fn of(intervals_ms: &[f64], normal: &[bool]) -> Self {
        let pairs = intervals_ms.windows(2).zip(normal.windows(2)).filter(|(_, n)| n[0] && n[1]);
        let points = pairs.map(|(i, _)| (i[1] - i[0], i[1] + i[0])).collect::<Vec<_>>();
        let deviation = |values: Vec<f64>| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
            (squares / (values.len() as f64 - 1.0).max(1.0) / 2.0).sqrt()
        };
        Self {
            sd1_ms: deviation(points.iter().map(|p| p.0).collect()),
            sd2_ms: deviation(points.iter().map(|p| p.1).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plot_of_an_alternating_and_of_a_rising_heart_follow_from_geometry() {
        // 780, 820, 780, …: differences ±40 in turn, 10 each: mean 0, var 20·1600/19; sums all 1600: SD2 = 0.
        let alternating = (0..21).map(|n| if n % 2 == 0 { 780.0 } else { 820.0 }).collect::<Vec<_>>();
        let plot = Poincare::of(&alternating, &[true; 21]);
        assert!((plot.sd1_ms - (20.0 * 1600.0 / 19.0 / 2.0_f64).sqrt()).abs() < 1e-9, "{plot:?}");
        assert!(plot.sd2_ms.abs() < 1e-9);
        // 700, 710, …: all differences 10: SD1 = 0; sums 1410, 1430, …: variance of an arithmetic row of m
        // values with step 20 is 400 m (m + 1) / 12.
        let rising = (0..21).map(|n| 700.0 + 10.0 * f64::from(n)).collect::<Vec<_>>();
        let plot = Poincare::of(&rising, &[true; 21]);
        assert!(plot.sd1_ms.abs() < 1e-9);
        assert!((plot.sd2_ms - (400.0 * 20.0 * 21.0 / 12.0 / 2.0_f64).sqrt()).abs() < 1e-9, "{plot:?}");
    }

    #[test]
    fn the_histogram_counts_every_interval_once() {
        let bins = histogram(&[800.0, 801.0, 807.0, 1000.0]);
        assert_eq!(bins.iter().map(|b| b.interval_count).collect::<Vec<_>>(), [2, 1, 1]);
        assert_eq!(bins[0].from_milliseconds, 796.875);
        assert_eq!(bins[1].from_milliseconds, 804.6875);
    }

    #[test]
    fn segments_cover_the_recording_and_say_when_they_are_empty() {
        let times = (0..300).map(|n| f64::from(n) * 0.8).collect::<Vec<_>>();
        let cut = segments(&times, 600.0, 2.0).unwrap();
        assert_eq!(cut.len(), 5);
        assert_eq!(cut.iter().map(|s| s.beat_count).sum::<usize>(), 300);
        assert!((cut[0].parameters.as_ref().unwrap().mean_heart_rate_beats_per_minute - 75.0).abs() < 1e-9);
        assert_eq!(cut[4].parameters, None);
        assert_eq!(segments(&times, 40.0, 5.0).unwrap().len(), 1);
        for minutes in [0.5, 61.0, f64::NAN] {
            assert!(matches!(segments(&times, 600.0, minutes), Err(EcgError::Parameter { .. })));
        }
    }
}
