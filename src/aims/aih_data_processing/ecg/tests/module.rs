//! The module as a request sees it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use time::macros::datetime;

use super::super::edf_writer::{EdfContents, write};
use super::super::synthetic::SyntheticEcg;
use super::super::*;
use crate::{
    aims::{ai_modules::input::Input, aih_data_processing::trend::Direction},
    domain::operation::Operation,
    schema::wire::DataFormat,
};

const PERFORMED: [Operation; 6] = [
    Operation::PhysiologicalEventDetection,
    Operation::PhysiologicalParameterQuantification,
    Operation::PhysiologicalStateClassification,
    Operation::PhysiologicalProfileCharacterisation,
    Operation::PhysiologicalTrendMonitoring,
    Operation::PhysiologicalRiskPrediction,
];

fn edf(duration_s: f64) -> Vec<u8> {
    let made = SyntheticEcg { duration_s, sampling_rate_hz: 100.0, ..SyntheticEcg::default() }.generate().unwrap();
    let contents = EdfContents {
        start: datetime!(2024-05-02 21:57:00),
        sampling_rate_hz: 100,
        label: "ECG II",
        samples_mv: &made.samples_mv,
        beat_times_s: &made.beat_times_s,
        beat_text: "N",
    };
    let mut file = Vec::new();
    write(&contents, &mut file).unwrap();
    file
}

fn ask(payload: &[u8], operation: Operation, format: DataFormat, parameters: Value) -> Result<Value, String> {
    let parameters = parameters.as_object().cloned().unwrap_or_default();
    run(&Input { operation, format, parameters: &parameters, payload, attachments: &BTreeMap::new() })
}

#[test]
fn every_type_answers_with_its_name_its_method_and_its_source() {
    let payload = edf(330.0);
    for operation in PERFORMED {
        let result = ask(&payload, operation, DataFormat::EdfPlus, json!({"WindowMinutes": 1})).unwrap();
        assert_eq!(result["ProcessingType"], format!("{operation}"));
        assert!(result["Method"].is_string() && result["Source"].is_string());
    }
    let result = ask(&payload, PERFORMED[3], DataFormat::Edf, json!({"SegmentMinutes": 1.5, "Lead": 0})).unwrap();
    assert_eq!(result["Segments"].as_array().unwrap().len(), 4);
    assert_eq!(result["Segments"][3]["EndSeconds"], 330.0);
    let result = ask(&payload, PERFORMED[5], DataFormat::Edf, json!({"Lead": "II"})).unwrap();
    assert_eq!((&result["Risk"], &result["Screening"]), (&json!("AtrialFibrillation"), &json!("NotSuggestive")));
}

#[test]
fn what_the_module_does_not_do_is_refused() {
    let payload = edf(60.0);
    let of = |operation, format, parameters| ask(&payload, operation, format, parameters).unwrap_err();
    assert!(of(PERFORMED[0], DataFormat::Wfdb, json!({})).contains("format"));
    assert!(of(PERFORMED[0], DataFormat::Edf, json!({"Lead": "V5"})).contains("no such lead"));
    assert!(of(PERFORMED[0], DataFormat::Edf, json!({"Lead": true})).contains("Lead"));
    assert!(of(PERFORMED[0], DataFormat::Edf, json!({"Lead": -1})).contains("Lead"));
    assert!(of(PERFORMED[3], DataFormat::Edf, json!({"SegmentMinutes": 90})).contains("segment length"));
    assert!(of(PERFORMED[3], DataFormat::Edf, json!({"SegmentMinutes": "5"})).contains("SegmentMinutes"));
    assert!(of(PERFORMED[4], DataFormat::Edf, json!({"WindowMinutes": 1})).contains("1 windows"));
    assert!(of(PERFORMED[5], DataFormat::Edf, json!({})).contains("128"));
    assert!(of(Operation::BrainStateClassification, DataFormat::Edf, json!({})).contains("does not perform"));
}

