//! What the chain allowed, compared with what the house did. Pure: rows and events in, decisions and non-conformities
//! out.
//!
//! ```text
//! recorded answer ──┬─ operation of the same Licence Confirm ID ─▶ decision: executed, permitted or denied
//!                   └─ none ─────────────────────────────────────▶ decision: permitted or denied
//! operation ─ its recorded answer ─▶ nothing, or in which ways it was not covered
//! ```
//!
//! | Non-conformity | When |
//! | --- | --- |
//! | `NoConfirmation` | executed, or said to be permitted, and the chain holds no such answer, or only a later one |
//! | `Denied` | executed although the chain recorded a no |
//! | `AfterRevocation` `AfterExpiry` `NotYetValid` | the rule, asked at the moment of execution, says so |
//! | `TermsDiffer` | the row of the operation names another user, operation, usage, time or item than was judged |
//! | `EvidenceDiffers` | the row holds another verdict or another place of the answer than the chain |

use alloy::primitives::{Address, B128};

use crate::{
    db::operations::{OperationKind, OperationRow},
    domain::{
        ids::{AihDataId, UserId},
        licence_event::{Confirmation, Evidence},
        operation::Operation,
        register::Register,
        taxonomy::{Usage, UserClass},
        verdict::{FailingTerm, Verdict},
    },
    schema::wire::{ActKind, MessageId, NonConformityKind, ProcessingStatus},
};

/// How far the house's clock and the chain's may be apart, in seconds; the gate refuses to work beyond.
pub(super) const MOST_SKEW_SECONDS: i64 = 30;

/// A recorded answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// What was asked and answered.
    pub confirmation: Confirmation,
    /// Where it stands.
    pub evidence: Evidence,
    /// The requester's class then, as the registry knew it.
    pub class: Option<UserClass>,
}

/// A decision about an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The item.
    pub item: AihDataId,
    /// The recorded answer.
    pub recorded: Recorded,
    /// What came of it.
    pub status: ProcessingStatus,
    /// The round of federated learning it was asked for in, as the house says.
    pub round: Option<MessageId>,
}

/// In which way an operation was not covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// In which way.
    pub kind: NonConformityKind,
    /// The item.
    pub item: AihDataId,
    /// The operation.
    pub operation: Operation,
    /// When it was executed, or else answered, as the house says; seconds since 1970.
    pub at_s: i64,
    /// Who asked.
    pub requester: UserId,
    /// Whether data was touched.
    pub executed: bool,
    /// Licence Confirm ID of the row.
    pub confirm_id: Option<B128>,
    /// The recorded answer that comes nearest.
    pub evidence: Option<Evidence>,
}

/// Something the house did with an item, told by its own name beside the decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// What.
    pub kind: ActKind,
    /// The item.
    pub item: AihDataId,
    /// When, seconds since 1970: chain time, or the house's where the chain does not tell.
    pub at_s: i64,
    /// By whom, or at whose wish; `None` where neither chain nor house says.
    pub by: Option<UserId>,
    /// The licence made, or withdrawn.
    pub licence: Option<Address>,
    /// What it rests on.
    pub evidence: Option<Evidence>,
    /// Whether the house carried it out.
    pub status: ProcessingStatus,
}

/// Something recorded on a chain that is gone, of which only this Back End's copy is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// The item.
    pub item: AihDataId,
    /// What was asked for, or done.
    pub operation: Operation,
    /// When it was recorded, seconds since 1970.
    pub at_s: i64,
    /// Who asked, or did it, where the chain or the house said so.
    pub requester: Option<UserId>,
    /// The usage; `None` for an act.
    pub usage: Option<Usage>,
    /// The answer; `None` for an act.
    pub verdict: Option<Verdict>,
    /// What came of it.
    pub status: ProcessingStatus,
    /// The Licence Confirm; `None` for an act.
    pub confirm_id: Option<B128>,
    /// Where it stood on the chain that is gone.
    pub evidence: Evidence,
    /// When the chain of now was restored, seconds since 1970.
    pub restored_at_s: i64,
}

/// Anything an audit finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A recorded answer.
    Decision(Decision),
    /// An act.
    Act(Act),
    /// Something of a chain that was reset and restored.
    Earlier(Earlier),
    /// An operation that was not covered.
    Fault(Fault),
}

