//! A confirm counts when the chain says so: every event is read back and compared with what the requester was told.

use std::collections::HashMap;

use alloy::primitives::B256;

use super::{BenchError, site::Site};
use crate::{
    chain::operator::Mined,
    domain::licence_event::{ConfirmId, LicenceEventKind as Kind, Position},
};

/// Blocks read at once: with hundreds of events each, an answer is some tens of megabytes.
const BLOCKS: u64 = 16;

/// What a requester was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) confirm_id: ConfirmId,
    pub(super) transaction: B256,
    pub(super) position: Position,
}

/// What a mined transaction tells those it confirms for.
pub(super) fn answered(mined: &Mined) -> impl Iterator<Item = Answered> {
    let transaction = mined.transaction;
    mined.events.iter().filter_map(move |event| match &event.kind {
        Kind::Confirmed(confirmation) if confirmation.verdict.is_permitted() => {
            Some(Answered { confirm_id: confirmation.confirm_id, transaction, position: event.position })
        }
        _ => None,
    })
}

/// Reads every answer back; the result are the sizes of the transactions they stand in, in order.
pub(super) async fn verify(site: &Site, answers: &[Answered]) -> Result<Vec<usize>, BenchError> {
    let Some(first) = answers.iter().map(|a| a.position.block).min() else { return Ok(Vec::new()) };
    let last = answers.iter().map(|a| a.position.block).max().unwrap_or(first);
    let mut told: HashMap<ConfirmId, Answered> = answers.iter().map(|a| (a.confirm_id, *a)).collect();
    if told.len() != answers.len() {
        return Err(BenchError::NotRecorded("one answer was given twice".to_owned()));
    }
    let (mut sizes, mut current) = (Vec::new(), B256::ZERO);
    for from in (first..=last).step_by(BLOCKS as usize) {
        for event in site.node.events(from, last.min(from + BLOCKS - 1)).await? {
            let Kind::Confirmed(confirmation) = &event.kind else { continue };
            if event.transaction != current {
                current = event.transaction;
                sizes.push(0);
            }
            // There is one by now.
            sizes.last_mut().into_iter().for_each(|size| *size += 1);
            let recorded = Answered {
                confirm_id: confirmation.confirm_id,
                transaction: event.transaction,
                position: event.position,
            };
            match told.remove(&confirmation.confirm_id) {
                Some(told) if told != recorded || !confirmation.verdict.is_permitted() => {
                    return Err(BenchError::NotRecorded(format!("{told:?} is {recorded:?}")));
                }
                // Others asked before or after the time that is measured.
                _ => {}
            }
        }
    }
    match told.into_values().next() {
        Some(lost) => Err(BenchError::NotRecorded(format!("{lost:?} is nowhere"))),
        None => Ok(sizes),
    }
}
