//! Addresses, receivers and secrets of webhooks.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Scene,
    receiver::{Letter, Receiver},
    until,
};
use crate::{
    environment::{
        Chain, PATIENT,
        house::{Client, House, send},
        premises::Premises,
    },
    items::server::Server,
};

/// Registers a webhook; gives its ID and secret.
async fn register(client: &Client, url: &str) -> (String, String) {
    let answer = client.post("/v1/webhooks", &json!({"URL": url})).await;
    let told = answer.expect(201).body.clone();
    assert_eq!(answer.header("location"), format!("/v1/webhooks/{}", told["WebhookID"].as_str().unwrap()));
    assert_eq!(answer.header("cache-control"), "no-store");
    (told["WebhookID"].as_str().unwrap().to_owned(), told["Secret"].as_str().unwrap().to_owned())
}

async fn ping(client: &Client, id: &str) -> String {
    let answer = send(client.request(Method::POST, &format!("/v1/webhooks/{id}/ping"))).await;
    answer.expect(202).body["DeliveryID"].as_str().unwrap().to_owned()
}

/// Waits until the newest delivery of a webhook is in a state; gives the webhook and the delivery.
async fn ended(client: &Client, id: &str, state: &str) -> (Value, Value) {
    until("a delivery ended", async || {
        let answer = client.get(&format!("/v1/webhooks/{id}")).await;
        let body = answer.expect(200).body.clone();
        let delivery = body["Deliveries"][0].clone();
        (delivery["State"] == state).then(|| (body["Webhook"].clone(), delivery))
    })
    .await
}

#[tokio::test]
async fn private_and_crooked_addresses_are_refused() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    for bad in [
        "https://10.0.0.1/",
        "https://192.168.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://0xa.1/",
        "https://167772161/",
        "https://012.0.0.1/",
        "http://1.1.1.1/",
        "https://1.1.1.1:25/",
        "https://user:word@1.1.1.1/",
        "ftp://1.1.1.1/",
        "not an address",
    ] {
        let answer = patient.post("/v1/webhooks", &json!({"URL": bad})).await;
        answer.expect(422).problem("schema-violation");
        assert_eq!(answer.body["pointers"][0]["pointer"], "/URL", "{bad}");
    }
    assert_eq!(patient.get("/v1/webhooks").await.expect(200).body, json!({"Webhooks": []}));
    house.stop().await;
}

#[tokio::test]
async fn a_repeated_wish_makes_one_webhook_and_one_secret() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let receiver = Receiver::answering(&[200]).await;
    let wish = json!({"URL": receiver.url});
    let first = patient.post_once("/v1/webhooks", "register", &wish).await;
    let again = patient.post_once("/v1/webhooks", "register", &wish).await;
    assert_eq!(first.expect(201).bytes, again.expect(201).bytes);
    assert_eq!(patient.get("/v1/webhooks").await.expect(200).body["Webhooks"].as_array().unwrap().len(), 1);
    let other = json!({"URL": format!("{}other", receiver.url)});
    patient.post_once("/v1/webhooks", "register", &other).await.expect(422).problem("idempotency-key-reused");

    // A rotation whose answer was lost: a second one would drop the secret the receiver still has.
    let path = format!("/v1/webhooks/{}/secret", first.body["WebhookID"].as_str().unwrap());
    let rotated = patient.post_once(&path, "rotate", &json!({})).await;
    let again = patient.post_once(&path, "rotate", &json!({})).await;
    assert_eq!(rotated.expect(200).body["Secret"], again.expect(200).body["Secret"]);
    assert_ne!(rotated.body["Secret"], first.body["Secret"]);
    let fresh = patient.post_once(&path, "rotate once more", &json!({})).await;
    assert_ne!(fresh.expect(200).body["Secret"], rotated.body["Secret"]);
    house.stop().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_left_alone() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let receiver = Receiver::answering(&[410]).await;
    let (id, _) = register(&patient, &receiver.url).await;
    ping(&patient, &id).await;
    let (webhook, delivery) = ended(&patient, &id, "given_up").await;
    assert_eq!(webhook["State"], "disabled");
    assert!(
        webhook["Reason"].as_str().unwrap().contains("410") && delivery["Reason"].as_str().unwrap().contains("410")
    );
    let again = send(patient.request(Method::POST, &format!("/v1/webhooks/{id}/ping"))).await;
    again.expect(409).problem("conflict");
    assert_eq!(receiver.letters().len(), 1);
    house.stop().await;
}

