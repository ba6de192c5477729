//! `chain_blocks` and `chain_cursor`: how far the copy of the chain's register reaches, and moving it, always together
//! with the events.
//!
//! ```text
//! append    cursor at A ──▶ blocks and events above A, cursor at B        one transaction
//! roll back cursor at B ──▶ nothing above A,           cursor at A        one transaction
//! ```
//!
//! Whoever moves the cursor says where they saw it. If it stands elsewhere (another instance was faster), nothing is
//! written and the caller looks again: so several indexers can run and each block is written once.

use alloy::primitives::{Address, B256};
use sqlx::{AnyConnection, any::AnyRow};

use super::{
    Database, Result,
    chain_effects::ChainEffects,
    chain_events::{ChainEventRow, insert_events},
    columns::{Columns, Hex, bigint, exactly_one},
    earlier_events::keep_all_events,
    notices::{NewNotice, append_notices},
};

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select_block {
    ($tail:literal) => {
        concat!(
            "SELECT number, hash, parent_hash, timestamp_s \
             FROM chain_blocks ",
            $tail
        )
    };
}

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select_cursor {
    ($tail:literal) => {
        concat!(
            "SELECT chain_id, registry, block_number, block_hash, event_count \
             FROM chain_cursor ",
            $tail
        )
    };
}

/// The register that is copied. One database holds one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainKey {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The `LicenceRegistry`.
    pub registry: Address,
}

/// A block, named beyond doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockRef {
    /// Number.
    pub number: u64,
    /// Hash.
    pub hash: B256,
}

/// A row of `chain_blocks`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockRow {
    /// Number.
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// Hash of the block before.
    pub parent_hash: B256,
    /// Chain time, seconds since 1970.
    pub timestamp_s: i64,
}

/// How far the copy reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainCursor {
    /// Which register.
    pub key: ChainKey,
    /// The copy is complete up to and including this block.
    pub block: BlockRef,
    /// Events copied.
    pub event_count: u64,
}

/// A range of blocks to append.
#[derive(Debug, Clone)]
pub struct ChainBatch {
    /// Every block an event stands in, and the last block; others may be left out.
    pub blocks: Vec<BlockRow>,
    /// Every event of the range.
    pub events: Vec<ChainEventRow>,
    /// The last block of the range: the copy is complete up to here.
    pub reaches: BlockRef,
    /// What users are to be told, written with the events or not at all.
    pub notices: Vec<NewNotice>,
}

/// What became of moving the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "when the cursor stands elsewhere nothing was written"]
pub enum CursorMove {
    /// Written; the cursor moved.
    Done,
    /// Nothing written: the cursor stands here, or there is none for this register (or the database holds another).
    Elsewhere(Option<BlockRef>),
}

impl BlockRow {
    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "chain_blocks", "number");
        Ok(Self {
            number: columns.unsigned("number")?,
            hash: columns.parsed("hash")?,
            parent_hash: columns.parsed("parent_hash")?,
            timestamp_s: columns.integer("timestamp_s")?,
        })
    }
}

impl ChainCursor {
    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "chain_cursor", "registry");
        Ok(Self {
            key: ChainKey { chain_id: columns.unsigned("chain_id")?, registry: columns.parsed("registry")? },
            block: BlockRef { number: columns.unsigned("block_number")?, hash: columns.parsed("block_hash")? },
            event_count: columns.unsigned("event_count")?,
        })
    }
}

impl Database {
    /// Appends a range of blocks with its events and notices and moves the cursor, all or nothing. `seen` is where the
    /// cursor stood, `None` for a register that has none yet.
    ///
    /// # Errors
    /// [`super::DbError::Unrelated`] when an event stands in a block that is neither in the batch nor here,
    /// [`super::DbError::Taken`] when a block or event is here already.
    pub async fn append_chain(&self, key: ChainKey, seen: Option<BlockRef>, batch: &ChainBatch) -> Result<CursorMove> {
        self.append_chain_with(key, seen, batch, &ChainEffects::default()).await
    }

