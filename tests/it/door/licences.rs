//! Licences over HTTP: compile, read, confirm dry, withdraw.

use alloy::{
    primitives::{Address, B256},
    signers::SignerSync,
};
use health_back_end::{
    db::revocations::RevocationScope,
    domain::{
        ids::{AihDataId, LicenceId},
        taxonomy::UserClass,
        window::rfc3339,
    },
    licensing::terms::compile,
    schema::into_domain,
};
use serde_json::{Value, json};

use crate::environment::{
    INSTITUTE, PATIENT,
    house::{Client, House, urn},
};

/// A Model Licence of a client: non-profit entities may quantify, for research, for an hour.
pub fn model_licence(house: &House, client: &Client, item: &str) -> Value {
    let (now, back_end) = (house.clock.seconds(), house.chain.deployment.back_end().to_string());
    let time = json!({"StartTime": rfc3339(now - 60), "EndTime": rfc3339(now + 3_600)});
    json!({
        "Header": "AIH-MDL-V1.0",
        "ModelLicenceID": urn(),
        "EndUserID": client.user.to_string(),
        "AIHDataID": item,
        "AIHDataType": "PhysiologicalSignal",
        "ModelLicenceTime": time,
        "ModelLicenceData": {
            "BackEndLicence": {
                "EndUserID": client.user.to_string(),
                "BackendID": back_end,
                "AIHDataID": item,
                "AIHDataStatus": "Identified",
                "AIHDataProcess": ["PhysiologicalEventDetection"],
                "AIHDataUsage": ["Health Care"],
            },
            "ThirdPartyUserLicence": {
                "BackendID": back_end,
                "AIHDataID": item,
                "Time": time,
                "UserTypes": ["Non-Profit Entity"],
                "ProcessTypes": ["PhysiologicalParameterQuantification"],
                "UsageTypes": ["Research"],
            },
        },
    })
}

/// Licenses an item of a client as an upload would; gives item and Licence ID.
pub async fn license(house: &House, client: &Client) -> (AihDataId, LicenceId) {
    let item = urn();
    let document = model_licence(house, client, &item);
    let answer = client.post("/v1/licences/compile", &document).await;
    let digest: B256 = answer.expect(200).body["Digest"].as_str().unwrap().parse().unwrap();
    let signature = client.signer.sign_hash_sync(&digest).unwrap();
    let offer = compile(&into_domain(&document).unwrap(), &house.chain.deployment.back_end(), 0).unwrap();
    let item: AihDataId = item.parse().unwrap();
    let issued = house.door.aims.licensing.issue(item, &offer, &signature.as_bytes()).await.unwrap();
    assert_eq!(issued.licence.to_string(), answer.body["LicenceID"].as_str().unwrap());
    (item, issued.licence)
}

fn withdrawal(house: &House, client: &Client, item: AihDataId, licence: LicenceId, scope: &str) -> Value {
    let hash = health_back_end::chain::typed_data::revocation_hash(
        item.hash(),
        licence.address(),
        &house.chain.deployment.back_end(),
    );
    let signature = client.signer.sign_hash_sync(&hash).unwrap();
    let mut revocation = json!({"LicenceID": licence.to_string(), "Scope": scope});
    if scope == "WholeLicence" {
        revocation["Signature"] = format!("0x{}", alloy::hex::encode(signature.as_bytes())).into();
    }
    json!({
        "Header": "AIH-BCL-V1.0",
        "BlockchainLicenceID": urn(),
        "BlockchainLicenceTime": "2026-03-01T09:00:00Z",
        "BlockchainLicence": {"Request": {"AIHDataID": item.to_string(), "Revocation": revocation}},
    })
}

fn question(house: &House, item: &str, operation: &str) -> Value {
    json!({
        "Header": "AIH-LCF-V1.0",
        "LicenceConfirmID": urn(),
        "LicenceConfirmTime": "2026-03-01T09:00:00Z",
        "LicenceConfirm": {"Request": {
            "AIHDataID": item, "ProcessType": operation, "Time": rfc3339(house.clock.seconds()), "Usage": "Research",
        }},
    })
}

#[tokio::test]
async fn a_model_licence_compiles_to_what_its_owner_signs() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let document = model_licence(&house, &patient, &urn());
    let answer = patient.post("/v1/licences/compile", &document).await;
    let compiled = &answer.expect(200).body;
    assert_eq!(compiled["Sequence"], 0);
    assert_eq!(compiled["Terms"]["Grants"][0]["UserTypes"], json!(["Non-Profit Entity"]));
    assert_eq!(compiled["TypedData"]["primaryType"], "Terms");
    let plain = compiled["PlainLanguage"].as_array().unwrap();
    assert!(plain.iter().any(|s| s.as_str().unwrap().contains("PhysiologicalParameterQuantification")), "{plain:?}");
    // What was read before signing is what stands on chain afterwards.
    let (_, licence) = license(&house, &patient).await;
    house.indexed().await;
    let read = patient.get(&format!("/v1/licences/{licence}")).await;
    let response = &read.expect(200).body["BlockchainLicence"]["Response"];
    assert_eq!(response["PlainLanguage"].as_array().unwrap().len(), plain.len());
    assert_eq!((&response["State"], &response["Sequence"]), (&json!("Active"), &json!(1)));
    assert_eq!(response["Evidence"]["LicenceID"], licence.to_string());
    house.stop().await;
}

