//! Taking rights and data away: what is done in doubt (withdrawing), what is not (erasing), by which Token, and an erasure
//! that a crash cuts off.

use health_back_end::{
    chain::ChainError,
    db::{
        data_items::{DataItemRow, DataItemState, Eraser, NewDataItem},
        operations::{OperationKind, OperationState},
        revocations::{Revocation, RevocationScope},
    },
    domain::{
        ids::AihDataId,
        taxonomy::{DataClass, DataStatus, UserClass},
    },
    front_end::paperwork,
    licensing::terms::compile,
    schema::into_domain,
};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::paper::{self, PARAMETERS, Parcel, licence_in, process, request, result_item, withdraw, withdrawal};
use crate::environment::{
    INSTITUTE, PATIENT,
    house::{Answer, Client, House, send},
};

async fn erase(client: &Client, item: AihDataId) -> Answer {
    send(client.request(Method::DELETE, &format!("/v1/aih-data/{item}"))).await
}

async fn row(house: &House, item: AihDataId) -> DataItemRow {
    house.database.find_data_item(item).await.unwrap().unwrap()
}

async fn uploaded(house: &House, patient: &Client) -> (Parcel, health_back_end::domain::ids::LicenceId) {
    let parcel = paper::parcel(patient, &house.chain.deployment.back_end(), &paper::ecg());
    let licence = licence_in(&parcel.send_in_parts(patient).await.expect(201).body);
    (parcel, licence)
}

/// How many blocks the copy is said to be behind.
const FAR: u64 = 1_000;

#[tokio::test]
async fn in_doubt_a_licence_is_withdrawn_and_nothing_is_erased() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let back_end = house.chain.deployment.back_end();
    let (parcel, licence) = uploaded(&house, &patient).await;
    house.indexed().await;
    let vigil = house.door.aims.licensing.vigil();
    let head = vigil.head();
    vigil.report_head(head + FAR);
    patient.get(&format!("/v1/licences/{licence}")).await.expect(503).problem("index-behind");
    let message = withdrawal(&patient, &back_end, parcel.id, licence);
    let told = patient.post(&format!("/v1/licences/{licence}/revocation"), &message).await;
    assert_eq!(told.expect(200).body["BlockchainLicence"]["Response"]["State"], "Revoked", "{}", told.body);
    assert!(house.chain.node().item(parcel.id.hash()).await.unwrap().revoked);
    // What cannot be undone is not done.
    erase(&patient, parcel.id).await.expect(503).problem("index-behind");
    assert_eq!(row(&house, parcel.id).await.state, DataItemState::Stored);
    vigil.report_shorter(house.chain.node().head().await.unwrap().number);
    house.indexed().await;
    erase(&patient, parcel.id).await.expect(204);
    assert_eq!(row(&house, parcel.id).await.state, DataItemState::Erased);
    house.stop().await;
}

#[tokio::test]
async fn to_a_chain_that_may_be_another_no_withdrawal_is_sent() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let (parcel, licence) = uploaded(&house, &patient).await;
    let vigil = house.door.aims.licensing.vigil();
    vigil.note(Err(&ChainError::WrongChain { expected: 31337, found: 1 }));
    let message = withdrawal(&patient, &house.chain.deployment.back_end(), parcel.id, licence);
    let path = format!("/v1/licences/{licence}/revocation");
    patient.post(&path, &message).await.expect(503).problem("chain-unavailable");
    assert!(!house.chain.node().item(parcel.id.hash()).await.unwrap().revoked);
    vigil.note(Ok(()));
    patient.post(&path, &message).await.expect(200);
    house.stop().await;
}

#[tokio::test]
async fn a_token_for_reading_destroys_nothing() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let (parcel, licence) = uploaded(&house, &patient).await;
    withdraw(&patient, &house.chain.deployment.back_end(), parcel.id, licence).await;
    let mut reader = patient.clone();
    reader.take_token(&patient.renew(&["Retrieve"]).await.body);
    erase(&reader, parcel.id).await.expect(403).problem("forbidden");
    assert!(row(&house, parcel.id).await.item_key_wrapped.is_some());
    erase(&patient, parcel.id).await.expect(204);
    house.stop().await;
}

