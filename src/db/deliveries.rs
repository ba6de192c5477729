//! `deliveries`: what is to be sent to webhooks. A delivery is here before anybody tries it, so no restart loses one.
//!
//! ```text
//! insert ─▶ waiting ⟲ (not taken: later again) ──▶ delivered
//!              └─(too often, or the webhook is gone)──▶ given_up
//! ```

use sqlx::{AnyConnection, any::AnyRow};
use uuid::Uuid;

use super::{Database, Result, Transition, columns::Columns, page::fetch_limit, state::states};

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT delivery_id, webhook_id, body, state, attempts, next_attempt_at_us, reason, created_at_us, ended_at_us \
             FROM deliveries ",
            $tail
        )
    };
}

states! {
    /// How far a delivery has come.
    DeliveryState in "deliveries" {
        /// To be sent, now or later.
        Waiting = "waiting",
        /// Taken by the other side.
        Delivered = "delivered",
        /// Never taken; the reason stands beside it.
        GivenUp = "given_up",
    }
}

/// Something to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// Its ID.
    pub id: Uuid,
    /// Where to.
    pub webhook: Uuid,
    /// The CloudEvent as it is sent.
    pub body: String,
    /// Microseconds since 1970; due at once.
    pub created_at_us: i64,
}

/// A row of `deliveries`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Its ID.
    pub id: Uuid,
    /// Where to.
    pub webhook: Uuid,
    /// The CloudEvent as it is sent.
    pub body: String,
    /// How far it has come.
    pub state: DeliveryState,
    /// Attempts made so far.
    pub attempts: u64,
    /// When it is due, microseconds since 1970.
    pub next_attempt_at_us: i64,
    /// What the last attempt came to, when it came to nothing.
    pub reason: Option<String>,
    /// Microseconds since 1970.
    pub created_at_us: i64,
    /// When it ended, microseconds since 1970.
    pub ended_at_us: Option<i64>,
}

impl DeliveryRow {
    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "deliveries", "delivery_id");
        Ok(Self {
            id: columns.parsed("delivery_id")?,
            webhook: columns.parsed("webhook_id")?,
            body: columns.text("body")?,
            state: columns.state("state")?,
            attempts: columns.unsigned("attempts")?,
            next_attempt_at_us: columns.integer("next_attempt_at_us")?,
            reason: columns.optional_text("reason")?,
            created_at_us: columns.integer("created_at_us")?,
            ended_at_us: columns.optional_integer("ended_at_us")?,
        })
    }
}

const STATE: &str = "SELECT state FROM deliveries WHERE delivery_id = $1";