#[tokio::test]
async fn what_a_licence_cannot_express_is_refused_at_its_place() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let mut document = model_licence(&house, &patient, &urn());
    document["ModelLicenceData"]["ThirdPartyUserLicence"]["BackendID"] =
        "eip155:31337:0x00000000000000000000000000000000000000bb".into();
    let answer = patient.post("/v1/licences/compile", &document).await;
    answer.expect(422).problem("unsupported-terms");
    assert_eq!(answer.body["pointers"][0]["pointer"], "/ModelLicenceData/ThirdPartyUserLicence/BackendID");

    document["AIHDataType"] = "Gossip".into();
    let answer = patient.post("/v1/licences/compile", &document).await;
    answer.expect(422).problem("schema-violation");
    assert_eq!(answer.body["pointers"][0]["pointer"], "/AIHDataType");
    assert!(!String::from_utf8_lossy(&answer.bytes).contains("Gossip"));

    let other = house.end_user(INSTITUTE).await;
    let foreign = model_licence(&house, &patient, &urn());
    other.post("/v1/licences/compile", &foreign).await.expect(403).problem("forbidden");
    house.stranger(5).post("/v1/licences/compile", &foreign).await.expect(401).problem("unauthenticated");
    house.stop().await;
}

#[tokio::test]
async fn a_licence_is_read_by_whom_it_concerns() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let (_, licence) = license(&house, &patient).await;
    let path = format!("/v1/licences/{licence}");
    let institute = house.third_party(INSTITUTE, UserClass::NonProfitEntity).await;
    institute.get(&path).await.expect(200);
    house.operator().await.get(&path).await.expect(200);

    // To everybody else a foreign licence and none at all are the same bytes.
    let clinic = house.third_party(5, UserClass::ClinicalEntity).await;
    let foreign = clinic.get(&path).await;
    foreign.expect(404).problem("not-found");
    let none = format!("/v1/licences/{}", LicenceId::new(31337, Address::repeat_byte(9)));
    let elsewhere = format!("/v1/licences/{}", LicenceId::new(1, licence.address()));
    for unknown in [none.as_str(), elsewhere.as_str(), "/v1/nowhere"] {
        assert_eq!(clinic.get(unknown).await.bytes, foreign.bytes, "{unknown}");
    }
    clinic.get("/v1/licences/mine").await.expect(400).problem("malformed-request");
    house.stranger(0).get(&path).await.expect(401).problem("unauthenticated");
    house.stop().await;
}

#[tokio::test]
async fn a_dry_run_gives_the_verdict_and_records_nothing() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let (item, licence) = license(&house, &patient).await;
    let institute = house.third_party(INSTITUTE, UserClass::NonProfitEntity).await;
    let before = house.chain.node().head().await.unwrap().number;
    let item_text = item.to_string();

    let permitted = question(&house, &item_text, "PhysiologicalParameterQuantification");
    let answer = institute.post("/v1/licence-confirm", &permitted).await;
    let response = &answer.expect(200).body["LicenceConfirm"]["Response"];
    assert_eq!(*response, json!({"Status": true, "Reasons": []}));

    let denied = institute.post("/v1/licence-confirm", &question(&house, &item_text, "Retrieve")).await;
    let response = &denied.expect(200).body["LicenceConfirm"]["Response"];
    assert_eq!(*response, json!({"Status": false, "Reasons": ["Process"]}));

    // Who names a licence asks about that one: the item's own, or none.
    let mut named = permitted.clone();
    named["LicenceConfirm"]["Request"]["LicenceID"] = licence.to_string().into();
    institute.post("/v1/licence-confirm", &named).await.expect(200);
    named["LicenceConfirm"]["Request"]["LicenceID"] = LicenceId::new(31337, Address::repeat_byte(9)).to_string().into();
    let other = institute.post("/v1/licence-confirm", &named).await;
    other.expect(422).problem("schema-violation");
    assert_eq!(other.body["pointers"][0]["pointer"], "/LicenceConfirm/Request/LicenceID", "{}", other.body);

    // The Back End is asked for by its operator only; nobody asks for somebody else.
    let mut for_back_end = question(&house, &item_text, "PhysiologicalEventDetection");
    for_back_end["LicenceConfirm"]["Request"]["UserID"] = house.chain.deployment.back_end().to_string().into();
    for_back_end["LicenceConfirm"]["Request"]["Usage"] = "Health Care".into();
    institute.post("/v1/licence-confirm", &for_back_end).await.expect(403).problem("forbidden");
    let answer = house.operator().await.post("/v1/licence-confirm", &for_back_end).await;
    assert_eq!(answer.expect(200).body["LicenceConfirm"]["Response"]["Status"], true);
    for_back_end["LicenceConfirm"]["Request"]["UserID"] = patient.user.to_string().into();
    institute.post("/v1/licence-confirm", &for_back_end).await.expect(403).problem("forbidden");

    // Whom no grant names, learns nothing.
    let clinic = house.third_party(5, UserClass::ClinicalEntity).await;
    let foreign = clinic.post("/v1/licence-confirm", &permitted).await;
    let unknown = clinic.post("/v1/licence-confirm", &question(&house, &urn(), "Retrieve")).await;
    foreign.expect(404).problem("not-found");
    assert_eq!(foreign.bytes, unknown.bytes);
    assert_eq!(clinic.post("/v1/licence-confirm", &named).await.expect(404).bytes, unknown.bytes);

    let events = house.chain.node().events(before + 1, before + 1_000).await.unwrap();
    assert!(events.iter().all(|event| event.kind.name() == "UserClassSet"), "{events:?}");
    house.stop().await;
}

