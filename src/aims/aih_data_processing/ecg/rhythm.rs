//! Rate and regularity of the heart (processing type `PhysiologicalStateClassification`).
//!
//! | Rate | Mean heart rate | Regularity | Rule |
//! | --- | --- | --- | --- |
//! | `Bradycardia` | below 60/min | `Irregular` | variation and normalised RMSSD of all plausible intervals above 0.10 |
//! | `Normal` | 60–100/min | `RegularWithEctopics` | otherwise, if 1 % of the intervals or more are ectopic or disturbed |
//! | `Tachycardia` | above 100/min | `Regular` | otherwise |
//!
//! Rates: the conventional adult limits; the ACC/AHA/HRS bradycardia guideline of 2018 (Circulation 140,
//! e382–e482) recalls 60/min and itself prefers 50/min, the ACC/AHA/HRS guideline on supraventricular
//! tachycardia of 2015 (Circulation 133, e506–e574) uses 100/min. Regularity: RMSSD normalised by the mean
//! interval is a measure of Dash et al., "Automatic real time detection of atrial fibrillation", Ann. Biomed.
//! Eng. 37(9), 1701–1709, 2009; the coefficient of variation beside it keeps a few disturbed intervals from
//! deciding. The limits 0.10 and 1 % are our choice, documented in the result. Children and athletes have
//! other limits, and no part of this names a disease.

use serde::Serialize;

use super::error::EcgError;
use super::heart_rate::{
    HeartRateQuantification, PLAUSIBLE_MS, from_intervals, intervals_ms, mean, root_mean_square, standard_deviation,
    successive_differences,
};
use super::qrs::EventDetection;

/// Below this rate: bradycardia. Beats per minute.
pub const BRADYCARDIA_BELOW: f64 = 60.0;
/// Above this rate: tachycardia. Beats per minute.
pub const TACHYCARDIA_ABOVE: f64 = 100.0;
/// Coefficient of variation and normalised RMSSD above which a rhythm is irregular.
pub const IRREGULAR_ABOVE: f64 = 0.10;
/// Share of ectopic or disturbed intervals from which they are named.
pub const ECTOPICS_FROM: f64 = 0.01;

const METHOD: &str = "rate limits 60 and 100 per minute; irregular if coefficient of variation and normalised \
                      RMSSD of intervals both exceed 0.10; ectopics named from 1 percent of intervals";
const SOURCE: &str =
    "doi:10.1161/CIR.0000000000000628; doi:10.1161/CIR.0000000000000311; doi:10.1007/s10439-009-9740-z";

/// State of the heart rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum RateState {
    /// Below 60 beats per minute.
    Bradycardia,
    /// 60 to 100 beats per minute.
    Normal,
    /// Above 100 beats per minute.
    Tachycardia,
}

/// State of the rhythm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Regularity {
    /// Intervals change little.
    Regular,
    /// Mostly regular, but at least one interval in a hundred stands out.
    RegularWithEctopics,
    /// Intervals change from beat to beat.
    Irregular,
}

/// Result of `PhysiologicalStateClassification`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RhythmClassification {
    /// Always `PhysiologicalStateClassification`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where the limits come from.
    pub source: &'static str,
    /// State of the rate.
    pub rate_state: RateState,
    /// State of the rhythm.
    pub regularity: Regularity,
    /// Mean heart rate the state rests on.
    pub mean_heart_rate_beats_per_minute: f64,
    /// Standard deviation of the plausible intervals divided by their mean.
    #[serde(rename = "RRCoefficientOfVariation")]
    pub coefficient_of_variation: f64,
    /// RMSSD of the plausible intervals divided by their mean.
    #[serde(rename = "NormalisedRMSSD")]
    pub normalised_rmssd: f64,
    /// Share of the plausible intervals that are ectopic or disturbed, in percent.
    pub ectopic_interval_percent: f64,
}

/// Classifies the beats of an event detection.
///
/// # Errors
///
/// [`EcgError::TooFewIntervals`] as in [`super::heart_rate::quantify_heart_rate`], except that an irregular
/// rhythm is classified even when none of its intervals counts as normal.
pub fn classify_rhythm(events: &EventDetection) -> Result<RhythmClassification, EcgError> {
    classify_intervals(&intervals_ms(&events.event_times_seconds))
}

