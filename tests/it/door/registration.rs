//! Challenges, proofs, registration.

use health_back_end::{
    access::registration::PROFILE,
    domain::{ids::UserId, taxonomy::UserClass},
    store::{EndUserKey, WrappedKey},
};
use serde_json::{Value, json};

use crate::environment::{
    INSTITUTE, PATIENT,
    house::{ALL_SERVICES, House, urn},
};

#[tokio::test]
async fn an_end_user_registers_and_gets_tokens() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    assert_eq!(patient.get("/v1/licences/eip155:31337:0x0000000000000000000000000000000000000001").await.status, 404);
    let known = house.chain.node().user(patient.user.address()).await.unwrap();
    assert_eq!(known.class(), Some(UserClass::EndUser));

    let row = house.database.find_user(patient.user).await.unwrap().unwrap();
    assert!(!row.profile_sealed.contains("Exampleperson"));
    let wrapped = WrappedKey::parse(row.user_key_wrapped.clone()).unwrap();
    let key = EndUserKey::unwrap(&wrapped, &house.door.aims.root_key, &patient.user.to_string()).unwrap();
    assert!(key.open_text(PROFILE, &row.profile_sealed).unwrap().contains("Exampleperson"));

    // Twice is once: other profile, same row, new Token.
    let again = patient.register(&patient.organisation("Clinical Entity"), &["Store"]).await;
    assert_eq!(again.expect(200).body["RegisterData"]["Response"]["Success"], true);
    assert_eq!(house.database.find_user(patient.user).await.unwrap().unwrap().user_key_wrapped, row.user_key_wrapped);
    assert_eq!(house.chain.node().user(patient.user.address()).await.unwrap().class(), Some(UserClass::EndUser));
    house.stop().await;
}

#[tokio::test]
async fn a_third_party_waits_for_a_registrar() {
    let house = House::start().await;
    let institute = house.stranger(INSTITUTE);
    let answer = institute.register(&institute.organisation("Non-Profit Entity"), &ALL_SERVICES).await;
    let response = &answer.expect(202).body["RegisterData"]["Response"];
    assert_eq!(response["Success"], true);
    assert!(response.get("Tokens").is_none());
    assert!(answer.body["DescrMetadata"].as_str().unwrap().contains("registrar"));
    institute.renew(&["Retrieve"]).await.expect(403).problem("forbidden");

    house.chain.vouch(institute.user.address(), UserClass::NonProfitEntity).await;
    let answer = institute.renew(&ALL_SERVICES).await;
    let services = &answer.expect(200).body["Tokens"][0]["ServiceTypes"];
    assert_eq!(*services, json!(["DeIDAndAnonym", "AIHDataProcessing", "Retrieve", "AnomalyAndRiskAlerting"]));
    institute.renew(&["Store"]).await.expect(403).problem("forbidden");
    house.stop().await;
}

#[tokio::test]
async fn a_proof_is_good_once_for_one_account_and_a_short_time() {
    let house = House::start().await;
    let (patient, other) = (house.stranger(PATIENT), house.stranger(INSTITUTE));
    let profile = patient.person();
    let register =
        async |proof: Value| patient.post("/v1/register", &patient.register_message(&profile, &["Store"], proof)).await;

    let text = patient.challenge().await;
    assert!(text.contains("Chain ID: 31337") && text.contains("Expiration Time: "), "{text}");
    assert!(text.starts_with(&format!("{} wants you to sign in", house.url.trim_start_matches("http://"))), "{text}");

    let forged = register(other.sign(&text)).await;
    forged.expect(401).problem("unauthenticated");
    assert_eq!(forged.body["message"]["RegisterData"]["Response"], json!({"Success": false}));
    assert!(!forged.header("www-authenticate").is_empty());

    // The forger did not use it up; another text under its nonce, another chain, another host are none of ours.
    for (from, to) in [("costs nothing", "costs much"), ("Chain ID: 31337", "Chain ID: 1"), ("127.0.0.1", "127.0.0.2")]
    {
        register(patient.sign(&text.replace(from, to))).await.expect(401).problem("unauthenticated");
    }
    // Nor did they: what is not the text given out uses nothing up.
    let proof = patient.sign(&text);
    register(proof.clone()).await.expect(201);
    register(proof).await.expect(401).problem("unauthenticated");

    let late = patient.proof().await;
    house.clock.shift_seconds(301);
    register(late).await.expect(401).problem("unauthenticated");
    house.clock.shift_seconds(-301);

    register(other.proof().await).await.expect(403).problem("forbidden");
    let mut without = patient.register_message(&profile, &["Store"], Value::Null);
    without["RegisterData"]["Request"].as_object_mut().unwrap().remove("Proof");
    patient.post("/v1/register", &without).await.expect(401).problem("unauthenticated");
    let garbage = json!({"Message": "hello", "Signature": format!("0x{}", "00".repeat(65))});
    register(garbage).await.expect(401).problem("unauthenticated");
    house.stop().await;
}

