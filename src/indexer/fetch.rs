//! Reading blocks and events so that they are known to belong to one chain.
//!
//! Near the head each block is read by the hash its successor or the node names, and its logs by that same hash: a node
//! behind a load balancer that lacks the block says so instead of giving no logs. Farther down whole ranges are read,
//! and believed only when the headers around and in them are the same before and after, and link to the cursor.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Indexer, IndexerError};
use crate::{
    chain::{ChainError, node::Block},
    db::chain_blocks::{BlockRef, BlockRow},
    domain::licence_event::LicenceEvent,
};

/// Headers asked for at once.
const HEADERS_AT_ONCE: usize = 8;

/// Blocks and events that belong together.
#[derive(Debug)]
pub(super) struct Fetched {
    /// The headers of every block an event stands in, and of the last block.
    pub(super) blocks: BTreeMap<u64, Block>,
    pub(super) events: Vec<LicenceEvent>,
    last: Block,
}

impl Fetched {
    pub(super) fn reaches(&self) -> BlockRef {
        BlockRef { number: self.last.number, hash: self.last.hash }
    }

    pub(super) fn block_rows(&self) -> Vec<BlockRow> {
        let row = |block: &Block| BlockRow {
            number: block.number,
            hash: block.hash,
            parent_hash: block.parent_hash,
            // A chain whose time does not fit 63 bits is not one we can copy; the largest value sorts last.
            timestamp_s: i64::try_from(block.timestamp).unwrap_or(i64::MAX),
        };
        self.blocks.values().map(row).collect()
    }
}

impl Indexer {
    /// Blocks `from..=to`, one by one. `None` when the first does not follow the cursor.
    pub(super) async fn fetch_near(
        &self,
        seen: Option<BlockRef>,
        from: u64,
        to: u64,
    ) -> Result<Option<Fetched>, IndexerError> {
        let mut fetched: Option<Fetched> = None;
        for number in from..=to {
            let block = self.block(number).await?;
            let below = fetched.as_ref().map(Fetched::reaches).or(seen);
            if below.is_some_and(|below| below.hash != block.parent_hash) {
                // What was read so far may be of the chain that was left; the next step finds out.
                return if fetched.is_some() { Err(IndexerError::Moved(number)) } else { Ok(None) };
            }
            let events = match self.node.events_of_block(block.hash).await {
                Ok(events) => events,
                Err(source @ ChainError::Contradiction(_)) => {
                    // What precedes it is kept; the clerk stops right before the block it cannot read.
                    return if fetched.is_some() {
                        Ok(fetched)
                    } else {
                        Err(IndexerError::Undecodable { block: number, source })
                    };
                }
                Err(error) => return Err(error.into()),
            };
            let one =
                fetched.get_or_insert_with(|| Fetched { blocks: BTreeMap::new(), events: Vec::new(), last: block });
            one.blocks.insert(number, block);
            one.events.extend(events);
            one.last = block;
        }
        Ok(fetched)
    }

    /// A range from `from`, at most to `most`, as long as the node gives it. `None` when it does not follow the cursor.
    pub(super) async fn fetch_range(
        &self,
        seen: Option<BlockRef>,
        from: u64,
        most: u64,
    ) -> Result<Option<Fetched>, IndexerError> {
        loop {
            let span = self.span();
            let to = most.min(from + span - 1);
            match self.read_range(seen, from, to).await {
                Ok(fetched) => {
                    self.set_span(span.saturating_mul(2));
                    return Ok(fetched);
                }
                Err(IndexerError::Chain(error)) if error.is_too_much() && to > from => {
                    tracing::debug!(from, to, %error, "index.range_halved");
                    self.set_span((to - from).div_ceil(2));
                }
                // Halving also leads to the very block that cannot be read, and keeps what lies before it.
                Err(IndexerError::Chain(ChainError::Contradiction(_))) if to > from => {
                    self.set_span((to - from).div_ceil(2));
                }
                Err(IndexerError::Chain(source @ ChainError::Contradiction(_))) => {
                    return Err(IndexerError::Undecodable { block: from, source });
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn read_range(&self, seen: Option<BlockRef>, from: u64, to: u64) -> Result<Option<Fetched>, IndexerError> {
        let last = self.block(to).await?;
        let events = self.node.events(from, to).await?;
        let first = self.block(from).await?;
        if seen.is_some_and(|seen| seen.hash != first.parent_hash) {
            return Ok(None);
        }
        let mut blocks = self.headers_of(&events).await?;
        for event in &events {
            let stands = blocks.get(&event.position.block).is_some_and(|block| block.hash == event.block_hash);
            if !stands || !(from..=to).contains(&event.position.block) {
                return Err(IndexerError::Moved(event.position.block));
            }
        }
        if self.block(to).await? != last {
            return Err(IndexerError::Moved(to));
        }
        blocks.insert(to, last);
        Ok(Some(Fetched { blocks, events, last }))
    }

    async fn headers_of(&self, events: &[LicenceEvent]) -> Result<BTreeMap<u64, Block>, IndexerError> {
        let mut numbers: Vec<u64> = events.iter().map(|event| event.position.block).collect();
        numbers.dedup();
        stream::iter(numbers)
            .map(|number| async move { self.block(number).await.map(|block| (number, block)) })
            .buffer_unordered(HEADERS_AT_ONCE)
            .try_collect()
            .await
    }

    async fn block(&self, number: u64) -> Result<Block, IndexerError> {
        self.node.block(number).await?.ok_or(IndexerError::Moved(number))
    }
}
