//! Findings, alerts, recipients, webhooks and deliveries.

use health_back_end::{
    db::{
        Database, Transition,
        alert_recipients::RecipientRow,
        alerts::{Act, AlertState, NewAlert},
        data_items::Eraser,
        deliveries::{DeliveryState, NewDelivery},
        findings::{NewFinding, Telling},
        notices::NewNotice,
        webhooks::{NewWebhook, WebhookState},
    },
    domain::ids::UserId,
};
use serde_json::json;
use uuid::Uuid;

use crate::fixture::{Place, item, new_user, operation_id, stored_item, user};

on_both!(
    a_finding_is_kept_once_and_tells_once,
    an_alert_moves_in_one_direction,
    who_is_named_no_more_is_out_of_the_audience,
    a_webhook_has_an_end_and_takes_its_deliveries_along,
    of_many_couriers_one_takes_a_delivery,
    a_delivery_waits_until_it_is_due_and_ends_once,
    of_each_webhook_one_delivery_is_due,
    a_user_has_no_more_webhooks_than_one_may_however_fast_they_come,
    of_two_lists_of_recipients_at_once_one_counts,
);

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x7000_8000_0000_0000_0000 + n)
}

fn finding(n: u128, is_alerting: bool) -> NewFinding {
    let sealed = format!("sealed {n}");
    NewFinding { id: id(n), item: item(1), operation: operation_id(1), is_alerting, sealed, created_at_us: 10 }
}

fn telling(alert: u128, audience: &[UserId], webhook: Option<Uuid>) -> Telling {
    let raised_at_us = 100 + alert as i64;
    let alert = id(alert);
    let notice = |user: &UserId| NewNotice {
        user: *user,
        kind: "alert.raised".into(),
        data: json!({"AlertID": alert}),
        created_at_us: raised_at_us,
    };
    Telling {
        alert: NewAlert {
            id: alert,
            item: item(1),
            root: item(1),
            owner: user(1),
            audience: audience.to_vec(),
            raised_at_us,
        },
        notices: audience.iter().map(notice).collect(),
        deliveries: webhook.map(|webhook| delivery(900, webhook)).into_iter().collect(),
    }
}

fn delivery(n: u128, webhook: Uuid) -> NewDelivery {
    NewDelivery { id: id(n), webhook, body: "{}".into(), created_at_us: 50 }
}

async fn webhook(db: &Database, n: u128, owner: u8) -> Uuid {
    let new = NewWebhook {
        id: id(n),
        user: user(owner),
        url_sealed: "address".into(),
        secret_sealed: "secret".into(),
        created_at_us: n as i64,
    };
    assert!(db.insert_webhook(&new, 3).await.unwrap());
    id(n)
}

async fn a_finding_is_kept_once_and_tells_once(db: &Place) {
    stored_item(db, 1, 1).await;
    let hook = webhook(db, 500, 1).await;
    assert!(!db.insert_findings(&[finding(1, false)], Some(&telling(1, &[user(1)], Some(hook)))).await.unwrap());
    assert_eq!(db.last_notice_seq().await.unwrap(), 0);
    let found = [finding(1, false), finding(2, true), finding(3, true)];
    assert!(db.insert_findings(&found, Some(&telling(1, &[user(1), user(2)], Some(hook)))).await.unwrap());
    let rows = db.list_findings(item(1)).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.alert).collect::<Vec<_>>(), [None, Some(id(1)), Some(id(1))]);
    assert_eq!(rows[1].sealed, "sealed 2");
    assert_eq!(db.list_deliveries(hook, 9).await.unwrap().len(), 1);
    // The same again is no news.
    assert!(!db.insert_findings(&found, Some(&telling(2, &[user(1)], None))).await.unwrap());
    assert_eq!(db.list_alerts(user(1), None, 9).await.unwrap().rows.len(), 1);
    assert_eq!(db.list_notices(user(1), 0, 9).await.unwrap().len(), 1);
    // They go with the item they were found in.
    db.erase_family(item(1), Eraser::EndUser, 9_000).await.unwrap();
    assert_eq!(db.list_findings(item(1)).await.unwrap(), []);
}

