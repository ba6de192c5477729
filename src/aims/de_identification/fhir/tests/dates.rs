//! Dates: order and distance kept, or years alone; nobody older than 90.

use time::{Date, macros::format_description};

use super::*;

fn day(value: &Value) -> Date {
    Date::parse(&value.as_str().unwrap()[..10], format_description!("[year]-[month]-[day]")).unwrap()
}

fn stay(born: &str) -> Vec<Value> {
    vec![
        json!({"resourceType": "Patient", "id": "p", "birthDate": born, "gender": "male", "_birthDate": {"extension": [
            {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime", "valueDateTime": format!("{born}T14:35:45-05:00")}]}}),
        json!({"resourceType": "Encounter", "id": "e", "status": "finished", "subject": {"reference": "Patient/p"}, "class": {"code": "IMP"},
            "period": {"start": "2023-12-28", "end": "2024-01-09T23:30:00+02:00"}}),
        json!({"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}, "onsetDateTime": "1950", "recordedDate": "2023-11"}),
        json!({"resourceType": "Observation", "id": "o", "status": "final", "subject": {"reference": "Patient/p"}, "effectiveInstant": "2024-01-09T10:00:00.250Z",
            "issued": "2024-01-09T10:05:00Z", "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}, "valueTime": "10:00:00"}),
    ]
}

#[test]
fn shifted_dates_keep_order_distance_and_precision() {
    let treated = treated(&bundle_of(&stay("1960-02-29")), json!({}));
    let days: i64 = treated.mapping.iter().find(|m| m.kind == "days").unwrap().pseudonym.parse().unwrap();
    let r = resources_of(&treated.payload);
    let original = |text: &str| {
        Date::parse(text, format_description!("[year]-[month]-[day]")).unwrap() + time::Duration::days(days)
    };
    assert_eq!(day(&r[0]["birthDate"]), original("1960-02-29"));
    assert_eq!(day(&r[1]["period"]["start"]), original("2023-12-28"));
    let end = r[1]["period"]["end"].as_str().unwrap();
    assert!(end.ends_with("T21:30:00Z"), "{end}: the offset tells where");
    let instant = r[3]["effectiveInstant"].as_str().unwrap();
    assert!(instant.ends_with("T10:00:00.25Z"), "{instant}");
    assert_eq!(day(&r[3]["issued"]), original("2024-01-09"));
    assert_eq!(r[2]["recordedDate"].as_str().unwrap().len(), 7);
    assert_eq!(r[2]["onsetDateTime"].as_str().unwrap().len(), 4);
    assert_eq!(r[3]["valueTime"], "10:00:00");
    assert!(!String::from_utf8(treated.payload).unwrap().contains("birthTime"));
}

#[test]
fn the_shift_is_the_persons_own() {
    let shift = |key: u8, id: &str| {
        let payload = json!({"resourceType": "Condition", "id": "c", "subject": {"reference": format!("Patient/{id}")}, "recordedDate": "2024-01-09"});
        let treated = treated_with(key, DataFormat::Fhir, payload.to_string().as_bytes(), json!({})).unwrap();
        serde_json::from_slice::<Value>(&treated.payload).unwrap()["recordedDate"].as_str().unwrap().to_owned()
    };
    assert_eq!(shift(7, "p"), shift(7, "p"));
    let others: std::collections::BTreeSet<String> = (0..20).map(|n| shift(7, &format!("p{n}"))).collect();
    assert!(others.len() > 10, "{others:?}");
    assert!((1..9).any(|key| shift(key, "p") != shift(7, "p")));
}

#[test]
fn years_alone_are_what_safe_harbor_asks() {
    let treated = treated(&bundle_of(&stay("1960-02-29")), json!({"Dates": "year"}));
    let r = resources_of(&treated.payload);
    assert_eq!(r[0]["birthDate"], "1960");
    assert_eq!(r[1]["period"], json!({"start": "2023", "end": "2024"}));
    assert_eq!((r[3].get("effectiveInstant"), r[3].get("issued"), r[3].get("valueTime")), (None, None, None));
    assert!(!treated.residual.iter().any(|note| note.contains("deviation")));
    assert!(!treated.mapping.iter().any(|mapped| mapped.kind == "days"));
}

#[test]
fn nobody_is_older_than_ninety() {
    for dates in ["shift", "year"] {
        let young = resources_of(&treated(&bundle_of(&stay("1934-01-10")), json!({"Dates": dates})).payload);
        assert_ne!(young[0]["birthDate"], "1933", "89 on 9 January 2024");
        for born in ["1934-01-09", "1926-05-05", "1910-01-01"] {
            let old = treated(&bundle_of(&stay(born)), json!({"Dates": dates}));
            let r = resources_of(&old.payload);
            let newest: i32 = r[1]["period"]["end"].as_str().unwrap()[..4].parse().unwrap();
            assert_eq!(r[0]["birthDate"], json!(format!("{}", newest - 91)), "{born}: one year for all of them");
            assert!(old.residual.iter().any(|note| note.contains("90 or more")));
        }
    }
    let mut ancient = stay("1920-05-05");
    ancient[2]["onsetDateTime"] = json!("1925-01-01");
    assert_eq!(resources_of(&treated(&bundle_of(&ancient), json!({})).payload)[2].get("onsetDateTime"), None);
    ancient[2].as_object_mut().unwrap().remove("onsetDateTime");
    ancient[2]["onsetAge"] = json!({"value": 101, "system": "http://unitsofmeasure.org", "code": "a"});
    let kept = resources_of(&treated(&bundle_of(&ancient), json!({})).payload);
    assert_eq!(kept[2]["onsetAge"]["value"], 90);
    for (value, unit, expected) in [
        (89.9, "a", json!(89.9)),
        (90.0, "a", json!(90)),
        (1079.0, "mo", json!(1079.0)),
        (1081.0, "mo", json!(90)),
        (33000.0, "d", json!(90)),
    ] {
        ancient[2]["onsetAge"] = json!({"value": value, "system": "http://unitsofmeasure.org", "code": unit});
        assert_eq!(
            resources_of(&treated(&bundle_of(&ancient), json!({})).payload)[2]["onsetAge"]["value"],
            expected,
            "{value} {unit}"
        );
    }
}

#[test]
fn without_a_date_to_tell_the_age_the_birth_date_goes() {
    let treated = treated(
        json!({"resourceType": "Patient", "id": "p", "birthDate": "1911-11-11", "gender": "male"})
            .to_string()
            .as_bytes(),
        json!({}),
    );
    let kept: Value = serde_json::from_slice(&treated.payload).unwrap();
    assert_eq!((kept.get("birthDate"), &kept["gender"]), (None, &json!("male")));
    assert!(treated.residual.iter().any(|note| note.contains("birth date was removed")));
}
