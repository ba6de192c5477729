use serde_json::{Value, json};

use super::{MONDAY, acceleration, attempt, steps};
use crate::{
    domain::operation::Operation::{
        self, BehaviouralPatternCharacterisation, BehaviouralRiskPrediction, BehaviouralStateClassification,
        BehaviouralStateDetection, BehaviouralTrendMonitoring,
    },
    schema::wire::DataFormat,
};

fn refusal(operation: Operation, file: &str) -> String {
    attempt(operation, DataFormat::Csv, file.as_bytes(), Value::Null).unwrap_err()
}

#[test]
fn what_is_no_table_of_samples_is_refused() {
    let good = steps(1, |minute| (minute < 20).then_some(minute));
    assert!(attempt(BehaviouralStateDetection, DataFormat::Csv, good.as_bytes(), Value::Null).is_ok());
    let cases = [
        (String::new(), "the payload is empty"),
        (" \n".to_owned(), "the payload is empty"),
        (good.trim_end().to_owned(), "the file ends early"),
        (good.replace("timestamp", "time"), "no column is named timestamp"),
        (good.replace("steps", "kilometres"), "neither those of acceleration nor those of steps"),
        (good.replace("timestamp,steps", "timestamp,x,y,z,steps"), "neither those of acceleration nor those of steps"),
        (good.replace("timestamp,steps", "timestamp,steps,steps"), "two columns have one name"),
        (good.replacen(",5\n", ",Smith\n", 1), "sample 6 is not valid: a measured value is no number"),
        (good.replacen(",5\n", ",-5\n", 1), "sample 6 is not valid: its steps are no count"),
        (good.replacen(",5\n", ",5.5\n", 1), "its steps are no count"),
        (good.replacen(",5\n", ",NaN\n", 1), "its steps are no count"),
        (good.replacen(",5\n", ",900\n", 1), "more steps than a person can make"),
        (good.replacen(",5\n", ",5,6\n", 1), "one field for each column"),
        (good.replacen("1709510400", "yesterday", 1), "neither RFC 3339 nor seconds"),
        (good.replacen("1709510400", "-5", 1), "no time between 1970 and 2200"),
        (good.replacen("1709510400", "1709510400000", 1), "no time between 1970 and 2200"),
        (good.replacen("1709510400", "1709599999", 1), "not a second or more after"),
        (good.replacen("1709510400", "1709510407", 1), "regular epochs"),
        ("timestamp,steps\n".to_owned(), "0 valid samples"),
        ("timestamp,steps\n1709510400,5\n".to_owned(), "1 valid samples"),
        ("timestamp,steps\n1709510400,5\n1809510400,5\n".to_owned(), "more than 800 days"),
    ];
    for (file, reason) in cases {
        let refusal = refusal(BehaviouralStateDetection, &file);
        assert!(refusal.contains(reason), "{reason}: {refusal}");
        assert!(!refusal.contains("Smith"));
    }
    let bytes = [good.as_bytes(), b"\xff\xfe\n"].concat();
    let refusal = attempt(BehaviouralStateDetection, DataFormat::Csv, &bytes, Value::Null).unwrap_err();
    assert_eq!(refusal, "the payload is no UTF-8 text");
}

#[test]
fn two_persons_in_one_recording_are_refused() {
    let file = "timestamp,steps,Subject\n0,5,Anna\n60,5,Anna\n120,5,Berta\n";
    assert_eq!(refusal(BehaviouralStateDetection, file), "the recording holds samples of more than one person");
    let document =
        json!([{"timestamp": 0, "steps": 5, "subject": "Anna"}, {"timestamp": 60, "steps": 5, "patient": "Berta"}]);
    let refusal = attempt(BehaviouralStateDetection, DataFormat::Json, document.to_string().as_bytes(), Value::Null);
    assert_eq!(refusal.unwrap_err(), "the recording holds samples of more than one person");
}

