//! Moves of `operations` from state to state; the drawing is in [`super::operations`].

use alloy::primitives::B128;
use uuid::Uuid;

use super::{
    Database, DbError, Result, Transition,
    columns::{Hex, Statement, bigint, storable},
    operations::{Answer, NewOperation, OperationState, Requested},
};
use crate::domain::{ids::AihDataId, taxonomy::Word};

/// How an operation ended without a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Stable word.
    pub kind: String,
    /// For people; never health data.
    pub text: String,
}

const STATE: &str = "SELECT state FROM operations WHERE operation_id = $1";

impl Database {
    /// Records that an operation is asked for. The same message of the same requester finds the first row; whether it
    /// says the same is for the caller to compare.
    ///
    /// # Errors
    /// [`DbError::Taken`] for an operation ID or confirm ID in use, [`DbError::Nul`] for a message ID with a NUL.
    pub async fn insert_operation(&self, new: &NewOperation) -> Result<Requested> {
        let message_id = new.message_id.as_deref().map(|text| storable("message_id", text)).transpose()?;
        let changed = sqlx::query(
            "INSERT INTO operations (operation_id, kind, message_id, requester, user_class, aih_data_id, owner,
                 operation, usage_word, intended_at_s, parameters, confirm_id, state, progress, created_at_us,
                 updated_at_us)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'requested', 0, $13, $13)
             ON CONFLICT (requester, message_id) DO NOTHING",
        )
        .bind(new.id.to_string())
        .bind(super::State::word(new.kind))
        .bind(message_id)
        .bind(new.requester.to_string())
        .bind(new.user_class.map(Word::word))
        .bind(new.aih_data_id.to_string())
        .bind(new.owner.map(|owner| owner.to_string()))
        .bind(new.operation.word())
        .bind(new.usage.word())
        .bind(new.intended_at_s)
        .bind(new.parameters.to_string())
        .bind(new.confirm_id.as_ref().map(Hex::hex))
        .bind(new.created_at_us)
        .execute(&self.writers)
        .await?
        .rows_affected();
        if changed == 1 {
            return Ok(Requested::New);
        }
        let existing = match &new.message_id {
            Some(message_id) => self.find_operation_by_message(new.requester, message_id).await?,
            None => None,
        };
        let existing = existing.ok_or(DbError::Affected { table: "operations", changed, expected: 1 })?;
        Ok(Requested::Existing(Box::new(existing)))
    }

    async fn step_operation(&self, id: Uuid, update: Statement) -> Result<Transition<OperationState>> {
        self.step(update, STATE, &id.to_string()).await
    }

    /// Records the chain's answer: `requested → confirmed`, or `→ denied` when a term fails.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn answer_operation(&self, id: Uuid, answer: &Answer, at_us: i64) -> Result<Transition<OperationState>> {
        let update = answered(id, answer, at_us)?;
        self.step_operation(id, update).await
    }

    /// Data is about to be touched: `confirmed → running`, and again `running → running` after a restart; the first
    /// start is what the audit sees. `head` is the highest block known: it tells what came before on the chain better than
    /// two clocks do.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start_operation(&self, id: Uuid, at_us: i64, head: u64) -> Result<Transition<OperationState>> {
        let update = sqlx::query(
            "UPDATE operations SET state = 'running', started_at_us = COALESCE(started_at_us, $2),
                 started_block = COALESCE(started_block, $3), updated_at_us = $2
             WHERE operation_id = $1 AND state IN ('confirmed', 'running')",
        )
        .bind(id.to_string())
        .bind(at_us)
        .bind(bigint("started_block", head)?);
        self.step_operation(id, update).await
    }

    /// Says how far a `running` operation is, 0 to 1; it never goes back. Also a sign of life: without one for long enough
    /// the operation is taken back.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn progress_operation(&self, id: Uuid, progress: f64, at_us: i64) -> Result<Transition<OperationState>> {
        // NaN is no progress.
        let progress = if progress.is_nan() { 0.0 } else { progress.clamp(0.0, 1.0) };
        let update = sqlx::query(
            "UPDATE operations SET progress = CASE WHEN $2 > progress THEN $2 ELSE progress END, updated_at_us = $3
             WHERE operation_id = $1 AND state = 'running'",
        )
        .bind(id.to_string())
        .bind(progress)
        .bind(at_us);
        self.step_operation(id, update).await
    }

    /// Names the item that a running operation is about to have licensed, by the operation's Licence Confirm. Whoever takes
    /// the operation back then finds what it made. `Refused` for an operation that was taken back already: it makes
    /// nothing any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn name_result(
        &self,
        confirm_id: B128,
        result: AihDataId,
        at_us: i64,
    ) -> Result<Transition<OperationState>> {
        let update = sqlx::query(
            "UPDATE operations SET result_id = $2, updated_at_us = $3 WHERE confirm_id = $1 AND state = 'running'",
        )
        .bind(confirm_id.hex())
        .bind(result.to_string())
        .bind(at_us);
        self.step(update, "SELECT state FROM operations WHERE confirm_id = $1", &confirm_id.hex()).await
    }

    /// It is done and its result may be handed out: `running → done`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_operation(
        &self,
        id: Uuid,
        result: Option<AihDataId>,
        at_us: i64,
    ) -> Result<Transition<OperationState>> {
        let update = sqlx::query(
            "UPDATE operations SET state = 'done', progress = 1, result_id = $2, updated_at_us = $3,
                 finished_at_us = $3
             WHERE operation_id = $1 AND state = 'running'",
        )
        .bind(id.to_string())
        .bind(result.map(|result| result.to_string()))
        .bind(at_us);
        self.step_operation(id, update).await
    }

    /// It ended by an error: from `requested`, `confirmed` or `running` to `failed`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fail_operation(&self, id: Uuid, failure: &Failure, at_us: i64) -> Result<Transition<OperationState>> {
        let update = sqlx::query(
            "UPDATE operations SET state = 'failed', error_kind = $2, error_text = $3, updated_at_us = $4,
                 finished_at_us = $4
             WHERE operation_id = $1 AND state IN ('requested', 'confirmed', 'running')",
        );
        self.step_operation(id, ended(update, id, failure, at_us)).await
    }

    /// It was executed, but the result must not be handed out (the licence fell meanwhile, for instance):
    /// `running → withheld`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn withhold_operation(
        &self,
        id: Uuid,
        failure: &Failure,
        at_us: i64,
    ) -> Result<Transition<OperationState>> {
        let update = sqlx::query(
            "UPDATE operations SET state = 'withheld', error_kind = $2, error_text = $3, updated_at_us = $4,
                 finished_at_us = $4
             WHERE operation_id = $1 AND state = 'running'",
        );
        self.step_operation(id, ended(update, id, failure, at_us)).await
    }

    /// It is taken back: from `requested`, `confirmed` or `running` to `undone`. What it made must be gone before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn undo_operation(&self, id: Uuid, failure: &Failure, at_us: i64) -> Result<Transition<OperationState>> {
        let update = sqlx::query(
            "UPDATE operations SET state = 'undone', error_kind = $2, error_text = $3, updated_at_us = $4,
                 finished_at_us = $4
             WHERE operation_id = $1 AND state IN ('requested', 'confirmed', 'running')",
        );
        self.step_operation(id, ended(update, id, failure, at_us)).await
    }
}

