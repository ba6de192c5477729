//! Each of the 18 classes with realistic identifiers: gone, and counted under its letter.

use std::collections::BTreeSet;

use super::*;

fn record() -> (Vec<u8>, Vec<&'static str>) {
    let patient = json!({
        "resourceType": "Patient", "id": "pat-4711", "gender": "female", "birthDate": "1951-03-09",
        "name": [{"family": "Featherstonehaugh", "given": ["Wilhelmina"]}],
        "address": [{"line": ["17 Rosebud Crescent"], "city": "Cambridge", "district": "Middlesex", "state": "Massachusetts", "postalCode": "02139", "country": "US"}],
        "telecom": [{"system": "phone", "value": "617-555-0143"}, {"system": "fax", "value": "617-555-0199"}, {"system": "email", "value": "wilma@feathers.example"},
            {"system": "url", "value": "https://wilma.example/home"}],
        "identifier": [
            {"type": {"coding": [{"code": "SS"}]}, "system": "http://hl7.org/fhir/sid/us-ssn", "value": "987-65-4320"},
            {"type": {"coding": [{"code": "MR"}]}, "value": "MRN-0093817"},
            {"type": {"coding": [{"code": "MB"}]}, "value": "HPB-55231"},
            {"type": {"coding": [{"code": "AN"}]}, "value": "ACC-918273"},
            {"type": {"coding": [{"code": "DL"}]}, "value": "S99988801"},
            {"system": "http://dmv.example/licence-plate", "value": "MA 4WL 93X"},
            {"system": "http://home.example/ip-address", "value": "203.0.113.77"},
            {"system": "http://bio.example/fingerprint", "value": "FP-77ab12"},
            {"system": "http://club.example/card", "value": "GOLD-31415"}],
        "photo": [{"contentType": "image/jpeg", "data": "V2lsaGVsbWluYQ=="}],
        "text": {"status": "generated", "div": "<div>Wilhelmina Featherstonehaugh</div>"}
    });
    let device = json!({"resourceType": "Device", "id": "dev-1", "serialNumber": "PM-778899", "udiCarrier": [{"deviceIdentifier": "00844588003288",
        "carrierHRF": "(01)00844588003288"}], "patient": {"reference": "Patient/pat-4711", "display": "Wilhelmina F."},
        "type": {"coding": [{"system": "http://snomed.info/sct", "code": "14106009", "display": "Cardiac pacemaker"}], "text": "her pacemaker"}});
    let planted = vec![
        "Featherstonehaugh",
        "Wilhelmina",
        "Rosebud",
        "Cambridge",
        "Middlesex",
        "02139",
        "617-555-0143",
        "617-555-0199",
        "wilma@",
        "wilma.example",
        "987-65-4320",
        "MRN-0093817",
        "HPB-55231",
        "ACC-918273",
        "S99988801",
        "4WL",
        "203.0.113.77",
        "FP-77ab12",
        "GOLD-31415",
        "V2lsaGVs",
        "PM-778899",
        "00844588003288",
        "pat-4711",
        "dev-1",
        "1951-03-09",
        "pacemaker",
        "ehr.example",
    ];
    let condition = json!({"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/pat-4711"}, "recordedDate": "2024-05-05",
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I48.91"}]}});
    (bundle_of(&[patient, device, condition]), planted)
}

#[test]
fn all_eighteen_classes_go_and_are_counted() {
    let (payload, planted) = record();
    let input = String::from_utf8(payload.clone()).unwrap();
    for dates in ["shift", "year"] {
        let treated = treated(&payload, json!({"Dates": dates}));
        let output = String::from_utf8(treated.payload.clone()).unwrap();
        for identifier in &planted {
            assert!(stands_in(identifier, &input) && !stands_in(identifier, &output), "{identifier}: {output}");
        }
        let rules: String = treated.steps.iter().map(|step| step.rule.as_str()).collect();
        for letter in 'A'..='R' {
            assert!(rules.contains(&format!("(b)(2)(i)({letter})")), "{letter} in {rules}");
        }
        assert_eq!(treated.status, DataStatus::Pseudonymised);
        assert!(treated.measures.iter().any(|measure| (0.0..1.0).contains(&measure.value)));
    }
}

#[test]
fn what_is_useful_stays() {
    let (payload, _) = record();
    let resources = resources_of(&treated(&payload, json!({})).payload);
    assert_eq!(resources[0]["gender"], "female");
    assert_eq!(resources[0]["address"], json!([{"state": "MA", "postalCode": "021", "country": "US"}]));
    assert_eq!(resources[1]["type"], json!({"coding": [{"system": "http://snomed.info/sct", "code": "14106009"}]}));
    assert_eq!(
        resources[2]["code"],
        json!({"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I48.91"}]})
    );
    let label = json!({"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "PSEUDED"});
    assert!(resources.iter().all(|resource| resource["meta"]["security"] == json!([label])));
}

#[test]
fn zip_codes_keep_three_digits_unless_few_live_there() {
    let cases = [
        (json!({"postalCode": "90210", "country": "US"}), json!([{"postalCode": "902", "country": "US"}])),
        (json!({"postalCode": "90210-1234", "state": "ca"}), json!([{"postalCode": "902", "state": "CA"}])),
        (json!({"postalCode": "03601", "country": "USA"}), json!([{"postalCode": "000", "country": "USA"}])),
        (
            json!({"postalCode": "89301", "state": "Nevada", "country": "us"}),
            json!([{"postalCode": "000", "state": "NV", "country": "US"}]),
        ),
        (json!({"postalCode": "8000", "state": "Zürich", "country": "CH"}), json!([{"country": "CH"}])),
        (json!({"postalCode": "12345", "country": "DE"}), json!([{"country": "DE"}])),
        (json!({"postalCode": "12345", "country": "Atlantis"}), Value::Null),
        (json!({"postalCode": "12345"}), Value::Null),
        (json!({"postalCode": "1234", "country": "US"}), json!([{"country": "US"}])),
        (json!({"postalCode": "12 45", "country": "US"}), json!([{"country": "US"}])),
    ];
    for (address, expected) in cases {
        let patient = json!({"resourceType": "Patient", "id": "p", "address": [address]});
        assert_eq!(single(&patient, json!({})).get("address").cloned().unwrap_or_default(), expected, "{address}");
    }
    assert_eq!(super::codes::VOCABULARY.small_zip.len(), 17, "HHS lists 17");
}

#[test]
fn what_r4_requires_is_masked_when_it_goes() {
    let observation = json!({"resourceType": "Observation", "id": "o", "status": "made up", "code": {"text": "Aunt Ada's own test"}, "valueString": "positive for Ada"});
    let kept = single(&observation, json!({}));
    assert_eq!(
        kept["code"],
        json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "masked"}]})
    );
    assert_eq!(kept["_status"]["extension"][0]["valueCode"], "masked");
    assert_eq!((kept.get("status"), kept.get("valueString")), (None, None));
}

#[test]
fn every_rule_of_the_table_is_one_that_is_known() {
    fn check(place: &str, fields: &rules::Fields) {
        for (name, field) in fields {
            match &field.kind {
                rules::Kind::Named(kind) => assert!(rules::data_type(kind).is_some(), "{place}.{name}: {kind}"),
                rules::Kind::Fields(inner) => check(&format!("{place}.{name}"), inner),
                rules::Kind::Code(words) => assert!(words.iter().all(|word| !word.is_empty()), "{place}.{name}"),
                _ => {}
            }
        }
    }
    let mut kinds = BTreeSet::new();
    for (kind, fields) in rules::resources() {
        assert!(crate::aims::aih_data_processing::clinical::reading::resource_type(kind).is_some(), "{kind}");
        check(kind, fields);
        kinds.insert(kind);
    }
    assert!(kinds.len() >= 30);
}
