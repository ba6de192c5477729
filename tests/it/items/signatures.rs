//! Signatures that are forged, borrowed, re-targeted or used again.

use alloy::{primitives::Address, signers::SignerSync};
use health_back_end::{
    chain::typed_data,
    domain::ids::{AihDataId, BackEndId, LicenceId},
    front_end::{paperwork, recording::Recording},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::paper::{self, Parcel, licence_in, sealed, wish, withdraw, withdrawal};
use crate::environment::{
    INSTITUTE, PATIENT,
    house::{Client, House, send, urn},
    key,
};

fn recording() -> Recording {
    let qualifier = json!({"DataClass": "PhysiologicalSignal", "Format": "CSV"});
    Recording { description: String::new(), qualifier, bytes: b"time,pulse\n".to_vec(), true_beats: None }
}

fn parcel(house: &House, client: &Client) -> Parcel {
    paper::parcel(client, &house.chain.deployment.back_end(), &recording())
}

fn signed_by(signature: &str, parcel: &Parcel) -> Parcel {
    let mut other = parcel.clone();
    other.message["ModelLicenceSignature"] = signature.into();
    other
}

/// The signature of the parcel's licence by another key, for another Back End, or at another moment.
fn signature(parcel: &Parcel, signer: usize, back_end: &BackEndId, sequence: u64) -> String {
    let ours: BackEndId = parcel.message.pointer(BACK_END).unwrap().as_str().unwrap().parse().unwrap();
    let offer = paperwork::offer(&parcel.message["ModelLicence"], &ours, sequence).unwrap();
    let hash = typed_data::offer_hash(&offer, back_end);
    alloy::hex::encode_prefixed(key(signer).sign_hash_sync(&hash).unwrap().as_bytes())
}

const BACK_END: &str = "/ModelLicence/ModelLicenceData/BackEndLicence/BackendID";

#[tokio::test]
async fn a_signature_that_is_not_of_exactly_this_makes_no_licence() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let ours = house.chain.deployment.back_end();
    let good = parcel(&house, &patient);
    let own = good.message["ModelLicenceSignature"].as_str().unwrap().to_owned();
    let flip = |at: usize| {
        let mut text = own.clone().into_bytes();
        text[at] = if text[at] == b'0' { b'1' } else { b'0' };
        String::from_utf8(text).unwrap()
    };
    let other_registry = BackEndId::new(ours.chain_id(), Address::repeat_byte(0xbb));
    let other_chain = BackEndId::new(1, ours.address());
    let of_another_licence = parcel(&house, &patient).message["ModelLicenceSignature"].as_str().unwrap().to_owned();
    for (what, forged) in [
        ("a changed byte of r", flip(10)),
        ("a changed byte of s", flip(70)),
        ("another's", signature(&good, INSTITUTE, &ours, 0)),
        ("for another registry", signature(&good, PATIENT, &other_registry, 0)),
        ("for another chain", signature(&good, PATIENT, &other_chain, 0)),
        ("for another moment", signature(&good, PATIENT, &ours, 1)),
        ("of another licence", of_another_licence),
        ("zeros", format!("0x{}", "00".repeat(65))),
        ("the longest nonsense", format!("0x{}", "ff".repeat(65))),
    ] {
        let answer = signed_by(&forged, &good).send_inline(&patient).await;
        assert_eq!(answer.status, 422, "{what}: {}", answer.body);
        answer.problem("invalid-signature");
    }
    // Signed, then changed.
    let mut wider = good.clone();
    *wider.message.pointer_mut("/ModelLicence/ModelLicenceData/ThirdPartyUserLicence/UsageTypes").unwrap() =
        json!(["Research", "Health Care"]);
    wider.send_inline(&patient).await.expect(422).problem("invalid-signature");
    assert!(house.chain.node().item(good.id.hash()).await.unwrap().licence.is_none());
    // Refused leaves no trace: the right one is welcome.
    good.send_inline(&patient).await.expect(201);
    // A thief of message and signature is not its End User.
    let thief = house.end_user(INSTITUTE).await;
    good.send_inline(&thief).await.expect(422).problem("schema-violation");
    house.stop().await;
}

