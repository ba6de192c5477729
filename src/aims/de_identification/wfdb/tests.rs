//! Planted identifiers are gone, samples and beats are the same, damaged records are refused.

use serde_json::{Value, json};

use super::*;
use crate::aims::{
    ai_modules::pseudonyms::Pseudonyms,
    aih_data_processing::ecg::{LeadChoice, read_recording, wfdb_annotation::read_annotations},
};

/// As they turn up in comments, names and archives; each is a plain file name too.
const PLANTED: [&str; 10] = [
    "Haagse_Harry",
    "MCH-0234567",
    "02-MAY-1951",
    "Zwolleweg12",
    "31-555-0134",
    "h.harry-mail.nl",
    "BSN123456782",
    "Dr_Wijsneus",
    "10.42.7.19",
    "SN-48219-X",
];
const DATA: [u8; 1500] = [0; 1500];

/// A record as its files.
struct Record {
    name: String,
    files: Vec<(String, Vec<u8>)>,
    owner: String,
}

fn word(code: u16, value: u16) -> [u8; 2] {
    (code << 10 | value).to_le_bytes()
}

fn annotations(text: &str) -> Vec<u8> {
    let mut file = word(22, 18).to_vec();
    file.extend(word(63, text.len() as u16));
    file.extend(text.as_bytes());
    file.extend(std::iter::repeat_n(0, text.len() % 2));
    file.extend([word(1, 100), word(1, 200), word(0, 0)].concat());
    file
}

fn record(name: &str) -> Record {
    let line = |lead: &str| format!("{name}.dat 212 200(0)/mV 12 0 0 0 0 {lead}\n");
    let header = format!("{name} 2 250 500 10:20:30 02/05/2024\n{}{}", line("MLII"), line("V5"));
    let files = vec![
        (format!("{name}.hea"), header.into_bytes()),
        (format!("{name}.dat"), DATA.to_vec()),
        (format!("{name}.atr"), annotations("(AFIB")),
    ];
    Record { name: name.to_owned(), files, owner: "root".to_owned() }
}

impl Record {
    /// Changes the text of the header.
    fn header(mut self, from: &str, to: &str) -> Self {
        let text = String::from_utf8(self.files[0].1.clone()).unwrap();
        assert!(text.contains(from));
        self.files[0].1 = text.replacen(from, to, 1).into_bytes();
        self
    }

    fn tar(&self) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in &self.files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mtime(1_714_645_230);
            header.set_uid(1042);
            header.set_username(&self.owner).unwrap();
            header.set_groupname(&self.owner).unwrap();
            builder.append_data(&mut header, name, bytes.as_slice()).unwrap();
        }
        builder.into_inner().unwrap()
    }
}

fn treated(payload: &[u8], parameters: Value) -> Result<Treated, String> {
    let parameters = parameters.as_object().cloned().unwrap_or_default();
    let pseudonyms = &Pseudonyms::new([7; 32]);
    treat(&Treatment { format: DataFormat::Wfdb, parameters: &parameters, payload, pseudonyms })
}

fn holds(bytes: &[u8], planted: &str) -> bool {
    let (bytes, planted) = (bytes.to_ascii_lowercase(), planted.to_ascii_lowercase());
    bytes.windows(planted.len()).any(|window| window == planted.as_bytes())
}

fn member(tar: &[u8], extension: &str) -> Vec<u8> {
    let mut archive = WfdbArchive::open(Cursor::new(tar)).unwrap();
    let name = archive.names().find(|name| name.ends_with(extension)).unwrap().to_owned();
    let bytes = archive.size_of(&name).unwrap();
    read(&mut archive, &name, 0, bytes).unwrap()
}

