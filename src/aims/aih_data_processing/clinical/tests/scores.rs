//! CHA₂DS₂-VASc and HAS-BLED against their published definitions, each factor alone and together.

use super::*;

const AT: &str = "2024-06-01";

fn assess(resources: &[Value]) -> Result<Value, String> {
    run_bundle(Operation::ClinicalRiskAssessment, resources, json!({"At": AT}))
}

fn stroke_score(resources: &[Value]) -> u64 {
    assess(resources).unwrap()["CHA2DS2VASc"]["Score"].as_u64().unwrap()
}

#[test]
fn each_factor_alone_gives_the_points_of_lip_2010() {
    // A man of 50 has none of the factors of age and sex.
    let cases: [(&str, Option<Value>, u64); 14] = [
        ("none", None, 0),
        ("atrial fibrillation itself", Some(icd("c", "I48.0")), 0),
        ("heart failure", Some(icd("c", "I50.9")), 1),
        ("ejection fraction of 40 %", Some(quantity("o", "10230-1", 40.0, "%", "2024-03-01")), 1),
        ("ejection fraction of 41 %", Some(quantity("o", "10230-1", 41.0, "%", "2024-03-01")), 0),
        ("hypertension", Some(icd("c", "I10")), 1),
        ("diabetes type 2", Some(icd("c", "E11.9")), 1),
        ("diabetes type 1", Some(icd("c", "E10.65")), 1),
        ("stroke", Some(icd("c", "I63.9")), 2),
        ("transient ischaemic attack, SNOMED CT", Some(condition("c", "http://snomed.info/sct", "266257000")), 2),
        ("transient global amnesia is none", Some(icd("c", "G45.4")), 0),
        ("systemic embolism", Some(icd("c", "I74.3")), 2),
        ("old myocardial infarction", Some(icd("c", "I25.2")), 1),
        ("peripheral artery disease, ICPC-2", Some(condition("c", "http://hl7.org/fhir/sid/icpc-2", "K92")), 1),
    ];
    for (name, resource, points) in cases {
        let resources: Vec<Value> = [Some(patient("1974-01-01", "male")), resource].into_iter().flatten().collect();
        assert_eq!(stroke_score(&resources), points, "{name}");
    }
}

#[test]
fn age_and_sex_count_by_the_day() {
    let cases = [
        ("1959-06-02", "male", 0), // 64 until tomorrow
        ("1959-06-01", "male", 1), // 65 today
        ("1949-06-02", "male", 1), // 74 until tomorrow
        ("1949-06-01", "male", 2), // 75 today
        ("1974-01-01", "female", 1),
        ("1949-06-01", "female", 3),
    ];
    for (birth, gender, points) in cases {
        assert_eq!(stroke_score(&[patient(birth, gender)]), points, "{birth} {gender}");
    }
    // Only the year is known: 74 or 75 on 1 June 2024 gives two different scores.
    let refused = assess(&[patient("1949", "male")]).unwrap_err();
    assert!(refused.contains("exact enough"), "{refused}");
    assert_eq!(stroke_score(&[patient("1948", "male")]), 2);
    assert_eq!(stroke_score(&[patient("1960", "male")]), 0);
}

#[test]
fn all_factors_together_give_nine() {
    let resources = [
        patient("1940-01-01", "female"),
        icd("c1", "I50.1"),
        icd("c2", "I10"),
        icd("c3", "E11.9"),
        icd("c4", "I63.4"),
        icd("c5", "I21.4"),
        icd("c6", "I48.2"),
    ];
    let result = assess(&resources).unwrap();
    assert_eq!(result["CHA2DS2VASc"]["Score"], 9);
    assert_eq!(result["CHA2DS2VASc"]["AtrialFibrillationDocumented"], true);
    assert_eq!(result["CHA2DS2VASc"]["AssumedAbsent"], json!([]));
    assert_eq!(result["CHA2DS2VASc"]["Factors"][0]["Used"], json!(["Condition/c1"]));
    assert_eq!(result["CHA2DS2VASc"]["Missing"], json!(["left ventricular ejection fraction"]));
}

