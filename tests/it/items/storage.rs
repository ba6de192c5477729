//! Payloads and the process that keeps them: its memory, its crash, its full disk.

use std::{io, pin::Pin, time::Instant};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use reqwest::{Body, Method, multipart};
use rustix::process::{Resource, Rlimit, prlimit};
use serde_json::json;

use super::{
    paper::{self, Parcel},
    server::{Server, until},
};
use crate::environment::{
    Chain, PATIENT,
    house::{Answer, Client, send},
    premises::Premises,
};

const MIB: usize = 1 << 20;
/// How much the process may grow over a transfer of any size, in bytes.
const MOST_GROWTH: u64 = 64 << 20;

/// Bytes that differ from place to place, made as they are needed.
fn bytes_at(position: usize, length: usize) -> Bytes {
    let piece: Vec<u8> = (position..position + length).map(|at| (at ^ (at >> 8) ^ (at >> 17)) as u8).collect();
    piece.into()
}

fn pieces(length: usize) -> impl Stream<Item = io::Result<Bytes>> + Send {
    // One piece of content for all would do for memory; these also show order.
    stream::iter((0..length).step_by(MIB)).map(move |at| Ok(bytes_at(at, MIB.min(length - at))))
}

fn form(parcel: &Parcel, length: usize, body: Body) -> multipart::Form {
    multipart::Form::new()
        .part("message", multipart::Part::text(parcel.announced(length).to_string()))
        .part("payload", multipart::Part::stream_with_length(body, length as u64))
}

async fn upload(client: &Client, parcel: &Parcel, length: usize) -> Answer {
    let body = Body::wrap_stream(pieces(length));
    send(client.request(Method::POST, "/v1/aih-data").multipart(form(parcel, length, body))).await
}

/// Reads a payload as it comes and compares it with what was sent.
async fn download(client: &Client, parcel: &Parcel, length: usize) {
    let response = client.request(Method::GET, &format!("{}/payload", parcel.path())).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut stream = response.bytes_stream();
    let mut at = 0;
    while let Some(piece) = stream.next().await {
        let piece = piece.unwrap();
        assert_eq!(piece, bytes_at(at, piece.len()), "from byte {at}");
        at += piece.len();
    }
    assert_eq!(at, length);
}

fn parcel(server: &Server, client: &Client) -> Parcel {
    paper::table(client, &server.back_end, b"")
}

#[tokio::test]
async fn large_payloads_take_no_memory() {
    let slow = std::env::var_os("HBE_SLOW").is_some();
    let length = if slow { 1 << 30 } else { 128 * MIB };
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let patient = server.end_user(PATIENT).await;
    let small = parcel(&server, &patient);
    upload(&patient, &small, MIB).await.expect(201);
    download(&patient, &small, MIB).await;
    let before = server.peak_memory();

    let large = parcel(&server, &patient);
    let begun = Instant::now();
    upload(&patient, &large, length).await.expect(201);
    let (up, begun) = (begun.elapsed(), Instant::now());
    let between = server.peak_memory();
    download(&patient, &large, length).await;
    println!("{} MiB: up {up:.1?}, down {:.1?}", length / MIB, begun.elapsed());
    if let (Some(before), Some(between), Some(after)) = (before, between, server.peak_memory()) {
        println!(
            "peak memory: {} MiB before, +{} MiB by the upload, +{} MiB by both",
            before >> 20,
            (between - before) >> 20,
            (after - before) >> 20
        );
        assert!(after - before <= MOST_GROWTH, "grew by {} MiB", (after - before) >> 20);
    } else {
        eprintln!("SKIPPED: this system does not tell the memory of a process");
    }
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}

/// A body that sends so much and then waits for ever.
fn stalling(length: usize) -> Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>> {
    pieces(length).chain(stream::pending()).boxed()
}

#[tokio::test]
async fn a_kill_in_the_middle_of_an_upload_loses_nothing_acknowledged_and_leaves_nothing_half() {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let patient = server.end_user(PATIENT).await;
    let (kept, broken) = (parcel(&server, &patient), parcel(&server, &patient));
    let acknowledged = upload(&patient, &kept, 10 * MIB).await;
    acknowledged.expect(201);

    let length = 40 * MIB;
    let body = Body::wrap_stream(stalling(24 * MIB));
    let request = patient.request(Method::POST, "/v1/aih-data").multipart(form(&broken, length, body));
    let sending = tokio::spawn(request.send());
    until("part of it is on the disk", async || (!server.staged().is_empty()).then_some(())).await;
    server.kill().await;
    assert!(sending.await.unwrap().is_err());

    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    assert_eq!((server.staged().len(), server.objects()), (0, 1), "the start clears up");
    let patient = server.again(PATIENT).await;
    assert_eq!(patient.get("/v1/aih-data").await.expect(200).body["AIHData"], json!([acknowledged.body]));
    download(&patient, &kept, 10 * MIB).await;
    patient.get(&broken.path()).await.expect(404).problem("not-found");
    patient.get(&format!("{}/payload", broken.path())).await.expect(404).problem("not-found");
    upload(&patient, &broken, length).await.expect(201);
    download(&patient, &broken, length).await;
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}

#[tokio::test]
async fn a_full_disk_keeps_nothing_and_says_so() {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let patient = server.end_user(PATIENT).await;
    let large = parcel(&server, &patient);
    // No file may be longer than this: what a full disk says, said to one process only.
    let limit = Rlimit { current: Some(6 * MIB as u64), maximum: None };
    let before = prlimit(Some(server.pid()), Resource::Fsize, limit).unwrap();
    // What is left after the refusal must fit into what the house still takes before it closes.
    for length in [7 * MIB, 9 * MIB] {
        let answer = upload(&patient, &large, length).await;
        answer.expect(507).problem("insufficient-storage");
        assert_eq!((server.staged().len(), server.objects()), (0, 0), "{length}");
        patient.get(&large.path()).await.expect(404).problem("not-found");
    }
    let small = parcel(&server, &patient);
    upload(&patient, &small, MIB).await.expect(201);
    // Room again, and the same item is welcome.
    prlimit(Some(server.pid()), Resource::Fsize, before).unwrap();
    upload(&patient, &large, 20 * MIB).await.expect(201);
    download(&patient, &large, 20 * MIB).await;
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}
