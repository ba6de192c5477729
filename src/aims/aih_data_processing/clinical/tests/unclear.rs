//! What a record says badly: bounds, units and answers that cannot be read, dates of other things, people left out.

use super::*;

const AT: &str = "2024-06-01T10:00:00Z";

/// With a comparator.
fn bound(mut observation: Value, comparator: &str) -> Value {
    observation["valueQuantity"]["comparator"] = json!(comparator);
    observation
}

fn without(mut resource: Value, element: &str) -> Value {
    resource.as_object_mut().unwrap().remove(element);
    resource
}

fn with(mut resource: Value, element: &str, value: Value) -> Value {
    resource[element] = value;
    resource
}

/// Observations of someone who scores 0, and more.
fn news2(more: &[Value]) -> Result<Value, String> {
    let mut all = vec![
        patient("1974-01-01", "male"),
        quantity("rr", "9279-1", 16.0, "/min", AT),
        quantity("spo2", "59408-5", 97.0, "%", AT),
        quantity("o2", "3151-8", 0.0, "L/min", AT),
        quantity("bp", "8480-6", 120.0, "mm[Hg]", AT),
        quantity("hr", "8867-4", 70.0, "/min", AT),
        concept("avpu", "67775-7", "http://loinc.org", "LA9340-6", AT),
        quantity("temp", "8310-5", 37.0, "Cel", AT),
    ];
    all.extend(more.iter().cloned());
    run_bundle(Operation::ClinicalStateClassification, &all, none())
}

#[test]
fn a_newer_observation_that_cannot_be_read_is_not_passed_over() {
    let later = "2024-06-01T10:30:00Z";
    assert_eq!(news2(&[]).unwrap()["Score"], 0);
    let cases = [
        ("oxygen saturation", bound(quantity("x", "59408-5", 80.0, "%", later), "<")),
        ("supplemental oxygen", bound(quantity("x", "3151-8", 15.0, "L/min", later), ">")),
        ("level of consciousness", concept("x", "67775-7", "http://example.org/ward", "coma", later)),
    ];
    for (name, newer) in cases {
        let refused = news2(std::slice::from_ref(&newer)).unwrap_err();
        assert!(refused.contains(name) && refused.contains("read"), "{refused}");
        // An older one of the kind decides nothing.
        assert_eq!(news2(&[with(newer, "effectiveDateTime", json!("2024-06-01T09:30:00Z"))]).unwrap()["Score"], 0);
    }
    // Nothing was observed, and nothing is said.
    let absent = without(concept("x", "67775-7", "http://loinc.org", "LA9343-0", later), "valueCodeableConcept");
    assert_eq!(news2(&[absent]).unwrap()["Score"], 0);
}

#[test]
fn two_observations_of_one_minute_must_agree() {
    let on_air = concept("x", "3151-8", "http://snomed.info/sct", "722742002", AT);
    let flow = quantity("o2b", "3151-8", 2.0, "L/min", AT);
    for contradiction in [flow, quantity("x", "59408-5", 85.0, "%", AT), quantity("x", "8867-4", 140.0, "/min", AT)] {
        let refused = news2(&[contradiction]).unwrap_err();
        assert!(refused.contains("without a contradiction"), "{refused}");
    }
    assert_eq!(news2(&[on_air, quantity("y", "8867-4", 72.0, "/min", AT)]).unwrap()["Score"], 0, "these do");
}

#[test]
fn a_bound_that_is_the_newest_decides_nothing() {
    let older = quantity("old", "4548-4", 6.8, "%", "2022-01-01");
    let newest = bound(quantity("new", "4548-4", 14.0, "%", "2024-01-01"), ">");
    let control = |resources: &[Value]| {
        run_bundle(Operation::ClinicalOutcomeDerivation, resources, json!({"Outcome": "GlycaemicControl"}))
    };
    assert_eq!(control(std::slice::from_ref(&older)).unwrap()["Answer"], "Yes");
    assert!(control(&[older.clone(), newest.clone()]).unwrap_err().contains("only a bound"));
    let phenotype = |resources: &[Value]| run_bundle(Operation::ClinicalPhenotypeDerivation, resources, none());
    assert!(phenotype(&[older.clone(), newest]).unwrap_err().contains("only a bound"));
    // Below a limit it is normal, whatever it is.
    let low = bound(quantity("new", "4548-4", 4.0, "%", "2024-01-01"), "<");
    assert_eq!(phenotype(&[quantity("old", "4548-4", 5.0, "%", "2022-01-01"), low]).unwrap()["NormalCount"], 2);
    let fractions = [
        patient("1974-01-01", "male"),
        quantity("a", "10230-1", 55.0, "%", "2020-01-01"),
        bound(quantity("b", "10230-1", 20.0, "%", "2024-01-01"), "<"),
    ];
    let refused = run_bundle(Operation::ClinicalRiskAssessment, &fractions, none()).unwrap_err();
    assert!(refused.contains("left ventricular ejection fraction"), "{refused}");
    let pressures = [
        patient("1974-01-01", "male"),
        quantity("a", "8480-6", 120.0, "mm[Hg]", "2020-01-01"),
        bound(quantity("b", "8480-6", 180.0, "mm[Hg]", "2024-01-01"), ">"),
    ];
    let result = run_bundle(Operation::ClinicalRiskAssessment, &pressures, none()).unwrap();
    assert!(result["HASBLED"]["Missing"].as_array().unwrap().contains(&json!("systolic blood pressure")));
}

