//! Reading every event of a registry and taking each in turn: a licence event changes the register, an answer is judged
//! by the register as it is then.

use std::collections::HashMap;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Judged, VerifyError, report::Finding};
use crate::{
    chain::{
        ChainError,
        node::{Block, LOG_BLOCKS, Node},
    },
    domain::{
        licence_event::{Evidence, LicenceEvent, LicenceEventKind as Kind},
        register::Register,
    },
};

/// Headers asked for at once.
const HEADERS_AT_ONCE: usize = 16;

/// Everything the chain says.
pub(super) struct Scan {
    pub(super) register: Register,
    pub(super) answers: Vec<Judged>,
    pub(super) acts: Vec<LicenceAct>,
    pub(super) events: usize,
    pub(super) last: Block,
    pub(super) broken: Vec<Finding>,
}

/// A licence event with the time of its block.
pub(super) struct LicenceAct {
    pub(super) event: LicenceEvent,
    /// Seconds since 1970.
    pub(super) block_time: u64,
}

/// Reads from `first_block` to the newest block.
pub(super) async fn scan(node: &Node, first_block: u64) -> Result<Scan, VerifyError> {
    let last = node.head().await?;
    let register = Register::new(node.registry());
    let mut scan = Scan { register, answers: Vec::new(), acts: Vec::new(), events: 0, last, broken: Vec::new() };
    let (mut from, mut span) = (first_block, LOG_BLOCKS);
    while from <= last.number {
        let to = last.number.min(from + span - 1);
        let events = match node.events(from, to).await {
            Ok(events) => events,
            Err(error) if error.is_too_much() && to > from => {
                span = (span / 2).max(1);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let headers = headers(node, &events).await?;
        for event in &events {
            scan.take(event, &headers)?;
        }
        from = to + 1;
        span = (span * 2).min(LOG_BLOCKS);
    }
    match node.block(last.number).await? {
        Some(block) if block.hash == last.hash => Ok(scan),
        _ => Err(VerifyError::Moved),
    }
}

async fn headers(node: &Node, events: &[LicenceEvent]) -> Result<HashMap<u64, Block>, ChainError> {
    let mut numbers: Vec<u64> = events
        .iter()
        .filter(|event| !matches!(event.kind, Kind::UserClassSet { .. }))
        .map(|event| event.position.block)
        .collect();
    numbers.dedup();
    let missing = |number| ChainError::Contradiction(format!("events in block {number}, which the node does not have"));
    stream::iter(numbers)
        .map(|number| async move {
            let block = node.block(number).await?;
            block.map(|block| (number, block)).ok_or_else(|| missing(number))
        })
        .buffer_unordered(HEADERS_AT_ONCE)
        .try_collect()
        .await
}

fn header<'h>(event: &LicenceEvent, headers: &'h HashMap<u64, Block>) -> Result<&'h Block, VerifyError> {
    let block = headers.get(&event.position.block).filter(|block| block.hash == event.block_hash);
    block.ok_or(VerifyError::Moved)
}

impl Scan {
    fn take(&mut self, event: &LicenceEvent, headers: &HashMap<u64, Block>) -> Result<(), VerifyError> {
        self.events += 1;
        let Kind::Confirmed(confirmation) = event.kind else {
            if let Err(error) = self.register.apply(&event.kind) {
                self.broken.push(Finding::BrokenRegister { position: event.position, reason: error.to_string() });
            }
            if !matches!(event.kind, Kind::UserClassSet { .. }) {
                let block_time = header(event, headers)?.timestamp;
                self.acts.push(LicenceAct { event: event.clone(), block_time });
            }
            return Ok(());
        };
        let block = header(event, headers)?;
        let is_back_end = confirmation.user == self.back_end();
        let evidence = Evidence {
            licence: event.kind.licence(),
            transaction: event.transaction,
            position: event.position,
            block_hash: event.block_hash,
            block_time: block.timestamp,
        };
        self.answers.push(Judged {
            confirmation,
            evidence,
            class: if is_back_end { None } else { self.register.user(confirmation.user).class() },
            owed: self.register.judge(&confirmation, block.timestamp),
        });
        let current = self.register.item(confirmation.aih_data).map(|item| item.licence);
        if current != event.kind.licence() {
            let reason = "the answer names another licence than the item had".to_owned();
            self.broken.push(Finding::BrokenRegister { position: event.position, reason });
        }
        Ok(())
    }

    fn back_end(&self) -> alloy::primitives::Address {
        self.register.registry()
    }
}
