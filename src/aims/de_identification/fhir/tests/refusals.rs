//! What is not treated, and with which words.

use super::*;

#[test]
fn damaged_records_and_mixed_patients_are_refused() {
    let two =
        bundle_of(&[json!({"resourceType": "Patient", "id": "a"}), json!({"resourceType": "Patient", "id": "b"})]);
    let cases: [(&[u8], &str); 7] = [
        (b"", "empty"),
        (b"<Patient/>", "XML"),
        (b"{\"resourceType\": \"Patient\"", "not one strict JSON"),
        (b"{\"resourceType\": \"Patient\", \"id\": \"a\", \"id\": \"b\"}", "duplicate key"),
        (b"{\"resourceType\": \"Alien\"}", "no resource type of that name"),
        (b"[1, 2]", "not a JSON object"),
        (&two, "mixed patients"),
    ];
    for (payload, words) in cases {
        let refused = treated_with(7, DataFormat::Fhir, payload, json!({})).unwrap_err();
        assert!(refused.contains(words), "{refused}");
    }
    let refused = treated_with(7, DataFormat::Csv, b"{}", json!({})).unwrap_err();
    assert!(refused.contains("not as CSV"), "{refused}");
}

#[test]
fn a_parameter_with_another_value_is_refused() {
    for wrong in [json!("month"), json!(7), json!(null), json!("Shift")] {
        let refused =
            treated_with(7, DataFormat::Fhir, b"{\"resourceType\": \"Patient\"}", json!({"Dates": wrong})).unwrap_err();
        assert!(refused.contains("parameter Dates"), "{refused}");
    }
}

#[test]
fn a_birth_date_that_is_none_is_refused_without_its_value() {
    let payload = bundle_of(&[
        json!({"resourceType": "Patient", "id": "p", "birthDate": "Quillfeather"}),
        json!({"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}, "recordedDate": "2024-01-01"}),
    ]);
    let refused = treated_with(7, DataFormat::Fhir, &payload, json!({})).unwrap_err();
    assert!(refused.contains("birthDate") && !refused.contains("Quill"), "{refused}");
}
