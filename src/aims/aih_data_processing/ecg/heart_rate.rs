//! Heart rate and its variability (processing type `PhysiologicalParameterQuantification`).
//!
//! Definitions: Task Force of the ESC and the NASPE, "Heart rate variability: standards of measurement,
//! physiological interpretation, and clinical use", Circulation 93(5), 1043–1065, 1996.
//!
//! Two exclusions, both counted in the result:
//!
//! 1. **Implausible** intervals, below 240 ms or above 3,000 ms (250 and 20 beats a minute): a missed or an
//!    invented beat. The mean heart rate and the rhythm use what remains.
//! 2. **Ectopic or disturbed** intervals: more than 20 % away from the median of the plausible intervals among
//!    the eleven centred on them. SDNN, RMSSD and pNN50 are defined on normal-to-normal intervals and use what
//!    remains; differences are taken only between neighbours that both remain.

use serde::Serialize;

use super::error::EcgError;
use super::qrs::EventDetection;

/// Plausible intervals, in milliseconds.
pub const PLAUSIBLE_MS: std::ops::RangeInclusive<f64> = 240.0..=3000.0;
/// Largest deviation of a normal interval from the median around it.
pub const NORMAL_DEVIATION: f64 = 0.2;
/// Fewest normal intervals SDNN and the others are computed from.
pub const MIN_INTERVALS: usize = 5;

const NEIGHBOURS: usize = 5;
const METHOD: &str = "time-domain parameters of normal-to-normal intervals";
const SOURCE: &str = "doi:10.1161/01.CIR.93.5.1043";
const RULE: &str = "intervals below 240 ms or above 3000 ms are excluded from everything; intervals more than \
                    20 % from the median of the 11 around them are excluded from SDNN, RMSSD and pNN50";

/// Result of `PhysiologicalParameterQuantification`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct HeartRateQuantification {
    /// Always `PhysiologicalParameterQuantification`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where the parameters are defined.
    pub source: &'static str,
    /// The exclusion rule, in words.
    pub exclusion_rule: &'static str,
    /// Intervals between successive beats.
    #[serde(rename = "RRIntervalCount")]
    pub interval_count: usize,
    /// Intervals excluded as implausible.
    pub implausible_interval_count: usize,
    /// Plausible intervals excluded as ectopic or disturbed.
    pub ectopic_interval_count: usize,
    /// Mean of the plausible intervals in milliseconds.
    #[serde(rename = "MeanRRMilliseconds")]
    pub mean_interval_ms: f64,
    /// 60,000 divided by that mean.
    pub mean_heart_rate_beats_per_minute: f64,
    /// Standard deviation (n − 1) of the normal intervals in milliseconds.
    #[serde(rename = "SDNNMilliseconds")]
    pub sdnn_ms: f64,
    /// Root mean square of successive differences of normal intervals in milliseconds.
    #[serde(rename = "RMSSDMilliseconds")]
    pub rmssd_ms: f64,
    /// Share of those differences above 50 ms, in percent.
    #[serde(rename = "PNN50Percent")]
    pub pnn50_percent: f64,
}

/// Quantifies the beats of an event detection.
///
/// # Errors
///
/// [`EcgError::TooFewIntervals`] when fewer than [`MIN_INTERVALS`] normal intervals or no successive pair of
/// them remain.
pub fn quantify_heart_rate(events: &EventDetection) -> Result<HeartRateQuantification, EcgError> {
    from_intervals(&intervals_ms(&events.event_times_seconds))
}

/// Intervals between successive times, in milliseconds.
pub(super) fn intervals_ms(times_s: &[f64]) -> Vec<f64> {
    times_s.windows(2).map(|pair| (pair[1] - pair[0]) * 1e3).collect()
}

/// Quantifies intervals in milliseconds.
///
/// # Errors
///
/// [`EcgError::TooFewIntervals`] as in [`quantify_heart_rate`].
pub fn from_intervals(intervals_ms: &[f64]) -> Result<HeartRateQuantification, EcgError> {
    let plausible = intervals_ms.iter().copied().filter(|i| PLAUSIBLE_MS.contains(i)).collect::<Vec<_>>();
    let normal = normal_intervals(intervals_ms);
    let kept = intervals_ms.iter().zip(&normal).filter(|(_, n)| **n).map(|(i, _)| *i).collect::<Vec<_>>();
    let differences = successive_differences(intervals_ms, &normal);
    if kept.len() < MIN_INTERVALS || differences.is_empty() {
        return Err(EcgError::TooFewIntervals { found: kept.len(), minimum: MIN_INTERVALS });
    }
    let mean_interval_ms = mean(&plausible);
    let above_50 = differences.iter().filter(|d| d.abs() > 50.0).count();
    Ok(HeartRateQuantification {
        processing_type: "PhysiologicalParameterQuantification",
        method: METHOD,
        source: SOURCE,
        exclusion_rule: RULE,
        interval_count: intervals_ms.len(),
        implausible_interval_count: intervals_ms.len() - plausible.len(),
        ectopic_interval_count: plausible.len() - kept.len(),
        mean_interval_ms,
        mean_heart_rate_beats_per_minute: 60_000.0 / mean_interval_ms,
        sdnn_ms: standard_deviation(&kept),
        rmssd_ms: root_mean_square(&differences),
        pnn50_percent: 100.0 * above_50 as f64 / differences.len() as f64,
    })
}