#[test]
fn the_date_is_that_of_what_happened_to_the_patient() {
    let coverage = json!({"resourceType": "Coverage", "id": "v", "status": "active",
        "beneficiary": {"reference": "Patient/p"}, "period": {"start": "2020-01-01", "end": "2034-12-31"}});
    let study = json!({"resourceType": "ResearchStudy", "id": "s", "status": "active",
        "period": {"start": "2020-01-01", "end": "2099-12-31"}});
    let order = json!({"resourceType": "ServiceRequest", "id": "o", "status": "active", "intent": "order",
        "subject": {"reference": "Patient/p"}, "occurrenceDateTime": "2031-01-01"});
    let pills = json!({"resourceType": "MedicationStatement", "id": "m", "status": "active",
        "subject": {"reference": "Patient/p"}, "effectivePeriod": {"start": "2024-01-01", "end": "2030-01-01"}});
    let mut resources = vec![patient("1956-03-01", "male"), with(icd("c", "I48"), "recordedDate", json!("2024-05-02"))];
    resources.extend([coverage, study, order, pills]);
    let result = run_bundle(Operation::ClinicalRiskAssessment, &resources, none()).unwrap();
    assert_eq!((&result["At"], &result["CHA2DS2VASc"]["Score"]), (&json!("2024-05-02"), &json!(1)), "68 years");
}

fn medicine(system: &str, code: &str) -> Value {
    json!({"resourceType": "MedicationStatement", "id": "m", "status": "active",
        "subject": {"reference": "Patient/p"}, "effectiveDateTime": "2024-02-01",
        "medicationCodeableConcept": {"coding": [{"system": system, "code": code}]}})
}

#[test]
fn a_medicine_that_is_on_no_list_leaves_the_bleeding_open() {
    let rx_norm = "http://www.nlm.nih.gov/research/umls/rxnorm";
    let missing = |medicine: Value| {
        let record = [patient("1974-01-01", "male"), medicine];
        let result = run_bundle(Operation::ClinicalRiskAssessment, &record, none()).unwrap();
        let missing: Vec<Value> = result["HASBLED"]["Missing"].as_array().unwrap().clone();
        missing.iter().filter(|what| what.as_str().unwrap().contains("without an ATC code")).count()
    };
    assert_eq!(missing(medicine(rx_norm, "855296")), 2, "warfarin of 10 mg, in a code that is not listed");
    assert_eq!(missing(medicine(rx_norm, "6809")), 0, "metformin is known to be neither");
    assert_eq!(missing(medicine("http://www.whocc.no/atc", "C07AB02")), 0, "ATC says where it belongs");
    assert_eq!(missing(medicine(rx_norm, "1191")), 0, "aspirin is on the list, and known to be no anticoagulant");
    let mut both = medicine(rx_norm, "855296");
    let atc = json!({"system": "http://www.whocc.no/atc", "code": "B01AA03"});
    both["medicationCodeableConcept"]["coding"].as_array_mut().unwrap().push(atc);
    assert_eq!(missing(both), 0, "told to be a vitamin K antagonist");
    let record = [icd("c", "E11.9"), medicine(rx_norm, "855296")];
    let result = run_bundle(Operation::ClinicalPhenotypeDerivation, &record, none()).unwrap();
    assert_eq!(result["UnreadMedicineCount"], 1);
}

#[test]
fn a_medicine_that_is_only_planned_or_comes_later_is_none() {
    let aspirin = medicine("http://www.whocc.no/atc", "B01AC06");
    let drugs = |medicine: &Value| {
        let record = [patient("1974-01-01", "male"), medicine.clone()];
        let result = run_bundle(Operation::ClinicalRiskAssessment, &record, json!({"At": "2024-06-01"})).unwrap();
        let factors = result["HASBLED"]["Factors"].as_array().unwrap().clone();
        factors.iter().find(|factor| factor["Name"] == "drugs").unwrap()["Points"].as_u64().unwrap()
    };
    assert_eq!(drugs(&aspirin), 1);
    assert_eq!(drugs(&with(aspirin.clone(), "status", json!("intended"))), 0);
    let period =
        |start: &str| with(without(aspirin.clone(), "effectiveDateTime"), "effectivePeriod", json!({"start": start}));
    assert_eq!((drugs(&period("2024-05-01")), drugs(&period("2024-07-01"))), (1, 0));
    for intent in ["proposal", "plan", "option"] {
        let request = with(aspirin.clone(), "resourceType", json!("MedicationRequest"));
        assert_eq!(drugs(&with(request, "intent", json!(intent))), 0, "{intent}");
    }
    let dispense = with(aspirin, "resourceType", json!("MedicationDispense"));
    assert_eq!(drugs(&with(dispense, "status", json!("preparation"))), 0);
}

