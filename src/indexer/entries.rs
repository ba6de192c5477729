//! Events as rows of the copy, and what they change elsewhere: classes of users, licences replaced and withdrawn, and
//! where the answers to Licence Confirms stand.

use std::collections::HashMap;

use alloy::primitives::B128;

use super::{Indexer, IndexerError, fetch::Fetched};
use crate::{
    chain::ChainError,
    db::{
        State,
        chain_effects::{ChainEffects, LicenceEffect},
        chain_events::{ChainEventRow, EventName},
        operations::Evidence,
        revocations::RevocationScope,
    },
    domain::{
        ids::UserId,
        licence_event::{LicenceEvent, LicenceEventKind as Kind, RevocationScope as Withdrawn},
        user::Registration,
    },
};

/// The rows of the events of a range.
pub(super) fn rows(fetched: &Fetched) -> Result<Vec<ChainEventRow>, IndexerError> {
    fetched.events.iter().map(|event| row(event, block_time(fetched, event)?)).collect()
}

/// Chain time of an event's block, seconds since 1970.
pub(super) fn block_time(fetched: &Fetched, event: &LicenceEvent) -> Result<i64, IndexerError> {
    let block = fetched.blocks.get(&event.position.block).ok_or(IndexerError::Moved(event.position.block))?;
    Ok(i64::try_from(block.timestamp).unwrap_or(i64::MAX))
}

fn row(event: &LicenceEvent, timestamp_s: i64) -> Result<ChainEventRow, IndexerError> {
    let name = event.kind.name();
    let unknown = || ChainError::Contradiction(format!("an event {name} that the copy has no word for"));
    Ok(ChainEventRow {
        block_number: event.position.block,
        log_index: event.position.log_index,
        block_hash: event.block_hash,
        tx_hash: event.transaction,
        event: EventName::from_word(name).ok_or_else(unknown)?,
        aih_data: event.kind.aih_data(),
        licence: event.kind.licence(),
        user: event.kind.user(),
        confirm_id: match &event.kind {
            Kind::Confirmed(confirmation) => Some(B128::from(confirmation.confirm_id)),
            _ => None,
        },
        data: event.kind.arguments(),
        timestamp_s,
    })
}

impl Indexer {
    pub(super) async fn effects_of(&self, fetched: &Fetched) -> Result<ChainEffects, IndexerError> {
        let mut effects = ChainEffects { at_us: self.clock.micros(), ..ChainEffects::default() };
        let mut answers = HashMap::new();
        for event in &fetched.events {
            match &event.kind {
                Kind::UserClassSet { user, class, active, .. } => {
                    let registration = Registration::Known { class: *class, active: *active };
                    effects.classes.push((UserId::new(self.node.chain_id(), *user), registration));
                }
                Kind::Confirmed(confirmation) => {
                    // Should an ID be recorded twice, the first record answers.
                    let evidence = evidence(event, block_time(fetched, event)?);
                    answers.entry(B128::from(confirmation.confirm_id)).or_insert(evidence);
                }
                _ => effects.licences.extend(self.effect_of(event).await?),
            }
        }
        effects.evidence = self.moved(answers).await?;
        Ok(effects)
    }

    async fn effect_of(&self, event: &LicenceEvent) -> Result<Option<LicenceEffect>, IndexerError> {
        Ok(Some(match event.kind {
            Kind::Changed { aih_data: item, licence, previous, .. } => {
                LicenceEffect::Changed { item, licence, previous }
            }
            Kind::Derived { aih_data: item, licence, .. } => LicenceEffect::Derived { item, licence },
            Kind::Revoked { aih_data: item, licence, by, scope } => {
                let (scope, signature) = match scope {
                    Withdrawn::BackEnd => (RevocationScope::BackEnd, None),
                    Withdrawn::Whole => {
                        (RevocationScope::Licence, self.node.signature_of_withdrawal(event.transaction).await?)
                    }
                };
                LicenceEffect::Withdrawn { item, licence, scope, by, signature }
            }
            _ => return Ok(None),
        }))
    }

    /// Those answers that an operation remembers at another place than they stand now.
    async fn moved(&self, answers: HashMap<B128, Evidence>) -> Result<Vec<(B128, Evidence)>, IndexerError> {
        let ids: Vec<B128> = answers.keys().copied().collect();
        let mut moved = Vec::new();
        for operation in self.database.list_operations_by_confirm_ids(&ids).await? {
            let (Some(id), Some(answer)) = (operation.confirm_id, operation.answer) else { continue };
            match answers.get(&id) {
                Some(stands) if *stands != answer.evidence && !self.is_recorded(&answer.evidence, id).await? => {
                    moved.push((id, *stands));
                }
                _ => {}
            }
        }
        Ok(moved)
    }

    /// Whether the copy holds this very record already: then the new one is a second record of the same ID, not the
    /// first one moved.
    async fn is_recorded(&self, evidence: &Evidence, confirm_id: B128) -> Result<bool, IndexerError> {
        let first = self.database.find_event_by_confirm_id(confirm_id).await?;
        Ok(first.is_some_and(|event| event.block_hash == evidence.block_hash && event.log_index == evidence.log_index))
    }
}

fn evidence(event: &LicenceEvent, confirmed_at_s: i64) -> Evidence {
    Evidence {
        tx_hash: event.transaction,
        block_number: event.position.block,
        block_hash: event.block_hash,
        log_index: event.position.log_index,
        confirmed_at_s,
    }
}