#[tokio::test]
async fn an_item_of_somebody_elses_cannot_be_taken_over() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let thief = house.end_user(INSTITUTE).await;
    let good = parcel(&house, &patient);
    let licence = licence_in(&good.send_inline(&patient).await.expect(201).body);
    let back_end = house.chain.deployment.back_end();
    let document = paperwork::write(&wish(good.id), &thief.user, &back_end);
    let theirs = sealed(&thief, &back_end, good.id, document, &recording());
    theirs.send_inline(&thief).await.expect(409).problem("conflict");
    assert!(house.chain.node().stands(licence.address()).await.unwrap());
    let kept = patient.get(&format!("{}/payload", good.path())).await;
    assert_eq!(kept.expect(200).bytes, good.payload);
    house.stop().await;
}

/// Licence and withdrawal signatures are good once, for the moment they speak of.
#[tokio::test]
async fn a_signature_is_not_good_again_after_change_or_withdrawal() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let back_end = house.chain.deployment.back_end();
    let good = parcel(&house, &patient);
    let first = licence_in(&good.send_inline(&patient).await.expect(201).body);
    let old_withdrawal = withdrawal(&patient, &back_end, good.id, first);

    let second = change(&patient, &back_end, &good, first).await;
    assert_ne!(first, second);
    // The first licence is not brought back by sending its item again,
    good.send_inline(&patient).await.expect(409).problem("conflict");
    // nor does the withdrawal of the first withdraw the second.
    patient.post(&format!("/v1/licences/{first}/revocation"), &old_withdrawal).await.expect(409).problem("conflict");
    let mut retargeted = old_withdrawal.clone();
    retargeted["BlockchainLicence"]["Request"]["Revocation"]["LicenceID"] = json!(second);
    let answer = patient.post(&format!("/v1/licences/{second}/revocation"), &retargeted).await;
    answer.expect(422).problem("invalid-signature");
    assert!(house.chain.node().stands(second.address()).await.unwrap());

    withdraw(&patient, &back_end, good.id, second).await;
    // After the withdrawal neither signature makes a licence.
    good.send_inline(&patient).await.expect(409).problem("conflict");
    assert!(!house.chain.node().stands(first.address()).await.unwrap());
    assert!(!house.chain.node().stands(second.address()).await.unwrap());
    house.stop().await;
}

/// Another licence in the place of the first; gives its ID.
async fn change(patient: &Client, back_end: &BackEndId, good: &Parcel, first: LicenceId) -> LicenceId {
    let mut document = good.message["ModelLicence"].clone();
    document["ModelLicenceID"] = json!(urn());
    document["ModelLicenceData"]["ThirdPartyUserLicence"]["UsageTypes"] = json!(["Health Care"]);
    let signature = paperwork::sign(&document, back_end, 1, &patient.signer).unwrap();
    let body = json!({
        "Header": "AIH-BCL-V1.0", "BlockchainLicenceID": urn(), "BlockchainLicenceTime": "2026-03-01T09:00:00Z",
        "BlockchainLicence": {"Request": {
            "AIHDataID": good.id, "ModelLicence": document, "ModelLicenceSignature": signature, "Sequence": 1,
        }},
    });
    let answer = send(patient.request(Method::PUT, &format!("/v1/licences/{first}")).json(&body)).await;
    let response: &Value = &answer.expect(200).body["BlockchainLicence"]["Response"];
    response["BlockchainLicenceID"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_withdrawal_for_another_registry_item_or_chain_withdraws_nothing() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let good = parcel(&house, &patient);
    let licence = licence_in(&good.send_inline(&patient).await.expect(201).body);
    let ours = house.chain.deployment.back_end();
    let path = format!("/v1/licences/{licence}/revocation");
    let as_signed = |item: AihDataId, licence: LicenceId, back_end: &BackEndId| {
        let mut message = withdrawal(&patient, &ours, good.id, licence);
        let signature = paperwork::sign_withdrawal(&item, licence.address(), back_end, &patient.signer).unwrap();
        message["BlockchainLicence"]["Request"]["Revocation"]["LicenceID"] = json!(licence);
        message["BlockchainLicence"]["Request"]["Revocation"]["Signature"] = json!(signature);
        message
    };
    for back_end in [BackEndId::new(ours.chain_id(), Address::repeat_byte(0xbb)), BackEndId::new(1, ours.address())] {
        let message = as_signed(good.id, licence, &back_end);
        patient.post(&path, &message).await.expect(422).problem("invalid-signature");
    }
    let message = as_signed(paper::new_item(), licence, &ours);
    patient.post(&path, &message).await.expect(422).problem("invalid-signature");
    assert!(house.chain.node().stands(licence.address()).await.unwrap());
    house.stop().await;
}
