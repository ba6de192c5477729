//! The clerk who copies the notary's register: follows the registry on chain and keeps its events in the database.
//!
//! ```text
//!             ┌── far behind: ranges of blocks ──┐
//! cursor ─────┤                                  ├─▶ events, headers, effects, notices, cursor   one transaction
//!             └── near the head: block by block ─┘
//! parent hash is not the cursor's ─▶ find where both chains agree ─▶ roll back to there ─▶ go on
//! ```
//!
//! | File | What |
//! | --- | --- |
//! | `mod` | one step forward or back; catching up |
//! | [`follow`] | the loop: when to look, how long to wait, what to do when the node or the database is away |
//! | `fetch` | reading ranges and blocks so that they are known to belong together |
//! | `reorganise` | finding where a reorganised chain still agrees |
//! | `entries` | events as rows, and what they change elsewhere |
//! | `notices` | what users are told |
//!
//! # Which headers are kept
//!
//! A block row is kept for every block an event stands in (for ever: an event belongs to a block), and for every block
//! this clerk stopped at among the newest [`KEPT_HEADERS`]; older empty ones are forgotten. So a quiet chain of ten
//! million blocks costs a few hundred rows. A reorganisation is noticed by the cursor's own hash, which is always kept;
//! the rows below it only decide how far to go back, and going back too far over blocks without events loses nothing.
//!
//! # Several clerks
//!
//! Any number of instances may copy into one database: the cursor is moved by comparing and swapping, so one of them
//! writes each block and the others find the cursor moved and go on from there.
//!
//! # What is never done
//!
//! A log that cannot be decoded is never skipped: the clerk stops before it, says so again and again, and the index
//! stays behind, which [`Doubt::IndexBehind`](crate::licensing::vigil::Doubt) makes visible to everyone who asks.
//!
//! # What a reorganisation does to answers already given
//!
//! A recorded answer that stands elsewhere afterwards has its evidence moved with it. One that is gone stays gone: the
//! operation keeps the answer it acted on, its transaction counts as sent again (a restart sends it), and until the
//! chain holds the answer once more the audit shows the operation as not covered. We do not ask again by ourselves:
//! a new answer would be about a later moment than the one that was acted on, and would hide what happened.

mod entries;
mod fetch;
pub mod follow;
mod notices;
mod reorganise;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::watch;

use crate::{
    chain::{
        ChainError,
        node::{Block, LOG_BLOCKS, Node},
    },
    clock::Clock,
    db::{
        Database, DbError,
        chain_blocks::{BlockRef, ChainBatch, ChainCursor, ChainKey, CursorMove},
    },
    licensing::vigil::Vigil,
};

use self::fetch::Fetched;

/// Newest blocks whose headers are kept although no event stands in them.
pub const KEPT_HEADERS: u64 = 256;
/// The genesis holds no transaction, so no event. It is not read either: anvil, started again on its saved state, shows
/// another genesis than the one its first block follows, and a copy that began there would never come past it.
const FIRST_WITH_EVENTS: u64 = 1;
/// Within so many blocks of the head each block is read by its hash; below, by ranges.
const NEAR: u64 = 16;

/// Why the index does not get on.
#[derive(Debug, thiserror::Error)]
pub enum IndexerError {
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A block holds a log of the registry that this program does not understand.
    #[error("block {block} holds a log of the registry that cannot be read: {source}")]
    Undecodable {
        /// The block.
        block: u64,
        /// What is wrong with it.
        source: ChainError,
    },
    /// The node changed its mind while it was asked; asking again helps.
    #[error("the chain moved while block {0} was read")]
    Moved(u64),
    /// The database holds the copy of another register.
    #[error(
        "this database holds the register {} of chain {}; use another database, or remove that copy",
        found.registry,
        found.chain_id
    )]
    OtherRegister {
        /// Which.
        found: ChainKey,
    },
}

/// How the clerk is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// The copy is complete up to and including this block.
    pub indexed: Option<BlockRef>,
    /// The newest block seen.
    pub head: u64,
    /// What keeps it from going on, for people.
    pub trouble: Option<String>,
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The copy reaches the newest block.
    UpToDate,
    /// Went forward or back; there may be more.
    Moved,
    /// The node's newest block lies below the copy, and nothing contradicts the copy: a node that lags, or a chain
    /// that was cut short.
    NodeBehind,
}

/// Copies one registry's events into one database.
#[derive(Debug, Clone)]
pub struct Indexer {
    node: Node,
    database: Database,
    vigil: Vigil,
    clock: Clock,
    first_block: u64,
    /// Blocks per range, between 1 and [`LOG_BLOCKS`].
    span: Arc<AtomicU64>,
    status: Arc<watch::Sender<Status>>,
}

impl Indexer {
    /// A clerk for the registry that `node` reads, whose first event stands in `first_block` or later (the block of its
    /// deployment).
    pub fn new(node: Node, database: Database, vigil: Vigil, clock: Clock, first_block: u64) -> Self {
        Self {
            node,
            database,
            vigil,
            clock,
            first_block,
            span: Arc::new(AtomicU64::new(LOG_BLOCKS)),
            status: Arc::new(watch::Sender::new(Status::default())),
        }
    }

