//! The copy of the chain's register: moved as a whole, rolled back as a whole, read in order.

use alloy::primitives::{Address, B256};
use futures_util::TryStreamExt;
use health_back_end::db::{
    DbError, Unique,
    chain_blocks::{BlockRef, BlockRow, ChainBatch, ChainKey, CursorMove},
    chain_effects::ChainEffects,
    chain_events::{ChainEventRow, EventName, EventPosition},
    notices::NewNotice,
};
use serde_json::json;

use crate::fixture::{Place, confirm_id, item, new_item, new_user, user};

on_both!(
    a_range_is_appended_with_its_cursor,
    a_stale_cursor_writes_nothing,
    of_two_indexers_one_writes,
    a_batch_that_fails_leaves_no_trace,
    a_reorganisation_removes_everything_above,
    a_reset_chain_is_forgotten,
    what_a_reset_chain_held_is_kept_apart,
    a_restoration_is_noted_when_there_was_something_to_restore,
    one_database_copies_one_register,
    events_of_items_are_listed_within_a_period,
    an_owner_sees_the_events_of_their_items,
    licence_events_stand_apart_from_decisions,
    the_stream_of_all_events_is_in_order,
    a_confirm_is_found_by_its_id,
);

const KEY: ChainKey = ChainKey { chain_id: 31337, registry: Address::repeat_byte(0xee) };

fn block_hash(number: u64) -> B256 {
    B256::left_padding_from(&number.to_be_bytes())
}

fn at(number: u64) -> BlockRef {
    BlockRef { number, hash: block_hash(number) }
}

/// Block `n` has chain time `1000 + 10 n`.
fn block(number: u64) -> BlockRow {
    let timestamp_s = 1_000 + 10 * number as i64;
    BlockRow { number, hash: block_hash(number), parent_hash: block_hash(number.wrapping_sub(1)), timestamp_s }
}

fn event(number: u64, log_index: u64, data: u128, event: EventName) -> ChainEventRow {
    let about_item = event != EventName::UserClassSet;
    ChainEventRow {
        block_number: number,
        log_index,
        block_hash: block_hash(number),
        tx_hash: B256::repeat_byte(0x77),
        event,
        aih_data: about_item.then(|| item(data).hash()),
        licence: about_item.then(|| Address::repeat_byte(5)),
        user: Some(user(2).address()),
        confirm_id: (event == EventName::LicenceConfirmed).then(|| confirm_id(log_index as u8)),
        data: json!({"verdict": 0, "words": "ü"}),
        timestamp_s: block(number).timestamp_s,
    }
}

/// Blocks `first..=last`, in each a decision about item 1 and one about item 2.
fn batch(first: u64, last: u64) -> ChainBatch {
    let decisions = |n| (1..=2).map(move |log| event(n, log, log.into(), EventName::LicenceConfirmed));
    ChainBatch {
        blocks: (first..=last).map(block).collect(),
        events: (first..=last).flat_map(decisions).collect(),
        reaches: at(last),
        notices: Vec::new(),
    }
}

fn notice() -> NewNotice {
    NewNotice { user: user(1), kind: "decision".into(), data: json!({"Block": 3}), created_at_us: 1 }
}

async fn a_range_is_appended_with_its_cursor(db: &Place) {
    assert_eq!(db.find_chain_cursor(KEY).await.unwrap(), None);
    assert_eq!(db.append_chain(KEY, None, &batch(1, 3)).await.unwrap(), CursorMove::Done);
    let mut next = batch(4, 4);
    next.notices = vec![notice()];
    assert_eq!(db.append_chain(KEY, Some(at(3)), &next).await.unwrap(), CursorMove::Done);
    // A stretch without events needs no rows.
    let empty = ChainBatch { blocks: vec![], events: vec![], reaches: at(9), notices: vec![] };
    assert_eq!(db.append_chain(KEY, Some(at(4)), &empty).await.unwrap(), CursorMove::Done);
    let cursor = db.find_chain_cursor(KEY).await.unwrap().unwrap();
    assert_eq!((cursor.key, cursor.block, cursor.event_count), (KEY, at(9), 8));
    assert_eq!(db.find_block(3).await.unwrap(), Some(block(3)));
    assert_eq!(db.find_block(9).await.unwrap(), None);
    assert_eq!(db.find_block_at_or_below(9).await.unwrap(), Some(block(4)));
    assert_eq!(db.find_block_at_or_below(0).await.unwrap(), None);
    assert_eq!(db.list_events(None, 100).await.unwrap()[7], event(4, 2, 2, EventName::LicenceConfirmed));
    assert_eq!(db.list_notices(user(1), 0, 9).await.unwrap().len(), 1);
}

