//! The data files: complete, free of doubles, and with codes that are well formed.

use super::{concept::Code, *};

#[test]
fn the_files_are_read_and_name_their_sources() {
    assert_eq!(reading::RESOURCE_TYPES.len(), 146, "FHIR R4 has 148 types, two of them abstract");
    assert!(reading::RESOURCE_TYPES.is_sorted());
    for file in [
        include_str!("../data/condition_codes.json"),
        include_str!("../data/measures.json"),
        include_str!("../data/medications.json"),
    ] {
        let file: Value = serde_json::from_str(file).unwrap();
        assert!(file["Provenance"].as_array().is_some_and(|sources| !sources.is_empty()));
    }
}

#[test]
fn snomed_ct_and_loinc_codes_have_their_check_digits() {
    let conditions: Value = serde_json::from_str(include_str!("../data/condition_codes.json")).unwrap();
    for list in conditions["Conditions"].as_array().unwrap() {
        for code in list["SNOMED CT"].as_array().unwrap() {
            assert!(concept::is_snomed_ct(code.as_str().unwrap()), "{code}");
        }
    }
    let measures: Value = serde_json::from_str(include_str!("../data/measures.json")).unwrap();
    for code in measures["Measures"].as_array().unwrap().iter().flat_map(|m| m["Codes"].as_array().unwrap()) {
        assert!(concept::is_loinc(code.as_str().unwrap()), "{code}");
    }
    assert!(!concept::is_snomed_ct("38341004") && !concept::is_snomed_ct("12") && !concept::is_snomed_ct("Smith"));
    assert!(!concept::is_loinc("8867-5") && !concept::is_loinc("8867") && !concept::is_loinc("a-4"));
}

#[test]
fn a_concept_may_have_many_codes_and_none() {
    let concept =
        json!({"coding": [{"system": "a", "code": "1"}, {"code": "2"}, {"system": "b", "code": "3"}], "text": "x"});
    assert_eq!(concept::codes(Some(&concept)), [Code { system: "a", code: "1" }, Code { system: "b", code: "3" }]);
    assert!(concept::codes(None).is_empty() && concept::codes(Some(&json!("x"))).is_empty());
}
