//! Who is told what.

use futures_util::StreamExt;
use health_back_end::{
    db::operations::{OperationKind, OperationState},
    domain::taxonomy::UserClass,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{LOOKED_FOR, Scene, Terms, heart, receiver::Receiver, until};
use crate::{
    environment::{Chain, PATIENT, house::Client, premises::Premises},
    items::{
        paper::{self, PARAMETERS, process, request, result_item},
        server::Server,
    },
};

/// Reads a client's event stream until it holds an event of a kind; gives its data.
pub(super) async fn hear(stream: reqwest::Response, kind: &str) -> Value {
    let (mut bytes, mut heard) = (stream.bytes_stream(), String::new());
    loop {
        if let Some((_, after)) = heard.split_once(&format!("event: {kind}\n"))
            && let Some((data, _)) = after.split_once("\n\n")
        {
            let data = data.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
            return serde_json::from_str(data).unwrap();
        }
        heard.push_str(std::str::from_utf8(&bytes.next().await.unwrap().unwrap()).unwrap());
    }
}

pub(super) async fn listen(client: &Client) -> reqwest::Response {
    client.request(Method::GET, "/v1/events").send().await.unwrap()
}

/// Types of the findings in an AIH Data message.
pub(super) fn types(message: &Value) -> Vec<String> {
    let list = message["ARAData"].as_array().cloned().unwrap_or_default();
    let mut types: Vec<String> =
        list.iter().filter_map(|found| found["ARAData"]["AnomalyType"].as_str().map(str::to_owned)).collect();
    types.sort();
    types.dedup();
    types
}

#[tokio::test]
async fn a_fast_heart_is_told_on_the_stream_and_at_the_webhook() {
    let scene = Scene::new().await;
    let receiver = Receiver::answering(&[500]).await;
    let told = scene.patient.post("/v1/webhooks", &json!({"URL": receiver.url})).await;
    let secret = told.expect(201).body["Secret"].as_str().unwrap().to_owned();
    let stream = listen(&scene.patient).await;
    let parcel = scene.uploaded(&heart(170.0), LOOKED_FOR).await;

    let heard = hear(stream, "alert.raised").await;
    assert_eq!((&heard["RiskType"], &heard["AIHDataID"]), (&json!("Red"), &json!(parcel.id)));
    assert!(heard["AnomalyTypes"].as_array().unwrap().contains(&json!("Medical Condition Anomaly")));

    // Not taken at first, and sent again: the same message, signed anew.
    let letters = receiver.received(2).await;
    assert_eq!(letters[0].body, letters[1].body);
    for letter in &letters {
        letter.verify(&secret).unwrap();
        assert_eq!(letter.header("content-type"), "application/cloudevents+json; charset=utf-8");
        let event = letter.json();
        assert_eq!((&event["specversion"], &event["type"]), (&json!("1.0"), &json!("community.mpai.aih.alert.raised")));
        assert_eq!(event["id"], letter.header("webhook-id"));
        assert_eq!(event["data"], json!({"AlertID": heard["AlertID"], "AIHDataID": parcel.id}));
        // Nothing of what was found leaves the house this way.
        for word in ["Red", "heart", "Heart", "Medical", "minute"] {
            assert!(!letter.body.contains(word), "{word}: {}", letter.body);
        }
    }

    let alert = heard["AlertID"].as_str().unwrap();
    let seen = scene.patient.get(&format!("/v1/alerts/{alert}")).await;
    let found = &seen.expect(200).body["ARAData"][0]["ARAData"];
    assert_eq!((&found["RiskType"], &found["Method"]), (&json!("Red"), &json!("tachycardia@1.2.0")));
    assert!(found["Finding"].as_str().unwrap().starts_with("Fast heart rate: 1"), "{found}");
    assert!(found["FindingTime"]["StartTime"].as_str().unwrap().starts_with("2026-02-03T22:0"), "{found}");
    let item = scene.patient.get(&parcel.path()).await;
    assert!(types(&item.expect(200).body).contains(&"Medical Condition Anomaly".to_owned()), "{}", item.body);
    scene.house.stop().await;
}

#[tokio::test]
async fn a_calm_heart_raises_no_alert() {
    let scene = Scene::new().await;
    let parcel = scene.uploaded(&heart(72.0), LOOKED_FOR).await;
    assert_eq!(scene.patient.get("/v1/alerts").await.expect(200).body["Alerts"], json!([]));
    let operations = scene.house.database.list_operations_on_item(parcel.id, None, 10).await.unwrap().rows;
    let alerting = operations.iter().find(|row| row.kind == OperationKind::Alert).unwrap();
    assert_eq!(alerting.state, OperationState::Done);
    scene.house.stop().await;
}

#[tokio::test]
async fn it_is_asked_in_the_transaction_of_the_processing_and_found_once() {
    let scene = Scene::new().await;
    let terms = Terms { institute: &["Medical Condition Anomaly"], ..LOOKED_FOR };
    let parcel = scene.uploaded(&heart(170.0), terms).await;
    let alerts = async || scene.patient.get("/v1/alerts").await.expect(200).body["Alerts"].as_array().unwrap().len();
    assert_eq!(alerts().await, 1);
    let done = process(&scene.institute, &request(&scene.institute, parcel.id, PARAMETERS, "Research")).await;
    let item = result_item(done.expect(200)).clone();
    let rows = scene.house.database.list_operations_on_item(parcel.id, None, 10).await.unwrap().rows;
    let of = |kind| rows.iter().find(|row| row.kind == kind).unwrap();
    let (processing, alerting) = (of(OperationKind::Process), of(OperationKind::Alert));
    assert!(processing.tx_hash.is_some());
    assert_eq!(processing.tx_hash, alerting.tx_hash);
    assert_eq!(alerting.state, OperationState::Done);
    assert_eq!(alerting.requester.0, scene.house.chain.deployment.back_end().0);
    // Looked for again, found before: nobody is told twice.
    assert_eq!(alerts().await, 1);
    assert_eq!(types(&item), ["Medical Condition Anomaly"]);
    assert_eq!(item["ARAData"][0]["ARAData"]["AIHDataID"], json!(parcel.id));
    scene.house.stop().await;
}

#[tokio::test]
async fn who_is_named_hears_and_who_is_not_does_not() {
    let scene = Scene::new().await;
    scene.name(&[&scene.caregiver, &scene.institute]).await;
    let (covered, uncovered) = (listen(&scene.caregiver).await, listen(&scene.institute).await);
    let terms = Terms { caregivers: Some(&["Collective Anomaly", "Medical Condition Anomaly"]), ..LOOKED_FOR };
    let parcel = scene.uploaded(&heart(170.0), terms).await;

    let heard = hear(covered, "alert.raised").await;
    assert_eq!(heard["RiskType"], "Red");
    let path = format!("/v1/alerts/{}", heard["AlertID"].as_str().unwrap());
    let seen = scene.caregiver.get(&path).await;
    let found = seen.expect(200).body["ARAData"].as_array().unwrap().clone();
    assert!(!found.is_empty());
    for finding in &found {
        let kind = finding["ARAData"]["AnomalyType"].as_str().unwrap();
        assert!(["Collective Anomaly", "Medical Condition Anomaly"].contains(&kind), "{kind}");
    }
    // Looking was asked of the chain in the caregiver's name.
    let rows = scene.house.database.list_operations_on_item(parcel.id, None, 10).await.unwrap().rows;
    assert!(rows.iter().any(|row| row.requester == scene.caregiver.user && row.state == OperationState::Done));

    // Named and not covered: that there is an alert, and no more.
    let heard = hear(uncovered, "alert.raised").await;
    assert_eq!(heard, json!({"AlertID": heard["AlertID"], "AIHDataID": parcel.id}));
    let seen = scene.institute.get(&path).await;
    assert_eq!(seen.expect(200).body["ARAData"], json!([]));
    assert_eq!(seen.body["Alert"]["State"], "raised");
    scene.house.stop().await;
}

/// Named once is not named for ever: who was suspended since hears nothing more, nor does who is not named any longer.
#[tokio::test]
async fn who_is_suspended_or_named_no_longer_is_not_told() {
    let scene = Scene::new().await;
    scene.name(&[&scene.caregiver, &scene.institute]).await;
    let told = async |client: &Client| {
        let notices = scene.house.database.list_notices(client.user, 0, 100).await.unwrap();
        notices.into_iter().map(|notice| notice.kind).filter(|kind| kind.starts_with("alert.")).collect::<Vec<_>>()
    };
    scene.uploaded(&heart(170.0), LOOKED_FOR).await;
    assert_eq!(
        (told(&scene.caregiver).await, told(&scene.institute).await),
        (vec!["alert.raised".to_owned()], vec!["alert.raised".to_owned()])
    );

    scene.house.chain.suspend(scene.caregiver.user.address(), UserClass::Caregiver).await;
    scene.house.indexed().await;
    scene.name(&[]).await;
    let alert = scene.alert().await["AlertID"].as_str().unwrap().to_owned();
    let path = format!("/v1/alerts/{alert}/acknowledgement");
    crate::environment::house::send(scene.patient.request(Method::POST, &path)).await.expect(200);
    let mut end_user = told(&scene.patient).await;
    end_user.sort();
    assert_eq!(end_user, ["alert.acknowledged", "alert.raised"]);
    assert_eq!((told(&scene.caregiver).await.len(), told(&scene.institute).await.len()), (1, 1));
    scene.house.stop().await;
}

/// A User who is suspended while still named.
#[tokio::test]
async fn who_is_suspended_hears_of_no_new_alert() {
    let scene = Scene::new().await;
    scene.name(&[&scene.caregiver]).await;
    scene.house.chain.suspend(scene.caregiver.user.address(), UserClass::Caregiver).await;
    scene.house.indexed().await;
    scene.uploaded(&heart(170.0), LOOKED_FOR).await;
    let of = async |client: &Client| {
        let notices = scene.house.database.list_notices(client.user, 0, 100).await.unwrap();
        notices.iter().filter(|notice| notice.kind == "alert.raised").count()
    };
    assert_eq!((of(&scene.patient).await, of(&scene.caregiver).await), (1, 0));
    scene.house.stop().await;
}

#[tokio::test]
async fn a_stranger_hears_and_sees_nothing() {
    let scene = Scene::new().await;
    // Covered by a grant, with a webhook, and not named by the End User.
    let receiver = Receiver::answering(&[]).await;
    let told = scene.caregiver.post("/v1/webhooks", &json!({"URL": receiver.url})).await;
    let webhook = told.expect(201).body["WebhookID"].as_str().unwrap().parse().unwrap();
    let terms = Terms { caregivers: Some(&["Medical Condition Anomaly"]), ..LOOKED_FOR };
    let before = scene.house.database.last_notice_seq().await.unwrap();
    scene.uploaded(&heart(170.0), terms).await;
    let alert = until("there is an alert", async || Some(scene.alert().await).filter(|alert| !alert.is_null())).await;
    let id = alert["AlertID"].as_str().unwrap();
    assert_eq!(scene.caregiver.get("/v1/alerts").await.expect(200).body["Alerts"], json!([]));
    let unknown = scene.caregiver.get(&format!("/v1/alerts/{}", uuid::Uuid::now_v7())).await;
    for (method, tail) in [(Method::GET, ""), (Method::POST, "/acknowledgement"), (Method::POST, "/clearance")] {
        let path = format!("/v1/alerts/{id}{tail}");
        let answer = crate::environment::house::send(scene.caregiver.request(method, &path)).await;
        answer.expect(404).problem("not-found");
        assert_eq!(answer.bytes, unknown.bytes);
    }
    let notices = scene.house.database.list_notices(scene.caregiver.user, before, 100).await.unwrap();
    assert!(!notices.iter().any(|notice| notice.kind.starts_with("alert.")), "{notices:?}");
    // Named now, they hear of the next one, and of that one alone.
    scene.name(&[&scene.caregiver]).await;
    let next = scene.uploaded(&heart(170.0), terms).await;
    let letters = receiver.received(1).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].json()["data"]["AIHDataID"], json!(next.id));
    assert_eq!(scene.house.database.list_deliveries(webhook, 10).await.unwrap().len(), 1);
    scene.house.stop().await;
}