/// Classifies intervals in milliseconds.
///
/// # Errors
///
/// As [`classify_rhythm`].
pub fn classify_intervals(intervals_ms: &[f64]) -> Result<RhythmClassification, EcgError> {
    let passes = intervals_ms.iter().map(|i| PLAUSIBLE_MS.contains(i)).collect::<Vec<_>>();
    let plausible = intervals_ms.iter().copied().filter(|i| PLAUSIBLE_MS.contains(i)).collect::<Vec<_>>();
    let differences = successive_differences(intervals_ms, &passes);
    let minimum = super::heart_rate::MIN_INTERVALS;
    if plausible.len() < minimum || differences.is_empty() {
        return Err(EcgError::TooFewIntervals { found: plausible.len(), minimum });
    }
    let mean_ms = mean(&plausible);
    let coefficient_of_variation = standard_deviation(&plausible) / mean_ms;
    let normalised_rmssd = root_mean_square(&differences) / mean_ms;
    let irregular = coefficient_of_variation > IRREGULAR_ABOVE && normalised_rmssd > IRREGULAR_ABOVE;
    let ectopic_share = match from_intervals(intervals_ms) {
        Ok(HeartRateQuantification { ectopic_interval_count, .. }) => {
            ectopic_interval_count as f64 / plausible.len() as f64
        }
        // No normal rhythm to stand out from.
        Err(EcgError::TooFewIntervals { .. }) if irregular => 1.0,
        Err(e) => return Err(e),
    };
    let mean_heart_rate_beats_per_minute = 60_000.0 / mean_ms;
    Ok(RhythmClassification {
        processing_type: "PhysiologicalStateClassification",
        method: METHOD,
        source: SOURCE,
        rate_state: rate_state(mean_heart_rate_beats_per_minute),
        regularity: regularity(irregular, ectopic_share),
        mean_heart_rate_beats_per_minute,
        coefficient_of_variation,
        normalised_rmssd,
        ectopic_interval_percent: 100.0 * ectopic_share,
    })
}

fn rate_state(beats_per_minute: f64) -> RateState {
    if beats_per_minute < BRADYCARDIA_BELOW {
        RateState::Bradycardia
    } else if beats_per_minute > TACHYCARDIA_ABOVE {
        RateState::Tachycardia
    } else {
        RateState::Normal
    }
}

fn regularity(irregular: bool, ectopic_share: f64) -> Regularity {
    if irregular {
        Regularity::Irregular
    } else if ectopic_share >= ECTOPICS_FROM {
        Regularity::RegularWithEctopics
    } else {
        Regularity::Regular
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(intervals: &[f64]) -> (RateState, Regularity) {
        let result = classify_intervals(intervals).unwrap();
        (result.rate_state, result.regularity)
    }

    #[test]
    fn the_limits_themselves_are_normal() {
        assert_eq!(states(&[1000.0; 20]), (RateState::Normal, Regularity::Regular));
        assert_eq!(states(&[600.0; 20]), (RateState::Normal, Regularity::Regular));
        assert_eq!(states(&[1001.0; 20]).0, RateState::Bradycardia);
        assert_eq!(states(&[599.0; 20]).0, RateState::Tachycardia);
    }

    #[test]
    fn one_premature_beat_is_an_ectopic_a_chaotic_row_is_irregular() {
        let mut intervals = vec![800.0; 100];
        intervals[50] = 600.0;
        intervals[51] = 1000.0;
        assert_eq!(states(&intervals).1, Regularity::RegularWithEctopics);
        let chaotic = (0..100).map(|i: u32| 500.0 + f64::from(i * 7919 % 601)).collect::<Vec<_>>();
        assert_eq!(states(&chaotic).1, Regularity::Irregular);
    }

    #[test]
    fn a_rate_that_drifts_slowly_is_regular() {
        let drift = (0..500).map(|i| 600.0 + f64::from(i)).collect::<Vec<_>>();
        assert_eq!(states(&drift).1, Regularity::Regular);
    }

    #[test]
    fn too_few_intervals_are_refused() {
        assert!(matches!(classify_intervals(&[800.0; 4]), Err(EcgError::TooFewIntervals { .. })));
        assert!(matches!(classify_intervals(&[100.0; 40]), Err(EcgError::TooFewIntervals { .. })));
    }
}