#[test]
fn one_value_in_other_words_does_not_silence_the_others() {
    let weight = with(quantity("w", "29463-7", 80.0, "kg", AT), "valueQuantity", json!({"value": 80, "unit": "kg"}));
    let potassium = quantity("k", "2823-3", 7.1, "mmol/L", AT);
    let mut sepsis = icd("c", "A41.9");
    sepsis["recordedDate"] = json!("2024-06-01");
    let seen = observe_bundle(&[
        patient("1974-01-01", "male"),
        weight,
        potassium,
        sepsis,
        quantity("hr", "8867-4", 70.0, "bpm", AT),
        bound(quantity("s", "59408-5", 80.0, "%", AT), "<"),
    ])
    .unwrap();
    let of = |name: &str| seen.values.iter().find(|value| value.name == name).unwrap();
    assert_eq!((of("potassium").unit.as_str(), of("potassium").value), ("mmol/L", 7.1));
    assert_eq!(seen.codes[0].code, "A41.9");
    // The rules stand aside from these, and say so.
    use crate::aims::anomaly_and_risk::{judge::judge, rules::Rules};
    let findings = judge(&Rules::load().unwrap(), &seen, None);
    for name in ["heart rate", "oxygen saturation"] {
        let aside = findings.iter().find(|found| found.subject == name).unwrap();
        assert!(aside.text.starts_with("Not judged"), "{}", aside.text);
    }
    // Nor does one that is not used.
    let glucose = quantity("g", "2345-7", 90.0, "mg/dl", AT);
    let record = [patient("1974-01-01", "male"), icd("c", "I10"), glucose.clone()];
    for operation in [Operation::ClinicalConditionDetection, Operation::ClinicalRiskAssessment] {
        assert!(run_bundle(operation, &record, none()).is_ok(), "{operation}");
    }
    assert_eq!(news2(&[glucose]).unwrap()["Score"], 0);
}

#[test]
fn what_names_no_patient_is_counted() {
    let stroke = with(icd("c", "I63.9"), "subject", json!({"display": "the patient"}));
    let record = [patient("1974-01-01", "male"), with(stroke, "id", json!("d")), icd("c", "I10")];
    let result = run_bundle(Operation::ClinicalRiskAssessment, &record, none()).unwrap();
    assert_eq!((&result["CHA2DS2VASc"]["Score"], &result["LeftOutResourceCount"]), (&json!(1), &json!(1)));
    let whole = run_bundle(Operation::ClinicalRiskAssessment, &record[..1], json!({"At": "2024-06-01"})).unwrap();
    assert_eq!(whole.get("LeftOutResourceCount"), None);
}

#[test]
fn a_score_says_how_many_codes_it_could_not_read() {
    let man = patient("1974-01-01", "male");
    let record = [man.clone(), icd("c", "I10"), condition("d", "http://snomed.info/sct", "111266001")];
    let result = run_bundle(Operation::ClinicalRiskAssessment, &record, none()).unwrap();
    for score in ["CHA2DS2VASc", "HASBLED"] {
        assert_eq!(result[score]["UnlistedConditionCount"], 1, "{score}");
    }
    for code in ["703272007", "446221000"] {
        let record = [man.clone(), condition("c", "http://snomed.info/sct", code)];
        let result = run_bundle(Operation::ClinicalRiskAssessment, &record, none()).unwrap();
        assert_eq!(result["CHA2DS2VASc"]["Score"], 1, "heart failure as {code}");
    }
}

#[test]
fn only_a_diagnosis_is_offered_as_one() {
    let codes = |condition: Value| observe_bundle(&[patient("1974-01-01", "male"), condition]).unwrap().codes;
    let sepsis = icd("c", "A41.9");
    assert_eq!(codes(sepsis.clone()).len(), 1);
    for suspicion in ["differential", "provisional", "unconfirmed", "refuted"] {
        assert!(codes(with_status(sepsis.clone(), "verificationStatus", suspicion)).is_empty(), "{suspicion}");
    }
    let over = with_status(without(sepsis.clone(), "recordedDate"), "clinicalStatus", "resolved");
    assert!(codes(over).is_empty(), "over, and nobody says when it was");
    let long_ago = with(icd("c", "I21.9"), "onsetPeriod", json!({"start": "2010-03-01"}));
    assert_eq!(codes(long_ago)[0].at.as_deref(), Some("2010-03-01T00:00:00Z"));
    // Of a year its end: what is not known to be old is not old.
    let of_a_year = with(sepsis, "onsetDateTime", json!("2012"));
    assert_eq!(codes(of_a_year)[0].at.as_deref(), Some("2012-12-31T23:59:59Z"));
}

