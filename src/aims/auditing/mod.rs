//! **Auditing** (AIH-ADT): tells End Users every decision about their AIH Data, and what was done without one.
//!
//! ```text
//! question ─ open: confirm `Auditing` for each root item ─▶ recorded, permitted ─▶ wait for the index
//!          ─ read: chain against house, page by page ────▶ decisions and non-conformities, complete to a block
//! ```
//!
//! | File | What |
//! | --- | --- |
//! | [`examine`] | the comparison itself, pure |
//! | `acts` | licences issued, derived, changed and withdrawn, items stored and erased |
//! | `erasures` | what an erasure rests on |
//! | `earlier` | what was recorded on a chain that was reset and restored |
//! | `history` | the register as it stood at a moment |
//! | `reading` | pages in, findings out |
//! | [`message`] | the Audit Response |
//! | [`export`] | NDJSON, CSV and FHIR, streamed |
//!
//! An audit is an operation like any other: it has rows, it is confirmed on chain once for each root item it covers, and
//! it shows up in itself. It is complete to the newest block there was after it was confirmed, and refuses with
//! `index-behind` rather than give a clean bill it cannot vouch for.
//!
//! The bounds: at most [`MOST_ROOTS`] root items and, in one message, [`message::MOST_ENTRIES`] findings. Who has more
//! asks item by item (`GET /v1/audit/events?item=…`), or takes an export, which is streamed and has no bound.

mod acts;
mod earlier;
mod erasures;
pub mod examine;
pub mod export;
mod history;
pub mod message;
mod reading;

pub(super) use history::{evidence as event_evidence, kind as event_kind};
use std::time::Duration;

use alloy::primitives::B128;
use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use super::{AimError, Aims};
use crate::{
    db::{
        chain_blocks::BlockRef,
        chain_events::ChainEventRow,
        data_items::DataItemRow,
        operations::{NewOperation, OperationKind, OperationRow},
    },
    domain::{
        ids::{AihDataId, UserId},
        operation::{Operation, Operations},
        taxonomy::Usage,
        verdict::{FailingTerm, Verdict},
    },
    licensing::{
        LicensingError,
        confirm::{Answer, Denial},
        permit::{Permit, Warrant},
        vigil::Doubt,
    },
};

/// Most root items one audit covers: as many as one transaction confirms.
pub const MOST_ROOTS: usize = 500;
/// How long an audit waits for the index to hold its own confirmation.
const INDEX_TIME: Duration = Duration::from_secs(10);
/// Items read at once.
const PAGE: u32 = 200;

/// What an End User wants to know.
#[derive(Debug, Clone)]
pub struct AuditQuestion {
    /// The End User, who asks for themselves.
    pub end_user: UserId,
    /// First second of the period, since 1970.
    pub from_s: i64,
    /// First second after the period.
    pub until_s: i64,
    /// Operations looked for; `None` for all.
    pub operations: Option<Operations>,
    /// One item only.
    pub item: Option<AihDataId>,
}

/// What became of asking for an audit.
#[derive(Debug)]
pub enum Audited {
    /// Confirmed and recorded; to be read.
    Opened(Opened),
    /// The chain recorded a no.
    Denied(Denial),
}

/// An audit that may be read.
#[derive(Debug)]
pub struct Opened {
    scope: Scope,
    _warrants: Vec<Warrant>,
}

/// What an audit covers.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Whose items.
    pub owner: UserId,
    /// First second of the period, since 1970.
    pub from_s: i64,
    /// First second after the period.
    pub until_s: i64,
    /// Operations looked for; `None` for all.
    pub operations: Option<Operations>,
    /// One item only.
    pub item: Option<AihDataId>,
    /// Nothing above this block is told, and nothing up to it is missing.
    pub complete: BlockRef,
}

impl Opened {
    /// What it covers.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl Scope {
    fn asks_for(&self, operation: Operation) -> bool {
        self.operations.is_none_or(|operations| operations.contains(operation))
    }

    /// Whether a recorded answer about one of the owner's items is told.
    fn covers(&self, row: &ChainEventRow, operation: Operation) -> bool {
        let of_item = self.item.is_none_or(|item| row.aih_data == Some(item.hash()));
        let in_period = (self.from_s..self.until_s).contains(&row.timestamp_s);
        of_item && in_period && self.asks_for(operation) && row.block_number <= self.complete.number
    }

    fn concerns(&self, operation: &OperationRow) -> bool {
        let of_item = self.item.is_none_or(|item| operation.aih_data_id == item);
        of_item && self.asks_for(operation.operation)
    }
}

impl Aims {
    /// Has an audit confirmed and recorded for every root item it covers, and waits until the copy of the register holds
    /// everything up to then.
    ///
    /// # Errors
    /// When an item is not the End User's, there are more than [`MOST_ROOTS`], the chain gives no answer, or the index is
    /// behind.
    pub async fn open_audit(&self, question: &AuditQuestion) -> Result<Audited, AimError> {
        self.licensing.vigil().pass().map_err(LicensingError::from)?;
        let roots = self.roots(question).await?;
        let operations: Vec<NewOperation> = roots.iter().map(|root| self.audit_of(question, root)).collect();
        for operation in &operations {
            let _ = self.database.insert_operation(operation).await?;
        }
        let permits = match self.permits(&operations).await? {
            Ok(permits) => permits,
            Err(denial) => return Ok(Audited::Denied(denial)),
        };
        let mut warrants = Vec::with_capacity(permits.len());
        for (permit, operation) in permits {
            warrants.push(self.begin_audit(permit, operation).await?);
        }
        let complete = self.index_up_to(&warrants).await?;
        let AuditQuestion { end_user: owner, from_s, until_s, operations, item } = question.clone();
        Ok(Audited::Opened(Opened {
            scope: Scope { owner, from_s, until_s, operations, item, complete },
            _warrants: warrants,
        }))
    }

