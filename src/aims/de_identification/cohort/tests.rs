//! Cohorts as a whole: what becomes a row, what is counted, and everything that is refused.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::treat;
use crate::{
    aims::ai_modules::{
        pseudonyms::Pseudonyms,
        treatment::{Treated, Treatment},
    },
    domain::taxonomy::DataStatus,
    schema::wire::DataFormat,
};

const ICD: &str = "http://hl7.org/fhir/sid/icd-10-cm";
const SCT: &str = "http://snomed.info/sct";

fn treated_as(kind: &str, format: DataFormat, payload: &[u8], parameters: &Value) -> Result<Treated, String> {
    let mut parameters: Map<String, Value> = parameters.as_object().unwrap().clone();
    parameters.insert("DeIDAndAnonymType".to_owned(), kind.into());
    treat(&Treatment { format, parameters: &parameters, payload, pseudonyms: &Pseudonyms::new([7; 32]) })
}

fn anonymised(resources: &[Value], parameters: &Value) -> Result<Treated, String> {
    treated_as("Anonymise", DataFormat::Fhir, &bundle(resources), parameters)
}

fn bundle(resources: &[Value]) -> Vec<u8> {
    let entries = resources.iter().map(|resource| json!({"resource": resource}));
    json!({"resourceType": "Bundle", "type": "collection", "entry": entries.collect::<Vec<_>>()})
        .to_string()
        .into_bytes()
}

fn patient(id: usize, born: u32, gender: &str, zip: &str) -> Value {
    json!({"resourceType": "Patient", "id": format!("p{id}"), "birthDate": format!("{born}-05-17"), "gender": gender,
        "name": [{"family": format!("Familyname{id}")}],
        "address": [{"use": "home", "line": ["1 Hidden Street"], "state": "Massachusetts", "postalCode": zip, "country": "US"}]})
}

fn condition(id: usize, of: usize, system: &str, code: &str) -> Value {
    json!({"resourceType": "Condition", "id": format!("c{id}"), "subject": {"reference": format!("Patient/p{of}")},
        "recordedDate": "2026-02-01", "code": {"coding": [{"system": system, "code": code, "display": "told"}]}})
}

fn pulse(of: usize, at: &str, value: u32) -> Value {
    json!({"resourceType": "Observation", "id": format!("o{of}-{value}"), "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": format!("Patient/p{of}")}, "effectiveDateTime": at,
        "valueQuantity": {"value": value, "system": "http://unitsofmeasure.org", "code": "/min"}})
}

/// So many people over forty years of birth, both sexes and two areas, with one or two conditions each and a pulse.
fn people(count: usize) -> Vec<Value> {
    let codes = ["I48.0", "E11.9", "J45.20", "I10", "M10.9"];
    (0..count)
        .flat_map(|n| {
            let gender = ["female", "male"][n % 2];
            let mut resources = vec![
                patient(n, 1940 + (n * 7 % 40) as u32, gender, ["02139", "01002-1234"][n % 2]),
                condition(2 * n, n, ICD, codes[n % 5]),
                pulse(n, "2026-01-01", 60 + (n % 30) as u32),
            ];
            if n % 3 == 0 {
                resources.push(condition(2 * n + 1, n, ICD, codes[(n + 2) % 5]));
            }
            resources
        })
        .collect()
}

fn rows(treated: &Treated) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_reader(treated.payload.as_slice());
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
    (header, reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect())
}

fn measure(treated: &Treated, name: &str) -> f64 {
    treated.measures.iter().find(|measure| measure.name == name).unwrap_or_else(|| panic!("{name}")).value
}

#[test]
fn a_cohort_becomes_a_table_whose_k_and_l_can_be_counted() {
    let done = anonymised(&people(200), &json!({"K": 11, "L": 3})).unwrap();
    assert_eq!(done.status, DataStatus::Anonymised);
    let (header, rows) = rows(&done);
    assert_eq!(header, ["BirthYear", "Sex", "Country", "State", "Zip3", "Conditions"]);
    assert!(rows.len() >= 190, "{}", rows.len());
    let mut classes: BTreeMap<&[String], Vec<Vec<&str>>> = BTreeMap::new();
    for row in &rows {
        classes.entry(&row[..5]).or_default().push(row[5].split(';').collect());
    }
    assert!(classes.len() > 1, "one class for all would lose everything");
    for sets in classes.values() {
        assert!(sets.len() >= 11);
        for code in sets.iter().flatten() {
            let lacking = sets.iter().filter(|set| !set.contains(code)).count();
            assert!(lacking >= 2, "nearly everybody has {code}");
        }
    }
    assert_eq!(measure(&done, "persons"), 200.0);
    assert_eq!(measure(&done, "k") as usize, classes.values().map(Vec::len).min().unwrap());
    assert!(measure(&done, "l") >= 3.0 && measure(&done, "normalised certainty penalty") < 1.0);
    assert_eq!((measure(&done, "conditions kept"), measure(&done, "conditions left out")), (267.0, 0.0));
    let text = String::from_utf8(done.payload.clone()).unwrap();
    for told in ["Family", "Hidden", "02139", "p1", "05-17", "told", "I48.0"] {
        assert!(!text.contains(told), "{told}: {text}");
    }
    assert!(text.contains("I48") && done.mapping.is_empty());
}

