//! What must be refused, and with which words.

use super::*;

fn refusal(format: DataFormat, payload: &[u8]) -> String {
    run_on(Operation::ClinicalConditionDetection, format, payload, json!({"At": "2024-01-01"})).unwrap_err()
}

#[test]
fn damaged_payloads_are_refused() {
    let whole = bundle(&[patient("1974-01-01", "male"), icd("c", "I10")]);
    assert!(run_on(Operation::ClinicalConditionDetection, DataFormat::Fhir, &whole, none()).is_ok());
    for end in (0..whole.len()).step_by(7) {
        refusal(DataFormat::Fhir, &whole[..end]);
    }
    let cases: [(&[u8], &str); 14] = [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"<Patient xmlns=\"http://hl7.org/fhir\"/>", "XML"),
        (b"[]", "not a JSON object"),
        (b"{}", "no resourceType"),
        (b"{\"resourceType\": 3}", "no resourceType"),
        (b"{\"resourceType\": \"Human\"}", "no resource type of that name"),
        (b"{\"resourceType\": \"Patient\", \"id\": \"a b\"}", "id is not"),
        (b"{\"resourceType\": \"Patient\", \"id\": \"a\", \"id\": \"b\"}", "duplicate key"),
        (b"{\"resourceType\": \"Patient\"}\n{\"resourceType\": \"Patient\"}", "not one strict JSON"),
        (b"{\"resourceType\": \"Bundle\", \"entry\": 5}", "not a list"),
        (b"{\"resourceType\": \"Bundle\", \"type\": \"collection\"}", "empty"),
        (b"{\"resourceType\": \"Bundle\", \"type\": \"history\", \"entry\": []}", "history"),
        (
            b"{\"resourceType\": \"Bundle\", \"entry\": [{\"resource\": {\"resourceType\": \"Bundle\"}}]}",
            "Bundle within",
        ),
    ];
    for (payload, words) in cases {
        let refused = refusal(DataFormat::Fhir, payload);
        assert!(refused.contains(words), "{refused} / {words}");
    }
    let deep = format!("{{\"resourceType\": \"Patient\", \"x\": {}{}}}", "[".repeat(500), "]".repeat(500));
    assert!(refusal(DataFormat::Fhir, deep.as_bytes()).contains("nested deeper"));
    let large = vec![b' '; reading::MOST_BYTES + 1];
    assert!(refusal(DataFormat::Fhir, &[b"{".as_slice(), &large].concat()).contains("bytes"));
    assert!(refusal(DataFormat::Ndjson, &[b"{}".as_slice(), &large].concat()).contains("bytes"));
    assert!(refusal(DataFormat::Csv, b"{}").contains("not as CSV"));
}

#[test]
fn ndjson_is_one_resource_on_each_line() {
    let line = |r: Value| format!("{r}\r\n");
    let good = format!("{}\n{}", line(patient("1974-01-01", "male")), line(icd("c", "I10")));
    let result = run_on(Operation::ClinicalConditionDetection, DataFormat::Ndjson, good.as_bytes(), none()).unwrap();
    assert_eq!(result["Conditions"][0]["Condition"], "Hypertension");
    assert!(refusal(DataFormat::Ndjson, format!("{good}{{\"resourceType\"").as_bytes()).contains("line 4"));
    assert!(refusal(DataFormat::Ndjson, b"{\"resourceType\": \"Bundle\", \"entry\": []}").contains("not a Bundle"));
}

#[test]
fn two_patients_in_one_item_are_refused() {
    let other = |field: &str, reference: Value| {
        let mut condition = icd("c2", "I50.9");
        condition.as_object_mut().unwrap().remove("subject");
        condition[field] = reference;
        condition
    };
    let second = json!({"resourceType": "Patient", "id": "q", "birthDate": "1980-01-01", "gender": "female"});
    let mixed: [Vec<Value>; 7] = [
        vec![patient("1974-01-01", "male"), second.clone()],
        vec![icd("c", "I10"), other("subject", json!({"reference": "Patient/q"}))],
        vec![icd("c", "I10"), other("patient", json!({"reference": "https://elsewhere.example/Patient/p"}))],
        vec![icd("c", "I10"), other("subject", json!({"reference": "urn:uuid:0c3201bd-1cbf-4d64-b04d-cd9187a4c6e0"}))],
        vec![icd("c", "I10"), other("subject", json!({"identifier": {"system": "urn:mrn", "value": "7"}}))],
        vec![patient("1974-01-01", "male"), other("beneficiary", json!({"reference": "Patient/q/_history/2"}))],
        vec![icd("c", "I10"), {
            let mut contained = other("subject", json!({"reference": "#q"}));
            contained["contained"] = json!([second]);
            contained
        }],
    ];
    for resources in mixed {
        let refused = refusal(DataFormat::Fhir, &bundle(&resources));
        assert_eq!(refused, "mixed patients: the record speaks of more than one patient");
    }
    let lines = format!("{}\n{}", patient("1974-01-01", "male"), other("subject", json!({"reference": "Patient/q"})));
    assert!(refusal(DataFormat::Ndjson, lines.as_bytes()).starts_with("mixed patients"));
}

