//! What was recorded on a chain that is gone and was restored since: told as that, with the receipt that is kept, and not
//! as an operation nobody ever permitted.
//!
//! | The chain of now | The copy held it of an earlier one | The chain was restored since | Then |
//! | --- | --- | --- | --- |
//! | holds the answer | | | a decision |
//! | does not | no | | `NoConfirmation` |
//! | does not | yes | no | `NoConfirmation`: nobody has said that this chain follows the other |
//! | does not | yes | yes | told, once however many chains held it, as recorded on an earlier chain; what was not covered *then* is a non-conformity as ever |

use uuid::Uuid;

use super::{
    Scope,
    acts::done,
    examine::{Earlier, Entry, decide, examine, fault},
    history::{Histories, Start, evidence, kind},
};
use crate::{
    aims::{AimError, Aims},
    db::{
        chain_events::ChainEventRow,
        earlier_events::{EarlierEventRow, EarlierPosition},
        operation_acts::act_id,
        operations::OperationRow,
    },
    domain::{
        ids::{AihDataId, UserId},
        licence_event::LicenceEventKind as Kind,
    },
    schema::wire::{NonConformityKind, ProcessingStatus},
};

/// Events read at once.
const PAGE: u32 = 500;

impl Aims {
    /// What was wrong with an operation whose answer, or act, this chain does not hold, when an earlier one did; `None`
    /// when none did, or none was restored since.
    pub(super) async fn faults_of_earlier_chain(
        &self,
        operation: &OperationRow,
    ) -> Result<Option<Vec<Entry>>, AimError> {
        let kept = match operation.confirm_id {
            Some(id) => self.database.find_earlier_answer(id).await?,
            None => self.earlier_act(operation.aih_data_id, operation.id).await?,
        };
        let Some(kept) = kept else { return Ok(None) };
        if self.restored_since(&kept.event).await?.is_none() {
            return Ok(None);
        }
        let mut histories = Histories::of_earlier(kept.ended_at_us);
        let Some(recorded) = histories.recorded(self, &kept.event).await? else {
            return Ok(Some(other_actor(operation, &kept)?.into_iter().collect()));
        };
        let who = (operation.aih_data_id.hash(), operation.requester.address());
        let at = Some(kept.event.position());
        let register = histories.register(self, who, at, Start::of(operation)).await?;
        Ok(Some(examine(operation, Some(&recorded), &register).into_iter().map(Entry::Fault).collect()))
    }

    /// When the chain was restored that came after an event's, in microseconds since 1970.
    async fn restored_since(&self, event: &ChainEventRow) -> Result<Option<i64>, AimError> {
        Ok(self.database.find_restoration_after(event.timestamp_s.saturating_mul(1_000_000)).await?)
    }

    /// The first event of an earlier chain that an act was.
    async fn earlier_act(&self, item: AihDataId, act: Uuid) -> Result<Option<EarlierEventRow>, AimError> {
        for row in self.database.list_earlier_licence_events(item.hash()).await? {
            if let Some((done, licence, _)) = done(&kind(&row.event)?)
                && act_id(done, item, Some(licence)) == act
            {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// A page of what earlier chains held of the items an audit covers, and where the next begins; `None` at the end.
    pub(super) async fn earlier_page(
        &self,
        scope: &Scope,
        after: Option<EarlierPosition>,
    ) -> Result<Option<(Vec<Entry>, EarlierPosition)>, AimError> {
        let item = scope.item.map(|item| item.hash());
        let period = (scope.from_s, scope.until_s);
        let page = self.database.list_earlier_events_of_owner((scope.owner, item), period, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        let (next, mut entries) = (last.position(), Vec::new());
        for row in &page {
            entries.extend(self.earlier_entry(scope, row).await?.map(Entry::Earlier));
        }
        Ok(Some((entries, next)))
    }

    /// What an event of an earlier chain is told as; `None` when the chain of now holds it too.
    async fn earlier_entry(&self, scope: &Scope, kept: &EarlierEventRow) -> Result<Option<Earlier>, AimError> {
        let Some(restored_at_us) = self.restored_since(&kept.event).await? else { return Ok(None) };
        let Some(hash) = kept.event.aih_data else { return Ok(None) };
        let Some(item) = self.database.find_data_item_by_hash(hash).await? else { return Ok(None) };
        let told = match kind(&kept.event)? {
            Kind::Confirmed(_) => self.earlier_decision(kept, item.id).await?,
            other => self.told_act(kept, &other, (item.id, item.owner)).await?,
        };
        let restored_at_s = restored_at_us.div_euclid(1_000_000);
        let asked_for = told.filter(|told| scope.asks_for(told.operation));
        Ok(asked_for.map(|told| Earlier { restored_at_s, ..told }))
    }

    async fn earlier_decision(&self, kept: &EarlierEventRow, item: AihDataId) -> Result<Option<Earlier>, AimError> {
        let Some(id) = kept.event.confirm_id else { return Ok(None) };
        let recorded = Histories::of_earlier(kept.ended_at_us).recorded(self, &kept.event).await?;
        let Some(recorded) = recorded else { return Ok(None) };
        let first = self.database.find_earlier_answer(id).await?;
        let told_already = first.is_some_and(|first| first.position() != kept.position());
        if told_already || self.database.find_event_by_confirm_id(id).await?.is_some() {
            return Ok(None);
        }
        let operation = self.database.find_operation_by_confirm_id(id).await?;
        let asked = &recorded.confirmation;
        Ok(Some(Earlier {
            item,
            operation: asked.operation,
            at_s: kept.event.timestamp_s,
            requester: Some(UserId::new(self.back_end().chain_id(), asked.user)),
            usage: Some(asked.usage),
            verdict: Some(asked.verdict),
            status: decide(item, recorded, operation.as_ref()).status,
            confirm_id: Some(id),
            evidence: evidence(&kept.event),
            restored_at_s: 0,
        }))
    }

    /// An act that is on the chain of now too was repeated by the restoration.
    async fn told_act(
        &self,
        kept: &EarlierEventRow,
        kept_kind: &Kind,
        (item, owner): (AihDataId, UserId),
    ) -> Result<Option<Earlier>, AimError> {
        let Some((act, licence, by)) = done(kept_kind) else { return Ok(None) };
        let id = act_id(act, item, Some(licence));
        let first = self.earlier_act(item, id).await?;
        let told_already = first.is_some_and(|first| first.position() != kept.position());
        if told_already || self.registered(item, id).await?.is_some() {
            return Ok(None);
        }
        let noted = self.database.find_operation(id).await?;
        let by = by.or_else(|| noted.map(|noted| noted.requester.address()));
        Ok(Some(Earlier {
            item,
            operation: act.operation(),
            at_s: kept.event.timestamp_s,
            requester: by.map(|by| UserId::new(owner.chain_id(), by)),
            usage: None,
            verdict: None,
            status: ProcessingStatus::Executed,
            confirm_id: None,
            evidence: evidence(&kept.event),
            restored_at_s: 0,
        }))
    }
}

/// An act that the earlier chain held of somebody else than the house notes.
fn other_actor(noted: &OperationRow, kept: &EarlierEventRow) -> Result<Option<Entry>, AimError> {
    let by = done(&kind(&kept.event)?).and_then(|(_, _, by)| by);
    let other = by.is_some_and(|by| by != noted.requester.address());
    Ok(other.then(|| Entry::Fault(fault(NonConformityKind::TermsDiffer, noted, None))))
}