async fn an_alert_moves_in_one_direction(db: &Place) {
    stored_item(db, 1, 1).await;
    db.insert_findings(&[finding(1, true)], Some(&telling(1, &[user(1), user(2)], None))).await.unwrap();
    let act = |by: u8| Act { by: user(by), at_us: 200 + i64::from(by) };
    let told = [NewNotice { user: user(1), kind: "x".into(), data: json!({}), created_at_us: 1 }];
    assert_eq!(db.clear_alert(id(1), act(1), &told, &[]).await.unwrap(), Transition::Refused(AlertState::Raised));
    db.acknowledge_alert(id(1), act(2), &told, &[]).await.unwrap().required().unwrap();
    let again = db.acknowledge_alert(id(1), act(1), &told, &[]).await.unwrap();
    assert_eq!(again, Transition::Refused(AlertState::Acknowledged));
    db.clear_alert(id(1), act(1), &told, &[]).await.unwrap().required().unwrap();
    assert_eq!(db.clear_alert(id(1), act(2), &[], &[]).await.unwrap(), Transition::Refused(AlertState::Cleared));
    assert_eq!(db.clear_alert(id(2), act(2), &[], &[]).await.unwrap(), Transition::Absent);
    let row = db.find_alert(id(1), user(2)).await.unwrap().unwrap();
    assert_eq!((row.state, row.acknowledged, row.cleared), (AlertState::Cleared, Some(act(2)), Some(act(1))));
    assert_eq!(db.find_alert(id(1), user(3)).await.unwrap(), None);
    // Two moves that happened, two that did not: told of the two.
    assert_eq!(db.list_notices(user(1), 0, 9).await.unwrap().iter().filter(|row| row.kind == "x").count(), 2);
}

async fn who_is_named_no_more_is_out_of_the_audience(db: &Place) {
    stored_item(db, 1, 1).await;
    db.replace_alert_recipients(user(1), None, &[user(2), user(3), user(2)], 5).await.unwrap();
    db.replace_alert_recipients(user(1), Some(item(1)), &[user(3)], 6).await.unwrap();
    db.replace_alert_recipients(user(4), None, &[user(2)], 6).await.unwrap();
    assert_eq!(db.list_alert_recipients_of_item(user(1), item(1)).await.unwrap(), [user(2), user(3)]);
    assert_eq!(db.list_alert_recipients_of_item(user(1), item(2)).await.unwrap(), [user(2), user(3)]);
    let all = [user(1), user(2), user(3)];
    db.insert_findings(&[finding(1, true)], Some(&telling(1, &all, None))).await.unwrap();
    assert_eq!(db.list_alert_audience(id(1)).await.unwrap(), all);
    db.replace_alert_recipients(user(1), None, &[], 7).await.unwrap();
    // One is still named for the item.
    assert_eq!(db.list_alert_audience(id(1)).await.unwrap(), [user(1), user(3)]);
    let left = RecipientRow { item: Some(item(1)), recipient: user(3) };
    assert_eq!(db.list_alert_recipients(user(1)).await.unwrap(), [left]);
    db.replace_alert_recipients(user(1), Some(item(1)), &[], 8).await.unwrap();
    assert_eq!(db.list_alert_audience(id(1)).await.unwrap(), [user(1)]);
    assert_eq!(db.list_alert_recipients(user(4)).await.unwrap().len(), 1);
}

async fn a_webhook_has_an_end_and_takes_its_deliveries_along(db: &Place) {
    let (one, other) = (webhook(db, 1, 1).await, webhook(db, 2, 1).await);
    webhook(db, 3, 1).await;
    let fourth =
        NewWebhook { id: id(4), user: user(1), url_sealed: "a".into(), secret_sealed: "s".into(), created_at_us: 4 };
    assert!(!db.insert_webhook(&fourth, 3).await.unwrap());
    db.insert_deliveries(&[delivery(10, one), delivery(11, other)]).await.unwrap();
    assert!(db.rotate_webhook_secret(one, "new", 70).await.unwrap());
    let row = db.find_webhook(one).await.unwrap().unwrap();
    assert_eq!((row.secret_sealed.as_str(), row.retiring), ("new", Some(("secret".to_owned(), 70))));
    db.disable_webhook(one, "gone", 60).await.unwrap().required().unwrap();
    let again = db.disable_webhook(one, "gone", 61).await.unwrap();
    assert_eq!(again, Transition::Refused(WebhookState::Disabled));
    let ended = &db.list_deliveries(one, 9).await.unwrap()[0];
    assert_eq!(
        (ended.state, ended.reason.as_deref(), ended.ended_at_us),
        (DeliveryState::GivenUp, Some("gone"), Some(60))
    );
    // To one that was given up, or removed, nothing is sent, and nobody else suffers from it.
    db.insert_deliveries(&[delivery(12, one), delivery(13, id(99)), delivery(14, other)]).await.unwrap();
    assert_eq!(db.list_deliveries(other, 9).await.unwrap().len(), 2);
    assert_eq!(db.list_deliveries(one, 9).await.unwrap().len(), 1);
    assert!(!db.delete_webhook(other, user(2)).await.unwrap());
    assert_eq!(db.list_deliveries(other, 9).await.unwrap().len(), 2);
    assert!(db.delete_webhook(other, user(1)).await.unwrap());
    assert!(!db.delete_webhook(other, user(1)).await.unwrap());
    assert_eq!(db.list_deliveries(other, 9).await.unwrap(), []);
    assert_eq!(db.list_webhooks(user(1)).await.unwrap().len(), 2);
}

