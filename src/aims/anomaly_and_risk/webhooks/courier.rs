//! **The courier**: sends what waits in `deliveries`, and tries again what was not taken.
//!
//! ```text
//! due ─▶ claimed ─▶ address judged anew, host resolved here ─▶ POST, signed ─┬─ 2xx ─▶ delivered
//!                                                                            ├─ 410 ─▶ webhook disabled
//!                                                                            └─ else ─▶ later again, or given up
//! ```
//!
//! Pauses double from 5 s to 6 h, each cut by up to half at random, so that receivers that come back are not met by
//! everybody at once; after 15 attempts (about half a day) a delivery is given up and says why. The other side sees the same
//! `webhook-id` at each attempt: a delivery may arrive twice, never silently not. One delivery of a webhook is under way at
//! a time, so a receiver that hangs takes one place of sixteen, however much waits for it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use rand::Rng;
use reqwest::{Client, StatusCode, header, redirect::Policy};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    event::MEDIA_TYPE,
    signature::{ID, SIGNATURE, TIMESTAMP},
    target::Target,
};
use crate::{
    aims::{AimError, Aims},
    db::{
        deliveries::DeliveryRow,
        webhooks::{WebhookRow, WebhookState},
    },
};

/// How long beyond an attempt nobody else takes a delivery somebody is at. Who was killed at it is followed after that.
const CLAIM_MARGIN: Duration = Duration::from_secs(5);
/// Deliveries under way at once.
const AT_ONCE: usize = 16;
/// What an attempt came to that took too long.
const LATE: &str = "the receiver did not answer in time";
/// How often the courier looks without being called: other instances write here too.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// How long ended deliveries are kept.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);
const TIDY_INTERVAL: Duration = Duration::from_secs(3_600);

/// How often and after which pauses a delivery is tried.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Attempts in all.
    pub attempts: u64,
    /// First pause.
    pub first: Duration,
    /// Longest pause.
    pub longest: Duration,
    /// How long one attempt may take, the look-up of the name included.
    pub attempt_time: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            attempts: 15,
            first: Duration::from_secs(5),
            longest: Duration::from_secs(6 * 3_600),
            attempt_time: Duration::from_secs(15),
        }
    }
}

impl Pace {
    /// The pause after so many attempts; `share` between 0 and 1 says how much of the cut is taken.
    fn pause(&self, attempts: u64, share: f64) -> Duration {
        let doubled = 2_u32.checked_pow(u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX));
        let whole = doubled.and_then(|times| self.first.checked_mul(times)).unwrap_or(self.longest).min(self.longest);
        whole.mul_f64(1.0 - 0.5 * share.clamp(0.0, 1.0))
    }
}

/// The courier's bell and pace; copies share the bell.
#[derive(Debug, Clone, Default)]
pub struct Courier {
    bell: Arc<Notify>,
    pace: Pace,
}

/// What an attempt came to.
enum Outcome {
    Taken,
    Gone,
    Failed(String),
}

impl Courier {
    /// A courier with another pace than usual.
    pub fn with_pace(pace: Pace) -> Self {
        Self { pace, ..Self::default() }
    }

    /// Tells that something new waits.
    pub fn wake(&self) {
        self.bell.notify_one();
    }
}