fn answered(id: Uuid, answer: &Answer, at_us: i64) -> Result<Statement> {
    let permitted = answer.verdict.is_permitted();
    let evidence = &answer.evidence;
    let update = sqlx::query(
        "UPDATE operations SET state = $2, verdict = $3, licence = $4, tx_hash = $5, block_number = $6,
             block_hash = $7, log_index = $8, confirmed_at_s = $9, updated_at_us = $10, finished_at_us = $11
         WHERE operation_id = $1 AND state = 'requested'",
    )
    .bind(id.to_string())
    .bind(if permitted { "confirmed" } else { "denied" })
    .bind(i64::from(answer.verdict.bits()))
    .bind(answer.licence.as_ref().map(Hex::hex))
    .bind(evidence.tx_hash.hex())
    .bind(bigint("block_number", evidence.block_number)?)
    .bind(evidence.block_hash.hex())
    .bind(bigint("log_index", evidence.log_index)?)
    .bind(evidence.confirmed_at_s)
    .bind(at_us)
    .bind((!permitted).then_some(at_us));
    Ok(update)
}

fn ended(update: Statement, id: Uuid, failure: &Failure, at_us: i64) -> Statement {
    // A failure must be recorded whatever its words are, so a NUL in them is left out.
    let text = failure.text.replace('\0', "");
    update.bind(id.to_string()).bind(failure.kind.clone()).bind(text).bind(at_us)
}
