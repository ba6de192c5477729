//! `operations`: what was asked of the Back End, what the chain answered, and what was done about it.
//!
//! ```text
//! insert ─▶ requested ──yes──▶ confirmed ──▶ running ──▶ done
//!             │    │               │  │        │ │ │
//!             │    └──no──▶ denied │  │        │ │ └──▶ withheld   executed, result not handed out
//!             ├────────────────────┼──┼────────┘ ▼
//!             ▼                    ▼  └───────▶ failed              nothing usable came of it
//!           failed / undone ◀── undone                              a restart took it back
//! ```
//!
//! The hash of the transaction stands in `transactions` before anybody is answered by it, and here with the answer. No
//! state after a yes exists without the recorded yes; the schema holds that too. Moves are in
//! [`super::operation_steps`], lists in [`super::operation_lists`]; what needs no Licence Confirm is in
//! [`super::operation_acts`].

use alloy::primitives::{Address, B128, B256};
use serde_json::Value;
use sqlx::{AssertSqlSafe, any::AnyRow};
use uuid::Uuid;

use super::{
    Cursor, Database, Result,
    columns::{Columns, Hex, is_storable},
    state::states,
};
use crate::domain::{
    ids::{AihDataId, UserId},
    operation::Operation,
    taxonomy::{Usage, UserClass},
    verdict::Verdict,
};

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select_operation {
    ($tail:literal) => {
        concat!(
            "SELECT operation_id, kind, message_id, requester, user_class, aih_data_id, owner, operation, \
             usage_word, intended_at_s, parameters, confirm_id, state, tx_hash, verdict, licence, \
             block_number, block_hash, log_index, confirmed_at_s, progress, result_id, error_kind, \
             error_text, created_at_us, updated_at_us, started_at_us, started_block, finished_at_us \
             FROM operations ",
            $tail
        )
    };
}

pub(super) use select_operation;

states! {
    /// How far an operation has come.
    OperationState in "operations" {
        /// Asked; the chain has not answered.
        Requested = "requested",
        /// The chain recorded a yes.
        Confirmed = "confirmed",
        /// Data is being touched.
        Running = "running",
        /// Executed, result handed out.
        Done = "done",
        /// The chain recorded a no.
        Denied = "denied",
        /// Ended by an error.
        Failed = "failed",
        /// Executed, but the result was not handed out.
        Withheld = "withheld",
        /// Taken back; nothing was executed, or what was made is gone.
        Undone = "undone",
    }
}

states! {
    /// Which room an operation belongs to.
    OperationKind in "operations" {
        /// An item is stored.
        Store = "Store",
        /// A payload is read.
        Retrieve = "Retrieve",
        /// An item is processed.
        Process = "Process",
        /// An item is de-identified or anonymised.
        DeIdentify = "DeIdentify",
        /// A derived licence is made.
        Derive = "Derive",
        /// Events are audited.
        Audit = "Audit",
        /// Findings are looked for and told.
        Alert = "Alert",
        /// An item is used in Federated Learning.
        FederatedLearn = "FederatedLearn",
        /// A licence is changed.
        ChangeLicence = "ChangeLicence",
        /// A licence is withdrawn.
        RevokeLicence = "RevokeLicence",
        /// An item is erased.
        Erase = "Erase",
        /// The pseudonyms of a treated copy are resolved.
        Unseal = "Unseal",
    }
}

/// An operation being asked for.
#[derive(Debug, Clone)]
pub struct NewOperation {
    /// Its ID.
    pub id: Uuid,
    /// Which room serves it.
    pub kind: OperationKind,
    /// ID inside the message; the same ID from the same requester is the same operation.
    pub message_id: Option<String>,
    /// Who asks; the registry's account for the Back End itself.
    pub requester: UserId,
    /// Their class; `None` for the Back End itself.
    pub user_class: Option<UserClass>,
    /// The item.
    pub aih_data_id: AihDataId,
    /// The item's End User; `None` when the item is unknown.
    pub owner: Option<UserId>,
    /// What for.
    pub operation: Operation,
    /// For which use of the result.
    pub usage: Usage,
    /// Intended time of execution, seconds since 1970.
    pub intended_at_s: i64,
    /// Parameters of the message.
    pub parameters: Value,
    /// Licence Confirm ID, when one will be asked.
    pub confirm_id: Option<B128>,
    /// Microseconds since 1970.
    pub created_at_us: i64,
}

/// Where on chain the answer to a Licence Confirm stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// The transaction that recorded it.
    pub tx_hash: B256,
    /// Block number.
    pub block_number: u64,
    /// Block hash.
    pub block_hash: B256,
    /// Place in the block.
    pub log_index: u64,
    /// Chain time, seconds since 1970.
    pub confirmed_at_s: i64,
}

/// The recorded answer to a Licence Confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Failing terms.
    pub verdict: Verdict,
    /// The licence that was asked; `None` when the item has none.
    pub licence: Option<Address>,
    /// Where it stands.
    pub evidence: Evidence,
}

