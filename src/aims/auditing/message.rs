//! The Audit Response, and each finding as it stands in it.

use std::collections::HashMap;

use alloy::primitives::Address;
use futures_util::{StreamExt, pin_mut};
use uuid::Uuid;

use super::{
    Opened,
    examine::{Act, Decision, Earlier, Entry, Fault},
};
use crate::{
    aims::{AimError, Aims},
    domain::{
        ids::{LicenceId, UserId},
        licence_event::{ConfirmId, Evidence},
    },
    schema::wire::{
        self, AuditResponse, AuditedItem, ChainTime, CompleteToBlock, DateTime, EarlierDecision, MessageId,
        NonConformity, NonConformityStatus, Processing,
    },
};

/// Most findings in one message.
pub const MOST_ENTRIES: usize = 10_000;

impl Aims {
    /// The Audit Response of an opened audit.
    ///
    /// # Errors
    /// [`AimError::TooMany`] beyond [`MOST_ENTRIES`]; when the cellar fails, or the chain was reorganised meanwhile.
    pub async fn audit_response(&self, opened: &Opened) -> Result<AuditResponse, AimError> {
        let words = Words { chain_id: self.back_end().chain_id(), back_end: self.back_end().address() };
        let mut answer = Answer::default();
        let findings = self.findings(opened.scope.clone());
        pin_mut!(findings);
        while let Some(entry) = findings.next().await {
            answer.take(&words, &entry?)?;
        }
        Ok(AuditResponse {
            aih_data: answer.items,
            earlier_chain: (!answer.earlier.is_empty()).then_some(answer.earlier),
            non_conformities: Some(answer.faults),
            complete_to_block: Some(CompleteToBlock {
                block_number: opened.scope.complete.number,
                block_hash: opened.scope.complete.hash,
            }),
        })
    }
}

#[derive(Default)]
struct Answer {
    items: Vec<AuditedItem>,
    places: HashMap<crate::domain::ids::AihDataId, usize>,
    earlier: Vec<EarlierDecision>,
    faults: Vec<NonConformity>,
    count: usize,
}

impl Answer {
    fn take(&mut self, words: &Words, entry: &Entry) -> Result<(), AimError> {
        self.count += 1;
        if self.count > MOST_ENTRIES {
            return Err(AimError::TooMany(format!(
                "the audit has more than {MOST_ENTRIES} findings; shorten the period, or export it"
            )));
        }
        match entry {
            Entry::Decision(decision) => {
                let processing = words.processing(decision)?;
                self.about(decision.item).processing_types.push(processing);
            }
            Entry::Act(act) => {
                let said = words.act(act)?;
                self.about(act.item).acts.get_or_insert_default().push(said);
            }
            Entry::Earlier(earlier) => self.earlier.push(words.earlier(earlier)?),
            Entry::Fault(fault) => self.faults.push(words.non_conformity(fault)?),
        }
        Ok(())
    }

    /// The entry of an item, a new one when it is the first about it.
    fn about(&mut self, item: crate::domain::ids::AihDataId) -> &mut AuditedItem {
        let place = *self.places.entry(item).or_insert_with(|| {
            self.items.push(AuditedItem { aih_data_id: item, processing_types: Vec::new(), acts: None });
            self.items.len() - 1
        });
        &mut self.items[place]
    }
}

/// What is needed to say a finding in the words of the standard.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The registry.
    pub back_end: Address,
}

fn time(seconds: i64) -> Result<DateTime, AimError> {
    let seconds = u64::try_from(seconds).unwrap_or_default();
    DateTime::from_seconds(seconds).map_err(|error| AimError::Index(error.to_string()))
}

/// A Licence Confirm ID as a message ID; `None` for bits that are no UUID, which no message of ours has.
fn message_id(id: ConfirmId) -> Option<MessageId> {
    let uuid = Uuid::from_bytes(id);
    let is_uuid = (1..=8).contains(&uuid.get_version_num()) && uuid.get_variant() == uuid::Variant::RFC4122;
    is_uuid.then(|| MessageId::from_uuid(uuid))
}

