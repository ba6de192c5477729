//! AIH Data: the road to `stored`, erasure, undoing, lists.

use alloy::primitives::{Address, B256};
use futures_util::TryStreamExt;
use health_back_end::db::{
    DbError, Transition, Unique,
    chain_blocks::{BlockRef, ChainBatch, ChainKey, CursorMove},
    chain_effects::{ChainEffects, LicenceEffect},
    data_items::{DataItemState, Eraser, NewDataItem},
    idempotency::{Begun, IdempotencyKey, KeptResponse},
    revocations::RevocationScope,
};
use serde_json::Value;

use crate::fixture::{FACTS, Place, item, licence, new_item, new_licence, new_operation, new_user, stored_item, user};

on_both!(
    an_item_comes_to_be_stored,
    no_step_is_skipped,
    the_same_item_cannot_arrive_twice,
    an_unknown_owner_has_no_items,
    licensing_again_is_only_done_for_the_same_licence,
    a_changed_licence_follows,
    a_change_that_is_written_late_brings_no_fallen_licence_back,
    results_without_an_end_are_listed_without_uploads,
    erasing_destroys_the_key_and_the_description,
    a_family_is_erased_as_a_whole,
    an_erasure_is_unfinished_until_it_is_said_to_be_done,
    with_an_erasure_go_the_answers_about_it,
    an_unlicensed_item_is_undone,
    an_issued_item_cannot_be_undone,
    own_items_are_listed_newest_first,
    a_family_is_listed_oldest_first,
    a_restart_finds_the_unfinished,
    the_sweep_knows_every_object,
);

async fn state(db: &Place, n: u128) -> DataItemState {
    db.find_data_item(item(n)).await.unwrap().unwrap().state
}

async fn an_item_comes_to_be_stored(db: &Place) {
    assert_eq!(db.find_data_item(item(1)).await.unwrap(), None);
    stored_item(db, 1, 1).await;
    let row = db.find_data_item(item(1)).await.unwrap().unwrap();
    let new = new_item(1, 1);
    assert_eq!((row.id, row.hash, row.owner, row.root), (item(1), item(1).hash(), user(1), item(1)));
    assert_eq!((row.data_class, row.status), (new.data_class, new.status));
    assert_eq!((row.qualifier.clone(), row.data_time.clone()), (new.qualifier, new.data_time));
    assert_eq!((row.plain_length, row.stored_length), (Some(FACTS.plain_length), Some(FACTS.stored_length)));
    assert_eq!((row.sha256, row.licence, row.state), (Some(FACTS.sha256), Some(licence(100)), DataItemState::Stored));
    assert_eq!((row.created_at_us, row.updated_at_us), (5_001, 6_002));
    assert_eq!(db.find_data_item_by_hash(item(1).hash()).await.unwrap(), Some(row));
    assert_eq!(db.find_data_item_by_hash(item(2).hash()).await.unwrap(), None);
}

async fn no_step_is_skipped(db: &Place) {
    use DataItemState::{Announced, Erased, Licensed, Stored};
    let licensed = db.mark_data_item_licensed(item(1), licence(1), 1).await.unwrap();
    assert_eq!(licensed, Transition::Absent);
    db.insert_user(&new_user(1)).await.unwrap();
    db.insert_data_item(&new_item(1, 1)).await.unwrap();
    assert_eq!(
        db.mark_data_item_stored(item(1), ("objects/1", &FACTS), 1).await.unwrap(),
        Transition::Refused(Announced)
    );
    assert_eq!(
        db.erase_family(item(1), Eraser::EndUser, 1).await.unwrap(),
        [],
        "an upload that got no licence is undone"
    );
    db.mark_data_item_licensed(item(1), licence(1), 1).await.unwrap().required().unwrap();
    assert_eq!(db.remove_data_item(item(1)).await.unwrap(), Transition::Refused(Licensed));
    assert_eq!(
        db.mark_data_item_stored(item(1), ("elsewhere", &FACTS), 1).await.unwrap(),
        Transition::Refused(Licensed)
    );
    assert!(!db.rename_object(item(1), ("elsewhere", "again"), 1).await.unwrap());
    assert!(db.rename_object(item(1), ("objects/1", "again"), 1).await.unwrap());
    assert_eq!(
        db.mark_data_item_stored(item(1), ("objects/1", &FACTS), 1).await.unwrap(),
        Transition::Refused(Licensed)
    );
    assert!(db.rename_object(item(1), ("again", "objects/1"), 1).await.unwrap());
    db.mark_data_item_stored(item(1), ("objects/1", &FACTS), 1).await.unwrap().required().unwrap();
    assert!(!db.rename_object(item(1), ("objects/1", "again"), 1).await.unwrap());
    assert_eq!(db.mark_data_item_stored(item(1), ("objects/1", &FACTS), 1).await.unwrap(), Transition::Refused(Stored));
    assert_eq!(db.mark_data_item_licensed(item(1), licence(1), 1).await.unwrap(), Transition::Refused(Stored));
    assert_eq!(db.remove_data_item(item(1)).await.unwrap(), Transition::Refused(Stored));
    assert_eq!(db.erase_family(item(1), Eraser::EndUser, 1).await.unwrap().len(), 1);
    assert_eq!(state(db, 1).await, Erased);
    assert_eq!(db.erase_family(item(1), Eraser::BackEnd, 2).await.unwrap(), []);
    assert!(!db.change_data_item_licence(item(1), (licence(1), licence(2)), 2).await.unwrap());
}