/// A row of `operations`.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationRow {
    /// Its ID.
    pub id: Uuid,
    /// Which room serves it.
    pub kind: OperationKind,
    /// ID inside the message.
    pub message_id: Option<String>,
    /// Who asked.
    pub requester: UserId,
    /// Their class when they asked; `None` for the Back End itself.
    pub user_class: Option<UserClass>,
    /// The item.
    pub aih_data_id: AihDataId,
    /// The item's End User.
    pub owner: Option<UserId>,
    /// What for.
    pub operation: Operation,
    /// For which use of the result.
    pub usage: Usage,
    /// Intended time of execution, seconds since 1970.
    pub intended_at_s: i64,
    /// Parameters of the message.
    pub parameters: Value,
    /// Licence Confirm ID.
    pub confirm_id: Option<B128>,
    /// How far it has come.
    pub state: OperationState,
    /// The transaction that carries, or carried, the Licence Confirm.
    pub tx_hash: Option<B256>,
    /// The recorded answer, once there is one.
    pub answer: Option<Answer>,
    /// 0 to 1.
    pub progress: f64,
    /// The item that was made; while it runs, the one that is being made.
    pub result_id: Option<AihDataId>,
    /// Stable word for what went wrong.
    pub error_kind: Option<String>,
    /// What went wrong, for people.
    pub error_text: Option<String>,
    /// Microseconds since 1970.
    pub created_at_us: i64,
    /// Last change of any kind, microseconds since 1970.
    pub updated_at_us: i64,
    /// When data was first touched, microseconds since 1970.
    pub started_at_us: Option<i64>,
    /// The highest block this house knew when data was first touched.
    pub started_block: Option<u64>,
    /// When an end state was reached, microseconds since 1970.
    pub finished_at_us: Option<i64>,
}

impl OperationRow {
    pub(super) fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "operations", "operation_id");
        let tx_hash = columns.optional_parsed("tx_hash")?;
        Ok(Self {
            id: columns.parsed("operation_id")?,
            kind: columns.state("kind")?,
            message_id: columns.optional_text("message_id")?,
            requester: columns.parsed("requester")?,
            user_class: columns.optional_word("user_class")?,
            aih_data_id: columns.parsed("aih_data_id")?,
            owner: columns.optional_parsed("owner")?,
            operation: columns.word("operation")?,
            usage: columns.word("usage_word")?,
            intended_at_s: columns.integer("intended_at_s")?,
            parameters: columns.json("parameters")?,
            confirm_id: columns.optional_parsed("confirm_id")?,
            state: columns.state("state")?,
            tx_hash,
            answer: read_answer(&columns, tx_hash)?,
            progress: columns.double("progress")?,
            result_id: columns.optional_parsed("result_id")?,
            error_kind: columns.optional_text("error_kind")?,
            error_text: columns.optional_text("error_text")?,
            created_at_us: columns.integer("created_at_us")?,
            updated_at_us: columns.integer("updated_at_us")?,
            started_at_us: columns.optional_integer("started_at_us")?,
            started_block: columns.optional_unsigned("started_block")?,
            finished_at_us: columns.optional_integer("finished_at_us")?,
        })
    }

    pub(super) fn cursor(at: impl Fn(&Self) -> i64) -> impl Fn(&Self) -> Cursor {
        move |operation| Cursor::new(at(operation), operation.id.to_string())
    }
}

/// All columns of the answer are there, or none is.
fn read_answer(columns: &Columns<'_>, tx_hash: Option<B256>) -> Result<Option<Answer>> {
    let Some(bits) = columns.optional_unsigned("verdict")? else { return Ok(None) };
    let verdict = u16::try_from(bits).ok().and_then(|bits| Verdict::from_bits(bits).ok());
    Ok(Some(Answer {
        verdict: verdict.ok_or_else(|| columns.corrupt("verdict", format_args!("{bits} is no set of terms")))?,
        licence: columns.optional_parsed("licence")?,
        evidence: Evidence {
            tx_hash: tx_hash.ok_or_else(|| columns.corrupt("tx_hash", "an answer without a transaction"))?,
            block_number: columns.unsigned("block_number")?,
            block_hash: columns.parsed("block_hash")?,
            log_index: columns.unsigned("log_index")?,
            confirmed_at_s: columns.integer("confirmed_at_s")?,
        },
    }))
}

/// What became of asking for an operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Requested {
    /// A new row, `requested`.
    New,
    /// This requester sent this message before; its row, unchanged, boxed because it is large.
    Existing(Box<OperationRow>),
}

impl Database {
    /// The operation with this ID.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_operation(&self, id: Uuid) -> Result<Option<OperationRow>> {
        let row = sqlx::query(select_operation!("WHERE operation_id = $1"))
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(OperationRow::read).transpose()
    }

    /// The operation this requester asked for by this message.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_operation_by_message(&self, requester: UserId, message_id: &str) -> Result<Option<OperationRow>> {
        if !is_storable(message_id) {
            return Ok(None);
        }
        let row = sqlx::query(select_operation!("WHERE requester = $1 AND message_id = $2"))
            .bind(requester.to_string())
            .bind(message_id)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(OperationRow::read).transpose()
    }

    /// The operation a Licence Confirm was asked for.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_operation_by_confirm_id(&self, confirm_id: B128) -> Result<Option<OperationRow>> {
        let row = sqlx::query(select_operation!("WHERE confirm_id = $1"))
            .bind(confirm_id.hex())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(OperationRow::read).transpose()
    }

    /// The operations these Licence Confirms were asked for, in no order.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_operations_by_confirm_ids(&self, confirm_ids: &[B128]) -> Result<Vec<OperationRow>> {
        const AT_ONCE: usize = 200;
        let mut found = Vec::new();
        for some in confirm_ids.chunks(AT_ONCE) {
            let list: Vec<_> = (1..=some.len()).map(|n| format!("${n}")).collect();
            let all = format!("({})", list.join(", "));
            let statement = select_operation!("WHERE confirm_id IN ($1)").replace("($1)", &all);
            let query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
            let query = some.iter().fold(query, |query, id| query.bind(id.hex()));
            for row in &query.fetch_all(&self.readers).await? {
                found.push(OperationRow::read(row)?);
            }
        }
        Ok(found)
    }
}
