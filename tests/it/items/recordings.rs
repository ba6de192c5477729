//! Recordings that are none: the job ends with a clear text, and nothing else suffers.

use health_back_end::{
    aims::aih_data_processing::ecg::{
        edf_writer::{self, EdfContents},
        synthetic::SyntheticEcg,
    },
    domain::taxonomy::UserClass,
    front_end::recording::Recording,
};
use serde_json::json;
use time::macros::datetime;

use super::paper::{self, PARAMETERS, process, request};
use crate::environment::{
    INSTITUTE, PATIENT,
    house::{Answer, Client, House},
};

struct Scene {
    house: House,
    patient: Client,
    institute: Client,
}

impl Scene {
    async fn new() -> Self {
        let house = House::start().await;
        let patient = house.end_user(PATIENT).await;
        let institute = house.third_party(INSTITUTE, UserClass::NonProfitEntity).await;
        Self { house, patient, institute }
    }

    /// Uploads and asks for heart-rate parameters.
    async fn ask(&self, format: &str, bytes: Vec<u8>) -> Answer {
        let qualifier = json!({"DataClass": "PhysiologicalSignal", "Format": format});
        let recording = Recording { description: String::new(), qualifier, bytes, true_beats: None };
        let parcel = paper::parcel(&self.patient, &self.house.chain.deployment.back_end(), &recording);
        parcel.send_in_parts(&self.patient).await.expect(201);
        process(&self.institute, &request(&self.institute, parcel.id, PARAMETERS, "Research")).await
    }

    async fn refused(&self, format: &str, bytes: Vec<u8>, says: &str) {
        let answer = self.ask(format, bytes).await;
        answer.expect(422).problem("unprocessable");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{format}, wanted “{says}”: {detail}");
    }
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
    let mut archive = tar::Builder::new(Vec::new());
    for (name, contents) in [("rec.hea", header.as_bytes()), ("rec.dat", &signal[..kept])] {
        let mut entry = tar::Header::new_ustar();
        entry.set_size(contents.len() as u64);
        entry.set_mode(0o644);
        archive.append_data(&mut entry, name, contents).unwrap();
    }
    archive.into_inner().unwrap()
}

#[tokio::test]
async fn truncated_recordings_of_every_format_are_refused_in_words() {
    let scene = Scene::new().await;
    let whole = edf("ECG II", 20);
    for format in ["EDF", "EDF+"] {
        scene.refused(format, whole[..whole.len() / 2].to_vec(), "ends early").await;
        scene.refused(format, whole[..100].to_vec(), "").await;
        scene.refused(format, [&whole[..], &[0; 100]].concat(), "header describes only").await;
    }
    for format in [16, 212] {
        scene.refused("WFDB", wfdb(format, 5_000, 1_000), "ends early").await;
        let archive = wfdb(format, 5_000, usize::MAX);
        scene.refused("WFDB", archive[..archive.len() / 2].to_vec(), "").await;
    }
    scene.refused("WFDB", Vec::new(), "").await;
    scene.refused("EDF", b"0       ".to_vec(), "").await;
    scene.refused("EDF", b"\x89PNG\r\n\x1a\n and so on".to_vec(), "neither an EDF file nor").await;
    scene.house.stop().await;
}

#[tokio::test]
async fn what_is_no_electrocardiogram_is_not_taken_for_one() {
    let scene = Scene::new().await;
    scene.refused("EDF+", edf("EEG Fpz-Cz", 20), "is an ECG by its name").await;
    scene.refused("EDF+", edf("ECG II", 2), "are too short").await;
    // Formats no module here reads, whatever the bytes are.
    scene.refused("CSV", edf("ECG II", 20), "no AIM in the Store").await;
    // The house goes on; the same writers' whole recordings are read.
    scene.ask("EDF+", edf("ECG II", 20)).await.expect(200);
    for format in [16, 212] {
        scene.ask("WFDB", wfdb(format, 5_000, usize::MAX)).await.expect(200);
    }
    scene.house.stop().await;
}
