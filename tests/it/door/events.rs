//! The event stream.

use futures_util::StreamExt;
use health_back_end::{db::notices::NewNotice, domain::ids::UserId};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::environment::{
    PATIENT,
    house::{Client, House, send},
    scene::Scene,
};

/// A name made of a word, as an event may carry it.
fn name(word: &str) -> String {
    let digest = alloy::primitives::keccak256(word);
    uuid::Builder::from_random_bytes(digest[..16].try_into().unwrap()).into_uuid().to_string()
}

async fn tell(house: &House, user: UserId, word: &str) -> i64 {
    let item = format!("urn:uuid:{}", name(word));
    let data = json!({"OperationID": name(word), "AIHDataID": item, "State": "undone", "ResultID": null});
    notify(house, user, "operation.ended", data).await
}

async fn notify(house: &House, user: UserId, kind: &str, data: Value) -> i64 {
    let notice = NewNotice { user, kind: kind.to_owned(), data, created_at_us: house.clock.micros() };
    house.database.insert_notices(&[notice]).await.unwrap()
}

/// Reads from a stream until it holds the name of a word.
async fn until(stream: Response, word: &str) -> String {
    let (mut bytes, mut seen) = (stream.bytes_stream(), String::new());
    while !seen.contains(&name(word)) {
        let chunk = bytes.next().await.expect("the stream goes on").unwrap();
        seen.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    seen
}

async fn listen(client: &Client, after: Option<i64>) -> Response {
    let mut request = client.request(Method::GET, "/v1/events");
    if let Some(after) = after {
        request = request.header("last-event-id", after.to_string());
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response
}

#[tokio::test]
async fn everybody_hears_what_is_for_them() {
    let Scene { house, patient, institute } = Scene::set().await;
    let before = tell(&house, patient.user, "before").await;
    let stream = listen(&patient, None).await;
    tell(&house, institute.user, "secret").await;
    let first = tell(&house, patient.user, "first").await;
    let seen = until(stream, "first").await;
    assert!(seen.contains("event: operation.ended") && seen.contains(&format!("id: {first}")), "{seen}");
    assert!(!seen.contains(&name("secret")) && !seen.contains(&name("before")), "{seen}");

    // Meanwhile away: what was missed comes first, in order.
    tell(&house, patient.user, "second").await;
    tell(&house, patient.user, "third").await;
    let seen = until(listen(&patient, Some(first)).await, "third").await;
    assert!(seen.find(&name("second")) < seen.find(&name("third")) && !seen.contains(&name("first")), "{seen}");
    assert!(until(listen(&patient, Some(before - 1)).await, "third").await.contains(&name("before")));
    house.stop().await;
}

#[tokio::test]
async fn an_event_that_violates_its_schema_is_left_out_and_the_stream_goes_on() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    // What the copy of the register tells of the registration comes first.
    house.indexed().await;
    let before = tell(&house, patient.user, "before").await;
    let ids = json!({"AlertID": name("alert"), "AIHDataID": format!("urn:uuid:{}", name("item"))});
    let mut finding = ids.clone();
    finding["Finding"] = json!("depression");
    notify(&house, patient.user, "alert.raised", finding).await;
    notify(&house, patient.user, "alert.sung", ids.clone()).await;
    notify(&house, patient.user, "alert.raised", ids).await;
    tell(&house, patient.user, "after").await;
    let seen = until(listen(&patient, Some(before)).await, "after").await;
    assert!(!seen.contains("depression") && !seen.contains("sung"), "{seen}");
    assert_eq!(seen.matches("event: ").count(), 2, "{seen}");
    house.stop().await;
}

#[tokio::test]
async fn a_stream_needs_a_token_and_a_number() {
    let house = House::start().await;
    house.stranger(PATIENT).get("/v1/events").await.expect(401).problem("unauthenticated");
    let patient = house.end_user(PATIENT).await;
    for bad in ["x", "-1", ""] {
        let answer = send(patient.request(Method::GET, "/v1/events").header("last-event-id", bad)).await;
        answer.expect(400).problem("malformed-request");
    }
    house.stop().await;
}

#[tokio::test]
async fn nobody_takes_all_streams() {
    const MOST: usize = 8;
    let Scene { house, patient, institute } = Scene::set().await;
    let mut streams = Vec::new();
    for _ in 0..MOST {
        streams.push(listen(&patient, None).await);
    }
    let refused = patient.get("/v1/events").await;
    refused.expect(503).problem("busy");
    assert!(!refused.header("retry-after").is_empty());
    // Another user has theirs; and a place is free again when a stream is closed.
    let _other = listen(&institute, None).await;
    drop(streams.pop());
    crate::items::server::until("a place is free", async || {
        let answer = patient.request(Method::GET, "/v1/events").send().await.unwrap();
        (answer.status() == 200).then_some(())
    })
    .await;
    drop(streams);
    house.stop().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let stream = listen(&patient, None).await;
    let id = patient.token_id.clone().unwrap();
    send(patient.request(Method::DELETE, &format!("/v1/tokens/{id}"))).await.expect(204);
    // Ends by itself, at the next look at the Token, however much happens to others meanwhile.
    let busy = async {
        loop {
            tell(&house, patient.user, "news").await;
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let rest = tokio::select! {
        rest = stream.bytes_stream().collect::<Vec<_>>() => rest,
        () = busy => unreachable!("it never ends"),
    };
    assert!(rest.iter().all(Result::is_ok));
    house.stop().await;
}
