//! Bodies that never end: the server stops reading after a bounded number of bytes, and says so.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::paper;
use crate::environment::{
    PATIENT,
    house::{Client, House},
};

/// What may be taken beyond a limit, in bytes: by kernel buffers, and by the server so that its answer arrives.
const SLACK: usize = 48 << 20;
/// When a server that still reads is taken to read for ever, in bytes.
const FOR_EVER: usize = 96 << 20;

/// Sends a body that goes on with `more` until the server refuses; gives the answer and the bytes sent.
async fn pour(client: &Client, path: &str, kind: &str, start: &[u8], more: &[u8]) -> (String, usize) {
    let address = client.url.trim_start_matches("http://");
    let (mut read, mut write) = TcpStream::connect(address).await.unwrap().into_split();
    let token = client.token.as_ref().unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: {kind}\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    write.write_all(head.as_bytes()).await.unwrap();
    let answer = tokio::spawn(async move {
        let mut answer = Vec::new();
        // After its answer the server may close the connection in any way.
        let _ = tokio::time::timeout(Duration::from_secs(60), read.read_to_end(&mut answer)).await;
        String::from_utf8_lossy(&answer).into_owned()
    });
    let (mut sent, mut piece) = (0, start);
    while sent < FOR_EVER && !answer.is_finished() {
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        if !piece.is_empty() && write.write_all(&chunk).await.is_err() {
            break;
        }
        sent += piece.len();
        piece = more;
    }
    drop(write);
    (answer.await.unwrap(), sent)
}

#[track_caller]
fn refused(what: &str, (answer, sent): (String, usize), status: u16, limit: usize) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{what}: {sent} bytes, then “{answer}”");
    assert!(answer.contains("application/problem+json"), "{what}: {answer}");
    assert!(sent <= limit + SLACK, "{what}: {sent} bytes were taken, of at most {limit}");
    println!("{what}: refused with {status} after {} KiB", sent >> 10);
}

/// Resident memory of this process, in bytes, in which the server runs too.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<usize>().ok().map(|kib| kib << 10)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_never_ends_is_refused_and_fills_no_memory() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let json = "application/json";
    let parts = "multipart/form-data; boundary=b";
    let more = vec![b' '; 1 << 16];
    let letters = vec![b'a'; 1 << 16];
    let head = |name: &str| format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
    let before = resident();
    let begun = Instant::now();

    let message = 1 << 20;
    for path in ["/v1/aih-data-process", "/v1/licences/compile", "/v1/licence-confirm", "/v1/register", "/v1/tokens"] {
        refused(path, pour(&patient, path, json, b"{", &more).await, 413, message);
    }
    let inside = b"{\"AIHData\":{\"Data\":\"".to_vec();
    refused("inline", pour(&patient, "/v1/aih-data", json, &inside, &letters).await, 413, 16 << 20);

    // Inside the message, before any part, in a part's head, and in a payload announced to be short.
    let upload = async |start: &[u8]| pour(&patient, "/v1/aih-data", parts, start, &letters).await;
    refused("message part", upload(head("message").as_bytes()).await, 413, message);
    refused("no part", upload(b"").await, 400, 4 << 20);
    refused("head of a part", upload(b"--b\r\nx-endless: ").await, 400, 4 << 20);
    let parcel = paper::table(&patient, &house.chain.deployment.back_end(), b"time,pulse\n");
    let start = format!("{}{}\r\n{}", head("message"), parcel.announced(1_000), head("payload"));
    refused("payload", upload(start.as_bytes()).await, 400, 4 << 20);
    let start = format!("{}{}\r\n", head("message"), parcel.announced(1_000));
    refused("a message that never ends", upload(start.as_bytes()).await, 413, message);

    assert!(begun.elapsed() < Duration::from_secs(240), "{:?}", begun.elapsed());
    if let (Some(before), Some(after)) = (before, resident()) {
        let grown = after.saturating_sub(before) >> 20;
        println!("this process, server included, grew by {grown} MiB");
        assert!(grown < 192, "grew by {grown} MiB");
    }
    parcel.send_in_parts(&patient).await.expect(201);
    house.stop().await;
}