/// The decision a recorded answer is, given the operation it was asked for, when the house has one.
pub fn decide(item: AihDataId, recorded: Recorded, operation: Option<&OperationRow>) -> Decision {
    let status = match operation {
        _ if !recorded.confirmation.verdict.is_permitted() => ProcessingStatus::Denied,
        Some(operation) if operation.started_at_us.is_some() => ProcessingStatus::Executed,
        _ => ProcessingStatus::Permitted,
    };
    Decision { item, recorded, status, round: operation.and_then(round_of) }
}

/// The round in which an item was to be trained on; `None` for any other operation.
fn round_of(operation: &OperationRow) -> Option<MessageId> {
    let is_training = operation.kind == OperationKind::FederatedLearn;
    operation.parameters.get("FederatedLearnID").filter(|_| is_training)?.as_str()?.parse().ok()
}

/// In which ways an operation was not covered; none when all is well. `register` is the register as it stood when the
/// operation was executed.
pub fn examine(operation: &OperationRow, recorded: Option<&Recorded>, register: &Register) -> Vec<Fault> {
    let executed = operation.started_at_us.is_some();
    if !executed && operation.answer.is_none() {
        return Vec::new();
    }
    let mut kinds = Vec::new();
    match recorded {
        Some(recorded) => {
            kinds.extend(differences(operation, recorded));
            if executed {
                kinds.extend(uncovered(operation, recorded, register));
            }
        }
        None => kinds.push(NonConformityKind::NoConfirmation),
    }
    kinds.into_iter().map(|kind| fault(kind, operation, recorded)).collect()
}

fn differences(operation: &OperationRow, recorded: &Recorded) -> Vec<NonConformityKind> {
    let asked = &recorded.confirmation;
    let mut kinds = Vec::new();
    let same_request = operation.aih_data_id.hash() == asked.aih_data
        && operation.requester.address() == asked.user
        && operation.operation == asked.operation
        && operation.usage == asked.usage
        && u64::try_from(operation.intended_at_s) == Ok(asked.at);
    if !same_request {
        kinds.push(NonConformityKind::TermsDiffer);
    }
    if operation.answer.is_some_and(|answer| {
        let (row, chain) = (&answer.evidence, &recorded.evidence);
        answer.verdict != asked.verdict
            || answer.licence.unwrap_or(Address::ZERO) != asked.licence
            || (row.tx_hash, row.block_number, row.block_hash, row.log_index)
                != (chain.transaction, chain.position.block, chain.block_hash, chain.position.log_index)
    }) {
        kinds.push(NonConformityKind::EvidenceDiffers);
    }
    kinds
}

fn uncovered(operation: &OperationRow, recorded: &Recorded, register: &Register) -> Vec<NonConformityKind> {
    let asked = &recorded.confirmation;
    if !asked.verdict.is_permitted() {
        return vec![NonConformityKind::Denied];
    }
    let started = started_s(operation);
    if started + MOST_SKEW_SECONDS < recorded.evidence.block_time.cast_signed() {
        return vec![NonConformityKind::NoConfirmation];
    }
    // The moment of the answer was judged by the chain; only a later one can change it.
    let now = started.max(recorded.evidence.block_time.cast_signed()).cast_unsigned();
    let verdict = register.judge(asked, now);
    [
        (FailingTerm::Revoked, NonConformityKind::AfterRevocation),
        (FailingTerm::Expired, NonConformityKind::AfterExpiry),
        (FailingTerm::NotYetValid, NonConformityKind::NotYetValid),
    ]
    .into_iter()
    .filter_map(|(term, kind)| verdict.has(term).then_some(kind))
    .collect()
}

/// When data was first touched; else when the answer was recorded. Seconds since 1970.
pub fn started_s(operation: &OperationRow) -> i64 {
    let answered = operation.answer.map_or(operation.intended_at_s, |answer| answer.evidence.confirmed_at_s);
    operation.started_at_us.map_or(answered, |micros| micros.div_euclid(1_000_000))
}

pub(super) fn fault(kind: NonConformityKind, operation: &OperationRow, recorded: Option<&Recorded>) -> Fault {
    Fault {
        kind,
        item: operation.aih_data_id,
        operation: operation.operation,
        at_s: started_s(operation),
        requester: operation.requester,
        executed: operation.started_at_us.is_some(),
        confirm_id: operation.confirm_id,
        evidence: recorded.map(|recorded| recorded.evidence),
    }
}
