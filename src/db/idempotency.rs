//! `idempotency`: the first answer to a request with an `Idempotency-Key`, given again to whoever asks again.
//!
//! ```text
//! begin ─▶ in_flight ──finish──▶ done ──purge──▶ (gone)
//!              └──abandon, release──▶ (gone: the next request is a fresh one)
//! ```
//!
//! Erasing an item forgets both kinds (`data_item_erasure.rs`). `created_at_us` is the last sign of life while a request
//! is worked on.

use alloy::primitives::B256;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use sqlx::any::AnyRow;

use super::{
    Database, Result,
    columns::{Columns, Hex, storable},
    state::states,
};
use crate::domain::ids::UserId;

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT user_address, route, request_key, body_sha256, state, status, response_headers, response_body, \
             payload_sha256, created_at_us \
             FROM idempotency ",
            $tail
        )
    };
}

states! {
    /// Whether the first answer is known.
    IdempotencyState in "idempotency" {
        /// The first request is being worked on.
        InFlight = "in_flight",
        /// It was answered.
        Done = "done",
    }
}

/// What makes two requests the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    /// Who sent it.
    pub user: UserId,
    /// Method and path template.
    pub route: String,
    /// The header.
    pub key: String,
}

/// An HTTP answer as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptResponse {
    /// HTTP status.
    pub status: u16,
    /// Names and values, in order.
    pub headers: Vec<(String, String)>,
    /// Body, byte for byte.
    pub body: Vec<u8>,
    /// SHA-256 of the payload behind the request's message, if there was one.
    pub payload_sha256: Option<B256>,
}

/// What a request with a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "only a fresh request may be worked on"]
pub enum Begun {
    /// The first: work on it, then finish or abandon it.
    Fresh,
    /// A repetition of one that was answered: this is the answer.
    SameDone(KeptResponse),
    /// A repetition of one that is being worked on.
    InFlight,
    /// The key was used with another body.
    OtherBody,
}

impl Database {
    /// Asks what a request with this key and body is; of several at once exactly one is `Fresh`.
    ///
    /// # Errors
    /// [`super::DbError::Nul`] for a key with a NUL; otherwise when the database fails or the row is corrupt.
    pub async fn begin_idempotent(&self, key: &IdempotencyKey, body_sha256: B256, now_us: i64) -> Result<Begun> {
        let request_key = storable("request_key", &key.key)?;
        loop {
            let inserted = sqlx::query(
                "INSERT INTO idempotency (user_address, route, request_key, body_sha256, state, created_at_us)
                 VALUES ($1, $2, $3, $4, 'in_flight', $5)
                 ON CONFLICT (user_address, route, request_key) DO NOTHING",
            )
            .bind(key.user.to_string())
            .bind(key.route.clone())
            .bind(request_key.clone())
            .bind(body_sha256.hex())
            .bind(now_us)
            .execute(&self.writers)
            .await?;
            if inserted.rows_affected() == 1 {
                return Ok(Begun::Fresh);
            }
            let row = sqlx::query(select!("WHERE user_address = $1 AND route = $2 AND request_key = $3"))
                .bind(key.user.to_string())
                .bind(key.route.clone())
                .bind(key.key.clone())
                .fetch_optional(&self.readers)
                .await?;
            // Abandoned or purged between the two statements: then this one may be the first.
            if let Some(row) = row {
                return begun(&row, body_sha256);
            }
        }
    }

    /// Keeps the answer: `in_flight → done`. False when the request is not being worked on (released by a restart, for
    /// instance): the answer is then given but not kept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_idempotent(&self, key: &IdempotencyKey, response: &KeptResponse) -> Result<bool> {
        let headers = serde_json::json!(response.headers);
        let result = sqlx::query(
            "UPDATE idempotency SET state = 'done', status = $4, response_headers = $5, response_body = $6,
                 payload_sha256 = $7
             WHERE user_address = $1 AND route = $2 AND request_key = $3 AND state = 'in_flight'",
        )
        .bind(key.user.to_string())
        .bind(key.route.clone())
        .bind(key.key.clone())
        .bind(i64::from(response.status))
        .bind(headers.to_string())
        .bind(BASE64.encode(&response.body))
        .bind(response.payload_sha256.map(|digest| digest.hex()))
        .execute(&self.writers)
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// A sign of life: what is in flight began, as it were, now. False when it is not being worked on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn touch_idempotent(&self, key: &IdempotencyKey, now_us: i64) -> Result<bool> {
        let result = sqlx::query(
            "UPDATE idempotency SET created_at_us = $4
             WHERE user_address = $1 AND route = $2 AND request_key = $3 AND state = 'in_flight'",
        )
        .bind(key.user.to_string())
        .bind(key.route.clone())
        .bind(key.key.clone())
        .bind(now_us)
        .execute(&self.writers)
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// Gives up a request that has no answer worth keeping; the next one with its key is fresh. False when it was not
    /// being worked on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn abandon_idempotent(&self, key: &IdempotencyKey) -> Result<bool> {
        let result = sqlx::query(
            "DELETE FROM idempotency
             WHERE user_address = $1 AND route = $2 AND request_key = $3 AND state = 'in_flight'",
        )
        .bind(key.user.to_string())
        .bind(key.route.clone())
        .bind(key.key.clone())
        .execute(&self.writers)
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// Forgets answers to requests that began before a time; returns how many. What is in flight stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge_idempotent(&self, begun_before_us: i64) -> Result<u64> {
        let result = sqlx::query("DELETE FROM idempotency WHERE created_at_us < $1 AND state = 'done'")
            .bind(begun_before_us)
            .execute(&self.writers)
            .await?;
        Ok(result.rows_affected())
    }

    /// At a restart: releases requests that began before a time and that nobody works on any more; returns how many.
    /// A single instance passes the present; with several, a time older than any request may last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_idempotent(&self, begun_before_us: i64) -> Result<u64> {
        let result = sqlx::query("DELETE FROM idempotency WHERE created_at_us < $1 AND state = 'in_flight'")
            .bind(begun_before_us)
            .execute(&self.writers)
            .await?;
        Ok(result.rows_affected())
    }
}

fn begun(row: &AnyRow, body_sha256: B256) -> Result<Begun> {
    let columns = Columns::new(row, "idempotency", "request_key");
    if columns.parsed::<B256>("body_sha256")? != body_sha256 {
        return Ok(Begun::OtherBody);
    }
    if columns.state::<IdempotencyState>("state")? == IdempotencyState::InFlight {
        return Ok(Begun::InFlight);
    }
    let status = columns.integer("status")?;
    let headers = columns.json("response_headers")?;
    Ok(Begun::SameDone(KeptResponse {
        status: u16::try_from(status).map_err(|error| columns.corrupt("status", error))?,
        headers: serde_json::from_value(headers).map_err(|error| columns.corrupt("response_headers", error))?,
        body: BASE64.decode(columns.text("response_body")?).map_err(|error| columns.corrupt("response_body", error))?,
        payload_sha256: columns.optional_parsed("payload_sha256")?,
    }))
}