    /// How it is doing, now and whenever that changes.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    fn key(&self) -> ChainKey {
        ChainKey { chain_id: self.node.chain_id(), registry: self.node.registry() }
    }

    /// Goes on until the copy reaches the node's newest block, which is taken at its word even when it lies below the
    /// copy. Returns the block reached; `None` while the chain has not come to the registry's first block.
    ///
    /// # Errors
    /// When the chain or the database fails, or a log cannot be decoded.
    pub async fn catch_up(&self) -> Result<Option<BlockRef>, IndexerError> {
        self.node.verify().await?;
        loop {
            match self.step(true).await {
                Ok(Step::UpToDate) => return Ok(self.status.borrow().indexed),
                Ok(Step::Moved | Step::NodeBehind) | Err(IndexerError::Moved(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// One step: nothing to do, a range or block forward, or back to where the chain still agrees. A chain shorter than
    /// the copy is followed back only with `trust_shorter`.
    ///
    /// # Errors
    /// As [`Indexer::catch_up`]; [`IndexerError::Moved`] when the chain moved meanwhile.
    pub async fn step(&self, trust_shorter: bool) -> Result<Step, IndexerError> {
        let cursor = self.cursor().await?;
        let mark = self.vigil.head();
        let head = self.node.head().await?;
        self.report(cursor.map(|cursor| cursor.block), head.number);
        let Some(cursor) = cursor else {
            return self.go_forward(None, &head).await;
        };
        if cursor.block.hash == head.hash {
            // Blocks were seen that were never copied: the node is behind, or they are gone.
            if head.number < mark && !trust_shorter {
                return Ok(Step::NodeBehind);
            }
            if head.number < mark {
                self.vigil.report_shorter(head.number);
            }
            return Ok(Step::UpToDate);
        }
        if head.number < cursor.block.number && !trust_shorter && !self.is_contradicted(&head).await? {
            return Ok(Step::NodeBehind);
        }
        if head.number <= cursor.block.number || !self.is_on_chain(cursor.block).await? {
            self.go_back(cursor.block).await?;
            self.vigil.report_shorter(head.number);
            return Ok(Step::Moved);
        }
        self.go_forward(Some(cursor.block), &head).await
    }

    async fn cursor(&self) -> Result<Option<ChainCursor>, IndexerError> {
        match self.database.find_copied_chain().await? {
            Some(other) if other.key != self.key() => Err(IndexerError::OtherRegister { found: other.key }),
            cursor => Ok(cursor),
        }
    }

    fn report(&self, indexed: Option<BlockRef>, head: u64) {
        let reached = indexed.map_or(0, |block| block.number);
        self.vigil.report_head(head);
        self.vigil.report_indexed(reached);
        metrics::gauge!("hbe_index_block").set(reached as f64);
        metrics::gauge!("hbe_index_lag_blocks").set(head.saturating_sub(reached) as f64);
        self.status.send_if_modified(|status| {
            let now = Status { indexed, head, trouble: status.trouble.clone() };
            std::mem::replace(status, now.clone()) != now
        });
    }

    /// Read in a statement of its own: the guard must be gone before the status is written.
    fn seen_head(&self) -> u64 {
        self.status.borrow().head
    }

    async fn is_on_chain(&self, block: BlockRef) -> Result<bool, IndexerError> {
        Ok(self.node.block(block.number).await?.is_some_and(|found| found.hash == block.hash))
    }

    async fn go_forward(&self, seen: Option<BlockRef>, head: &Block) -> Result<Step, IndexerError> {
        let from = seen.map_or(self.first_block.max(FIRST_WITH_EVENTS), |seen| seen.number + 1);
        if from > head.number {
            return Ok(Step::UpToDate);
        }
        let fetched = match head.number - from {
            near if near < NEAR => self.fetch_near(seen, from, head.number).await?,
            _ => self.fetch_range(seen, from, head.number - NEAR).await?,
        };
        match fetched {
            Some(fetched) => self.append(seen, fetched).await?,
            // The first block read does not follow the cursor.
            None => match seen {
                Some(seen) => self.go_back(seen).await?,
                None => return Err(IndexerError::Moved(from)),
            },
        }
        Ok(Step::Moved)
    }

    async fn append(&self, seen: Option<BlockRef>, fetched: Fetched) -> Result<(), IndexerError> {
        let rows = entries::rows(&fetched)?;
        let effects = self.effects_of(&fetched).await?;
        let notices = self.notices_of(&fetched).await?;
        let reaches = fetched.reaches();
        let count = rows.len();
        let batch = ChainBatch { blocks: fetched.block_rows(), events: rows, reaches, notices };
        match self.database.append_chain_with(self.key(), seen, &batch, &effects).await? {
            CursorMove::Done => {
                tracing::debug!(block = reaches.number, events = count, "index.appended");
                self.report(Some(reaches), self.seen_head().max(reaches.number));
                self.forget_headers(seen, reaches).await
            }
            CursorMove::Elsewhere(other) => {
                tracing::debug!(block = other.map(|block| block.number), "index.moved_by_another_instance");
                Ok(())
            }
        }
    }

    /// Each block number leaves the window of kept headers once, so this costs no more than the headers it forgets.
    async fn forget_headers(&self, seen: Option<BlockRef>, reaches: BlockRef) -> Result<(), IndexerError> {
        let from = seen.map_or(0, |seen| seen.number.saturating_sub(KEPT_HEADERS));
        let below = reaches.number.saturating_sub(KEPT_HEADERS);
        if from < below {
            self.database.forget_empty_blocks(from, below).await?;
        }
        Ok(())
    }

    fn span(&self) -> u64 {
        self.span.load(Ordering::Relaxed)
    }

    fn set_span(&self, blocks: u64) {
        self.span.store(blocks.clamp(1, LOG_BLOCKS), Ordering::Relaxed);
    }
}
