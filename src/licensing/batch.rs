//! How requests that go out together become one call, and the events of its transaction their answers.

use std::collections::HashMap;

use alloy::{primitives::B256, sol_types::SolCall};

use super::queue::{Done, Job, QueueError, Work};
use crate::{
    chain::{
        ChainError,
        bindings::{Derivation, LicenceRegistry, Request},
        operator::{Call, Mined},
    },
    domain::{
        licence_event::{ConfirmId, Confirmation, Evidence, LicenceEvent, LicenceEventKind as Kind},
        taxonomy::Word,
    },
};

/// Most derivations in one transaction.
const MOST_DERIVATIONS: usize = 32;
const BASE_GAS: u64 = 60_000;
const CONFIRM_GAS: u64 = 20_000;
const DERIVATION_GAS: u64 = 200_000;

/// How many jobs at the front go out together.
pub(super) fn together(jobs: &[Job]) -> usize {
    let mut derivations = 0;
    jobs.iter()
        .take_while(|job| {
            derivations += usize::from(matches!(job.work, Work::Derive(_)));
            !matches!(job.work, Work::Alone(_)) && derivations <= MOST_DERIVATIONS
        })
        .count()
}

/// The call that does what these jobs ask.
pub(super) fn call(jobs: &[Job]) -> Call {
    if let [Job { work: Work::Alone(call), .. }] = jobs {
        return call.clone();
    }
    let mut requests = Vec::new();
    let mut derivations = Vec::new();
    for job in jobs {
        match &job.work {
            Work::Confirm(request) => requests.push(Request::from(request)),
            Work::Derive(d) => {
                derivations.push(Derivation { parent: d.parent, aihData: d.aih_data, status: d.status.code() })
            }
            Work::Alone(_) => {}
        }
    }
    execute(requests, derivations)
}

/// The call that records confirmations and derivations.
pub fn execute(requests: Vec<Request>, derivations: Vec<Derivation>) -> Call {
    let gas_limit = BASE_GAS + CONFIRM_GAS * requests.len() as u64 + DERIVATION_GAS * derivations.len() as u64;
    let data = if derivations.is_empty() {
        LicenceRegistry::confirmCall { requests }.abi_encode()
    } else {
        LicenceRegistry::executeCall { requests, derivations }.abi_encode()
    };
    Call { data: data.into(), gas_limit }
}

/// Answers each job from the events of the transaction it went out with.
pub(super) fn answer(jobs: Vec<Job>, mined: &Mined) {
    let mut recorded: HashMap<ConfirmId, (Confirmation, Evidence)> =
        mined.events.iter().filter_map(|event| confirmation(event, mined)).collect();
    for job in jobs {
        let outcome = match &job.work {
            Work::Confirm(request) => match recorded.remove(&request.confirm_id) {
                Some((confirmation, evidence)) => Ok(Done::Confirmed(confirmation, evidence)),
                None => Err(QueueError::NotRecorded("the transaction holds no answer to this request".to_owned())),
            },
            Work::Derive(derivation) => Ok(Done::Mined(about(mined, derivation.aih_data))),
            Work::Alone(_) => Ok(Done::Mined(mined.clone())),
        };
        // A caller that has gone away needs no answer.
        let _ = job.reply.send(outcome);
    }
}

/// A mined batch as it concerns one item: hundreds of others are none of its business.
fn about(mined: &Mined, aih_data: B256) -> Mined {
    let events = mined.events.iter().filter(|event| event.kind.aih_data() == Some(aih_data));
    Mined {
        transaction: mined.transaction,
        block: mined.block,
        block_hash: mined.block_hash,
        block_time: mined.block_time,
        gas_used: mined.gas_used,
        events: events.cloned().collect(),
    }
}

fn confirmation(event: &LicenceEvent, mined: &Mined) -> Option<(ConfirmId, (Confirmation, Evidence))> {
    match &event.kind {
        Kind::Confirmed(confirmation) => Some((confirmation.confirm_id, (*confirmation, evidence(event, mined)))),
        _ => None,
    }
}

/// Where an event of a mined transaction stands.
pub(super) fn evidence(event: &LicenceEvent, mined: &Mined) -> Evidence {
    Evidence {
        licence: event.kind.licence(),
        transaction: mined.transaction,
        position: event.position,
        block_hash: mined.block_hash,
        block_time: mined.block_time,
    }
}

/// Tells every job why there is no answer.
pub(super) fn refuse(jobs: Vec<Job>, error: &ChainError) {
    let outcome = match error {
        ChainError::Refused(refusal) | ChainError::Declined(refusal) => QueueError::Refused(refusal.clone()),
        other => QueueError::NotRecorded(other.to_string()),
    };
    for job in jobs {
        // A caller that has gone away needs no answer.
        let _ = job.reply.send(Err(outcome.clone()));
    }
}
