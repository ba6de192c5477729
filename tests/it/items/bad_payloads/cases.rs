//! The payloads, each made from a good one by one fault.

use DataFormat::{Bdf, BdfPlus, Csv, Dicom, Edf, EdfPlus, Fhir, Json, Ndjson, Vcf, Wfdb};
use health_back_end::{domain::taxonomy::DataClass, schema::wire::DataFormat};
use serde_json::{Value, json};

use crate::items::every_class::{behaviour, ecg, eeg, images, records, variants};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    Truncated,
    Oversized,
    LyingLengths,
    WrongClass,
    MixedPatients,
    Empty,
}

impl Trouble {
    pub const ALL: [Self; 6] =
        [Self::Truncated, Self::Oversized, Self::LyingLengths, Self::WrongClass, Self::MixedPatients, Self::Empty];
}

/// A bad payload, and a part of what is said of it.
pub struct Bad {
    pub format: DataFormat,
    pub trouble: Trouble,
    pub bytes: Vec<u8>,
    pub says: &'static str,
}

/// Entries of a JSON list that together take more memory than a child has, in the bytes of a middling upload.
const MANY: usize = 35_000_000;

pub fn of(class: DataClass) -> Vec<Bad> {
    match class {
        DataClass::PhysiologicalSignal => electrocardiograms(),
        DataClass::NeurophysiologicalSignal => electroencephalograms(),
        DataClass::MedicalImaging => of_images(),
        DataClass::ClinicalRecord => of_records(),
        DataClass::Omics => of_variants(),
        DataClass::BehaviouralSignal => of_behaviour(),
    }
}

fn bad(format: DataFormat, trouble: Trouble, bytes: impl Into<Vec<u8>>, says: &'static str) -> Bad {
    Bad { format, trouble, bytes: bytes.into(), says }
}

/// A file of the EDF family with each fault its header can carry.
fn of_family(format: DataFormat, good: &[u8], of_another_class: Vec<u8>, says: &'static str) -> Vec<Bad> {
    let with = |at: usize, text: &str| {
        let mut bytes = good.to_vec();
        bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
        bytes
    };
    vec![
        bad(format, Trouble::Truncated, &good[..good.len() - 700], "ends early"),
        bad(format, Trouble::Truncated, &good[..200], "ends early"),
        // More channels than are accepted.
        bad(format, Trouble::Oversized, with(252, "9999"), "at most"),
        bad(format, Trouble::LyingLengths, with(236, "99999999"), "ends early"),
        bad(format, Trouble::LyingLengths, with(236, "3       "), "header describes only"),
        bad(format, Trouble::WrongClass, of_another_class, says),
        bad(format, Trouble::Empty, [], ""),
    ]
}

