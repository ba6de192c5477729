//! The rest-activity pattern (processing type `BehaviouralPatternCharacterisation`).
//!
//! | Measure | Formula, over hourly means `x` | Meaning |
//! | --- | --- | --- |
//! | interdaily stability IS | `n Σ_h (x̄_h − x̄)² / (24 Σ_i (x_i − x̄)²)` | 0 noise … 1 every day alike |
//! | intradaily variability IV | `n Σ_i (x_i − x_{i−1})² / ((n−1) Σ_i (x_i − x̄)²)` | about 0 a sine, 2 noise |
//! | L5, M10 | least active 5, most active 10 hours of the average day | |
//! | relative amplitude RA | `(M10 − L5) / (M10 + L5)` | 0 … 1 |
//!
//! IS and IV: Witting et al., "Alterations in the circadian rest-activity rhythm in aging and Alzheimer's disease",
//! Biological Psychiatry 27(6), 563–572, 1990; with L5, M10 and RA as in Van Someren et al., "Bright light therapy:
//! improved sensitivity to its effects on rest-activity rhythms in Alzheimer patients by application of nonparametric
//! methods", Chronobiology International 16(4), 505–518, 1999. Hours without valid data are left out: `n` counts the
//! valid hours, and IV the pairs of valid neighbours.

use serde::Serialize;

use super::{
    error::BehaviourError,
    recording::{DAY, Recording, Signal},
};

/// Fewest valid hours: three days' worth. Van Someren et al. used five to seven days; below three, IS says nothing.
pub const MIN_HOURS: usize = 72;
const HOUR: i64 = 3600;

const METHOD: &str = "nonparametric circadian rhythm analysis on hourly means; L5 and M10 on the average day by the minute \
                      (by the hour for steps over more than a minute); hours without valid data left out";
const SOURCE: &str = "Witting et al., Alterations in the circadian rest-activity rhythm in aging and Alzheimer's disease, \
                      Biological Psychiatry 27(6), 563-572, 1990; Van Someren et al., Bright light therapy: improved \
                      sensitivity to its effects on rest-activity rhythms in Alzheimer patients by application of \
                      nonparametric methods, Chronobiology International 16(4), 505-518, 1999";

/// Result of `BehaviouralPatternCharacterisation`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PatternCharacterisation {
    /// Always `BehaviouralPatternCharacterisation`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// What was recorded.
    pub signal: Signal,
    /// Hours with valid data.
    pub valid_hours: usize,
    /// IS, 0 to 1.
    pub interdaily_stability: f64,
    /// IV.
    pub intradaily_variability: f64,
    /// Mean of the least active five hours of the average day: ENMO in mg, or steps a minute.
    #[serde(rename = "L5")]
    pub l5: f64,
    /// When they begin, in minutes after midnight.
    #[serde(rename = "L5StartMinute")]
    pub l5_start_minute: i64,
    /// Mean of the most active ten hours.
    #[serde(rename = "M10")]
    pub m10: f64,
    /// When they begin, in minutes after midnight.
    #[serde(rename = "M10StartMinute")]
    pub m10_start_minute: i64,
    /// RA, 0 to 1.
    pub relative_amplitude: f64,
}

