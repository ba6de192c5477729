//! Reading an audit from the copy of the register and the rows of the house, page by page, in three passes:
//!
//! 1. every recorded answer about the End User's items in the period, in the chain's order, with what the house made of
//!    it, and every act on their licences or by such an answer;
//! 2. every operation that the house says was executed or permitted in the period and whose answer the first pass did
//!    not meet;
//! 3. what was recorded on a chain that was reset and restored since, and is not on the chain of now.
//!
//! Nothing is held but one page, so an audit of any length can be handed out as it is read.

use alloy::primitives::B128;
use async_stream::try_stream;
use futures_util::Stream;

use super::{
    Scope,
    acts::{is_act, unsealing},
    examine::{Entry, decide, examine},
    history::{Histories, Start},
};
use crate::{
    aims::{AimError, Aims},
    db::{
        Page,
        chain_events::{ChainEventRow, EventName, EventPosition},
        operations::OperationRow,
    },
    licensing::LicensingError,
};

/// Rows read at once.
const PAGE: u32 = 500;

impl Aims {
    /// Everything an opened audit finds.
    pub(super) fn findings(&self, scope: Scope) -> impl Stream<Item = Result<Entry, AimError>> + Send + 'static {
        let aims = self.clone();
        try_stream! {
            let mut histories = Histories::default();
            let mut after = None;
            loop {
                let page = aims.answers(&scope, after).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.position());
                for entry in aims.compare(&scope, &mut histories, &page).await? {
                    yield entry;
                }
            }
            for executed in [true, false] {
                let mut after = None;
                loop {
                    let page = aims.operations_of(&scope, executed, after.as_ref()).await?;
                    for operation in &page.rows {
                        // Those that were executed come with the executed ones.
                        if executed || operation.started_at_us.is_none() {
                            for entry in aims.unmet(&scope, &mut histories, operation).await? {
                                yield entry;
                            }
                        }
                    }
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
            }
            let mut after = None;
            while let Some((entries, next)) = aims.earlier_page(&scope, after).await? {
                after = Some(next);
                for entry in entries {
                    yield entry;
                }
            }
            aims.still_stands(&scope).await?;
        }
    }

    async fn answers(&self, scope: &Scope, after: Option<EventPosition>) -> Result<Vec<ChainEventRow>, AimError> {
        let (from, until) = (scope.from_s, scope.until_s);
        Ok(match scope.item {
            Some(item) => self.database.list_events_of_items(&[item.hash()], from, until, after, PAGE).await?,
            None => self.database.list_events_of_owner(scope.owner, from, until, after, PAGE).await?,
        })
    }

    async fn operations_of(
        &self,
        scope: &Scope,
        executed: bool,
        after: Option<&crate::db::Cursor>,
    ) -> Result<Page<OperationRow>, AimError> {
        let micros = |seconds: i64| seconds.saturating_mul(1_000_000);
        Ok(if executed {
            let (from, until) = (micros(scope.from_s), micros(scope.until_s));
            self.database.list_executions(scope.owner, from, until, after, PAGE).await?
        } else {
            self.database.list_answered_operations(scope.owner, scope.from_s, scope.until_s, after, PAGE).await?
        })
    }

    async fn compare(
        &self,
        scope: &Scope,
        histories: &mut Histories,
        page: &[ChainEventRow],
    ) -> Result<Vec<Entry>, AimError> {
        let ids: Vec<B128> = page.iter().filter_map(|row| row.confirm_id).collect();
        let operations = self.database.list_operations_by_confirm_ids(&ids).await?;
        let mut entries = Vec::new();
        for row in page {
            if row.event != EventName::LicenceConfirmed {
                entries.extend(self.act_of(scope, histories, row).await?);
                continue;
            }
            let Some(recorded) = histories.recorded(self, row).await? else { continue };
            let name = match row.aih_data {
                Some(hash) => histories.name(self, hash).await?,
                None => None,
            };
            let (Some((item, _)), true) = (name, scope.covers(row, recorded.confirmation.operation)) else { continue };
            let first = self.is_first(row).await?;
            let operation = operations.iter().find(|operation| first && operation.confirm_id == row.confirm_id);
            let decision = decide(item, recorded, operation);
            let unsealed = operation.and_then(|operation| unsealing(&decision, operation));
            entries.push(Entry::Decision(decision));
            entries.extend(unsealed.map(Entry::Act));
            if let Some(operation) = operation {
                let who = (item.hash(), recorded.confirmation.user);
                let register = histories.register(self, who, Some(row.position()), Start::of(operation)).await?;
                entries.extend(examine(operation, Some(&recorded), &register).into_iter().map(Entry::Fault));
            }
        }
        Ok(entries)
    }

    /// Should an ID be recorded twice, the first record is the operation's answer.
    async fn is_first(&self, row: &ChainEventRow) -> Result<bool, AimError> {
        let Some(id) = row.confirm_id else { return Ok(false) };
        let first = self.database.find_event_by_confirm_id(id).await?;
        Ok(first.is_some_and(|first| first.position() == row.position()))
    }

    /// What is wrong with an operation whose answer the first pass did not meet.
    async fn unmet(
        &self,
        scope: &Scope,
        histories: &mut Histories,
        operation: &OperationRow,
    ) -> Result<Vec<Entry>, AimError> {
        let row = match operation.confirm_id {
            Some(id) => self.database.find_event_by_confirm_id(id).await?,
            None => None,
        };
        // An answer above the block the audit reaches is not known to it yet, and neither is what was done under it.
        let row = row.filter(|row| row.block_number <= scope.complete.number);
        if let Some(row) = &row
            && let Some(recorded) = histories.recorded(self, row).await?
        {
            let owner = match row.aih_data {
                Some(hash) => histories.name(self, hash).await?.map(|(_, owner)| owner),
                None => None,
            };
            if owner == Some(scope.owner) && scope.covers(row, recorded.confirmation.operation) {
                return Ok(Vec::new());
            }
        }
        if !scope.concerns(operation) {
            return Ok(Vec::new());
        }
        if row.is_none()
            && !is_act(operation)
            && let Some(entries) = self.faults_of_earlier_chain(operation).await?
        {
            return Ok(entries);
        }
        if self.is_newer(scope, operation).await? {
            return Ok(Vec::new());
        }
        if is_act(operation) {
            return self.noted_act(scope, operation).await;
        }
        let recorded = match &row {
            Some(row) => histories.recorded(self, row).await?,
            None => None,
        };
        let who = (operation.aih_data_id.hash(), operation.requester.address());
        let at = row.as_ref().map(ChainEventRow::position);
        let register = histories.register(self, who, at, Start::of(operation)).await?;
        Ok(examine(operation, recorded.as_ref(), &register).into_iter().map(Entry::Fault).collect())
    }

    /// Answered, as the row says, after the block the audit reaches: a later audit sees it. A block that the chain does
    /// not have yet is no excuse.
    async fn is_newer(&self, scope: &Scope, operation: &OperationRow) -> Result<bool, AimError> {
        match operation.answer {
            Some(answer) if answer.evidence.block_number > scope.complete.number => {
                let head = self.licensing.node().head().await.map_err(LicensingError::from)?;
                Ok(answer.evidence.block_number <= head.number)
            }
            _ => Ok(false),
        }
    }
}