#[test]
fn the_day_of_writing_is_no_onset() {
    let since_forty = with(icd("c", "I48"), "onsetAge", json!({"value": 40, "unit": "a"}));
    let ask = |at: &str| {
        let record = [patient("1970-01-01", "male"), since_forty.clone()];
        run_bundle(Operation::ClinicalConditionDetection, &record, json!({"At": at})).unwrap()
    };
    let found = ask("2015-01-01");
    assert_eq!(found["Conditions"][0]["Condition"], "AtrialFibrillation", "written down in 2024");
    assert_eq!(found["Conditions"][0]["Evidence"][0].get("Onset"), None);
    let plain = run_bundle(Operation::ClinicalConditionDetection, &[icd("c", "I48")], none()).unwrap();
    assert_eq!(plain["Conditions"][0]["Evidence"][0].get("Onset"), None);
}

#[test]
fn what_ended_later_was_there_at_the_date_asked_about() {
    let over = with_status(icd("c", "I50.9"), "clinicalStatus", "resolved");
    let over = with(with(over, "onsetDateTime", json!("2010-01-01")), "abatementDateTime", json!("2020-05-01"));
    let presence = |condition: &Value, at: &str| {
        let record = [patient("1960-01-01", "male"), condition.clone()];
        let result = run_bundle(Operation::ClinicalConditionDetection, &record, json!({"At": at})).unwrap();
        result["Conditions"][0]["Presence"].as_str().unwrap().to_owned()
    };
    assert_eq!((presence(&over, "2015-01-01").as_str(), presence(&over, "2021-01-01").as_str()), ("Present", "Past"));
    let period = with(without(over.clone(), "abatementDateTime"), "abatementPeriod", json!({"end": "2020-05-01"}));
    assert_eq!(
        (presence(&period, "2015-01-01").as_str(), presence(&period, "2021-01-01").as_str()),
        ("Present", "Past")
    );
    for element in ["abatementAge", "abatementString", "abatementRange"] {
        let said = with(without(icd("c", "I50.9"), "clinicalStatus"), element, json!("at some time"));
        assert_eq!(presence(&said, "2024-06-01"), "Past", "{element}");
    }
}

#[test]
fn days_are_those_of_the_place() {
    let stay = |id: &str, start: &str, end: &str| {
        json!({"resourceType": "Encounter", "id": id, "status": "finished", "subject": {"reference": "Patient/p"},
            "class": {"code": "IMP"}, "period": {"start": start, "end": end}})
    };
    let stays = [
        stay("a", "2023-12-28T08:00:00-08:00", "2024-01-01T08:00:00-08:00"),
        stay("b", "2024-01-31T20:00:00-08:00", "2024-02-03T08:00:00-08:00"),
    ];
    let result = run_bundle(Operation::ClinicalOutcomeDerivation, &stays, json!({"At": "2024-12-31"})).unwrap();
    assert_eq!((&result["Answer"], &result["Discharges"][0]["DaysToNextStay"]), (&json!("Yes"), &json!(30)));
    let evening = [
        quantity("a", "4548-4", 7.0, "%", "2024-01-01T15:00:00-08:00"),
        quantity("b", "4548-4", 7.0, "%", "2024-01-01T17:00:00-08:00"),
    ];
    let result = run_bundle(Operation::ClinicalPhenotypeDerivation, &evening, none()).unwrap();
    assert_eq!(result["Phenotype"], "NoEvidenceOfDiabetes", "two of one day");
    // A finished stay that does not say when it ended would be one with all that follow.
    let open = without(stay("c", "2010-01-01", "2010-01-02")["period"].clone(), "end");
    let unended = [with(stay("c", "", ""), "period", open), stays[0].clone(), stays[1].clone()];
    let refused = run_bundle(Operation::ClinicalOutcomeDerivation, &unended, json!({"At": "2024-12-31"})).unwrap_err();
    assert!(refused.contains("period to the day"), "{refused}");
}

#[test]
fn implicit_rules_are_refused_as_modifiers_are() {
    let ruled = with(icd("c", "I10"), "implicitRules", json!("http://example.org/rules"));
    let refused = run_bundle(Operation::ClinicalConditionDetection, &[ruled], none()).unwrap_err();
    assert!(refused.contains("implicitRules"), "{refused}");
}