impl Words {
    /// A decision as the Audit Response holds it.
    ///
    /// # Errors
    /// When a time lies beyond the year 9999.
    pub fn processing(&self, decision: &Decision) -> Result<Processing, AimError> {
        let recorded = &decision.recorded;
        let asked = &recorded.confirmation;
        Ok(Processing {
            processing_type: asked.operation,
            process_time: time(recorded.evidence.block_time.cast_signed())?,
            aih_data_id: decision.item,
            status: Some(decision.status),
            user_id: Some(UserId::new(self.chain_id, asked.user)),
            user_type: recorded.class,
            usage: Some(asked.usage),
            // Times that no calendar holds are recorded on chain as they are; the message leaves them out.
            intended_time: ChainTime::new(asked.at).ok(),
            reasons: Some(asked.verdict.reasons().collect()),
            licence_confirm_id: message_id(asked.confirm_id),
            licence_id: (asked.licence != Address::ZERO).then(|| LicenceId::new(self.chain_id, asked.licence)),
            federated_learn_id: decision.round,
            evidence: Some(self.evidence(&recorded.evidence)),
        })
    }

    /// An act as the Audit Response holds it.
    ///
    /// # Errors
    /// When a time lies beyond the year 9999.
    pub fn act(&self, act: &Act) -> Result<wire::Act, AimError> {
        Ok(wire::Act {
            kind: act.kind,
            act_time: time(act.at_s)?,
            aih_data_id: act.item,
            status: act.status,
            user_id: act.by,
            licence_id: act.licence.map(|licence| LicenceId::new(self.chain_id, licence)),
            evidence: act.evidence.as_ref().map(|evidence| self.evidence(evidence)),
        })
    }

    /// What an earlier chain held, as the Audit Response holds it.
    ///
    /// # Errors
    /// When a time lies beyond the year 9999.
    pub fn earlier(&self, earlier: &Earlier) -> Result<EarlierDecision, AimError> {
        let licence = earlier.evidence.licence.map(|licence| LicenceId::new(self.chain_id, licence));
        Ok(EarlierDecision {
            processing_type: earlier.operation,
            process_time: time(earlier.at_s)?,
            aih_data_id: earlier.item,
            status: earlier.status,
            restored_time: time(earlier.restored_at_s)?,
            user_id: earlier.requester,
            usage: earlier.usage,
            reasons: earlier.verdict.map(|verdict| verdict.reasons().collect()),
            licence_confirm_id: earlier.confirm_id.and_then(|id| message_id(id.0)),
            licence_id: licence,
            evidence: self.evidence(&earlier.evidence),
        })
    }

    /// A non-conformity as the Audit Response holds it.
    ///
    /// # Errors
    /// When a time lies beyond the year 9999.
    pub fn non_conformity(&self, fault: &Fault) -> Result<NonConformity, AimError> {
        Ok(NonConformity {
            kind: fault.kind,
            aih_data_id: fault.item,
            processing_type: fault.operation,
            process_time: time(fault.at_s)?,
            user_id: Some(fault.requester),
            status: fault.executed.then_some(NonConformityStatus::Executed),
            licence_id: fault.evidence.and_then(|e| e.licence).map(|licence| LicenceId::new(self.chain_id, licence)),
            licence_confirm_id: fault.confirm_id.and_then(|id| message_id(id.0)),
            evidence: fault.evidence.as_ref().map(|evidence| self.evidence(evidence)),
        })
    }

    fn evidence(&self, evidence: &Evidence) -> wire::Evidence {
        wire::Evidence {
            licence_id: LicenceId::new(self.chain_id, evidence.licence.unwrap_or(Address::ZERO)),
            chain_id: self.chain_id,
            transaction_hash: evidence.transaction,
            block_number: evidence.position.block,
            block_hash: evidence.block_hash,
            // A block holds far fewer logs than 32 bits count.
            log_index: u32::try_from(evidence.position.log_index).unwrap_or(u32::MAX),
        }
    }
}