/// The ways in which one patient may rightly be named.
#[test]
fn one_patient_may_be_named_in_many_ways() {
    let named = |reference: Value| {
        let mut known = patient("1974-01-01", "male");
        known["identifier"] = json!([{"system": "urn:mrn", "value": "7"}]);
        let mut condition = icd("c", "I10");
        condition["subject"] = reference;
        let at = json!({"At": "2024-06-01"});
        let result = run_bundle(Operation::ClinicalConditionDetection, &[known, condition], at);
        result.map(|found| found["Conditions"].as_array().unwrap().len())
    };
    for reference in [
        json!({"reference": "Patient/p"}),
        json!({"reference": "Patient/p/_history/3"}),
        json!({"reference": "https://example.org/fhir/Patient/p"}),
        json!({"identifier": {"system": "urn:mrn", "value": "7"}}),
    ] {
        assert_eq!(named(reference.clone()), Ok(1), "{reference}");
    }
    // A group or nobody is not the patient: the condition does not count.
    for reference in [json!({"reference": "Group/g"}), json!({"display": "the man next door"})] {
        assert_eq!(named(reference.clone()), Ok(0), "{reference}");
    }
    // Transactions name their resources by urn:uuid.
    let urn = "urn:uuid:0c3201bd-1cbf-4d64-b04d-cd9187a4c6e0";
    let mut condition = icd("c", "I10");
    condition["subject"]["reference"] = json!(urn);
    let mut nameless = patient("1974-01-01", "male");
    nameless.as_object_mut().unwrap().remove("id");
    let payload = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
        {"fullUrl": urn, "resource": nameless, "request": {"method": "POST", "url": "Patient"}}, {"resource": condition}]});
    let payload = serde_json::to_vec(&payload).unwrap();
    let result = run_on(Operation::ClinicalRiskAssessment, DataFormat::Fhir, &payload, none()).unwrap();
    assert_eq!(result["CHA2DS2VASc"]["Score"], 1);
}

#[test]
fn unclear_identities_are_refused() {
    let twice = refusal(DataFormat::Fhir, &bundle(&[icd("c", "I10"), icd("c", "I50.9")]));
    assert!(twice.contains("mixed versions"), "{twice}");
    let of_two_servers = json!({"resourceType": "Bundle", "entry": [
        {"fullUrl": "http://a.example/Medication/m", "resource": {"resourceType": "Medication", "id": "m"}},
        {"fullUrl": "http://b.example/Medication/m", "resource": {"resourceType": "Medication", "id": "m"}},
        {"resource": {"resourceType": "Condition", "subject": {"reference": "Medication/m"}}}]});
    let refused = refusal(DataFormat::Fhir, &serde_json::to_vec(&of_two_servers).unwrap());
    assert!(refused.contains("more than one resource"), "{refused}");
}

#[test]
fn refusals_show_no_values() {
    let secret = "Xylophone-1974";
    let mut birth = patient(secret, "male");
    birth["id"] = json!("p");
    let mut onset = icd("c", "I10");
    onset["onsetDateTime"] = json!(secret);
    let mut status = icd("c", "I10");
    status["verificationStatus"]["coding"][0]["code"] = json!(secret);
    let unknown = json!({"resourceType": secret, "id": "x"});
    let unit = quantity(secret, "8867-4", 70.0, secret, "2024-01-01T10:00:00Z");
    for (operation, resource) in [
        (Operation::ClinicalRiskAssessment, birth),
        (Operation::ClinicalConditionDetection, onset),
        (Operation::ClinicalConditionDetection, status),
        (Operation::ClinicalConditionDetection, unknown),
        (Operation::ClinicalStateClassification, unit),
    ] {
        let refused = run_bundle(operation, &[resource], json!({"At": "2024-02-01"})).unwrap_err();
        assert!(!refused.contains(secret), "{refused}");
    }
}

#[test]
fn an_operation_of_another_class_is_not_performed() {
    let payload = bundle(&[patient("1974-01-01", "male")]);
    let refused = run_on(Operation::MolecularRiskPrediction, DataFormat::Fhir, &payload, none()).unwrap_err();
    assert_eq!(refused, "this module does not perform that");
}
