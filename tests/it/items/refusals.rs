//! Messages that are strict JSON or nearly so, and still not to be acted upon.

use reqwest::Method;
use serde_json::{Value, json};

use super::paper::{self, PARAMETERS, Parcel, process, request};
use crate::environment::{
    house::{send, urn},
    scene::Scene,
};

fn table(scene: &Scene) -> Parcel {
    paper::table(&scene.patient, &scene.back_end(), b"time,pulse\n")
}

fn changed(message: &Value, pointer: &str, value: Value) -> Value {
    let mut message = message.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    message.pointer_mut(parent).unwrap()[name] = value;
    message
}

#[tokio::test]
async fn an_upload_that_violates_its_schema_is_refused_at_its_place() {
    let scene = Scene::set().await;
    let good = table(&scene).inline();
    let long = "x".repeat(100_000);
    for (pointer, value) in [
        ("/AIHDataID", json!(7)),
        ("/AIHDataID", json!("urn:uuid:not-one")),
        ("/AIHData", json!("dGltZQ==")),
        ("/AIHData/Data", json!("not base64 !")),
        ("/AIHData/Data", json!({"bytes": [1, 2]})),
        ("/AIHDataTime", json!(1_767_225_600)),
        ("/AIHDataQualifier", json!([])),
        ("/AIHDataQualifier/DataClass", json!("Gossip")),
        ("/AIHDataQualifier/Format", json!("Tape")),
        ("/EndUserID", json!("somebody")),
        ("/ModelLicenceSignature", json!("0x123")),
        ("/ModelLicenceSignature", json!(null)),
        ("/ModelLicence/AIHDataType", json!("Soul")),
        ("/ModelLicence/ModelLicenceTime/StartTime", json!("yesterday")),
        ("/ModelLicence/ModelLicenceData/ThirdPartyUserLicence/UserTypes", json!(["King"])),
        ("/ModelLicence/ModelLicenceData/ThirdPartyUserLicence/ProcessTypes", json!(["MindReading"])),
        ("/ModelLicence/ModelLicenceData/ThirdPartyUserLicence/UsageTypes", json!(["Marketing"])),
        ("/ModelLicence/ModelLicenceData/BackEndLicence/AIHDataStatus", json!("Secret")),
        ("/DescrMetadata", json!(long)),
        ("/Extra", json!(1)),
    ] {
        let answer = scene.patient.post("/v1/aih-data", &changed(&good, pointer, value)).await;
        assert_eq!(answer.body["type"], "/problems/schema-violation", "{pointer}: {}", answer.body);
        answer.expect(422).problem("schema-violation");
        let places = answer.body["pointers"].as_array().unwrap();
        let near = |place: &Value| {
            let place = place["pointer"].as_str().unwrap();
            pointer.starts_with(place) || place.starts_with(pointer)
        };
        assert!(places.iter().any(near), "{pointer}: {places:?}");
    }
    assert_eq!(scene.patient.items().await, Vec::<Value>::new(), "nothing was kept");
    scene.house.stop().await;
}

#[tokio::test]
async fn an_upload_that_contradicts_itself_is_refused() {
    let scene = Scene::set().await;
    let good = table(&scene).inline();
    let window = |start, end| json!({"StartTime": start, "EndTime": end});
    let elsewhere = "eip155:31337:0x00000000000000000000000000000000000000bb";
    let other_chain = format!("eip155:1:{}", scene.patient.user.address());
    let third = "/ModelLicence/ModelLicenceData/ThirdPartyUserLicence";
    for (pointer, value, kind) in [
        // Foreign IDs.
        ("/EndUserID", json!(scene.institute.user), "schema-violation"),
        ("/ModelLicence/EndUserID", json!(scene.institute.user), "schema-violation"),
        ("/ModelLicence/EndUserID", json!(other_chain), "schema-violation"),
        ("/ModelLicence/AIHDataID", json!(urn()), "schema-violation"),
        ("/ModelLicence/ModelLicenceData/BackEndLicence/AIHDataID", json!(urn()), "unsupported-terms"),
        // Another class than the qualifier's.
        ("/AIHDataQualifier/DataClass", json!("Omics"), "schema-violation"),
        // A licence that ends before it starts, or never begins to permit anything.
        ("/ModelLicence/ModelLicenceTime", window("2026-06-01T00:00:00Z", "2026-05-01T00:00:00Z"), "schema-violation"),
        (&format!("{third}/Time"), window("2036-06-01T00:00:00Z", "2036-07-01T00:00:00Z"), "unsupported-terms"),
        // Another Back End's.
        (&format!("{third}/BackendID"), json!(elsewhere), "unsupported-terms"),
        ("/ModelLicence/ModelLicenceData/BackEndLicence/BackendID", json!(elsewhere), "unsupported-terms"),
        // What only the Back End writes.
        ("/LicenceID", json!(elsewhere), "schema-violation"),
        ("/ParentAIHDataID", json!(urn()), "schema-violation"),
        ("/AIHDataStatus", json!("Anonymised"), "schema-violation"),
        // A licence by name only.
        ("/ModelLicence", json!(urn()), "schema-violation"),
    ] {
        let answer = scene.patient.post("/v1/aih-data", &changed(&good, pointer, value)).await;
        assert!(answer.body["type"].as_str().unwrap().ends_with(kind), "{pointer}: {}", answer.body);
        answer.expect(422).problem(kind);
        assert!(answer.body["pointers"][0]["pointer"].is_string(), "{pointer}: {}", answer.body);
    }
    assert_eq!(scene.patient.items().await, Vec::<Value>::new(), "nothing was kept");
    scene.house.stop().await;
}