async fn of_many_couriers_one_takes_a_delivery(db: &Place) {
    let hook = webhook(db, 1, 1).await;
    db.insert_deliveries(&[delivery(10, hook)]).await.unwrap();
    let due = db.list_due_deliveries(50, 9).await.unwrap().remove(0);
    let other = db.other_instance().await;
    let mut taken = 0;
    for (db, due) in [(db.handle(), &due), (other.clone(), &due), (other, &due)] {
        taken += usize::from(db.claim_delivery(due, 1_000).await.unwrap());
    }
    assert_eq!(taken, 1);
    assert_eq!(db.list_due_deliveries(999, 9).await.unwrap(), []);
    assert_eq!(db.list_due_deliveries(1_000, 9).await.unwrap()[0].attempts, 1);
}

async fn a_delivery_waits_until_it_is_due_and_ends_once(db: &Place) {
    let hook = webhook(db, 1, 1).await;
    db.insert_deliveries(&[delivery(10, hook), delivery(11, hook)]).await.unwrap();
    assert_eq!(db.list_due_deliveries(49, 9).await.unwrap(), []);
    assert_eq!(db.list_due_deliveries(50, 1).await.unwrap().len(), 1);
    db.postpone_delivery(id(10), "busy", 500).await.unwrap().required().unwrap();
    assert_eq!(db.list_due_deliveries(499, 9).await.unwrap().len(), 1);
    db.mark_delivered(id(10), 510).await.unwrap().required().unwrap();
    for refused in [
        db.mark_delivered(id(10), 511).await.unwrap(),
        db.postpone_delivery(id(10), "late", 600).await.unwrap(),
        db.give_up_delivery(id(10), "late", 600).await.unwrap(),
    ] {
        assert_eq!(refused, Transition::Refused(DeliveryState::Delivered));
    }
    db.give_up_delivery(id(11), "never", 520).await.unwrap().required().unwrap();
    let rows = db.list_deliveries(hook, 9).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.reason.as_deref()).collect::<Vec<_>>(), [Some("never"), None]);
    assert_eq!(db.purge_deliveries(520).await.unwrap(), 1);
    assert_eq!(db.purge_deliveries(521).await.unwrap(), 1);
}

async fn of_each_webhook_one_delivery_is_due(db: &Place) {
    let (hook, other) = (webhook(db, 1, 1).await, webhook(db, 2, 1).await);
    db.insert_deliveries(&[delivery(10, hook), delivery(11, hook), delivery(12, other)]).await.unwrap();
    let due = async |at| db.list_due_deliveries(at, 9).await.unwrap().iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(due(50).await, [id(10), id(12)]);
    db.mark_delivered(id(10), 60).await.unwrap().required().unwrap();
    assert_eq!(due(60).await, [id(11), id(12)]);
    assert!(db.has_waiting_deliveries(hook, 1).await.unwrap());
    assert!(!db.has_waiting_deliveries(hook, 2).await.unwrap());
}

async fn a_user_has_no_more_webhooks_than_one_may_however_fast_they_come(db: &Place) {
    db.insert_user(&new_user(1)).await.unwrap();
    let other = db.other_instance().await;
    let new = |n: u128| NewWebhook {
        id: id(n),
        user: user(1),
        url_sealed: "address".into(),
        secret_sealed: "secret".into(),
        created_at_us: n as i64,
    };
    let at_once = (1..=24).map(|n| {
        let (db, new) = (if n % 2 == 0 { db.handle() } else { other.clone() }, new(n));
        async move { db.insert_webhook(&new, 3).await.unwrap() }
    });
    let registered = futures_util::future::join_all(at_once).await;
    assert_eq!(registered.into_iter().filter(|done| *done).count(), 3);
    assert_eq!(db.list_webhooks(user(1)).await.unwrap().len(), 3);
}

async fn of_two_lists_of_recipients_at_once_one_counts(db: &Place) {
    db.insert_user(&new_user(1)).await.unwrap();
    let other = db.other_instance().await;
    let (ours, theirs): (Vec<_>, Vec<_>) = ((10..20).map(user).collect(), (20..30).map(user).collect());
    for _ in 0..20 {
        db.replace_alert_recipients(user(1), None, &[], 1).await.unwrap();
        let (one, two) = tokio::join!(
            db.replace_alert_recipients(user(1), None, &ours, 2),
            other.replace_alert_recipients(user(1), None, &theirs, 2)
        );
        one.unwrap();
        two.unwrap();
        let named = db.list_alert_recipients(user(1)).await.unwrap();
        let whole =
            |list: &[UserId]| named.len() == list.len() && named.iter().all(|row| list.contains(&row.recipient));
        assert!(whole(&ours) || whole(&theirs), "{named:?}");
    }
}