impl Database {
    /// Notes deliveries, all or none; those to webhooks that are used no more are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_deliveries(&self, deliveries: &[NewDelivery]) -> Result<()> {
        let mut tx = self.begin().await?;
        insert_deliveries(&mut tx, deliveries).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What is due at a time (microseconds since 1970), longest due first; of each webhook the first alone, so that a
    /// receiver for which much waits keeps nobody else's messages waiting.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_due_deliveries(&self, at_us: i64, limit: u32) -> Result<Vec<DeliveryRow>> {
        let rows = sqlx::query(select!(
            "WHERE state = 'waiting' AND next_attempt_at_us <= $1
                 AND NOT EXISTS (SELECT 1 FROM deliveries o
                     WHERE o.webhook_id = deliveries.webhook_id AND o.state = 'waiting'
                         AND (o.next_attempt_at_us, o.delivery_id)
                             < (deliveries.next_attempt_at_us, deliveries.delivery_id))
             ORDER BY next_attempt_at_us, delivery_id LIMIT $2"
        ))
        .bind(at_us)
        .bind(fetch_limit(limit) - 1)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(DeliveryRow::read).collect()
    }

    /// Whether so many deliveries wait for a webhook.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_waiting_deliveries(&self, webhook: Uuid, count: u32) -> Result<bool> {
        let row = sqlx::query(
            "SELECT delivery_id FROM deliveries WHERE webhook_id = $1 AND state = 'waiting' LIMIT 1 OFFSET $2",
        )
        .bind(webhook.to_string())
        .bind(i64::from(count) - 1)
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.is_some())
    }

    /// The newest deliveries of a webhook.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_deliveries(&self, webhook: Uuid, limit: u32) -> Result<Vec<DeliveryRow>> {
        let rows = sqlx::query(select!("WHERE webhook_id = $1 ORDER BY created_at_us DESC, delivery_id DESC LIMIT $2"))
            .bind(webhook.to_string())
            .bind(fetch_limit(limit) - 1)
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(DeliveryRow::read).collect()
    }

    /// Takes a due delivery for an attempt, which nobody else makes before `until_us`; of several who saw the same row
    /// one receives true.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_delivery(&self, delivery: &DeliveryRow, until_us: i64) -> Result<bool> {
        let result = sqlx::query(
            "UPDATE deliveries SET next_attempt_at_us = $3, attempts = attempts + 1
             WHERE delivery_id = $1 AND state = 'waiting' AND next_attempt_at_us = $2",
        )
        .bind(delivery.id.to_string())
        .bind(delivery.next_attempt_at_us)
        .bind(until_us)
        .execute(&self.writers)
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// It was taken: `waiting → delivered`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mark_delivered(&self, id: Uuid, at_us: i64) -> Result<Transition<DeliveryState>> {
        let update = sqlx::query(
            "UPDATE deliveries SET state = 'delivered', reason = NULL, ended_at_us = $2
             WHERE delivery_id = $1 AND state = 'waiting'",
        );
        self.step(update.bind(id.to_string()).bind(at_us), STATE, &id.to_string()).await
    }

    /// It was not taken and is tried again at a time (microseconds since 1970); stays `waiting`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn postpone_delivery(&self, id: Uuid, reason: &str, at_us: i64) -> Result<Transition<DeliveryState>> {
        let update = sqlx::query(
            "UPDATE deliveries SET next_attempt_at_us = $3, reason = $2 WHERE delivery_id = $1 AND state = 'waiting'",
        );
        self.step(update.bind(id.to_string()).bind(reason.to_owned()).bind(at_us), STATE, &id.to_string()).await
    }

    /// It is not tried again: `waiting → given_up`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_up_delivery(&self, id: Uuid, reason: &str, at_us: i64) -> Result<Transition<DeliveryState>> {
        let update = sqlx::query(
            "UPDATE deliveries SET state = 'given_up', reason = $2, ended_at_us = $3
             WHERE delivery_id = $1 AND state = 'waiting'",
        );
        self.step(update.bind(id.to_string()).bind(reason.to_owned()).bind(at_us), STATE, &id.to_string()).await
    }

    /// Forgets deliveries that ended before a time (microseconds since 1970); returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge_deliveries(&self, ended_before_us: i64) -> Result<u64> {
        let result = sqlx::query("DELETE FROM deliveries WHERE ended_at_us < $1")
            .bind(ended_before_us)
            .execute(&self.writers)
            .await?;
        Ok(result.rows_affected())
    }
}

/// Notes deliveries in the caller's transaction.
pub(super) async fn insert_deliveries(connection: &mut AnyConnection, deliveries: &[NewDelivery]) -> Result<()> {
    for delivery in deliveries {
        // A webhook that was removed or given up meanwhile gets nothing, and keeps nobody else from being told.
        sqlx::query(
            "INSERT INTO deliveries (delivery_id, webhook_id, body, state, attempts, next_attempt_at_us, created_at_us)
             SELECT $1, webhook_id, $3, 'waiting', 0, $4, $4 FROM webhooks WHERE webhook_id = $2 AND state = 'active'",
        )
        .bind(delivery.id.to_string())
        .bind(delivery.webhook.to_string())
        .bind(delivery.body.clone())
        .bind(delivery.created_at_us)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
