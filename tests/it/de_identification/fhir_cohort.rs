//! FHIR cohorts through the door: a Bundle of many patients becomes an anonymous table, or is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    cohort::{copy_of, parcel, payload, request, response, treat, wish},
    files::{self, Garden},
};
use crate::{
    environment::{
        PATIENT,
        house::{Answer, Client, House},
    },
    items::paper::new_item,
};

async fn upload(house: &House, patient: &Client, format: &str, bytes: Vec<u8>) -> Value {
    let item = new_item();
    let back_end = house.chain.deployment.back_end();
    let parcel = parcel(patient, &back_end, &wish(item, &["DeIDAndAnonym"]), format, bytes);
    parcel.send_in_parts(patient).await.expect(201);
    json!(item)
}

async fn ask(patient: &Client, item: &Value, kind: &str, algorithm: Option<&str>, parameters: Value) -> Answer {
    let id = item.as_str().unwrap().parse().unwrap();
    let mut message = request(patient, id, kind, parameters);
    if let Some(algorithm) = algorithm {
        message["DeIDAndAnonym"]["Request"]["DeIDAndAnonymAlgoID"] = algorithm.into();
    }
    treat(patient, &message).await
}

#[tokio::test]
async fn a_bundle_of_many_patients_becomes_an_anonymous_table() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let item = upload(&house, &patient, "FHIR", files::cohort(&mut Garden::default(), 120)).await;
    let made = ask(&patient, &item, "Anonymise", None, json!({"K": 6, "L": 3})).await;
    assert_eq!(response(made.expect(200))["AIHDataStatus"], "Anonymised");
    let copy = copy_of(&made);
    let described = patient.get(&format!("/v1/aih-data/{copy}")).await;
    assert_eq!(
        described.expect(200).body["AIHDataQualifier"],
        json!({"DataClass": "ClinicalRecord", "Format": "CSV", "MediaType": "text/csv"})
    );
    let read = payload(&patient, copy).await;
    assert!(read.expect(200).header("content-type").starts_with("text/csv"));

    // k and l, counted by somebody else: persons in each class, and of the sets of conditions no code that nearly all have.
    let mut reader = csv::Reader::from_reader(read.bytes.as_slice());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(header, ["BirthYear", "Sex", "Country", "State", "Zip3", "Conditions"]);
    let mut classes: BTreeMap<Vec<String>, Vec<BTreeSet<String>>> = BTreeMap::new();
    for row in reader.records().map(Result::unwrap) {
        let cells: Vec<String> = row.iter().map(str::to_owned).collect();
        let set = cells[5].split(';').map(str::to_owned).collect();
        classes.entry(cells[..5].to_vec()).or_default().push(set);
    }
    let mut smallest = usize::MAX;
    for sets in classes.values() {
        smallest = smallest.min(sets.len());
        assert!(sets.iter().collect::<BTreeSet<_>>().len() >= 3);
        for code in sets.iter().flatten() {
            assert!(sets.iter().filter(|set| !set.contains(code)).count() >= 2, "{code} in {sets:?}");
        }
    }
    assert!(smallest >= 6, "a class of {smallest}");

    let report = patient.get(&format!("/v1/aih-data/{copy}/de-identification")).await;
    let report = &report.expect(200).body["Report"];
    assert_eq!((&report["DeIDAndAnonymAlgoID"], &report["Format"]), (&json!("DIA-FHC-V1.0"), &json!("CSV")));
    let measure = |name: &str| {
        let measures = report["Measures"].as_array().unwrap();
        measures.iter().find(|measure| measure["Name"] == name).unwrap()["Value"].as_f64().unwrap()
    };
    assert_eq!((measure("persons"), measure("k") as usize), (120.0, smallest));
    assert!((0.0..1.0).contains(&measure("normalised certainty penalty")));
    house.stop().await;
}