#[test]
fn every_name_of_a_person_is_looked_at_in_any_letters() {
    let mixed = "the recording holds samples of more than one person";
    let file = "timestamp,steps,subject,patient\n0,5,S,Anna\n60,5,S,Berta\n120,5,S,Berta\n";
    assert_eq!(refusal(BehaviouralStateDetection, file), mixed);
    let of = |document: Value| {
        attempt(BehaviouralStateDetection, DataFormat::Json, document.to_string().as_bytes(), Value::Null)
    };
    for name in ["Patient", "PATIENT", "Participant", "Person", "subject", "pAtIeNt"] {
        let two = json!([{"timestamp": 0, "steps": 5, name: "Anna"}, {"timestamp": 60, "steps": 5, name: "Berta"}]);
        assert_eq!(of(two).unwrap_err(), mixed, "{name}");
        // Who is named in one sample and not in the next may be somebody else there.
        let left = json!([{"timestamp": 0, "steps": 5, name: "Anna"}, {"timestamp": 60, "steps": 5}]);
        assert_eq!(of(left).unwrap_err(), mixed, "{name}");
        let one: Vec<Value> = (0..20).map(|n| json!({"timestamp": n * 60, "steps": 5, name: "Anna"})).collect();
        assert!(of(json!(one)).is_ok(), "{name}");
    }
    let twice = json!([{"timestamp": 0, "steps": 5, "patient": "Anna", "Patient": "Berta"}]);
    assert_eq!(of(twice).unwrap_err(), mixed);
    let number = json!([{"timestamp": 0, "steps": 5, "patient": 7}]);
    assert!(of(number).is_err());
}

#[test]
fn an_open_quotation_mark_does_not_eat_the_rest() {
    let rows: String = (2..40).map(|n| format!("{},5,b\n", n * 60)).collect();
    let file = format!("timestamp,steps,note\n0,5,a\n60,5,\"oops\n{rows}");
    assert!(refusal(BehaviouralStateDetection, &file).contains("a quoted field goes over several lines"));
    let closed = format!("timestamp,steps,note\n0,5,a\n60,5,\"a, and b\"\n{rows}");
    assert!(attempt(BehaviouralStateDetection, DataFormat::Csv, closed.as_bytes(), Value::Null).is_ok());
}

#[test]
fn an_offset_that_contradicts_the_timestamps_is_refused() {
    let rows: String = (0..40).map(|n| format!("2024-03-04T08:{n:02}:00-05:00,5\n")).collect();
    let file = format!("timestamp,steps\n{rows}");
    let ask = |minutes: i64| {
        let parameters = json!({"UTCOffsetMinutes": minutes});
        attempt(BehaviouralStateDetection, DataFormat::Csv, file.as_bytes(), parameters)
    };
    assert!(ask(0).unwrap_err().contains("another offset"));
    assert_eq!(ask(-300).unwrap()["Clock"], "Local");
}

#[test]
fn documents_that_are_no_samples_are_refused() {
    let ask =
        |text: &str| attempt(BehaviouralStateDetection, DataFormat::Json, text.as_bytes(), Value::Null).unwrap_err();
    assert_eq!(ask(""), "the payload is empty");
    for text in
        ["{", "[1, 2]", "{\"Rows\": []}", "\"Smith\"", "[{\"steps\": 5}]", "[{\"timestamp\": {}, \"steps\": 1}]"]
    {
        let refusal = ask(text);
        assert!(
            refusal.starts_with("the JSON document is no list of samples") && !refusal.contains("Smith"),
            "{refusal}"
        );
    }
    assert!(ask("[{\"timestamp\": 0, \"x\": 1, \"y\": 2}]").contains("neither x, y and z nor steps"));
    assert!(ask("[{\"timestamp\": \"Smith\", \"steps\": 2}]").contains("neither RFC 3339"));
    assert!(ask("[]").contains("0 valid samples"));
    let mixed = "[{\"timestamp\": 0, \"steps\": 2}, {\"timestamp\": 60, \"x\": 0, \"y\": 0, \"z\": 1}]";
    assert!(ask(mixed).contains("it mixes acceleration and steps"));
    let deep = "[".repeat(100_000);
    assert!(ask(&deep).starts_with("the JSON document"));
}

