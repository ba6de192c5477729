//! Tokens: what opens, what does not, and how long.

use alloy::{network::EthereumWallet, providers::ProviderBuilder};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use health_back_end::{
    access::{Access, SigningKey},
    chain::bindings::LicenceRegistry,
    domain::{operation::Operation, taxonomy::UserClass},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};

use crate::environment::{
    ADMIN, INSTITUTE, PATIENT,
    house::{Client, House, send, urn},
    key,
};

const CLOSED: &str = "/v1/licences/eip155:31337:0x0000000000000000000000000000000000000001";

/// Behind a good Token there is nothing at this address; before it, the Token is refused.
async fn opens(client: &Client) -> bool {
    match client.get(CLOSED).await.status {
        404 => true,
        401 => false,
        other => panic!("{other}"),
    }
}

fn claims(client: &Client) -> Value {
    let payload = client.token.as_ref().unwrap().split('.').nth(1).unwrap().to_owned();
    serde_json::from_slice(&BASE64.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_says_who_for_what_and_how_long() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let claims = claims(&patient);
    assert_eq!(claims["iss"], house.chain.deployment.back_end().to_string());
    assert_eq!(claims["aud"], claims["iss"]);
    assert_eq!(claims["sub"], patient.user.to_string());
    assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 900);
    let header = BASE64.decode(patient.token.as_ref().unwrap().split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!((&header["alg"], &header["typ"]), (&json!("ES256"), &json!("at+jwt")));
    assert!(opens(&patient).await);
    house.stop().await;
}

#[tokio::test]
async fn a_token_ends_by_time_and_by_withdrawal() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    house.clock.shift_seconds(906);
    let expired = patient.get(CLOSED).await;
    expired.expect(401).problem("unauthenticated");
    assert!(expired.header("www-authenticate").contains("invalid_token"));
    house.clock.shift_seconds(-906);
    assert!(opens(&patient).await);

    let id = patient.token_id.clone().unwrap();
    let institute = house.third_party(INSTITUTE, UserClass::NonProfitEntity).await;
    let withdraw = |client: &Client, id: &str| send(client.request(Method::DELETE, &format!("/v1/tokens/{id}")));
    let foreign = withdraw(&institute, &id).await;
    foreign.expect(404).problem("not-found");
    let unknown = withdraw(&institute, &urn()).await;
    assert_eq!(foreign.bytes, unknown.bytes, "a foreign and an unknown Token look the same");
    withdraw(&institute, "seven").await.expect(400).problem("malformed-request");

    withdraw(&patient, &id).await.expect(204);
    patient.get(CLOSED).await.expect(401).problem("unauthenticated");
    assert!(opens(&institute).await);
    house.stop().await;
}

#[tokio::test]
async fn tokens_not_by_this_back_end_open_nothing() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let (good, claims) = (patient.token.clone().unwrap(), claims(&patient));
    let parts: Vec<&str> = good.split('.').collect();
    let none = BASE64.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    let typed = |algorithm| Header { typ: Some("at+jwt".to_owned()), ..Header::new(algorithm) };
    // The confusion: our public key, which anybody may know, taken for a shared secret.
    let confused = encode(&typed(Algorithm::HS256), &claims, &EncodingKey::from_secret(b"public key")).unwrap();
    let mut longer = claims.clone();
    longer["exp"] = json!(claims["exp"].as_i64().unwrap() + 1_000_000);
    let tampered = format!("{}.{}.{}", parts[0], BASE64.encode(longer.to_string()), parts[2]);
    for bad in [
        String::new(),
        "x".to_owned(),
        "a.b.c".to_owned(),
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        confused,
        tampered,
        "e".repeat(10_000),
    ] {
        let client = Client { token: Some(bad.clone()), ..patient.clone() };
        client.get(CLOSED).await.expect(401).problem("unauthenticated");
    }
    house.stop().await;
}

/// Signed with the right key, and still not a Token of ours.
#[tokio::test]
async fn another_doorkeepers_tokens_open_nothing() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let licensing = house.door.aims.licensing.clone();
    let other = Access::new(
        licensing,
        house.database.clone(),
        house.clock.clone(),
        SigningKey::generate().unwrap(),
        house.url.parse().unwrap(),
    );
    let theirs = other.renew(patient.user, &[Operation::Store]).await.unwrap();
    let client = Client { token: Some(theirs.token), ..patient.clone() };
    client.get(CLOSED).await.expect(401).problem("unauthenticated");
    house.stop().await;
}

#[tokio::test]
async fn a_header_that_is_not_one_bearer_token_is_refused() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let good = patient.token.clone().unwrap();
    let nobody = Client { token: None, ..patient.clone() };
    for header in ["", "Bearer", &good, &format!("Basic {good}"), &format!("Token {good}")] {
        let request = nobody.request(Method::GET, CLOSED).header("authorization", header);
        let answer = send(request).await;
        answer.expect(401).problem("unauthenticated");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
    let twice = patient.request(Method::GET, CLOSED).header("authorization", format!("Bearer {good}"));
    let twice = twice.header("authorization", format!("Bearer {good}"));
    send(twice).await.expect(401).problem("unauthenticated");
    house.stop().await;
}

#[tokio::test]
async fn operators_operate_without_being_registered() {
    let house = House::start().await;
    let operator = house.operator().await;
    assert!(claims(&operator)["scope"].as_str().unwrap().ends_with(" operator"));
    assert!(!claims(&operator)["scope"].as_str().unwrap().contains("Store"));
    assert!(opens(&operator).await);
    let id = operator.token_id.clone().unwrap();
    send(operator.request(Method::DELETE, &format!("/v1/tokens/{id}"))).await.expect(204);
    assert!(!opens(&operator).await);
    // Nobody else is one, and a stranger gets nothing.
    let patient = house.end_user(PATIENT).await;
    assert!(!claims(&patient)["scope"].as_str().unwrap().contains("operator"));
    house.stranger(INSTITUTE).renew(&["Retrieve"]).await.expect(403).problem("forbidden");
    house.stop().await;
}

#[tokio::test]
async fn an_operator_whose_role_was_taken_operates_no_more() {
    let house = House::start().await;
    let operator = house.operator().await;
    let patient = house.end_user(PATIENT).await;
    assert!(opens(&operator).await);
    let wallet = EthereumWallet::from(key(ADMIN));
    let admin = ProviderBuilder::new().wallet(wallet).connect_provider(house.chain.provider.clone());
    let registry = LicenceRegistry::new(house.chain.deployment.registry, admin);
    let role = registry.OPERATOR_ROLE().call().await.unwrap();
    let sent = registry.revokeRole(role, operator.user.address()).send().await.unwrap();
    assert!(sent.get_receipt().await.unwrap().status());
    let refused = operator.get(CLOSED).await;
    assert!(refused.expect(401).problem("unauthenticated").header("www-authenticate").contains("invalid_token"));
    assert!(refused.body["detail"].as_str().unwrap().contains("OPERATOR"), "{}", refused.body);
    assert!(opens(&patient).await, "nobody else's role was taken");
    house.stop().await;
}

#[tokio::test]
async fn the_token_opens_only_its_services() {
    let house = House::start().await;
    let mut patient = house.end_user(PATIENT).await;
    let answer = patient.renew(&["Retrieve"]).await;
    patient.take_token(&answer.body);
    let licence = super::licences::model_licence(&house, &patient, &urn());
    let refused = patient.post("/v1/licences/compile", &licence).await;
    refused.expect(403).problem("forbidden");
    assert!(refused.header("www-authenticate").contains("insufficient_scope"));
    house.stop().await;
}