async fn the_same_item_cannot_arrive_twice(db: &Place) {
    db.insert_user(&new_user(1)).await.unwrap();
    db.insert_data_item(&new_item(1, 1)).await.unwrap();
    let mut again = new_item(1, 1);
    again.object_name = "elsewhere".into();
    let twice = db.insert_data_item(&again).await;
    assert!(matches!(twice, Err(DbError::Taken(Unique::DataItem | Unique::DataItemHash))), "{twice:?}");
    let mut other = new_item(2, 1);
    other.object_name = new_item(1, 1).object_name;
    assert!(matches!(db.insert_data_item(&other).await, Err(DbError::Taken(Unique::ObjectName))));
}

async fn an_unknown_owner_has_no_items(db: &Place) {
    assert!(matches!(db.insert_data_item(&new_item(1, 1)).await, Err(DbError::Unrelated(_))));
    assert_eq!(db.list_data_items(user(1), None, 10).await.unwrap().rows, []);
}

async fn licensing_again_is_only_done_for_the_same_licence(db: &Place) {
    db.insert_user(&new_user(1)).await.unwrap();
    db.insert_data_item(&new_item(1, 1)).await.unwrap();
    db.mark_data_item_licensed(item(1), licence(1), 1).await.unwrap().required().unwrap();
    db.mark_data_item_licensed(item(1), licence(1), 2).await.unwrap().required().unwrap();
    let other = db.mark_data_item_licensed(item(1), licence(2), 3).await.unwrap();
    assert_eq!(other, Transition::Refused(DataItemState::Licensed));
}

async fn a_changed_licence_follows(db: &Place) {
    stored_item(db, 1, 1).await;
    assert!(db.change_data_item_licence(item(1), (licence(100), licence(9)), 7_000).await.unwrap());
    let row = db.find_data_item(item(1)).await.unwrap().unwrap();
    assert_eq!((row.licence, row.state, row.updated_at_us), (Some(licence(9)), DataItemState::Stored, 7_000));
}

async fn a_change_that_is_written_late_brings_no_fallen_licence_back(db: &Place) {
    stored_item(db, 1, 1).await;
    let hash = item(1).hash();
    // The clerk copies the change and what came after it, before whoever asked for the change writes it down.
    let changed = LicenceEffect::Changed { item: hash, licence: licence(9), previous: licence(100) };
    let withdrawn = LicenceEffect::Withdrawn {
        item: hash,
        licence: licence(9),
        scope: RevocationScope::Licence,
        by: licence(1),
        signature: None,
    };
    copy(db, None, 1, vec![changed, withdrawn]).await;
    assert!(!db.change_data_item_licence(item(1), (licence(100), licence(9)), 7_000).await.unwrap());
    assert!(!db.change_data_item_licence(item(1), (licence(9), licence(9)), 7_000).await.unwrap());
    let row = db.find_data_item(item(1)).await.unwrap().unwrap();
    assert_eq!(row.licence, Some(licence(9)));
    assert!(row.fallen_at_us.is_some());
    // Changed once more meanwhile.
    copy(db, Some(1), 2, vec![LicenceEffect::Changed { item: hash, licence: licence(8), previous: licence(9) }]).await;
    assert!(!db.change_data_item_licence(item(1), (licence(100), licence(9)), 7_000).await.unwrap());
    let row = db.find_data_item(item(1)).await.unwrap().unwrap();
    assert_eq!((row.licence, row.fallen_at_us), (Some(licence(8)), None));
}