/// Two codes of one factor give its points once; a refuted, resolved or only suspected disease none.
#[test]
fn statuses_are_respected() {
    let man = patient("1974-01-01", "male");
    assert_eq!(stroke_score(&[man.clone(), icd("c1", "I10"), icd("c2", "I11.0"), icd("c3", "I50.9")]), 2);
    for status in ["refuted", "entered-in-error", "provisional", "differential", "unconfirmed"] {
        let condition = with_status(icd("c", "I63.9"), "verificationStatus", status);
        assert_eq!(stroke_score(&[man.clone(), condition]), 0, "{status}");
    }
    for status in ["resolved", "inactive", "remission"] {
        assert_eq!(stroke_score(&[man.clone(), with_status(icd("c", "I10"), "clinicalStatus", status)]), 0, "{status}");
        // A stroke counts for ever.
        assert_eq!(
            stroke_score(&[man.clone(), with_status(icd("c", "I63.9"), "clinicalStatus", status)]),
            2,
            "{status}"
        );
    }
    let mut later = icd("c", "I10");
    later["onsetDateTime"] = json!("2024-06-02");
    assert_eq!(stroke_score(&[man.clone(), later]), 0, "begins after the date asked about");
    let refused = assess(&[man, with_status(icd("c", "I10"), "clinicalStatus", "sort of")]).unwrap_err();
    assert!(refused.contains("clinicalStatus") && !refused.contains("sort of"), "{refused}");
}

#[test]
fn without_age_or_sex_there_is_no_score() {
    let mut nobody = patient("1974-01-01", "male");
    nobody.as_object_mut().unwrap().remove("birthDate");
    let refused = assess(&[nobody.clone()]).unwrap_err();
    assert!(refused.contains("date of birth") && !refused.contains("sex"), "{refused}");
    nobody["gender"] = json!("unknown");
    assert!(assess(&[nobody]).unwrap_err().contains("the date of birth, sex"));
    assert!(assess(&[patient("2015-01-01", "male")]).unwrap_err().contains("adults"));
    assert!(assess(&[patient("2030-01-01", "male")]).unwrap_err().contains("not yet born"));
    let mut dead = patient("1950-01-01", "male");
    dead["deceasedDateTime"] = json!("2024-05-31");
    assert!(assess(&[dead]).unwrap_err().contains("died"));
}

#[test]
fn the_date_is_the_records_own_unless_it_is_named() {
    let resources = [patient("1949-01-09", "male"), icd("c", "I10")]; // recorded 2024-01-10
    let run = |parameters| run_bundle(Operation::ClinicalRiskAssessment, &resources, parameters);
    assert_eq!(run(none()).unwrap()["At"], "2024-01-10");
    assert_eq!(run(none()).unwrap()["CHA2DS2VASc"]["Score"], 3);
    assert_eq!(run(json!({"At": "2024-01-08"})).unwrap()["CHA2DS2VASc"]["Score"], 1, "74, and not yet recorded");
    for wrong in [json!("2024"), json!("yesterday"), json!(2024), json!("2024-02-30")] {
        assert!(run(json!({"At": wrong})).unwrap_err().contains("parameter At"));
    }
    let undated = run_bundle(Operation::ClinicalRiskAssessment, &[patient("1949-01-09", "male")], none());
    assert!(undated.unwrap_err().contains("any date"));
}

fn laboratory() -> Vec<Value> {
    let with_range = |mut observation: Value, high: f64| {
        let unit = observation["valueQuantity"]["code"].clone();
        observation["referenceRange"] =
            json!([{"high": {"value": high, "system": "http://unitsofmeasure.org", "code": unit}}]);
        observation
    };
    vec![
        quantity("bp", "8480-6", 130.0, "mm[Hg]", "2024-03-01"),
        quantity("crea", "2160-0", 1.0, "mg/dL", "2024-03-01"),
        with_range(quantity("bili", "1975-2", 0.8, "mg/dL", "2024-03-01"), 1.2),
        with_range(quantity("alt", "1742-6", 20.0, "U/L", "2024-03-01"), 40.0),
        quantity("alcohol", "44940-5", 2.0, "/wk", "2024-03-01"),
    ]
}

