//! A thousand identifiers planted across the formats, sent through the street door, and none of them in what comes out:
//! neither in the copies nor in what is said about them.

use health_back_end::{
    aims::aih_data_processing::ecg::{
        edf_writer::{self, EdfContents},
        synthetic::SyntheticEcg,
    },
    domain::ids::AihDataId,
};
use serde_json::{Value, json};
use time::macros::datetime;

use super::cohort::{copy_of, parcel, payload, request, treat, wish};
use crate::{
    environment::{
        PATIENT,
        house::{Client, House},
    },
    items::paper::new_item,
};

/// Identifiers given out so far, each unlike anything else in the files.
#[derive(Default)]
struct Garden {
    planted: Vec<String>,
}

impl Garden {
    fn plant(&mut self, identifier: String) -> String {
        self.planted.push(identifier.clone());
        identifier
    }

    /// A number of five letters, as words have it.
    fn letters(&self) -> String {
        let mut n = self.planted.len() + 1_000;
        let mut text = String::new();
        for _ in 0..5 {
            text.push(char::from(b'a' + (n % 26) as u8));
            n /= 26;
        }
        text
    }

    fn name(&mut self) -> String {
        let name = format!("Zwq{} Vrk{}", self.letters(), self.letters());
        self.plant(name)
    }

    fn word(&mut self) -> String {
        let word = format!("Ykz{}", self.letters());
        self.plant(word)
    }

    fn record(&mut self) -> String {
        let record = format!("MRN83{:05}", self.planted.len());
        self.plant(record)
    }

    fn mail(&mut self) -> String {
        let mail = format!("{}.xq@planted.example", self.letters());
        self.plant(mail)
    }

    fn telephone(&mut self) -> String {
        let number = format!("+44 20 7946 {:05}", self.planted.len());
        self.plant(number)
    }

    /// How many stand in some bytes, in whatever case.
    fn found(&self, bytes: &[u8]) -> Vec<&str> {
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        self.planted.iter().map(String::as_str).filter(|planted| text.contains(&planted.to_lowercase())).collect()
    }
}

fn table(garden: &mut Garden, rows: usize, delimiter: char) -> Vec<u8> {
    let mut lines = vec!["record,full_name,mail,telephone,age,sex,finding".to_owned()];
    for n in 0..rows {
        let (record, name, mail, telephone) = (garden.record(), garden.name(), garden.mail(), garden.telephone());
        let (sex, finding) = (["f", "m"][n % 2], ["asthma", "migraine", "gout"][n % 3]);
        lines.push(format!("{record},{name},{mail},{telephone},{},{sex},{finding}", 30 + n % 20));
    }
    (lines.join("\n") + "\n").replace(',', &delimiter.to_string()).into_bytes()
}

fn recording(garden: &mut Garden) -> Vec<u8> {
    let made = SyntheticEcg { duration_s: 20.0, ..SyntheticEcg::default() }.generate().unwrap();
    let note = format!("seen by {}", garden.word());
    let contents = EdfContents {
        start: datetime!(2026-01-01 08:00),
        sampling_rate_hz: 250,
        label: "ECG II",
        samples_mv: &made.samples_mv,
        beat_times_s: &[1.0, 2.0, 3.0],
        beat_text: &note,
    };
    let mut bytes = Vec::new();
    edf_writer::write(&contents, &mut bytes).unwrap();
    let patient = format!("{} F 02-MAY-1951 {}", garden.record(), garden.word());
    let session = format!("Startdate 01-JAN-2026 {} {} {}", garden.record(), garden.word(), garden.word());
    for (at, text) in [(8, patient), (88, session)] {
        assert!(text.len() <= 80, "{text}");
        bytes[at..at + 80].copy_from_slice(format!("{text:<80}").as_bytes());
    }
    bytes
}

fn archive(garden: &mut Garden) -> Vec<u8> {
    let made = SyntheticEcg { duration_s: 20.0, ..SyntheticEcg::default() }.generate().unwrap();
    let values: Vec<i16> = made.samples_mv.iter().map(|mv| (mv * 200.0) as i16).collect();
    let signal: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let checksum = values.iter().fold(0_i16, |sum, value| sum.wrapping_add(*value));
    let name = garden.record();
    let mut header = format!(
        "{name} 1 250 {} 08:00:00 01/01/2026\n{name}.dat 16 200(0)/mV 12 0 {} {checksum} 0 {}\n",
        values.len(),
        values[0],
        garden.word(),
    );
    for _ in 0..60 {
        header.push_str(&format!("# {} saw {}\n", garden.name(), garden.record()));
    }
    let mut archive = tar::Builder::new(Vec::new());
    for (extension, contents) in [("hea", header.as_bytes()), ("dat", &signal)] {
        let mut entry = tar::Header::new_ustar();
        entry.set_size(contents.len() as u64);
        entry.set_mode(0o644);
        entry.set_username(&garden.word()).unwrap();
        archive.append_data(&mut entry, format!("{name}.{extension}"), contents).unwrap();
    }
    archive.into_inner().unwrap()
}

