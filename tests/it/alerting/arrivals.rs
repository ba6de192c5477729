//! What has arrived is looked into once, whatever happens between the upload and the look.

use health_back_end::{
    db::{
        arrivals::Arrival,
        operations::{OperationKind, OperationState},
    },
    domain::ids::AihDataId,
};
use rustix::process::{Signal, kill_process};

use super::{ALERTING, LOOKED_FOR, Scene, Terms, heart, licence, until};
use crate::{
    environment::{Chain, PATIENT, premises::Premises},
    items::{acts::audit, caught::is_alive, paper, server::Server},
};

async fn waiting(scene: &Scene) -> Vec<Arrival> {
    scene.house.database.list_due_arrivals(i64::MAX, 100).await.unwrap()
}

/// States of the looks into an item, the newest first.
async fn looks(scene: &Scene, item: AihDataId) -> Vec<OperationState> {
    let rows = scene.house.database.list_operations_on_item(item, None, 100).await.unwrap().rows;
    rows.iter().filter(|row| row.kind == OperationKind::Alert).map(|row| row.state).collect()
}

#[tokio::test]
async fn nothing_waits_once_it_was_looked_into_or_may_not_be() {
    let scene = Scene::new().await;
    let looked = scene.uploaded(&heart(170.0), LOOKED_FOR).await;
    let unlicensed = scene.parcel(&heart(170.0), Terms { licensed: false, ..LOOKED_FOR });
    unlicensed.send_in_parts(&scene.patient).await.expect(201);
    until("nothing waits", async || waiting(&scene).await.is_empty().then_some(())).await;
    assert_eq!(looks(&scene, looked.id).await, [OperationState::Done]);
    assert_eq!(looks(&scene, unlicensed.id).await, []);
    scene.house.stop().await;
}

/// Taken up again although it was looked into, as after a stop between the look and its note, it is told once.
#[tokio::test]
async fn what_is_looked_into_twice_is_told_once() {
    let scene = Scene::new().await;
    let parcel = scene.uploaded(&heart(170.0), LOOKED_FOR).await;
    until("nothing waits", async || waiting(&scene).await.is_empty().then_some(())).await;
    let item = scene.house.database.find_data_item(parcel.id).await.unwrap().unwrap();
    let before = scene.patient.get("/v1/alerts").await.expect(200).body.clone();
    scene.house.door.aims.look_into(&item).await;
    assert_eq!(looks(&scene, parcel.id).await, [OperationState::Done, OperationState::Done]);
    assert_eq!(scene.patient.get("/v1/alerts").await.expect(200).body, before);
    scene.house.stop().await;
}

/// Killed while it looks, the Back End looks again when it is back: asked of the chain anew, found, told.
#[tokio::test]
async fn a_look_that_a_kill_cut_off_is_begun_again_at_the_next_start() {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let patient = server.end_user(PATIENT).await;
    let id = paper::new_item();
    let recording = heart(170.0);
    let document = licence(&patient, &server.back_end, id, LOOKED_FOR);
    let parcel = paper::sealed(&patient, &server.back_end, id, document, &recording);
    parcel.send_in_parts(&patient).await.expect(201);
    let child = until("its child runs", async || server.children().first().copied()).await;
    kill_process(child, Signal::STOP).unwrap();
    server.kill().await;
    let _ = kill_process(child, Signal::CONT);
    until("its child is gone", async || (!is_alive(child)).then_some(())).await;

    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let patient = server.again(PATIENT).await;
    let alert = until("the patient is told", async || {
        patient.get("/v1/alerts").await.expect(200).body["Alerts"].as_array().unwrap().first().cloned()
    })
    .await;
    assert_eq!(alert["AIHDataID"], id.to_string(), "{alert}");
    let asked = async |patient| {
        let response = audit(patient).await;
        assert_eq!(response.non_conformities, Some(vec![]));
        let item = response.aih_data.iter().find(|item| item.aih_data_id == id).unwrap();
        let of = |entry: &&health_back_end::schema::wire::Processing| entry.processing_type.to_string() == ALERTING;
        item.processing_types.iter().filter(of).map(|entry| entry.licence_confirm_id.unwrap()).collect::<Vec<_>>()
    };
    let twice = asked(&patient).await;
    assert!(twice.len() == 2 && twice[0] != twice[1], "once before the kill and once after it: {twice:?}");
    assert_eq!(server.terminate().await, Some(0));

    // And that is all: the next start finds nothing to look into.
    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let patient = server.again(PATIENT).await;
    assert_eq!(asked(&patient).await, twice);
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}
