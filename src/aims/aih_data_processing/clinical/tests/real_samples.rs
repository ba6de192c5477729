//! The HL7 example resources, named by `HBE_SAMPLES`: read, or refused in words.

use std::{fs, path::PathBuf};

use super::*;

/// The folder of samples. A test that does not find it says so and checks nothing.
pub(crate) fn samples(test: &str) -> Option<PathBuf> {
    let folder =
        std::env::var_os("HBE_SAMPLES").map(|folder| PathBuf::from(folder).join("fhir")).filter(|p| p.is_dir());
    if folder.is_none() {
        eprintln!("SKIPPED {test}: HBE_SAMPLES names no folder with the sample resources");
    }
    folder
}

#[test]
fn each_sample_is_read_or_refused_in_words() {
    let Some(folder) = samples("each_sample_is_read_or_refused_in_words") else { return };
    let run = |name: &str, operation: Operation| {
        run_on(operation, DataFormat::Fhir, &fs::read(folder.join(name)).unwrap(), none())
    };
    let burn = run("condition-example.json", Operation::ClinicalConditionDetection).unwrap();
    assert_eq!((&burn["At"], &burn["UnlistedConditionCount"]), (&json!("2012-05-24"), &json!(1)));
    let blood_count = run("diagnosticreport-example.json", Operation::ClinicalConditionDetection).unwrap();
    assert_eq!(blood_count["Conditions"], json!([]));
    let patient = run("patient-example.json", Operation::ClinicalRiskAssessment).unwrap_err();
    assert!(patient.contains("any date"), "{patient}");
    let weight = run("observation-example.json", Operation::ClinicalStateClassification).unwrap_err();
    assert!(weight.contains("NEWS2 cannot be computed"), "{weight}");
    let medicine = run("medicationrequest0301.json", Operation::ClinicalPhenotypeDerivation).unwrap_err();
    assert!(medicine.contains("the record lacks"), "{medicine}");
    let risk = run("riskassessment-example.json", Operation::ClinicalOutcomeDerivation).unwrap_err();
    assert!(risk.contains("any date"), "an assessment is nothing that happened to the patient: {risk}");
}

#[test]
fn the_patient_of_hl7_is_scored_at_a_date() {
    let Some(folder) = samples("the_patient_of_hl7_is_scored_at_a_date") else { return };
    let payload = fs::read(folder.join("patient-example.json")).unwrap();
    let at = |at: &str| {
        let result = run_on(Operation::ClinicalRiskAssessment, DataFormat::Fhir, &payload, json!({"At": at})).unwrap();
        result["CHA2DS2VASc"]["Score"].as_u64().unwrap()
    };
    // A man born on 25 December 1974.
    assert_eq!((at("2039-12-24"), at("2039-12-25"), at("2049-12-25")), (0, 1, 2));
}

#[test]
fn the_blood_count_of_hl7_is_observed() {
    let Some(folder) = samples("the_blood_count_of_hl7_is_observed") else { return };
    // The haematocrit has a unit, but not of UCUM: 16 of 17.
    for (name, values, codes) in
        [("diagnosticreport-example.json", 16, 0), ("condition-example.json", 0, 1), ("observation-example.json", 1, 0)]
    {
        let payload = fs::read(folder.join(name)).unwrap();
        let (parameters, attachments) = (Map::new(), BTreeMap::new());
        let operation = Operation::AnomalyAndRiskAlerting;
        let input = Input {
            operation,
            format: DataFormat::Fhir,
            parameters: &parameters,
            payload: &payload,
            attachments: &attachments,
        };
        let observed = observe(&input).unwrap();
        println!("{name}: {observed:?}");
        assert_eq!((observed.values.len(), observed.codes.len()), (values, codes), "{name}");
    }
}
