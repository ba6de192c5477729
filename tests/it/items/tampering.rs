//! Somebody changes the house's own rows behind its back. The audit compares them with the chain, and lists each.

use health_back_end::{domain::ids::AihDataId, schema::wire::NonConformityKind as Kind};
use sqlx::{AnyConnection, AssertSqlSafe, Connection};

use super::{
    acts::audit,
    paper::{self, PARAMETERS, licence_in, process, request, withdraw},
};
use crate::environment::{house::House, scene::Scene};

/// Changes the one row of an institute's processing of an item.
async fn tamper(house: &House, item: AihDataId, change: &str) {
    let mut connection = AnyConnection::connect(&house.premises.url()).await.unwrap();
    let statement =
        format!("UPDATE operations SET {change} WHERE aih_data_id = '{item}' AND kind = 'Process' AND state = 'done'");
    let changed = sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    assert_eq!(changed.rows_affected(), 1, "{change}");
    connection.close().await.unwrap();
}

#[tokio::test]
async fn every_row_that_was_tampered_with_is_listed() {
    let Scene { house, patient, institute } = Scene::set().await;
    let back_end = house.chain.deployment.back_end();
    let (mut items, mut licences) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        let parcel = paper::parcel(&patient, &back_end, &paper::ecg());
        licences.push(licence_in(&parcel.send_in_parts(&patient).await.expect(201).body));
        process(&institute, &request(&institute, parcel.id, PARAMETERS, "Research")).await.expect(200);
        items.push(parcel.id);
    }
    assert_eq!(audit(&patient).await.non_conformities, Some(vec![]));

    let [used, asked, unconfirmed, never, later, moved, honest] = items[..] else { panic!() };
    withdraw(&patient, &back_end, later, licences[4]).await;
    house.indexed().await;
    // Later by more than two clocks may differ; the block it says it knew is of before.
    let after_s = house.clock.seconds() + 40;
    // Another use, and another requester, than was judged.
    tamper(&house, used, "usage_word = 'Health Care'").await;
    tamper(&house, asked, &format!("requester = '{}'", patient.user)).await;
    // No confirm at all, and one that no chain ever held.
    tamper(&house, unconfirmed, "confirm_id = NULL").await;
    tamper(&house, never, "confirm_id = '0x00112233445566778899aabbccddeeff'").await;
    // Executed after the withdrawal.
    tamper(&house, later, &format!("started_at_us = {}", after_s * 1_000_000)).await;
    // The answer stands elsewhere than the row says.
    tamper(&house, moved, "log_index = log_index + 1").await;

    let response = audit(&patient).await;
    let found = |item: AihDataId| -> Vec<Kind> {
        let faults = response.non_conformities.iter().flatten();
        faults.filter(|fault| fault.aih_data_id == item).map(|fault| fault.kind).collect()
    };
    assert_eq!(found(used), [Kind::TermsDiffer]);
    assert_eq!(found(asked), [Kind::TermsDiffer]);
    assert_eq!(found(unconfirmed), [Kind::NoConfirmation]);
    assert_eq!(found(never), [Kind::NoConfirmation]);
    assert_eq!(found(later), [Kind::AfterRevocation]);
    assert_eq!(found(moved), [Kind::EvidenceDiffers]);
    assert_eq!(found(honest), []);
    assert_eq!(response.non_conformities.iter().flatten().count(), 6);
    house.stop().await;
}
