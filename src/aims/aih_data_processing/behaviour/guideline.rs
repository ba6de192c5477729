//! Whether activity meets the guideline of the World Health Organization (processing type `BehaviouralRiskPrediction`).
//!
//! | Age group | Rule (WHO guidelines on physical activity and sedentary behaviour, 2020) |
//! | --- | --- |
//! | adult | 150 minutes of moderate activity a week, or 75 vigorous, or an equivalent: moderate + 2 · vigorous ≥ 150 |
//! | child | 60 minutes of moderate-to-vigorous activity a day on average |
//!
//! Not meeting it is insufficient physical activity, a risk factor and no disease. The rule rests on activity that people
//! reported; a device counts every short burst, so its minutes are more. At least four valid days stand for the week
//! (Troiano et al. 2008); that one of them lies at the weekend is our own, stricter condition.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    cut_points::{AGE_GROUP, CutPoints, number, word},
    error::BehaviourError,
    levels::{DEFAULT_HOURS, DayLevels, MINIMUM_HOURS, by_the_minute, day_levels},
    recording::{Recording, Signal},
};

/// Fewest valid days, and fewest of them at a weekend.
pub const MIN_DAYS: usize = 4;
/// Moderate-equivalent minutes a week of an adult.
pub const ADULT_MINUTES_A_WEEK: f64 = 150.0;
/// Moderate-to-vigorous minutes a day of a child.
pub const CHILD_MINUTES_A_DAY: f64 = 60.0;

const METHOD: &str = "minutes at moderate and vigorous level of valid days, scaled to a week and compared with the guideline; \
                      a device counts more minutes than people report, on which the guideline rests";
const SOURCE: &str = "World Health Organization, WHO guidelines on physical activity and sedentary behaviour, Geneva, 2020; \
                      Troiano et al., Physical activity in the United States measured by accelerometer, Medicine and \
                      Science in Sports and Exercise 40(1), 181-188, 2008";

/// Result of `BehaviouralRiskPrediction`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RiskPrediction {
    /// Always `BehaviouralRiskPrediction`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// What was recorded.
    pub signal: Signal,
    /// The limits used, with their own source.
    pub cut_points: CutPoints,
    /// `adult` or `child`.
    pub age_group: &'static str,
    /// Hours of valid data that make a day valid.
    pub minimum_hours: f64,
    /// Valid days.
    pub valid_days: usize,
    /// Of those, Saturdays and Sundays.
    pub valid_weekend_days: usize,
    /// Moderate minutes a day, on average.
    pub moderate_minutes_per_day: f64,
    /// Vigorous minutes a day, on average.
    pub vigorous_minutes_per_day: f64,
    /// Minutes the guideline counts: moderate + 2 · vigorous a week (adult), both a day (child).
    pub counted_minutes: f64,
    /// Minutes it asks for.
    pub guideline_minutes: f64,
    /// Whether they are reached.
    pub guideline_met: bool,
}

/// Compares a recording with the guideline.
///
/// # Errors
///
/// [`BehaviourError::TooFew`] for fewer than four valid days or none at a weekend, [`BehaviourError::TooCoarse`],
/// [`BehaviourError::Parameter`].
pub fn predict(recording: &Recording, parameters: &Map<String, Value>) -> Result<RiskPrediction, BehaviourError> {
    let cut_points = CutPoints::choose(recording.signal, parameters)?;
    let age_group = word(parameters, AGE_GROUP, &["adult", "child"])?.unwrap_or("adult");
    let minimum_hours = number(parameters, MINIMUM_HOURS, 1.0..=24.0, DEFAULT_HOURS)?;
    let recording = by_the_minute(recording, "a comparison with the guideline")?;
    let days = day_levels(&recording, &cut_points, minimum_hours).into_iter().filter(|day| day.valid);
    let days = days.collect::<Vec<_>>();
    let weekend = days.iter().filter(|day| day.weekend).count();
    if days.len() < MIN_DAYS {
        return Err(BehaviourError::TooFew { what: "days", found: days.len(), minimum: MIN_DAYS });
    }
    if weekend == 0 {
        return Err(BehaviourError::TooFew { what: "days at a weekend", found: 0, minimum: 1 });
    }
    let per_day = |minutes: fn(&DayLevels) -> f64| days.iter().map(minutes).sum::<f64>() / days.len() as f64;
    let moderate_minutes_per_day = per_day(|day| day.minutes.moderate_minutes);
    let vigorous_minutes_per_day = per_day(|day| day.minutes.vigorous_minutes);
    let (counted_minutes, guideline_minutes) = if age_group == "child" {
        (moderate_minutes_per_day + vigorous_minutes_per_day, CHILD_MINUTES_A_DAY)
    } else {
        (7.0 * (moderate_minutes_per_day + 2.0 * vigorous_minutes_per_day), ADULT_MINUTES_A_WEEK)
    };
    Ok(RiskPrediction {
        processing_type: "BehaviouralRiskPrediction",
        method: METHOD,
        source: SOURCE,
        signal: recording.signal,
        cut_points,
        age_group,
        minimum_hours,
        valid_days: days.len(),
        valid_weekend_days: weekend,
        moderate_minutes_per_day,
        vigorous_minutes_per_day,
        counted_minutes,
        guideline_minutes,
        guideline_met: counted_minutes >= guideline_minutes,
    })
}