#[tokio::test]
async fn what_was_found_goes_with_the_item() {
    let scene = Scene::new().await;
    let parcel = scene.uploaded(&heart(170.0), LOOKED_FOR).await;
    let alert = scene.alert().await["AlertID"].as_str().unwrap().to_owned();
    assert!(!scene.house.database.list_findings(parcel.id).await.unwrap().is_empty());
    let licence = paper::licence_in(&scene.patient.get(&parcel.path()).await.expect(200).body);
    paper::withdraw(&scene.patient, &scene.house.chain.deployment.back_end(), parcel.id, licence).await;
    crate::environment::house::send(scene.patient.request(Method::DELETE, &parcel.path())).await.expect(204);
    assert_eq!(scene.house.database.list_findings(parcel.id).await.unwrap(), []);
    let seen = scene.patient.get(&format!("/v1/alerts/{alert}")).await;
    assert_eq!(seen.expect(200).body["ARAData"], json!([]));
    scene.house.stop().await;
}

#[tokio::test]
async fn a_listening_front_end_prints_an_alert_and_what_was_found() {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let patient = server.end_user(PATIENT).await;
    let id = paper::new_item();
    let document = super::licence(&patient, &server.back_end, id, LOOKED_FOR);
    paper::sealed(&patient, &server.back_end, id, document, &heart(170.0)).send_in_parts(&patient).await.expect(201);
    // From the first event on, so that it does not matter who is faster.
    let listening = tokio::process::Command::new(env!("CARGO_BIN_EXE_hfe"))
        .args(["listen", "--after", "0", "--count", "1", "--ready-file"])
        .arg(folder.path().join("ready"))
        .env("HFE_KEY", alloy::hex::encode_prefixed(patient.signer.to_bytes()))
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(std::time::Duration::from_secs(60), listening).await.unwrap().unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{wrong}");
    assert!(said.contains("alert.raised") && said.contains(&id.to_string()), "{said}");
    assert!(said.contains("Red") && said.contains("Fast heart rate"), "{said}");
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}
