//! `federated_rounds`: rounds of federated learning.
//!
//! ```text
//! insert ─▶ open ──first answer──▶ collecting ──enough, or deadline──▶ aggregating ─┬─▶ promoted   a new model
//!            │                         │                                            └─▶ rejected   none: why is said
//!            └──deadline──▶ expired ◀──┘ too few answers
//! ```
//!
//! A restart goes on where a round stood: one that collects collects on, one that aggregates is aggregated again, from
//! the same answers and with licences confirmed anew.

use alloy::primitives::B256;
use serde_json::Value;
use sqlx::{AnyConnection, any::AnyRow};
use uuid::Uuid;

use super::{
    Database, Result, Transition,
    columns::{Columns, bigint, exactly_one, step_in},
    federated_answers::AnswerEnd,
    models::{ModelRow, add_model},
    notices::{Call, NewNotice, append_calls, append_notices},
    state::states,
};
use crate::domain::{
    ids::UserId,
    taxonomy::{Usage, Word},
};

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT round_id, lineage, round_number, base_model, front_end, least, most, deadline_s, aggregation, \
             usage_word, parameters, state, rho, result_model, score_before, score_after, reason, opened_by, \
             created_at_us, updated_at_us \
             FROM federated_rounds ",
            $tail
        )
    };
}

states! {
    /// How far a round has come.
    RoundState in "federated_rounds" {
        /// Asked; nobody has answered.
        Open = "open",
        /// There are answers.
        Collecting = "collecting",
        /// No more answers are taken; the model is being made.
        Aggregating = "aggregating",
        /// The model stands in the Store.
        Promoted = "promoted",
        /// There is no model.
        Rejected = "rejected",
        /// The deadline passed with too few answers.
        Expired = "expired",
    }
}

/// A row of `federated_rounds`.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundRow {
    /// Its ID: the `FederatedLearnID` of all its messages.
    pub id: Uuid,
    /// Lineage of its models.
    pub lineage: Uuid,
    /// Place among the rounds of the lineage, from 1.
    pub number: u32,
    /// Model it starts from.
    pub base_model: Uuid,
    /// The one Front End asked; `None` for all.
    pub front_end: Option<UserId>,
    /// Fewest answers.
    pub least: u32,
    /// So many answers end it.
    pub most: u32,
    /// Seconds since 1970.
    pub deadline_s: i64,
    /// Rule.
    pub aggregation: String,
    /// Usage the licences are asked for.
    pub usage: Usage,
    /// Parameters of the request.
    pub parameters: Value,
    /// How far it has come.
    pub state: RoundState,
    /// zCDP spent by it.
    pub rho: f64,
    /// Model it made.
    pub result_model: Option<Uuid>,
    /// Accuracy of the base on the held-out data.
    pub score_before: Option<f64>,
    /// Accuracy of the result.
    pub score_after: Option<f64>,
    /// Why there is no result.
    pub reason: Option<String>,
    /// Who started it.
    pub opened_by: UserId,
    /// Microseconds since 1970.
    pub created_at_us: i64,
    /// Last change of state, microseconds since 1970.
    pub updated_at_us: i64,
}

/// How a round ended.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundEnd {
    /// `Promoted`, `Rejected` or `Expired`.
    pub state: RoundState,
    /// The new model in its formats, the one trained on first; empty unless promoted.
    pub models: Vec<ModelRow>,
    /// Accuracy of base and result on the held-out data.
    pub scores: Option<(f64, f64)>,
    /// Why there is no result.
    pub reason: Option<String>,
    /// What became of each answer.
    pub answers: Vec<AnswerEnd>,
    /// Who is told.
    pub notices: Vec<NewNotice>,
}

const STATE: &str = "SELECT state FROM federated_rounds WHERE round_id = $1";

