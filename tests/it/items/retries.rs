//! The same request again: as after a lost answer.

use reqwest::{Method, multipart};
use serde_json::{Value, json};

use super::paper::{self, EVENTS, PARAMETERS, Parcel, process, request, result_item};
use crate::environment::{
    PATIENT,
    house::{Client, House, send, urn},
    scene::Scene,
};

fn table(house: &House, client: &Client, bytes: &[u8]) -> Parcel {
    paper::table(client, &house.chain.deployment.back_end(), bytes)
}

async fn with_key(client: &Client, key: &str, parcel: &Parcel) -> crate::environment::house::Answer {
    let form = multipart::Form::new()
        .part("message", multipart::Part::text(parcel.announced(parcel.payload.len()).to_string()))
        .part("payload", multipart::Part::bytes(parcel.payload.clone()));
    send(client.request(Method::POST, "/v1/aih-data").header("idempotency-key", key).multipart(form)).await
}

#[tokio::test]
async fn an_item_sent_again_is_the_same_item() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let parcel = table(&house, &patient, b"time,pulse\n1,70\n");
    let first = parcel.send_inline(&patient).await;
    first.expect(201);
    let block = house.chain.node().head().await.unwrap().number;
    for again in [parcel.send_inline(&patient).await, parcel.send_in_parts(&patient).await] {
        assert_eq!(again.expect(201).body, first.body);
    }
    let key = with_key(&patient, "once", &parcel).await;
    let replayed = with_key(&patient, "once", &parcel).await;
    assert_eq!((key.expect(201).body.clone(), replayed.header("idempotency-replayed")), (first.body.clone(), "true"));
    assert_eq!(house.chain.node().head().await.unwrap().number, block, "nothing was sent to the chain again");
    let other = table(&house, &patient, b"x");
    with_key(&patient, "once", &other).await.expect(422).problem("idempotency-key-reused");

    // What differs is not the same item, and is not acknowledged.
    let other_payload = Parcel { payload: b"time,pulse\n1,71\n".to_vec(), ..parcel.clone() };
    other_payload.send_inline(&patient).await.expect(409).problem("conflict");
    other_payload.send_in_parts(&patient).await.expect(409).problem("conflict");
    let mut other_time = parcel.clone();
    other_time.message["AIHDataTime"] = json!("2026-02-03T22:00:01Z");
    other_time.send_inline(&patient).await.expect(409).problem("conflict");
    let answer = patient.get(&format!("{}/payload", parcel.path())).await;
    assert_eq!(answer.expect(200).bytes, parcel.payload);
    house.stop().await;
}

#[tokio::test]
async fn of_the_same_item_sent_many_times_at_once_one_is_kept() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let parcel = table(&house, &patient, &b"time,pulse\n1,70\n".repeat(10_000));
    let answers = futures_util::future::join_all((0..6).map(|_| parcel.send_in_parts(&patient))).await;
    assert!(answers.iter().any(|answer| answer.status == 201));
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.expect(409).problem("conflict");
    }
    parcel.send_in_parts(&patient).await.expect(201);
    let kept = patient.get(&format!("{}/payload", parcel.path())).await;
    assert_eq!(kept.expect(200).bytes, parcel.payload);
    house.stop().await;
}

#[tokio::test]
async fn a_message_sent_again_is_the_same_operation() {
    let Scene { house, patient, institute } = Scene::set().await;
    let parcel = paper::parcel(&patient, &house.chain.deployment.back_end(), &paper::ecg());
    parcel.send_in_parts(&patient).await.expect(201);
    let message = request(&institute, parcel.id, PARAMETERS, "Research");
    // Many at once are one operation too.
    let many = futures_util::future::join_all((0..4).map(|_| process(&institute, &message))).await;
    let again = process(&institute, &message).await;
    let id = |answer: &crate::environment::house::Answer| result_item(answer)["AIHDataID"].clone();
    for answer in &many {
        assert_eq!(id(answer.expect(200)), id(again.expect(200)));
        assert_eq!(answer.body["AIHDataProcessID"], message["AIHDataProcessID"]);
    }
    let denied = request(&institute, parcel.id, PARAMETERS, "Health Care");
    let (first, second) = (process(&institute, &denied).await, process(&institute, &denied).await);
    assert_eq!(first.expect(403).body["evidence"], second.expect(403).body["evidence"]);

    // Another request under the same ID is refused; the same ID of somebody else is theirs.
    let change = |pointer: &str, value: Value| {
        let mut other = message.clone();
        *other.pointer_mut(pointer).unwrap() = value;
        other
    };
    for (pointer, value) in [
        ("/AIHDataProcess/Request/ProcessingType", json!(EVENTS)),
        ("/AIHDataProcess/Request/Usage", json!("Health Care")),
        ("/AIHDataProcess/Request/AIHDataID", json!(urn())),
        (
            "/AIHDataProcess/Request",
            json!({"AIHDataID": parcel.id, "ProcessingType": PARAMETERS,
            "Usage": "Research", "Parameters": {"Lead": "II"}}),
        ),
    ] {
        process(&institute, &change(pointer, value)).await.expect(409).problem("conflict");
    }
    process(&patient, &change("/UserID", json!(patient.user))).await.expect(200);
    house.stop().await;
}