/// A block in which something became of licences.
async fn copy(db: &Place, seen: Option<u64>, number: u64, licences: Vec<LicenceEffect>) {
    let block = |number| BlockRef { number, hash: B256::with_last_byte(number as u8) };
    let batch = ChainBatch { blocks: vec![], events: vec![], reaches: block(number), notices: vec![] };
    let effects = ChainEffects { licences, at_us: 5, ..ChainEffects::default() };
    let key = ChainKey { chain_id: 31337, registry: Address::repeat_byte(0xee) };
    assert_eq!(db.append_chain_with(key, seen.map(block), &batch, &effects).await.unwrap(), CursorMove::Done);
}

async fn erasing_destroys_the_key_and_the_description(db: &Place) {
    stored_item(db, 1, 1).await;
    db.erase_family(item(1), Eraser::EndUser, 8_000).await.unwrap();
    let row = db.find_data_item(item(1)).await.unwrap().unwrap();
    assert_eq!((row.item_key_wrapped, row.sha256, row.descr_metadata), (None, None, None));
    assert_eq!((row.data_time, row.state, row.licence), (Value::Null, DataItemState::Erased, Some(licence(100))));
}

async fn a_family_is_erased_as_a_whole(db: &Place) {
    use DataItemState::{Announced, Erased, Licensed, Stored};
    stored_item(db, 1, 1).await;
    for n in 2..=4 {
        let mut derived = new_item(n, 1);
        (derived.root, derived.parent) = (Some(item(1)), Some(item(if n == 2 { 1 } else { 2 })));
        db.insert_data_item(&derived).await.unwrap();
    }
    for n in 2..=3 {
        db.mark_data_item_licensed(item(n), licence(101), 6_003).await.unwrap().required().unwrap();
    }
    stored_item(db, 9, 1).await;
    let gone = db.erase_family(item(1), Eraser::EndUser, 7_000).await.unwrap();
    let told: Vec<_> = gone.iter().map(|row| (row.id, row.state, row.object_name.clone())).collect();
    let was = |n: u128, state| (item(n), state, Some(format!("objects/{n}")));
    assert_eq!(told, [was(1, Stored), was(2, Licensed), was(3, Licensed), was(4, Announced)]);
    let mut states = Vec::new();
    for n in [1, 2, 3, 4, 9] {
        states.push(state(db, n).await);
    }
    assert_eq!(states, [Erased, Erased, Erased, Erased, Stored], "one that is being derived has a key as well");
    let late = db.mark_data_item_licensed(item(4), licence(103), 7_001).await.unwrap();
    assert_eq!(late, Transition::Refused(Erased));
    assert_eq!(db.erase_family(item(1), Eraser::EndUser, 7_001).await.unwrap(), []);
    // Of a derived item nothing else goes.
    let mut derived = new_item(5, 1);
    (derived.root, derived.parent) = (Some(item(9)), Some(item(9)));
    db.insert_data_item(&derived).await.unwrap();
    db.mark_data_item_licensed(item(5), licence(102), 7_002).await.unwrap().required().unwrap();
    assert_eq!(db.erase_family(item(5), Eraser::EndUser, 7_003).await.unwrap().len(), 1);
    assert_eq!(state(db, 9).await, Stored);
}