impl RoundRow {
    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "federated_rounds", "round_id");
        let number = |column| -> Result<u32> {
            u32::try_from(columns.integer(column)?).map_err(|error| columns.corrupt(column, error))
        };
        Ok(Self {
            id: columns.parsed("round_id")?,
            lineage: columns.parsed("lineage")?,
            number: number("round_number")?,
            base_model: columns.parsed("base_model")?,
            front_end: columns.optional_parsed("front_end")?,
            least: number("least")?,
            most: number("most")?,
            deadline_s: columns.integer("deadline_s")?,
            aggregation: columns.text("aggregation")?,
            usage: columns.word("usage_word")?,
            parameters: columns.json("parameters")?,
            state: columns.state("state")?,
            rho: columns.double("rho")?,
            result_model: columns.optional_parsed("result_model")?,
            score_before: columns.optional_double("score_before")?,
            score_after: columns.optional_double("score_after")?,
            reason: columns.optional_text("reason")?,
            opened_by: columns.parsed("opened_by")?,
            created_at_us: columns.integer("created_at_us")?,
            updated_at_us: columns.integer("updated_at_us")?,
        })
    }
}

impl Database {
    /// Opens a round and tells whoever is asked, both or neither.
    ///
    /// # Errors
    /// [`super::DbError::Taken`] for an ID in use, a number taken meanwhile, or a lineage that has an unfinished round.
    pub async fn insert_round(&self, round: &RoundRow, call: &Call) -> Result<()> {
        let mut tx = self.begin().await?;
        let result = sqlx::query(
            "INSERT INTO federated_rounds (round_id, lineage, round_number, base_model, front_end, least, most,
                 deadline_s, aggregation, usage_word, parameters, state, rho, opened_by, created_at_us, updated_at_us)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'open', 0.0, $12, $13, $13)",
        )
        .bind(round.id.to_string())
        .bind(round.lineage.to_string())
        .bind(i64::from(round.number))
        .bind(round.base_model.to_string())
        .bind(round.front_end.map(|user| user.to_string()))
        .bind(i64::from(round.least))
        .bind(i64::from(round.most))
        .bind(round.deadline_s)
        .bind(round.aggregation.clone())
        .bind(round.usage.word())
        .bind(round.parameters.to_string())
        .bind(round.opened_by.to_string())
        .bind(round.created_at_us)
        .execute(&mut *tx)
        .await?;
        exactly_one("federated_rounds", result.rows_affected())?;
        append_calls(&mut tx, std::slice::from_ref(call)).await?;
        Ok(tx.commit().await?)
    }

    /// The round with this ID.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_round(&self, id: Uuid) -> Result<Option<RoundRow>> {
        let row =
            sqlx::query(select!("WHERE round_id = $1")).bind(id.to_string()).fetch_optional(&self.readers).await?;
        row.as_ref().map(RoundRow::read).transpose()
    }

    /// The last rounds of a lineage, newest first.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_rounds_of_lineage(&self, lineage: Uuid, limit: u32) -> Result<Vec<RoundRow>> {
        let rows = sqlx::query(select!("WHERE lineage = $1 ORDER BY round_number DESC LIMIT $2"))
            .bind(lineage.to_string())
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(RoundRow::read).collect()
    }

    /// zCDP spent by all rounds of a lineage.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn spent_rho(&self, lineage: Uuid) -> Result<f64> {
        let rows = sqlx::query("SELECT round_id, rho FROM federated_rounds WHERE lineage = $1 ORDER BY round_number")
            .bind(lineage.to_string())
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(|row| Columns::new(row, "federated_rounds", "round_id").double("rho")).sum()
    }

    /// Rounds that have not ended, the nearest deadline first; there is at most one for each lineage.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_unfinished_rounds(&self) -> Result<Vec<RoundRow>> {
        let rows = sqlx::query(select!(
            "WHERE state IN ('open', 'collecting', 'aggregating') AND deadline_s >= $1
             ORDER BY deadline_s, round_id LIMIT 1000"
        ))
        .bind(0_i64)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(RoundRow::read).collect()
    }

    /// `open → collecting`; one that collects already is left as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_collecting(&self, id: Uuid, at_us: i64) -> Result<()> {
        sqlx::query("UPDATE federated_rounds SET state = 'collecting', updated_at_us = $2 WHERE round_id = $1 AND state = 'open'")
            .bind(id.to_string())
            .bind(at_us)
            .execute(&self.writers)
            .await?;
        Ok(())
    }

    /// `open | collecting → aggregating`, with what it spends of the privacy budget. Of several callers one succeeds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_aggregating(&self, id: Uuid, rho: f64, at_us: i64) -> Result<Transition<RoundState>> {
        let update = sqlx::query(
            "UPDATE federated_rounds SET state = 'aggregating', rho = $2, updated_at_us = $3
             WHERE round_id = $1 AND state IN ('open', 'collecting')",
        );
        let update = update.bind(id.to_string()).bind(rho).bind(at_us);
        self.step(update, STATE, &id.to_string()).await
    }

    /// Ends a round: its state, its models, what became of its answers and who is told, all or nothing. `aggregating`: from
    /// there, or before it came so far; another instance may have moved it since it was read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_round(
        &self,
        id: Uuid,
        aggregating: bool,
        end: &RoundEnd,
        at_us: i64,
    ) -> Result<Transition<RoundState>> {
        let mut tx = self.begin().await?;
        for model in &end.models {
            add_model(&mut tx, model).await?;
        }
        let update = sqlx::query(
            "UPDATE federated_rounds SET state = $2, result_model = $3, reason = $4, updated_at_us = $5
             WHERE round_id = $1 AND (state = 'aggregating') = $6 AND state IN ('open', 'collecting', 'aggregating')",
        )
        .bind(id.to_string())
        .bind(super::State::word(end.state))
        .bind(end.models.first().map(|model| model.id.to_string()))
        .bind(end.reason.clone())
        .bind(at_us)
        .bind(aggregating);
        let moved = step_in(&mut tx, update, STATE, &id.to_string()).await?;
        if !moved.is_done() {
            return Ok(moved);
        }
        if let Some(scores) = end.scores {
            set_scores(&mut tx, id, scores).await?;
        }
        for answer in &end.answers {
            super::federated_answers::end_answer(&mut tx, id, answer).await?;
        }
        append_notices(&mut tx, &end.notices).await?;
        tx.commit().await?;
        Ok(moved)
    }

    /// Digests of the answers of a round, to remove their files.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn answer_digests(&self, round: Uuid) -> Result<Vec<B256>> {
        Ok(self.list_answers(round).await?.into_iter().map(|answer| answer.digest).collect())
    }

    /// How many answers a round has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_answers(&self, round: Uuid) -> Result<u64> {
        let row = sqlx::query("SELECT COUNT(*) AS answers FROM federated_answers WHERE round_id = $1")
            .bind(round.to_string())
            .fetch_one(&self.readers)
            .await?;
        Columns::new(&row, "federated_answers", "answers").unsigned("answers")
    }
}

/// A statement of its own, which never binds a NULL: for the driver a NULL `f64` is one of 4 bytes, and a connection keeps
/// the statement as it was first prepared, so that PostgreSQL would refuse the first number after a NULL.
async fn set_scores(connection: &mut AnyConnection, id: Uuid, scores: (f64, f64)) -> Result<()> {
    let result = sqlx::query("UPDATE federated_rounds SET score_before = $2, score_after = $3 WHERE round_id = $1")
        .bind(id.to_string())
        .bind(scores.0)
        .bind(scores.1)
        .execute(connection)
        .await?;
    exactly_one("federated_rounds", result.rows_affected())
}

/// Kept here because rounds and answers share it.
pub(super) fn samples(count: u64) -> Result<i64> {
    bigint("sample_count", count)
}