/// The record with one resource replaced (by id) or added.
fn bleeding(change: &[Value]) -> Value {
    let mut resources = vec![patient("1974-01-01", "male")];
    resources.extend(laboratory());
    for changed in change {
        match resources.iter_mut().find(|r| r["id"] == changed["id"]) {
            Some(known) => *known = changed.clone(),
            None => resources.push(changed.clone()),
        }
    }
    assess(&resources).unwrap()["HASBLED"].clone()
}

#[test]
fn has_bled_counts_each_factor_of_pisters_2010() {
    let range = |mut o: Value, high: f64| {
        let unit = o["valueQuantity"]["code"].clone();
        o["referenceRange"] = json!([{"high": {"value": high, "system": "http://unitsofmeasure.org", "code": unit}}]);
        o
    };
    let atc = |code: &str| {
        json!({"resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
            "subject": {"reference": "Patient/p"}, "authoredOn": "2024-02-01",
            "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": code}]}})
    };
    let liver = [
        range(quantity("bili", "1975-2", 3.0, "mg/dL", "2024-03-01"), 1.2),
        range(quantity("alt", "1742-6", 130.0, "U/L", "2024-03-01"), 40.0),
    ];
    let cases: [(&str, Vec<Value>, u64); 19] = [
        ("none", vec![], 0),
        ("160 mmHg", vec![quantity("bp", "8480-6", 160.0, "mm[Hg]", "2024-03-01")], 0),
        ("161 mmHg", vec![quantity("bp", "8480-6", 161.0, "mm[Hg]", "2024-03-01")], 1),
        ("creatinine 200 µmol/L", vec![quantity("crea", "2160-0", 200.0, "umol/L", "2024-03-01")], 1),
        ("creatinine 2.2 mg/dL = 194 µmol/L", vec![quantity("crea", "2160-0", 2.2, "mg/dL", "2024-03-01")], 0),
        ("dialysis", vec![icd("c", "Z99.2")], 1),
        ("cirrhosis", vec![icd("c", "K74.60")], 1),
        ("bilirubin and ALT", liver.to_vec(), 1),
        ("stroke", vec![icd("c", "I63.9")], 1),
        ("a transient attack is no stroke", vec![icd("c", "G45.9")], 0),
        ("nor is an embolism of a limb", vec![icd("c", "I74.3")], 0),
        ("cerebral haemorrhage is a stroke, and no bleeding besides", vec![icd("c", "I61.9")], 1),
        ("its sequelae", vec![icd("c", "I69.10")], 1),
        ("anaemia and bleeding are one point", vec![icd("c", "D64.9"), icd("d", "K92.2")], 1),
        ("anaemia", vec![icd("c", "D50.9")], 1),
        ("gastrointestinal bleeding", vec![icd("c", "K92.2")], 1),
        ("aspirin", vec![atc("B01AC06")], 1),
        ("eight drinks", vec![quantity("alcohol", "44940-5", 8.0, "/wk", "2024-03-01")], 1),
        ("a drink and a half a day", vec![quantity("alcohol", "74013-4", 1.5, "/d", "2024-03-01")], 1),
    ];
    for (name, change, points) in cases {
        assert_eq!(bleeding(&change)["Score"].as_u64(), Some(points), "{name}");
    }
    assert_eq!(bleeding(&[patient("1958-06-01", "male")])["Score"], 1, "66 years");
    assert_eq!(bleeding(&[patient("1958-06-02", "male")])["Score"], 0, "65 years");
    // The code says "transient ischaemic attack and cerebral infarction"; a stroke beside it settles it.
    let either = bleeding(&[icd("c", "Z86.73")]);
    assert_eq!(either.get("Score"), None);
    assert_eq!(either["Missing"], json!(["whether Z86.73 was a cerebral infarction or a transient attack"]));
    assert_eq!(bleeding(&[icd("c", "Z86.73"), icd("d", "I69.30")])["Score"], 1);
    let on_a_drinking_day = bleeding(&[quantity("alcohol", "11287-0", 8.0, "/d", "2024-03-01")]);
    assert_eq!(on_a_drinking_day.get("Score"), None, "drinks on a drinking day say nothing of the week");
    assert!(on_a_drinking_day["Missing"][0].as_str().unwrap().contains("a week"));
    let under_warfarin = bleeding(&[atc("B01AA03")]);
    assert_eq!(under_warfarin.get("Score"), None);
    assert_eq!(under_warfarin["Missing"], json!(["time in therapeutic range of the INR"]));
}