#[tokio::test]
async fn under_pseudonyms_a_cohort_has_a_way_back() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let item = upload(&house, &patient, "FHIR", files::cohort(&mut Garden::default(), 30)).await;
    let made = ask(&patient, &item, "De-Identify", Some("DIA-FHC-V1.0"), json!({})).await;
    assert_eq!(response(made.expect(200))["AIHDataStatus"], "Pseudonymised");
    let copy = copy_of(&made);
    let text = String::from_utf8(payload(&patient, copy).await.expect(200).bytes.clone()).unwrap();
    assert_eq!(text.lines().count(), 31);
    let mapping = patient.post(&format!("/v1/aih-data/{copy}/de-identification/mapping"), &json!({})).await;
    let mapping = mapping.expect(200).body["Mapping"].as_array().unwrap().clone();
    assert_eq!(mapping.len(), 30);
    for mapped in mapping {
        assert!(mapped["Original"].as_str().unwrap().starts_with("Patient/p"));
        assert!(text.contains(mapped["Pseudonym"].as_str().unwrap()));
    }
    house.stop().await;
}

#[tokio::test]
async fn one_persons_record_is_not_anonymised_and_a_cohort_is_no_record() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let mut garden = Garden::default();
    let one = upload(&house, &patient, "FHIR", files::cohort(&mut garden, 1)).await;
    let many = upload(&house, &patient, "FHIR", files::cohort(&mut garden, 40)).await;
    ask(&patient, &one, "Anonymise", None, json!({})).await.unprocessable("1 person(s): that can be pseudonymised");
    let both = ask(&patient, &one, "De-Identify and Anonymise", None, json!({})).await;
    let told = response(both.expect(200));
    assert_eq!(told["AIHDataStatus"], "Pseudonymised");
    let lines = told["Report"].as_array().unwrap();
    assert!(lines.iter().any(|line| line.as_str().unwrap().contains("not anonymised")), "{lines:?}");
    // As a record it stays FHIR, and a Bundle of many patients is none.
    let record = ask(&patient, &one, "De-Identify", None, json!({})).await;
    assert_eq!(response(record.expect(200))["AIHDataStatus"], "Pseudonymised");
    let described = patient.get(&format!("/v1/aih-data/{}", copy_of(&record))).await;
    assert_eq!(described.expect(200).body["AIHDataQualifier"]["Format"], "FHIR");
    ask(&patient, &many, "De-Identify", None, json!({})).await.unprocessable("mixed patients");
    // What k asks for and the cohort has not, in words.
    ask(&patient, &many, "Anonymise", None, json!({"K": 41})).await.unprocessable("k = 41 and l = 2 cannot be reached");
    ask(&patient, &many, "Anonymise", None, json!({"L": 25})).await.unprocessable("cannot be reached");
    house.stop().await;
}

#[tokio::test]
async fn what_a_cohort_cannot_be_asked_for_is_refused_by_name() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let item = upload(&house, &patient, "FHIR", files::cohort(&mut Garden::default(), 30)).await;
    for (kind, algorithm, parameters, says) in [
        ("Anonymise", Some("DIA-FHR-V1.0"), json!({}), "DIA-FHR-V1.0 can prove that it is Pseudonymised"),
        ("De-Identify", Some("K Anonymity"), json!({}), "K Anonymity anonymises"),
        ("Anonymise", Some("Data Masking"), json!({}), "Data Masking is not offered for the format FHIR"),
        ("Anonymise", None, json!({"PersonColumn": "Person"}), "no other parameters than QuasiIdentifiers"),
        ("Anonymise", None, json!({"Dates": "year"}), "no other parameters than QuasiIdentifiers"),
        ("Anonymise", None, json!({"QuasiIdentifiers": ["Name"]}), "are some of BirthYear"),
        ("Anonymise", None, json!({"Measures": ["mood"]}), "heart rate"),
        ("Anonymise", None, json!({"K": 2}), "K: is at least 5"),
    ] {
        ask(&patient, &item, kind, algorithm, parameters).await.unprocessable(says);
    }
    assert_eq!(patient.items().await.len(), 1, "nothing was kept");
    house.stop().await;
}
