//! NEWS2 against the chart of the Royal College of Physicians, every edge of every band.

use super::*;

const AT: &str = "2024-06-01T10:00:00Z";

/// Observations of someone who scores 0.
fn well() -> Vec<Value> {
    vec![
        patient("1974-01-01", "male"),
        quantity("rr", "9279-1", 16.0, "/min", AT),
        quantity("spo2", "59408-5", 97.0, "%", AT),
        quantity("o2", "3151-8", 0.0, "L/min", AT),
        quantity("bp", "8480-6", 120.0, "mm[Hg]", AT),
        quantity("hr", "8867-4", 70.0, "{beats}/min", AT),
        concept("avpu", "67775-7", "http://loinc.org", "LA9340-6", AT),
        quantity("temp", "8310-5", 37.0, "Cel", AT),
    ]
}

/// The same with some of them replaced by id.
fn changed(changes: &[Value]) -> Vec<Value> {
    let mut all = well();
    for change in changes {
        match all.iter_mut().find(|r| r["id"] == change["id"]) {
            Some(known) => *known = change.clone(),
            None => all.push(change.clone()),
        }
    }
    all
}

fn news2(changes: &[Value], parameters: Value) -> Result<Value, String> {
    run_bundle(Operation::ClinicalStateClassification, &changed(changes), parameters)
}

fn points(change: Value) -> u64 {
    news2(&[change], none()).unwrap()["Score"].as_u64().unwrap()
}

/// Values with the points they give.
type Edges = &'static [(f64, u64)];

#[test]
fn every_edge_of_chart_1() {
    let edges: [(&str, &str, &str, Edges); 4] = [
        (
            "rr",
            "9279-1",
            "/min",
            &[(3.0, 3), (8.0, 3), (9.0, 1), (11.0, 1), (12.0, 0), (20.0, 0), (21.0, 2), (24.0, 2), (25.0, 3)],
        ),
        (
            "bp",
            "8480-6",
            "mm[Hg]",
            &[(90.0, 3), (91.0, 2), (100.0, 2), (101.0, 1), (110.0, 1), (111.0, 0), (219.0, 0), (220.0, 3)],
        ),
        (
            "hr",
            "8867-4",
            "/min",
            &[
                (40.0, 3),
                (41.0, 1),
                (50.0, 1),
                (51.0, 0),
                (90.0, 0),
                (91.0, 1),
                (110.0, 1),
                (111.0, 2),
                (130.0, 2),
                (131.0, 3),
            ],
        ),
        (
            "temp",
            "8310-5",
            "Cel",
            &[(35.0, 3), (35.1, 1), (36.0, 1), (36.1, 0), (38.0, 0), (38.1, 1), (39.0, 1), (39.1, 2)],
        ),
    ];
    for (id, loinc, unit, cases) in edges {
        for (value, expected) in cases {
            assert_eq!(points(quantity(id, loinc, *value, unit, AT)), *expected, "{id} {value}");
        }
    }
    for (value, expected) in [(83.0, 3), (91.0, 3), (92.0, 2), (93.0, 2), (94.0, 1), (95.0, 1), (96.0, 0), (100.0, 0)] {
        assert_eq!(points(quantity("spo2", "2708-6", value, "%", AT)), expected, "scale 1, {value}");
    }
    assert_eq!(points(quantity("o2", "3151-8", 2.0, "L/min", AT)), 2);
    assert_eq!(points(quantity("o2", "3150-0", 21.0, "%", AT)), 0);
    assert_eq!(points(quantity("o2", "3150-0", 28.0, "%", AT)), 2);
    for answer in ["LA6560-2", "LA17108-4", "LA17107-6", "LA9343-0"] {
        assert_eq!(points(concept("avpu", "80288-4", "http://loinc.org", answer, AT)), 3, "{answer}");
    }
    assert_eq!(points(concept("avpu", "80288-4", "http://snomed.info/sct", "248234008", AT)), 0);
    assert_eq!(points(concept("avpu", "80288-4", "http://snomed.info/sct", "130987000", AT)), 3);
}