async fn a_stale_cursor_writes_nothing(db: &Place) {
    let early = db.append_chain(KEY, Some(at(3)), &batch(4, 4)).await.unwrap();
    assert_eq!(early, CursorMove::Elsewhere(None));
    assert_eq!(db.append_chain(KEY, None, &batch(1, 3)).await.unwrap(), CursorMove::Done);
    let again = db.append_chain(KEY, None, &batch(1, 3)).await.unwrap();
    assert_eq!(again, CursorMove::Elsewhere(Some(at(3))));
    let other_fork = BlockRef { number: 3, hash: B256::repeat_byte(9) };
    let forked = db.append_chain(KEY, Some(other_fork), &batch(4, 4)).await.unwrap();
    assert_eq!(forked, CursorMove::Elsewhere(Some(at(3))));
    let rolled = db.roll_back_chain(KEY, other_fork, Some(at(1)), &[notice()]).await.unwrap();
    assert_eq!(rolled, CursorMove::Elsewhere(Some(at(3))));
    assert_eq!(db.find_chain_cursor(KEY).await.unwrap().unwrap().event_count, 6);
    assert_eq!(db.list_notices(user(1), 0, 9).await.unwrap(), []);
}

async fn of_two_indexers_one_writes(db: &Place) {
    let other = db.other_instance().await;
    for n in 1..=6 {
        let seen = (n > 1).then(|| at(n - 1));
        let batch = batch(n, n);
        let (one, two) = tokio::join!(db.append_chain(KEY, seen, &batch), other.append_chain(KEY, seen, &batch));
        let mut moves = [one.unwrap(), two.unwrap()];
        moves.sort_by_key(|moved| *moved != CursorMove::Done);
        assert_eq!(moves, [CursorMove::Done, CursorMove::Elsewhere(Some(at(n)))]);
    }
    assert_eq!(db.list_events(None, 100).await.unwrap().len(), 12);
}

async fn a_batch_that_fails_leaves_no_trace(db: &Place) {
    let mut torn = batch(1, 2);
    torn.notices = vec![notice()];
    torn.blocks.pop();
    assert!(matches!(db.append_chain(KEY, None, &torn).await, Err(DbError::Unrelated(_))));
    assert_eq!(db.find_chain_cursor(KEY).await.unwrap(), None);
    assert_eq!(db.list_events(None, 9).await.unwrap(), []);
    let mut doubled = batch(1, 2);
    doubled.events.push(event(1, 1, 1, EventName::LicenceIssued));
    assert!(matches!(db.append_chain(KEY, None, &doubled).await, Err(DbError::Taken(Unique::Event))));
    assert_eq!(db.find_block(1).await.unwrap(), None);
    assert_eq!(db.list_notices(user(1), 0, 9).await.unwrap(), []);
}

async fn a_reorganisation_removes_everything_above(db: &Place) {
    assert_eq!(db.append_chain(KEY, None, &batch(1, 5)).await.unwrap(), CursorMove::Done);
    assert_eq!(db.roll_back_chain(KEY, at(5), Some(at(2)), &[notice()]).await.unwrap(), CursorMove::Done);
    let cursor = db.find_chain_cursor(KEY).await.unwrap().unwrap();
    assert_eq!((cursor.block, cursor.event_count), (at(2), 4));
    assert_eq!(db.list_events(None, 100).await.unwrap().len(), 4);
    assert_eq!(db.find_block(3).await.unwrap(), None);
    assert_eq!(db.list_notices(user(1), 0, 9).await.unwrap().len(), 1);
    assert_eq!(db.append_chain(KEY, Some(at(2)), &batch(3, 4)).await.unwrap(), CursorMove::Done);
    assert_eq!(db.find_chain_cursor(KEY).await.unwrap().unwrap().event_count, 8);
}

async fn a_reset_chain_is_forgotten(db: &Place) {
    assert_eq!(db.append_chain(KEY, None, &batch(0, 5)).await.unwrap(), CursorMove::Done);
    assert_eq!(db.roll_back_chain(KEY, at(5), None, &[]).await.unwrap(), CursorMove::Done);
    assert_eq!(db.find_chain_cursor(KEY).await.unwrap(), None);
    assert_eq!(db.list_events(None, 100).await.unwrap(), []);
    assert_eq!(db.find_block_at_or_below(9).await.unwrap(), None);
    assert_eq!(db.append_chain(KEY, None, &batch(0, 1)).await.unwrap(), CursorMove::Done);
}

