//! Multipart bodies that are not `message`, then `payload`, then nothing.

use reqwest::{Method, multipart};
use serde_json::json;

use super::paper::{self, Parcel};
use crate::environment::{
    INSTITUTE, PATIENT,
    house::{Answer, Client, House, send},
};

const PAYLOAD: &[u8] = b"time,pulse\n1,70\n2,71\n";

fn form(parts: Vec<(&'static str, Vec<u8>)>) -> multipart::Form {
    let part = |form: multipart::Form, (name, bytes)| form.part(name, multipart::Part::bytes(bytes));
    parts.into_iter().fold(multipart::Form::new(), part)
}

async fn post(client: &Client, parts: Vec<(&'static str, Vec<u8>)>) -> Answer {
    send(client.request(Method::POST, "/v1/aih-data").multipart(form(parts))).await
}

fn message(parcel: &Parcel, length: usize) -> Vec<u8> {
    parcel.announced(length).to_string().into_bytes()
}

#[tokio::test]
async fn parts_in_any_other_order_are_refused_and_nothing_is_licensed() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let parcel = paper::table(&patient, &house.chain.deployment.back_end(), PAYLOAD);
    let (message, payload) = (message(&parcel, PAYLOAD.len()), PAYLOAD.to_vec());
    let block = house.chain.node().head().await.unwrap().number;
    for parts in [
        vec![],
        vec![("message", message.clone())],
        vec![("payload", payload.clone())],
        vec![("payload", payload.clone()), ("message", message.clone())],
        vec![("message", message.clone()), ("message", message.clone())],
        vec![("message", message.clone()), ("extra", b"x".to_vec()), ("payload", payload.clone())],
        vec![("message", b"{".to_vec()), ("payload", payload.clone())],
    ] {
        post(&patient, parts).await.expect(400).problem("malformed-request");
    }
    assert_eq!(house.chain.node().head().await.unwrap().number, block, "nothing reached the chain");
    let large = vec![b' '; 2 << 20];
    post(&patient, vec![("message", large), ("payload", payload.clone())])
        .await
        .expect(413)
        .problem("payload-too-large");

    for (field, value) in [
        ("AIHData", json!({"Data": "eA=="})),
        ("AIHData", json!({"DataLength": PAYLOAD.len(), "DataURI": "https://example.org/payload"})),
        ("AIHData", json!({"DataLength": PAYLOAD.len(), "DataURI": "file:///etc/passwd"})),
    ] {
        let mut other = parcel.announced(PAYLOAD.len());
        other[field] = value;
        let answer = post(&patient, vec![("message", other.to_string().into_bytes()), ("payload", payload.clone())]);
        answer.await.expect(400).problem("malformed-request");
    }
    let announced = self::message(&parcel, (1 << 30) + 1);
    post(&patient, vec![("message", announced), ("payload", payload.clone())]).await.expect(413);

    // Bodies whose frame is broken.
    for (kind, body) in [
        ("multipart/form-data", "x".to_owned()),
        ("multipart/form-data; boundary=b", "no boundary at all".to_owned()),
        (
            "multipart/form-data; boundary=b",
            "--b\r\ncontent-disposition: form-data; name=\"message\"\r\n\r\n{".to_owned(),
        ),
        ("multipart/form-data; boundary=b", "--b\r\n\r\n{}\r\n--b--\r\n".to_owned()),
    ] {
        let request = patient.request(Method::POST, "/v1/aih-data").header("content-type", kind).body(body);
        let answer = send(request).await;
        assert!(answer.status == 400 || answer.status == 415, "{}", answer.body);
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    parcel.send_in_parts(&patient).await.expect(201);
    house.stop().await;
}

#[tokio::test]
async fn a_payload_of_another_length_is_not_kept_and_may_be_sent_again() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let parcel = paper::table(&patient, &house.chain.deployment.back_end(), PAYLOAD);
    let right = message(&parcel, PAYLOAD.len());
    let longer = [PAYLOAD, b"!"].concat();
    for (bytes, says) in [(&PAYLOAD[1..], "shorter"), (&longer[..], "longer"), (&[][..], "shorter")] {
        let answer = post(&patient, vec![("message", right.clone()), ("payload", bytes.to_vec())]).await;
        answer.expect(400).problem("malformed-request");
        assert!(answer.body["detail"].as_str().unwrap().contains(says), "{}", answer.body);
    }
    let more = vec![("message", right.clone()), ("payload", PAYLOAD.to_vec()), ("payload", b"more".to_vec())];
    let answer = post(&patient, more).await;
    answer.expect(400).problem("malformed-request");
    assert!(answer.body["detail"].as_str().unwrap().contains("Nothing may follow"), "{}", answer.body);

    // Nothing of it can be read, though its licence was made.
    patient.get(&parcel.path()).await.expect(404).problem("not-found");
    patient.get(&format!("{}/payload", parcel.path())).await.expect(404).problem("not-found");
    assert_eq!(patient.get("/v1/aih-data").await.expect(200).body["AIHData"], json!([]));
    parcel.send_in_parts(&patient).await.expect(201);
    let read = patient.get(&format!("{}/payload", parcel.path())).await;
    assert_eq!(read.expect(200).bytes, PAYLOAD);
    house.stop().await;
}

#[tokio::test]
async fn under_one_idempotency_key_another_payload_is_another_request() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let parcel = paper::table(&patient, &house.chain.deployment.back_end(), PAYLOAD);
    let right = message(&parcel, PAYLOAD.len());
    let send_once = async |client: &Client, key: &str, message: &[u8], payload: &[u8]| {
        let form = form(vec![("message", message.to_vec()), ("payload", payload.to_vec())]);
        send(client.request(Method::POST, "/v1/aih-data").header("idempotency-key", key).multipart(form)).await
    };
    // Refused before the payload was looked at: nobody could say later whether it was the same, so nothing is kept.
    let institute = house.end_user(INSTITUTE).await;
    for _ in 0..2 {
        let refused = send_once(&institute, "early", &right, PAYLOAD).await;
        refused.expect(422);
        assert_eq!(refused.header("idempotency-replayed"), "");
    }
    // Broken off: not kept either, though the message was the same.
    send_once(&patient, "key", &right, &PAYLOAD[1..]).await.expect(400).problem("malformed-request");
    let first = send_once(&patient, "key", &right, PAYLOAD).await;
    first.expect(201);

    let other: Vec<u8> = PAYLOAD.iter().map(|byte| if *byte == b'1' { b'9' } else { *byte }).collect();
    send_once(&patient, "key", &right, &other).await.expect(422).problem("idempotency-key-reused");
    send_once(&patient, "key", &right, &PAYLOAD[1..]).await.expect(400).problem("malformed-request");
    let without = send(
        patient
            .request(Method::POST, "/v1/aih-data")
            .header("idempotency-key", "key")
            .multipart(form(vec![("message", right.clone())])),
    );
    without.await.expect(400).problem("malformed-request");
    let again = send_once(&patient, "key", &right, PAYLOAD).await;
    again.expect(201);
    assert_eq!((again.header("idempotency-replayed"), &again.bytes), ("true", &first.bytes));
    let read = patient.get(&format!("{}/payload", parcel.path())).await;
    assert_eq!(read.expect(200).bytes, PAYLOAD);
    house.stop().await;
}
