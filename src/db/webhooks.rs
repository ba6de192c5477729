//! `webhooks`: where users want to be told, and the secrets that sign what is sent there. Both sealed, opaque here.
//!
//! ```text
//! insert ─▶ active ──(410, or the operator)──▶ disabled          delete: from either
//! ```

use sqlx::any::AnyRow;
use uuid::Uuid;

use super::{Database, Result, Transition, columns::Columns, state::states, users::take_user};
use crate::domain::ids::UserId;

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT webhook_id, user_address, url_sealed, secret_sealed, retiring_sealed, retiring_until_us, state, \
             reason, created_at_us \
             FROM webhooks ",
            $tail
        )
    };
}

states! {
    /// Whether a webhook is used.
    WebhookState in "webhooks" {
        /// It is.
        Active = "active",
        /// It was given up; the reason stands beside it.
        Disabled = "disabled",
    }
}

/// A webhook being registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// Its ID.
    pub id: Uuid,
    /// Whose it is.
    pub user: UserId,
    /// Sealed address.
    pub url_sealed: String,
    /// Sealed secret.
    pub secret_sealed: String,
    /// Microseconds since 1970.
    pub created_at_us: i64,
}

/// A row of `webhooks`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRow {
    /// Its ID.
    pub id: Uuid,
    /// Whose it is.
    pub user: UserId,
    /// Sealed address.
    pub url_sealed: String,
    /// Sealed secret.
    pub secret_sealed: String,
    /// The secret before, and until when it signs too, microseconds since 1970.
    pub retiring: Option<(String, i64)>,
    /// Whether it is used.
    pub state: WebhookState,
    /// Why it is not.
    pub reason: Option<String>,
    /// Microseconds since 1970.
    pub created_at_us: i64,
}

impl WebhookRow {
    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "webhooks", "webhook_id");
        let (retiring, until) =
            (columns.optional_text("retiring_sealed")?, columns.optional_integer("retiring_until_us")?);
        Ok(Self {
            id: columns.parsed("webhook_id")?,
            user: columns.parsed("user_address")?,
            url_sealed: columns.text("url_sealed")?,
            secret_sealed: columns.text("secret_sealed")?,
            retiring: retiring.zip(until),
            state: columns.state("state")?,
            reason: columns.optional_text("reason")?,
            created_at_us: columns.integer("created_at_us")?,
        })
    }
}

const STATE: &str = "SELECT state FROM webhooks WHERE webhook_id = $1";

impl Database {
    /// Registers a webhook, unless its user has `most` already; false then.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_webhook(&self, webhook: &NewWebhook, most: i64) -> Result<bool> {
        let mut tx = self.begin().await?;
        take_user(&mut tx, webhook.user).await?;
        let row = sqlx::query("SELECT COUNT(*) AS webhooks FROM webhooks WHERE user_address = $1")
            .bind(webhook.user.to_string())
            .fetch_one(&mut *tx)
            .await?;
        if Columns::new(&row, "webhooks", "webhooks").integer("webhooks")? >= most {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO webhooks (webhook_id, user_address, url_sealed, secret_sealed, state, created_at_us)
             VALUES ($1, $2, $3, $4, 'active', $5)",
        )
        .bind(webhook.id.to_string())
        .bind(webhook.user.to_string())
        .bind(webhook.url_sealed.clone())
        .bind(webhook.secret_sealed.clone())
        .bind(webhook.created_at_us)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The webhook with this ID.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_webhook(&self, id: Uuid) -> Result<Option<WebhookRow>> {
        let row =
            sqlx::query(select!("WHERE webhook_id = $1")).bind(id.to_string()).fetch_optional(&self.readers).await?;
        row.as_ref().map(WebhookRow::read).transpose()
    }

    /// A user's webhooks, oldest first, at most 100.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_webhooks(&self, user: UserId) -> Result<Vec<WebhookRow>> {
        let rows = sqlx::query(select!("WHERE user_address = $1 ORDER BY created_at_us, webhook_id LIMIT 100"))
            .bind(user.to_string())
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(WebhookRow::read).collect()
    }

    /// Puts a new secret in place of the old one, which signs too until a time (microseconds since 1970). False when
    /// there is no such webhook.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotate_webhook_secret(&self, id: Uuid, secret_sealed: &str, old_until_us: i64) -> Result<bool> {
        let result = sqlx::query(
            "UPDATE webhooks SET retiring_sealed = secret_sealed, retiring_until_us = $3, secret_sealed = $2
             WHERE webhook_id = $1",
        )
        .bind(id.to_string())
        .bind(secret_sealed.to_owned())
        .bind(old_until_us)
        .execute(&self.writers)
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// Gives a webhook up: `active → disabled`, with everything that waits for it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn disable_webhook(&self, id: Uuid, reason: &str, at_us: i64) -> Result<Transition<WebhookState>> {
        let update = sqlx::query(
            "UPDATE webhooks SET state = 'disabled', reason = $2 WHERE webhook_id = $1 AND state = 'active'",
        );
        let update = update.bind(id.to_string()).bind(reason.to_owned());
        let mut tx = self.begin().await?;
        let transition = super::columns::step_in(&mut tx, update, STATE, &id.to_string()).await?;
        if transition.is_done() {
            sqlx::query(
                "UPDATE deliveries SET state = 'given_up', reason = $2, ended_at_us = $3
                 WHERE webhook_id = $1 AND state = 'waiting'",
            )
            .bind(id.to_string())
            .bind(reason.to_owned())
            .bind(at_us)
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
        }
        Ok(transition)
    }

    /// Removes a user's webhook with everything that waits for it; false when there is none of theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_webhook(&self, id: Uuid, user: UserId) -> Result<bool> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "DELETE FROM deliveries WHERE webhook_id = $1
             AND EXISTS (SELECT 1 FROM webhooks w WHERE w.webhook_id = $1 AND w.user_address = $2)",
        )
        .bind(id.to_string())
        .bind(user.to_string())
        .execute(&mut *tx)
        .await?;
        let result = sqlx::query("DELETE FROM webhooks WHERE webhook_id = $1 AND user_address = $2")
            .bind(id.to_string())
            .bind(user.to_string())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(result.rows_affected() == 1)
    }
}