/// Beats of a heart that goes from one rate to another, evenly.
fn events(from_bpm: f64, to_bpm: f64, duration_seconds: f64) -> EventDetection {
    let mut times = vec![0.0];
    let mut at: f64 = 0.0;
    while at < duration_seconds {
        let bpm = from_bpm + (to_bpm - from_bpm) * at / duration_seconds;
        // A little variation, so that no deviation is 0: it repeats every five beats.
        at += 60.0 / bpm + 0.01 * ((times.len() % 5) as f64 - 2.0);
        times.push(at);
    }
    times.pop();
    EventDetection {
        processing_type: "PhysiologicalEventDetection",
        event_type: "QRS",
        method: "",
        source: "",
        lead: String::new(),
        sampling_rate_hz: 250.0,
        duration_seconds,
        calibrated: true,
        missing_sample_count: 0,
        event_count: times.len(),
        event_times_seconds: times,
    }
}

#[test]
fn a_rate_that_rises_by_ten_an_hour_is_measured_so() {
    let found = monitor(&events(60.0, 80.0, 7200.0), 5.0).unwrap();
    assert_eq!((found.windows.len(), found.heart_rate.direction), (24, Direction::Rising));
    println!("slope {:.4} beats per minute per hour, p {:.2e}", found.heart_rate.slope, found.heart_rate.p_value);
    assert!((found.heart_rate.slope - 10.0).abs() < 0.05);
    assert_eq!(found.heart_rate.mann_kendall_s, 24 * 23 / 2);
    let even = monitor(&events(70.0, 70.0, 7200.0), 5.0).unwrap();
    assert!(even.heart_rate.slope.abs() < 0.01, "{:?}", even.heart_rate);
    let falling = monitor(&events(90.0, 60.0, 3600.0), 2.0).unwrap();
    assert_eq!(falling.heart_rate.direction, Direction::Falling);
    let short = monitor(&events(70.0, 70.0, 1200.0), 5.0);
    assert!(matches!(short, Err(EcgError::TooFewWindows { found: 4, minimum: 5 })));
}

#[test]
fn a_profile_is_the_sum_of_its_segments() {
    let found = characterise(&events(60.0, 80.0, 3600.0), 5.0).unwrap();
    assert_eq!(found.segments.len(), 12);
    assert_eq!(found.segments.iter().map(|s| s.beat_count).sum::<usize>(), found.whole.interval_count + 1);
    assert_eq!(found.histogram.iter().map(|b| b.interval_count).sum::<usize>(), found.whole.interval_count);
    let rates = found.segments.iter().filter_map(|s| Some(s.parameters.as_ref()?.mean_heart_rate_beats_per_minute));
    assert!(rates.collect::<Vec<_>>().is_sorted());
    // The plot's area splits the variance: SD1² + SD2² = 2 SDNN² but for the two ends of the row.
    let (sd1, sd2) = (found.poincare.sd1_ms, found.poincare.sd2_ms);
    assert!(((sd1 * sd1 + sd2 * sd2) / (2.0 * found.whole.sdnn_ms.powi(2)) - 1.0).abs() < 0.01);
}

#[test]
fn observations_carry_units_and_the_time_of_day() {
    let payload = edf(300.0);
    let (parameters, attachments) = (Map::new(), BTreeMap::new());
    let (operation, format) = (Operation::AnomalyAndRiskAlerting, DataFormat::EdfPlus);
    let input = Input { operation, format, parameters: &parameters, payload: &payload, attachments: &attachments };
    let seen = observe(&input).unwrap();
    assert_eq!(seen.series.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["RRInterval", "HeartRate"]);
    for series in &seen.series {
        let context = series.context.as_ref().unwrap();
        assert!(series.at_seconds.len() == series.values.len() && context.len() == series.values.len());
        // The night of this module begins at 22:00, three minutes into the recording.
        for (at, word) in series.at_seconds.iter().zip(context) {
            assert_eq!(word, if *at < 180.0 { "day" } else { "night" });
        }
    }
    let product = seen.series[0].values[9] * seen.series[1].values[9];
    assert!((product - 60.0).abs() < 1e-9);
    for name in
        ["MeanHeartRate", "SDNN", "RMSSD", "PNN50", "EctopicIntervals", "FibrillationLikeSegments", "LongestRRInterval"]
    {
        assert!(seen.values.iter().any(|v| v.name == name), "{name}");
    }
    assert!(observe(&Input { payload: b"", ..input }).is_err());
}