impl Aims {
    /// Delivers until told to stop. A place is free again as soon as its attempt has ended; of each webhook one delivery
    /// is under way at a time.
    pub async fn deliver(self, stop: CancellationToken) {
        let (mut under_way, mut busy) = (FuturesUnordered::new(), HashSet::new());
        let mut tidy = tokio::time::interval(TIDY_INTERVAL);
        tidy.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            match self.claim_due(&busy).await {
                Ok(claimed) => {
                    for delivery in claimed {
                        busy.insert(delivery.webhook);
                        under_way.push(self.attempt(delivery));
                    }
                }
                Err(error) => tracing::warn!(%error, "deliveries.not_read"),
            }
            tokio::select! {
                () = stop.cancelled() => break,
                Some(webhook) = under_way.next() => {
                    busy.remove(&webhook);
                }
                () = self.courier.bell.notified() => {}
                () = tokio::time::sleep(LOOK_INTERVAL.min(self.courier.pace.first)) => {}
                _ = tidy.tick() => {
                    // Microseconds of a month fit.
                    let before = self.clock.micros() - KEPT.as_micros() as i64;
                    if let Err(error) = self.database.purge_deliveries(before).await {
                        tracing::warn!(%error, "deliveries.not_tidied");
                    }
                }
            }
        }
        // What was claimed is brought to its end: it may have been sent.
        while under_way.next().await.is_some() {}
    }

    /// Takes what is due, for the places that are free; nobody else takes it before the attempt is over.
    async fn claim_due(&self, busy: &HashSet<Uuid>) -> Result<Vec<DeliveryRow>, AimError> {
        let free = AT_ONCE.saturating_sub(busy.len());
        let mut claimed = Vec::new();
        if free == 0 {
            return Ok(claimed);
        }
        // Microseconds of seconds fit.
        let claim = (self.courier.pace.attempt_time + CLAIM_MARGIN).as_micros() as i64;
        // As many of busy webhooks may be among them as are busy.
        for delivery in self.database.list_due_deliveries(self.clock.micros(), 2 * AT_ONCE as u32).await? {
            if claimed.len() == free {
                break;
            }
            if busy.contains(&delivery.webhook) {
                continue;
            }
            match self.database.claim_delivery(&delivery, self.clock.micros() + claim).await {
                Ok(true) => claimed.push(delivery),
                Ok(false) => {}
                // What was claimed before is not given back.
                Err(error) => {
                    tracing::warn!(delivery = %delivery.id, %error, "delivery.not_claimed");
                    break;
                }
            }
        }
        Ok(claimed)
    }

    /// One attempt; gives the webhook, which is free for the next.
    async fn attempt(&self, delivery: DeliveryRow) -> Uuid {
        if let Err(error) = self.attempt_claimed(&delivery).await {
            tracing::warn!(delivery = %delivery.id, %error, "delivery.not_noted");
        }
        delivery.webhook
    }

    async fn attempt_claimed(&self, delivery: &DeliveryRow) -> Result<(), AimError> {
        let attempt_time = self.courier.pace.attempt_time;
        let Some(webhook) = self.database.find_webhook(delivery.webhook).await? else { return Ok(()) };
        if webhook.state == WebhookState::Disabled {
            return self.give_up_on(delivery, "the webhook was given up").await;
        }
        // Looking up a name may take long too, and is not bounded by the client.
        let called = tokio::time::timeout(attempt_time, self.call(&webhook, delivery)).await;
        match called.unwrap_or_else(|_| Ok(Outcome::Failed(LATE.to_owned())))? {
            Outcome::Taken => {
                // Removed meanwhile: nothing is left to be noted.
                let _ = self.database.mark_delivered(delivery.id, self.clock.micros()).await?;
                Ok(())
            }
            Outcome::Gone => {
                let reason = "the receiver answered 410: it wants nothing more";
                let _ = self.database.disable_webhook(webhook.id, reason, self.clock.micros()).await?;
                Ok(())
            }
            Outcome::Failed(reason) if delivery.attempts + 1 >= self.courier.pace.attempts => {
                self.give_up_on(delivery, &format!("after {} attempts: {reason}", delivery.attempts + 1)).await
            }
            Outcome::Failed(reason) => {
                let pause = self.courier.pace.pause(delivery.attempts + 1, rand::rng().random());
                // Microseconds of hours fit.
                let at = self.clock.micros() + pause.as_micros() as i64;
                let _ = self.database.postpone_delivery(delivery.id, &reason, at).await?;
                Ok(())
            }
        }
    }

    async fn give_up_on(&self, delivery: &DeliveryRow, reason: &str) -> Result<(), AimError> {
        tracing::info!(delivery = %delivery.id, reason, "delivery.given_up");
        let _ = self.database.give_up_delivery(delivery.id, reason, self.clock.micros()).await?;
        Ok(())
    }

    async fn call(&self, webhook: &WebhookRow, delivery: &DeliveryRow) -> Result<Outcome, AimError> {
        let url = self.webhook_url(webhook)?;
        let target = match self.targets.resolve(&url).await {
            Ok(target) => target,
            Err(error) => return Ok(Outcome::Failed(error.to_string())),
        };
        let (id, now) = (delivery.id.to_string(), self.clock.seconds());
        let secrets = self.webhook_secrets(webhook)?;
        let signatures: Vec<String> = secrets.iter().map(|secret| secret.sign(&id, now, &delivery.body)).collect();
        let client = match client(&target, self.courier.pace.attempt_time) {
            Ok(client) => client,
            Err(error) => return Ok(Outcome::Failed(in_words(&error))),
        };
        let request = client
            .post(target.url)
            .header(header::CONTENT_TYPE, MEDIA_TYPE)
            .header(header::USER_AGENT, concat!("health-back-end/", env!("CARGO_PKG_VERSION")))
            .header(ID, id)
            .header(TIMESTAMP, now.to_string())
            .header(SIGNATURE, signatures.join(" "))
            .body(delivery.body.clone());
        // The answer's body is not read: whatever it is, it changes nothing.
        Ok(match request.send().await.map(|answer| answer.status()) {
            Ok(status) if status.is_success() => Outcome::Taken,
            Ok(StatusCode::GONE) => Outcome::Gone,
            Ok(status) => Outcome::Failed(format!("the receiver answered {}", status.as_u16())),
            Err(error) => Outcome::Failed(in_words(&error)),
        })
    }
}

/// One that connects to what was judged and nowhere else, and goes where it is told and no further.
fn client(target: &Target, attempt_time: Duration) -> reqwest::Result<Client> {
    let builder = Client::builder().timeout(attempt_time).redirect(Policy::none()).no_proxy();
    match &target.name {
        Some(name) => builder.resolve_to_addrs(name, &target.addresses).build(),
        None => builder.build(),
    }
}

/// Without the address, which may hold a credential.
fn in_words(error: &reqwest::Error) -> String {
    let what = match error {
        e if e.is_timeout() => LATE,
        e if e.is_connect() => "no connection to the receiver",
        _ => "the message could not be sent",
    };
    what.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end() {
        let pace = Pace::default();
        assert_eq!(pace.pause(1, 0.0), Duration::from_secs(5));
        assert_eq!(pace.pause(1, 1.0), Duration::from_millis(2_500));
        assert_eq!(pace.pause(4, 0.0), Duration::from_secs(40));
        assert_eq!(pace.pause(12, 0.0), Duration::from_secs(10_240));
        for attempts in [14, 40, u64::MAX] {
            assert!(pace.pause(attempts, 0.0) <= pace.longest);
        }
        let all: Duration = (1..pace.attempts).map(|n| pace.pause(n, 0.5)).sum();
        assert!((2..24).contains(&(all.as_secs() / 3_600)), "{all:?}");
    }
}
