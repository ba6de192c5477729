//! Going back to where the copy and the chain still agree.
//!
//! If they agree at one block they agree at every block below, so the highest kept block that agrees is found by
//! doubling steps downwards and then halving in between: a reset chain is noticed in a few questions, not in one for
//! each block.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256};

use super::{Indexer, IndexerError};
use crate::{
    chain::node::Block,
    db::{
        chain_blocks::{BlockRef, BlockRow, CursorMove},
        chain_effects::{ChainEffects, LicenceEffect},
        chain_events::{EventName, EventPosition},
    },
    domain::ids::UserId,
};

/// Events read at once while looking at what is lost.
const PAGE: u32 = 500;

/// What users and items lose when blocks are taken back.
#[derive(Debug, Default)]
pub(super) struct Lost {
    pub(super) items: BTreeSet<B256>,
    /// Those of them whose licence was made, replaced or withdrawn in a lost block.
    pub(super) licences: BTreeSet<B256>,
    pub(super) users: BTreeSet<Address>,
    pub(super) events: u64,
}

impl Indexer {
    /// Whether a kept block at or below the node's newest one is not on the node's chain.
    pub(super) async fn is_contradicted(&self, head: &Block) -> Result<bool, IndexerError> {
        match self.database.find_block_at_or_below(head.number).await? {
            Some(row) => Ok(!self.agrees(&row).await?),
            None => Ok(false),
        }
    }

    async fn agrees(&self, row: &BlockRow) -> Result<bool, IndexerError> {
        self.is_on_chain(BlockRef { number: row.number, hash: row.hash }).await
    }

    /// Takes back everything above the highest kept block that is on the node's chain.
    pub(super) async fn go_back(&self, seen: BlockRef) -> Result<(), IndexerError> {
        let ancestor = self.common_ancestor(seen).await?;
        let to = ancestor.map(|row| BlockRef { number: row.number, hash: row.hash });
        if to == Some(seen) {
            return Ok(());
        }
        let lost = self.lost_above(to).await?;
        let effects = self.effects_of_losing(&lost).await?;
        let notices = self.notices_of_losing(&lost, to).await?;
        // Before the cursor moves: done twice it does no harm, left out it would.
        match to {
            Some(to) => self.database.unmine_transactions_above(to.number).await?,
            // Another chain altogether, as after a reset: what was sent to the old one must never be sent to this one.
            None => self.database.drop_transactions().await?,
        };
        let moved = self.database.roll_back_chain_with(self.key(), seen, to, &notices, &effects).await?;
        if moved == CursorMove::Done {
            tracing::warn!(
                from_block = seen.number,
                to_block = to.map(|to| to.number),
                events = lost.events,
                "index.rolled_back"
            );
            self.report(to, self.seen_head());
        }
        Ok(())
    }

    /// The highest kept block that is on the node's chain; `None` when there is none.
    async fn common_ancestor(&self, seen: BlockRef) -> Result<Option<BlockRow>, IndexerError> {
        // Rows below `low` are settled: `found` is the highest of them and agrees. Rows from `high` on disagree.
        let (mut found, mut low, mut high, mut stride) = (None, 0, seen.number + 1, 1);
        while low < high {
            let galloping = found.is_none() && low == 0;
            let probe = if galloping { high.saturating_sub(stride) } else { low + (high - low) / 2 };
            stride = stride.saturating_mul(2);
            match self.database.find_block_at_or_below(probe).await?.filter(|row| row.number >= low) {
                None => low = probe + 1,
                Some(row) if self.agrees(&row).await? => (found, low) = (Some(row), probe + 1),
                Some(row) => high = row.number,
            }
        }
        Ok(found)
    }

    async fn lost_above(&self, to: Option<BlockRef>) -> Result<Lost, IndexerError> {
        let mut lost = Lost::default();
        let mut after = to.and_then(|to| EventPosition::before_block(to.number + 1));
        loop {
            let page = self.database.list_events(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(lost) };
            after = Some(last.position());
            for event in page {
                lost.events += 1;
                lost.items.extend(event.aih_data);
                if event.event.is_of_licence() {
                    lost.licences.extend(event.aih_data);
                }
                if event.event == EventName::UserClassSet {
                    lost.users.extend(event.user);
                }
            }
        }
    }

    /// Those derived from an item that were withdrawn by themselves and do not come back with it.
    async fn still_withdrawn(&self, item: B256) -> Result<Vec<B256>, IndexerError> {
        let mut fallen = Vec::new();
        for (derived, licence) in self.database.list_withdrawn_of_family(item).await? {
            if !self.node.stands(licence).await? {
                fallen.push(derived);
            }
        }
        Ok(fallen)
    }

    /// The registry itself says what is left of licences and classes; the events to come say the rest.
    async fn effects_of_losing(&self, lost: &Lost) -> Result<ChainEffects, IndexerError> {
        let mut effects = ChainEffects { at_us: self.clock.micros(), ..ChainEffects::default() };
        for item in &lost.licences {
            let state = self.node.item(*item).await?;
            // One that has fallen stays marked, whatever felled it; one that has none left is permitted by nobody.
            if let Some(licence) = state.licence
                && self.node.stands(licence).await?
            {
                let still_fallen = self.still_withdrawn(*item).await?;
                effects.licences.push(LicenceEffect::Reinstated { item: *item, licence, still_fallen });
            }
        }
        for user in &lost.users {
            let registration = self.node.user(*user).await?;
            effects.classes.push((UserId::new(self.node.chain_id(), *user), registration));
        }
        Ok(effects)
    }
}
