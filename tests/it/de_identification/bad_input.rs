//! Files that are wrong, format by format: cut short, lying about themselves, empty, of several people, too large. Each is
//! refused with words, nothing is kept, and the item is as it was.

use health_back_end::domain::ids::AihDataId;
use serde_json::{Value, json};

use super::{
    cohort::{parcel, payload, people, request, treat, under_pseudonyms, wish},
    files::{self, Garden},
};
use crate::{
    environment::{
        PATIENT,
        house::{Client, House},
    },
    items::paper::new_item,
};

/// A wrong file, and what is said of it.
struct Bad {
    what: &'static str,
    bytes: Vec<u8>,
    says: &'static str,
}

/// The wrong files of one format.
struct Format {
    class: &'static str,
    format: &'static str,
    kind: &'static str,
    algorithm: &'static str,
    parameters: Value,
    files: Vec<Bad>,
}

impl Format {
    /// De-identified without parameters.
    fn of(class: &'static str, format: &'static str, algorithm: &'static str, files: Vec<Bad>) -> Self {
        Self { class, format, kind: "De-Identify", algorithm, parameters: json!({}), files }
    }
}

fn bad(what: &'static str, bytes: impl Into<Vec<u8>>, says: &'static str) -> Bad {
    Bad { what, bytes: bytes.into(), says }
}

