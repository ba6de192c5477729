//! The life of a treated copy.

use std::collections::BTreeMap;

use alloy::primitives::{Signature, keccak256};
use health_back_end::schema::canonical;
use serde_json::{Value, json};

use super::cohort::{anonymously, copy_of, parcel, payload, people, request, response, treat, under_pseudonyms, wish};
use crate::{
    environment::{OPERATOR, PATIENT, house::House, key, scene::Scene},
    items::paper::{self, PARAMETERS, new_item},
};

/// Rows of a table as lists of cells, after the header.
fn rows(bytes: &[u8]) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    (header, rows)
}

#[tokio::test]
async fn a_table_is_anonymised_and_what_is_claimed_can_be_counted() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let back_end = house.chain.deployment.back_end();
    let item = new_item();
    let table = parcel(&patient, &back_end, &wish(item, &["DeIDAndAnonym"]), "CSV", people(400).into_bytes());
    table.send_in_parts(&patient).await.expect(201);

    let message = request(&patient, item, "Anonymise", anonymously());
    let answer = treat(&patient, &message).await;
    let told = response(answer.expect(200));
    assert_eq!(told["ProcessingState"], true);
    assert_eq!(told["AIHDataStatus"], "Anonymised");
    let licence = told["LicenceID"].as_str().unwrap();
    assert!(told["Report"].as_array().unwrap().iter().any(|line| line.as_str().unwrap().contains("K Anonymity")));
    let copy = copy_of(&answer);

    // The item itself: class and format of the original, raised status, parent, and nothing freely told of the original.
    let described = patient.get(&format!("/v1/aih-data/{copy}")).await;
    let body = &described.expect(200).body;
    assert_eq!((&body["AIHDataStatus"], &body["ParentAIHDataID"]), (&json!("Anonymised"), &json!(item)));
    assert_eq!(body["AIHDataQualifier"], json!({"DataClass": "ClinicalRecord", "Format": "CSV"}));
    assert_eq!(body["LicenceID"], licence);

    // k and l, counted by somebody else.
    let read = payload(&patient, copy).await;
    let (header, rows) = rows(&read.expect(200).bytes);
    assert_eq!(header, ["age", "postcode", "born", "sex", "diagnosis"]);
    let mut classes: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for row in &rows {
        classes.entry(row[..4].to_vec()).or_default().push(row[4].clone());
    }
    for members in classes.values_mut() {
        assert!(members.len() >= 11, "a class of {}", members.len());
        members.sort();
        members.dedup();
        assert!(members.len() >= 2);
    }
    assert!(rows.len() >= 380, "{} rows are left", rows.len());

    // The report is the operator's, and speaks of this copy.
    let report = patient.get(&format!("/v1/aih-data/{copy}/de-identification")).await;
    let report = &report.expect(200).body;
    check_signature(report);
    let measure = |name: &str| {
        let measures = report["Report"]["Measures"].as_array().unwrap();
        measures.iter().find(|measure| measure["Name"] == name).unwrap()["Value"].as_f64().unwrap()
    };
    assert_eq!(measure("rows kept") as usize, rows.len());
    assert_eq!(measure("k") as usize, rows.len().min(smallest(&rows)));
    assert_eq!(report["Report"]["Copy"]["Length"], read.bytes.len());
    assert_eq!(report["Report"]["LicenceID"], licence);
    house.stop().await;
}

fn smallest(rows: &[Vec<String>]) -> usize {
    let mut sizes: BTreeMap<&[String], usize> = BTreeMap::new();
    rows.iter().for_each(|row| *sizes.entry(&row[..4]).or_default() += 1);
    sizes.into_values().min().unwrap()
}

fn check_signature(signed: &Value) {
    let text = canonical::canonical(&signed["Report"]);
    let prefixed = [format!("\x19Ethereum Signed Message:\n{}", text.len()).as_bytes(), &text].concat();
    let signature: Signature = signed["Signature"]["Value"].as_str().unwrap().parse().unwrap();
    let signer = signature.recover_address_from_prehash(&keccak256(prefixed)).unwrap();
    assert_eq!(signer, key(OPERATOR).address());
    assert!(signed["Signature"]["Signer"].as_str().unwrap().ends_with(&signer.to_string()));
}

