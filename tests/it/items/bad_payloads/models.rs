//! What an operator sends to the Store that is not what it says: nothing of it is kept.

use std::sync::LazyLock;

use health_back_end::{
    front_end::{publication::Publication, training::learner::fresh},
    mpai_store::models::{declaration::Declaration, layout, onnx},
    schema::wire::ModelFormat,
};
use reqwest::{Method, multipart};
use serde_json::json;
use uuid::Uuid;

use crate::{
    environment::{
        PATIENT,
        house::{Client, House, send},
    },
    items::every_class::{
        scene::{publish, put},
        variants,
    },
};
/// A network that has learned nothing.
static NETWORK: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
    let network = fresh(Declaration::beat_classifier(4), 1);
    (network.write().unwrap(), onnx::encode(&network))
});

fn good(format: ModelFormat) -> Vec<u8> {
    match format {
        ModelFormat::Safetensors => NETWORK.0.clone(),
        ModelFormat::Onnx => NETWORK.1.clone(),
        _ => variants::weights(),
    }
}

const FORMATS: [ModelFormat; 3] = [ModelFormat::Safetensors, ModelFormat::Onnx, ModelFormat::PgsCatalog];

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

/// Files of each format, and a part of what is said of them.
fn cases() -> Vec<(ModelFormat, &'static str, Vec<u8>, &'static str)> {
    use ModelFormat::{Onnx, PgsCatalog, Safetensors};
    let mut cases = Vec::new();
    for format in FORMATS {
        let whole = good(format);
        let says = match format {
            Safetensors => "is not a safetensors file",
            Onnx => "the model",
            _ => "the weight file",
        };
        cases.push((format, "empty", Vec::new(), says));
        cases.push((format, "truncated", whole[..whole.len() - 5].to_vec(), says));
        cases.push((format, "half", whole[..whole.len() / 2].to_vec(), says));
        cases.push((format, "binary", (0..5_000_u32).map(|n| (n * 7 + n / 13) as u8).collect(), says));
        for other in FORMATS.into_iter().filter(|other| *other != format) {
            cases.push((format, "another format", good(other), says));
        }
    }
    let nan = layout::write("", &[("w", vec![2], vec![1.0, f32::NAN])]).unwrap();
    let mut boasting = good(Safetensors);
    boasting[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let weights = |from: &str, to: &str| replaced(&good(PgsCatalog), from.as_bytes(), to.as_bytes());
    cases.extend([
        (Safetensors, "lying", boasting, "header's length"),
        (Safetensors, "not finite", nan, "not finite"),
        (Onnx, "damaged metadata", replaced(&good(Onnx), b"\"Before\":", b"\"Befoge\":"), "the model's metadata"),
        (
            Onnx,
            "another window",
            replaced(&good(Onnx), b"\"Before\":30", b"\"Before\":31"),
            "not that of its declaration",
        ),
        (PgsCatalog, "lying", weights("variants_number=3", "variants_number=4"), "variants_number"),
        (
            PgsCatalog,
            "a row short of a field",
            weights("rs3\t1\t300\tA\tC\t1", "rs3\t1\t300\tA\tC"),
            "one field for each column",
        ),
        (PgsCatalog, "not finite", weights("\t-0.2", "\tNaN"), "no finite number"),
        (PgsCatalog, "another version", weights("=2.0", "=1.0"), "format_version"),
        (PgsCatalog, "packed", b"\x1f\x8b\x08\x00packed".to_vec(), "not plain text"),
        (PgsCatalog, "interactions", weights("effect_weight\n", "effect_weight\tdosage_0_weight\n"), "dosages"),
    ]);
    cases
}

async fn models(client: &Client) -> usize {
    client.get("/v1/store/models").await.expect(200).body["Models"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_not_what_they_say_are_refused_and_nothing_is_kept() {
    let house = House::start().await;
    let operator = house.operator().await;
    for (format, what, bytes, says) in cases() {
        let (id, answer) = publish(&operator, &house, "bad", format, &bytes).await;
        assert_eq!(answer.status, 422, "{format:?} {what}: {}", answer.body);
        let detail = answer.problem("unprocessable").body["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{format:?} {what}, wanted “{says}”: {detail}");
        operator.get(&format!("/v1/store/models/{id}")).await.expect(404);
        operator.get(&format!("/v1/store/models/{id}/data")).await.expect(404);
    }
    assert_eq!(models(&operator).await, 0);
    assert!(house.door.aims.models.blobs.digests().unwrap().is_empty(), "a file is left behind");
    for format in FORMATS {
        publish(&operator, &house, "good", format, &good(format)).await.1.expect(201);
    }
    assert_eq!(models(&operator).await, 3);
    house.stop().await;
}

#[tokio::test]
async fn messages_that_do_not_go_with_their_bytes_are_refused() {
    let house = House::start().await;
    let (operator, patient) = (house.operator().await, house.end_user(PATIENT).await);
    let back_end = house.chain.deployment.back_end();
    for format in FORMATS {
        let bytes = good(format);
        let publication = Publication { id: Uuid::now_v7(), name: "model", format, parent: None, bytes: &bytes };
        let message = publication.message(&back_end, &operator.signer).unwrap();
        let with = |pointer: &str, value: serde_json::Value| {
            let mut message = message.clone();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            message.pointer_mut(parent).unwrap()[name] = value;
            message
        };
        let foreign = publication.message(&back_end, &crate::environment::key(PATIENT)).unwrap();
        let elsewhere = health_back_end::domain::ids::BackEndId::new(1, back_end.address());
        let elsewhere = publication.message(&elsewhere, &operator.signer).unwrap();
        let qualifier = "/MLModelQualifier";
        let length = json!([{"DataLength": (256_u64 << 20) + 1, "DataURI": "cid:payload"}]);
        let remote = json!([{"DataLength": bytes.len(), "DataURI": "https://example.org/model"}]);
        let other_digest = json!(format!("sha256:{}", "ab".repeat(32)));
        for (message, status, says) in [
            (with("/MLModelData", length), 413, "At most"),
            (with("/MLModelData", remote), 400, "cid:payload"),
            (with("/MLModelObjectID", json!(format!("urn:uuid:{}", Uuid::now_v7()))), 422, "Signature"),
            (with(&format!("{qualifier}/Digest"), other_digest), 422, "Signature"),
            (with(&format!("{qualifier}/Digest"), json!(null)), 422, "Digest"),
            (
                with(&format!("{qualifier}/Signature"), foreign["MLModelQualifier"]["Signature"].clone()),
                422,
                "Signature",
            ),
            (
                with(&format!("{qualifier}/Signature"), elsewhere["MLModelQualifier"]["Signature"].clone()),
                422,
                "Signature",
            ),
            (foreign.clone(), 422, "SignedBy"),
            (with(&format!("{qualifier}/Format"), json!("NNEF")), 422, "Format"),
            (with(&format!("{qualifier}/Round"), json!(3)), 422, "leave them out"),
            (
                with(&format!("{qualifier}/ParentMLModelObjectID"), json!(format!("urn:uuid:{}", Uuid::now_v7()))),
                422,
                "no such model",
            ),
        ] {
            let answer = put(&operator, &message, &bytes).await;
            assert_eq!(answer.status, status, "{format:?}, wanted “{says}”: {}", answer.body);
            let text = answer.body.to_string();
            assert!(text.contains(says), "{format:?}, wanted “{says}”: {text}");
        }
        // Signed as they should be, and other bytes.
        let mut other = bytes.clone();
        let last = other.len() - 2;
        other[last] ^= 1;
        let answer = put(&operator, &message, &other).await;
        assert!(
            answer.expect(422).body["detail"].as_str().unwrap().contains("do not have the digest"),
            "{}",
            answer.body
        );
        put(&operator, &message, &bytes[1..]).await.expect(400).problem("malformed-request");
        // Nobody but an operator.
        put(&patient, &foreign, &bytes).await.expect(403).problem("forbidden");
        put(&house.stranger(PATIENT), &foreign, &bytes).await.expect(401);
    }
    let text = operator.request(Method::POST, "/v1/store/models").json(&json!({}));
    send(text).await.expect(415).problem("unsupported-media-type");
    let alone = multipart::Form::new().part("payload", multipart::Part::bytes(vec![1]));
    let alone = operator.request(Method::POST, "/v1/store/models").multipart(alone);
    send(alone).await.expect(400).problem("malformed-request");
    assert!(models(&operator).await == 0 && house.door.aims.models.blobs.digests().unwrap().is_empty());
    house.stop().await;
}
