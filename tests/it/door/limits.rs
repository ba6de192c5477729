//! Too much, too often, too slow; and the end.

use std::time::Duration;

use futures_util::StreamExt;
use health_back_end::domain::taxonomy::UserClass;
use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    environment::{
        INSTITUTE, PATIENT,
        house::{House, send},
    },
    items::server::until,
};

/// How long what must end may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let house = House::with(|limits| {
        // Five at once, and the next after a quarter of an hour.
        limits.address_rate = 0.001;
        limits.burst_seconds = 5_000.0;
    })
    .await;
    let nobody = house.stranger(PATIENT);
    for _ in 0..5 {
        nobody.get("/v1/service-info").await.expect(200);
    }
    let refused = nobody.get("/v1/service-info").await;
    refused.expect(429).problem("rate-limited");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    house.stop().await;
}

#[tokio::test]
async fn a_user_has_a_rate_of_their_own() {
    let house = House::with(|limits| {
        limits.user_rate = 0.001;
        limits.burst_seconds = 2_000.0;
    })
    .await;
    let patient = house.end_user(PATIENT).await;
    let institute = house.third_party(INSTITUTE, UserClass::NonProfitEntity).await;
    let path = "/v1/licences/eip155:31337:0x0000000000000000000000000000000000000001";
    for _ in 0..2 {
        patient.get(path).await.expect(404);
    }
    patient.get(path).await.expect(429).problem("rate-limited");
    institute.get(path).await.expect(404);
    house.stop().await;
}

#[tokio::test]
async fn beyond_its_seats_the_house_turns_away_but_says_that_it_lives() {
    let house = House::with(|limits| limits.most_requests = 0).await;
    let nobody = house.stranger(PATIENT);
    let refused = nobody.get("/v1/service-info").await;
    refused.expect(503).problem("busy");
    assert_eq!(refused.header("retry-after"), "1");
    for path in ["/livez", "/readyz", "/metrics"] {
        nobody.get(path).await.expect(200);
    }
    house.stop().await;
}

#[tokio::test]
async fn a_body_that_drips_is_cut_off() {
    let house = House::with(|limits| limits.body_time = Duration::from_secs(2)).await;
    let mut stream = TcpStream::connect(house.url.trim_start_matches("http://")).await.unwrap();
    let head =
        "POST /v1/register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("/problems/timeout"), "{answer}");
    house.stop().await;
}

#[tokio::test]
async fn a_connection_on_which_nothing_moves_is_closed() {
    let house = House::with(|limits| limits.body_time = Duration::from_millis(200)).await;
    let mut stream = TcpStream::connect(house.url.trim_start_matches("http://")).await.unwrap();
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost:").await.unwrap();
    let mut rest = Vec::new();
    // Closed or reset: either way it ends.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("still open");
    house.stop().await;
}

#[tokio::test]
async fn closing_ends_streams_and_lets_requests_finish() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let response = patient.request(Method::GET, "/v1/events").send().await.unwrap();
    assert_eq!(response.status(), 200);
    let url = house.url.clone();
    house.stop().await;
    let rest: Vec<_> = response.bytes_stream().collect().await;
    assert!(rest.iter().all(Result::is_ok), "the stream ends in order");
    assert!(reqwest::Client::new().get(format!("{url}/livez")).send().await.is_err());
}

#[tokio::test]
async fn streams_have_seats_too() {
    let house = House::with(|limits| limits.most_streams = 1).await;
    let patient = house.end_user(PATIENT).await;
    let first = patient.request(Method::GET, "/v1/events").send().await.unwrap();
    assert_eq!(first.status(), 200);
    patient.get("/v1/events").await.expect(503).problem("busy");
    // Whatever it asks for: seats are counted before requests are read.
    let unknown = send(patient.request(Method::GET, "/v1/events").header("last-event-id", "x")).await;
    unknown.expect(503).problem("busy");
    drop(first);
    // A seat that was left is free again, and then it is the request that is wrong.
    let unknown = until("the seat is free", async || {
        let unknown = send(patient.request(Method::GET, "/v1/events").header("last-event-id", "x")).await;
        (unknown.status != 503).then_some(unknown)
    })
    .await;
    unknown.expect(400).problem("malformed-request");
    house.stop().await;
}

#[tokio::test]
async fn who_does_not_finish_is_cut_off_at_the_end() {
    let house = House::with(|limits| limits.drain_time = Duration::from_millis(200)).await;
    let mut stream = TcpStream::connect(house.url.trim_start_matches("http://")).await.unwrap();
    let head =
        "POST /v1/register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    // Somebody else is answered meanwhile, so the house has seen the first.
    house.stranger(PATIENT).get("/livez").await.expect(200);
    // Returns although the body never ends.
    tokio::time::timeout(PATIENCE, house.stop()).await.expect("still open");
}

#[tokio::test]
async fn a_head_that_drips_is_cut_off_too() {
    let house = House::with(|limits| limits.body_time = Duration::from_millis(100)).await;
    let stream = TcpStream::connect(house.url.trim_start_matches("http://")).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let dripping = tokio::spawn(async move {
        let mut drops = tokio::time::interval(Duration::from_millis(20));
        writing.write_all(b"GET /livez HTTP/1.1\r\nx: ").await?;
        loop {
            drops.tick().await;
            writing.write_all(b"x").await?;
        }
        #[allow(unreachable_code, reason = "gives the block its type")]
        Ok::<(), std::io::Error>(())
    });
    let mut rest = Vec::new();
    // Closed or reset: either way it ends, though bytes kept coming.
    let _ = tokio::time::timeout(PATIENCE, reading.read_to_end(&mut rest)).await.expect("still open");
    assert!(rest.is_empty());
    dripping.abort();
    house.stop().await;
}
