//! What a Back End that was killed left in the cellar, seen by the one after it, or by another beside it.

use std::time::Duration;

use alloy::{
    primitives::{Address, B256, Bytes},
    providers::ext::AnvilApi,
};
use health_back_end::{
    aims::aih_data_processing::restart::WORK_QUIET,
    db::{
        Transition,
        data_items::DataItemState,
        idempotency::{Begun, IdempotencyKey},
        operations::{Answer, Evidence, NewOperation, OperationKind, OperationState},
        transactions::NewTransaction,
    },
    domain::{
        ids::{AihDataId, UserId},
        operation::Operation,
        taxonomy::{Usage, UserClass},
        verdict::Verdict,
    },
};
use reqwest::Method;
use rustix::process::{Signal, kill_process};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    doubt::Pool,
    paper::{self, PARAMETERS, Parcel, follow, process, request, result_item},
    restart::an_hour,
    server::{Server, until},
};
use crate::environment::{
    Chain, INSTITUTE, PATIENT,
    house::{Client, House, send},
    premises::Premises,
    scene,
};

const MINUTE_US: i64 = 60_000_000;

struct Scene {
    house: House,
    patient: Client,
    institute: Client,
    parcel: Parcel,
}

async fn scene(recording: &health_back_end::front_end::recording::Recording) -> Scene {
    let scene::Scene { house, patient, institute } = scene::Scene::set().await;
    let parcel = paper::parcel(&patient, &house.door.aims.back_end(), recording);
    parcel.send_in_parts(&patient).await.expect(201);
    Scene { house, patient, institute, parcel }
}

/// The row of an operation that is running, as far as anybody noted, since a time.
async fn running(scene: &Scene, result: Option<AihDataId>, since_us: i64) -> Uuid {
    let database = &scene.house.database;
    let id = Uuid::now_v7();
    let new = NewOperation {
        id,
        kind: OperationKind::Process,
        message_id: None,
        requester: scene.institute.user,
        user_class: Some(UserClass::NonProfitEntity),
        aih_data_id: scene.parcel.id,
        owner: Some(scene.patient.user),
        operation: Operation::PhysiologicalParameterQuantification,
        usage: Usage::Research,
        intended_at_s: since_us / 1_000_000,
        parameters: json!({}),
        confirm_id: Some(id.into_bytes().into()),
        created_at_us: since_us,
    };
    let _ = database.insert_operation(&new).await.unwrap();
    let evidence = Evidence {
        tx_hash: B256::repeat_byte(1),
        block_number: 1,
        block_hash: B256::repeat_byte(2),
        log_index: 0,
        confirmed_at_s: since_us / 1_000_000,
    };
    let answer = Answer { verdict: Verdict::PERMITTED, licence: Some(Address::repeat_byte(3)), evidence };
    database.answer_operation(id, &answer, since_us).await.unwrap().required().unwrap();
    database.start_operation(id, since_us, 1).await.unwrap().required().unwrap();
    if let Some(result) = result {
        database.name_result(id.into_bytes().into(), result, since_us).await.unwrap().required().unwrap();
    }
    id
}

