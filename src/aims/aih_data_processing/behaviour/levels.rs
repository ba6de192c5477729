//! Minutes at each level of activity (processing type `BehaviouralStateClassification`).
//!
//! Every epoch (5 s of acceleration, a minute of steps) has one level by [`super::cut_points`]. A device worn day and
//! night counts sleep as sedentary; nothing here tells sleep from sitting.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    cut_points::{CADENCE_BANDS, CutPoints, Level, number},
    error::BehaviourError,
    recording::{Recording, Signal},
};

/// Parameter: hours of valid data that make a day valid.
pub const MINIMUM_HOURS: &str = "MinimumHours";
/// Unless stated otherwise: two thirds of a day, as GGIR asks for.
pub const DEFAULT_HOURS: f64 = 16.0;

const METHOD: &str = "every epoch at the level its mean lies in; acceleration: ENMO over 5 s without autocalibration, \
                      non-wear left out by the deviation and range of the axes over an hour; steps: cadence of a minute; \
                      sleep counts as sedentary";
const SOURCE: &str = "van Hees et al., Separating movement and gravity components in an acceleration signal and \
                      implications for the assessment of human daily physical activity, PLoS ONE 8(4), e61691, 2013";

/// Result of `BehaviouralStateClassification`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StateClassification {
    /// Always `BehaviouralStateClassification`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// What was recorded.
    pub signal: Signal,
    /// The limits used, with their own source.
    pub cut_points: CutPoints,
    /// Whether it was judged if the device was worn.
    pub wear_assessed: bool,
    /// Hours of valid data that make a day valid.
    pub minimum_hours: f64,
    /// The whole recording.
    pub all: LevelMinutes,
    /// Each calendar day.
    pub days: Vec<DayLevels>,
    /// Minutes in each cadence band, for steps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cadence_bands: Vec<CadenceBand>,
}

/// Minutes at each level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LevelMinutes {
    /// Minutes with valid data.
    pub valid_minutes: f64,
    /// Of those, sedentary; sleep included.
    pub sedentary_minutes: f64,
    /// Light.
    pub light_minutes: f64,
    /// Moderate.
    pub moderate_minutes: f64,
    /// Vigorous.
    pub vigorous_minutes: f64,
}

/// One day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DayLevels {
    /// Number of the day, counted from 1; dates stay in the recording.
    pub day: i64,
    /// Saturday or Sunday.
    pub weekend: bool,
    /// Whether it has enough valid data.
    pub valid: bool,
    /// Mean of its values: ENMO in mg, or steps a minute; absent without valid data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Minutes at each level.
    #[serde(flatten)]
    pub minutes: LevelMinutes,
}

/// Minutes in one cadence band.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CadenceBand {
    /// Name of the band.
    pub band: &'static str,
    /// First step a minute that belongs to it.
    pub from_steps_per_minute: f64,
    /// Minutes.
    pub minutes: f64,
}

/// Classifies a recording.
///
/// # Errors
///
/// [`BehaviourError::TooCoarse`] for steps over more than a minute, [`BehaviourError::Parameter`],
/// [`BehaviourError::TooFew`] without any valid minute.
pub fn classify(recording: &Recording, parameters: &Map<String, Value>) -> Result<StateClassification, BehaviourError> {
    let cut_points = CutPoints::choose(recording.signal, parameters)?;
    let minimum_hours = number(parameters, MINIMUM_HOURS, 1.0..=24.0, DEFAULT_HOURS)?;
    let recording = by_the_minute(recording, "a classification of steps")?;
    let days = day_levels(&recording, &cut_points, minimum_hours);
    let all = minutes(&recording, &recording.values, &cut_points);
    if all.valid_minutes <= 0.0 {
        return Err(BehaviourError::TooFew { what: "minutes", found: 0, minimum: 1 });
    }
    Ok(StateClassification {
        processing_type: "BehaviouralStateClassification",
        method: METHOD,
        source: SOURCE,
        signal: recording.signal,
        cut_points,
        wear_assessed: recording.wear_assessed,
        minimum_hours,
        all,
        days,
        cadence_bands: cadence_bands(&recording),
    })
}

/// Steps in epochs of a minute, since cadence is defined for a minute; acceleration as it is.
///
/// # Errors
///
/// [`BehaviourError::TooCoarse`].
pub(super) fn by_the_minute(recording: &Recording, what: &'static str) -> Result<Recording, BehaviourError> {
    if recording.epoch > 60 {
        return Err(BehaviourError::TooCoarse(what));
    }
    if recording.signal == Signal::Acceleration {
        return Ok(recording.clone());
    }
    let (start, values) = recording.slots(60);
    Ok(Recording { start, epoch: 60, values, ..recording.clone() })
}

/// The days of a recording at their levels.
pub(super) fn day_levels(recording: &Recording, cut_points: &CutPoints, minimum_hours: f64) -> Vec<DayLevels> {
    let level = |day: super::recording::Day<'_>| {
        let minutes = minutes(recording, day.values, cut_points);
        let valid = day.values.iter().flatten();
        let count = valid.clone().count();
        DayLevels {
            day: day.number,
            weekend: day.weekend,
            valid: minutes.valid_minutes >= minimum_hours * 60.0,
            mean: (count > 0).then(|| valid.sum::<f64>() / count as f64),
            minutes,
        }
    };
    recording.days().into_iter().map(level).collect()
}

fn minutes(recording: &Recording, values: &[Option<f64>], cut_points: &CutPoints) -> LevelMinutes {
    let of = |level: Level| {
        let epochs = values.iter().flatten().filter(|value| cut_points.level(**value) == level).count();
        epochs as f64 * recording.epoch as f64 / 60.0
    };
    LevelMinutes {
        valid_minutes: recording.minutes_of(values),
        sedentary_minutes: of(Level::Sedentary),
        light_minutes: of(Level::Light),
        moderate_minutes: of(Level::Moderate),
        vigorous_minutes: of(Level::Vigorous),
    }
}

fn cadence_bands(recording: &Recording) -> Vec<CadenceBand> {
    if recording.signal != Signal::Steps {
        return Vec::new();
    }
    let mut bands = CADENCE_BANDS.map(|(band, from)| CadenceBand { band, from_steps_per_minute: from, minutes: 0.0 });
    for cadence in recording.values.iter().flatten() {
        let band = bands.iter_mut().rev().find(|band| *cadence >= band.from_steps_per_minute);
        band.into_iter().for_each(|band| band.minutes += 1.0);
    }
    bands.to_vec()
}
