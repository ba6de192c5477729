//! `chain_events` of a period, for audits: of some items, or of all items of an owner.
//!
//! Seconds are turned into block numbers first, since chain time never falls: so the index by item and block serves here
//! too.

use alloy::primitives::B256;
use sqlx::{AssertSqlSafe, any::AnyRow};

use super::{
    Database, Result,
    chain_events::{ChainEventRow, EventPosition, behind, most, select_event},
    columns::{Columns, Hex},
};
use crate::domain::ids::UserId;

/// Most items asked for in one statement.
const ITEMS_AT_ONCE: usize = 200;

/// Block numbers of a period: `first..=last`.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    first: i64,
    last: i64,
}

impl Database {
    /// The events of these items whose chain time lies in `[from_s, until_s)`, behind a position, in order.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_events_of_items(
        &self,
        items: &[B256],
        from_s: i64,
        until_s: i64,
        after: Option<EventPosition>,
        limit: u32,
    ) -> Result<Vec<ChainEventRow>> {
        let Some(bounds) = self.blocks_of_period(from_s, until_s).await? else { return Ok(Vec::new()) };
        let mut events = Vec::new();
        for some in items.chunks(ITEMS_AT_ONCE) {
            events.extend(self.events_of_some(some, bounds, after, limit).await?);
        }
        // Each part is in order and long enough; together the first ones count.
        events.sort_by_key(ChainEventRow::position);
        events.dedup_by_key(|event| event.position());
        events.truncate(most(limit) as usize);
        Ok(events)
    }

    async fn events_of_some(
        &self,
        items: &[B256],
        bounds: Bounds,
        after: Option<EventPosition>,
        limit: u32,
    ) -> Result<Vec<ChainEventRow>> {
        let (block, log) = behind(after)?;
        let list: Vec<_> = (6..6 + items.len()).map(|n| format!("${n}")).collect();
        let mut query = sqlx::query(AssertSqlSafe(format!(
            select_event!(
                "WHERE aih_data IN ({}) AND (block_number, log_index) > ($1, $2)
                 AND block_number >= $3 AND block_number <= $4
             ORDER BY block_number, log_index LIMIT $5"
            ),
            list.join(", ")
        )))
        .persistent(false)
        .bind(block)
        .bind(log)
        .bind(bounds.first)
        .bind(bounds.last)
        .bind(most(limit));
        for item in items {
            query = query.bind(item.hex());
        }
        ChainEventRow::read_all(&query.fetch_all(&self.readers).await?)
    }

    /// The events of every item of an owner (erased ones too) whose chain time lies in `[from_s, until_s)`, behind a
    /// position, in order.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_events_of_owner(
        &self,
        owner: UserId,
        from_s: i64,
        until_s: i64,
        after: Option<EventPosition>,
        limit: u32,
    ) -> Result<Vec<ChainEventRow>> {
        let Some(bounds) = self.blocks_of_period(from_s, until_s).await? else { return Ok(Vec::new()) };
        let (block, log) = behind(after)?;
        let rows = sqlx::query(select_event!(
            "WHERE aih_data IN (SELECT hash FROM data_items WHERE owner = $1)
                 AND (block_number, log_index) > ($2, $3) AND block_number >= $4 AND block_number <= $5
             ORDER BY block_number, log_index LIMIT $6"
        ))
        .bind(owner.to_string())
        .bind(block)
        .bind(log)
        .bind(bounds.first)
        .bind(bounds.last)
        .bind(most(limit))
        .fetch_all(&self.readers)
        .await?;
        ChainEventRow::read_all(&rows)
    }

    /// `None` when the period holds no block we know.
    async fn blocks_of_period(&self, from_s: i64, until_s: i64) -> Result<Option<Bounds>> {
        let first = sqlx::query(
            "SELECT number FROM chain_blocks WHERE timestamp_s >= $1 AND timestamp_s < $2
             ORDER BY timestamp_s, number LIMIT 1",
        );
        let last = sqlx::query(
            "SELECT number FROM chain_blocks WHERE timestamp_s >= $1 AND timestamp_s < $2
             ORDER BY timestamp_s DESC, number DESC LIMIT 1",
        );
        let first = first.bind(from_s).bind(until_s).fetch_optional(&self.readers).await?;
        let last = last.bind(from_s).bind(until_s).fetch_optional(&self.readers).await?;
        let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
        let number = |row: &AnyRow| Columns::new(row, "chain_blocks", "number").integer("number");
        Ok(Some(Bounds { first: number(&first)?, last: number(&last)? }))
    }
}
