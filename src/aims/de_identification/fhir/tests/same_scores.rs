//! What the AI Module computes from a record it computes from the treated one too.

use super::*;
use crate::{aims::aih_data_processing::clinical, domain::operation::Operation};

fn run(operation: Operation, payload: &[u8], parameters: &Value) -> Result<Value, String> {
    let parameters = parameters.as_object().cloned().unwrap_or_default();
    let attachments = std::collections::BTreeMap::new();
    let format = DataFormat::Fhir;
    clinical::run(&crate::aims::ai_modules::input::Input {
        operation,
        format,
        parameters: &parameters,
        payload,
        attachments: &attachments,
    })
}

fn ill(born: &str) -> Vec<u8> {
    let of = |kind: &str, id: &str, rest: Value| {
        let mut resource = json!({"resourceType": kind, "id": id, "subject": {"reference": "Patient/p"}});
        resource.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        resource
    };
    let condition = |id: &str, code: &str| {
        of(
            "Condition",
            id,
            json!({"code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code, "display": "of Ada"}], "text": "Ada's"}, "recordedDate": "2024-02-03",
            "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}}),
        )
    };
    let observation = |id: &str, loinc: &str, value: f64, unit: &str| {
        of(
            "Observation",
            id,
            json!({"status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": loinc, "display": "x"}], "text": "y"},
            "effectiveDateTime": "2024-05-01T10:00:00+02:00", "valueQuantity": {"value": value, "unit": "as Ada says", "system": "http://unitsofmeasure.org", "code": unit}}),
        )
    };
    let stay = |id: &str, from: &str, to: &str| {
        of(
            "Encounter",
            id,
            json!({"status": "finished", "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}, "period": {"start": from, "end": to}}),
        )
    };
    bundle_of(&[
        json!({"resourceType": "Patient", "id": "p", "birthDate": born, "gender": "female", "name": [{"family": "Lovelace"}]}),
        condition("c1", "I48.0"),
        condition("c2", "I10"),
        condition("c3", "E11.9"),
        condition("c4", "I63.9"),
        observation("rr", "9279-1", 22.0, "/min"),
        observation("sat", "59408-5", 93.0, "%"),
        observation("o2", "3151-8", 2.0, "L/min"),
        observation("hr", "8867-4", 112.0, "{beats}/min"),
        observation("bp", "8480-6", 99.0, "mm[Hg]"),
        observation("t", "8310-5", 38.4, "Cel"),
        observation("a1c", "4548-4", 8.1, "%"),
        of(
            "Observation",
            "avpu",
            json!({"status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "67775-7"}]}, "effectiveDateTime": "2024-05-01T09:55:00+02:00",
            "valueCodeableConcept": {"coding": [{"system": "http://loinc.org", "code": "LA9340-6", "display": "Alert"}]}}),
        ),
        stay("e1", "2024-01-01", "2024-01-10"),
        stay("e2", "2024-02-01", "2024-02-03"),
    ])
}

#[test]
fn scores_states_outcomes_and_phenotypes_are_the_same() {
    for born in ["1951-03-09", "1947-06-06", "1930-01-01", "1972-12-31"] {
        let payload = ill(born);
        let shifted = treated(&payload, json!({"Dates": "shift"})).payload;
        let of = |operation, payload: &[u8], pointer: &str| {
            let result =
                run(operation, payload, &json!({})).unwrap_or_else(|refusal| panic!("{operation} {born}: {refusal}"));
            result.pointer(pointer).unwrap_or_else(|| panic!("{pointer} in {result}")).clone()
        };
        for (operation, pointer) in [
            (Operation::ClinicalRiskAssessment, "/CHA2DS2VASc/Score"),
            (Operation::ClinicalStateClassification, "/Score"),
            (Operation::ClinicalStateClassification, "/ClinicalRisk"),
            (Operation::ClinicalOutcomeDerivation, "/Answer"),
            (Operation::ClinicalOutcomeDerivation, "/Discharges/0/DaysToNextStay"),
            (Operation::ClinicalPhenotypeDerivation, "/Phenotype"),
        ] {
            assert_eq!(
                of(operation, &payload, pointer),
                of(operation, &shifted, pointer),
                "{operation} {pointer} {born}"
            );
        }
        let years = treated(&payload, json!({"Dates": "year"})).payload;
        let (operation, pointer) = (Operation::ClinicalRiskAssessment, "/CHA2DS2VASc/Score");
        assert_eq!(of(operation, &payload, pointer), of(operation, &years, pointer), "{born}");
        let refused = run(Operation::ClinicalStateClassification, &years, &json!({})).unwrap_err();
        assert!(refused.contains("time of day"), "{refused}");
        let refused = run(Operation::ClinicalOutcomeDerivation, &years, &json!({})).unwrap_err();
        assert!(refused.contains("to the day"), "{refused}");
    }
}

#[test]
fn treating_twice_changes_only_the_names_and_dates() {
    let once = treated(&ill("1951-03-09"), json!({})).payload;
    let twice = treated_with(9, DataFormat::Fhir, &once, json!({})).unwrap();
    let shape = |payload: &[u8]| {
        let resources = resources_of(payload);
        resources
            .iter()
            .map(|r| (r["resourceType"].clone(), r["code"].clone(), r["valueQuantity"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(shape(&once), shape(&twice.payload));
    assert_eq!(twice.measures[0].value, 0.0, "nothing was left to remove");
}
