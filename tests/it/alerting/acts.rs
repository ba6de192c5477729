//! Naming recipients, acknowledging, clearing.

use reqwest::Method;
use serde_json::json;

use super::{LOOKED_FOR, Scene, Terms, heart, receiver::Receiver};
use crate::{
    environment::{
        PATIENT,
        house::{Answer, Client, send},
    },
    items::paper,
};

async fn put(client: &Client, body: &serde_json::Value) -> Answer {
    send(client.request(Method::PUT, "/v1/alerts/recipients").json(body)).await
}

#[tokio::test]
async fn an_alert_is_acknowledged_then_cleared_and_everybody_hears() {
    let scene = Scene::new().await;
    let receiver = Receiver::answering(&[]).await;
    scene.patient.post("/v1/webhooks", &json!({"URL": receiver.url})).await.expect(201);
    scene.name(&[&scene.caregiver, &scene.institute]).await;
    let terms = Terms { caregivers: Some(&["Medical Condition Anomaly"]), ..LOOKED_FOR };
    scene.uploaded(&heart(170.0), terms).await;
    let id = scene.alert().await["AlertID"].as_str().unwrap().to_owned();
    let act = async |client: &Client, what: &str| {
        send(client.request(Method::POST, &format!("/v1/alerts/{id}/{what}"))).await
    };
    // Not before somebody looked after it.
    act(&scene.patient, "clearance").await.expect(409).problem("conflict");
    for _ in 0..2 {
        let answer = act(&scene.institute, "acknowledgement").await;
        assert_eq!(answer.expect(200).body["State"], "acknowledged");
        assert_eq!(answer.body["Acknowledged"]["By"], scene.institute.user.to_string());
    }
    // The first who acknowledged stays the one who did.
    let again = act(&scene.patient, "acknowledgement").await;
    assert_eq!(again.expect(200).body["Acknowledged"]["By"], scene.institute.user.to_string());
    // Named, but with no licence to see what was found.
    act(&scene.institute, "clearance").await.expect(403).problem("forbidden");
    for _ in 0..2 {
        let answer = act(&scene.caregiver, "clearance").await;
        assert_eq!(answer.expect(200).body["State"], "cleared");
        assert_eq!(answer.body["Cleared"]["By"], scene.caregiver.user.to_string());
    }
    let kinds: Vec<String> =
        receiver.received(3).await.iter().map(|letter| letter.json()["type"].as_str().unwrap().to_owned()).collect();
    for kind in ["raised", "acknowledged", "cleared"] {
        assert_eq!(kinds.iter().filter(|word| word.ends_with(kind)).count(), 1, "{kinds:?}");
    }
    for client in [&scene.patient, &scene.caregiver, &scene.institute] {
        let notices = scene.house.database.list_notices(client.user, 0, 100).await.unwrap();
        let told: Vec<&str> =
            notices.iter().map(|notice| notice.kind.as_str()).filter(|kind| kind.starts_with("alert.")).collect();
        assert_eq!(told, ["alert.raised", "alert.acknowledged", "alert.cleared"]);
    }
    scene.house.stop().await;
}

#[tokio::test]
async fn recipients_are_registered_users_and_few() {
    let scene = Scene::new().await;
    let stranger = scene.house.stranger(0).user.to_string();
    let caregiver = scene.caregiver.user.to_string();
    for bad in [json!([stranger]), json!([scene.patient.user.to_string()]), json!(vec![caregiver.clone(); 17])] {
        put(&scene.patient, &json!({"Recipients": bad})).await.expect(422).problem("schema-violation");
    }
    for bad in [json!({}), json!({"Recipients": ["me"]}), json!({"Recipients": [], "Else": 1})] {
        put(&scene.patient, &bad).await.expect(422).problem("schema-violation");
    }
    let foreign = json!({"Recipients": [caregiver], "AIHDataID": paper::new_item()});
    put(&scene.patient, &foreign).await.expect(404).problem("not-found");
    // Only who has items of their own names anybody.
    put(&scene.caregiver, &json!({"Recipients": []})).await.expect(403).problem("forbidden");
    scene.house.stranger(PATIENT).get("/v1/alerts").await.expect(401);
    let named = put(&scene.patient, &json!({"Recipients": [caregiver]})).await;
    assert_eq!(named.expect(200).body, json!({"Recipients": [{"UserID": caregiver}]}));
    assert_eq!(scene.patient.get("/v1/alerts/recipients").await.expect(200).body, named.body);
    scene.house.stop().await;
}

#[tokio::test]
async fn who_is_named_no_more_sees_no_more() {
    let scene = Scene::new().await;
    let parcel = scene.uploaded(&heart(72.0), LOOKED_FOR).await;
    let caregiver = scene.caregiver.user.to_string();
    // For another item first: the alert about this one is not theirs.
    put(&scene.patient, &json!({"Recipients": [caregiver], "AIHDataID": parcel.id})).await.expect(200);
    scene.uploaded(&heart(170.0), LOOKED_FOR).await;
    assert_eq!(scene.caregiver.get("/v1/alerts").await.expect(200).body["Alerts"], json!([]));
    scene.name(&[&scene.caregiver]).await;
    scene.uploaded(&heart(170.0), LOOKED_FOR).await;
    let alerts = scene.caregiver.get("/v1/alerts").await.expect(200).body["Alerts"].clone();
    assert_eq!(alerts.as_array().unwrap().len(), 1);
    let path = format!("/v1/alerts/{}", alerts[0]["AlertID"].as_str().unwrap());
    scene.caregiver.get(&path).await.expect(200);
    scene.name(&[]).await;
    scene.caregiver.get(&path).await.expect(404);
    assert_eq!(scene.caregiver.get("/v1/alerts").await.expect(200).body["Alerts"], json!([]));
    // The End User does.
    scene.patient.get(&path).await.expect(200);
    scene.house.stop().await;
}
