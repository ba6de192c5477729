//! Model Licences and withdrawals, and the order in which a reset chain is told of them.

use alloy::primitives::Bytes;
use health_back_end::db::{
    DbError, Transition,
    model_licences::{ModelLicenceState, RestoreCursor},
    revocations::{Revocation, RevocationScope},
};

use crate::fixture::{Place, item, licence, new_item, new_licence, new_user, user};

on_both!(
    a_document_is_kept_byte_for_byte,
    the_same_content_is_kept_once,
    a_licence_needs_its_item,
    a_change_replaces_the_one_in_force,
    only_what_was_never_issued_is_forgotten,
    a_withdrawal_is_kept_once_and_moves_the_licence,
    giving_up_the_own_right_leaves_the_licence_in_force,
    restore_gives_every_item_its_licences_in_order,
    a_restart_finds_what_was_signed_only,
);

async fn items(db: &Place, count: u128) {
    db.insert_user(&new_user(1)).await.unwrap();
    for n in 1..=count {
        db.insert_data_item(&new_item(n, 1)).await.unwrap();
    }
}

async fn a_document_is_kept_byte_for_byte(db: &Place) {
    items(db, 1).await;
    let new = new_licence(1, item(1), 0);
    assert!(db.insert_model_licence(&new).await.unwrap());
    let row = db.find_model_licence(licence(1)).await.unwrap().unwrap();
    assert_eq!((row.document, row.signature), (new.document, new.signature));
    assert_eq!((row.sequence, row.chain_id, row.registry), (0, 31337, new.registry));
    assert_eq!((row.aih_data_id, row.state), (item(1), ModelLicenceState::Signed));
    assert_eq!(db.find_model_licence_in_force(item(1)).await.unwrap(), None);
}

async fn the_same_content_is_kept_once(db: &Place) {
    items(db, 1).await;
    assert!(db.insert_model_licence(&new_licence(1, item(1), 0)).await.unwrap());
    let mut again = new_licence(1, item(1), 0);
    again.signature = Bytes::from(vec![9; 65]);
    assert!(!db.insert_model_licence(&again).await.unwrap());
    assert_ne!(db.find_model_licence(licence(1)).await.unwrap().unwrap().signature, again.signature);
}

async fn a_licence_needs_its_item(db: &Place) {
    let orphan = db.insert_model_licence(&new_licence(1, item(1), 0)).await;
    assert!(matches!(orphan, Err(DbError::Unrelated(_))), "{orphan:?}");
    assert_eq!(db.mark_model_licence_issued(licence(1), 1).await.unwrap(), Transition::Absent);
}

async fn a_change_replaces_the_one_in_force(db: &Place) {
    items(db, 2).await;
    for (n, data, sequence) in [(1, 1, 0), (2, 1, 1), (3, 2, 0)] {
        db.insert_model_licence(&new_licence(n, item(data), sequence)).await.unwrap();
    }
    for n in [1, 3, 2, 2] {
        db.mark_model_licence_issued(licence(n), 10 + i64::from(n)).await.unwrap().required().unwrap();
    }
    let of_item = db.list_model_licences_of(item(1)).await.unwrap();
    assert_eq!(
        of_item.iter().map(|row| (row.licence, row.state)).collect::<Vec<_>>(),
        [(licence(1), ModelLicenceState::Replaced), (licence(2), ModelLicenceState::Issued)]
    );
    assert_eq!(db.find_model_licence_in_force(item(1)).await.unwrap().unwrap().licence, licence(2));
    assert_eq!(db.find_model_licence_in_force(item(2)).await.unwrap().unwrap().licence, licence(3));
    let back = db.mark_model_licence_issued(licence(1), 20).await.unwrap();
    assert_eq!(back, Transition::Refused(ModelLicenceState::Replaced));
    assert_eq!(db.find_model_licence_in_force(item(1)).await.unwrap().unwrap().licence, licence(2));
}

