//! An ECG of six minutes with known beats, at 128 samples a second.

use std::sync::LazyLock;

use health_back_end::{
    aims::aih_data_processing::ecg::{
        edf_writer::{self, EdfContents},
        score::BeatScore,
        synthetic::{SyntheticEcg, SyntheticRecording},
    },
    domain::operation::Operation,
    schema::wire::DataFormat,
};
use serde_json::{Value, json};
use time::macros::datetime;

use super::{
    edf,
    samples::{Sample, near, number},
};

const RATE_HZ: u32 = 128;
const SECONDS: f64 = 360.0;

static MADE: LazyLock<SyntheticRecording> = LazyLock::new(|| {
    let made = SyntheticEcg { duration_s: SECONDS, sampling_rate_hz: f64::from(RATE_HZ), ..SyntheticEcg::default() };
    made.generate().unwrap()
});

pub fn sample(format: DataFormat) -> Sample {
    Sample { parameters, ..Sample::new(bytes(format), check) }
}

pub fn bytes(format: DataFormat) -> Vec<u8> {
    match format {
        DataFormat::Wfdb => wfdb(&MADE.samples_mv, RATE_HZ),
        other => edf::from_edf_plus(&edf_plus("ECG II"), other),
    }
}

pub fn edf_plus(label: &str) -> Vec<u8> {
    let contents = EdfContents {
        start: datetime!(2026-01-01 08:00),
        sampling_rate_hz: RATE_HZ,
        label,
        samples_mv: &MADE.samples_mv,
        beat_times_s: &MADE.beat_times_s,
        beat_text: "N",
    };
    let mut bytes = Vec::new();
    edf_writer::write(&contents, &mut bytes).unwrap();
    bytes
}

/// A WFDB record of format 16 in an archive.
pub fn wfdb(samples_mv: &[f32], rate_hz: u32) -> Vec<u8> {
    let values: Vec<i16> = samples_mv.iter().map(|mv| (mv * 200.0) as i16).collect();
    let signal: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let checksum = values.iter().fold(0_i16, |sum, value| sum.wrapping_add(*value));
    let count = values.len();
    let header = format!("rec 1 {rate_hz} {count}\nrec.dat 16 200(0)/mV 12 0 {} {checksum} 0 II\n", values[0]);
    archive(&[("rec.hea", header.as_bytes()), ("rec.dat", &signal)])
}

pub fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, contents) in files {
        let mut entry = tar::Header::new_ustar();
        entry.set_size(contents.len() as u64);
        entry.set_mode(0o644);
        archive.append_data(&mut entry, name, *contents).unwrap();
    }
    archive.into_inner().unwrap()
}

fn parameters(operation: Operation) -> Value {
    match operation {
        // Five windows make a trend.
        Operation::PhysiologicalTrendMonitoring => json!({"WindowMinutes": 1}),
        Operation::PhysiologicalProfileCharacterisation => json!({"SegmentMinutes": 2}),
        _ => json!({}),
    }
}

/// Beats a minute, from the true times.
fn true_rate() -> f64 {
    let times = &MADE.beat_times_s;
    60.0 * (times.len() - 1) as f64 / (times[times.len() - 1] - times[0])
}

fn check(operation: Operation, result: &Value) {
    match operation {
        Operation::PhysiologicalEventDetection => {
            let times = result["EventTimesSeconds"].as_array().unwrap();
            let found: Vec<f64> = times.iter().map(|time| time.as_f64().unwrap()).collect();
            let score = BeatScore::of(&MADE.beat_times_s, &found, 0.150).f1();
            assert!(score > 0.99, "{score}");
        }
        Operation::PhysiologicalParameterQuantification => {
            near(result, "/MeanHeartRateBeatsPerMinute", true_rate(), 0.5);
        }
        Operation::PhysiologicalStateClassification => {
            near(result, "/MeanHeartRateBeatsPerMinute", true_rate(), 0.5);
            assert_eq!(
                (&result["RateState"], &result["Regularity"]),
                (&json!("Normal"), &json!("Regular")),
                "{result}"
            );
        }
        Operation::PhysiologicalProfileCharacterisation => {
            near(result, "/Whole/MeanHeartRateBeatsPerMinute", true_rate(), 0.5);
            assert_eq!(result["Segments"].as_array().unwrap().len(), 3, "{result}");
        }
        Operation::PhysiologicalTrendMonitoring => {
            assert_eq!(result["Windows"].as_array().unwrap().len(), 6);
            let mean: f64 =
                (0..6).map(|n| number(result, &format!("/Windows/{n}/HeartRateBeatsPerMinute"))).sum::<f64>() / 6.0;
            assert!((mean - true_rate()).abs() < 1.0, "{mean}");
        }
        Operation::PhysiologicalRiskPrediction => {
            assert_eq!(number(result, "/SuggestivePercent"), 0.0, "a sinus rhythm is none of fibrillation");
            assert!(!result["Segments"].as_array().unwrap().is_empty());
        }
        other => panic!("what is true of an ECG under {other} is not known here"),
    }
}
