//! Users, challenges and Tokens.

use alloy::primitives::{Address, B256};
use health_back_end::{
    db::{
        DbError, Transition, Unique,
        chain_blocks::{BlockRef, ChainBatch, ChainKey, CursorMove},
        chain_effects::ChainEffects,
        challenges::NewChallenge,
        tokens::NewToken,
        users::{Registered, UserStanding},
    },
    domain::{ids::UserId, operation::Operation, taxonomy::UserClass, user::Registration},
};

use crate::fixture::{Place, new_user, user};

on_both!(
    a_registration_is_found_again,
    a_class_is_vouched_for_once_and_changed_later,
    what_was_vouched_for_outlives_a_chain_that_forgot_it,
    standings_are_listed_in_pages,
    a_challenge_is_taken_once_and_only_in_time,
    of_many_takers_one_gets_the_challenge,
    a_token_is_withdrawn_by_its_user_only,
    an_operator_need_not_be_registered,
    old_challenges_and_tokens_are_forgotten,
);

async fn a_registration_is_found_again(db: &Place) {
    assert_eq!(db.find_user(user(1)).await.unwrap(), None);
    let first = db.insert_user(&new_user(1)).await.unwrap();
    assert!(matches!(&first, Registered::New(row) if row.standing == UserStanding::Pending && !row.is_active()));
    let mut again = new_user(1);
    again.requested_class = UserClass::ClinicalEntity;
    again.profile_sealed = "another".into();
    let second = db.insert_user(&again).await.unwrap();
    assert!(matches!(second, Registered::Existing(_)));
    assert_eq!(second.into_row(), first.into_row());
    assert_eq!(db.find_user(user(1)).await.unwrap().unwrap().requested_class, UserClass::NonProfitEntity);
}

async fn a_class_is_vouched_for_once_and_changed_later(db: &Place) {
    let nobody = db.set_user_class(user(1), UserClass::EndUser, true, 5).await.unwrap();
    assert_eq!(nobody, Transition::Absent);
    assert!(matches!(nobody.required(), Err(DbError::WrongState { table: "users", found: "absent" })));
    db.insert_user(&new_user(1)).await.unwrap();
    db.set_user_class(user(1), UserClass::NonProfitEntity, true, 50).await.unwrap().required().unwrap();
    db.set_user_class(user(1), UserClass::NonProfitEntity, false, 55).await.unwrap().required().unwrap();
    assert!(!db.find_user(user(1)).await.unwrap().unwrap().is_active());
    db.set_user_class(user(1), UserClass::ClinicalEntity, true, 60).await.unwrap().required().unwrap();
    let row = db.find_user(user(1)).await.unwrap().unwrap();
    assert_eq!((row.user_class, row.approved_at_us), (Some(UserClass::ClinicalEntity), Some(50)));
    assert!(row.is_active());
}

async fn what_was_vouched_for_outlives_a_chain_that_forgot_it(db: &Place) {
    db.insert_user(&new_user(1)).await.unwrap();
    assert_eq!(db.find_user(user(1)).await.unwrap().unwrap().vouched, None);
    // Another class than the one asked for, and suspended.
    let known = Registration::Known { class: UserClass::Caregiver, active: false };
    copy(db, None, 1, (user(1), known)).await;
    copy(db, Some(1), 2, (user(1), Registration::Unknown)).await;
    let row = db.find_user(user(1)).await.unwrap().unwrap();
    assert_eq!((row.user_class, row.standing), (None, UserStanding::Pending));
    assert_eq!(row.vouched, Some((UserClass::Caregiver, false)));
    db.set_user_class(user(1), UserClass::NonProfitEntity, true, 60).await.unwrap().required().unwrap();
    assert_eq!(db.find_user(user(1)).await.unwrap().unwrap().vouched, Some((UserClass::NonProfitEntity, true)));
}

/// A block in which the registry says something of a user.
async fn copy(db: &Place, seen: Option<u64>, number: u64, said: (UserId, Registration)) {
    let block = |number| BlockRef { number, hash: B256::with_last_byte(number as u8) };
    let batch = ChainBatch { blocks: vec![], events: vec![], reaches: block(number), notices: vec![] };
    let effects = ChainEffects { classes: vec![said], at_us: 5, ..ChainEffects::default() };
    let key = ChainKey { chain_id: 31337, registry: Address::repeat_byte(0xee) };
    assert_eq!(db.append_chain_with(key, seen.map(block), &batch, &effects).await.unwrap(), CursorMove::Done);
}

async fn standings_are_listed_in_pages(db: &Place) {
    for n in 1..=5 {
        db.insert_user(&new_user(n)).await.unwrap();
    }
    db.set_user_class(user(2), UserClass::EndUser, true, 5).await.unwrap().required().unwrap();
    let first = db.list_users(UserStanding::Pending, None, 3).await.unwrap();
    assert_eq!(first.rows.iter().map(|row| row.address).collect::<Vec<_>>(), [user(1), user(3), user(4)]);
    let next = first.next.unwrap().to_string().parse().unwrap();
    let second = db.list_users(UserStanding::Pending, Some(&next), 3).await.unwrap();
    assert_eq!(second.rows.iter().map(|row| row.address).collect::<Vec<_>>(), [user(5)]);
    assert_eq!(second.next, None);
    assert_eq!(db.list_users(UserStanding::Suspended, None, 3).await.unwrap().rows, []);
}

