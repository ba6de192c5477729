//! De-identification: secrets made once, what was done to a copy, and that it goes with copy and original.

use health_back_end::db::{DbError, Unique, data_items::Eraser, treatments::TreatmentRow};
use serde_json::json;

use crate::fixture::{FACTS, Place, item, licence, new_item, new_user, operation_id, stored_item, user};

on_both!(
    the_first_secret_is_kept_and_everybody_receives_it,
    what_was_done_is_kept_once,
    it_goes_with_the_copy,
    it_goes_with_the_original,
);

async fn the_first_secret_is_kept_and_everybody_receives_it(db: &Place) {
    db.insert_user(&new_user(1)).await.unwrap();
    db.insert_user(&new_user(2)).await.unwrap();
    let (one, other) = tokio::join!(db.pseudonym_secret(user(1), "a", 1), db.pseudonym_secret(user(1), "b", 2));
    assert_eq!(one.unwrap(), other.unwrap());
    let kept = db.pseudonym_secret(user(1), "c", 3).await.unwrap();
    assert!(kept == "a" || kept == "b");
    assert_eq!(db.pseudonym_secret(user(2), "d", 3).await.unwrap(), "d");
    assert!(matches!(db.pseudonym_secret(user(3), "e", 3).await, Err(DbError::Unrelated(_))));
}

/// An original and a copy, both stored.
async fn copied(db: &Place) -> TreatmentRow {
    stored_item(db, 1, 1).await;
    let mut copy = new_item(2, 1);
    (copy.root, copy.parent) = (Some(item(1)), Some(item(1)));
    db.insert_data_item(&copy).await.unwrap();
    db.mark_data_item_licensed(item(2), licence(101), 6_003).await.unwrap().required().unwrap();
    db.mark_data_item_stored(item(2), ("objects/2", &FACTS), 6_004).await.unwrap().required().unwrap();
    TreatmentRow {
        item: item(2),
        parent: item(1),
        operation_id: operation_id(1),
        recipient: user(2),
        report: json!({"Report": {"Steps": []}}),
        mapping_sealed: "sealed".to_owned(),
        created_at_us: 7_000,
    }
}

async fn what_was_done_is_kept_once(db: &Place) {
    let row = copied(db).await;
    assert_eq!(db.find_treatment(item(2)).await.unwrap(), None);
    db.insert_treatment(&row).await.unwrap();
    assert_eq!(db.find_treatment(item(2)).await.unwrap().as_ref(), Some(&row));
    assert_eq!(db.find_treatment(item(1)).await.unwrap(), None);
    assert!(matches!(
        db.insert_treatment(&row).await,
        Err(DbError::Taken(Unique::Treatment | Unique::TreatmentOperation))
    ));
    let other = TreatmentRow { item: item(1), ..row.clone() };
    assert!(matches!(db.insert_treatment(&other).await, Err(DbError::Taken(Unique::TreatmentOperation))));
    let stranger = TreatmentRow { item: item(9), operation_id: operation_id(2), ..row };
    assert!(matches!(db.insert_treatment(&stranger).await, Err(DbError::Unrelated(_))));
}

async fn it_goes_with_the_copy(db: &Place) {
    let row = copied(db).await;
    db.insert_treatment(&row).await.unwrap();
    db.erase_family(item(2), Eraser::EndUser, 8_000).await.unwrap();
    assert_eq!(db.find_treatment(item(2)).await.unwrap(), None);
}

async fn it_goes_with_the_original(db: &Place) {
    let row = copied(db).await;
    db.insert_treatment(&row).await.unwrap();
    db.erase_family(item(1), Eraser::EndUser, 8_000).await.unwrap();
    assert_eq!(db.find_treatment(item(2)).await.unwrap(), None);
}