fn electrocardiograms() -> Vec<Bad> {
    let mut cases = Vec::new();
    for format in [Edf, EdfPlus, Bdf, BdfPlus] {
        cases.extend(of_family(format, &ecg::bytes(format), eeg::bytes(format), "is an ECG by its name"));
    }
    let good = ecg::bytes(Wfdb);
    let header = |text: &str| ecg::archive(&[("rec.hea", text.as_bytes()), ("rec.dat", &[0; 2_000])]);
    let signal = "rec.dat 16 200(0)/mV 12 0 0 0 0 II\n";
    let many: Vec<(String, &[u8])> = (0..65).map(|n| (format!("{n}.dat"), &b"x"[..])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    let two = [("a.hea", &b"a 1 250 1000\n"[..]), ("b.hea", b"b 1 250 1000\n"), ("a.dat", &[0; 2_000])];
    cases.extend([
        bad(Wfdb, Trouble::Truncated, &good[..good.len() / 2], ""),
        bad(Wfdb, Trouble::Truncated, &good[..600], ""),
        bad(Wfdb, Trouble::Oversized, ecg::archive(&many), "at most 64"),
        bad(Wfdb, Trouble::Oversized, header(&format!("rec 1 250 4000000000\n{signal}")), "at most"),
        bad(Wfdb, Trouble::LyingLengths, header(&format!("rec 1 250 5000\n{signal}")), "ends early"),
        bad(Wfdb, Trouble::LyingLengths, header(&format!("rec 1 250 500\n{signal}")), "header describes only"),
        bad(Wfdb, Trouble::WrongClass, eeg::bytes(Edf), "not of the format its qualifier names"),
        // Two records in one item would be two recordings, perhaps of two people.
        bad(Wfdb, Trouble::MixedPatients, ecg::archive(&two), "exactly one .hea file"),
        bad(Wfdb, Trouble::Empty, [], "neither an EDF file nor"),
    ]);
    cases
}

fn electroencephalograms() -> Vec<Bad> {
    let of = |format| of_family(format, &eeg::bytes(format), ecg::bytes(format), "is an EEG by its name");
    [Edf, EdfPlus, Bdf, BdfPlus].into_iter().flat_map(of).collect()
}

fn of_images() -> Vec<Bad> {
    let good = images::image();
    let find = |what: &[u8]| good.windows(what.len()).position(|window| window == what).unwrap();
    // Element, VR, length (2 bytes), value: Rows of 64 become 65,535, as do Columns.
    let larger = {
        let mut bytes = good.clone();
        for tag in [[0x28, 0, 0x10, 0], [0x28, 0, 0x11, 0]] {
            let at = find(&[&tag[..], b"US"].concat()) + 8;
            bytes[at..at + 2].copy_from_slice(&u16::MAX.to_le_bytes());
        }
        bytes
    };
    let pixels = find(&[0xe0, 0x7f, 0x10, 0]) + 8;
    let lying = |length: u32| {
        let mut bytes = good.clone();
        bytes[pixels..pixels + 4].copy_from_slice(&length.to_le_bytes());
        bytes
    };
    let patient = find(&[0x10, 0, 0x20, 0]);
    let mut two = good.clone();
    two.splice(patient..patient, *b"\x10\x00\x20\x00LO\x04\x00EX-2");
    vec![
        bad(Dicom, Trouble::Truncated, &good[..good.len() - 100], "ends early"),
        bad(Dicom, Trouble::Truncated, &good[..140], "ends early"),
        bad(Dicom, Trouble::Oversized, larger, "at most"),
        bad(Dicom, Trouble::LyingLengths, lying(0xffff_fff0), "describes 4294967280 bytes"),
        bad(Dicom, Trouble::LyingLengths, lying(64), ""),
        bad(Dicom, Trouble::WrongClass, variants::FILE, "not a DICOM file"),
        bad(Dicom, Trouble::MixedPatients, two, "(0010,0020)"),
        bad(Dicom, Trouble::Empty, [], "the payload is empty"),
    ]
}

fn of_records() -> Vec<Bad> {
    let mut mixed = records::resources();
    let mut foreign = records::condition("c2", "I50.9");
    foreign["subject"] = json!({"reference": "Patient/q"});
    mixed.push(foreign);
    let mut twice: Vec<Value> = records::resources();
    twice.push(twice[1].clone());
    let good = |format| records::bytes(format, &records::resources());
    let deep = format!("{{\"resourceType\":\"Patient\",\"x\":{}{}}}\n", "[".repeat(5_000), "]".repeat(5_000));
    let large = [b"{".to_vec(), vec![b' '; 65 << 20]].concat();
    let mut cases = vec![
        bad(Fhir, Trouble::Oversized, large, "bytes"),
        bad(Ndjson, Trouble::Oversized, deep.clone(), "nested deeper"),
        bad(
            Fhir,
            Trouble::LyingLengths,
            "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"total\":3,\"entry\":5}",
            "not a list",
        ),
        bad(Ndjson, Trouble::LyingLengths, good(Fhir), "not a Bundle"),
    ];
    for format in [Fhir, Ndjson] {
        let whole = good(format);
        cases.extend([
            bad(format, Trouble::Truncated, &whole[..whole.len() / 2], ""),
            bad(format, Trouble::Oversized, deep.clone(), "nested deeper"),
            bad(format, Trouble::LyingLengths, records::bytes(format, &twice), "mixed versions"),
            bad(format, Trouble::WrongClass, behaviour::write(Csv, &behaviour::one_day_of_steps()), ""),
            bad(format, Trouble::MixedPatients, records::bytes(format, &mixed), "mixed patients"),
            bad(format, Trouble::Empty, [], "empty"),
        ]);
    }
    cases
}

fn of_variants() -> Vec<Bad> {
    let good = variants::of_one();
    let mut long = good.as_bytes().to_vec();
    long.resize(long.len() + (17 << 20), b'A');
    long.push(b'\n');
    vec![
        bad(Vcf, Trouble::Truncated, &good.as_bytes()[..good.len() - 5], "ends early"),
        bad(Vcf, Trouble::Truncated, &b"\x1f\x8b\x08\x04 and no more"[..], "the end mark of bgzip is missing"),
        bad(Vcf, Trouble::Oversized, long, "more than the 16777216"),
        bad(Vcf, Trouble::LyingLengths, good.replacen("GT\t0/0\n", "GT\n", 1), "fewer columns than the format needs"),
        bad(Vcf, Trouble::LyingLengths, good.replacen("GT\t0/1", "GT\t0/7", 1), "an allele the record does not have"),
        bad(Vcf, Trouble::WrongClass, images::image(), "not a VCF 4 file"),
        bad(Vcf, Trouble::MixedPatients, variants::FILE, "holds the genotypes of 3 people"),
        bad(Vcf, Trouble::Empty, [], "the payload is empty"),
    ]
}

fn of_behaviour() -> Vec<Bad> {
    let day = behaviour::one_day_of_steps();
    let mut cases = Vec::new();
    for format in [Csv, Json] {
        let good = behaviour::write(format, &day);
        let mut far = day.clone();
        far.push((far[0].0 + 801 * 864_000, vec![1.0]));
        // Seconds that are no second after the one before.
        let mut back = day.clone();
        back.push(day[0].clone());
        cases.extend([
            bad(format, Trouble::Truncated, &good[..good.len() - 3], if format == Csv { "ends early" } else { "JSON" }),
            bad(format, Trouble::Oversized, behaviour::write(format, &far), "more than 800 days"),
            bad(format, Trouble::LyingLengths, behaviour::write(format, &back), "not a second or more after"),
            bad(format, Trouble::WrongClass, records::bytes(Fhir, &records::resources()), ""),
            bad(format, Trouble::Empty, [], "the payload is empty"),
        ]);
    }
    let two =
        [json!({"timestamp": 0, "steps": 5, "subject": "a"}), json!({"timestamp": 60, "steps": 5, "subject": "b"})];
    let many = [&b"["[..], &b"0,".repeat(MANY)[..], b"0]"].concat();
    cases.extend([
        bad(Csv, Trouble::LyingLengths, "timestamp,steps\n0,5,6\n60,5\n", "one field for each column"),
        bad(Csv, Trouble::MixedPatients, "timestamp,steps,subject\n0,5,a\n60,5,b\n", "more than one person"),
        bad(Json, Trouble::MixedPatients, json!(two).to_string(), "more than one person"),
        // A list that no child has the memory for: the child dies, and nothing else does.
        bad(Json, Trouble::Oversized, many, "exceeds the limits of memory or time, or crashes the AI Module"),
    ]);
    cases
}