#[test]
fn has_bled_is_not_given_without_its_inputs() {
    let result = assess(&[patient("1974-01-01", "male")]).unwrap();
    assert_eq!(result["HASBLED"].get("Score"), None);
    assert_eq!(result["HASBLED"]["Missing"].as_array().unwrap().len(), 4);
}

#[test]
fn a_request_not_to_give_a_medicine_is_none_to_give_it() {
    let aspirin = |do_not: Value| {
        json!({"resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
            "subject": {"reference": "Patient/p"}, "authoredOn": "2024-02-01", "doNotPerform": do_not,
            "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "B01AC06"}]}})
    };
    assert_eq!(bleeding(&[aspirin(json!(false))])["Score"], 1);
    assert_eq!(bleeding(&[aspirin(json!(true))])["Score"], 0);
    let refused = assess(&[patient("1974-01-01", "male"), aspirin(json!("true"))]).unwrap_err();
    assert!(refused.contains("doNotPerform"), "{refused}");
}

/// FHIR R4, 2.4.0.1: what carries a modifier extension that is not known must not be used.
#[test]
fn what_carries_a_modifier_extension_is_not_judged() {
    let extension = json!([{"url": "http://example.org/not-so", "valueBoolean": true}]);
    let modified = |mut resource: Value| {
        resource["modifierExtension"] = extension.clone();
        resource
    };
    let mut within = quantity("bp", "8480-6", 161.0, "mm[Hg]", "2024-03-01");
    within["component"] = json!([{"code": {}, "modifierExtension": extension.clone()}]);
    for resource in [modified(icd("c", "I50.9")), modified(quantity("o", "10230-1", 40.0, "%", "2024-03-01")), within] {
        let refused = assess(&[patient("1974-01-01", "male"), resource]).unwrap_err();
        assert!(refused.contains("modifierExtension"), "{refused}");
    }
    let refused = assess(&[modified(patient("1974-01-01", "male"))]).unwrap_err();
    assert!(refused.contains("modifierExtension"), "{refused}");
    // Nothing is read from an appointment.
    let appointment = modified(json!({"resourceType": "Appointment", "id": "a", "status": "booked"}));
    assert_eq!(stroke_score(&[patient("1974-01-01", "male"), icd("c", "I50.9"), appointment]), 1);
}

#[test]
fn a_status_in_other_words_is_not_taken_for_confirmed() {
    let man = patient("1974-01-01", "male");
    let without = |element: &str| {
        let mut resource = icd("c", "I50.9");
        resource.as_object_mut().unwrap().remove(element);
        resource
    };
    assert_eq!(stroke_score(&[man.clone(), without("verificationStatus")]), 1, "nothing is said against it");
    let words = [
        json!({"text": "refuted"}),
        json!({"coding": [{"code": "refuted"}]}),
        json!({"coding": [{"system": "http://example.org/status", "code": "refuted"}]}),
        json!("refuted"),
    ];
    for element in ["verificationStatus", "clinicalStatus"] {
        for status in &words {
            let mut resource = icd("c", "I50.9");
            resource[element] = status.clone();
            let refused = assess(&[man.clone(), resource.clone()]).unwrap_err();
            assert!(refused.contains(element), "{status}: {refused}");
        }
    }
    // Alerting reads the same element the same way.
    let mut refuted = icd("c", "I50.9");
    refuted["verificationStatus"] = words[2].clone();
    let refused = observe_bundle(&[man.clone(), refuted]).unwrap_err();
    assert!(refused.contains("verificationStatus"), "{refused}");
    assert!(observe_bundle(&[man, icd("c", "I50.9")]).is_ok());
}