async fn an_erasure_is_unfinished_until_it_is_said_to_be_done(db: &Place) {
    stored_item(db, 1, 1).await;
    let derived = NewDataItem { root: Some(item(1)), parent: Some(item(1)), ..new_item(2, 1) };
    db.insert_data_item(&derived).await.unwrap();
    for n in [3, 4] {
        stored_item(db, n, 1).await;
    }
    assert_eq!(db.list_unfinished_erasures(None, None, 9).await.unwrap(), []);
    db.erase_family(item(1), Eraser::EndUser, 7_000).await.unwrap();
    db.erase_family(item(3), Eraser::BackEnd, 7_001).await.unwrap();
    let ids = async |of, after, limit| {
        let rows = db.list_unfinished_erasures(of, after, limit).await.unwrap();
        rows.into_iter().map(|row| (row.id, row.erased_by, row.updated_at_us)).collect::<Vec<_>>()
    };
    let [one, two] = [1, 2].map(|n| (item(n), Some(Eraser::EndUser), 7_000));
    let three = (item(3), Some(Eraser::BackEnd), 7_001);
    assert_eq!(ids(None, None, 9).await, [one, two, three]);
    assert_eq!(ids(None, Some(item(1)), 1).await, [two]);
    assert_eq!(ids(Some(item(1)), None, 9).await, [one, two]);
    assert_eq!(ids(Some(item(2)), None, 9).await, [two]);
    db.finish_erasures(&[item(1), item(3), item(4)]).await.unwrap();
    assert_eq!(ids(None, None, 9).await, [two]);
    assert!(db.find_data_item(item(4)).await.unwrap().unwrap().object_name.is_some(), "nothing that is not erased");
}

async fn with_an_erasure_go_the_answers_about_it(db: &Place) {
    stored_item(db, 1, 1).await;
    let derived = NewDataItem { root: Some(item(1)), parent: Some(item(1)), ..new_item(2, 1) };
    db.insert_data_item(&derived).await.unwrap();
    // User 2 asked for something of the derived item, user 3 for nothing.
    db.insert_operation(&new_operation(1, 2, 2, 1)).await.unwrap();
    let key = |n: u8, key: &str| IdempotencyKey { user: user(n), route: "POST /v1/x".into(), key: key.into() };
    let response = KeptResponse { status: 200, headers: vec![], body: b"of the item".to_vec(), payload_sha256: None };
    let (done, at_work) = ("done", "at work");
    for n in 1..=3 {
        for word in [done, at_work] {
            assert_eq!(db.begin_idempotent(&key(n, word), B256::ZERO, 1).await.unwrap(), Begun::Fresh);
        }
        assert!(db.finish_idempotent(&key(n, done), &response).await.unwrap());
    }
    // What the Back End erases of its own, nobody was told of.
    db.erase_family(item(2), Eraser::BackEnd, 7_000).await.unwrap();
    assert_eq!(db.begin_idempotent(&key(1, done), B256::ZERO, 2).await.unwrap(), Begun::SameDone(response.clone()));
    db.erase_family(item(1), Eraser::EndUser, 7_001).await.unwrap();
    for n in [1, 2] {
        assert!(!db.finish_idempotent(&key(n, at_work), &response).await.unwrap(), "given, and not kept");
        assert_eq!(db.begin_idempotent(&key(n, done), B256::ZERO, 2).await.unwrap(), Begun::Fresh);
    }
    assert_eq!(db.begin_idempotent(&key(3, done), B256::ZERO, 2).await.unwrap(), Begun::SameDone(response.clone()));
    assert!(db.finish_idempotent(&key(3, at_work), &response).await.unwrap());
}

async fn an_unlicensed_item_is_undone(db: &Place) {
    db.insert_user(&new_user(1)).await.unwrap();
    db.insert_data_item(&new_item(1, 1)).await.unwrap();
    db.insert_model_licence(&new_licence(1, item(1), 0)).await.unwrap();
    db.remove_data_item(item(1)).await.unwrap().required().unwrap();
    assert_eq!(db.find_data_item(item(1)).await.unwrap(), None);
    assert_eq!(db.find_model_licence(licence(1)).await.unwrap(), None);
    assert_eq!(db.remove_data_item(item(1)).await.unwrap(), Transition::Absent);
}

async fn an_issued_item_cannot_be_undone(db: &Place) {
    db.insert_user(&new_user(1)).await.unwrap();
    db.insert_data_item(&new_item(1, 1)).await.unwrap();
    db.insert_model_licence(&new_licence(1, item(1), 0)).await.unwrap();
    db.insert_model_licence(&new_licence(2, item(1), 1)).await.unwrap();
    db.mark_model_licence_issued(licence(1), 1).await.unwrap().required().unwrap();
    let undone = db.remove_data_item(item(1)).await;
    assert!(matches!(undone, Err(DbError::Unrelated(_))), "{undone:?}");
    // All or nothing: the licence signed but not issued is still there.
    assert!(db.find_model_licence(licence(2)).await.unwrap().is_some());
}

