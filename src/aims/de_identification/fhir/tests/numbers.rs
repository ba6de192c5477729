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

/// Without a unit nobody knows of what an age is: 97 may be years.
#[test]
fn an_age_over_89_is_not_told_in_other_units() {
    let condition = |age: &str| {
        numbers_of(&format!(
            r#"{{"resourceType":"Condition","id":"c","code":{{"coding":[{{"system":"http://snomed.info/sct","code":"22298006"}}]}},{age}}}"#
        ))
    };
    let ucum = r#""system":"http://unitsofmeasure.org""#;
    for gone in [
        r#""onsetAge":{"value":97}"#.to_owned(),
        r#""onsetAge":{"value":97,"unit":"years"}"#.to_owned(),
        r#""onsetAge":{"value":97,"system":"http://example.org/units","code":"a"}"#.to_owned(),
        format!(r#""onsetAge":{{"value":97,{ucum},"code":"1"}}"#),
        format!(r#""onsetAge":{{"value":97,{ucum},"code":"a"}}"#),
        r#""onsetRange":{"low":{"value":60},"high":{"value":97}}"#.to_owned(),
    ] {
        assert!(!condition(&gone).contains(":97"), "{gone}");
    }
    for kept in [
        r#""onsetAge":{"value":87,"unit":"years"}"#.to_owned(),
        format!(r#""onsetAge":{{"value":87,{ucum},"code":"a"}}"#),
        format!(r#""onsetAge":{{"value":87,{ucum},"code":"d"}}"#),
    ] {
        assert!(condition(&kept).contains(":87"), "{kept}");
    }
    assert!(condition(&format!(r#""onsetAge":{{"value":97,{ucum},"code":"d"}}"#)).contains(":97"), "days");
}

#[test]
fn an_observation_of_an_age_is_an_age() {
    let observed = |code: &str, value: &str| {
        numbers_of(&format!(
            r#"{{"resourceType":"Observation","id":"o","status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"{code}"}}]}},{value}}}"#
        ))
    };
    for value in [r#""valueInteger":97"#, r#""valueQuantity":{"value":97,"unit":"years"}"#] {
        assert!(!observed("30525-0", value).contains(":97"), "{value}");
        assert!(observed("8867-4", value).contains(":97"), "a heart rate stays: {value}");
        assert!(observed("30525-0", &value.replace("97", "87")).contains(":87"), "{value}");
    }
    let component =
        r#""component":[{"code":{"coding":[{"system":"http://loinc.org","code":"30525-0"}]},"valueInteger":97}]"#;
    assert!(!observed("8867-4", component).contains(":97"));
}
