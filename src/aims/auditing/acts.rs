//! The acts on an End User's items: licences issued, derived, changed and withdrawn, as the chain tells them, with what
//! the house says it did about them; and erasures, which only the house can tell.
//!
//! | Event | Act | Executed when |
//! | --- | --- | --- |
//! | `LicenceIssued` | `Store` | the house noted that it stored the payload |
//! | `LicenceDerived` | `Derive` | the house noted that it stored the result |
//! | `LicenceChanged` | `ChangeLicence` | it stands on chain |
//! | `LicenceRevoked` | `RevokeLicence` | it stands on chain |
//! | – | `Erase` | the house noted it |
//! | `LicenceConfirmed`, a yes to `Retrieve` | `Unseal`, beside the decision | the house says that it opened a way back by it |
//!
//! An act that the house noted and the chain does not hold is a non-conformity: `NoConfirmation`; one that the chain
//! holds of somebody else, `TermsDiffer`.

use alloy::primitives::Address;
use uuid::Uuid;

use super::{
    Scope,
    examine::{Act, Decision, Entry, fault},
    history::{Histories, evidence, kind},
};
use crate::{
    aims::{AimError, Aims},
    db::{
        chain_events::ChainEventRow,
        operation_acts::{Done, act_id},
        operations::{OperationKind, OperationRow, OperationState},
        revocations::RevocationScope as Noted,
    },
    domain::{
        ids::{AihDataId, UserId},
        licence_event::{LicenceEventKind as Kind, RevocationScope},
    },
    schema::wire::{ActKind, NonConformityKind, ProcessingStatus},
};

/// Licence events of one item read at once.
const PAGE: u32 = 500;

/// What an event of the register is the act of: which, under which licence, and by whom where the event says so.
pub(super) fn done(kind: &Kind) -> Option<(Done, Address, Option<Address>)> {
    Some(match kind {
        Kind::Issued { licence, end_user, .. } => (Done::Store, *licence, Some(*end_user)),
        Kind::Derived { licence, .. } => (Done::Derive, *licence, None),
        Kind::Changed { licence, .. } => (Done::ChangeLicence, *licence, None),
        Kind::Revoked { licence, by, scope, .. } => {
            let scope = match scope {
                RevocationScope::BackEnd => Noted::BackEnd,
                RevocationScope::Whole => Noted::Licence,
            };
            (Done::RevokeLicence(scope), *licence, Some(*by))
        }
        Kind::Confirmed(_) | Kind::UserClassSet { .. } | Kind::DerivationRefused { .. } => return None,
    })
}

/// The act as the Audit Response calls it.
fn word(kind: OperationKind) -> Option<ActKind> {
    Some(match kind {
        OperationKind::Store => ActKind::Store,
        OperationKind::Derive => ActKind::Derive,
        OperationKind::ChangeLicence => ActKind::ChangeLicence,
        OperationKind::RevokeLicence => ActKind::RevokeLicence,
        OperationKind::Erase => ActKind::Erase,
        _ => return None,
    })
}

/// The unsealing that a permitted `Retrieve` was asked for, once the way back was handed out. The chain knows nothing but
/// `Retrieve`: that it was this kind of reading is the house's word, resting on the answer recorded there.
pub(super) fn unsealing(decision: &Decision, operation: &OperationRow) -> Option<Act> {
    let unsealed = operation.kind == OperationKind::Unseal
        && operation.state == OperationState::Done
        && decision.status == ProcessingStatus::Executed;
    let (asked, evidence) = (&decision.recorded.confirmation, decision.recorded.evidence);
    unsealed.then(|| Act {
        kind: ActKind::Unseal,
        item: decision.item,
        at_s: evidence.block_time.cast_signed(),
        by: Some(UserId::new(operation.requester.chain_id(), asked.user)),
        licence: Some(asked.licence),
        evidence: Some(evidence),
        status: ProcessingStatus::Executed,
    })
}

/// Whether a row is that of an act, and not of an operation that was asked for.
pub(super) fn is_act(operation: &OperationRow) -> bool {
    operation.confirm_id.is_none() && word(operation.kind).is_some()
}

impl Aims {
    /// The act that an event of the register is; `None` for a decision, or one that was not asked for.
    pub(super) async fn act_of(
        &self,
        scope: &Scope,
        histories: &mut Histories,
        row: &ChainEventRow,
    ) -> Result<Option<Entry>, AimError> {
        let Some((done, licence, by)) = done(&kind(row)?) else { return Ok(None) };
        let Some(hash) = row.aih_data else { return Ok(None) };
        let Some((item, owner)) = histories.name(self, hash).await? else { return Ok(None) };
        let Some(kind) = word(done.kind()).filter(|_| scope.covers(row, done.operation())) else { return Ok(None) };
        let noted = self.database.find_operation(act_id(done, item, Some(licence))).await?;
        let by = match (done, &noted) {
            // Nobody but its End User changes a licence.
            (Done::ChangeLicence, _) => Some(owner.address()),
            (Done::Derive, Some(noted)) => Some(noted.requester.address()),
            _ => by,
        };
        let executed = noted.is_some() || matches!(done, Done::ChangeLicence | Done::RevokeLicence(_));
        Ok(Some(Entry::Act(Act {
            kind,
            item,
            at_s: row.timestamp_s,
            by: by.map(|by| UserId::new(self.back_end().chain_id(), by)),
            licence: Some(licence),
            evidence: Some(evidence(row)),
            status: if executed { ProcessingStatus::Executed } else { ProcessingStatus::Permitted },
        })))
    }

    /// What an act that the house noted adds to those the register tells: an erasure, or that it is not there.
    pub(super) async fn noted_act(&self, scope: &Scope, row: &OperationRow) -> Result<Vec<Entry>, AimError> {
        if row.kind == OperationKind::Erase {
            return Ok(self.erasure(scope, row).await?.into_iter().collect());
        }
        let wrong = match self.registered(row.aih_data_id, row.id).await? {
            None => match self.faults_of_earlier_chain(row).await? {
                Some(entries) => return Ok(entries),
                None => Some(NonConformityKind::NoConfirmation),
            },
            Some(Some(by)) if by != row.requester.address() => Some(NonConformityKind::TermsDiffer),
            Some(_) => None,
        };
        Ok(wrong.map(|kind| Entry::Fault(fault(kind, row, None))).into_iter().collect())
    }

    /// Whether the register holds an act, and by whom where it says so.
    pub(super) async fn registered(&self, item: AihDataId, act: Uuid) -> Result<Option<Option<Address>>, AimError> {
        let mut after = None;
        loop {
            let page = self.database.list_licence_events_of_item(item.hash(), after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(None) };
            after = Some(last.position());
            for row in &page {
                if let Some((done, licence, by)) = done(&kind(row)?)
                    && act_id(done, item, Some(licence)) == act
                {
                    return Ok(Some(by));
                }
            }
        }
    }
}