async fn what_a_reset_chain_held_is_kept_apart(db: &Place) {
    db.insert_user(&new_user(1)).await.unwrap();
    db.insert_data_item(&new_item(1, 1)).await.unwrap();
    let mut told = batch(1, 2);
    told.events.push(event(2, 3, 1, EventName::LicenceIssued));
    told.events.push(event(2, 4, 0, EventName::UserClassSet));
    assert_eq!(db.append_chain(KEY, None, &told).await.unwrap(), CursorMove::Done);
    let first = db.find_event_by_confirm_id(confirm_id(1)).await.unwrap().unwrap();
    // Part of a chain that goes is no chain that is gone.
    assert_eq!(db.roll_back_chain(KEY, at(2), Some(at(1)), &[]).await.unwrap(), CursorMove::Done);
    assert_eq!(db.find_earlier_answer(confirm_id(1)).await.unwrap(), None);
    let mut again = batch(2, 2);
    again.events = told.events.iter().filter(|event| event.block_number == 2).cloned().collect();
    assert_eq!(db.append_chain(KEY, Some(at(1)), &again).await.unwrap(), CursorMove::Done);
    let effects = ChainEffects { at_us: 77, ..ChainEffects::default() };
    assert_eq!(db.roll_back_chain_with(KEY, at(2), None, &[], &effects).await.unwrap(), CursorMove::Done);

    let kept = db.find_earlier_answer(confirm_id(1)).await.unwrap().unwrap();
    assert_eq!((kept.event, kept.ended_at_us), (first, 77));
    assert_eq!(db.find_event_by_confirm_id(confirm_id(1)).await.unwrap(), None);
    let licences = db.list_earlier_licence_events(item(1).hash()).await.unwrap();
    assert_eq!(licences.iter().map(|kept| kept.event.event).collect::<Vec<_>>(), [EventName::LicenceIssued]);
    assert_eq!(db.list_earlier_class_events_of(77, user(2).address()).await.unwrap().len(), 1);
    assert_eq!(db.list_earlier_class_events_of(78, user(2).address()).await.unwrap(), []);

    // Page by page, of an owner's items alone: item 1 has two decisions and a licence, item 2 is nobody's.
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = db.list_earlier_events_of_owner((user(1), None), (0, 9_999), after, 1).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.position());
        found.extend(page.into_iter().map(|kept| (kept.event.block_number, kept.event.log_index)));
    }
    assert_eq!(found, [(1, 1), (2, 1), (2, 3)]);
    let of =
        async |item, period| db.list_earlier_events_of_owner((user(1), item), period, None, 9).await.unwrap().len();
    assert_eq!(of(Some(item(1).hash()), (0, 9_999)).await, 3);
    assert_eq!(of(Some(item(2).hash()), (0, 9_999)).await, 0);
    assert_eq!(of(None, (1_020, 9_999)).await, 2, "from block 2 on");
}

async fn a_restoration_is_noted_when_there_was_something_to_restore(db: &Place) {
    assert!(!db.is_restoring().await.unwrap());
    assert!(!db.begin_restoration(10).await.unwrap());
    assert!(db.is_restoring().await.unwrap());
    // It broke off; the next attempt goes on with it.
    assert!(db.begin_restoration(20).await.unwrap());
    assert_eq!(db.find_restoration_after(0).await.unwrap(), None);
    db.end_restoration(30, true).await.unwrap();
    assert!(!db.is_restoring().await.unwrap());
    assert_eq!(db.find_restoration_after(9).await.unwrap(), Some(30));
    assert_eq!(db.find_restoration_after(10).await.unwrap(), None);
    // There was nothing to do.
    assert!(!db.begin_restoration(40).await.unwrap());
    db.end_restoration(50, false).await.unwrap();
    assert_eq!(db.find_restoration_after(35).await.unwrap(), None);
}

async fn one_database_copies_one_register(db: &Place) {
    assert_eq!(db.append_chain(KEY, None, &batch(1, 1)).await.unwrap(), CursorMove::Done);
    let other = ChainKey { chain_id: 1, ..KEY };
    assert_eq!(db.append_chain(other, None, &batch(2, 2)).await.unwrap(), CursorMove::Elsewhere(None));
    assert_eq!(db.find_chain_cursor(other).await.unwrap(), None);
    assert_eq!(db.find_copied_chain().await.unwrap().unwrap().key, KEY);
}

fn positions(events: &[ChainEventRow]) -> Vec<(u64, u64)> {
    events.iter().map(|event| (event.block_number, event.log_index)).collect()
}

