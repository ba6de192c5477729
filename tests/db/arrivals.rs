//! What has arrived and was not looked into: noted with the upload, begun by one at a time, crossed out once.

use health_back_end::db::arrivals::{Arrival, LOOK_TIME_US};

use crate::fixture::{FACTS, Place, item, licence, new_item, stored_item};

on_both!(
    an_upload_is_an_arrival_and_a_result_is_none,
    one_looks_at_a_time,
    what_was_claimed_is_due_when_nobody_is_at_it
);

const STORED_US: i64 = 6_002;
const ALL: i64 = i64::MAX;

async fn only(db: &Place, now_us: i64) -> Option<Arrival> {
    let mut due = db.list_due_arrivals(now_us, 10).await.unwrap();
    assert!(due.len() <= 1, "{due:?}");
    due.pop()
}

async fn an_upload_is_an_arrival_and_a_result_is_none(db: &Place) {
    stored_item(db, 1, 1).await;
    let arrival = Arrival { item: item(1), due_at_us: STORED_US + LOOK_TIME_US, attempts: 1 };
    assert_eq!(only(db, ALL).await, Some(arrival));
    // Who acknowledged the upload is at it.
    assert_eq!(only(db, STORED_US + LOOK_TIME_US - 1).await, None);

    let mut result = new_item(2, 1);
    (result.root, result.parent) = (Some(item(1)), Some(item(1)));
    db.insert_data_item(&result).await.unwrap();
    db.mark_data_item_licensed(item(2), licence(101), 6_003).await.unwrap().required().unwrap();
    db.mark_data_item_stored(item(2), ("objects/2", &FACTS), 6_004).await.unwrap().required().unwrap();
    assert_eq!(only(db, ALL).await, Some(arrival));

    // An acknowledgement that is refused notes nothing.
    let _ = db.mark_data_item_stored(item(1), ("objects/1", &FACTS), 7_000).await.unwrap();
    assert_eq!(only(db, ALL).await, Some(arrival));
    db.remove_arrival(item(1)).await.unwrap();
    assert_eq!(only(db, ALL).await, None);
}

async fn one_looks_at_a_time(db: &Place) {
    stored_item(db, 1, 1).await;
    let seen = only(db, ALL).await.unwrap();
    let now = seen.due_at_us;
    let (one, other) = tokio::join!(db.claim_arrival(&seen, now), db.claim_arrival(&seen, now));
    assert!(one.unwrap() != other.unwrap());
    let claimed = only(db, ALL).await.unwrap();
    assert_eq!(claimed, Arrival { due_at_us: now + LOOK_TIME_US, attempts: 2, ..seen });
    assert_eq!(only(db, now + LOOK_TIME_US - 1).await, None);
    db.postpone_arrival(item(1), now + 5).await.unwrap();
    assert_eq!(only(db, now + 5).await, Some(Arrival { due_at_us: now + 5, ..claimed }));
}

async fn what_was_claimed_is_due_when_nobody_is_at_it(db: &Place) {
    stored_item(db, 1, 1).await;
    assert_eq!(db.free_arrivals(7_000).await.unwrap(), 1);
    assert_eq!(only(db, 7_000).await.map(|arrival| arrival.attempts), Some(1));
    assert_eq!(db.free_arrivals(8_000).await.unwrap(), 0, "it is due already");
}
