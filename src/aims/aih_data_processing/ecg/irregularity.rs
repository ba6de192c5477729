//! Screening for atrial fibrillation by the irregularity of the heart (`PhysiologicalRiskPrediction`).
//!
//! Source: S. Dash, K. H. Chon, S. Lu, E. A. Raeder, "Automatic real time detection of atrial fibrillation", Ann.
//! Biomed. Eng. 37(9), 1701–1709, 2009. In atrial fibrillation successive intervals are nearly independent of each
//! other. Three measures over 128 intervals each ask for one side of that, and all three must agree:
//!
//! | Measure | Of | Suggestive | Tells apart |
//! | --- | --- | --- | --- |
//! | RMSSD / mean interval | intervals without the 8 longest and the 8 shortest | above 0.1 | a steady rhythm |
//! | Shannon entropy, 16 bins, over log 16 | the same | above 0.7 | a steady rhythm with extra beats |
//! | turning points / (n − 2) | all intervals; 2/3 is expected of a random order | 0.54 to 0.77 | bigeminy, breathing |
//!
//! A segment of 128 intervals is longer than the 30 seconds from which an episode counts (Hindricks et al., "2020
//! ESC Guidelines for the diagnosis and management of atrial fibrillation", Eur. Heart J. 42, 373–498, 2021), so one
//! segment is enough to suggest it. The paper's own filter for single extra beats is not used; the removal of 16
//! intervals is. Differences are taken between neighbours that both remain.
//!
//! What is said is what the intervals suggest. Atrial fibrillation is diagnosed from the P waves by a physician.

use serde::Serialize;

use super::error::EcgError;
use super::heart_rate::{PLAUSIBLE_MS, intervals_ms, mean, root_mean_square, successive_differences};
use super::qrs::EventDetection;

/// Intervals of a segment.
pub const SEGMENT_INTERVALS: usize = 128;
/// Longest and shortest intervals that are left out, each.
const OUTLIERS: usize = 8;
const BINS: usize = 16;
/// Normalised RMSSD above which a segment may be suggestive.
pub const RMSSD_ABOVE: f64 = 0.1;
/// Shannon entropy above which a segment may be suggestive.
pub const ENTROPY_ABOVE: f64 = 0.7;
/// Turning point ratios between which a segment may be suggestive.
pub const TURNING_POINTS: std::ops::RangeInclusive<f64> = 0.54..=0.77;

const METHOD: &str = "irregularity of intervals in segments of 128: normalised RMSSD above 0.1, Shannon entropy above \
                      0.7 and turning point ratio 0.54 to 0.77, all three";
const SOURCE: &str = "doi:10.1007/s10439-009-9740-z; doi:10.1093/eurheartj/ehaa612";

/// What the intervals suggest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Screening {
    /// At least one segment is irregular as in atrial fibrillation: to be confirmed on the ECG itself.
    Suggestive,
    /// No segment is.
    NotSuggestive,
}

/// Result of `PhysiologicalRiskPrediction`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FibrillationScreening {
    /// Always `PhysiologicalRiskPrediction`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where it is published.
    pub source: &'static str,
    /// Always `AtrialFibrillation`.
    pub risk: &'static str,
    /// What the intervals suggest.
    pub screening: Screening,
    /// Suggestive share of the screened segments, in percent.
    pub suggestive_percent: f64,
    /// Intervals outside whole segments of plausible ones, which were not screened.
    pub unscreened_interval_count: usize,
    /// The segments, in order.
    pub segments: Vec<Segment>,
}

/// One segment of 128 intervals.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Segment {
    /// First beat, in seconds since the start of the recording.
    pub start_seconds: f64,
    /// Last beat, in seconds.
    pub end_seconds: f64,
    /// RMSSD over mean interval.
    #[serde(rename = "NormalisedRMSSD")]
    pub normalised_rmssd: f64,
    /// Shannon entropy over its maximum, 0 to 1.
    pub shannon_entropy: f64,
    /// Turning points over n − 2, 0 to 1.
    pub turning_point_ratio: f64,
    /// Whether all three limits are met.
    pub suggestive: bool,
}

