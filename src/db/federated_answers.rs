//! `federated_answers` and `federated_refusals`: what Front Ends sent in a round of federated learning, and what of it was
//! refused at once. One answer for each Front End and round; the same model twice is refused by the schema.

use alloy::primitives::{B256, Bytes};
use serde_json::{Value, json};
use sqlx::{AnyConnection, any::AnyRow};
use uuid::Uuid;

use super::{
    Database, Result,
    columns::{Columns, Hex, exactly_one, storable},
    federated_rounds::samples,
    state::{State as _, states},
};
use crate::domain::ids::{AihDataId, UserId};

states! {
    /// What became of an answer.
    AnswerState in "federated_answers" {
        /// It waits for the end of its round.
        Received = "received",
        /// The new model was made of it, among others.
        Used = "used",
        /// It was not; why is said.
        LeftOut = "left_out",
    }
}

/// A row of `federated_answers`.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerRow {
    /// The round.
    pub round: Uuid,
    /// The End User whose Front End it is.
    pub front_end: UserId,
    /// SHA-256 of the model's bytes.
    pub digest: B256,
    /// Places of its tensors.
    pub layout: Value,
    /// Samples trained on, as the Front End says.
    pub samples: u64,
    /// The data trained on.
    pub items: Vec<AihDataId>,
    /// Quality as the Front End says.
    pub metrics: Value,
    /// The Front End's signature.
    pub signature: Bytes,
    /// What became of it.
    pub state: AnswerState,
    /// Why it was left out.
    pub reason: Option<String>,
    /// Microseconds since 1970.
    pub received_at_us: i64,
}

/// What became of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerEnd {
    /// Whose.
    pub front_end: UserId,
    /// Why it was left out; `None` when it was used.
    pub left_out: Option<String>,
}

/// A row of `federated_refusals`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalRow {
    /// Its ID.
    pub id: Uuid,
    /// The round.
    pub round: Uuid,
    /// The End User whose Front End it is.
    pub front_end: UserId,
    /// Why.
    pub reason: String,
    /// Microseconds since 1970.
    pub refused_at_us: i64,
}

impl AnswerRow {
    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "federated_answers", "front_end");
        let items = serde_json::from_value(columns.json("items")?);
        Ok(Self {
            round: columns.parsed("round_id")?,
            front_end: columns.parsed("front_end")?,
            digest: columns.parsed("digest")?,
            layout: columns.json("layout")?,
            samples: columns.unsigned("sample_count")?,
            items: items.map_err(|error| columns.corrupt("items", error))?,
            metrics: columns.json("metrics")?,
            signature: columns.parsed("signature")?,
            state: columns.state("state")?,
            reason: columns.optional_text("reason")?,
            received_at_us: columns.integer("received_at_us")?,
        })
    }
}

impl Database {
    /// Notes an answer while its round takes answers; false when it does not any more, or has as many as it takes.
    ///
    /// # Errors
    /// [`super::DbError::Taken`] when this Front End answered before, or somebody sent the same model.
    pub async fn insert_answer(&self, answer: &AnswerRow) -> Result<bool> {
        self.retried(|| self.insert_answer_once(answer)).await
    }

    async fn insert_answer_once(&self, answer: &AnswerRow) -> Result<bool> {
        let mut tx = self.begin().await?;
        // Takes the round's row: whoever ends the round waits for this answer, or this answer finds it ended; and of two
        // answers at once the second counts the first.
        let open = sqlx::query(
            "UPDATE federated_rounds SET updated_at_us = updated_at_us
             WHERE round_id = $1 AND state IN ('open', 'collecting')",
        )
        .bind(answer.round.to_string())
        .execute(&mut *tx)
        .await?;
        if open.rows_affected() == 0 {
            return Ok(false);
        }
        let result = sqlx::query(
            "INSERT INTO federated_answers (round_id, front_end, digest, layout, sample_count, items, metrics, signature,
                 state, received_at_us)
             SELECT $1, $2, $3, $4, CAST($5 AS BIGINT), $6, $7, $8, 'received', CAST($9 AS BIGINT) FROM federated_rounds r
             WHERE r.round_id = $1 AND r.state IN ('open', 'collecting')
                 AND (SELECT COUNT(*) FROM federated_answers a WHERE a.round_id = $1) < r.most",
        )
        .bind(answer.round.to_string())
        .bind(answer.front_end.to_string())
        .bind(answer.digest.hex())
        .bind(answer.layout.to_string())
        .bind(samples(answer.samples)?)
        .bind(json!(answer.items).to_string())
        .bind(answer.metrics.to_string())
        .bind(answer.signature.hex())
        .bind(answer.received_at_us)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(result.rows_affected() == 1)
    }

    /// The answers of a round, in the order of their accounts.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_answers(&self, round: Uuid) -> Result<Vec<AnswerRow>> {
        let rows = sqlx::query(
            "SELECT round_id, front_end, digest, layout, sample_count, items, metrics, signature, state, reason,
                 received_at_us
             FROM federated_answers WHERE round_id = $1 ORDER BY front_end",
        )
        .bind(round.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(AnswerRow::read).collect()
    }

    /// Notes that an answer was refused; no more than so many of one Front End in one round, which is all it takes to know.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_refusal(&self, refusal: &RefusalRow, most: u32) -> Result<()> {
        sqlx::query(
            "INSERT INTO federated_refusals (refusal_id, round_id, front_end, reason, refused_at_us)
             SELECT $1, $2, $3, $4, CAST($5 AS BIGINT) FROM federated_rounds r
             WHERE r.round_id = $2
                 AND (SELECT COUNT(*) FROM federated_refusals f WHERE f.round_id = $2 AND f.front_end = $3) < $6",
        )
        .bind(refusal.id.to_string())
        .bind(refusal.round.to_string())
        .bind(refusal.front_end.to_string())
        .bind(storable("reason", &refusal.reason)?)
        .bind(refusal.refused_at_us)
        .bind(i64::from(most))
        .execute(&self.writers)
        .await?;
        Ok(())
    }

    /// The refusals of a round, oldest first, at most so many.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_refusals(&self, round: Uuid, limit: u32) -> Result<Vec<RefusalRow>> {
        let rows = sqlx::query(
            "SELECT refusal_id, round_id, front_end, reason, refused_at_us FROM federated_refusals
             WHERE round_id = $1 ORDER BY refused_at_us, refusal_id LIMIT $2",
        )
        .bind(round.to_string())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        let read = |row: &AnyRow| {
            let columns = Columns::new(row, "federated_refusals", "refusal_id");
            Ok(RefusalRow {
                id: columns.parsed("refusal_id")?,
                round: columns.parsed("round_id")?,
                front_end: columns.parsed("front_end")?,
                reason: columns.text("reason")?,
                refused_at_us: columns.integer("refused_at_us")?,
            })
        };
        rows.iter().map(read).collect()
    }
}

/// Notes what became of an answer, in the transaction that ends its round.
pub(super) async fn end_answer(connection: &mut AnyConnection, round: Uuid, end: &AnswerEnd) -> Result<()> {
    let state = if end.left_out.is_some() { AnswerState::LeftOut } else { AnswerState::Used };
    let result = sqlx::query(
        "UPDATE federated_answers SET state = $3, reason = $4
         WHERE round_id = $1 AND front_end = $2 AND state = 'received'",
    )
    .bind(round.to_string())
    .bind(end.front_end.to_string())
    .bind(state.word())
    .bind(end.left_out.clone())
    .execute(connection)
    .await?;
    exactly_one("federated_answers", result.rows_affected())
}
