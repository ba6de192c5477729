//! Recordings that are none: the job ends with a clear text, and nothing else suffers.

use health_back_end::{
    aims::aih_data_processing::ecg::{
        edf_writer::{self, EdfContents},
        synthetic::SyntheticEcg,
    },
    front_end::recording::Recording,
};
use serde_json::json;
use time::macros::datetime;

use super::{
    every_class::ecg,
    paper::{self, PARAMETERS, process, request},
};
use crate::environment::{house::Answer, scene::Scene};

/// Uploads and asks for heart-rate parameters.
async fn ask(scene: &Scene, format: &str, bytes: Vec<u8>) -> Answer {
    let qualifier = json!({"DataClass": "PhysiologicalSignal", "Format": format});
    let recording = Recording { description: String::new(), qualifier, bytes, true_beats: None };
    let parcel = paper::parcel(&scene.patient, &scene.back_end(), &recording);
    parcel.send_in_parts(&scene.patient).await.expect(201);
    process(&scene.institute, &request(&scene.institute, parcel.id, PARAMETERS, "Research")).await
}

async fn refused(scene: &Scene, format: &str, bytes: Vec<u8>, says: &str) {
    ask(scene, format, bytes).await.unprocessable(says);
}

fn edf(label: &str, seconds: usize) -> Vec<u8> {
    let made = SyntheticEcg { duration_s: 20.0, ..SyntheticEcg::default() }.generate().unwrap();
    let contents = EdfContents {
        start: datetime!(2026-01-01 08:00),
        sampling_rate_hz: 250,
        label,
        samples_mv: &made.samples_mv[..seconds * 250],
        beat_times_s: &[],
        beat_text: "N",
    };
    let mut bytes = Vec::new();
    edf_writer::write(&contents, &mut bytes).unwrap();
    bytes
}

/// A WFDB record of 20 s as a tar archive; `samples` as the header claims, `kept` as there are.
fn wfdb(format: u32, samples: usize, kept: usize) -> Vec<u8> {
    let made = SyntheticEcg { duration_s: 20.0, ..SyntheticEcg::default() }.generate().unwrap();
    let values: Vec<i16> = made.samples_mv.iter().take(samples).map(|mv| (mv * 200.0) as i16).collect();
    let signal: Vec<u8> = match format {
        212 => values
            .chunks(2)
            .flat_map(|pair| {
                let (a, b) = (pair[0] as u16 & 0xfff, pair[1] as u16 & 0xfff);
                [a as u8, ((a >> 8) | ((b >> 8) << 4)) as u8, b as u8]
            })
            .collect(),
        _ => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    };
    let checksum = values.iter().fold(0_i16, |sum, value| sum.wrapping_add(*value));
    let kept = kept.min(signal.len());
    let header = format!("rec 1 250 {samples}\nrec.dat {format} 200(0)/mV 12 0 {} {checksum} 0 II\n", values[0]);
    ecg::archive(&[("rec.hea", header.as_bytes()), ("rec.dat", &signal[..kept])])
}

#[tokio::test]
async fn truncated_recordings_of_every_format_are_refused_in_words() {
    let scene = Scene::set().await;
    let whole = edf("ECG II", 20);
    for format in ["EDF", "EDF+"] {
        refused(&scene, format, whole[..whole.len() / 2].to_vec(), "ends early").await;
        refused(&scene, format, whole[..100].to_vec(), "").await;
        refused(&scene, format, [&whole[..], &[0; 100]].concat(), "header describes only").await;
    }
    for format in [16, 212] {
        refused(&scene, "WFDB", wfdb(format, 5_000, 1_000), "ends early").await;
        let archive = wfdb(format, 5_000, usize::MAX);
        refused(&scene, "WFDB", archive[..archive.len() / 2].to_vec(), "").await;
    }
    refused(&scene, "WFDB", Vec::new(), "").await;
    refused(&scene, "EDF", b"0       ".to_vec(), "").await;
    refused(&scene, "EDF", b"\x89PNG\r\n\x1a\n and so on".to_vec(), "neither an EDF file nor").await;
    scene.house.stop().await;
}

#[tokio::test]
async fn what_is_no_electrocardiogram_is_not_taken_for_one() {
    let scene = Scene::set().await;
    refused(&scene, "EDF+", edf("EEG Fpz-Cz", 20), "is an ECG by its name").await;
    refused(&scene, "EDF+", edf("ECG II", 2), "are too short").await;
    // Formats no module here reads, whatever the bytes are.
    refused(&scene, "CSV", edf("ECG II", 20), "no AIM in the Store").await;
    // The house goes on; the same writers' whole recordings are read.
    ask(&scene, "EDF+", edf("ECG II", 20)).await.expect(200);
    for format in [16, 212] {
        ask(&scene, "WFDB", wfdb(format, 5_000, usize::MAX)).await.expect(200);
    }
    scene.house.stop().await;
}