fn variants(garden: &mut Garden) -> Vec<u8> {
    let mut text = "##fileformat=VCFv4.3\n##contig=<ID=1>\n".to_owned();
    for _ in 0..40 {
        text.push_str(&format!("##{}={} by {}\n", garden.word(), garden.mail(), garden.name()));
    }
    text.push_str("##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n");
    text.push_str(&format!("##INFO=<ID=NOTE,Number=1,Type=String,Description=\"{}\">\n", garden.name()));
    let samples: Vec<String> = (0..80).map(|_| garden.record()).collect();
    text.push_str(&format!("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{}\n", samples.join("\t")));
    for n in 0..10 {
        let line = format!("1\t{}\t{}\tA\tG\t50\tPASS\tNOTE={}\tGT", 1_000 + n, garden.word(), garden.word());
        text.push_str(&format!("{line}{}\n", "\t0/1".repeat(samples.len())));
    }
    text.into_bytes()
}

/// Uploads, treats, and reads everything there is to read about the copy.
async fn through_the_door(
    house: &House,
    patient: &Client,
    class: &str,
    format: &str,
    bytes: Vec<u8>,
    parameters: Value,
) -> Vec<u8> {
    let item = new_item();
    let mut wish = wish(item, &["DeIDAndAnonym"]);
    wish.data_class = class.to_owned();
    let parcel = parcel(patient, &house.chain.deployment.back_end(), &wish, format, bytes);
    parcel.send_in_parts(patient).await.expect(201);
    let message = request(patient, item, "De-Identify", parameters);
    let answer = treat(patient, &message).await;
    assert_eq!(answer.status, 200, "{format}: {}", String::from_utf8_lossy(&answer.bytes));
    let copy: AihDataId = copy_of(&answer);
    let read = payload(patient, copy).await;
    let described = patient.get(&format!("/v1/aih-data/{copy}")).await;
    let report = patient.get(&format!("/v1/aih-data/{copy}/de-identification")).await;
    assert!(!read.expect(200).bytes.is_empty());
    offered_techniques_only(&report.expect(200).body["Report"]);
    [answer.bytes, read.bytes, described.expect(200).bytes.clone(), report.bytes].concat()
}

/// A step names no technique that the algorithm does not declare.
fn offered_techniques_only(report: &Value) {
    use health_back_end::aims::de_identification::techniques::{ALGORITHMS, word_of};
    let name = report["DeIDAndAnonymAlgoID"].as_str().unwrap();
    let algorithm = ALGORITHMS.iter().find(|algorithm| algorithm.name == name).unwrap();
    let offered: Vec<String> = algorithm.techniques.iter().map(|technique| word_of(*technique)).collect();
    for step in report["Steps"].as_array().unwrap() {
        assert!(offered.iter().any(|word| step["Technique"] == word.as_str()), "{name}: {step}");
    }
}

#[tokio::test]
async fn of_a_thousand_planted_identifiers_none_is_found() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let mut garden = Garden::default();
    let roles = json!({
        "PersonColumn": "record", "Identifiers": ["full_name", "mail", "telephone"], "KeptColumns": ["age", "sex", "finding"],
    });
    let files = [
        ("ClinicalRecord", "CSV", table(&mut garden, 140, ','), roles.clone()),
        ("BehaviouralSignal", "TSV", table(&mut garden, 30, '\t'), roles),
        ("PhysiologicalSignal", "EDF+", recording(&mut garden), json!({})),
        ("PhysiologicalSignal", "WFDB", archive(&mut garden), json!({})),
        ("Omics", "VCF", variants(&mut garden), json!({})),
    ];
    assert!(garden.planted.len() >= 1_000, "{}", garden.planted.len());
    let mut planted = 0;
    for (_, format, bytes, _) in &files {
        let here = garden.found(bytes).len();
        assert!(here > 0, "nothing was planted in {format}");
        planted += here;
    }
    assert!(planted >= 1_000, "{planted} stand in the files");
    for (class, format, bytes, parameters) in files {
        let seen = through_the_door(&house, &patient, class, format, bytes, parameters).await;
        assert_eq!(garden.found(&seen), Vec::<&str>::new(), "{format}");
    }
    println!("{planted} identifiers planted, 0 found");
    house.stop().await;
}
