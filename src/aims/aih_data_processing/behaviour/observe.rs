//! What Anomaly and Risk Alerting can judge in a behavioural recording: activity by the minute (by the epoch where that
//! is longer), with the time of day as its circumstance, and each valid day's mean.

use super::recording::{DAY, Recording, Signal};
use crate::aims::ai_modules::observations::{Measured, Observations, Series};

/// Hours of the local clock that are called night.
const NIGHT: std::ops::Range<i64> = 0..6;

/// The series and the daily means of a recording.
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
        context: Some(known.iter().map(|(at, _)| if night(*at) { "night" } else { "day" }.to_owned()).collect()),
    };
    let mut at = 0.0;
    let mut values = Vec::new();
    for day in recording.days() {
        let valid = day.values.iter().flatten().collect::<Vec<_>>();
        if recording.minutes_of(day.values) >= super::levels::DEFAULT_HOURS * 60.0 {
            let value = valid.iter().copied().sum::<f64>() / valid.len() as f64;
            values.push(Measured {
                name: format!("Daily mean {name}"),
                unit: unit.to_owned(),
                value,
                at_seconds: Some(at),
            });
        }
        at += (day.values.len() as i64 * recording.epoch) as f64;
    }
    Observations { series: vec![series], values, codes: Vec::new() }
}
