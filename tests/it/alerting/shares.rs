//! Recipients get the anomaly types their licence names and no others, on every path findings leave the house by.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    LOOKED_FOR, Scene, Terms, heart_of,
    receiver::Receiver,
    told::{hear, listen, types},
};
use crate::{
    environment::house::{Client, send},
    items::paper::{PARAMETERS, Parcel, process, request, result_item},
};

const ALL: [&str; 4] = ["Collective Anomaly", "Contextual Anomaly", "Medical Condition Anomaly", "Point Anomaly"];

/// A heart that becomes fast, and what is found in it, by type.
async fn found(scene: &Scene, terms: Terms<'_>) -> (Parcel, Vec<String>) {
    let parcel = scene.uploaded(&heart_of(&[70.0, 170.0]), terms).await;
    let found = types(&scene.patient.get(&parcel.path()).await.expect(200).body);
    assert!(found.len() > 1, "one type alone shows nothing: {found:?}");
    (parcel, found)
}

fn shared(found: &[String], named: &[&str]) -> Vec<String> {
    found.iter().filter(|kind| named.contains(&kind.as_str())).cloned().collect()
}

/// The texts of all findings, which nothing that leaves without a licence may hold.
async fn texts(scene: &Scene, parcel: &Parcel) -> Vec<String> {
    let item = scene.patient.get(&parcel.path()).await;
    let list = item.expect(200).body["ARAData"].as_array().unwrap().clone();
    list.iter().map(|finding| finding["ARAData"]["Finding"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn in_a_result_when_it_is_answered_asked_for_again_and_read_later() {
    let scene = Scene::new().await;
    for named in [&[][..], &ALL[..1], &ALL[2..3], &ALL[..]] {
        let (parcel, found) = found(&scene, Terms { institute: named, ..LOOKED_FOR }).await;
        let message = request(&scene.institute, parcel.id, PARAMETERS, "Research");
        let done = process(&scene.institute, &message).await;
        assert_eq!(types(result_item(done.expect(200))), shared(&found, named), "answered, {named:?}");
        // The same message again is answered from what is kept.
        let again = process(&scene.institute, &message).await;
        assert_eq!(types(result_item(again.expect(200))), shared(&found, named), "again, {named:?}");
        // Reading is another operation, which this licence does not cover: nothing comes with it.
        let id = result_item(&done)["AIHDataID"].as_str().unwrap();
        for path in [format!("/v1/aih-data/{id}"), parcel.path()] {
            let read = scene.institute.get(&path).await;
            assert_eq!(types(&read.body), Vec::<String>::new(), "read, {path}: {}", read.status);
        }
        assert_eq!(types(&scene.patient.get(&format!("/v1/aih-data/{id}")).await.expect(200).body), found);
    }
    scene.house.stop().await;
}

#[tokio::test]
async fn in_an_alert_and_on_the_event_stream() {
    for named in [&[][..], &ALL[..1], &ALL[2..3], &ALL[..]] {
        let scene = Scene::new().await;
        scene.name(&[&scene.caregiver]).await;
        let stream = listen(&scene.caregiver).await;
        let (parcel, found) = found(&scene, Terms { caregivers: Some(named), ..LOOKED_FOR }).await;
        let heard = hear(stream, "alert.raised").await;
        // Only what alerts is told on the stream; what is only kept stands in the alert no more than there.
        let alert = scene.patient.get(&format!("/v1/alerts/{}", heard["AlertID"].as_str().unwrap())).await;
        let raised = types(&alert.expect(200).body);
        assert!(!raised.is_empty() && raised.iter().all(|kind| found.contains(kind)));
        let told = words(&heard["AnomalyTypes"]);
        assert!(told.iter().all(|kind| named.contains(&kind.as_str())), "{named:?}: {heard}");
        assert_eq!(heard.get("RiskType").is_some(), !told.is_empty(), "a colour alone tells too: {heard}");

        let seen = scene.caregiver.get(&format!("/v1/alerts/{}", heard["AlertID"].as_str().unwrap())).await;
        assert_eq!(types(&seen.expect(200).body), shared(&raised, named), "{named:?}");
        // The list has no findings, whoever reads it.
        for client in [&scene.caregiver, &scene.patient] {
            let list = client.get("/v1/alerts").await;
            let text = String::from_utf8_lossy(&list.expect(200).bytes).into_owned();
            assert!(text.contains(heard["AlertID"].as_str().unwrap()), "{text}");
            assert_nothing_of_it(&text, &texts(&scene, &parcel).await);
        }
        scene.house.stop().await;
    }
}

fn words(list: &Value) -> Vec<String> {
    let words = list.as_array().cloned().unwrap_or_default();
    words.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// Neither types nor colours nor sentences.
fn assert_nothing_of_it(text: &str, sentences: &[String]) {
    let colours = ["Red", "Orange", "Yellow", "Green", "RiskType", "ARAData"];
    for word in ALL.iter().chain(&colours).copied().chain(sentences.iter().map(String::as_str)) {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[tokio::test]
async fn a_webhook_carries_nothing_of_it_whatever_is_licensed() {
    let scene = Scene::new().await;
    scene.name(&[&scene.caregiver]).await;
    let receivers = [Receiver::answering(&[]).await, Receiver::answering(&[]).await];
    for (client, receiver) in [&scene.caregiver, &scene.patient].into_iter().zip(&receivers) {
        client.post("/v1/webhooks", &json!({"URL": receiver.url})).await.expect(201);
    }
    let (parcel, _) = found(&scene, Terms { caregivers: Some(&ALL), ..LOOKED_FOR }).await;
    let alert = scene.alert().await["AlertID"].as_str().unwrap().to_owned();
    for what in ["acknowledgement", "clearance"] {
        send(scene.caregiver.request(Method::POST, &format!("/v1/alerts/{alert}/{what}"))).await.expect(200);
    }
    let texts = texts(&scene, &parcel).await;
    for receiver in &receivers {
        for letter in receiver.received(3).await {
            assert!(letter.body.contains(&alert));
            assert_nothing_of_it(&format!("{:?}{}", letter.headers, letter.body), &texts);
        }
    }
    scene.house.stop().await;
}

#[tokio::test]
async fn an_audit_tells_that_it_was_looked_for_and_not_what_was_found() {
    let scene = Scene::new().await;
    scene.name(&[&scene.caregiver]).await;
    let (parcel, _) = found(&scene, Terms { caregivers: Some(&ALL), ..LOOKED_FOR }).await;
    scene.caregiver.get(&format!("/v1/alerts/{}", scene.alert().await["AlertID"].as_str().unwrap())).await.expect(200);
    let texts = texts(&scene, &parcel).await;
    scene.house.indexed().await;
    for form in ["json", "ndjson", "csv", "fhir"] {
        let path = format!("/v1/audit/events?format={form}&item={}", parcel.id);
        let export = scene.patient.get(&path).await;
        let text = String::from_utf8_lossy(&export.expect(200).bytes).into_owned();
        assert!(text.contains("AnomalyAndRiskAlerting"), "{form}: {text}");
        assert_nothing_of_it(&text, &texts);
        // Nobody audits what is not theirs.
        assert_ne!(exported(&scene.caregiver, &path).await, 200, "{form}");
    }
    scene.house.stop().await;
}

async fn exported(client: &Client, path: &str) -> u16 {
    client.get(path).await.status
}