#[tokio::test]
async fn a_copy_under_pseudonyms_opens_what_the_original_does_not() {
    let Scene { house, patient, institute } = Scene::set().await;
    let back_end = house.chain.deployment.back_end();
    let item = new_item();
    // Whoever reads must read pseudonymised data.
    let mut wish = wish(item, &["DeIDAndAnonym", "Retrieve"]);
    wish.status = "Pseudonymised".to_owned();
    let table = parcel(&patient, &back_end, &wish, "CSV", people(30).into_bytes());
    table.send_in_parts(&patient).await.expect(201);

    let refused = payload(&institute, item).await;
    refused.expect(403).problem("licence-denied");
    assert_eq!(crate::items::paper::reasons(&refused), ["DataStatus"]);

    let message = request(&institute, item, "De-Identify", under_pseudonyms());
    let answer = treat(&institute, &message).await;
    assert_eq!(response(answer.expect(200))["AIHDataStatus"], "Pseudonymised");
    let read = payload(&institute, copy_of(&answer)).await;
    let text = String::from_utf8(read.expect(200).bytes.clone()).unwrap();
    for told in ["Person", "@example.org", "MRN-", "stable"] {
        assert!(!text.contains(told), "{told} is still there:\n{text}");
    }
    let (header, rows) = rows(text.as_bytes());
    assert_eq!(header, ["record", "age", "born", "sex", "diagnosis", "visit"]);
    assert_eq!(rows.len(), 30);
    assert!(rows.iter().all(|row| row[0].starts_with("P-") && row[0].len() == 22));
    // All dates of a person moved by one span, and not everybody's by the same.
    let date = |text: &str| time::Date::parse(text, &time::format_description::well_known::Iso8601::DATE).unwrap();
    let (_, before) = self::rows(people(30).as_bytes());
    let spans: Vec<i64> = before
        .iter()
        .zip(&rows)
        .map(|(before, after)| {
            let born = (date(&after[2]) - date(&before[5])).whole_days();
            let visit = (date(&after[5]) - date(&before[8])).whole_days();
            assert_eq!(born, visit);
            born
        })
        .collect();
    assert!(spans.iter().all(|days| (-365..=-1).contains(days)), "{spans:?}");
    assert!(spans.iter().any(|days| *days != spans[0]));

    // The original is as closed as before, and the same message is the same copy.
    payload(&institute, item).await.expect(403);
    let again = treat(&institute, &message).await;
    assert_eq!(copy_of(again.expect(200)), copy_of(&answer));
    house.stop().await;
}

#[tokio::test]
async fn a_recording_is_processed_once_it_is_pseudonymised() {
    let Scene { house, patient, institute } = Scene::set().await;
    let item = new_item();
    let mut wish = wish(item, &["DeIDAndAnonym", PARAMETERS]);
    (wish.data_class, wish.status) = ("PhysiologicalSignal".to_owned(), "Pseudonymised".to_owned());
    let recording = paper::ecg();
    let format = recording.qualifier["Format"].as_str().unwrap();
    let parcel = parcel(&patient, &house.chain.deployment.back_end(), &wish, format, recording.bytes.clone());
    parcel.send_in_parts(&patient).await.expect(201);

    let ask = async |item| paper::process(&institute, &paper::request(&institute, item, PARAMETERS, "Research")).await;
    let denied = ask(item).await;
    denied.expect(403).problem("licence-denied");
    assert_eq!(paper::reasons(&denied), ["DataStatus"]);

    let made = treat(&institute, &request(&institute, item, "De-Identify", json!({}))).await;
    assert_eq!(response(made.expect(200))["AIHDataStatus"], "Pseudonymised");
    let processed = ask(copy_of(&made)).await;
    assert_eq!(paper::result_item(processed.expect(200))["AIHDataStatus"], "Pseudonymised");
    // The heart beats as before: the End User, whom the licence does not bind, has the original processed.
    let own = paper::process(&patient, &paper::request(&patient, item, PARAMETERS, "Research")).await;
    assert_eq!(paper::result(own.expect(200)), paper::result(&processed));
    ask(item).await.expect(403);
    house.stop().await;
}