#[test]
fn what_is_asked_for_is_in_the_table_and_nothing_else() {
    let asked = json!({
        "QuasiIdentifiers": ["BirthYear", "Sex"], "Measures": ["heart rate"], "ConditionCodes": ["I48", "E11.9"],
        "Generalisation": ["BirthYear: range 20 40"], "K": 5, "L": 2,
    });
    let done = anonymised(&people(100), &asked).unwrap();
    let (header, rows) = rows(&done);
    assert_eq!(header, ["BirthYear", "Sex", "Conditions", "heart rate (/min)"]);
    assert!(rows.iter().all(|row| ["", "I48", "E11", "E11;I48"].contains(&row[2].as_str())), "{rows:?}");
    assert!(rows.iter().all(|row| row[0].len() != 4), "no year alone");
    assert!(measure(&done, "conditions left out") > 0.0);
}

#[test]
fn under_pseudonyms_each_person_has_a_row() {
    let done = treated_as("De-Identify", DataFormat::Fhir, &bundle(&people(30)), &json!({})).unwrap();
    assert_eq!(done.status, DataStatus::Pseudonymised);
    let (header, rows) = rows(&done);
    assert_eq!(header, ["Person", "BirthYear", "Sex", "Country", "State", "Zip3", "Conditions"]);
    assert_eq!((rows.len(), done.mapping.len()), (30, 30));
    assert!(rows.iter().all(|row| row[0].starts_with("P-") && row[1].len() == 4 && row[4] == "MA"));
    assert!(rows.iter().all(|row| ["021", "010"].contains(&row[5].as_str())));
    assert!(done.mapping.iter().any(|mapped| mapped.original == "Patient/p7"));
    // In lines, the same.
    let lines: Vec<String> = people(30).iter().map(Value::to_string).collect();
    let again = treated_as("De-Identify", DataFormat::Ndjson, lines.join("\n").as_bytes(), &json!({})).unwrap();
    assert_eq!(again.payload, done.payload);
}

#[test]
fn one_person_is_never_anonymised() {
    let one = people(1);
    let refused = anonymised(&one, &json!({})).unwrap_err();
    assert!(refused.contains("1 person(s): that can be pseudonymised"), "{refused}");
    let both = treated_as("De-Identify and Anonymise", DataFormat::Fhir, &bundle(&one), &json!({})).unwrap();
    assert_eq!(both.status, DataStatus::Pseudonymised);
    assert!(both.residual.iter().any(|note| note.starts_with("not anonymised")), "{:?}", both.residual);
}

#[test]
fn ages_over_89_have_one_year_and_small_areas_none() {
    let mut all = people(40);
    for (n, born) in [(100, 1901), (101, 1922), (102, 1936), (103, 1937)] {
        all.extend([patient(n, born, "female", "03601"), condition(1000 + n, n, ICD, "I10")]);
    }
    let done = treated_as("De-Identify", DataFormat::Fhir, &bundle(&all), &json!({})).unwrap();
    let of: BTreeMap<&str, &str> =
        done.mapping.iter().map(|mapped| (mapped.original.as_str(), mapped.pseudonym.as_str())).collect();
    let (_, rows) = rows(&done);
    let row = |id: &str| rows.iter().find(|row| row[0] == of[id]).unwrap();
    // The newest date is of 2026: who turns 90 then, or did before, is one group.
    for (id, year) in
        [("Patient/p100", "1936"), ("Patient/p101", "1936"), ("Patient/p102", "1936"), ("Patient/p103", "1937")]
    {
        assert_eq!((row(id)[1].as_str(), row(id)[5].as_str()), (year, "000"), "{id}");
    }
}

#[test]
fn who_might_be_counted_twice_stops_it() {
    let shared = json!([{"system": "http://hospital.example/mrn", "value": "MRN-77"}]);
    let mut same = people(20);
    for at in [0, 4] {
        same[at]["identifier"] = shared.clone();
    }
    let mut linked = people(20);
    linked[0]["link"] = json!([{"other": {"reference": "Patient/p3"}, "type": "seealso"}]);
    let mut kin = people(20);
    kin.push(json!({"resourceType": "RelatedPerson", "id": "r1", "patient": {"reference": "Patient/p3"}}));
    kin[0]["link"] = json!([{"other": {"reference": "RelatedPerson/r1"}, "type": "seealso"}]);
    assert!(anonymised(&kin, &json!({"K": 5})).is_ok());
    for (resources, place) in [(same, "Patient at position 5"), (linked, "Patient at position 1")] {
        let refused = anonymised(&resources, &json!({})).unwrap_err();
        assert!(refused.contains(place) && refused.contains("persons cannot be counted"), "{refused}");
        assert!(!refused.contains("MRN"), "{refused}");
    }
    let mut twice = people(20);
    twice[1]["for"] = json!({"reference": "Patient/p9"});
    assert!(anonymised(&twice, &json!({})).unwrap_err().contains("names another person"));
}