    /// As [`Database::append_chain`], with what the events change elsewhere.
    ///
    /// # Errors
    /// As [`Database::append_chain`].
    pub async fn append_chain_with(
        &self,
        key: ChainKey,
        seen: Option<BlockRef>,
        batch: &ChainBatch,
        effects: &ChainEffects,
    ) -> Result<CursorMove> {
        self.retried(|| self.append_chain_once(key, seen, batch, effects)).await
    }

    async fn append_chain_once(
        &self,
        key: ChainKey,
        seen: Option<BlockRef>,
        batch: &ChainBatch,
        effects: &ChainEffects,
    ) -> Result<CursorMove> {
        let mut tx = self.begin().await?;
        let added = batch.events.len() as i64;
        let moved = match seen {
            Some(seen) => move_cursor(&mut tx, key, seen, batch.reaches, added).await?,
            None => make_cursor(&mut tx, key, batch.reaches, added).await?,
        };
        if !moved {
            return Ok(CursorMove::Elsewhere(stands_at(&mut tx, key).await?));
        }
        for block in &batch.blocks {
            insert_block(&mut tx, block).await?;
        }
        insert_events(&mut tx, &batch.events).await?;
        effects.apply(&mut tx).await?;
        if !batch.notices.is_empty() {
            append_notices(&mut tx, &batch.notices).await?;
        }
        tx.commit().await?;
        Ok(CursorMove::Done)
    }

    /// Removes every block and event above `to` and moves the cursor there; `None` removes all of it and the cursor (a
    /// reset chain; what it held is kept in `earlier_events`). `seen` is where the cursor stood. Notices tell users, in the same transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn roll_back_chain(
        &self,
        key: ChainKey,
        seen: BlockRef,
        to: Option<BlockRef>,
        notices: &[NewNotice],
    ) -> Result<CursorMove> {
        self.roll_back_chain_with(key, seen, to, notices, &ChainEffects::default()).await
    }

    /// As [`Database::roll_back_chain`], with what losing the events changes elsewhere.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn roll_back_chain_with(
        &self,
        key: ChainKey,
        seen: BlockRef,
        to: Option<BlockRef>,
        notices: &[NewNotice],
        effects: &ChainEffects,
    ) -> Result<CursorMove> {
        self.retried(|| self.roll_back_chain_once(key, seen, to, notices, effects)).await
    }

    async fn roll_back_chain_once(
        &self,
        key: ChainKey,
        seen: BlockRef,
        to: Option<BlockRef>,
        notices: &[NewNotice],
        effects: &ChainEffects,
    ) -> Result<CursorMove> {
        let mut tx = self.begin().await?;
        // First the cursor: its row is what two indexers contend for.
        if !move_cursor(&mut tx, key, seen, to.unwrap_or(seen), 0).await? {
            return Ok(CursorMove::Elsewhere(stands_at(&mut tx, key).await?));
        }
        if to.is_none() {
            keep_all_events(&mut tx, effects.at_us).await?;
        }
        let above = to.map_or(Ok(-1), |to| bigint("block_number", to.number))?;
        let removed = sqlx::query("DELETE FROM chain_events WHERE block_number > $1")
            .bind(above)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        sqlx::query("DELETE FROM chain_blocks WHERE number > $1").bind(above).execute(&mut *tx).await?;
        match to {
            Some(to) => {
                let moved = move_cursor(&mut tx, key, to, to, -bigint("event_count", removed)?).await?;
                exactly_one("chain_cursor", moved.into())?;
            }
            None => {
                let result = sqlx::query("DELETE FROM chain_cursor WHERE chain_id = $1 AND registry = $2")
                    .bind(bigint("chain_id", key.chain_id)?)
                    .bind(key.registry.hex())
                    .execute(&mut *tx)
                    .await?;
                exactly_one("chain_cursor", result.rows_affected())?;
            }
        }
        effects.apply(&mut tx).await?;
        if !notices.is_empty() {
            append_notices(&mut tx, notices).await?;
        }
        tx.commit().await?;
        Ok(CursorMove::Done)
    }

    /// How far the copy of a register reaches.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_chain_cursor(&self, key: ChainKey) -> Result<Option<ChainCursor>> {
        let row = sqlx::query(select_cursor!("WHERE chain_id = $1 AND registry = $2"))
            .bind(bigint("chain_id", key.chain_id)?)
            .bind(key.registry.hex())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(ChainCursor::read).transpose()
    }

    /// The register this database holds a copy of, whichever it is.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_copied_chain(&self) -> Result<Option<ChainCursor>> {
        let row = sqlx::query(select_cursor!("LIMIT 1")).fetch_optional(&self.readers).await?;
        row.as_ref().map(ChainCursor::read).transpose()
    }

    /// The block with this number, if it was kept.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_block(&self, number: u64) -> Result<Option<BlockRow>> {
        let row = sqlx::query(select_block!("WHERE number = $1"))
            .bind(bigint("block_number", number)?)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(BlockRow::read).transpose()
    }

    /// The highest block kept at or below a number: going down by it finds where a reorganised chain still agrees.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_block_at_or_below(&self, number: u64) -> Result<Option<BlockRow>> {
        let row = sqlx::query(select_block!("WHERE number <= $1 ORDER BY number DESC LIMIT 1"))
            .bind(bigint("block_number", number)?)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(BlockRow::read).transpose()
    }
}