#[tokio::test]
async fn the_end_user_withdraws_and_nobody_else() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let (item, licence) = license(&house, &patient).await;
    let path = format!("/v1/licences/{licence}/revocation");
    let institute = house.third_party(INSTITUTE, UserClass::NonProfitEntity).await;
    let clinic = house.third_party(5, UserClass::ClinicalEntity).await;

    let good = withdrawal(&house, &patient, item, licence, "WholeLicence");
    institute.post(&path, &good).await.expect(403).problem("forbidden");
    clinic.post(&path, &good).await.expect(404).problem("not-found");
    let forged = withdrawal(&house, &institute, item, licence, "WholeLicence");
    patient.post(&path, &forged).await.expect(422).problem("invalid-signature");
    let other_item = withdrawal(&house, &patient, urn().parse().unwrap(), licence, "WholeLicence");
    patient.post(&path, &other_item).await.expect(422).problem("schema-violation");
    let other_licence = LicenceId::new(31337, Address::repeat_byte(9));
    let elsewhere = withdrawal(&house, &patient, item, other_licence, "WholeLicence");
    patient.post(&path, &elsewhere).await.expect(422).problem("schema-violation");
    assert!(house.database.list_revocations_of(licence.address()).await.unwrap().is_empty());

    let answer = patient.post(&path, &good).await;
    let response = &answer.expect(200).body["BlockchainLicence"]["Response"];
    assert_eq!(response["State"], "Revoked");
    assert_eq!(response["Evidence"]["LicenceID"], licence.to_string());
    let kept = house.database.list_revocations_of(licence.address()).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].scope, kept[0].revoked_by), (RevocationScope::Licence, patient.user.address()));

    // Again is the same; forged it stays forged, though there is nothing left to withdraw.
    assert_eq!(patient.post(&path, &good).await.expect(200).body["BlockchainLicence"]["Response"]["State"], "Revoked");
    patient.post(&path, &forged).await.expect(422).problem("invalid-signature");
    let dry = institute
        .post("/v1/licence-confirm", &question(&house, &item.to_string(), "PhysiologicalParameterQuantification"))
        .await;
    assert_eq!(dry.expect(200).body["LicenceConfirm"]["Response"]["Reasons"], json!(["Revoked"]));
    house.stop().await;
}

#[tokio::test]
async fn the_back_end_gives_up_its_own_right() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let (item, licence) = license(&house, &patient).await;
    let path = format!("/v1/licences/{licence}/revocation");
    let institute = house.third_party(INSTITUTE, UserClass::NonProfitEntity).await;
    let message = withdrawal(&house, &patient, item, licence, "BackEndRight");
    institute.post(&path, &message).await.expect(403).problem("forbidden");
    let answer = house.operator().await.post(&path, &message).await;
    assert_eq!(answer.expect(200).body["BlockchainLicence"]["Response"]["State"], "BackEndRenounced");
    assert_eq!(house.database.list_revocations_of(licence.address()).await.unwrap()[0].scope, RevocationScope::BackEnd);
    let dry = question(&house, &item.to_string(), "PhysiologicalParameterQuantification");
    let answer = institute.post("/v1/licence-confirm", &dry).await;
    assert_eq!(answer.expect(200).body["LicenceConfirm"]["Response"]["Status"], true);
    house.stop().await;
}

#[tokio::test]
async fn without_the_chain_nothing_is_said() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let (_, licence) = license(&house, &patient).await;
    patient.get("/readyz").await.expect(200);
    let House { chain, door, .. } = house;
    chain.devnet.stop().await;
    let answer = patient.get(&format!("/v1/licences/{licence}")).await;
    answer.expect(503).problem("chain-unavailable");
    assert!(!answer.header("retry-after").is_empty());
    door.aims.licensing.vigil().verify(door.aims.licensing.node(), &door.aims.clock).await;
    patient.get("/readyz").await.expect(503).problem("chain-unavailable");
    patient.get("/livez").await.expect(200);
}
