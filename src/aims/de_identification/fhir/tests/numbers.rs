//! Numbers: as they are written, and none that is somebody's.

use super::*;

fn numbers_of(resource: &str) -> String {
    String::from_utf8(treated(resource.as_bytes(), json!({})).payload).unwrap()
}

fn observation(value: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"o","status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"2339-0"}}]}},
        "valueQuantity":{{"value":{value},"system":"http://unitsofmeasure.org","code":"mg/dL"}},
        "referenceRange":[{{"low":{{"value":70.00,"system":"http://unitsofmeasure.org","code":"mg/dL"}}}}]}}"#
    )
}

#[test]
fn a_decimal_keeps_its_precision() {
    for value in ["7.0", "7", "7.00", "0.10", "-0.0", "1.50e2", "1E-3", "98.60000000000000"] {
        let treated = numbers_of(&observation(value));
        assert!(
            treated.contains(&format!("\"value\":{value},")) || treated.contains(&format!("\"value\":{value}}}")),
            "{value}: {treated}"
        );
        assert!(treated.contains("70.00"), "{treated}");
    }
    let bundle =
        format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"resource":{}}}]}}"#, observation("7.10"));
    assert!(numbers_of(&bundle).contains("7.10"));
    let lines = format!(
        "{}\n{}\n",
        observation("1.0").replace('\n', ""),
        observation("2.00").replace('\n', "").replace("\"o\"", "\"p\"")
    );
    let treated = treated_with(7, DataFormat::Ndjson, lines.as_bytes(), json!({})).unwrap();
    let text = String::from_utf8(treated.payload).unwrap();
    assert!(text.contains("1.0") && text.contains("2.00") && text.lines().count() == 2, "{text}");
}

#[test]
fn a_number_with_more_digits_than_a_measurement_goes() {
    for value in ["1.9876543210987654321", "0.00000000000000000012345678901234567890", "1e12"] {
        let treated = numbers_of(&observation(value));
        assert!(!treated.contains(value), "{treated}");
    }
}

#[test]
fn a_text_cannot_pass_as_a_number() {
    let refused = treated_with(7, DataFormat::Fhir, observation("\"\\u00007, \\\"name\\\": 1\"").as_bytes(), json!({}));
    assert!(refused.unwrap_err().contains("U+0000"));
    assert!(!numbers_of(&observation("\"7.0\"")).contains("7.0"), "a text is no number");
}
