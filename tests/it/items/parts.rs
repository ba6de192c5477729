//! Multipart bodies that are not `message`, then `payload`, then nothing.

use reqwest::{Method, multipart};
use serde_json::json;

use super::paper::{self, Parcel};
use crate::environment::{
    PATIENT,
    house::{Answer, Client, House, send},
};

const PAYLOAD: &[u8] = b"time,pulse\n1,70\n2,71\n";

async fn post(client: &Client, parts: Vec<(&'static str, Vec<u8>)>) -> Answer {
    let form = parts
        .into_iter()
        .fold(multipart::Form::new(), |form, (name, bytes)| form.part(name, multipart::Part::bytes(bytes)));
    send(client.request(Method::POST, "/v1/aih-data").multipart(form)).await
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