#[test]
fn what_names_nobody_or_somebody_else_is_left_out_and_counted() {
    let mut all = people(40);
    all.push(json!({"resourceType": "Organization", "id": "ward"}));
    all.push(condition(900, 900, ICD, "B20"));
    let mut refuted = condition(901, 3, ICD, "B20");
    refuted["verificationStatus"] = json!({"coding": [
        {"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "refuted"}]});
    all.push(refuted);
    all.push(json!({"resourceType": "Condition", "id": "own", "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": "http://hospital.example/codes", "code": "Familyname1"}]}}));
    let done = anonymised(&all, &json!({"K": 5})).unwrap();
    assert_eq!(measure(&done, "resources about nobody"), 1.0);
    assert_eq!(measure(&done, "resources about persons outside the cohort"), 1.0);
    assert_eq!(measure(&done, "conditions left out"), 1.0);
    let text = String::from_utf8(done.payload).unwrap();
    assert!(!text.contains("B20") && !text.contains("Familyname"));
}

#[test]
fn one_disease_in_two_systems_is_not_two() {
    let mut mixed = people(40);
    for n in 0..20 {
        mixed.push(condition(500 + n, n, SCT, "44054006"));
    }
    let refused = anonymised(&mixed, &json!({})).unwrap_err();
    assert!(refused.contains("different systems") && !refused.contains("44054006"), "{refused}");
    // Coded in both each, they have a system in common.
    let mut both = people(40);
    for resource in both.iter_mut().filter(|resource| resource["resourceType"] == "Condition") {
        let codings = resource["code"]["coding"].as_array_mut().unwrap();
        codings.push(json!({"system": SCT, "code": "44054006"}));
    }
    assert!(anonymised(&both, &json!({"K": 5})).is_ok());
}

#[test]
fn what_everybody_has_is_no_diversity() {
    let mut all = people(60);
    for n in 0..60 {
        all.push(condition(700 + n, n, ICD, "B20"));
    }
    let refused = anonymised(&all, &json!({"K": 5})).unwrap_err();
    assert!(refused.contains("cannot be reached") && refused.contains("ConditionCodes"), "{refused}");
    let done = anonymised(&all, &json!({"K": 5, "ConditionCodes": ["I48", "E11", "J45", "I10", "M10"]})).unwrap();
    assert!(!String::from_utf8(done.payload).unwrap().contains("B20"));
}

#[test]
fn damaged_cohorts_and_wrong_parameters_are_refused_in_words() {
    let whole = bundle(&people(20));
    let mut late = people(20);
    late[0]["birthDate"] = json!("2031-01-01");
    let mut wrong = people(20);
    wrong[0]["birthDate"] = json!("Familyname0");
    let bare: Vec<Value> = (0..20).map(|n| patient(n, 1950, "male", "02139")).collect();
    let cases: [(&[u8], &str); 9] = [
        (b"", "empty"),
        (&whole[..whole.len() / 2], "not one strict JSON"),
        (b"{\"resourceType\":\"Bundle\",\"type\":\"collection\"}", "empty"),
        (b"{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":{}}", "not a list"),
        (b"{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{\"resource\":{\"resourceType\":\"Organization\"}}]}", "no Patient"),
        (&bundle(&[people(20), vec![patient(1, 1950, "male", "02139")]].concat()), "mixed versions"),
        (&bundle(&late), "after every date"),
        (&bundle(&wrong), "not a FHIR date"),
        (&bundle(&bare), "nothing but quasi-identifiers"),
    ];
    for (payload, says) in cases {
        let refused = treated_as("Anonymise", DataFormat::Fhir, payload, &json!({})).unwrap_err();
        assert!(refused.contains(says) && !refused.contains("Familyname"), "wanted “{says}”: {refused}");
    }
    for (parameters, says) in [
        (json!({"QuasiIdentifiers": ["ShoeSize"]}), "some of BirthYear"),
        (json!({"QuasiIdentifiers": ["Sex", "Sex"]}), "some of BirthYear"),
        (json!({"QuasiIdentifiers": []}), "at least one column"),
        (json!({"Measures": ["mood"]}), "heart rate"),
        (json!({"ConditionCodes": "I48"}), "list of texts"),
        (json!({"Generalisation": ["Country: range x"]}), "Generalisation"),
        (json!({"K": 1}), "at least 5"),
        (json!({"Epsilon": 1}), "no others than"),
    ] {
        let refused = anonymised(&people(40), &parameters).unwrap_err();
        assert!(refused.contains(says), "wanted “{says}”: {refused}");
    }
}
