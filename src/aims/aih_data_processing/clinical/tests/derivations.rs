//! Conditions, outcomes, phenotypes and observations.

use super::*;

fn stay(id: &str, class: &str, start: &str, end: Option<&str>) -> Value {
    let mut encounter = json!({
        "resourceType": "Encounter", "id": id, "status": "finished", "subject": {"reference": "Patient/p"},
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": class}, "period": {"start": start}
    });
    match end {
        Some(end) => encounter["period"]["end"] = json!(end),
        None => encounter["status"] = json!("in-progress"),
    }
    encounter
}

#[test]
fn conditions_come_with_the_resources_that_show_them() {
    let resources = [
        patient("1974-01-01", "male"),
        icd("af", "I48.91"),
        condition("asthma", "http://snomed.info/sct", "195967001"),
        with_status(icd("old", "J44.9"), "clinicalStatus", "resolved"),
        with_status(icd("maybe", "C34.90"), "verificationStatus", "provisional"),
        with_status(icd("no", "F32.9"), "verificationStatus", "refuted"),
        icd("skin", "C44.91"),
        quantity("bmi", "39156-5", 31.2, "kg/m2", "2024-01-09"),
    ];
    let result = run_bundle(Operation::ClinicalConditionDetection, &resources, none()).unwrap();
    let found: Vec<(&str, &str, &str)> = result["Conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (text(c, "Condition"), text(c, "Presence"), text(&c["Evidence"][0], "Resource")))
        .collect();
    assert_eq!(
        found,
        [
            ("AtrialFibrillation", "Present", "Condition/af"),
            ("Asthma", "Present", "Condition/asthma"),
            ("ChronicObstructivePulmonaryDisease", "Past", "Condition/old"),
            ("Cancer", "Unconfirmed", "Condition/maybe"),
            ("Obesity", "Present", "Observation/bmi"),
        ]
    );
    assert_eq!(result["UnlistedConditionCount"], 1, "basal cell carcinoma is left out of cancer");
    assert!(result["NotDocumented"].as_array().unwrap().contains(&json!("Depression")));
}

#[test]
fn every_listed_disease_is_found_by_each_system() {
    let cases = [
        ("I10", "38341003", Some("K86"), "Hypertension"),
        ("E10.9", "46635009", Some("T89"), "DiabetesType1"),
        ("E11.9", "44054006", Some("T90"), "DiabetesType2"),
        ("I50.9", "84114007", Some("K77"), "HeartFailure"),
        ("I63.9", "230690007", Some("K90"), "IschaemicOrUnspecifiedStroke"),
        ("I61.9", "274100004", None, "HaemorrhagicStroke"),
        ("G45.9", "266257000", Some("K89"), "TransientIschaemicAttackOrEmbolism"),
        ("D64.9", "271737000", Some("B82"), "Anaemia"),
        ("I70.2", "22298006", Some("K92"), "VascularDisease"),
        ("J44.1", "13645005", Some("R95"), "ChronicObstructivePulmonaryDisease"),
        ("N18.3", "709044004", None, "ChronicKidneyDisease"),
        ("C50.9", "254837009", Some("X76"), "Cancer"),
        ("F32.1", "35489007", Some("P76"), "Depression"),
        ("J45.909", "195967001", Some("R96"), "Asthma"),
        ("E66.9", "414916001", Some("T82"), "Obesity"),
        ("I48", "49436004", Some("K78"), "AtrialFibrillation"),
    ];
    for (icd_10, snomed_ct, icpc_2, name) in cases {
        let systems = [
            ("http://hl7.org/fhir/sid/icd-10", Some(icd_10)),
            ("http://snomed.info/sct", Some(snomed_ct)),
            ("http://hl7.org/fhir/sid/icpc-2", icpc_2),
        ];
        for (system, code) in systems.into_iter().filter_map(|(s, c)| Some((s, c?))) {
            let found =
                run_bundle(Operation::ClinicalConditionDetection, &[condition("c", system, code)], none()).unwrap();
            assert_eq!(found["Conditions"][0]["Condition"], name, "{code}");
            assert_eq!(found["Conditions"].as_array().unwrap().len(), 1, "{code}");
        }
    }
    // The same letters in a system that means something else find nothing.
    let other =
        run_bundle(Operation::ClinicalConditionDetection, &[condition("c", "http://example.org/ward", "I48")], none());
    assert_eq!(other.unwrap()["Conditions"], json!([]));
}

#[test]
fn readmission_is_counted_in_days_between_stays() {
    let answer =
        |stays: &[Value], at: &str| run_bundle(Operation::ClinicalOutcomeDerivation, stays, json!({"At": at})).unwrap();
    let first = stay("a", "IMP", "2024-01-01", Some("2024-01-05T10:00:00Z"));
    let cases = [("2024-02-04", "Yes", 30), ("2024-02-05", "No", 31), ("2024-01-06", "Yes", 1)];
    for (start, expected, days) in cases {
        let result = answer(&[first.clone(), stay("b", "IMP", start, Some("2024-02-10"))], "2024-12-31");
        assert_eq!(result["Answer"], expected, "{start}");
        assert_eq!(result["Discharges"][0]["DaysToNextStay"], days);
    }
    // The same day is a transfer, a clinic visit no stay.
    let transfer = [
        first.clone(),
        stay("b", "ACUTE", "2024-01-05", Some("2024-01-09")),
        stay("c", "AMB", "2024-01-20", Some("2024-01-20")),
    ];
    let result = answer(&transfer, "2024-12-31");
    assert_eq!(result["Answer"], "No");
    assert_eq!(result["Discharges"][0]["Stay"], json!(["Encounter/a", "Encounter/b"]));
    assert_eq!(answer(std::slice::from_ref(&first), "2024-01-20")["Answer"], "Open", "too early to say");
    assert_eq!(answer(std::slice::from_ref(&first), "2024-02-04")["Answer"], "No");
    assert_eq!(answer(&[stay("a", "IMP", "2024-01-01", None)], "2024-03-01")["Answer"], "Open", "still there");
    for refused in [
        run_bundle(Operation::ClinicalOutcomeDerivation, &[stay("a", "IMP", "2024-01", Some("2024-02"))], none()),
        run_bundle(Operation::ClinicalOutcomeDerivation, &[stay("a", "IMP", "2024-01-05", Some("2024-01-01"))], none()),
        run_bundle(Operation::ClinicalOutcomeDerivation, &[icd("c", "I10")], none()),
    ] {
        assert!(refused.unwrap_err().contains("period to the day"));
    }
}

#[test]
fn control_is_judged_by_the_newest_value() {
    let glycaemic = |value: f64, unit: &str| {
        let resources =
            [quantity("old", "4548-4", 11.0, "%", "2023-01-01"), quantity("new", "4548-4", value, unit, "2024-01-01")];
        run_bundle(Operation::ClinicalOutcomeDerivation, &resources, json!({"Outcome": "GlycaemicControl"})).unwrap()
    };
    for (value, unit, expected) in
        [(6.9, "%", "Yes"), (7.0, "%", "No"), (52.0, "mmol/mol", "Yes"), (53.0, "mmol/mol", "No")]
    {
        assert_eq!(glycaemic(value, unit)["Answer"], expected, "{value} {unit}");
    }
    let pressure = |birth: &str, systolic: f64, diastolic: f64| {
        let resources = [
            patient(birth, "female"),
            quantity("s", "8480-6", systolic, "mm[Hg]", "2024-01-01"),
            quantity("d", "8462-4", diastolic, "mm[Hg]", "2024-01-01"),
        ];
        run_bundle(Operation::ClinicalOutcomeDerivation, &resources, json!({"Outcome": "BloodPressureControl"}))
    };
    for (birth, systolic, diastolic, expected) in [
        ("1974-01-01", 139.0, 89.0, "Yes"),
        ("1974-01-01", 140.0, 80.0, "No"),
        ("1974-01-01", 130.0, 90.0, "No"),
        ("1944-01-01", 149.0, 80.0, "Yes"),
        ("1944-01-02", 149.0, 80.0, "No"),
    ] {
        assert_eq!(pressure(birth, systolic, diastolic).unwrap()["Answer"], expected, "{birth} {systolic}/{diastolic}");
    }
    assert!(pressure("1944", 149.0, 80.0).unwrap_err().contains("tell it from 80"));
    let unknown = run_bundle(Operation::ClinicalOutcomeDerivation, &[icd("c", "I10")], json!({"Outcome": "Happiness"}));
    assert!(unknown.unwrap_err().contains("parameter Outcome"));
}

fn medicine(id: &str, system: &str, code: &str) -> Value {
    json!({"resourceType": "MedicationRequest", "id": id, "status": "active", "intent": "order", "subject": {"reference": "Patient/p"},
        "authoredOn": "2024-01-01", "contained": [{"resourceType": "Medication", "id": "m", "code": {"coding": [{"system": system, "code": code}]}}],
        "medicationReference": {"reference": "#m"}})
}

#[test]
fn the_diabetes_phenotype_needs_more_than_a_code() {
    let hba1c = |id: &str, percent: f64, at: &str| quantity(id, "4548-4", percent, "%", at);
    let metformin = || medicine("met", "http://www.nlm.nih.gov/research/umls/rxnorm", "6809");
    let insulin = || medicine("ins", "http://www.whocc.no/atc", "A10AE04");
    let cases: Vec<(&str, Vec<Value>, &str)> = vec![
        ("code and laboratory", vec![icd("c", "E11.9"), hba1c("a", 6.5, "2024-01-01")], "Type2Diabetes"),
        ("code and medicine", vec![icd("c", "E11.9"), metformin()], "Type2Diabetes"),
        ("code alone", vec![icd("c", "E11.9")], "DiabetesByCodeOnly"),
        ("type 1 with insulin", vec![icd("c", "E10.9"), insulin()], "Type1Diabetes"),
        ("type 1 without", vec![icd("c", "E10.9")], "DiabetesByCodeOnly"),
        ("both types", vec![icd("c", "E10.9"), icd("d", "E11.9"), insulin()], "Conflicting"),
        (
            "two abnormal days",
            vec![hba1c("a", 6.5, "2024-01-01"), hba1c("b", 7.0, "2024-02-01")],
            "DiabetesTypeUndetermined",
        ),
        ("two of one day", vec![hba1c("a", 6.5, "2024-01-01"), hba1c("b", 7.0, "2024-01-01")], "NoEvidenceOfDiabetes"),
        ("one abnormal", vec![hba1c("a", 9.0, "2024-01-01")], "NoEvidenceOfDiabetes"),
        ("below the limit", vec![hba1c("a", 6.4, "2024-01-01"), hba1c("b", 6.4, "2024-02-01")], "NoEvidenceOfDiabetes"),
        (
            "fasting glucose 126 mg/dL twice",
            vec![
                quantity("a", "1558-6", 126.0, "mg/dL", "2024-01-01"),
                quantity("b", "1558-6", 126.0, "mg/dL", "2024-01-02"),
            ],
            "DiabetesTypeUndetermined",
        ),
    ];
    for (name, resources, expected) in cases {
        let result = run_bundle(Operation::ClinicalPhenotypeDerivation, &resources, none()).unwrap();
        assert_eq!(result["Phenotype"], expected, "{name}");
    }
    let mut cancelled = metformin();
    cancelled["status"] = json!("cancelled");
    let result = run_bundle(Operation::ClinicalPhenotypeDerivation, &[icd("c", "E11.9"), cancelled], none()).unwrap();
    assert_eq!(result["Phenotype"], "DiabetesByCodeOnly");
    let nothing = run_bundle(Operation::ClinicalPhenotypeDerivation, &[icd("c", "I10")], none()).unwrap_err();
    assert!(nothing.contains("HbA1c"), "{nothing}");
}

#[test]
fn what_can_be_judged_is_offered_as_series_values_and_codes() {
    let payload = bundle(&[
        patient("1974-01-01", "male"),
        icd("c", "I48.0"),
        quantity("b", "8867-4", 80.0, "/min", "2024-01-01T00:01:00Z"),
        quantity("a", "8867-4", 70.0, "{beats}/min", "2024-01-01T00:00:00Z"),
        quantity("g", "2345-7", 90.0, "mg/dL", "2024-01-01T00:00:30Z"),
        quantity("x", "777-3", 250.0, "10*3/uL", "2024-01-01T00:00:30Z"),
    ]);
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
    assert_eq!((observed.series.len(), observed.values.len(), observed.codes.len()), (1, 2, 1));
    assert_eq!((observed.series[0].name.as_str(), observed.series[0].unit.as_str()), ("heart rate", "/min"));
    assert_eq!(
        (&observed.series[0].at_seconds[..], &observed.series[0].values[..]),
        (&[0.0, 60.0][..], &[70.0, 80.0][..])
    );
    assert_eq!(observed.values[0].name, "LOINC 777-3");
    assert_eq!((observed.values[1].unit.as_str(), (observed.values[1].value * 100.0).round()), ("mmol/L", 500.0));
    assert_eq!(observed.codes[0].code, "I48.0");
    assert_eq!(observed.codes[0].at.as_deref(), Some("2024-01-10T00:00:00Z"));
}
