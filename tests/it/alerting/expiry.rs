//! A licence that has run out: whom it let see what was found sees it no more, and nothing is looked for any more.

use reqwest::Method;
use serde_json::json;

use super::{LOOKED_FOR, Scene, Terms, heart};
use crate::{
    environment::house::send,
    items::paper::{PARAMETERS, process, reasons, request},
};

/// Longer than any licence of these tests lasts.
const DAY: u64 = 86_400;

#[tokio::test]
async fn a_recipient_whose_licence_has_expired_sees_no_finding_and_clears_nothing() {
    let mut scene = Scene::new().await;
    scene.name(&[&scene.caregiver]).await;
    let terms = Terms { caregivers: Some(&["Medical Condition Anomaly"]), ..LOOKED_FOR };
    let parcel = scene.uploaded(&heart(170.0), terms).await;
    let path = format!("/v1/alerts/{}", scene.alert().await["AlertID"].as_str().unwrap());
    let seen = scene.caregiver.get(&path).await;
    assert_ne!(seen.expect(200).body["ARAData"], json!([]));
    send(scene.caregiver.request(Method::POST, &format!("{path}/acknowledgement"))).await.expect(200);

    scene.house.pass(DAY).await;
    for client in [&mut scene.patient, &mut scene.institute, &mut scene.caregiver] {
        client.come_back().await;
    }
    let seen = scene.caregiver.get(&path).await;
    assert_eq!(seen.expect(200).body["ARAData"], json!([]));
    assert_eq!(seen.body["Alert"]["State"], "acknowledged");
    send(scene.caregiver.request(Method::POST, &format!("{path}/clearance"))).await.expect(403).problem("forbidden");
    let asked = process(&scene.institute, &request(&scene.institute, parcel.id, PARAMETERS, "Research")).await;
    assert_eq!(reasons(asked.expect(403).problem("licence-denied")), ["Expired"]);
    // The End User sees what is theirs.
    let own = scene.patient.get(&path).await;
    assert_ne!(own.expect(200).body["ARAData"], json!([]));
    scene.house.stop().await;
}