#[tokio::test]
async fn bodies_that_are_not_strict_json_are_refused_by_every_route_of_items() {
    let scene = Scene::set().await;
    let bomb = [b"[".repeat(200_000), b"]".repeat(200_000)].concat();
    let deep = format!("{{\"Header\":{}1{}}}", "{\"a\":".repeat(5_000), "}".repeat(5_000)).into_bytes();
    let text = table(&scene).inline().to_string();
    let twice = text.replacen("\"AIHDataID\"", "\"AIHDataID\":\"urn:uuid:0\",\"AIHDataID\"", 1).into_bytes();
    let lone = text.replacen("CSV", "\\ud800", 1).into_bytes();
    for path in ["/v1/aih-data", "/v1/aih-data-process"] {
        for bad in [&b""[..], b"{", b"{} {}", b"\xff\xfe{}", b"nul", &bomb, &deep, &twice, &lone] {
            let request = scene.patient.request(Method::POST, path).header("content-type", "application/json");
            send(request.body(bad.to_vec())).await.expect(400).problem("malformed-request");
        }
        let text = scene.patient.request(Method::POST, path).header("content-type", "text/plain").body("{}");
        send(text).await.expect(415).problem("unsupported-media-type");
    }
    assert_eq!(scene.patient.items().await, Vec::<Value>::new(), "nothing was kept");
    scene.house.stop().await;
}

#[tokio::test]
async fn a_request_to_process_that_makes_no_sense_is_refused() {
    let scene = Scene::set().await;
    let parcel = paper::parcel(&scene.patient, &scene.house.chain.deployment.back_end(), &paper::ecg());
    let stored = parcel.send_in_parts(&scene.patient).await;
    stored.expect(201);
    let good = request(&scene.institute, parcel.id, PARAMETERS, "Research");
    let of_request = "/AIHDataProcess/Request";
    for (pointer, value, status, kind) in [
        ("/ProcessingType", json!("PhysiologicalMindReading"), 422, "schema-violation"),
        ("/ProcessingType", json!("Retrieve"), 422, "schema-violation"),
        ("/ProcessingType", json!(["PhysiologicalEventDetection"]), 422, "schema-violation"),
        ("/Usage", json!("Fun"), 422, "schema-violation"),
        ("/AIHDataID", json!("urn:uuid:1"), 422, "schema-violation"),
        // The AI Module does not know it, or not so; it says which.
        ("/Parameters", json!({"Colour": "red"}), 422, "schema-violation"),
        ("/Parameters", json!({"Lead": "V9"}), 422, "unprocessable"),
        ("/Parameters", json!({"Lead": 99}), 422, "unprocessable"),
        ("/Parameters", json!({"Lead": [1]}), 422, "schema-violation"),
        ("/Parameters", json!({"Lead": -1}), 422, "schema-violation"),
    ] {
        let message = changed(&good, &format!("{of_request}{pointer}"), value.clone());
        let message = changed(&message, "/AIHDataProcessID", json!(urn()));
        let answer = process(&scene.institute, &message).await;
        assert_eq!(answer.status, status, "{pointer} {value}: {}", answer.body);
        assert!(answer.body["type"].as_str().unwrap().ends_with(kind), "{pointer} {value}: {}", answer.body);
    }
    // Nobody asks in another's name.
    for user in [json!(scene.patient.user), json!(scene.house.chain.deployment.back_end().to_string())] {
        let message = changed(&good, "/UserID", user);
        process(&scene.institute, &message).await.expect(403).problem("forbidden");
    }
    // A message with the data inside asks for something this service does not do.
    let inside = changed(&good, &format!("{of_request}/AIHData"), stored.body.clone());
    let answer = process(&scene.institute, &inside).await;
    answer.expect(422).problem("schema-violation");
    scene.house.stop().await;
}

#[tokio::test]
async fn a_job_is_told_to_whoever_asked_for_it() {
    let scene = Scene::set().await;
    let parcel = paper::parcel(&scene.patient, &scene.house.chain.deployment.back_end(), &paper::ecg());
    parcel.send_in_parts(&scene.patient).await.expect(201);
    let message = request(&scene.institute, parcel.id, PARAMETERS, "Research");
    let later = scene.institute.request(Method::POST, "/v1/aih-data-process").header("prefer", "respond-async");
    let told = send(later.json(&message)).await;
    let place = told.expect(202).header("location").to_owned();
    let foreign = scene.patient.get(&place).await;
    let unknown = scene.patient.get(&format!("/v1/aih-data-process/{}", uuid::Uuid::now_v7())).await;
    foreign.expect(404).problem("not-found");
    assert_eq!(foreign.bytes, unknown.bytes);
    scene.house.stranger(5).get(&place).await.expect(401).problem("unauthenticated");
    scene.institute.get("/v1/aih-data-process/seven").await.expect(400).problem("malformed-request");
    paper::follow(&scene.institute, told).await.expect(200);
    scene.house.stop().await;
}
