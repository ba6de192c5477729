//! When the chain is asked for alerting: beside a processing that is permitted, where the licence grants it, and never in
//! vain.

use health_back_end::{
    db::operations::{OperationKind, OperationRow, OperationState},
    domain::{
        ids::AihDataId,
        licence_event::{Confirmation, LicenceEventKind},
        operation::Operation,
    },
};
use serde_json::json;

use super::{LOOKED_FOR, Scene, Terms, heart, told::types};
use crate::items::paper::{PARAMETERS, STATE, process, request, result_item};

/// Every answer the chain recorded about alerting on an item.
async fn recorded(scene: &Scene, item: AihDataId) -> Vec<Confirmation> {
    let node = scene.house.chain.node();
    let head = node.head().await.unwrap().number;
    let events = node.events(0, head).await.unwrap().into_iter();
    let answers = events.filter_map(|event| match event.kind {
        LicenceEventKind::Confirmed(answer) => Some(answer),
        _ => None,
    });
    answers
        .filter(|answer| answer.operation == Operation::AnomalyAndRiskAlerting && answer.aih_data == item.hash())
        .collect()
}

async fn alertings(scene: &Scene, item: AihDataId) -> Vec<OperationRow> {
    let rows = scene.house.database.list_operations_on_item(item, None, 20).await.unwrap().rows;
    rows.into_iter().filter(|row| row.kind == OperationKind::Alert).collect()
}

#[tokio::test]
async fn without_a_licence_nothing_is_asked_and_the_processing_goes_on() {
    let scene = Scene::new().await;
    let parcel = scene.parcel(&heart(170.0), Terms { licensed: false, ..LOOKED_FOR });
    parcel.send_in_parts(&scene.patient).await.expect(201);
    for _ in 0..2 {
        let done = process(&scene.institute, &request(&scene.institute, parcel.id, PARAMETERS, "Research")).await;
        assert_eq!(types(result_item(done.expect(200))), Vec::<String>::new());
    }
    // Nobody wanted anything, so there is nothing in the register and nothing in the house.
    assert_eq!(recorded(&scene, parcel.id).await, []);
    assert_eq!(alertings(&scene, parcel.id).await, []);
    assert_eq!(scene.patient.get("/v1/alerts").await.expect(200).body["Alerts"], json!([]));
    scene.house.stop().await;
}

#[tokio::test]
async fn with_a_licence_every_processing_asks_once_and_the_answer_is_a_yes() {
    let scene = Scene::new().await;
    let parcel = scene.uploaded(&heart(72.0), LOOKED_FOR).await;
    assert_eq!(recorded(&scene, parcel.id).await.len(), 1, "on arrival");
    for asked in 2..4 {
        process(&scene.institute, &request(&scene.institute, parcel.id, PARAMETERS, "Research")).await.expect(200);
        let answers = recorded(&scene, parcel.id).await;
        assert_eq!(answers.len(), asked);
        let registry = scene.house.chain.deployment.registry;
        assert!(answers.iter().all(|answer| answer.verdict.is_permitted() && answer.user == registry), "{answers:?}");
        assert!(alertings(&scene, parcel.id).await.iter().all(|row| row.state == OperationState::Done));
    }
    scene.house.stop().await;
}

#[tokio::test]
async fn beside_a_processing_that_is_denied_nothing_is_asked() {
    let scene = Scene::new().await;
    let parcel = scene.uploaded(&heart(72.0), LOOKED_FOR).await;
    let before = (recorded(&scene, parcel.id).await, alertings(&scene, parcel.id).await);
    // Not covered; and somebody no grant names, who does not even learn of the item.
    process(&scene.institute, &request(&scene.institute, parcel.id, PARAMETERS, "Health Care")).await.expect(403);
    process(&scene.caregiver, &request(&scene.caregiver, parcel.id, PARAMETERS, "Research")).await.expect(404);
    assert_eq!((recorded(&scene, parcel.id).await, alertings(&scene, parcel.id).await), before);
    scene.house.stop().await;
}

#[tokio::test]
async fn beside_a_processing_that_cannot_be_done_nothing_is_asked() {
    let scene = Scene::new().await;
    let parcel = scene.uploaded(&heart(72.0), LOOKED_FOR).await;
    let mut message = request(&scene.institute, parcel.id, STATE, "Research");
    // A model that is not in the Store.
    message["AIHDataProcess"]["Request"]["Parameters"] =
        json!({"AIMName": "AIP-NNB-V1.0", "Model": format!("urn:uuid:{}", uuid::Uuid::now_v7())});
    let before = (recorded(&scene, parcel.id).await, alertings(&scene, parcel.id).await);
    process(&scene.institute, &message).await.expect(422);
    assert_eq!((recorded(&scene, parcel.id).await, alertings(&scene, parcel.id).await), before);
    scene.house.stop().await;
}