/// False when the cursor is not where it was seen.
async fn move_cursor(
    connection: &mut AnyConnection,
    key: ChainKey,
    seen: BlockRef,
    to: BlockRef,
    events_added: i64,
) -> Result<bool> {
    let result = sqlx::query(
        "UPDATE chain_cursor SET block_number = $3, block_hash = $4, event_count = event_count + $5
         WHERE chain_id = $1 AND registry = $2 AND block_number = $6 AND block_hash = $7",
    )
    .bind(bigint("chain_id", key.chain_id)?)
    .bind(key.registry.hex())
    .bind(bigint("block_number", to.number)?)
    .bind(to.hash.hex())
    .bind(events_added)
    .bind(bigint("block_number", seen.number)?)
    .bind(seen.hash.hex())
    .execute(connection)
    .await?;
    Ok(result.rows_affected() == 1)
}

/// False when this or another register has a cursor here.
async fn make_cursor(connection: &mut AnyConnection, key: ChainKey, at: BlockRef, events: i64) -> Result<bool> {
    let other = sqlx::query("SELECT chain_id FROM chain_cursor LIMIT 1").fetch_optional(&mut *connection).await?;
    if other.is_some() {
        return Ok(false);
    }
    let result = sqlx::query(
        "INSERT INTO chain_cursor (chain_id, registry, block_number, block_hash, event_count)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (chain_id, registry) DO NOTHING",
    )
    .bind(bigint("chain_id", key.chain_id)?)
    .bind(key.registry.hex())
    .bind(bigint("block_number", at.number)?)
    .bind(at.hash.hex())
    .bind(events)
    .execute(connection)
    .await?;
    Ok(result.rows_affected() == 1)
}

async fn stands_at(connection: &mut AnyConnection, key: ChainKey) -> Result<Option<BlockRef>> {
    let row = sqlx::query(select_cursor!("WHERE chain_id = $1 AND registry = $2"))
        .bind(bigint("chain_id", key.chain_id)?)
        .bind(key.registry.hex())
        .fetch_optional(connection)
        .await?;
    Ok(row.as_ref().map(ChainCursor::read).transpose()?.map(|cursor| cursor.block))
}

async fn insert_block(connection: &mut AnyConnection, block: &BlockRow) -> Result<()> {
    sqlx::query("INSERT INTO chain_blocks (number, hash, parent_hash, timestamp_s) VALUES ($1, $2, $3, $4)")
        .bind(bigint("block_number", block.number)?)
        .bind(block.hash.hex())
        .bind(block.parent_hash.hex())
        .bind(block.timestamp_s)
        .execute(connection)
        .await?;
    Ok(())
}