/// Screens the beats of an event detection.
///
/// # Errors
///
/// [`EcgError::TooFewIntervals`] without one whole segment of plausible intervals in a row.
pub fn screen_fibrillation(events: &EventDetection) -> Result<FibrillationScreening, EcgError> {
    screen_times(&events.event_times_seconds)
}

/// Screens beat times in seconds.
///
/// # Errors
///
/// As [`screen_fibrillation`].
pub fn screen_times(times_s: &[f64]) -> Result<FibrillationScreening, EcgError> {
    let intervals = intervals_ms(times_s);
    let mut segments: Vec<Segment> = Vec::new();
    let (mut from, mut longest) = (0, 0);
    for at in 0..intervals.len() {
        if !PLAUSIBLE_MS.contains(&intervals[at]) {
            from = at + 1;
            continue;
        }
        longest = longest.max(at + 1 - from);
        if at + 1 - from == SEGMENT_INTERVALS {
            segments.push(Segment::of(&intervals[from..=at], times_s[from], times_s[at + 1]));
            from = at + 1;
        }
    }
    if segments.is_empty() {
        return Err(EcgError::TooFewIntervals { found: longest, minimum: SEGMENT_INTERVALS });
    }
    let suggestive = segments.iter().filter(|s| s.suggestive).count();
    Ok(FibrillationScreening {
        processing_type: "PhysiologicalRiskPrediction",
        method: METHOD,
        source: SOURCE,
        risk: "AtrialFibrillation",
        screening: if suggestive > 0 { Screening::Suggestive } else { Screening::NotSuggestive },
        suggestive_percent: 100.0 * suggestive as f64 / segments.len() as f64,
        unscreened_interval_count: intervals.len() - segments.len() * SEGMENT_INTERVALS,
        segments,
    })
}

impl Segment {
    fn of(intervals: &[f64], start_seconds: f64, end_seconds: f64) -> Self {
        let kept = without_outliers(intervals);
        let remaining = intervals.iter().zip(&kept).filter(|(_, k)| **k).map(|(i, _)| *i).collect::<Vec<_>>();
        let normalised_rmssd = root_mean_square(&successive_differences(intervals, &kept)) / mean(&remaining);
        let shannon_entropy = entropy(&remaining);
        let turning_point_ratio = turning_points(intervals);
        let suggestive = normalised_rmssd > RMSSD_ABOVE
            && shannon_entropy > ENTROPY_ABOVE
            && TURNING_POINTS.contains(&turning_point_ratio);
        Self { start_seconds, end_seconds, normalised_rmssd, shannon_entropy, turning_point_ratio, suggestive }
    }
}

/// Which intervals are neither among the eight longest nor the eight shortest.
fn without_outliers(intervals: &[f64]) -> Vec<bool> {
    let mut order = (0..intervals.len()).collect::<Vec<_>>();
    order.sort_by(|a, b| intervals[*a].total_cmp(&intervals[*b]));
    let mut kept = vec![true; intervals.len()];
    let ends = order.iter().take(OUTLIERS).chain(order.iter().rev().take(OUTLIERS));
    ends.for_each(|at| kept[*at] = false);
    kept
}

/// Entropy of a histogram of 16 bins of equal width, over that of 16 equally full ones.
fn entropy(values: &[f64]) -> f64 {
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
    if high <= low {
        return 0.0;
    }
    let mut bins = [0_usize; BINS];
    for value in values {
        // The cast cuts off; the highest value belongs to the last bin.
        let bin = ((value - low) / (high - low) * BINS as f64) as usize;
        bins[bin.min(BINS - 1)] += 1;
    }
    let share = |count: &usize| *count as f64 / values.len() as f64;
    let sum = bins.iter().filter(|c| **c > 0).map(share).map(|p| p * p.ln()).sum::<f64>();
    -sum / (BINS as f64).ln()
}