/// Which intervals are plausible and near the median around them.
pub(super) fn normal_intervals(intervals_ms: &[f64]) -> Vec<bool> {
    (0..intervals_ms.len()).map(|at| is_normal(intervals_ms, at)).collect()
}

/// Whether the interval at a position is plausible and near the median around it.
fn is_normal(intervals: &[f64], at: usize) -> bool {
    if !PLAUSIBLE_MS.contains(&intervals[at]) {
        return false;
    }
    let around = &intervals[at.saturating_sub(NEIGHBOURS)..(at + NEIGHBOURS + 1).min(intervals.len())];
    let mut plausible = around.iter().copied().filter(|i| PLAUSIBLE_MS.contains(i)).collect::<Vec<_>>();
    plausible.sort_by(f64::total_cmp);
    // At least the interval itself is in it.
    let median = plausible[plausible.len() / 2];
    (intervals[at] - median).abs() <= NORMAL_DEVIATION * median
}

/// Differences of neighbours that both pass.
pub(super) fn successive_differences(intervals: &[f64], passes: &[bool]) -> Vec<f64> {
    let pairs = intervals.windows(2).zip(passes.windows(2));
    pairs.filter(|(_, p)| p[0] && p[1]).map(|(i, _)| i[1] - i[0]).collect()
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

pub(super) fn standard_deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
    (squares / (values.len() as f64 - 1.0)).sqrt()
}

pub(super) fn root_mean_square(values: &[f64]) -> f64 {
    (values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_worked_by_hand() {
        // Mean 800; deviations 0, 60, −40, 20, −40: squares 0, 3600, 1600, 400, 1600 = 7200, /4 = 1800.
        // Differences 60, −100, 60, −60: squares 3600, 10000, 3600, 3600 = 20800, /4 = 5200; all above 50.
        let result = from_intervals(&[800.0, 860.0, 760.0, 820.0, 760.0]).unwrap();
        assert!((result.mean_heart_rate_beats_per_minute - 75.0).abs() < 1e-9);
        assert!((result.sdnn_ms - 1800.0_f64.sqrt()).abs() < 1e-9);
        assert!((result.rmssd_ms - 5200.0_f64.sqrt()).abs() < 1e-9);
        assert!((result.pnn50_percent - 100.0).abs() < 1e-9);
        // 50 ms exactly is not above 50 ms.
        let result = from_intervals(&[800.0, 850.0, 800.0, 851.0, 800.0]).unwrap();
        assert!((result.pnn50_percent - 50.0).abs() < 1e-9);
    }

    #[test]
    fn excluded_intervals_are_counted_and_leave_a_gap() {
        let mut intervals = vec![800.0; 12];
        intervals[5] = 500.0; // premature
        intervals[6] = 1100.0; // the pause after it
        intervals[9] = 4000.0; // a lost electrode
        let result = from_intervals(&intervals).unwrap();
        assert_eq!((result.implausible_interval_count, result.ectopic_interval_count), (1, 2));
        assert_eq!((result.sdnn_ms, result.rmssd_ms, result.pnn50_percent), (0.0, 0.0, 0.0));
        assert!((result.mean_interval_ms - 800.0).abs() < 1e-9);
    }

    #[test]
    fn too_few_intervals_are_refused() {
        for intervals in [&[][..], &[800.0; 4], &[5000.0; 50], &[f64::NAN; 50]] {
            assert!(matches!(from_intervals(intervals), Err(EcgError::TooFewIntervals { .. })));
        }
    }

    #[test]
    fn the_document_carries_units_in_its_labels() {
        let document = serde_json::to_value(from_intervals(&[800.0; 6]).unwrap()).unwrap();
        for label in ["MeanHeartRateBeatsPerMinute", "SDNNMilliseconds", "RMSSDMilliseconds", "PNN50Percent"] {
            assert!(document[label].is_number(), "{label}");
        }
        assert_eq!(document["ProcessingType"], "PhysiologicalParameterQuantification");
        assert_eq!(document["RRIntervalCount"], 6);
    }
}
