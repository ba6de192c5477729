//! Pauses between attempts and the day an old secret signs, on a clock that is moved and never waited for.

use health_back_end::{
    aims::anomaly_and_risk::webhooks::{
        courier::Pace,
        register::RETIRING_SECONDS,
        signature::{Received, Secret, SignatureError},
        target::Targets,
    },
    db::deliveries::DeliveryState,
};
use uuid::Uuid;

use super::{
    receiver::{Letter, Receiver},
    until,
};
use crate::environment::{
    PATIENT,
    house::{Client, House},
};

const MICROS: i64 = 1_000_000;

/// A house that delivers as it does everywhere, on a clock of its own.
async fn house() -> House {
    House::delivering(Targets::new(vec!["127.0.0.0/8".parse().unwrap()]), Pace::default(), |_| {}).await
}

async fn registered(house: &House, patient: &Client, receiver: &Receiver) -> (Uuid, String) {
    let told = house.door.aims.register_webhook(patient.user, &receiver.url).await.unwrap();
    (told.id, told.secret.as_str().to_owned())
}

#[tokio::test]
async fn pauses_double_to_six_hours_and_the_fifteenth_attempt_is_the_last() {
    let house = house().await;
    let patient = house.end_user(PATIENT).await;
    let receiver = Receiver::answering(&(500..520).collect::<Vec<_>>()).await;
    let (webhook, _) = registered(&house, &patient, &receiver).await;
    house.door.aims.ping_webhook(patient.user, webhook).await.unwrap();
    for attempt in 1..15_u32 {
        let before = house.clock.micros();
        receiver.received(attempt as usize).await;
        // Each attempt is answered otherwise, so that what is noted of one is not taken for the next one's.
        let answered = format!("the receiver answered {}", 499 + attempt);
        let row = until("the attempt was put off", async || {
            let row = house.database.list_deliveries(webhook, 1).await.unwrap().remove(0);
            (row.reason.as_ref() == Some(&answered)).then_some(row)
        })
        .await;
        assert_eq!(row.attempts, u64::from(attempt));
        assert_eq!(row.state, DeliveryState::Waiting);
        let whole = (5 * MICROS * 2_i64.pow(attempt - 1)).min(6 * 3_600 * MICROS);
        // It was put off at some time between these two.
        let (most, least) = (row.next_attempt_at_us - before, row.next_attempt_at_us - house.clock.micros());
        assert!(most >= whole / 2 && least <= whole, "attempt {attempt}: {least} to {most} of {whole} us");
        // Not a moment before.
        let due = house.database.list_due_deliveries(row.next_attempt_at_us - 1, 10).await.unwrap();
        assert_eq!(due, []);
        house.clock.shift_seconds(least.max(0) / MICROS + 1);
        house.door.aims.courier.wake();
    }
    let row = until("it was given up", async || {
        let row = house.database.list_deliveries(webhook, 1).await.unwrap().remove(0);
        (row.state == DeliveryState::GivenUp).then_some(row)
    })
    .await;
    assert_eq!(row.reason.as_deref(), Some("after 15 attempts: the receiver answered 514"));
    assert_eq!(receiver.letters().len(), 15);
    house.stop().await;
}

fn signed(letter: &Letter, secret: &str, house: &House) -> Result<(), SignatureError> {
    let headers = Received {
        id: letter.header("webhook-id"),
        timestamp: letter.header("webhook-timestamp"),
        signature: letter.header("webhook-signature"),
    };
    Secret::parse(secret).unwrap().verify(&headers, &letter.body, house.clock.seconds())
}

#[tokio::test]
async fn the_secret_before_signs_for_a_day_and_then_no_more() {
    let house = house().await;
    let patient = house.end_user(PATIENT).await;
    let receiver = Receiver::answering(&[]).await;
    let (webhook, old) = registered(&house, &patient, &receiver).await;
    let aims = &house.door.aims;
    let new = aims.rotate_webhook(patient.user, webhook).await.unwrap().secret.as_str().to_owned();
    let sent = async |count: usize| {
        aims.ping_webhook(patient.user, webhook).await.unwrap();
        receiver.received(count).await.remove(count - 1)
    };
    for (count, moved) in [(1, 0), (2, RETIRING_SECONDS.cast_signed() - 60)] {
        house.clock.shift_seconds(moved);
        let letter = sent(count).await;
        assert_eq!(letter.header("webhook-signature").split(' ').count(), 2);
        assert_eq!((signed(&letter, &old, &house), signed(&letter, &new, &house)), (Ok(()), Ok(())));
    }
    house.clock.shift_seconds(61);
    let letter = sent(3).await;
    assert_eq!(letter.header("webhook-signature").split(' ').count(), 1);
    assert_eq!(signed(&letter, &new, &house), Ok(()));
    assert_eq!(signed(&letter, &old, &house), Err(SignatureError::Signature));
    // A second replacement ends the day of the first at once: there are never more than two.
    let newest = aims.rotate_webhook(patient.user, webhook).await.unwrap().secret.as_str().to_owned();
    let last = aims.rotate_webhook(patient.user, webhook).await.unwrap().secret.as_str().to_owned();
    let letter = sent(4).await;
    assert_eq!(signed(&letter, &new, &house), Err(SignatureError::Signature));
    assert_eq!((signed(&letter, &newest, &house), signed(&letter, &last, &house)), (Ok(()), Ok(())));
    house.stop().await;
}