async fn only_what_was_never_issued_is_forgotten(db: &Place) {
    items(db, 1).await;
    db.insert_model_licence(&new_licence(1, item(1), 0)).await.unwrap();
    db.mark_model_licence_issued(licence(1), 2).await.unwrap().required().unwrap();
    let kept = db.remove_model_licence(licence(1)).await.unwrap();
    assert_eq!(kept, Transition::Refused(ModelLicenceState::Issued));
    db.insert_model_licence(&new_licence(2, item(1), 2)).await.unwrap();
    db.remove_model_licence(licence(2)).await.unwrap().required().unwrap();
    assert_eq!(db.find_model_licence(licence(2)).await.unwrap(), None);
}

fn revocation(scope: RevocationScope) -> Revocation {
    Revocation {
        licence: licence(1),
        scope,
        aih_data_id: item(1),
        signature: Some(Bytes::from(vec![5; 65])),
        revoked_by: user(1).address(),
        revoked_at_us: 77,
    }
}

async fn a_withdrawal_is_kept_once_and_moves_the_licence(db: &Place) {
    items(db, 1).await;
    db.insert_model_licence(&new_licence(1, item(1), 0)).await.unwrap();
    db.mark_model_licence_issued(licence(1), 1).await.unwrap().required().unwrap();
    let whole = revocation(RevocationScope::Licence);
    assert!(db.insert_revocation(&whole).await.unwrap());
    let mut again = whole.clone();
    again.signature = None;
    assert!(!db.insert_revocation(&again).await.unwrap());
    assert_eq!(db.list_revocations_of(licence(1)).await.unwrap(), [whole]);
    assert_eq!(db.find_model_licence(licence(1)).await.unwrap().unwrap().state, ModelLicenceState::Revoked);
}

async fn giving_up_the_own_right_leaves_the_licence_in_force(db: &Place) {
    items(db, 1).await;
    db.insert_model_licence(&new_licence(1, item(1), 0)).await.unwrap();
    db.mark_model_licence_issued(licence(1), 1).await.unwrap().required().unwrap();
    let mut own = revocation(RevocationScope::BackEnd);
    own.signature = None;
    assert!(db.insert_revocation(&own).await.unwrap());
    assert!(db.find_model_licence_in_force(item(1)).await.unwrap().is_some());
    assert!(db.insert_revocation(&revocation(RevocationScope::Licence)).await.unwrap());
    assert_eq!(db.list_revocations_of_item(item(1)).await.unwrap().len(), 2);
    assert_eq!(db.list_revocations_of_item(item(2)).await.unwrap(), []);
}

async fn restore_gives_every_item_its_licences_in_order(db: &Place) {
    items(db, 3).await;
    for (n, data, sequence) in [(9, 1, 0), (3, 1, 2), (5, 2, 0), (4, 3, 0), (6, 3, 1)] {
        db.insert_model_licence(&new_licence(n, item(data), sequence)).await.unwrap();
    }
    for n in [9, 3, 5, 4] {
        db.mark_model_licence_issued(licence(n), 1).await.unwrap().required().unwrap();
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = db.list_model_licences_to_restore(after.as_ref(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(RestoreCursor::from(last));
        seen.extend(page.iter().map(|row| row.licence));
    }
    assert_eq!(seen, [licence(9), licence(3), licence(5), licence(4)]);
}

async fn a_restart_finds_what_was_signed_only(db: &Place) {
    items(db, 2).await;
    for (n, data) in [(1, 1), (2, 2)] {
        db.insert_model_licence(&new_licence(n, item(data), 0)).await.unwrap();
    }
    db.mark_model_licence_issued(licence(1), 1).await.unwrap().required().unwrap();
    let page = db.list_unfinished_model_licences(i64::MAX, None, 10).await.unwrap();
    assert_eq!(page.rows.iter().map(|row| row.licence).collect::<Vec<_>>(), [licence(2)]);
    assert_eq!(db.list_unfinished_model_licences(9_002, None, 10).await.unwrap().rows, []);
}