async fn made(scene: &Scene) -> AihDataId {
    let done = process(&scene.institute, &request(&scene.institute, scene.parcel.id, PARAMETERS, "Research")).await;
    result_item(done.expect(200))["AIHDataID"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_result_whose_operation_was_cut_off_goes_with_it() {
    let scene = scene(&paper::ecg()).await;
    let (result, other) = (made(&scene).await, made(&scene).await);
    let now = scene.house.clock.micros();
    // Killed after the result was kept and before anybody was told of it.
    let cut_off = running(&scene, Some(result), now).await;
    let taken = scene.house.door.aims.take_back(Duration::ZERO).await.unwrap();
    assert_eq!(taken.operations, 1);
    let row = scene.house.database.find_operation(cut_off).await.unwrap().unwrap();
    assert_eq!(row.state, OperationState::Undone);
    let item = async |id| scene.house.database.find_data_item(id).await.unwrap().unwrap().state;
    assert_eq!(item(result).await, DataItemState::Erased);
    assert_eq!(item(other).await, DataItemState::Stored);
    scene.patient.get(&format!("/v1/aih-data/{result}/payload")).await.expect(410);
    // It makes nothing any more, should it live after all.
    let late = scene.house.database.name_result(cut_off.into_bytes().into(), other, now).await.unwrap();
    assert_eq!(late, Transition::Refused(OperationState::Undone));
    scene.house.stop().await;
}

#[tokio::test]
async fn an_operation_names_its_result_before_that_is_licensed() {
    let scene = scene(&an_hour()).await;
    let message = request(&scene.institute, scene.parcel.id, PARAMETERS, "Research");
    let later = scene.institute.request(Method::POST, "/v1/aih-data-process").header("prefer", "respond-async");
    // One block is mined, with the yes; the derivation waits.
    let provider = &scene.house.chain.provider;
    provider.anvil_set_auto_mine(false).await.unwrap();
    let yes = async {
        until("the question waits", async || (provider.txpool_count().await > 0).then_some(())).await;
        scene.house.chain.mine(1).await;
    };
    let (told, ()) = tokio::join!(send(later.json(&message)), yes);
    let place = told.expect(202).header("location").to_owned();
    let id: Uuid = place.rsplit('/').next().unwrap().parse().unwrap();
    let named = until("the result is named", async || {
        let row = scene.house.database.find_operation(id).await.unwrap().unwrap();
        assert!(matches!(row.state, OperationState::Confirmed | OperationState::Running), "{:?}", row.state);
        row.result_id
    })
    .await;
    let item = scene.house.database.find_data_item(named).await.unwrap().unwrap();
    assert_eq!((item.state, item.licence), (DataItemState::Announced, None));
    // Nobody is handed what is being made.
    scene.institute.get(&place).await.expect(202);
    scene.house.chain.provider.anvil_set_auto_mine(true).await.unwrap();
    scene.house.chain.mine(1).await;
    let done = follow(&scene.institute, scene.institute.get(&place).await).await;
    assert_eq!(result_item(done.expect(200))["AIHDataID"], json!(named));
    scene.house.stop().await;
}

#[tokio::test]
async fn what_another_instance_left_is_taken_back_without_a_start() {
    let scene = scene(&paper::ecg()).await;
    let result = made(&scene).await;
    let now = scene.house.clock.micros();
    let quiet_us = WORK_QUIET.as_micros() as i64;
    let left = running(&scene, Some(result), now - quiet_us - MINUTE_US).await;
    let alive = running(&scene, None, now - quiet_us - MINUTE_US).await;
    // A sign of life, as every job gives.
    scene.house.database.progress_operation(alive, 0.0, now).await.unwrap().required().unwrap();
    let stop = CancellationToken::new();
    let keeper = tokio::spawn(scene.house.door.aims.clone().keep_settled(stop.clone()));
    until("it is taken back", async || {
        let row = scene.house.database.find_operation(left).await.unwrap().unwrap();
        (row.state == OperationState::Undone).then_some(())
    })
    .await;
    stop.cancel();
    keeper.await.unwrap();
    let row = scene.house.database.find_operation(alive).await.unwrap().unwrap();
    assert_eq!(row.state, OperationState::Running);
    let item = scene.house.database.find_data_item(result).await.unwrap().unwrap();
    assert_eq!(item.state, DataItemState::Erased);
    scene.house.stop().await;
}

#[tokio::test]
async fn tidying_releases_keys_nobody_works_on_and_forgets_old_transactions() {
    let house = House::start().await;
    let (database, now) = (&house.database, house.clock.micros());
    let user = UserId::new(house.chain.deployment.chain_id, Address::repeat_byte(9));
    let key = |name: &str| IdempotencyKey { user, route: "POST /v1/aih-data".into(), key: name.into() };
    let body = B256::repeat_byte(1);
    let long_ago = now - 16 * MINUTE_US;
    for name in ["left", "alive"] {
        assert_eq!(database.begin_idempotent(&key(name), body, long_ago).await.unwrap(), Begun::Fresh);
    }
    assert!(database.touch_idempotent(&key("alive"), now).await.unwrap());
    let transaction = |n: u8, sent_at_us| NewTransaction {
        hash: B256::repeat_byte(n),
        operator: Address::repeat_byte(8),
        nonce: n.into(),
        raw: Bytes::from(vec![n]),
        purpose: "confirm".into(),
        sent_at_us,
    };
    let days = |n: i64| now - n * 24 * 60 * MINUTE_US;
    for (n, sent_at_us, mined) in [(1, days(31), true), (2, days(29), true), (3, days(31), false)] {
        database.insert_transaction(&transaction(n, sent_at_us)).await.unwrap();
        if mined {
            database.mark_transaction_mined(B256::repeat_byte(n), 1).await.unwrap().required().unwrap();
        }
    }
    house.door.access.tidy().await.unwrap();
    assert_eq!(database.begin_idempotent(&key("left"), body, now).await.unwrap(), Begun::Fresh);
    assert_eq!(database.begin_idempotent(&key("alive"), body, now).await.unwrap(), Begun::InFlight);
    let mut kept = Vec::new();
    for n in 1..=3 {
        kept.push(database.find_transaction(B256::repeat_byte(n)).await.unwrap().is_some());
    }
    assert_eq!(kept, [false, true, true], "what is not settled stays, however old");
    house.stop().await;
}

#[tokio::test]
async fn one_requester_cannot_fill_the_places_of_all() {
    const MOST: usize = 32;
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    let server = Server::start(&chain, &chain.devnet.url(), folder.path()).await;
    let patient = server.end_user(PATIENT).await;
    let institute = server.third_party(&chain, INSTITUTE, UserClass::NonProfitEntity).await;
    let parcel = paper::parcel(&patient, &server.back_end, &an_hour());
    parcel.send_in_parts(&patient).await.expect(201);
    let ask = async |client: &Client| {
        let message = request(client, parcel.id, PARAMETERS, "Research");
        let later = client.request(Method::POST, "/v1/aih-data-process").header("prefer", "respond-async");
        send(later.json(&message)).await
    };
    // The first jobs are stopped, so that they and all behind them stay; one that is quicker frees its place.
    let mut taken = 0;
    let refused = loop {
        let answer = ask(&institute).await;
        if answer.status != 202 {
            break answer;
        }
        taken += 1;
        assert!(taken < 4 * MOST, "nobody is ever refused");
        for child in server.children() {
            let _ = kill_process(child, Signal::STOP);
        }
    };
    refused.expect(503).problem("busy");
    assert!(taken >= MOST, "{taken}");
    assert!(!refused.header("retry-after").is_empty());
    // Somebody else's job is taken.
    ask(&patient).await.expect(202);
    server.kill().await;
    chain.devnet.stop().await;
}
