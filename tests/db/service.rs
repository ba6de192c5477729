//! First answers and notices.

use alloy::primitives::B256;
use health_back_end::db::{
    idempotency::{Begun, IdempotencyKey, KeptResponse},
    notices::NewNotice,
};
use serde_json::json;

use crate::fixture::{Place, user};

on_both!(
    the_first_answer_is_given_again,
    an_abandoned_request_is_fresh_again,
    of_many_requests_one_is_fresh,
    old_answers_and_lost_requests_are_forgotten,
    notices_are_numbered_in_order,
    a_reader_of_many_writers_misses_nothing,
    forgotten_numbers_are_not_given_again,
);

fn key(word: &str) -> IdempotencyKey {
    IdempotencyKey { user: user(1), route: "POST /v1/aih-data".into(), key: word.into() }
}

fn body(n: u8) -> B256 {
    B256::repeat_byte(n)
}

fn response() -> KeptResponse {
    let headers = vec![("location".to_owned(), "/v1/x".to_owned()), ("etag".to_owned(), "\"é\"".to_owned())];
    KeptResponse { status: 201, headers, body: vec![0, 255, 10, 34], payload_sha256: Some(body(3)) }
}

async fn the_first_answer_is_given_again(db: &Place) {
    assert_eq!(db.begin_idempotent(&key("a"), body(1), 10).await.unwrap(), Begun::Fresh);
    assert_eq!(db.begin_idempotent(&key("a"), body(1), 11).await.unwrap(), Begun::InFlight);
    assert_eq!(db.begin_idempotent(&key("a"), body(2), 11).await.unwrap(), Begun::OtherBody);
    assert!(db.finish_idempotent(&key("a"), &response()).await.unwrap());
    assert_eq!(db.begin_idempotent(&key("a"), body(1), 12).await.unwrap(), Begun::SameDone(response()));
    assert_eq!(db.begin_idempotent(&key("a"), body(2), 12).await.unwrap(), Begun::OtherBody);
    let mut second = response();
    second.status = 500;
    assert!(!db.finish_idempotent(&key("a"), &second).await.unwrap());
    assert!(!db.abandon_idempotent(&key("a")).await.unwrap());
    assert_eq!(db.begin_idempotent(&key("a"), body(1), 12).await.unwrap(), Begun::SameDone(response()));
    // Another route or user is another key.
    let mut other = key("a");
    other.route = "POST /v1/audit".into();
    assert_eq!(db.begin_idempotent(&other, body(1), 12).await.unwrap(), Begun::Fresh);
    other.user = user(2);
    assert_eq!(db.begin_idempotent(&other, body(1), 12).await.unwrap(), Begun::Fresh);
}

async fn an_abandoned_request_is_fresh_again(db: &Place) {
    assert!(!db.abandon_idempotent(&key("a")).await.unwrap());
    assert!(!db.finish_idempotent(&key("a"), &response()).await.unwrap());
    assert_eq!(db.begin_idempotent(&key("a"), body(1), 10).await.unwrap(), Begun::Fresh);
    assert!(db.abandon_idempotent(&key("a")).await.unwrap());
    assert_eq!(db.begin_idempotent(&key("a"), body(2), 11).await.unwrap(), Begun::Fresh);
}

async fn of_many_requests_one_is_fresh(db: &Place) {
    let other = db.other_instance().await;
    let requests: Vec<_> = (0..24)
        .map(|n| {
            let db = if n % 2 == 0 { db.handle() } else { other.clone() };
            tokio::spawn(async move { db.begin_idempotent(&key("a"), body(1), 10).await.unwrap() })
        })
        .collect();
    let mut fresh = 0;
    for request in requests {
        match request.await.unwrap() {
            Begun::Fresh => fresh += 1,
            begun => assert_eq!(begun, Begun::InFlight),
        }
    }
    assert_eq!(fresh, 1);
}

async fn old_answers_and_lost_requests_are_forgotten(db: &Place) {
    for (word, at_us) in [("a", 10), ("b", 20), ("c", 10), ("d", 20)] {
        assert_eq!(db.begin_idempotent(&key(word), body(1), at_us).await.unwrap(), Begun::Fresh);
    }
    for word in ["a", "b"] {
        assert!(db.finish_idempotent(&key(word), &response()).await.unwrap());
    }
    assert_eq!(db.purge_idempotent(20).await.unwrap(), 1);
    assert_eq!(db.release_idempotent(20).await.unwrap(), 1);
    for (word, begun) in
        [("a", Begun::Fresh), ("b", Begun::SameDone(response())), ("c", Begun::Fresh), ("d", Begun::InFlight)]
    {
        assert_eq!(db.begin_idempotent(&key(word), body(1), 30).await.unwrap(), begun, "{word}");
    }
}

fn notice(n: u8, at_us: i64) -> NewNotice {
    NewNotice { user: user(n), kind: "licence".into(), data: json!({"LicenceID": "x"}), created_at_us: at_us }
}

async fn notices_are_numbered_in_order(db: &Place) {
    assert_eq!(db.last_notice_seq().await.unwrap(), 0);
    assert_eq!(db.insert_notices(&[]).await.unwrap(), 0);
    assert_eq!(db.insert_notices(&[notice(1, 10), notice(2, 10), notice(1, 11)]).await.unwrap(), 3);
    assert_eq!(db.insert_notices(&[notice(1, 12)]).await.unwrap(), 4);
    let seen = db.list_notices(user(1), 0, 2).await.unwrap();
    assert_eq!(seen.iter().map(|row| row.seq).collect::<Vec<_>>(), [1, 3]);
    let rest = db.list_notices(user(1), 3, 9).await.unwrap();
    assert_eq!((rest[0].seq, rest[0].data.clone(), rest.len()), (4, json!({"LicenceID": "x"}), 1));
    assert_eq!(db.last_notice_seq().await.unwrap(), 4);
}

async fn a_reader_of_many_writers_misses_nothing(db: &Place) {
    const WRITERS: usize = 8;
    const EACH: usize = 10;
    let other = db.other_instance().await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|n| {
            let db = if n % 2 == 0 { db.handle() } else { other.clone() };
            tokio::spawn(async move {
                for _ in 0..EACH {
                    db.insert_notices(&[notice(1, 10)]).await.unwrap();
                }
            })
        })
        .collect();
    let mut seen = 0;
    let mut count = 0;
    while count < WRITERS * EACH {
        for row in db.list_notices(user(1), seen, 100).await.unwrap() {
            assert_eq!(row.seq, seen + 1, "a number became visible out of order");
            seen = row.seq;
            count += 1;
        }
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
}

async fn forgotten_numbers_are_not_given_again(db: &Place) {
    db.insert_notices(&[notice(1, 10), notice(1, 20)]).await.unwrap();
    assert_eq!(db.purge_notices(20).await.unwrap(), 1);
    assert_eq!(db.purge_notices(100).await.unwrap(), 1);
    assert_eq!(db.list_notices(user(1), 0, 9).await.unwrap(), []);
    assert_eq!(db.insert_notices(&[notice(1, 30)]).await.unwrap(), 3);
}