/// Share of the inner values that are above or below both their neighbours.
fn turning_points(values: &[f64]) -> f64 {
    let turns = |w: &&[f64]| (w[1] > w[0] && w[1] > w[2]) || (w[1] < w[0] && w[1] < w[2]);
    values.windows(3).filter(turns).count() as f64 / (values.len() as f64 - 2.0)
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::Random;
    use super::*;

    /// Beat times with an interval function, in milliseconds.
    fn times(count: usize, mut interval: impl FnMut(usize) -> f64) -> Vec<f64> {
        let step = |t: &mut f64, n: usize| {
            *t += interval(n) / 1e3;
            Some(*t)
        };
        std::iter::once(0.0).chain((0..count).scan(0.0, step)).collect()
    }

    fn uniform(random: &mut Random) -> f64 {
        (random.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(random: &mut Random) -> f64 {
        (0..12).map(|_| uniform(random)).sum::<f64>() - 6.0
    }

    #[test]
    fn the_measures_of_small_lists_are_right() {
        let even = (0..16).map(f64::from).collect::<Vec<_>>();
        assert!((entropy(&even) - 1.0).abs() < 1e-12);
        // Half in the first bin, half in the last: ln 2 / ln 16.
        assert!((entropy(&[1.0, 1.0, 2.0, 2.0]) - 0.25).abs() < 1e-12);
        assert_eq!(entropy(&[5.0; 9]), 0.0);
        assert_eq!(turning_points(&[1.0, 3.0, 2.0, 2.0, 5.0, 4.0]), 0.5);
        let kept = without_outliers(&(0..20).map(f64::from).collect::<Vec<_>>());
        assert_eq!(kept.iter().filter(|k| **k).count(), 4);
        assert!(kept[8] && kept[11] && !kept[7] && !kept[12]);
    }

    #[test]
    fn random_intervals_are_suggestive_and_ordered_ones_are_not() {
        let (mut found, mut missed, mut falsely) = (0, 0, [0; 4]);
        for seed in 0..200 {
            let mut random = Random(seed);
            let fibrillation = times(128, |_| (700.0 + 160.0 * normal(&mut random)).clamp(300.0, 1500.0));
            match screen_times(&fibrillation).unwrap().screening {
                Screening::Suggestive => found += 1,
                Screening::NotSuggestive => missed += 1,
            }
            let sinus = times(128, |n| 850.0 + 40.0 * (n as f64 / 4.5).sin() + 12.0 * normal(&mut random));
            let bigeminy = times(128, |n| if n % 2 == 0 { 520.0 } else { 1080.0 } + 15.0 * normal(&mut random));
            let breathing = times(128, |n| 950.0 + 170.0 * (n as f64 * 1.26).sin() + 12.0 * normal(&mut random));
            let mut pause = false;
            let extra_beats = times(128, |_| {
                let early = !pause && uniform(&mut random) < 0.08;
                let interval = if pause {
                    1100.0
                } else if early {
                    520.0
                } else {
                    800.0
                };
                pause = early;
                interval + 15.0 * normal(&mut random)
            });
            for (count, times) in falsely.iter_mut().zip([sinus, bigeminy, breathing, extra_beats]) {
                *count += usize::from(screen_times(&times).unwrap().screening == Screening::Suggestive);
            }
        }
        println!(
            "200 segments: {found} found, {missed} missed; false of 200 each (sinus, bigeminy, breathing, extra beats): {falsely:?}"
        );
        assert!(found >= 190, "{found} of 200");
        assert!(falsely.iter().all(|f| *f <= 4), "{falsely:?}");
    }

    #[test]
    fn too_few_intervals_in_a_row_are_refused() {
        let short = times(127, |_| 800.0);
        assert!(matches!(screen_times(&short), Err(EcgError::TooFewIntervals { found: 127, minimum: 128 })));
        let broken = times(200, |n| if n == 100 { 5000.0 } else { 800.0 });
        assert!(matches!(screen_times(&broken), Err(EcgError::TooFewIntervals { found: 100, .. })));
        assert!(screen_times(&[]).is_err());
        let steady = screen_times(&times(300, |_| 800.0)).unwrap();
        assert_eq!((steady.segments.len(), steady.unscreened_interval_count), (2, 44));
        assert_eq!(steady.screening, Screening::NotSuggestive);
    }
}