/// Beats at 100 Hz for a time, and then a line without any.
fn stopped(beats_s: f64, still_s: usize, start: time::PrimitiveDateTime) -> Vec<u8> {
    let made = SyntheticEcg { duration_s: beats_s, sampling_rate_hz: 100.0, ..SyntheticEcg::default() };
    let mut samples_mv = made.generate().unwrap().samples_mv;
    samples_mv.extend(std::iter::repeat_n(0.0, still_s * 100));
    written(&samples_mv, start)
}

fn written(samples_mv: &[f32], start: time::PrimitiveDateTime) -> Vec<u8> {
    let contents =
        EdfContents { start, sampling_rate_hz: 100, label: "ECG II", samples_mv, beat_times_s: &[], beat_text: "N" };
    let mut file = Vec::new();
    write(&contents, &mut file).unwrap();
    file
}

/// What is seen in a recording, and the colours of what the rules of the program find in that, by rule.
fn judged(payload: &[u8]) -> (crate::aims::ai_modules::observations::Observations, Vec<(String, String)>) {
    use crate::aims::anomaly_and_risk::{judge::judge, rules::Rules};
    let (parameters, attachments) = (Map::new(), BTreeMap::new());
    let (operation, format) = (Operation::AnomalyAndRiskAlerting, DataFormat::EdfPlus);
    let seen = observe(&Input { operation, format, parameters: &parameters, payload, attachments: &attachments });
    let seen = seen.unwrap();
    let findings = judge(&Rules::load().unwrap(), &seen, None);
    let findings = findings.into_iter().map(|found| {
        let rule = found.rule.split('@').next().unwrap_or_default().to_owned();
        (rule, format!("{:?}", found.risk))
    });
    (seen, findings.collect())
}

fn longest(seen: &crate::aims::ai_modules::observations::Observations) -> f64 {
    seen.values.iter().find(|v| v.name == "LongestRRInterval").unwrap().value
}

#[test]
fn a_heart_that_stops_and_stays_still_is_told_in_red() {
    let start = datetime!(2024-05-02 12:00:00);
    let red = ("long-interval".to_owned(), "Red".to_owned());
    let (seen, findings) = judged(&stopped(30.0, 600, start));
    assert!((longest(&seen) - 600.0).abs() < 3.0, "{}", longest(&seen));
    assert!(findings.contains(&red), "{findings:?}");
    // Without one beat.
    let (seen, findings) = judged(&written(&[0.0; 60_000], start));
    assert_eq!(longest(&seen), 600.0);
    assert!(findings.contains(&red), "{findings:?}");
    // One that goes on is not told of.
    let (_, findings) = judged(&stopped(60.0, 0, start));
    assert!(!findings.iter().any(|(rule, _)| rule == "long-interval" || rule == "pause"), "{findings:?}");
}

#[test]
fn a_pause_within_a_recording_is_told_by_its_length() {
    let start = datetime!(2024-05-02 12:00:00);
    let beats = SyntheticEcg { duration_s: 60.0, sampling_rate_hz: 100.0, ..SyntheticEcg::default() };
    let beats = beats.generate().unwrap().samples_mv;
    for (pause_s, risk) in [(10, "Red"), (4, "Orange")] {
        let still = vec![0.0; pause_s * 100];
        let (seen, findings) = judged(&written(&[&beats[..], &still, &beats].concat(), start));
        assert!(findings.contains(&("pause".to_owned(), risk.to_owned())), "{pause_s} s: {findings:?}");
        let (intervals, rates) = (&seen.series[0], &seen.series[1]);
        assert!(intervals.values.iter().any(|interval| *interval >= pause_s as f64));
        assert!(rates.values.iter().all(|rate| *rate >= 20.0), "a pause is no heart rate");
        assert_eq!(intervals.values.len(), rates.values.len() + 1);
    }
}

/// The date that our own de-identification, and EDF, write for "not known" says nothing of day and night.
#[test]
fn a_recording_without_its_date_has_no_night() {
    let known = judged(&stopped(60.0, 0, datetime!(1985-01-02 00:00:00))).0;
    assert!(known.series.iter().all(|series| series.context.is_some()));
    let unknown = judged(&stopped(60.0, 0, datetime!(1985-01-01 00:00:00))).0;
    assert!(unknown.series.iter().all(|series| series.context.is_none()));
}
