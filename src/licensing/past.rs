//! **The past** of an item on chain: where the acts on its licences stand, when the transaction at hand did not do them
//! (they were done before), or somebody else did.
//!
//! The copy of the register is asked first, by index; the chain only above what the copy holds. A copy that the node's
//! chain contradicts (a reorganisation, a devnet that was reset) is not asked.

use alloy::primitives::{Address, B256};

use super::{Licensing, LicensingError};
use crate::{
    chain::ChainError,
    db::{Database, State, chain_blocks::ChainKey, chain_events::ChainEventRow},
    domain::licence_event::{Evidence, LicenceEvent, LicenceEventKind as Kind, Position},
};

/// Events of one item read at once.
const PAGE: u32 = 500;

impl Licensing {
    /// Where the making of a licence stands: its issue, change or derivation.
    ///
    /// # Errors
    /// When the chain does not answer, or shows no such event.
    pub async fn made(&self, item: B256, licence: Address) -> Result<Evidence, LicensingError> {
        let found = self.last(item, |event| makes(&event.kind, licence)).await?;
        Ok(found.ok_or_else(|| ChainError::Contradiction(format!("licence {licence} stands and was never made")))?)
    }

    /// Where the withdrawal of a licence stands, and who withdrew it; the newest when the Back End gave up its own right
    /// before.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub async fn withdrawn(&self, item: B256, licence: Address) -> Result<Option<Evidence>, LicensingError> {
        self.last(item, |event| matches!(event.kind, Kind::Revoked { licence: named, .. } if named == licence)).await
    }

    /// Where the act stands by which an item's licence fell: its own withdrawal or, of a derived item, what became of
    /// its root.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub async fn fallen(&self, item: B256, root: B256) -> Result<Option<Evidence>, LicensingError> {
        let ends = |event: &LicenceEvent| event.kind.ends_licence();
        match self.last(item, ends).await? {
            None if root != item => self.last(root, ends).await,
            found => Ok(found),
        }
    }

    async fn last(
        &self,
        item: B256,
        wanted: impl Fn(&LicenceEvent) -> bool,
    ) -> Result<Option<Evidence>, LicensingError> {
        let events = self.licence_events(item).await?;
        let Some(event) = events.into_iter().rev().find(wanted) else { return Ok(None) };
        let moved = || ChainError::Contradiction("the chain moved while it was read".to_owned());
        let block = self.node.block_with_hash(event.block_hash).await?.ok_or_else(moved)?;
        Ok(Some(Evidence {
            licence: event.kind.licence(),
            transaction: event.transaction,
            position: event.position,
            block_hash: event.block_hash,
            block_time: block.timestamp,
        }))
    }

    async fn licence_events(&self, item: B256) -> Result<Vec<LicenceEvent>, LicensingError> {
        let Some((copy, block)) = self.agreeing_copy().await else {
            return Ok(self.node.licence_events_of(item, 0).await?);
        };
        let mut events = match copied(copy, item).await {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!(%error, "past.copy_not_read");
                return Ok(self.node.licence_events_of(item, 0).await?);
            }
        };
        // The copy may have grown meanwhile.
        let newest = events.last().map_or(block, |event| event.position.block.max(block));
        // Nodes refuse a range that begins above their newest block.
        if self.node.head().await?.number > newest {
            events.extend(self.node.licence_events_of(item, newest + 1).await?);
        }
        Ok(events)
    }

    /// The copy of the register and how far it reaches, when the node's chain holds that block.
    async fn agreeing_copy(&self) -> Option<(&Database, u64)> {
        let copy = self.copy.as_ref()?;
        let key = ChainKey { chain_id: self.node.chain_id(), registry: self.node.registry() };
        let cursor = copy.find_chain_cursor(key).await.ok().flatten()?;
        let on_chain = self.node.block(cursor.block.number).await.ok().flatten()?;
        (on_chain.hash == cursor.block.hash).then_some((copy, cursor.block.number))
    }
}

/// A copy that cannot be read, for whatever reason, is only logged: the chain has it all.
type Unread = Box<dyn std::error::Error + Send + Sync>;

async fn copied(copy: &Database, item: B256) -> Result<Vec<LicenceEvent>, Unread> {
    let (mut events, mut after) = (Vec::new(), None);
    loop {
        let page = copy.list_licence_events_of_item(item, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(events) };
        after = Some(last.position());
        for row in &page {
            events.push(event(row)?);
        }
    }
}

fn event(row: &ChainEventRow) -> Result<LicenceEvent, Unread> {
    Ok(LicenceEvent {
        position: Position { block: row.block_number, log_index: row.log_index },
        block_hash: row.block_hash,
        transaction: row.tx_hash,
        kind: Kind::from_arguments(row.event.word(), &row.data)?,
    })
}

fn makes(kind: &Kind, named: Address) -> bool {
    match kind {
        Kind::Issued { licence, .. } | Kind::Changed { licence, .. } | Kind::Derived { licence, .. } => {
            *licence == named
        }
        _ => false,
    }
}
