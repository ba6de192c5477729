//! The life of an item.

use futures_util::StreamExt;
use health_back_end::{
    aims::aih_data_processing::ecg::score::BeatScore,
    domain::{ids::AihDataId, taxonomy::UserClass},
    front_end::recording::Recording,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::paper::{self, EVENTS, PARAMETERS, Parcel, STATE, licence_in, process, reasons, request, withdraw};
use crate::environment::{
    PATIENT,
    house::{Answer, send},
    scene::Scene,
};

fn parcel(scene: &Scene, recording: &Recording) -> Parcel {
    paper::parcel(&scene.patient, &scene.back_end(), recording)
}

#[tokio::test]
async fn a_synthetic_recording_lives_its_life() {
    let recording = paper::ecg();
    let truth = recording.true_beats.clone().unwrap();
    let scene = Scene::set().await;
    let parcel = parcel(&scene, &recording);
    let answer = parcel.send_inline(&scene.patient).await;
    let events = live(&scene, &parcel, &answer).await;
    let found: Vec<f64> = events["EventTimesSeconds"].as_array().unwrap().iter().map(|t| t.as_f64().unwrap()).collect();
    assert!(BeatScore::of(&truth, &found, 0.150).f1() > 0.98, "{found:?}");
    scene.house.stop().await;
}

#[tokio::test]
async fn the_real_recording_lives_its_life() {
    let Some(recording) = paper::real_ecg() else { return };
    let scene = Scene::set().await;
    let parcel = parcel(&scene, &recording);
    let answer = parcel.send_in_parts(&scene.patient).await;
    let events = live(&scene, &parcel, &answer).await;
    assert!((2_262..=2_284).contains(&events["EventCount"].as_u64().unwrap()), "of 2273: {}", events["EventCount"]);
    scene.house.stop().await;
}

/// Everything that happens to an item after it was sent; gives the events found in it.
async fn live(scene: &Scene, parcel: &Parcel, uploaded: &Answer) -> Value {
    let Scene { patient, institute, house } = scene;
    let back_end = house.chain.deployment.back_end();
    let body = &uploaded.expect(201).body;
    assert_eq!(uploaded.header("location"), parcel.path());
    let licence = licence_in(body);
    assert!(house.chain.node().stands(licence.address()).await.unwrap());

    let listed = patient.get("/v1/aih-data").await;
    assert_eq!(listed.expect(200).body["AIHData"], json!([body]));
    assert_eq!(institute.get("/v1/aih-data").await.expect(200).body["AIHData"], json!([]));
    assert_eq!(patient.get(&parcel.path()).await.expect(200).body, *body);
    let payload = patient.get(&format!("{}/payload", parcel.path())).await;
    assert_eq!(payload.expect(200).bytes, parcel.payload);

    let events = three_kinds(scene, parcel).await;
    denied(scene, parcel).await;
    let derived = derived(scene, parcel).await;

    // Erasure waits for the withdrawal.
    let erase = || send(patient.request(Method::DELETE, &parcel.path()));
    erase().await.expect(409).problem("conflict");
    withdraw(patient, &back_end, parcel.id, licence).await;
    assert!(!house.chain.node().stands(derived.1).await.unwrap(), "a derived licence falls with its root");
    let answer = process(institute, &request(institute, parcel.id, PARAMETERS, "Research")).await;
    answer.expect(403).problem("licence-denied");
    assert_eq!(reasons(&answer), ["Revoked"]);
    let of_result = format!("/v1/aih-data/{}/payload", derived.0);
    institute.get(&of_result).await.expect(403).problem("licence-denied");

    for _ in 0..2 {
        erase().await.expect(204);
    }
    patient.get(&parcel.path()).await.expect(410).problem("gone");
    patient.get(&format!("{}/payload", parcel.path())).await.expect(410).problem("gone");
    patient.get(&of_result).await.expect(410).problem("gone");
    assert_eq!(patient.get("/v1/aih-data").await.expect(200).body["AIHData"], json!([]));
    parcel.send_inline(patient).await.expect(410).problem("gone");
    events
}

/// The three kinds of processing, asked for in the three ways to wait.
async fn three_kinds(scene: &Scene, parcel: &Parcel) -> Value {
    let Scene { institute, .. } = scene;
    let ask = |operation| request(institute, parcel.id, operation, "Research");
    let at_once = institute.post("/v1/aih-data-process", &ask(PARAMETERS)).await;
    let quantified = paper::follow(institute, at_once).await;
    quantified.expect(200);
    let rate = paper::result(&quantified)["MeanHeartRateBeatsPerMinute"].as_f64().unwrap();
    assert!((60.0..85.0).contains(&rate), "{rate}");

    let later = institute.request(Method::POST, "/v1/aih-data-process").header("prefer", "wait=5, respond-async");
    let told = send(later.json(&ask(STATE))).await;
    told.expect(202);
    assert!(told.header("location").starts_with("/v1/aih-data-process/") && told.header("retry-after") == "1");
    let place = told.header("location").to_owned();
    scene.patient.get(&place).await.expect(404).problem("not-found");
    let classified = paper::follow(institute, told).await;
    assert!(paper::result(classified.expect(200))["Regularity"].is_string());
    // A result may be fetched again, as long as the licence stands.
    institute.get(&place).await.expect(200);

    let events = process(institute, &ask(EVENTS)).await;
    paper::result(events.expect(200))
}

/// Requests the licence does not cover, and people it does not name.
async fn denied(scene: &Scene, parcel: &Parcel) {
    let Scene { institute, house, .. } = scene;
    let beyond = process(institute, &request(institute, parcel.id, STATE, "Health Care")).await;
    beyond.expect(403).problem("licence-denied");
    assert_eq!(reasons(&beyond), ["Usage"]);
    let evidence = &beyond.body["evidence"];
    assert!(evidence["TransactionHash"].is_string() || evidence.is_object(), "{evidence}");
    assert!(beyond.body["reasons"][0]["explanation"].as_str().unwrap().len() > 10);
    assert_eq!(beyond.body["message"]["LicenceConfirm"]["Response"]["Status"], false);
    let payload = institute.get(&format!("{}/payload?usage=Research", parcel.path())).await;
    payload.expect(403).problem("licence-denied");
    assert_eq!(reasons(&payload), ["Process"]);

    // Whom nothing names cannot tell this item from one that is not there.
    let clinic = house.third_party(5, UserClass::ClinicalEntity).await;
    for tail in ["", "/payload"] {
        let ask = async |item: AihDataId| clinic.get(&format!("/v1/aih-data/{item}{tail}")).await;
        same(&ask(parcel.id).await, &ask(paper::new_item()).await);
    }
    // Only whose Token opens storing may ask to erase at all.
    for item in [parcel.id, paper::new_item()] {
        let erasing = send(clinic.request(Method::DELETE, &format!("/v1/aih-data/{item}"))).await;
        erasing.expect(403).problem("forbidden");
    }
    let foreign = process(&clinic, &request(&clinic, parcel.id, PARAMETERS, "Research")).await;
    same(&foreign, &process(&clinic, &request(&clinic, paper::new_item(), PARAMETERS, "Research")).await);
}

/// Two answers that tell nothing apart.
#[track_caller]
fn same(foreign: &Answer, unknown: &Answer) {
    foreign.expect(404).problem("not-found");
    assert_eq!((foreign.status, &foreign.bytes), (unknown.status, &unknown.bytes));
    let told = |answer: &Answer| {
        let mut headers = answer.headers.clone();
        for own in ["date", "x-request-id"] {
            headers.remove(own);
        }
        headers
    };
    assert_eq!(told(foreign), told(unknown));
}

/// A result is an item of its own with a licence that stands; gives both.
async fn derived(scene: &Scene, parcel: &Parcel) -> (AihDataId, alloy::primitives::Address) {
    let Scene { institute, patient, house } = scene;
    let done = process(institute, &request(institute, parcel.id, PARAMETERS, "Research")).await;
    let item = paper::result_item(done.expect(200));
    let id: AihDataId = item["AIHDataID"].as_str().unwrap().parse().unwrap();
    assert_eq!(item["ParentAIHDataID"], parcel.id.to_string());
    assert_eq!(item["AIHDataStatus"], "Identified");
    assert_eq!(item["EndUserID"], patient.user.to_string());
    let licence = licence_in(item).address();
    assert!(house.chain.node().stands(licence).await.unwrap());
    let (_, derivation) = house.chain.node().terms(licence).await.unwrap();
    assert_eq!(derivation.unwrap().data_item, id.hash());
    let confirmation = &done.body["AIHDataProcess"]["Response"]["LicenceConfirm"]["LicenceConfirm"]["Response"];
    assert_eq!(confirmation["Status"], true);
    // It is the End User's too.
    patient.get(&format!("/v1/aih-data/{id}/payload")).await.expect(200);
    (id, licence)
}

#[tokio::test]
async fn who_asked_hears_when_a_job_has_ended() {
    let scene = Scene::set().await;
    let parcel = parcel(&scene, &paper::ecg());
    parcel.send_in_parts(&scene.patient).await.expect(201);
    let stream = scene.institute.request(Method::GET, "/v1/events").send().await.unwrap();
    let message = request(&scene.institute, parcel.id, PARAMETERS, "Research");
    let later = scene.institute.request(Method::POST, "/v1/aih-data-process").header("prefer", "respond-async");
    let told = send(later.json(&message)).await;
    let id = told.expect(202).body["OperationID"].as_str().unwrap().to_owned();
    let (mut bytes, mut heard) = (stream.bytes_stream(), String::new());
    // Other news may come first: the decision itself, as soon as the index has it.
    while !(heard.contains("event: operation.ended") && heard.ends_with("\n\n")) {
        heard.push_str(std::str::from_utf8(&bytes.next().await.unwrap().unwrap()).unwrap());
    }
    assert!(heard.contains(&id) && heard.contains("\"State\":\"done\""), "{heard}");
    drop(bytes);
    scene.institute.get(&format!("/v1/aih-data-process/{id}")).await.expect(200);
    scene.house.stop().await;
}

#[tokio::test]
async fn each_service_needs_a_token_that_opens_it() {
    let scene = Scene::set().await;
    let parcel = parcel(&scene, &paper::ecg());
    let narrow = async |services: &[&str]| {
        let mut client = scene.patient.clone();
        let answer = client.renew(services).await;
        client.take_token(&answer.expect(200).body);
        client
    };
    let (storing, reading) = (narrow(&["Store"]).await, narrow(&["Retrieve"]).await);
    parcel.send_inline(&reading).await.expect(403).problem("forbidden");
    parcel.send_in_parts(&storing).await.expect(201);
    let path = format!("{}/payload", parcel.path());
    storing.get(&path).await.expect(403).problem("forbidden");
    reading.get(&path).await.expect(200);
    let message = request(&reading, parcel.id, PARAMETERS, "Patient Use");
    process(&reading, &message).await.expect(403).problem("forbidden");
    process(&scene.patient, &message).await.expect(200);
    let nobody = scene.house.stranger(PATIENT);
    for answer in [nobody.get(&path).await, nobody.get("/v1/aih-data").await, parcel.send_inline(&nobody).await] {
        answer.expect(401).problem("unauthenticated");
    }
    scene.house.stop().await;
}

#[tokio::test]
async fn a_payload_is_read_in_ranges() {
    let scene = Scene::set().await;
    let bytes: Vec<u8> = (0..200_000_u32).map(|i| (i * 7 + i / 251) as u8).collect();
    let parcel = paper::table(&scene.patient, &scene.house.chain.deployment.back_end(), &bytes);
    parcel.send_in_parts(&scene.patient).await.expect(201);
    let path = format!("{}/payload", parcel.path());
    let ask = |range: &str| send(scene.patient.request(Method::GET, &path).header("range", range));
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=0-65535", 0, 65_536),
        ("bytes=65530-131080", 65_530, 131_081),
        ("bytes=199999-199999", 199_999, 200_000),
        ("bytes=100000-", 100_000, 200_000),
        ("bytes=150000-900000", 150_000, 200_000),
        ("bytes=-1", 199_999, 200_000),
        ("bytes=-70000", 130_000, 200_000),
        ("bytes=-900000", 0, 200_000),
    ] {
        let answer = ask(range).await;
        assert_eq!(answer.expect(206).bytes, bytes[from..to], "{range}");
        assert_eq!(answer.header("content-range"), format!("bytes {from}-{}/200000", to - 1));
        assert_eq!(answer.header("content-type"), "text/csv");
    }
    for range in ["bytes=200000-", "bytes=200000-200001", "bytes=-0"] {
        let answer = ask(range).await;
        answer.expect(416).problem("range-not-satisfiable");
        assert_eq!(answer.header("content-range"), "bytes */200000", "{range}");
    }
    for range in ["bytes=5-4", "bytes=x-1", "bytes=", "bytes=-", "bytes=1--2"] {
        ask(range).await.expect(416).problem("range-not-satisfiable");
    }
    // Other units and several ranges at once are not offered: the whole is answered.
    for range in ["lines=1-2", "bytes=0-1,5-6"] {
        assert_eq!(ask(range).await.expect(200).bytes.len(), 200_000);
    }
    scene.house.stop().await;
}