#[test]
fn acceleration_that_cannot_be_raw_is_refused() {
    let still = |tick: i64| [0.0, 0.0, 1.0 + (tick % 3) as f64 * 0.001];
    let good = acceleration(2, still);
    assert!(attempt(BehaviouralStateClassification, DataFormat::Csv, good.as_bytes(), Value::Null).is_ok());
    let metres = acceleration(2, |_| [0.0, 0.0, 9.81]);
    assert!(refusal(BehaviouralStateClassification, &metres).contains("not about 1 g"));
    let slow = "timestamp,x,y,z\n".to_owned()
        + &(0..600).map(|n| format!("{}.{},0,0,1\n", MONDAY + n / 2, n % 2 * 5)).collect::<String>();
    assert!(refusal(BehaviouralStateClassification, &slow).contains("at least 10 samples a second"));
    let epochs =
        "timestamp,x,y,z\n".to_owned() + &(0..60).map(|n| format!("{},0,0,1\n", MONDAY + n * 60)).collect::<String>();
    assert!(refusal(BehaviouralStateClassification, &epochs).contains("at least 10 samples a second"));
    let file = good.replacen(".5,0.0000", ".5,21.0", 1);
    assert!(refusal(BehaviouralStateClassification, &file).contains("within 20 g"));
    let file = good.replacen(".5,0.0000", ".5,NaN", 1);
    assert!(refusal(BehaviouralStateClassification, &file).contains("within 20 g"));
    let mut lines = good.lines().collect::<Vec<_>>();
    lines.swap(5, 6);
    let refused = refusal(BehaviouralStateClassification, &(lines.join("\n") + "\n"));
    assert!(refused.contains("sample 6 is not valid: its timestamp is not after"), "{refused}");
    let far = good.clone() + &format!("{}.0,0,0,1\n", MONDAY + 61 * 86_400);
    assert!(refusal(BehaviouralStateClassification, &far).contains("more than 60 days"));
}

#[test]
fn an_analysis_without_enough_data_is_refused() {
    let two_days = steps(2, |minute| Some(minute % 50));
    assert!(refusal(BehaviouralPatternCharacterisation, &two_days).contains("48 valid hours are there, at least 72"));
    assert!(refusal(BehaviouralTrendMonitoring, &two_days).contains("2 valid days are there, at least 5"));
    assert!(refusal(BehaviouralRiskPrediction, &two_days).contains("2 valid days are there, at least 4"));
    let working_days = steps(5, |minute| Some(minute % 50));
    assert!(refusal(BehaviouralRiskPrediction, &working_days).contains("0 valid days at a weekend"));
    let never = steps(8, |minute| (minute % 1440 < 1200).then_some(minute % 50));
    assert!(refusal(BehaviouralPatternCharacterisation, &never).contains("1200 valid times of the average day"));
    assert!(refusal(BehaviouralPatternCharacterisation, &steps(4, |_| Some(5))).contains("never changes"));
    let hourly = steps(4, |minute| (minute % 60 == 0).then_some(minute % 50));
    assert!(refusal(BehaviouralStateClassification, &hourly).contains("epochs of at most a minute"));
    assert!(refusal(BehaviouralStateDetection, &hourly).contains("epochs of at most a minute"));
    assert!(refusal(BehaviouralRiskPrediction, &hourly).contains("epochs of at most a minute"));
    let short = steps(1, |minute| (minute < 5).then_some(0));
    assert!(refusal(BehaviouralStateDetection, &short).contains("5 valid minutes"));
}

#[test]
fn parameters_outside_their_range_are_refused() {
    let file = steps(1, |minute| Some(minute % 50));
    for (parameters, name) in [
        (json!({"WearSite": "ankle"}), "WearSite"),
        (json!({"AgeGroup": "child"}), "AgeGroup"),
        (json!({"MinimumHours": 25}), "MinimumHours"),
        (json!({"UTCOffsetMinutes": 900}), "UTCOffsetMinutes"),
        (json!({"UTCOffsetMinutes": "east"}), "UTCOffsetMinutes"),
    ] {
        let refusal =
            attempt(BehaviouralStateClassification, DataFormat::Csv, file.as_bytes(), parameters).unwrap_err();
        assert!(refusal.contains(name), "{name}: {refusal}");
    }
    let refusal = attempt(BehaviouralStateDetection, DataFormat::Csv, file.as_bytes(), json!({"ActivityMinutes": 1}));
    assert!(refusal.unwrap_err().contains("ActivityMinutes"));
}

#[test]
fn another_format_or_processing_type_is_refused() {
    let file = steps(1, Some);
    let refusal = attempt(BehaviouralStateDetection, DataFormat::Vcf, file.as_bytes(), Value::Null).unwrap_err();
    assert_eq!(refusal, "this AI Module reads CSV and JSON only");
    let file = steps(1, |minute| Some(minute % 50));
    let refusal = attempt(Operation::BrainStateClassification, DataFormat::Csv, file.as_bytes(), Value::Null);
    assert_eq!(refusal.unwrap_err(), "this AI Module does not perform that processing type");
}