#[test]
fn scale_2_follows_its_own_column() {
    let on = |oxygen: f64, saturation: f64| {
        let changes = [quantity("o2", "3151-8", oxygen, "L/min", AT), quantity("spo2", "59408-5", saturation, "%", AT)];
        let result = news2(&changes, json!({"SpO2Scale": 2})).unwrap();
        assert_eq!(result["SpO2Scale"], 2);
        result["Score"].as_u64().unwrap()
    };
    for (saturation, points) in
        [(83.0, 3), (84.0, 2), (85.0, 2), (86.0, 1), (87.0, 1), (88.0, 0), (92.0, 0), (93.0, 0), (99.0, 0)]
    {
        assert_eq!(on(0.0, saturation), points, "air, {saturation}");
    }
    for (saturation, points) in
        [(83.0, 3), (85.0, 2), (87.0, 1), (92.0, 0), (93.0, 1), (94.0, 1), (95.0, 2), (96.0, 2), (97.0, 3)]
    {
        assert_eq!(on(2.0, saturation), points + 2, "oxygen, {saturation}");
    }
}

#[test]
fn a_score_asks_for_what_chart_2_says() {
    let of = |changes: &[Value]| {
        let result = news2(changes, none()).unwrap();
        (result["Score"].as_u64().unwrap(), text(&result, "ClinicalRisk").to_owned())
    };
    assert_eq!(of(&[]), (0, "Low".to_owned()));
    assert_eq!(of(&[quantity("rr", "9279-1", 25.0, "/min", AT)]), (3, "LowMedium".to_owned()));
    let ill = [
        quantity("rr", "9279-1", 22.0, "/min", AT),
        quantity("hr", "8867-4", 115.0, "/min", AT),
        quantity("temp", "8310-5", 38.5, "Cel", AT),
    ];
    assert_eq!(of(&ill), (5, "Medium".to_owned()));
    let worst = [
        quantity("rr", "9279-1", 30.0, "/min", AT),
        quantity("spo2", "59408-5", 85.0, "%", AT),
        quantity("o2", "3151-8", 15.0, "L/min", AT),
        quantity("bp", "8480-6", 80.0, "mm[Hg]", AT),
        quantity("hr", "8867-4", 140.0, "/min", AT),
        quantity("temp", "8310-5", 34.0, "Cel", AT),
        concept("avpu", "67775-7", "http://loinc.org", "LA9343-0", AT),
    ];
    assert_eq!(of(&worst), (20, "High".to_owned()));
}

#[test]
fn an_incomplete_set_is_refused_by_name() {
    for (id, name) in [
        ("rr", "respiration rate"),
        ("spo2", "oxygen saturation"),
        ("o2", "supplemental oxygen"),
        ("bp", "systolic blood pressure"),
        ("hr", "heart rate"),
        ("avpu", "level of consciousness"),
        ("temp", "body temperature"),
    ] {
        let rest: Vec<Value> = well().into_iter().filter(|r| r["id"] != id).collect();
        let refused = run_bundle(Operation::ClinicalStateClassification, &rest, none()).unwrap_err();
        assert_eq!(refused, format!("NEWS2 cannot be computed; the record lacks: {name}"));
    }
    let only_patient = run_bundle(Operation::ClinicalStateClassification, &[patient("1974-01-01", "male")], none());
    assert!(only_patient.unwrap_err().contains("body temperature"));
}

#[test]
fn only_the_newest_within_the_window_counts() {
    let early = quantity("rr-early", "9279-1", 30.0, "/min", "2024-06-01T09:30:00Z");
    assert_eq!(news2(&[early], none()).unwrap()["Score"], 0);
    let stale = quantity("rr", "9279-1", 30.0, "/min", "2024-06-01T08:59:59Z");
    assert!(news2(std::slice::from_ref(&stale), none()).unwrap_err().ends_with("respiration rate"));
    assert_eq!(news2(&[stale], json!({"WindowMinutes": 90})).unwrap()["Score"], 3);
    let later = quantity("rr-later", "9279-1", 30.0, "/min", "2024-06-01T11:30:00+01:00");
    assert_eq!(news2(std::slice::from_ref(&later), none()).unwrap()["Score"], 3, "10:30 in UTC");
    assert_eq!(news2(&[later], json!({"At": "2024-06-01T10:15:00Z"})).unwrap()["Score"], 0);
    let day_only = quantity("rr", "9279-1", 16.0, "/min", "2024-06-01");
    assert!(news2(&[day_only], none()).unwrap_err().ends_with("respiration rate"));
}

