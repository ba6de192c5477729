//! A child process that gives something else than its AI Module declares: nothing of it is kept, and nobody gets it.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use health_back_end::domain::taxonomy::UserClass;
use serde_json::{Value, json};

use super::paper::{self, PARAMETERS, process, request, result};
use crate::environment::{INSTITUTE, PATIENT, house::House};

/// What `PhysiologicalParameterQuantification` gives.
fn quantified() -> Value {
    json!({
        "ProcessingType": "PhysiologicalParameterQuantification", "Method": "m", "Source": "s", "ExclusionRule": "r",
        "RRIntervalCount": 10, "ImplausibleIntervalCount": 0, "EctopicIntervalCount": 0, "MeanRRMilliseconds": 800.0,
        "MeanHeartRateBeatsPerMinute": 75.0, "SDNNMilliseconds": 20.0, "RMSSDMilliseconds": 10.0, "PNN50Percent": 0.0,
    })
}

/// A program that reads all it is given and says this is the result.
fn saying(folder: &tempfile::TempDir, result: &Value) -> PathBuf {
    let program = folder.path().join("module");
    let text = format!("#!/bin/sh\ncat > /dev/null\nprintf '%s\\n' '{}'\n", json!({"Result": result}));
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

#[tokio::test]
async fn a_result_that_is_not_as_declared_is_nowhere_to_be_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut spoilt = quantified();
    spoilt["PNN50Percent"] = json!(101);
    let house = House::working(&saying(&folder, &spoilt)).await;
    let patient = house.end_user(PATIENT).await;
    let institute = house.third_party(INSTITUTE, UserClass::NonProfitEntity).await;
    let parcel = paper::parcel(&patient, &house.chain.deployment.back_end(), &paper::ecg());
    parcel.send_in_parts(&patient).await.expect(201);

    let answer = process(&institute, &request(&institute, parcel.id, PARAMETERS, "Research")).await;
    answer.expect(500).problem("internal");
    assert!(!answer.body.to_string().contains("101"));
    assert_eq!(patient.items().await.len(), 1, "no item was made of it");
    house.indexed().await;
    let derived = house.database.list_licence_events_of_item(parcel.id.hash(), None, 100).await.unwrap();
    assert_eq!(derived.len(), 1, "nothing was derived on chain: {derived:?}");

    // The same child, once it tells what it declared to tell.
    saying(&folder, &quantified());
    let answer = process(&institute, &request(&institute, parcel.id, PARAMETERS, "Research")).await;
    assert_eq!(result(&answer), quantified(), "{}", answer.body);
    assert_eq!(patient.items().await.len(), 2);
    house.stop().await;
}