fn challenge(nonce: &str, expires_at_s: i64) -> NewChallenge {
    NewChallenge { nonce: nonce.into(), address: user(1), message: "sign\nthis".into(), expires_at_s }
}

async fn a_challenge_is_taken_once_and_only_in_time(db: &Place) {
    db.insert_challenge(&challenge("a", 100)).await.unwrap();
    let twice = db.insert_challenge(&challenge("a", 200)).await;
    assert!(matches!(twice, Err(DbError::Taken(Unique::Challenge))), "{twice:?}");
    assert_eq!(db.take_challenge("b", 1).await.unwrap(), None);
    assert_eq!(db.take_challenge("a", 100).await.unwrap(), None, "the last second is outside");
    let taken = db.take_challenge("a", 99).await.unwrap().unwrap();
    assert_eq!((taken.address, taken.message.as_str()), (user(1), "sign\nthis"));
    assert_eq!(db.take_challenge("a", 99).await.unwrap(), None);
}

async fn of_many_takers_one_gets_the_challenge(db: &Place) {
    db.insert_challenge(&challenge("a", 100)).await.unwrap();
    let other = db.other_instance().await;
    let takers: Vec<_> = (0..16)
        .map(|n| {
            let db = if n % 2 == 0 { db.handle() } else { other.clone() };
            tokio::spawn(async move { db.take_challenge("a", 1).await.unwrap().is_some() })
        })
        .collect();
    let mut winners = 0;
    for taker in takers {
        winners += u32::from(taker.await.unwrap());
    }
    assert_eq!(winners, 1);
}

fn token(id: &str, expires_at_s: i64) -> NewToken {
    let services = vec![Operation::Store, Operation::DeIdAndAnonym];
    NewToken { token_id: id.into(), user: user(1), services, issued_at_s: 10, expires_at_s }
}

async fn a_token_is_withdrawn_by_its_user_only(db: &Place) {
    let orphan = db.insert_token(&token("t", 100)).await;
    assert!(matches!(orphan, Err(DbError::Unrelated(_))), "{orphan:?}");
    db.insert_user(&new_user(1)).await.unwrap();
    db.insert_token(&token("t", 100)).await.unwrap();
    assert!(matches!(db.insert_token(&token("t", 100)).await, Err(DbError::Taken(Unique::Token))));
    let row = db.find_token("t").await.unwrap().unwrap();
    assert_eq!(row.services, [Operation::Store, Operation::DeIdAndAnonym]);
    assert!(row.is_valid_at(99) && !row.is_valid_at(100));
    assert!(!db.revoke_token("t", user(2), 20).await.unwrap());
    assert!(!db.revoke_token("u", user(1), 20).await.unwrap());
    assert!(db.revoke_token("t", user(1), 20).await.unwrap());
    assert!(!db.revoke_token("t", user(1), 30).await.unwrap());
    let row = db.find_token("t").await.unwrap().unwrap();
    assert_eq!(row.revoked_at_s, Some(20));
    assert!(!row.is_valid_at(50));
    db.insert_token(&token("v", 100)).await.unwrap();
    assert_eq!(db.revoke_tokens_of(user(1), 40).await.unwrap(), 1);
}

async fn an_operator_need_not_be_registered(db: &Place) {
    db.insert_operator_token(&token("o", 100)).await.unwrap();
    let again = db.insert_operator_token(&token("o", 100)).await;
    assert!(matches!(again, Err(DbError::Taken(Unique::OperatorToken))), "{again:?}");
    let row = db.find_token("o").await.unwrap().unwrap();
    assert!(row.is_valid_at(99) && row.user == user(1));
    assert!(!db.revoke_token("o", user(2), 20).await.unwrap());
    assert!(db.revoke_token("o", user(1), 20).await.unwrap());
    assert!(!db.revoke_token("o", user(1), 30).await.unwrap());
    assert!(!db.find_token("o").await.unwrap().unwrap().is_valid_at(50));
    assert_eq!(db.purge_tokens(101).await.unwrap(), 1);
    assert!(db.find_token("o").await.unwrap().is_none());
}

async fn old_challenges_and_tokens_are_forgotten(db: &Place) {
    db.insert_user(&new_user(1)).await.unwrap();
    for (id, expires) in [("a", 100), ("b", 200)] {
        db.insert_challenge(&challenge(id, expires)).await.unwrap();
        db.insert_token(&token(id, expires)).await.unwrap();
    }
    assert_eq!(db.purge_challenges(200).await.unwrap(), 1);
    assert_eq!(db.purge_tokens(200).await.unwrap(), 1);
    assert!(db.find_token("a").await.unwrap().is_none() && db.find_token("b").await.unwrap().is_some());
    assert!(db.take_challenge("b", 1).await.unwrap().is_some());
}
