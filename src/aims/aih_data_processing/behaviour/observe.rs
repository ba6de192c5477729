//! What Anomaly and Risk Alerting can judge in a behavioural recording: activity by the minute (by the epoch where that
//! is longer), with the time of day as its circumstance, each valid day's mean or steps, and the rhythm of rest and activity.

use super::{
    pattern,
    recording::{DAY, Recording, Signal},
};
use crate::aims::ai_modules::observations::{Measured, Observations, Series};

/// Hours of the local clock that are called night.
const NIGHT: std::ops::Range<i64> = 0..6;
/// What of a calendar day must lie in the recording, in seconds: 22 hours.
const LEAST_DAY: i64 = 22 * 3_600;

/// The series of a recording and the measures of its rhythm.
pub(super) fn observations(recording: &Recording) -> Observations {
    let (name, unit) = match recording.signal {
        Signal::Acceleration => ("ENMO", "m[g]"),
        Signal::Steps => ("Step cadence", "{steps}/min"),
    };
    let slot = recording.epoch.max(60);
    let (first, slots) = recording.slots(slot);
    let known = slots.iter().enumerate().filter_map(|(place, value)| Some((first + place as i64 * slot, (*value)?)));
    let known = known.collect::<Vec<_>>();
    let night = |at: i64| NIGHT.contains(&(at.rem_euclid(DAY) / 3600));
    let series = Series {
        name: name.to_owned(),
        unit: unit.to_owned(),
        // The first slot may begin before the first epoch.
        at_seconds: known.iter().map(|(at, _)| (at - recording.start).max(0) as f64).collect(),
        values: known.iter().map(|(_, value)| *value).collect(),
        // Where nobody said what the clock shows there, nobody knows when it is night.
        context: recording
            .clock_known
            .then(|| known.iter().map(|(at, _)| if night(*at) { "night" } else { "day" }.to_owned()).collect()),
    };
    let rhythm = rhythm(recording);
    Observations { series: vec![series, daily(recording, name, unit)], values: rhythm, codes: Vec::new(), start: None }
}

/// Each valid day: its mean, or for steps their sum. A day cut off at either end of the recording is none: it would be
/// taken for one of little activity.
fn daily(recording: &Recording, name: &str, unit: &str) -> Series {
    let (name, unit) = match recording.signal {
        Signal::Acceleration => (format!("Daily mean {name}"), unit),
        Signal::Steps => ("Daily steps".to_owned(), "{steps}/d"),
    };
    let mut series = Series { name, unit: unit.to_owned(), at_seconds: Vec::new(), values: Vec::new(), context: None };
    let mut at = 0.0;
    for day in recording.days() {
        let seconds = day.values.len() as i64 * recording.epoch;
        let minutes = recording.minutes_of(day.values);
        if minutes >= super::levels::DEFAULT_HOURS * 60.0 && seconds >= LEAST_DAY {
            let (sum, count) = day.values.iter().flatten().fold((0.0, 0_u32), |(sum, count), x| (sum + x, count + 1));
            let mean = sum / f64::from(count);
            series.at_seconds.push(at);
            series.values.push(if recording.signal == Signal::Steps { mean * minutes } else { mean });
        }
        at += seconds as f64;
    }
    series
}

/// Measures of the rhythm, where the recording is long enough for them. Not for steps: nobody makes any asleep, so
/// their amplitude says nothing.
fn rhythm(recording: &Recording) -> Vec<Measured> {
    let found = (recording.signal == Signal::Acceleration).then(|| pattern::characterise(recording));
    let Some(Ok(found)) = found else { return Vec::new() };
    let measured =
        |name: &str, value: f64| Measured { name: name.to_owned(), unit: "1".to_owned(), value, at_seconds: None };
    vec![
        measured("Relative amplitude", found.relative_amplitude),
        measured("Interdaily stability", found.interdaily_stability),
        measured("Intradaily variability", found.intradaily_variability),
    ]
}
