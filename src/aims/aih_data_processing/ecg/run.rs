//! The AI Module `AIP-ECG-V1.0`: what it is asked for, and what can be judged in an ECG.

use std::io::Cursor;

use serde::Serialize;
use serde_json::{Map, Value};

use super::heart_rate::{PLAUSIBLE_MS, intervals_ms, normal_intervals};
use super::profile::DEFAULT_SEGMENT_MINUTES;
use super::{
    EcgError, EcgFormat, EcgRecording, EventDetection, LeadChoice, characterise, classify_rhythm, detect_events,
    monitor, quantify_heart_rate, read_recording, screen_fibrillation,
};
use crate::{
    aims::ai_modules::{
        input::Input,
        observations::{Measured, Observations, Series},
    },
    domain::operation::Operation,
    schema::wire::DataFormat,
};

const LEAD: &str = "Lead";
const SEGMENT_MINUTES: &str = "SegmentMinutes";
const WINDOW_MINUTES: &str = "WindowMinutes";
/// Hours of the day that count as night in the context of a heart rate, local time.
const NIGHT_HOURS: (u8, u8) = (22, 6);

/// Performs a processing type on an ECG.
///
/// # Errors
/// What is wrong with the payload or a parameter, in words and without values of the data.
pub fn run(input: &Input<'_>) -> Result<Value, String> {
    let (_, events) = beats(input)?;
    perform(input, events)
}

/// Both at once, with the beats detected once: that is most of the work of either.
pub fn run_and_observe(input: &Input<'_>) -> (Result<Value, String>, Result<Observations, String>) {
    if input.parameters.contains_key(LEAD) {
        // The lead that is asked for is not the one that is judged.
        return (run(input), observe(&Input { parameters: &Map::new(), ..*input }));
    }
    match beats(input) {
        Ok((recording, events)) => {
            let observed = observations(&recording, &events);
            (perform(input, events), Ok(observed))
        }
        Err(why) => (Err(why.clone()), Err(why)),
    }
}

fn perform(input: &Input<'_>, events: EventDetection) -> Result<Value, String> {
    let minutes = |name| number(input.parameters, name);
    match input.operation {
        Operation::PhysiologicalEventDetection => document(Ok(events)),
        Operation::PhysiologicalParameterQuantification => document(quantify_heart_rate(&events)),
        Operation::PhysiologicalStateClassification => document(classify_rhythm(&events)),
        Operation::PhysiologicalProfileCharacterisation => document(characterise(&events, minutes(SEGMENT_MINUTES)?)),
        Operation::PhysiologicalTrendMonitoring => document(monitor(&events, minutes(WINDOW_MINUTES)?)),
        Operation::PhysiologicalRiskPrediction => document(screen_fibrillation(&events)),
        _ => Err("this module does not perform that".to_owned()),
    }
}

/// What Anomaly and Risk Alerting judges: intervals, heart rate, variability, irregularity.
///
/// Parameters that a recording is too short for are left out.
///
/// # Errors
/// What is wrong with the payload or a parameter, in words and without values of the data.
pub fn observe(input: &Input<'_>) -> Result<Observations, String> {
    beats(input).map(|(recording, events)| observations(&recording, &events))
}

fn observations(recording: &EcgRecording, events: &EventDetection) -> Observations {
    let (values, codes) = (measured(events), Vec::new());
    Observations { series: series(recording, events), values, codes, start: None }
}

fn beats(input: &Input<'_>) -> Result<(EcgRecording, EventDetection), String> {
    let recording = read_as_named(input, &lead(input.parameters)?)?;
    let events = detect_events(&recording).map_err(|e| e.to_string())?;
    Ok((recording, events))
}

/// Reads one lead of a payload that is of the format its qualifier names.
///
/// # Errors
/// What is wrong with the payload, in words.
pub fn read_as_named(input: &Input<'_>, lead: &LeadChoice) -> Result<EcgRecording, String> {
    let mut payload = Cursor::new(input.payload);
    let said = |e: EcgError| e.to_string();
    let fits = match EcgFormat::recognise(&mut payload).map_err(said)? {
        EcgFormat::WfdbTar => input.format == DataFormat::Wfdb,
        EcgFormat::Edf => {
            matches!(input.format, DataFormat::Edf | DataFormat::EdfPlus | DataFormat::Bdf | DataFormat::BdfPlus)
        }
    };
    if !fits {
        return Err("the payload is not of the format its qualifier names".to_owned());
    }
    read_recording(payload, lead).map_err(said)
}

