//! Transactions of the operator keys.

use alloy::primitives::{Address, B256, Bytes};
use health_back_end::db::{
    Transition,
    transactions::{NewTransaction, TransactionState},
};

use crate::fixture::Place;

on_both!(
    a_transaction_is_kept_before_it_is_sent,
    a_mined_one_settles_its_nonce,
    a_reorganisation_unmines,
    settled_ones_are_forgotten,
);

fn hash(n: u8) -> B256 {
    B256::repeat_byte(n)
}

fn transaction(n: u8, operator: u8, nonce: u64) -> NewTransaction {
    NewTransaction {
        hash: hash(n),
        operator: Address::repeat_byte(operator),
        nonce,
        raw: Bytes::from(vec![2, n, 0xff]),
        purpose: "confirm".into(),
        sent_at_us: 100 + i64::from(n),
    }
}

async fn state(db: &Place, n: u8) -> TransactionState {
    db.find_transaction(hash(n)).await.unwrap().unwrap().state
}

async fn a_transaction_is_kept_before_it_is_sent(db: &Place) {
    assert!(db.insert_transaction(&transaction(1, 1, 7)).await.unwrap());
    assert!(!db.insert_transaction(&transaction(1, 1, 7)).await.unwrap());
    db.mark_transaction_resent(hash(1), 500).await.unwrap().required().unwrap();
    let row = db.find_transaction(hash(1)).await.unwrap().unwrap();
    assert_eq!((row.nonce, row.raw, row.purpose.as_str()), (7, Bytes::from(vec![2, 1, 0xff]), "confirm"));
    assert_eq!((row.first_sent_at_us, row.last_sent_at_us, row.block_number), (101, 500, None));
    assert_eq!(db.find_transaction(hash(2)).await.unwrap(), None);
    assert_eq!(db.mark_transaction_resent(hash(2), 1).await.unwrap(), Transition::Absent);
}

async fn a_mined_one_settles_its_nonce(db: &Place) {
    for (n, operator, nonce) in [(1, 1, 7), (2, 1, 7), (3, 1, 8), (4, 2, 7), (5, 1, 6)] {
        db.insert_transaction(&transaction(n, operator, nonce)).await.unwrap();
    }
    let sent = db.list_sent_transactions(Address::repeat_byte(1)).await.unwrap();
    assert_eq!(sent.iter().map(|row| row.hash).collect::<Vec<_>>(), [hash(5), hash(1), hash(2), hash(3)]);
    db.mark_transaction_mined(hash(2), 40).await.unwrap().required().unwrap();
    assert_eq!(state(db, 1).await, TransactionState::Replaced);
    assert_eq!(state(db, 2).await, TransactionState::Mined);
    assert_eq!(state(db, 4).await, TransactionState::Sent);
    db.mark_transaction_dropped(hash(3)).await.unwrap().required().unwrap();
    let mined = db.mark_transaction_dropped(hash(2)).await.unwrap();
    assert_eq!(mined, Transition::Refused(TransactionState::Mined));
    let gone = db.mark_transaction_resent(hash(3), 1).await.unwrap();
    assert_eq!(gone, Transition::Refused(TransactionState::Dropped));
    assert_eq!(db.mark_transaction_mined(hash(9), 40).await.unwrap(), Transition::Absent);
    assert_eq!(db.list_sent_transactions(Address::repeat_byte(1)).await.unwrap().len(), 1);
}

async fn a_reorganisation_unmines(db: &Place) {
    for n in 1..=3 {
        db.insert_transaction(&transaction(n, 1, n.into())).await.unwrap();
    }
    for (n, block) in [(1, 40), (2, 41)] {
        db.mark_transaction_mined(hash(n), block).await.unwrap().required().unwrap();
    }
    assert_eq!(db.unmine_transactions_above(40).await.unwrap(), 1);
    assert_eq!(state(db, 1).await, TransactionState::Mined);
    assert_eq!(state(db, 2).await, TransactionState::Sent);
    db.mark_transaction_mined(hash(2), 43).await.unwrap().required().unwrap();
    assert_eq!(db.find_transaction(hash(2)).await.unwrap().unwrap().block_number, Some(43));
}

async fn settled_ones_are_forgotten(db: &Place) {
    for n in 1..=3 {
        db.insert_transaction(&transaction(n, 1, n.into())).await.unwrap();
    }
    for n in [1, 3] {
        db.mark_transaction_mined(hash(n), 40).await.unwrap().required().unwrap();
    }
    assert_eq!(db.purge_transactions(103).await.unwrap(), 1);
    assert_eq!(db.find_transaction(hash(1)).await.unwrap(), None);
    assert_eq!(state(db, 2).await, TransactionState::Sent);
}