async fn events_of_items_are_listed_within_a_period(db: &Place) {
    assert_eq!(db.append_chain(KEY, None, &batch(1, 5)).await.unwrap(), CursorMove::Done);
    let both = [item(1).hash(), item(2).hash()];
    // 1020 ≤ time < 1040: blocks 2 and 3.
    let all = db.list_events_of_items(&both, 1_020, 1_040, None, 100).await.unwrap();
    assert_eq!(positions(&all), [(2, 1), (2, 2), (3, 1), (3, 2)]);
    let first = db.list_events_of_items(&both, 1_020, 1_040, None, 3).await.unwrap();
    let rest = db.list_events_of_items(&both, 1_020, 1_040, Some(first[2].position()), 3).await.unwrap();
    assert_eq!((positions(&first).len(), positions(&rest)), (3, vec![(3, 2)]));
    let one = db.list_events_of_items(&both[..1], 1_039, i64::MAX, None, 100).await.unwrap();
    assert_eq!(positions(&one), [(4, 1), (5, 1)]);
    assert_eq!(db.list_events_of_items(&both, 1_051, 9_999, None, 9).await.unwrap(), []);
    assert_eq!(db.list_events_of_items(&both, 1_021, 1_029, None, 9).await.unwrap(), []);
    assert_eq!(db.list_events_of_items(&[], 0, 9_999, None, 9).await.unwrap(), []);
    // More items than one statement asks for: still in order, still counted once.
    let many: Vec<_> = (1..=450).rev().map(|n| item(n).hash()).collect();
    let of_many = db.list_events_of_items(&many, 0, 9_999, None, 4).await.unwrap();
    assert_eq!(positions(&of_many), [(1, 1), (1, 2), (2, 1), (2, 2)]);
    assert_eq!(EventPosition::before_block(0), None);
}

async fn an_owner_sees_the_events_of_their_items(db: &Place) {
    for owner in 1..=2 {
        db.insert_user(&new_user(owner)).await.unwrap();
        db.insert_data_item(&new_item(owner.into(), owner)).await.unwrap();
    }
    assert_eq!(db.append_chain(KEY, None, &batch(1, 4)).await.unwrap(), CursorMove::Done);
    let mine = db.list_events_of_owner(user(1), 1_020, 1_041, None, 2).await.unwrap();
    assert_eq!(positions(&mine), [(2, 1), (3, 1)]);
    let rest = db.list_events_of_owner(user(1), 1_020, 1_041, Some(mine[1].position()), 2).await.unwrap();
    assert_eq!(positions(&rest), [(4, 1)]);
    assert_eq!(db.list_events_of_owner(user(3), 0, 9_999, None, 9).await.unwrap(), []);
}

async fn licence_events_stand_apart_from_decisions(db: &Place) {
    let mut first = batch(1, 3);
    first.events.push(event(1, 9, 1, EventName::LicenceIssued));
    first.events.push(event(3, 9, 1, EventName::LicenceRevoked));
    first.events.push(event(3, 8, 0, EventName::UserClassSet));
    assert_eq!(db.append_chain(KEY, None, &first).await.unwrap(), CursorMove::Done);
    let licences = db.list_licence_events_of_item(item(1).hash(), None, 9).await.unwrap();
    assert_eq!(
        licences.iter().map(|event| event.event).collect::<Vec<_>>(),
        [EventName::LicenceIssued, EventName::LicenceRevoked]
    );
    assert_eq!(db.list_licence_events_of_item(item(2).hash(), None, 9).await.unwrap(), []);
}

async fn the_stream_of_all_events_is_in_order(db: &Place) {
    assert_eq!(db.append_chain(KEY, None, &batch(1, 600)).await.unwrap(), CursorMove::Done);
    let all: Vec<_> = db.events().try_collect().await.unwrap();
    assert_eq!(all.len(), 1_200);
    assert!(all.windows(2).all(|pair| pair[0].position() < pair[1].position()));
    let behind = EventPosition { block_number: 600, log_index: 1 };
    assert_eq!(positions(&db.list_events(Some(behind), 9).await.unwrap()), [(600, 2)]);
}

async fn a_confirm_is_found_by_its_id(db: &Place) {
    assert_eq!(db.append_chain(KEY, None, &batch(1, 1)).await.unwrap(), CursorMove::Done);
    let found = db.find_event_by_confirm_id(confirm_id(2)).await.unwrap().unwrap();
    assert_eq!(found, event(1, 2, 2, EventName::LicenceConfirmed));
    assert_eq!(db.find_event_by_confirm_id(confirm_id(3)).await.unwrap(), None);
}