fn lead(parameters: &Map<String, Value>) -> Result<LeadChoice, String> {
    let refused = || "the parameter Lead is a name or a position counted from 0".to_owned();
    match parameters.get(LEAD) {
        None => Ok(LeadChoice::default()),
        Some(Value::String(name)) => Ok(LeadChoice::Named(name.clone())),
        Some(Value::Number(index)) => {
            let index = index.as_u64().and_then(|index| usize::try_from(index).ok());
            index.map(LeadChoice::Index).ok_or_else(refused)
        }
        Some(_) => Err(refused()),
    }
}

fn number(parameters: &Map<String, Value>, name: &str) -> Result<f64, String> {
    match parameters.get(name) {
        None => Ok(DEFAULT_SEGMENT_MINUTES),
        Some(value) => value.as_f64().ok_or_else(|| format!("the parameter {name} is a number")),
    }
}

fn document(result: Result<impl Serialize, EcgError>) -> Result<Value, String> {
    serde_json::to_value(result.map_err(|e| e.to_string())?).map_err(|e| e.to_string())
}

/// Intervals and heart rate at each beat that ends one. Intervals too short for a heart are left out of both; those too
/// long for a rate are no rate, but they are the pauses that are looked for.
fn series(recording: &EcgRecording, events: &EventDetection) -> Vec<Series> {
    let times = &events.event_times_seconds;
    let intervals: Vec<(f64, f64)> = times.iter().copied().skip(1).zip(intervals_ms(times)).collect();
    let beats = intervals.iter().filter(|(_, interval)| interval >= PLAUSIBLE_MS.start());
    let rates = intervals.iter().filter(|(_, interval)| PLAUSIBLE_MS.contains(interval));
    let hour = |at: &f64| {
        let start = recording.start()?;
        // Beyond the year 9999 there is no time of day.
        Some(start.checked_add(time::Duration::checked_seconds_f64(*at)?)?.hour())
    };
    let part = |hour: u8| if hour >= NIGHT_HOURS.0 || hour < NIGHT_HOURS.1 { "night" } else { "day" };
    let of = |name: &str, unit: &str, (at_seconds, values): (Vec<f64>, Vec<f64>)| Series {
        name: name.to_owned(),
        unit: unit.to_owned(),
        context: at_seconds.iter().map(|at| hour(at).map(|h| part(h).to_owned())).collect(),
        at_seconds,
        values,
    };
    vec![
        of("RRInterval", "s", beats.map(|(at, interval)| (*at, interval / 1e3)).unzip()),
        of("HeartRate", "/min", rates.map(|(at, interval)| (*at, 60_000.0 / interval)).unzip()),
    ]
}

/// The longest time without a beat, in seconds: between two beats, before the first and after the last. A recording
/// without any is one such time.
fn longest_without_beat(events: &EventDetection) -> f64 {
    let times = &events.event_times_seconds;
    let before = times.first().copied().unwrap_or(events.duration_seconds);
    let after = times.last().map_or(0.0, |last| events.duration_seconds - last);
    times.windows(2).map(|pair| pair[1] - pair[0]).chain([before, after]).fold(0.0, f64::max)
}

fn measured(events: &EventDetection) -> Vec<Measured> {
    let mut values = Vec::new();
    let mut add = |name: &str, unit: &str, value: f64| {
        values.push(Measured { name: name.to_owned(), unit: unit.to_owned(), value, at_seconds: None });
    };
    if let Ok(rate) = quantify_heart_rate(events) {
        add("MeanHeartRate", "/min", rate.mean_heart_rate_beats_per_minute);
        add("SDNN", "ms", rate.sdnn_ms);
        add("RMSSD", "ms", rate.rmssd_ms);
        add("PNN50", "%", rate.pnn50_percent);
        let normal = normal_intervals(&intervals_ms(&events.event_times_seconds));
        let disturbed = normal.iter().filter(|n| !**n).count();
        add("EctopicIntervals", "%", 100.0 * disturbed as f64 / normal.len() as f64);
    }
    if let Ok(rhythm) = classify_rhythm(events) {
        add("RRCoefficientOfVariation", "1", rhythm.coefficient_of_variation);
        add("NormalisedRMSSD", "1", rhythm.normalised_rmssd);
    }
    if let Ok(screening) = screen_fibrillation(events) {
        add("FibrillationLikeSegments", "%", screening.suggestive_percent);
    }
    add("LongestRRInterval", "s", longest_without_beat(events));
    values
}
