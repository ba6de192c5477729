//! Whether activity rises or falls from day to day (processing type `BehaviouralTrendMonitoring`).
//!
//! The **Theil–Sen slope** is the median of the slopes between all pairs of days (Theil 1950; Sen 1968); one odd day
//! hardly moves it. The **Mann–Kendall test** counts how many pairs rise and how many fall (Mann 1945; Kendall 1975).
//! Both are [`crate::aims::aih_data_processing::trend`]. Only valid days count, each at its place in the calendar.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    cut_points::{CutPoints, number},
    error::BehaviourError,
    levels::{DEFAULT_HOURS, MINIMUM_HOURS, day_levels},
    recording::{Recording, Signal},
};
use crate::aims::aih_data_processing::trend::{Trend, trend};

/// Fewest valid days: with three, no order is rarer than one in six.
pub const MIN_DAYS: usize = 5;

const METHOD: &str = "Theil-Sen slope and two-sided Mann-Kendall test over the means of valid days, each at its place in \
                      the calendar; exact p-value for few days without ties, else the corrected normal approximation";
const SOURCE: &str = "Sen, Estimates of the regression coefficient based on Kendall's tau, Journal of the American \
                      Statistical Association 63, 1379-1389, 1968; Mann, Nonparametric tests against trend, Econometrica \
                      13, 245-259, 1945; Kendall, Rank Correlation Methods, 4th edition, Griffin, 1975";

/// Result of `BehaviouralTrendMonitoring`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TrendMonitoring {
    /// Always `BehaviouralTrendMonitoring`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// What was recorded.
    pub signal: Signal,
    /// Hours of valid data that make a day valid.
    pub minimum_hours: f64,
    /// The valid days.
    pub days: Vec<DayMean>,
    /// Over those days, counted in days: slope a day in mg of ENMO, or in steps a minute.
    pub trend: Trend,
}

/// One valid day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DayMean {
    /// Number of the day, counted from 1.
    pub day: i64,
    /// Mean of its valid data: ENMO in mg, or steps a minute.
    pub mean: f64,
}

/// Monitors a recording.
///
/// # Errors
///
/// [`BehaviourError::TooFew`] for fewer than five valid days, [`BehaviourError::Parameter`].
pub fn monitor(recording: &Recording, parameters: &Map<String, Value>) -> Result<TrendMonitoring, BehaviourError> {
    let minimum_hours = number(parameters, MINIMUM_HOURS, 1.0..=24.0, DEFAULT_HOURS)?;
    let any = CutPoints::choose(recording.signal, &Map::new())?;
    let days = day_levels(recording, &any, minimum_hours).into_iter().filter(|day| day.valid);
    let days = days.filter_map(|day| Some(DayMean { day: day.day, mean: day.mean? })).collect::<Vec<_>>();
    if days.len() < MIN_DAYS {
        return Err(BehaviourError::TooFew { what: "days", found: days.len(), minimum: MIN_DAYS });
    }
    let (x, y) = days.iter().map(|day| (day.day as f64, day.mean)).unzip::<_, _, Vec<_>, Vec<_>>();
    let few = BehaviourError::TooFew { what: "days", found: days.len(), minimum: MIN_DAYS };
    let trend = trend(&x, &y).ok_or(few)?;
    Ok(TrendMonitoring {
        processing_type: "BehaviouralTrendMonitoring",
        method: METHOD,
        source: SOURCE,
        signal: recording.signal,
        minimum_hours,
        trend,
        days,
    })
}