    async fn roots(&self, question: &AuditQuestion) -> Result<Vec<AihDataId>, AimError> {
        if let Some(item) = question.item {
            return Ok(vec![self.own_item(question.end_user, item).await?.root]);
        }
        let is_covered = |item: &DataItemRow| item.root == item.id && item.licence.is_some();
        let (mut roots, mut after) = (Vec::new(), None);
        loop {
            let page = self.database.list_data_items(question.end_user, after.as_ref(), PAGE).await?;
            roots.extend(page.rows.iter().filter(|item| is_covered(item)).map(|item| item.id));
            if roots.len() > MOST_ROOTS {
                return Err(AimError::TooMany(format!(
                    "an audit covers at most {MOST_ROOTS} licensed items; ask item by item"
                )));
            }
            after = page.next;
            if after.is_none() {
                return Ok(roots);
            }
        }
    }

    fn audit_of(&self, question: &AuditQuestion, root: &AihDataId) -> NewOperation {
        // A random UUID: the Licence Confirm ID is public on chain and shall not tell one audit's items as neighbours.
        let id = Uuid::new_v4();
        NewOperation {
            id,
            kind: OperationKind::Audit,
            message_id: None,
            requester: question.end_user,
            user_class: Some(crate::domain::taxonomy::UserClass::EndUser),
            aih_data_id: *root,
            owner: Some(question.end_user),
            operation: Operation::Auditing,
            usage: Usage::PatientUse,
            intended_at_s: self.clock.seconds().cast_signed(),
            parameters: json!({}),
            confirm_id: Some(B128::from(id.into_bytes())),
            created_at_us: self.clock.micros(),
        }
    }

    /// All or none: one no, or one question without answer, and nothing is audited. Of an item that the chain knows no
    /// licence of, as one that a restoration had to leave out, it can only say that; the others are audited all the same,
    /// and what the house has on record of this one is told with them.
    async fn permits<'o>(
        &self,
        operations: &'o [NewOperation],
    ) -> Result<Result<Vec<(Permit, &'o NewOperation)>, Denial>, AimError> {
        let answers = join_all(operations.iter().map(|operation| self.ask(operation))).await;
        let unlicensed: Verdict = [FailingTerm::NoLicence].into_iter().collect();
        let (mut permits, mut without, mut denial, mut failure) = (Vec::new(), None, None, None);
        for (answer, operation) in answers.into_iter().zip(operations) {
            match answer {
                Ok(Answer::Permitted(permit)) => permits.push((permit, operation)),
                Ok(Answer::Denied(no)) if no.verdict == unlicensed => without = Some(no),
                Ok(Answer::Denied(no)) => denial = Some(no),
                Err(error) => failure = Some(error),
            }
        }
        let denial = denial.or(without.filter(|_| permits.is_empty()));
        match (failure, denial) {
            (None, None) => Ok(Ok(permits)),
            (Some(error), _) => {
                for operation in operations {
                    self.give_up(operation.id, &error).await;
                }
                Err(error)
            }
            (None, Some(denial)) => {
                for operation in operations {
                    self.give_up(operation.id, &AimError::Conflict("another part of this audit was refused")).await;
                }
                Ok(Err(denial))
            }
        }
    }

    /// The rows end here: what an audit does with the data is to be permitted to read its register.
    async fn begin_audit(&self, permit: Permit, operation: &NewOperation) -> Result<Warrant, AimError> {
        let warrant = self.begin_permitted(permit, operation).await?;
        self.database.finish_operation(operation.id, None, self.clock.micros()).await?.required()?;
        Ok(warrant)
    }

    /// Waits for the index to hold the newest block there is, which includes this audit's own confirmations.
    async fn index_up_to(&self, warrants: &[Warrant]) -> Result<BlockRef, AimError> {
        let node = self.licensing.node();
        let head = node.head().await.map_err(LicensingError::from)?.number;
        let own = warrants.iter().map(|warrant| warrant.grounds().evidence.position.block).max();
        let needed = own.map_or(head, |own| own.max(head));
        let vigil = self.licensing.vigil();
        vigil.indexed_up_to(needed, INDEX_TIME).await.map_err(LicensingError::from)?;
        vigil.pass_for_audit(needed).map_err(LicensingError::from)?;
        let behind = |lag| AimError::from(LicensingError::from(Doubt::IndexBehind(lag)));
        let reached = self.database.find_copied_chain().await?.ok_or_else(|| behind(needed))?.block;
        if reached.number < needed {
            return Err(behind(needed - reached.number));
        }
        let on_chain = node.block(reached.number).await.map_err(LicensingError::from)?;
        match on_chain {
            Some(block) if block.hash == reached.hash => Ok(reached),
            _ => Err(behind(1)),
        }
    }

    /// Whether the copy still reaches the block an audit named: if the chain was reorganised below it while the audit was
    /// read, the audit is worth nothing.
    async fn still_stands(&self, scope: &Scope) -> Result<(), AimError> {
        let kept = self.database.find_block(scope.complete.number).await?;
        let reached = self.database.find_copied_chain().await?.map_or(0, |cursor| cursor.block.number);
        // An empty block that has become old is no longer kept; then it lies too deep for a reorganisation.
        if reached >= scope.complete.number && kept.is_none_or(|block| block.hash == scope.complete.hash) {
            return Ok(());
        }
        Err(LicensingError::from(Doubt::IndexBehind(1)).into())
    }
}