async fn own_items_are_listed_newest_first(db: &Place) {
    db.insert_user(&new_user(1)).await.unwrap();
    db.insert_user(&new_user(2)).await.unwrap();
    for n in 1..=5 {
        let mut new = new_item(n, 1);
        new.created_at_us = 5_000; // The key alone tells them apart.
        db.insert_data_item(&new).await.unwrap();
    }
    db.insert_data_item(&new_item(9, 2)).await.unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = db.list_data_items(user(1), after.as_ref(), 2).await.unwrap();
        seen.extend(page.rows.iter().map(|row| row.id));
        // What arrives meanwhile on top does not shift the pages below.
        if seen.len() == 2 {
            db.insert_data_item(&new_item(8, 1)).await.unwrap();
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [item(5), item(4), item(3), item(2), item(1)]);
}

async fn a_family_is_listed_oldest_first(db: &Place) {
    stored_item(db, 1, 1).await;
    for n in 2..=3 {
        let mut child = new_item(n, 1);
        (child.root, child.parent) = (Some(item(1)), Some(item(n - 1)));
        db.insert_data_item(&child).await.unwrap();
    }
    let page = db.list_data_items_of_root(item(1), None, 2).await.unwrap();
    assert_eq!(page.rows.iter().map(|row| row.parent).collect::<Vec<_>>(), [None, Some(item(1))]);
    let rest = db.list_data_items_of_root(item(1), page.next.as_ref(), 2).await.unwrap();
    assert_eq!(rest.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [item(3)]);
}

async fn a_restart_finds_the_unfinished(db: &Place) {
    stored_item(db, 1, 1).await;
    for n in 2..=4 {
        db.insert_data_item(&new_item(n, 1)).await.unwrap();
    }
    db.mark_data_item_licensed(item(2), licence(2), 9_000).await.unwrap().required().unwrap();
    let page = db.list_unfinished_data_items(9_000, None, 1).await.unwrap();
    assert_eq!(page.rows[0].id, item(3));
    let page = db.list_unfinished_data_items(9_000, page.next.as_ref(), 1).await.unwrap();
    assert_eq!((page.rows[0].id, page.next), (item(4), None));
    let all = db.list_unfinished_data_items(i64::MAX, None, 10).await.unwrap();
    assert_eq!(all.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [item(3), item(4), item(2)]);
    assert_eq!(state(db, 2).await, DataItemState::Licensed);
}

async fn results_without_an_end_are_listed_without_uploads(db: &Place) {
    stored_item(db, 1, 1).await;
    let result = |n| NewDataItem { root: Some(item(1)), parent: Some(item(1)), ..new_item(n, 1) };
    for n in [3, 5] {
        db.insert_data_item(&result(n)).await.unwrap();
    }
    db.insert_data_item(&new_item(4, 1)).await.unwrap();
    db.mark_data_item_licensed(item(5), licence(5), 9_000).await.unwrap().required().unwrap();
    let page = db.list_unfinished_derived_items(i64::MAX, None, 1).await.unwrap();
    assert_eq!(page.rows[0].id, item(3));
    let page = db.list_unfinished_derived_items(i64::MAX, page.next.as_ref(), 1).await.unwrap();
    assert_eq!((page.rows[0].id, page.next), (item(5), None));
    let early = db.list_unfinished_derived_items(9_000, None, 9).await.unwrap();
    assert_eq!(early.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [item(3)]);
}

async fn the_sweep_knows_every_object(db: &Place) {
    stored_item(db, 1, 1).await;
    for n in 2..=4 {
        db.insert_data_item(&new_item(n, 1)).await.unwrap();
    }
    db.erase_family(item(1), Eraser::EndUser, 1).await.unwrap();
    db.finish_erasures(&[item(1), item(2)]).await.unwrap();
    let names: Vec<String> = db.object_names().try_collect().await.unwrap();
    assert_eq!(names, ["objects/2", "objects/3", "objects/4"]);
}