/// A file with some bytes put over others.
fn over(file: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

/// Where some bytes stand first.
fn place(file: &[u8], wanted: &[u8]) -> usize {
    file.windows(wanted.len()).position(|window| window == wanted).unwrap()
}

fn tables() -> Format {
    let whole = people(40);
    let wide = format!("record{}\n", ",c".repeat(1_024));
    let nameless = whole.replacen("MRN-10003", "", 1);
    let long = whole.replacen("stable", &"s".repeat(40 << 10), 1);
    let files = vec![
        bad("empty", "", "name every column"),
        bad("cut short", &whole.as_bytes()[..whole.len() - 30], "another number of cells"),
        bad("lying: a quotation mark that never closes", whole.replacen("stable", "\"stable", 1), "never closed"),
        bad("lying: another column twice", whole.replacen("note", "visit", 1), "same name"),
        bad("of nobody", nameless, "do not say whose they are"),
        bad("not UTF-8", [whole.as_bytes(), b"\xff\xfe"].concat(), "not UTF-8"),
        bad("too wide", wide, "more than 1024 columns"),
        bad("too long a cell", long, "bytes in a cell"),
        bad("of another format", "{\"resourceType\":\"Bundle\"}", "no column"),
    ];
    Format { parameters: under_pseudonyms(), ..Format::of("ClinicalRecord", "CSV", "DIA-TAB-V1.0", files) }
}

fn records() -> Format {
    let whole = files::record(&mut Garden::default());
    let two = files::cohort(&mut Garden::default(), 2);
    let text = String::from_utf8(whole.clone()).unwrap();
    let deep = format!("{{\"resourceType\":\"Patient\",\"x\":{}{}}}", "[".repeat(90), "]".repeat(90));
    let many = "{\"resourceType\":\"Patient\"},".repeat(100_001);
    let many = format!(
        "{{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{}]}}",
        many.trim_end_matches(',').replace("{\"res", "{\"resource\":{\"res").replace("\"}", "\"}}")
    );
    let files = vec![
        bad("empty", "", "empty"),
        bad("no resource", "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[]}", "empty"),
        bad("cut short", &whole[..whole.len() / 2], "not one strict JSON"),
        bad("lying: a key twice", text.replacen("{\"", "{\"type\":\"x\",\"", 1), "duplicate key"),
        bad("lying: a date that is none", text.replacen("2026-02-03T10:00:00Z", "2026-02-33", 1), "not a FHIR date"),
        bad("of two people", two, "mixed patients"),
        bad("XML", "<Bundle/>", "XML"),
        bad("too deep", deep, "nested deeper"),
        bad("too many resources", many, "more than 100000 resources"),
        bad("too large", vec![b' '; (64 << 20) + 1], "empty"),
        bad("too large, and not empty", [text.as_bytes(), &vec![b' '; 64 << 20]].concat(), "more than the"),
    ];
    Format::of("ClinicalRecord", "FHIR", "DIA-FHR-V1.0", files)
}

fn cohorts() -> Format {
    let whole = files::cohort(&mut Garden::default(), 30);
    let text = String::from_utf8(whole.clone()).unwrap();
    let linked = text.replacen(
        "\"gender\"",
        "\"link\":[{\"other\":{\"reference\":\"Patient/p5\"},\"type\":\"seealso\"}],\"gender\"",
        1,
    );
    let alike = ["I48.0", "E11.9", "J45.20", "M10.9"].iter().fold(text.clone(), |text, code| text.replace(code, "I10"));
    let files = vec![
        bad("empty", "", "empty"),
        bad("cut short", &whole[..whole.len() - 2], "not one strict JSON"),
        bad("of one person", files::cohort(&mut Garden::default(), 1), "1 person(s)"),
        bad("of nobody", "{\"resourceType\":\"Organization\"}", "no Patient"),
        bad("of people who may be one", linked, "persons cannot be counted"),
        bad("lying: a patient twice", text.replace("\"id\":\"p1\"", "\"id\":\"p2\""), "mixed versions"),
        bad("of people with one condition", alike, "cannot be reached"),
    ];
    Format { kind: "Anonymise", ..Format::of("ClinicalRecord", "FHIR", "DIA-FHC-V1.0", files) }
}

fn recordings() -> Format {
    let whole = files::recording(&mut Garden::default());
    let files = vec![
        bad("empty", "", "ends early"),
        bad("cut short in the header", &whole[..100], "ends early"),
        bad("cut short in the data", &whole[..whole.len() - 7], "ends early"),
        bad("lying: more records than there are", over(&whole, 236, b"9999999 "), "ends early"),
        bad("lying: a header of another length", over(&whole, 184, b"99999   "), "header"),
        bad("too large: more signals than are taken", over(&whole, 252, b"9999"), "at most"),
        bad("of another format", people(3), "not an EDF file"),
    ];
    Format::of("PhysiologicalSignal", "EDF+", "DIA-SIG-V1.0", files)
}

fn archives() -> Format {
    let whole = files::archive(&mut Garden::default());
    let lying = over(&whole, place(&whole, b" 1 250 5000"), b" 1 250 9000");
    let files = vec![
        bad("empty", "", "exactly one .hea file"),
        bad("cut short", &whole[..2_000], "ends early"),
        bad("lying: more samples than there are", lying, "ends early"),
        bad(
            "of two records",
            [&whole[..whole.len() - 1_024], &files::archive(&mut Garden::default())].concat(),
            "refused",
        ),
        bad("of another format", people(30), "a member header is damaged"),
    ];
    Format::of("PhysiologicalSignal", "WFDB", "DIA-SIG-V1.0", files)
}

fn variants() -> Format {
    let whole = files::variants(&mut Garden::default());
    let text = String::from_utf8(whole.clone()).unwrap();
    let files = vec![
        bad("empty", "", "empty"),
        bad("cut short", &whole[..whole.len() - 9], "ends early"),
        bad("lying: a sample too few", text.replacen("\t0/1\n", "\n", 1), "not a valid record"),
        bad("lying: a position that is none", text.replacen("\t1000\t", "\t-7\t", 1), "not a valid record"),
        bad("lying: compressed", b"\x1f\x8b\x08\x04".to_vec(), "damaged or end early"),
        bad("too large: a line without end", [text.as_bytes(), &vec![b'A'; 20 << 20], b"\n"].concat(), "more than the"),
        bad("of another format", people(3), "not a VCF 4 file"),
    ];
    Format::of("Omics", "VCF", "DIA-VCF-V1.0", files)
}

fn images() -> Format {
    let whole = files::image(&mut Garden::default());
    // Rows and Columns, explicit little endian: the tag, US, a length of two, and the number.
    let rows = place(&whole, &[0x28, 0, 0x10, 0, b'U', b'S', 2, 0]) + 8;
    let files = vec![
        bad("empty", "", "empty"),
        bad("cut short in the preamble", &whole[..100], "DICM"),
        bad("cut short in an element", &whole[..whole.len() - 10], "ends early"),
        bad("lying: more rows than pixels", over(&whole, rows, &[0xff, 0xff]), "Pixel Data has"),
        bad("lying: fewer rows than pixels", over(&whole, rows, &[1, 0]), "Pixel Data has"),
        bad("of another format", people(30), "DICM"),
    ];
    Format {
        parameters: json!({"PixelDataInspected": true}),
        ..Format::of("MedicalImaging", "DICOM", "DIA-DCM-V1.0", files)
    }
}

fn steps() -> Format {
    let whole = files::steps(&mut Garden::default());
    let text = String::from_utf8(whole.clone()).unwrap();
    let subject = place(&whole, b"MRN83");
    let files = vec![
        bad("empty", "", "no JSON document"),
        bad("cut short", &whole[..whole.len() - 5], "no JSON document"),
        bad("lying: a time that is none", text.replacen("2026-02-03T10:00:00Z", "yesterday", 1), "sample 1"),
        bad("lying: steps that are no number", text.replacen("\"steps\":10", "\"steps\":\"ten\"", 1), "sample 1"),
        bad("of two people", over(&whole, subject, b"MRN99"), "more than one person"),
        bad("of another format", people(3), "no JSON document"),
    ];
    Format::of("BehaviouralSignal", "JSON", "DIA-BEH-V1.0", files)
}

async fn upload(house: &House, patient: &Client, format: &Format, file: &Bad) -> AihDataId {
    let item = new_item();
    let mut wish = wish(item, &["DeIDAndAnonym"]);
    wish.data_class = format.class.to_owned();
    let parcel = parcel(patient, &house.chain.deployment.back_end(), &wish, format.format, file.bytes.clone());
    parcel.send_in_parts(patient).await.expect(201);
    item
}

async fn each_is_refused(formats: Vec<Format>) {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let mut wrong = Vec::new();
    for format in formats {
        for file in &format.files {
            let item = upload(&house, &patient, &format, file).await;
            let before = patient.items().await;
            let mut message = request(&patient, item, format.kind, format.parameters.clone());
            message["DeIDAndAnonym"]["Request"]["DeIDAndAnonymAlgoID"] = format.algorithm.into();
            let answer = treat(&patient, &message).await;
            let detail = answer.body["detail"].as_str().unwrap_or_default();
            let said =
                answer.status == 422 && answer.body["type"] == "/problems/unprocessable" && detail.contains(file.says);
            if !said {
                wrong.push(format!("{} {}: {} {detail}", format.format, file.what, answer.status));
            }
            // Nothing was kept, and nothing lost.
            assert_eq!(patient.items().await, before, "{} {}", format.format, file.what);
            let kept = payload(&patient, item).await;
            assert!(kept.expect(200).bytes == file.bytes, "{} {}", format.format, file.what);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    house.stop().await;
}

#[tokio::test]
async fn wrong_tables_records_and_cohorts_are_refused_in_words() {
    each_is_refused(vec![tables(), records(), cohorts()]).await;
}

#[tokio::test]
async fn wrong_recordings_images_and_variants_are_refused_in_words() {
    each_is_refused(vec![recordings(), archives(), variants(), images(), steps()]).await;
}