#[tokio::test]
async fn a_receiver_that_never_takes_it_is_given_up_with_the_reason() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let receiver = Receiver::answering(&[500, 503, 429, 404]).await;
    let (id, secret) = register(&patient, &receiver.url).await;
    let message = ping(&patient, &id).await;
    let (webhook, delivery) = ended(&patient, &id, "given_up").await;
    assert_eq!((&webhook["State"], &delivery["Attempts"]), (&json!("active"), &json!(4)));
    assert_eq!(delivery["Reason"], "after 4 attempts: the receiver answered 404");
    let letters = receiver.letters();
    assert_eq!(letters.len(), 4);
    assert!(letters.iter().all(|letter| letter.header("webhook-id") == message && letter.verify(&secret).is_ok()));

    // Nobody listens there at all, nor will: the port is never given out.
    let (id, _) = register(&patient, "http://127.0.0.1:1/").await;
    ping(&patient, &id).await;
    let (_, delivery) = ended(&patient, &id, "given_up").await;
    assert!(delivery["Reason"].as_str().unwrap().contains("no connection"), "{delivery}");
    house.stop().await;
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let receiver = Receiver::answering(&[307, 302, 308, 301]).await;
    let (id, _) = register(&patient, &receiver.url).await;
    ping(&patient, &id).await;
    let (_, delivery) = ended(&patient, &id, "given_up").await;
    assert_eq!(delivery["Reason"], "after 4 attempts: the receiver answered 301");
    assert_eq!(receiver.letters().len(), 4, "each attempt is one request");
    house.stop().await;
}

#[tokio::test]
async fn a_new_secret_and_the_one_before_both_sign_for_a_day() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let receiver = Receiver::answering(&[]).await;
    let (id, old) = register(&patient, &receiver.url).await;
    let answer = send(patient.request(Method::POST, &format!("/v1/webhooks/{id}/secret"))).await;
    let new = answer.expect(200).body["Secret"].as_str().unwrap().to_owned();
    assert_ne!(old, new);
    ping(&patient, &id).await;
    let letter: Letter = receiver.received(1).await.remove(0);
    letter.verify(&old).unwrap();
    letter.verify(&new).unwrap();
    let raw = format!("{old}{new}");
    let shown = patient.get(&format!("/v1/webhooks/{id}")).await;
    assert!(!String::from_utf8_lossy(&shown.bytes).contains("whsec_") && raw.matches("whsec_").count() == 2);
    house.stop().await;
}

#[tokio::test]
async fn webhooks_are_their_owners_and_not_too_many() {
    let scene = Scene::new().await;
    let receiver = Receiver::answering(&[]).await;
    let (id, _) = register(&scene.patient, &receiver.url).await;
    for (method, tail) in [(Method::GET, ""), (Method::DELETE, ""), (Method::POST, "/ping"), (Method::POST, "/secret")]
    {
        let answer = send(scene.institute.request(method, &format!("/v1/webhooks/{id}{tail}"))).await;
        answer.expect(404).problem("not-found");
    }
    for _ in 1..8 {
        register(&scene.patient, &receiver.url).await;
    }
    scene.patient.post("/v1/webhooks", &json!({"URL": receiver.url})).await.expect(409).problem("conflict");
    send(scene.patient.request(Method::DELETE, &format!("/v1/webhooks/{id}"))).await.expect(204);
    send(scene.patient.request(Method::DELETE, &format!("/v1/webhooks/{id}"))).await.expect(404);
    register(&scene.patient, &receiver.url).await;
    for bad in [json!({}), json!({"URL": 1}), json!({"URL": "https://1.1.1.1/", "Secret": "mine"})] {
        scene.patient.post("/v1/webhooks", &bad).await.expect(422).problem("schema-violation");
    }
    scene.house.stop().await;
}

#[tokio::test]
async fn a_restart_loses_no_delivery() {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    std::fs::write(folder.path().join("hbe.toml"), "webhook_networks = ['127.0.0.0/8']").unwrap();
    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let patient = server.end_user(PATIENT).await;
    let receiver = Receiver::answering(&[500]).await;
    let (id, secret) = register(&patient, &receiver.url).await;
    let message = ping(&patient, &id).await;
    // Tried once, and killed before it is tried again.
    until("the first attempt was noted", async || {
        let shown = patient.get(&format!("/v1/webhooks/{id}")).await;
        shown.expect(200).body["Deliveries"][0]["Reason"].is_string().then_some(())
    })
    .await;
    server.kill().await;
    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let patient = server.again(PATIENT).await;
    let letters = receiver.received(2).await;
    assert_eq!(letters[1].header("webhook-id"), message);
    letters[1].verify(&secret).unwrap();
    ended(&patient, &id, "delivered").await;
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}