/// A record with the identifier in every place, one at a time.
fn everywhere(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let with = |file: &str, bytes: Vec<u8>| {
        let mut record = record("r100");
        record.files.push((file.to_owned(), bytes));
        record.tar()
    };
    let swapped = |at: usize, bytes: Vec<u8>| {
        let mut record = record("r100");
        record.files[at].1 = bytes;
        record
    };
    let comment = |line: &str| record("r100").header("r100 2 250", &format!("{line}\nr100 2 250")).tar();
    let prolog = [text.as_bytes(), &DATA].concat();
    let offset = swapped(1, prolog).header("212 200", &format!("212+{} 200", text.len()));
    let offset = offset.header("212 200", &format!("212+{} 200", text.len()));
    let extended = {
        let body = format!(" comment={text}\n");
        let length = body.len() + 2;
        let body = format!("{length}{body}");
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::XHeader);
        header.set_size(body.len() as u64);
        header.set_path("x").unwrap();
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        builder.append(&header, body.as_bytes()).unwrap();
        let mut bytes = builder.into_inner().unwrap();
        bytes.truncate(bytes.len() - 1024);
        [bytes, record("r100").tar()].concat()
    };
    vec![
        ("a comment", comment(&format!("# {text} 69 M Aldomet"))),
        ("a later comment", record("r100").header("MLII\n", &format!("MLII\n#{text}\n")).tar()),
        ("a description", record("r100").header("MLII", text).tar()),
        ("a description behind a lead", record("r100").header("MLII", &format!("MLII of {text}")).tar()),
        ("a unit", record("r100").header("/mV", &format!("/{text}")).tar()),
        ("the counter of the record line", record("r100").header("250 500", &format!("250/{text} 500")).tar()),
        ("the date", record("r100").header("02/05/2024", text).tar()),
        ("another field of the record line", record("r100").header("02/05/2024", &format!("02/05/2024 {text}")).tar()),
        ("an annotation", swapped(2, annotations(text)).tar()),
        ("an annotation behind a rhythm", swapped(2, annotations(&format!("(AFIB {text}"))).tar()),
        ("bytes behind the annotations", swapped(2, [annotations("(N"), text.as_bytes().to_vec()].concat()).tar()),
        ("bytes before the samples", offset.tar()),
        ("bytes behind the samples", swapped(1, [&DATA, text.as_bytes()].concat()).tar()),
        ("another file", with("notes.txt", text.as_bytes().to_vec())),
        ("the name of another file", with(&format!("{text}.pdf"), b"x".to_vec())),
        ("the name of an annotator", with(&format!("r100.{text}"), annotations("(N"))),
        ("the owner of the files", Record { owner: text.to_owned(), ..record("r100") }.tar()),
        ("an extended header", extended),
        ("the record name", record(text).tar()),
        ("bytes behind the archive", [record("r100").tar(), text.as_bytes().to_vec()].concat()),
    ]
}

#[test]
fn planted_identifiers_are_gone_and_samples_are_not() {
    let (mut planted, mut found) = (0, 0);
    for text in PLANTED {
        for (place, payload) in everywhere(text) {
            assert!(holds(&payload, text), "{text} was not planted in {place}");
            planted += 1;
            let out = treated(&payload, json!({})).unwrap_or_else(|e| panic!("{place}: {e}"));
            if holds(&out.payload, text) {
                found += 1;
                println!("{text} found in {place}");
            }
            let report = format!("{:?} {:?} {:?} {:?}", out.steps, out.measures, out.residual, out.mapping);
            assert!(!holds(report.as_bytes(), text), "{text} in the report: {place}");
            assert_eq!(member(&out.payload, ".dat"), DATA, "{place}");
            assert_eq!(out.status, DataStatus::Pseudonymised);
        }
    }
    println!("WFDB: {planted} identifiers planted, {found} found");
    assert!(planted >= 150 && found == 0);
}

#[test]
fn the_record_stays_a_record() {
    let original = record("r100").tar();
    let out = treated(&original, json!({})).unwrap();
    let pseudonym = &out.mapping[0].pseudonym;
    assert_eq!((out.mapping[0].original.as_str(), record("r100").name), ("r100", "r100".to_owned()));
    let archive = WfdbArchive::open(Cursor::new(out.payload.as_slice())).unwrap();
    let names = archive.names().collect::<Vec<_>>();
    assert_eq!(names, [format!("{pseudonym}.hea"), format!("{pseudonym}.dat"), format!("{pseudonym}.atr")]);
    let read = |tar: &[u8]| read_recording(Cursor::new(tar.to_vec()), &LeadChoice::Named("V5".into())).unwrap();
    let (before, after) = (read(&original), read(&out.payload));
    assert_eq!(before.samples_mv(), after.samples_mv());
    let moved = before.start().unwrap() - after.start().unwrap();
    assert!((1..=365).contains(&moved.whole_days()) && moved.whole_seconds() % 86_400 == 0);
    let marks = read_annotations(&member(&out.payload, ".atr")[..]).unwrap();
    assert_eq!(
        marks.iter().map(|a| (a.sample, a.text.as_str())).collect::<Vec<_>>(),
        [(18, "(AFIB"), (118, ""), (318, "")]
    );
    let undated = treated(&original, json!({"DateHandling": "remove", "Annotations": "remove"})).unwrap().payload;
    assert_eq!(read(&undated).start(), None);
    assert!(!holds(&undated, "10:20:30") && !holds(&undated, "(AFIB"));
}