/// Characterises a recording.
///
/// # Errors
///
/// [`BehaviourError::TooFew`] for less than three days' worth of valid hours or an hour of the day never recorded,
/// [`BehaviourError::Constant`] when nothing ever changes.
pub fn characterise(recording: &Recording) -> Result<PatternCharacterisation, BehaviourError> {
    let (start, hours) = recording.slots(HOUR);
    let valid_hours = hours.iter().flatten().count();
    if valid_hours < MIN_HOURS {
        return Err(BehaviourError::TooFew { what: "hours", found: valid_hours, minimum: MIN_HOURS });
    }
    let slot = if recording.epoch <= 60 { 60 } else { HOUR };
    let (first, slots) = recording.slots(slot);
    let profile = average_day(first, &slots, slot);
    let known = profile.iter().flatten().count();
    let profile = profile.into_iter().collect::<Option<Vec<_>>>();
    let minimum = (DAY / slot) as usize;
    let profile = profile.ok_or(BehaviourError::TooFew { what: "times of the average day", found: known, minimum })?;
    let (interdaily_stability, intradaily_variability) = variability(start, &hours).ok_or(BehaviourError::Constant)?;
    let per_hour = (HOUR / slot) as usize;
    let windows = |length: usize| (0..profile.len()).map(move |from| (from, length));
    let mean = |(from, length): (usize, usize)| {
        let values = profile.iter().cycle().skip(from).take(length);
        (from as i64 * slot / 60, values.sum::<f64>() / length as f64)
    };
    let (l5_start_minute, l5) = windows(5 * per_hour).map(mean).min_by(least).ok_or(BehaviourError::Constant)?;
    let (m10_start_minute, m10) = windows(10 * per_hour).map(mean).min_by(most).ok_or(BehaviourError::Constant)?;
    Ok(PatternCharacterisation {
        processing_type: "BehaviouralPatternCharacterisation",
        method: METHOD,
        source: SOURCE,
        signal: recording.signal,
        valid_hours,
        interdaily_stability,
        intradaily_variability,
        l5,
        l5_start_minute,
        m10,
        m10_start_minute,
        // A constant day gives 0, and not what rounding makes of it.
        relative_amplitude: ((m10 - l5) / (m10 + l5)).max(0.0),
    })
}

/// Order by value and then by time, so that the earliest of equal windows counts; sums may differ in their last bits.
fn least(a: &(i64, f64), b: &(i64, f64)) -> std::cmp::Ordering {
    let tolerance = 1e-9 * a.1.abs().max(b.1.abs());
    if (a.1 - b.1).abs() <= tolerance { a.0.cmp(&b.0) } else { a.1.total_cmp(&b.1) }
}

fn most(a: &(i64, f64), b: &(i64, f64)) -> std::cmp::Ordering {
    least(&(a.0, -a.1), &(b.0, -b.1))
}

/// Mean of every time of day.
fn average_day(first: i64, slots: &[Option<f64>], slot: i64) -> Vec<Option<f64>> {
    let mut sums = vec![(0.0, 0_u32); (DAY / slot) as usize];
    for (place, value) in slots.iter().enumerate() {
        let time = (first + place as i64 * slot).rem_euclid(DAY) / slot;
        if let (Some(value), Some(sum)) = (value, sums.get_mut(time as usize)) {
            *sum = (sum.0 + value, sum.1 + 1);
        }
    }
    sums.into_iter().map(|(sum, count)| (count > 0).then(|| sum / f64::from(count))).collect()
}

/// IS and IV; `None` when there is no variance.
fn variability(start: i64, hours: &[Option<f64>]) -> Option<(f64, f64)> {
    let valid = hours.iter().flatten().copied().collect::<Vec<_>>();
    let n = valid.len() as f64;
    let mean = valid.iter().sum::<f64>() / n;
    let squares = valid.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    if squares <= f64::EPSILON * n * mean * mean {
        return None;
    }
    // Each hour of the day by how often it is there: with whole days that is the published formula, and where hours are
    // missing unequally it stays between 0 and 1.
    let profile = average_day(start, hours, HOUR);
    let hour_of = |place: usize| ((start + place as i64 * HOUR).rem_euclid(DAY) / HOUR) as usize;
    let means =
        hours.iter().enumerate().filter(|(_, value)| value.is_some()).filter_map(|(place, _)| profile[hour_of(place)]);
    let stability = means.map(|h| (h - mean) * (h - mean)).sum::<f64>() / squares;
    let pairs = hours.windows(2).filter_map(|pair| Some(pair[1]? - pair[0]?)).collect::<Vec<_>>();
    if pairs.is_empty() {
        return None;
    }
    let changes = pairs.iter().map(|d| d * d).sum::<f64>();
    Some((stability, n * changes / (pairs.len() as f64 * squares)))
}
