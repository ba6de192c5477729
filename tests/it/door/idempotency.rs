//! `Idempotency-Key`.

use std::sync::Arc;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use health_back_end::{
    access::idempotency::{Begun, Key},
    api::{
        Kind, Problem,
        once::{Once, digest},
    },
    domain::ids::UserId,
};
use tokio::sync::Notify;

use super::licences::license;
use crate::environment::{
    PATIENT,
    house::{House, send},
};
use reqwest::Method;
use serde_json::{Value, json};

const ROUTE: &str = "POST /v1/test";

fn once(key: &str) -> Once {
    Once::with_key(key)
}

async fn text(response: Response) -> Value {
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn the_same_request_gets_the_first_answer() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let (item, licence) = license(&house, &patient).await;
    let path = format!("/v1/licences/{licence}/revocation");
    let message = json!({
        "Header": "AIH-BCL-V1.0", "BlockchainLicenceID": crate::environment::house::urn(),
        "BlockchainLicenceTime": "2026-03-01T09:00:00Z",
        "BlockchainLicence": {"Request": {"AIHDataID": item.to_string(),
            "Revocation": {"LicenceID": licence.to_string(), "Scope": "BackEndRight"}}},
    });
    let first = patient.post_once(&path, "key-1", &message).await;
    first.expect(200);
    let again = patient.post_once(&path, "key-1", &message).await;
    assert_eq!(
        (again.expect(200).bytes.as_slice(), again.header("idempotency-replayed")),
        (first.bytes.as_slice(), "true")
    );
    assert_eq!(again.header("content-type"), "application/json");
    // What is kept is sealed.
    let key = Key { user: patient.user, route: "POST /v1/licences/{id}/revocation".into(), key: "key-1".into() };
    let begun = house.database.begin_idempotent(&key, digest(message.to_string().as_bytes()), 0).await.unwrap();
    let Begun::SameDone(kept) = begun else { panic!("{begun:?}") };
    assert!(!String::from_utf8_lossy(&kept.body).contains("BlockchainLicence"));

    let mut other = message.clone();
    other["BlockchainLicenceTime"] = "2026-03-01T09:00:01Z".into();
    patient.post_once(&path, "key-1", &other).await.expect(422).problem("idempotency-key-reused");
    patient.post_once(&path, "key-2", &other).await.expect(200);
    patient.post_once(&path, "", &message).await.expect(400).problem("malformed-request");
    patient.post_once(&path, &"k".repeat(256), &message).await.expect(400).problem("malformed-request");
    let twice = patient.request(Method::POST, &path).header("idempotency-key", "a").header("idempotency-key", "b");
    send(twice.json(&message)).await.expect(400).problem("malformed-request");
    house.stop().await;
}

#[tokio::test]
async fn of_many_at_once_one_works_and_a_hang_up_stops_nothing() {
    let house = House::start().await;
    let user: UserId = house.end_user(PATIENT).await.user;
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let work = {
        let (begun, go_on) = (begun.clone(), go_on.clone());
        async move {
            begun.notify_one();
            go_on.notified().await;
            Ok(Json(json!("done")))
        }
    };
    let door = house.door.clone();
    let waiting = tokio::spawn(async move { once("k").run(&door, user, ROUTE, digest(b"1"), work).await });
    begun.notified().await;
    let never =
        async || once("k").run(&house.door, user, ROUTE, digest(b"1"), async { Ok(Json(json!("twice"))) }).await;
    assert_eq!(never().await.unwrap_err().kind(), Kind::Conflict);
    // Who asked hangs up; the work is done all the same, and its answer is there for the next one.
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    go_on.notify_one();
    let answer = loop {
        match never().await {
            Ok(response) => break text(response).await,
            Err(problem) => assert_eq!(problem.kind(), Kind::Conflict),
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(answer, "done");
    house.stop().await;
}

#[tokio::test]
async fn what_failed_may_be_tried_again_and_a_crash_is_released_at_the_next_start() {
    let house = House::start().await;
    let user = house.end_user(PATIENT).await.user;
    let run = async |key: &str, outcome: Result<&'static str, Problem>| {
        let work = async move { outcome.map(|text| Json(json!(text))) };
        once(key).run(&house.door, user, ROUTE, digest(b"1"), work).await.into_response()
    };
    let busy = Problem::new(Kind::Busy, "later");
    assert_eq!(run("a", Err(busy)).await.status(), 503);
    assert_eq!(text(run("a", Ok("now")).await).await, "now");
    // A definite no is an answer.
    assert_eq!(run("b", Err(Problem::nothing_here())).await.status(), 404);
    assert_eq!(run("b", Ok("yes")).await.status(), 404);
    // A panic is none.
    let panicking = async { panic!("in a test") as Result<Json<Value>, Problem> };
    let answer = once("c").run(&house.door, user, ROUTE, digest(b"1"), panicking).await.unwrap();
    assert_eq!(answer.status(), 500);
    assert_eq!(text(run("c", Ok("fine")).await).await, "fine");

    let key = Key { user, route: ROUTE.to_owned(), key: "d".to_owned() };
    let begun = house.database.begin_idempotent(&key, digest(b"1"), house.clock.micros()).await.unwrap();
    assert_eq!(begun, Begun::Fresh);
    assert_eq!(run("d", Ok("x")).await.status(), 409);
    assert_eq!(house.door.access.recover(house.clock.micros() + 1).await.unwrap(), 1);
    assert_eq!(text(run("d", Ok("x")).await).await, "x");
    house.stop().await;
}
