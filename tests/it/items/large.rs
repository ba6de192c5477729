//! Large messages with their data inside: so many are in memory at once, and no more.

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    paper::{self, Parcel},
    server::{Server, until},
};
use crate::environment::{
    Chain, INSTITUTE, PATIENT,
    house::{Client, House},
    premises::Premises,
};

const MIB: usize = 1 << 20;
/// Somebody else with a key.
const THIRD: usize = 5;

fn parcel(house: &House, client: &Client, length: usize) -> Parcel {
    paper::table(client, &house.chain.deployment.back_end(), &vec![b'7'; length])
}

/// An upload of which half has been sent, and the rest of it.
async fn begin(client: &Client, parcel: &Parcel) -> (TcpStream, Vec<u8>) {
    let body = parcel.inline().to_string().into_bytes();
    let head = format!(
        "POST /v1/aih-data HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        client.token.as_deref().unwrap(),
        body.len()
    );
    let mut stream = TcpStream::connect(client.url.trim_start_matches("http://")).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let (first, rest) = body.split_at(body.len() / 2);
    stream.write_all(first).await.unwrap();
    (stream, rest.to_vec())
}

#[tokio::test]
async fn beyond_its_seats_for_large_messages_the_house_turns_away_and_takes_small_ones() {
    let house = House::with(|limits| limits.most_large_bodies = 2).await;
    let (patient, other) = (house.end_user(PATIENT).await, house.end_user(INSTITUTE).await);
    let third = house.end_user(THIRD).await;
    let large = parcel(&house, &patient, 2 * MIB);
    let (mut first, rest) = begin(&patient, &large).await;
    let held = async |count: usize| {
        until("so many are held", async || (house.door.load.large_bodies() == count).then_some(())).await;
    };
    held(1).await;
    // One user does not take all.
    let refused = parcel(&house, &patient, 2 * MIB).send_inline(&patient).await;
    refused.expect(503).problem("busy");
    let second = begin(&other, &parcel(&house, &other, 2 * MIB)).await;
    held(2).await;
    let waiting = parcel(&house, &third, 2 * MIB);
    let refused = waiting.send_inline(&third).await;
    refused.expect(503).problem("busy");
    assert_eq!(refused.header("retry-after"), "1");
    // A length that is not said may be any.
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter([Ok::<_, std::io::Error>("{}")]));
    let unsaid = third.request(reqwest::Method::POST, "/v1/aih-data").header("content-type", "application/json");
    crate::environment::house::send(unsaid.body(body)).await.expect(503).problem("busy");
    // Small ones and payloads behind their messages are not held.
    parcel(&house, &third, 1_000).send_inline(&third).await.expect(201);
    parcel(&house, &third, 2 * MIB).send_in_parts(&third).await.expect(201);

    first.write_all(&rest).await.unwrap();
    let mut answer = String::new();
    first.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    held(1).await;
    waiting.send_inline(&third).await.expect(201);
    // Who hangs up gives the seat back.
    drop(second);
    held(0).await;
    house.stop().await;
}

/// Twice what one of these bodies was seen to take, and a third of what eight of them would.
const MOST_GROWTH: u64 = 110 << 20;

#[tokio::test]
async fn many_large_messages_at_once_take_bounded_memory() {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    std::fs::write(folder.path().join("hbe.toml"), "[limits]\nmost_large_bodies = 2\n").unwrap();
    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let patient = server.end_user(PATIENT).await;
    let before = server.peak_memory();
    // One of them alone is more than a quarter of what all may take.
    let parcel = || paper::table(&patient, &server.back_end, &vec![b'7'; 10 * MIB]);
    let parcels: Vec<_> = (0..8).map(|_| parcel()).collect();
    let answers = join_all(parcels.iter().map(|parcel| parcel.send_inline(&patient))).await;
    assert!(answers.iter().all(|answer| [201, 503].contains(&answer.status)), "{answers:?}");
    assert!(answers.iter().any(|answer| answer.status == 201));
    if let (Some(before), Some(after)) = (before, server.peak_memory()) {
        let taken = answers.iter().filter(|answer| answer.status == 201).count();
        println!("peak memory: {} MiB before, +{} MiB; taken {taken}", before >> 20, (after - before) >> 20);
        // The user has one of the two seats.
        assert!(after - before <= MOST_GROWTH, "grew by {} MiB", (after - before) >> 20);
    } else {
        eprintln!("SKIPPED: this system does not tell the memory of a process");
    }
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}
