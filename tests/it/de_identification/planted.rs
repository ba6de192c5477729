//! A thousand identifiers planted across the formats, sent through the street door, and none of them in what comes out:
//! neither in the copies nor in what is said about them.

use health_back_end::domain::ids::AihDataId;
use serde_json::{Value, json};

use super::{
    cohort::{copy_of, parcel, payload, request, treat, wish},
    files::{self, Garden},
};
use crate::{
    environment::{
        PATIENT,
        house::{Client, House},
    },
    items::paper::new_item,
};

/// A file to be treated, and how.
struct File {
    class: &'static str,
    format: &'static str,
    asked: &'static str,
    algorithm: Option<&'static str>,
    parameters: Value,
    bytes: Vec<u8>,
}

/// Uploads, treats, and reads everything there is to read about the copy.
async fn through_the_door(house: &House, patient: &Client, file: File) -> Vec<u8> {
    let item = new_item();
    let mut wish = wish(item, &["DeIDAndAnonym"]);
    wish.data_class = file.class.to_owned();
    let parcel = parcel(patient, &house.chain.deployment.back_end(), &wish, file.format, file.bytes);
    parcel.send_in_parts(patient).await.expect(201);
    let mut message = request(patient, item, file.asked, file.parameters);
    if let Some(algorithm) = file.algorithm {
        message["DeIDAndAnonym"]["Request"]["DeIDAndAnonymAlgoID"] = algorithm.into();
    }
    let answer = treat(patient, &message).await;
    assert_eq!(answer.status, 200, "{}: {}", file.format, String::from_utf8_lossy(&answer.bytes));
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

fn files(garden: &mut Garden) -> Vec<File> {
    let roles = json!({
        "PersonColumn": "record", "Identifiers": ["full_name", "mail", "telephone"], "KeptColumns": ["age", "sex", "finding"],
    });
    let anonymously = json!({
        "PersonColumn": "record", "Identifiers": ["full_name", "mail", "telephone"], "QuasiIdentifiers": ["age", "sex"],
        "SensitiveColumns": ["finding"], "K": 5,
    });
    let file = |class, format, parameters, bytes| File {
        class,
        format,
        asked: "De-Identify",
        algorithm: None,
        parameters,
        bytes,
    };
    let anonymise = |file: File| File { asked: "Anonymise", ..file };
    let as_cohort = |file: File| File { algorithm: Some("DIA-FHC-V1.0"), ..file };
    let image = json!({"PixelDataInspected": true});
    vec![
        file("ClinicalRecord", "CSV", roles.clone(), files::table(garden, 140, ',')),
        anonymise(file("ClinicalRecord", "CSV", anonymously, files::table(garden, 60, ','))),
        file("BehaviouralSignal", "TSV", roles, files::table(garden, 30, '\t')),
        file("PhysiologicalSignal", "EDF+", json!({}), files::recording(garden)),
        file("PhysiologicalSignal", "WFDB", json!({}), files::archive(garden)),
        file("Omics", "VCF", json!({}), files::variants(garden)),
        file("ClinicalRecord", "FHIR", json!({}), files::record(garden)),
        file("ClinicalRecord", "FHIR", json!({"Dates": "year"}), files::record(garden)),
        anonymise(file("ClinicalRecord", "FHIR", json!({"K": 5}), files::cohort(garden, 60))),
        as_cohort(file("ClinicalRecord", "FHIR", json!({}), files::cohort(garden, 20))),
        file("BehaviouralSignal", "JSON", json!({}), files::steps(garden)),
        file("MedicalImaging", "DICOM", image, files::image(garden)),
    ]
}

#[tokio::test]
async fn of_a_thousand_planted_identifiers_none_is_found() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let mut garden = Garden::default();
    let files = files(&mut garden);
    assert!(garden.planted.len() >= 1_000, "{}", garden.planted.len());
    assert_eq!(garden.classes.iter().collect::<String>(), "ABCDEFGHIJKLMNOPQR", "all classes of Safe Harbor, in FHIR");
    let mut standing = 0;
    let mut told = Vec::new();
    for file in files {
        let (format, asked, algorithm) = (file.format, file.asked, file.algorithm.unwrap_or_default());
        let planted = garden.found(&file.bytes).len();
        assert!(planted > 0, "nothing was planted in {format}");
        let seen = through_the_door(&house, &patient, file).await;
        let found = garden.found(&seen);
        assert_eq!(found, Vec::<&str>::new(), "{format} {asked} {algorithm}");
        standing += planted;
        told.push(format!("{format:5} {asked:12} {algorithm:13} {planted:5} planted, {} found", found.len()));
    }
    assert!(standing >= 1_000, "{standing} stand in the files");
    println!("{}\n{standing} identifiers planted, 0 found", told.join("\n"));
    house.stop().await;
}