#[tokio::test]
async fn a_challenge_is_for_an_account_of_this_chain() {
    let house = House::start().await;
    let patient = house.stranger(PATIENT);
    let elsewhere = json!({"UserID": format!("eip155:1:{}", patient.user.address())});
    patient.post("/v1/register/challenge", &elsewhere).await.expect(401).problem("unauthenticated");
    for bad in [json!({"UserID": "me"}), json!({}), json!({"UserID": patient.user.to_string(), "More": 1}), json!([])] {
        let answer = patient.post("/v1/register/challenge", &bad).await;
        answer.expect(422).problem("schema-violation");
        assert!(!answer.body["pointers"].as_array().unwrap().is_empty());
    }
    house.stop().await;
}

#[tokio::test]
async fn a_response_is_no_request_and_a_wrong_message_is_named() {
    let house = House::start().await;
    let patient = house.stranger(PATIENT);
    let response = json!({
        "Header": "AIH-REG-V1.0", "RegisterID": urn(), "RegisterTime": "2026-03-01T09:00:00Z",
        "RegisterData": {"Response": {"Success": true}},
    });
    patient.post("/v1/register", &response).await.expect(422).problem("schema-violation");
    let mut wrong = patient.register_message(&patient.person(), &["Store"], patient.proof().await);
    wrong["RegisterData"]["Request"]["RequestedServices"] = json!(["HealthStateDetection"]);
    let answer = patient.post("/v1/register", &wrong).await;
    answer.expect(422).problem("schema-violation");
    assert_eq!(answer.body["pointers"][0]["pointer"], "/RegisterData/Request/RequestedServices/0");
    house.stop().await;
}

#[tokio::test]
async fn a_suspended_user_is_not_let_in() {
    let house = House::start().await;
    let institute = house.third_party(INSTITUTE, UserClass::NonProfitEntity).await;
    house.chain.suspend(institute.user.address(), UserClass::NonProfitEntity).await;
    // Without asking for anything new: the Tokens they have are worthless once the event is copied.
    house.indexed().await;
    institute.get("/v1/aih-data").await.expect(401).problem("unauthenticated");
    institute.renew(&["Retrieve"]).await.expect(403).problem("forbidden");
    institute.get("/v1/events").await.expect(401).problem("unauthenticated");
    let answer = institute.register(&institute.organisation("Non-Profit Entity"), &["Retrieve"]).await;
    answer.expect(403).problem("forbidden");
    assert_eq!(answer.body["message"]["RegisterData"]["Response"]["Success"], false);
    house.stop().await;
}

/// Running a stranger's contract is work for the node: nobody has it done with a text that was never given out.
#[tokio::test]
async fn nobody_is_asked_about_a_challenge_that_was_not_given_out() {
    let house = House::start().await;
    let (patient, other) = (house.stranger(PATIENT), house.stranger(INSTITUTE));
    let text = patient.challenge().await;
    let nonce = text.lines().find_map(|line| line.strip_prefix("Nonce: ")).unwrap();
    let invented = text.replace(nonce, &"x1".repeat(nonce.len() / 2 + 1)[..nonce.len()]);
    let profile = patient.person();
    let register =
        async |proof: Value| patient.post("/v1/register", &patient.register_message(&profile, &["Store"], proof)).await;
    // Both are signed by another key, so that the account's own code would have to be asked.
    let known = register(other.sign(&text)).await;
    let unknown = register(other.sign(&invented)).await;
    let detail = |answer: &crate::environment::house::Answer| answer.expect(401).body["detail"].to_string();
    assert_ne!(detail(&unknown), detail(&known));
    let stale = health_back_end::access::ProofRefused::Stale.to_string();
    assert!(detail(&unknown).contains(&stale), "{} / {stale}", detail(&unknown));
    // With the node away nothing can be asked, and nothing has to be.
    house.chain.devnet.stop().await;
    assert_eq!(detail(&register(other.sign(&invented)).await), detail(&unknown));
}

/// A smart account has no key; its own code says which signatures it accepts (ERC-1271).
#[tokio::test]
async fn a_smart_account_registers_by_its_own_judgement() {
    use alloy::{
        primitives::{Address, Bytes, bytes},
        providers::ext::AnvilApi,
    };
    // Answers every question with one word: the magic value of ERC-1271, or another one.
    const YES: Bytes = bytes!("631626ba7e60e01b60005260206000f3");
    const NO: Bytes = bytes!("63ffffffff60e01b60005260206000f3");
    let house = House::start().await;
    for (byte, code, status) in
        [(0xa1, YES, 201), (0xa2, NO, 401), (0xa3, bytes!("fe"), 401), (0xa4, Bytes::new(), 401)]
    {
        let mut account = house.stranger(PATIENT);
        account.user = UserId::new(31337, Address::repeat_byte(byte));
        house.chain.provider.anvil_set_code(account.user.address(), code).await.unwrap();
        let proof = json!({"Message": account.challenge().await, "Signature": format!("0x{}", "ab".repeat(130))});
        let message = account.register_message(&account.person(), &["Store"], proof);
        account.post("/v1/register", &message).await.expect(status);
    }
    house.stop().await;
}