/// Changed past this Back End, or before its row could follow: the row names a licence that does not stand.
#[tokio::test]
async fn under_a_licence_that_the_row_does_not_know_nothing_is_erased() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let back_end = house.chain.deployment.back_end();
    let (parcel, first) = uploaded(&house, &patient).await;
    house.indexed().await;
    house.stop_indexing();
    let mut wish = paper::wish(parcel.id);
    wish.processes = vec![PARAMETERS.to_owned()];
    let document = paperwork::write(&wish, &patient.user, &back_end);
    let signature = paperwork::sign(&document, &back_end, 1, &patient.signer).unwrap();
    let signature = alloy::hex::decode(&signature).unwrap();
    let offer = compile(&into_domain(&document).unwrap(), &back_end, 1).unwrap();
    let _ = house.door.aims.licensing.change(parcel.id, &offer, &signature).await.unwrap();
    assert_eq!(row(&house, parcel.id).await.licence, Some(first.address()));
    assert!(!house.chain.node().stands(first.address()).await.unwrap());
    erase(&patient, parcel.id).await.expect(409).problem("conflict");
    assert_eq!(row(&house, parcel.id).await.state, DataItemState::Stored);
    house.stop().await;
}

/// As after a reset of the chain: the item was licensed, and the chain has never heard of it.
#[tokio::test]
async fn what_the_chain_has_forgotten_is_erased_only_if_it_was_withdrawn() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let (item, licence) = (paper::new_item(), alloy::primitives::Address::repeat_byte(7));
    let new = NewDataItem {
        id: item,
        owner: patient.user,
        data_class: DataClass::PhysiologicalSignal,
        status: DataStatus::Identified,
        qualifier: json!({}),
        data_time: json!({}),
        descr_metadata: None,
        root: None,
        parent: None,
        object_name: Uuid::new_v4().to_string(),
        item_key_wrapped: "wrapped".to_owned(),
        created_at_us: house.clock.micros(),
    };
    house.database.insert_data_item(&new).await.unwrap();
    house.database.mark_data_item_licensed(item, licence, 1).await.unwrap().required().unwrap();
    let refused = erase(&patient, item).await;
    refused.expect(409).problem("conflict");
    assert!(refused.body["detail"].as_str().unwrap().contains("reset"), "{}", refused.body);
    let withdrawal = Revocation {
        licence,
        scope: RevocationScope::Licence,
        aih_data_id: item,
        signature: None,
        revoked_by: patient.user.address(),
        revoked_at_us: 1,
    };
    assert!(house.database.insert_revocation(&withdrawal).await.unwrap());
    erase(&patient, item).await.expect(204);
    assert_eq!(row(&house, item).await.state, DataItemState::Erased);
    house.stop().await;
}

/// Whether the act is noted, with what it rests on, and the object gone.
async fn is_finished(house: &House, item: AihDataId, object: Uuid) -> bool {
    let page = house.database.list_operations_on_item(item, None, 100).await.unwrap();
    let act = page.rows.iter().find(|operation| operation.kind == OperationKind::Erase);
    if let Some(act) = act {
        assert!(act.state == OperationState::Done && act.answer.is_some(), "{act:?}");
    }
    let there = house.door.aims.objects.contains(object).await.unwrap();
    let named = row(house, item).await.object_name.is_some();
    assert_eq!((act.is_none(), named), (there, there), "all of it, or nothing");
    !there
}

#[tokio::test]
async fn an_erasure_that_a_crash_cut_off_is_gone_on_with() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let institute = house.third_party(INSTITUTE, UserClass::NonProfitEntity).await;
    for by_request in [true, false] {
        let (parcel, licence) = uploaded(&house, &patient).await;
        let done = process(&institute, &request(&institute, parcel.id, PARAMETERS, "Research")).await;
        let result: AihDataId = result_item(done.expect(200))["AIHDataID"].as_str().unwrap().parse().unwrap();
        withdraw(&patient, &house.chain.deployment.back_end(), parcel.id, licence).await;
        let mut family = Vec::new();
        for item in [parcel.id, result] {
            let object = row(&house, item).await.object_name.unwrap().parse::<Uuid>().unwrap();
            family.push((item, object));
        }
        // As far as it comes before it is cut off: the keys are destroyed.
        house.database.erase_family(parcel.id, Eraser::EndUser, house.clock.micros()).await.unwrap();
        for (item, object) in &family {
            assert!(!is_finished(&house, *item, *object).await);
        }
        if by_request {
            erase(&patient, parcel.id).await.expect(204);
        } else {
            assert_eq!(house.door.aims.finish_erasures().await.unwrap(), 2);
        }
        for (item, object) in &family {
            assert!(is_finished(&house, *item, *object).await, "by request: {by_request}");
        }
        assert_eq!(house.door.aims.finish_erasures().await.unwrap(), 0);
    }
    house.stop().await;
}
