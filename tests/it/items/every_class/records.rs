//! A record of one person, as a FHIR Bundle and as NDJSON: a diabetic of fifty with hypertension, well on the day, twice in
//! hospital.

use health_back_end::{domain::operation::Operation, schema::wire::DataFormat};
use serde_json::{Value, json};

use super::samples::Sample;

const AT: &str = "2024-06-01T10:00:00Z";

pub fn sample(format: DataFormat) -> Sample {
    Sample { parameters, ..Sample::new(bytes(format, &resources()), check) }
}

pub fn bytes(format: DataFormat, resources: &[Value]) -> Vec<u8> {
    match format {
        DataFormat::Fhir => {
            let url = |r: &Value| {
                format!(
                    "https://example.org/fhir/{}/{}",
                    r["resourceType"].as_str().unwrap(),
                    r["id"].as_str().unwrap()
                )
            };
            let entries: Vec<Value> = resources.iter().map(|r| json!({"fullUrl": url(r), "resource": r})).collect();
            json!({"resourceType": "Bundle", "type": "collection", "entry": entries}).to_string().into_bytes()
        }
        DataFormat::Ndjson => resources.iter().flat_map(|resource| format!("{resource}\n").into_bytes()).collect(),
        other => panic!("{} is no format of records", other.word()),
    }
}

pub fn resources() -> Vec<Value> {
    vec![
        json!({"resourceType": "Patient", "id": "p", "birthDate": "1974-01-01", "gender": "male"}),
        condition("bp", "I10"),
        condition("dm", "E11.9"),
        stay("a", "2024-01-01", "2024-01-05"),
        stay("b", "2024-01-20", "2024-01-25"),
        quantity("hba1c", "4548-4", 7.5, "%"),
        quantity("rr", "9279-1", 16.0, "/min"),
        quantity("spo2", "59408-5", 97.0, "%"),
        quantity("o2", "3151-8", 0.0, "L/min"),
        quantity("sys", "8480-6", 105.0, "mm[Hg]"),
        quantity("hr", "8867-4", 70.0, "{beats}/min"),
        awake(),
        quantity("temp", "8310-5", 37.0, "Cel"),
    ]
}

pub fn condition(id: &str, code: &str) -> Value {
    let coded = |system: &str, code: &str| json!({"coding": [{"system": format!("http://{system}"), "code": code}]});
    json!({
        "resourceType": "Condition", "id": id, "subject": {"reference": "Patient/p"}, "recordedDate": "2024-01-10",
        "clinicalStatus": coded("terminology.hl7.org/CodeSystem/condition-clinical", "active"),
        "verificationStatus": coded("terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed"),
        "code": coded("hl7.org/fhir/sid/icd-10-cm", code),
    })
}

fn stay(id: &str, start: &str, end: &str) -> Value {
    json!({
        "resourceType": "Encounter", "id": id, "status": "finished", "subject": {"reference": "Patient/p"},
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "period": {"start": start, "end": end},
    })
}

fn quantity(id: &str, loinc: &str, value: f64, unit: &str) -> Value {
    json!({
        "resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]}, "effectiveDateTime": AT,
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    })
}

fn awake() -> Value {
    let mut observation = quantity("avpu", "67775-7", 0.0, "1");
    let object = observation.as_object_mut().unwrap();
    object.remove("valueQuantity");
    let answer = json!({"coding": [{"system": "http://loinc.org", "code": "LA9340-6"}]});
    object.insert("valueCodeableConcept".to_owned(), answer);
    observation
}

fn parameters(operation: Operation) -> Value {
    match operation {
        Operation::ClinicalStateClassification => json!({"At": AT}),
        _ => json!({"At": "2024-06-02"}),
    }
}

fn check(operation: Operation, result: &Value) {
    match operation {
        Operation::ClinicalConditionDetection => {
            let found: Vec<_> =
                result["Conditions"].as_array().unwrap().iter().map(|c| c["Condition"].as_str().unwrap()).collect();
            assert_eq!(found, ["Hypertension", "DiabetesType2"], "{result}");
        }
        // Hypertension and diabetes, one point each; a man of fifty has none for age and sex.
        Operation::ClinicalRiskAssessment => assert_eq!(result["CHA2DS2VASc"]["Score"], 2, "{result}"),
        // A systolic pressure of 101 to 110 mmHg is one point of NEWS2; the rest is as it should be.
        Operation::ClinicalStateClassification => assert_eq!(result["Score"], 1, "{result}"),
        // Fifteen days between the stays.
        Operation::ClinicalOutcomeDerivation => {
            assert_eq!((&result["Answer"], &result["Discharges"][0]["DaysToNextStay"]), (&json!("Yes"), &json!(15)));
        }
        Operation::ClinicalPhenotypeDerivation => assert_eq!(result["Phenotype"], "Type2Diabetes", "{result}"),
        other => panic!("what is true of a record under {other} is not known here"),
    }
}