#[test]
fn several_signal_files_and_frames_keep_their_places() {
    let words = [1, 10, 11, 2, 12, 13_i16].iter().flat_map(|s| s.to_le_bytes()).collect::<Vec<_>>();
    let header =
        "harry 3 125 2\na.dat 16 1 16 0 1 3 0 x\na.dat 16x2 1/uV 16 0 10 46 0 ECG\nb.dat 16 1/mV 16 0 5 11 0 V5\n";
    let files = vec![
        ("harry.hea".to_owned(), header.as_bytes().to_vec()),
        ("b.dat".to_owned(), [5, 6_i16].iter().flat_map(|s| s.to_le_bytes()).collect()),
        ("a.dat".to_owned(), words),
    ];
    let original = Record { name: "harry".to_owned(), files, owner: "root".to_owned() }.tar();
    let out = treated(&original, json!({})).unwrap().payload;
    for lead in [1, 2] {
        let read = |tar: &[u8]| read_recording(Cursor::new(tar.to_vec()), &LeadChoice::Index(lead)).unwrap();
        assert_eq!(read(&original).samples_mv(), read(&out).samples_mv());
    }
    assert!(!holds(&out, "harry") && !holds(&out, "a.dat") && holds(&out, "_2.dat"));
}

#[test]
fn what_is_not_understood_is_refused() {
    let good = record("r100").tar();
    // Up to the last byte of a file; what follows pads it.
    let (data_end, marks) = (3 * 512 + 1500, 6 * 512 + 1..7 * 512 + 16);
    for end in (0..data_end).step_by(101).chain(marks.step_by(23)) {
        assert!(treated(&good[..end], json!({})).is_err(), "cut at {end}");
    }
    let refused = |record: Record| treated(&record.tar(), json!({})).unwrap_err();
    assert!(refused(record("r100").header("500 10", "501 10")).contains("ends early"));
    assert!(refused(record("r100").header("212 200", "80 200")).contains("format 80"));
    assert!(refused(record("r100").header("r100 2", "r100/2 2")).contains("multi-segment"));
    assert!(refused(record("r100").header("r100.dat", "other.dat")).contains("not in it"));
    assert!(refused(record("r100").header("212 200", "16 200")).contains("must agree"));
    let mut damaged = record("r100");
    damaged.files[2].1.truncate(6);
    assert!(refused(damaged).contains("annotation file"));
    let wrong = Treatment {
        format: DataFormat::Edf,
        parameters: &serde_json::Map::new(),
        payload: &good,
        pseudonyms: &Pseudonyms::new([7; 32]),
    };
    assert!(treat(&wrong).unwrap_err().contains("format"));
    assert!(
        treated(&good, json!({"DateHandling": 5})).is_err() && treated(&good, json!({"Annotations": "all"})).is_err()
    );
}

#[test]
fn record_100_keeps_its_beats_and_loses_its_patient() {
    let folder = std::env::var_os("HBE_SAMPLES").map(std::path::PathBuf::from).filter(|p| p.is_dir());
    let Some(folder) = folder else {
        eprintln!("SKIPPED record_100_keeps_its_beats: HBE_SAMPLES names no folder with the sample recordings");
        return;
    };
    let file = |name: &str| (name.to_owned(), std::fs::read(folder.join("ecg").join(name)).unwrap());
    let files = vec![file("100.hea"), file("100.dat"), file("100.atr")];
    let original = Record { name: "100".to_owned(), files, owner: "root".to_owned() };
    let tar = original.tar();
    let out = treated(&tar, json!({})).unwrap();
    for gone in ["Aldomet", "Inderal", "69 M", "100.dat", "100.hea"] {
        assert!(!holds(&out.payload, gone), "{gone}");
    }
    assert_eq!(member(&out.payload, ".dat"), original.files[1].1);
    let marks = |file: &[u8]| {
        let read = read_annotations(file).unwrap();
        read.into_iter().map(|a| (a.sample, a.code, a.text)).collect::<Vec<_>>()
    };
    assert_eq!(marks(&member(&out.payload, ".atr")), marks(&original.files[2].1));
    // The samples still match the checksum in the header.
    let read = read_recording(Cursor::new(out.payload), &LeadChoice::FirstEcg).unwrap();
    assert_eq!((read.lead(), read.samples_mv().len()), ("MLII", 650_000));
    println!("record 100: {:?}", out.steps);
}