#[test]
fn units_and_bounds_are_checked() {
    assert_eq!(points(quantity("temp", "8310-5", 98.6, "[degF]", AT)), 0);
    assert_eq!(points(quantity("bp", "8480-6", 16.0, "kPa", AT)), 0);
    for wrong in [
        quantity("temp", "8310-5", 98.6, "Cel", AT),
        quantity("temp", "8310-5", 37.0, "K", AT),
        quantity("spo2", "59408-5", 120.0, "%", AT),
        quantity("hr", "8867-4", 70.0, "bpm", AT),
        quantity("rr", "9279-1", -3.0, "/min", AT),
    ] {
        let refused = news2(&[wrong], none()).unwrap_err();
        assert!(refused.contains("valueQuantity"), "{refused}");
    }
    let mut no_system = quantity("rr", "9279-1", 16.0, "/min", AT);
    no_system["valueQuantity"].as_object_mut().unwrap().remove("system");
    assert!(news2(&[no_system], none()).unwrap_err().contains("UCUM"));
    let mut bound = quantity("spo2", "59408-5", 97.0, "%", AT);
    bound["valueQuantity"]["comparator"] = json!(">");
    assert!(news2(&[bound], none()).unwrap_err().contains("oxygen saturation in a form"), "a bound is no value");
    for status in ["entered-in-error", "cancelled", "registered", "unknown"] {
        let mut undone = quantity("rr", "9279-1", 16.0, "/min", AT);
        undone["status"] = json!(status);
        assert!(news2(&[undone], none()).unwrap_err().ends_with("respiration rate"), "{status}");
    }
    let mut of_the_child = quantity("hr", "8867-4", 140.0, "/min", AT);
    of_the_child["focus"] = json!([{"reference": "RelatedPerson/fetus"}]);
    assert!(news2(&[of_the_child], none()).unwrap_err().ends_with("heart rate"), "a value about somebody else");
}

#[test]
fn a_blood_pressure_panel_counts_by_its_components() {
    let mut panel = quantity("bp", "85354-9", 0.0, "mm[Hg]", AT);
    panel.as_object_mut().unwrap().remove("valueQuantity");
    let component = |loinc: &str, value: f64| {
        let whole = quantity("", loinc, value, "mm[Hg]", AT);
        json!({"code": whole["code"], "valueQuantity": whole["valueQuantity"]})
    };
    panel["component"] = json!([component("8480-6", 95.0), component("8462-4", 60.0)]);
    assert_eq!(points(panel), 2);
}

#[test]
fn it_is_not_for_children_nor_in_pregnancy() {
    let mut child = patient("2010-01-01", "male");
    child["id"] = json!("p");
    assert!(news2(&[child], none()).unwrap_err().contains("under 16"));
    assert!(news2(&[icd("c", "Z33.1")], none()).unwrap_err().contains("pregnancy"));
    let mut ageless = patient("1974-01-01", "male");
    ageless.as_object_mut().unwrap().remove("birthDate");
    assert_eq!(news2(&[ageless], none()).unwrap()["Caveats"].as_array().unwrap().len(), 1);
    for wrong in
        [json!({"SpO2Scale": 3}), json!({"SpO2Scale": "2"}), json!({"WindowMinutes": 0}), json!({"WindowMinutes": 1e9})]
    {
        assert!(news2(&[], wrong).unwrap_err().contains("parameter"));
    }
}

/// What is offered for judging: total and highest parameter.
fn offered(changes: &[Value]) -> Vec<(String, f64)> {
    let payload = bundle(&changed(changes));
    let (parameters, attachments) = (Map::new(), BTreeMap::new());
    let operation = Operation::AnomalyAndRiskAlerting;
    let format = DataFormat::Fhir;
    let input = Input { operation, format, parameters: &parameters, payload: &payload, attachments: &attachments };
    let values = observe(&input).unwrap().values;
    values.into_iter().filter(|value| value.name.starts_with("NEWS2")).map(|value| (value.name, value.value)).collect()
}

#[test]
fn the_score_is_offered_for_judging_where_it_is_whole() {
    let both = |total, highest| vec![("NEWS2".to_owned(), total), ("NEWS2 highest parameter".to_owned(), highest)];
    assert_eq!(offered(&[]), both(0.0, 0.0));
    assert_eq!(offered(&[quantity("rr", "9279-1", 8.0, "/min", AT)]), both(3.0, 3.0));
    let ill = [quantity("rr", "9279-1", 22.0, "/min", AT), quantity("hr", "8867-4", 115.0, "/min", AT)];
    assert_eq!(offered(&ill), both(4.0, 2.0));
    // One observation is missing, because it is two hours older; or the patient is a child.
    assert_eq!(offered(&[quantity("temp", "8310-5", 37.0, "Cel", "2024-06-01T08:00:00Z")]), []);
    assert_eq!(offered(&[patient("2015-01-01", "male")]), []);
}
