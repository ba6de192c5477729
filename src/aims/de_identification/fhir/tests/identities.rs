//! References stay whole, pseudonyms stay the same for one recipient and differ for another.

use super::*;
use crate::aims::aih_data_processing::clinical::{Record, reference::Target};

fn web() -> Vec<Value> {
    vec![
        json!({"resourceType": "Patient", "id": "p", "birthDate": "1960-01-01", "gender": "male", "identifier": [{"system": "urn:mrn", "value": "77"}],
            "generalPractitioner": [{"reference": "Practitioner/d"}], "managingOrganization": {"reference": "Organization/outside"}}),
        json!({"resourceType": "Practitioner", "id": "d", "name": [{"family": "Careful"}]}),
        json!({"resourceType": "Encounter", "id": "e", "status": "finished", "subject": {"reference": "https://ehr.example/fhir/Patient/p"},
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}, "participant": [{"individual": {"reference": "Practitioner/d", "display": "Dr Careful"}}]}),
        json!({"resourceType": "Observation", "id": "o", "status": "final", "subject": {"identifier": {"system": "urn:mrn", "value": "77"}}, "encounter": {"reference": "Encounter/e/_history/2"},
            "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}, "contained": [{"resourceType": "Device", "id": "dev", "serialNumber": "55"}],
            "device": {"reference": "#dev"}, "derivedFrom": [{"reference": "Observation/o"}, {"reference": "Observation/elsewhere"}],
            "performer": [{"identifier": {"system": "urn:npi", "value": "1234567893"}}]}),
    ]
}

/// Where every reference of every resource points, in the order in which they stand.
fn targets(record: &Record) -> Vec<(usize, Target)> {
    fn walk(value: &Value, at: usize, record: &Record, found: &mut Vec<(usize, Target)>) {
        match value {
            Value::Object(object) => {
                if object.get("reference").is_some_and(Value::is_string)
                    || (object.len() <= 2 && object.contains_key("identifier"))
                {
                    found.push((at, record.index.resolve(object, &record.resources[at]).unwrap()));
                } else {
                    object
                        .iter()
                        .filter(|(name, _)| *name != "identifier")
                        .for_each(|(_, inner)| walk(inner, at, record, found));
                }
            }
            Value::Array(list) => list.iter().for_each(|inner| walk(inner, at, record, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for (at, resource) in record.resources.iter().enumerate() {
        walk(&Value::Object(resource.body.clone()), at, record, &mut found);
    }
    found
}

#[test]
fn a_reference_into_the_item_still_points_there() {
    let lines = web()
        .iter()
        .map(|r| format!("{r}\n"))
        .collect::<String>()
        .replace("https://ehr.example/fhir/Patient/p", "Patient/p");
    for (format, payload) in [(DataFormat::Fhir, bundle_of(&web())), (DataFormat::Ndjson, lines.into_bytes())] {
        let before = targets(&Record::read(format, &payload).unwrap());
        let after = treated_with(7, format, &payload, json!({})).unwrap();
        let after = targets(&Record::read(format, &after.payload).unwrap());
        assert_eq!(before.len(), after.len());
        assert_eq!(before.len(), 10);
        for ((at, before), (there, after)) in before.iter().zip(&after) {
            assert_eq!(at, there);
            match (before, after) {
                (Target::Within(a), Target::Within(b)) | (Target::Contained(a), Target::Contained(b)) => {
                    assert_eq!(a, b)
                }
                (Target::Outside(a), Target::Outside(b)) => {
                    assert!(a.rsplit('/').next() != b.rsplit('/').next(), "{a} {b}")
                }
                (Target::Logical(_, a), Target::Logical(system, b)) => assert!(a != b && system == "urn:ietf:rfc:3986"),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(after.iter().filter(|(_, t)| matches!(t, Target::Within(_))).count(), 6);
    }
}

#[test]
fn one_recipient_sees_the_same_pseudonyms_in_every_item_and_another_sees_others() {
    let output = |key: u8, resource: &Value| {
        treated_with(key, DataFormat::Fhir, resource.to_string().as_bytes(), json!({})).unwrap()
    };
    let condition = |id: &str| json!({"resourceType": "Condition", "id": id, "subject": {"reference": "Patient/p"}});
    let subject = |treated: &Treated| {
        serde_json::from_slice::<Value>(&treated.payload).unwrap()["subject"]["reference"].as_str().unwrap().to_owned()
    };
    let (one, two, other) = (output(7, &condition("a")), output(7, &condition("b")), output(8, &condition("a")));
    assert_eq!(one.payload, output(7, &condition("a")).payload);
    assert_eq!(subject(&one), subject(&two));
    assert_ne!(subject(&one), subject(&other));
    let patient: Value =
        serde_json::from_slice(&output(7, &json!({"resourceType": "Patient", "id": "p"})).payload).unwrap();
    assert_eq!(subject(&one), format!("Patient/{}", patient["id"].as_str().unwrap()));
}

#[test]
fn the_mapping_holds_every_pseudonym_of_the_output() {
    let treated = treated(&bundle_of(&web()), json!({}));
    let output = String::from_utf8(treated.payload).unwrap();
    for original in [
        "Patient/p",
        "Practitioner/d",
        "Organization/outside",
        "Observation/o#dev",
        "https://ehr.example/fhir/Patient/p",
        "urn:npi|1234567893",
    ] {
        let mapped = treated
            .mapping
            .iter()
            .find(|mapped| mapped.original == original && mapped.kind != "days")
            .unwrap_or_else(|| panic!("{original}"));
        assert!(output.contains(&mapped.pseudonym), "{original}");
    }
    let days = treated.mapping.iter().find(|mapped| mapped.kind == "days").unwrap();
    assert!((-365..=-1).contains(&days.pseudonym.parse::<i64>().unwrap()));
}
