//! `chain_events`: the registry's own events, in the chain's order (block number, then place in the block).
//!
//! Lists continue behind an [`EventPosition`]: one index, `(item, block, log)`, serves every list of an item. Those of a
//! period are in `chain_event_periods`.

use alloy::primitives::{Address, B128, B256};
use futures_util::Stream;
use serde_json::Value;
use sqlx::{AnyConnection, AssertSqlSafe, any::AnyRow};

use super::{
    Database, DbError, Result, State,
    columns::{Columns, Hex, bigint},
    state::states,
};

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select_event {
    ($tail:literal) => {
        concat!(
            "SELECT block_number, log_index, block_hash, tx_hash, event, aih_data, licence, user_address, \
             confirm_id, data, timestamp_s \
             FROM chain_events ",
            $tail
        )
    };
}

pub(super) use select_event;

states! {
    /// The registry's events.
    EventName in "chain_events" {
        /// A first licence of an item.
        LicenceIssued = "LicenceIssued",
        /// A licence copied from a parent's.
        LicenceDerived = "LicenceDerived",
        /// A licence in place of another.
        LicenceChanged = "LicenceChanged",
        /// A licence, or the Back End's own right, withdrawn.
        LicenceRevoked = "LicenceRevoked",
        /// A user's class was vouched for, or suspended.
        UserClassSet = "UserClassSet",
        /// A Licence Confirm with its answer, yes or no.
        LicenceConfirmed = "LicenceConfirmed",
        /// A derivation that could not be done.
        DerivationRefused = "DerivationRefused",
    }
}

impl EventName {
    /// Whether it changes which licence an item has.
    pub fn is_of_licence(self) -> bool {
        matches!(self, Self::LicenceIssued | Self::LicenceDerived | Self::LicenceChanged | Self::LicenceRevoked)
    }
}

/// A row of `chain_events`; the rows are never changed, so this is also what is inserted.
#[derive(Debug, Clone, PartialEq)]
pub struct ChainEventRow {
    /// Block number.
    pub block_number: u64,
    /// Place in the block.
    pub log_index: u64,
    /// Block hash.
    pub block_hash: B256,
    /// Transaction.
    pub tx_hash: B256,
    /// Which event.
    pub event: EventName,
    /// Hash of the item's ID; `None` for events about users.
    pub aih_data: Option<B256>,
    /// The licence.
    pub licence: Option<Address>,
    /// End User, requester, or the user whose class was set.
    pub user: Option<Address>,
    /// Licence Confirm ID.
    pub confirm_id: Option<B128>,
    /// Every argument of the event.
    pub data: Value,
    /// Chain time of the block, seconds since 1970.
    pub timestamp_s: i64,
}

/// A place in the chain's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventPosition {
    /// Block number.
    pub block_number: u64,
    /// Place in the block.
    pub log_index: u64,
}

impl EventPosition {
    /// Before every event at or above a block.
    pub fn before_block(number: u64) -> Option<Self> {
        let block_number = number.checked_sub(1)?;
        Some(Self { block_number, log_index: i64::MAX as u64 })
    }
}

impl ChainEventRow {
    /// Its place in the chain's order.
    pub fn position(&self) -> EventPosition {
        EventPosition { block_number: self.block_number, log_index: self.log_index }
    }

    fn read(row: &AnyRow) -> Result<Self> {
        Self::read_columns(&Columns::new(row, "chain_events", "block_number"))
    }

    pub(super) fn read_columns(columns: &Columns<'_>) -> Result<Self> {
        Ok(Self {
            block_number: columns.unsigned("block_number")?,
            log_index: columns.unsigned("log_index")?,
            block_hash: columns.parsed("block_hash")?,
            tx_hash: columns.parsed("tx_hash")?,
            event: columns.state("event")?,
            aih_data: columns.optional_parsed("aih_data")?,
            licence: columns.optional_parsed("licence")?,
            user: columns.optional_parsed("user_address")?,
            confirm_id: columns.optional_parsed("confirm_id")?,
            data: columns.json("data")?,
            timestamp_s: columns.integer("timestamp_s")?,
        })
    }

    pub(super) fn read_all(rows: &[AnyRow]) -> Result<Vec<Self>> {
        rows.iter().map(Self::read).collect()
    }
}

/// Most events of one answer, whatever was asked for.
pub(super) const MOST_EVENTS: u32 = 1_000;

pub(super) fn most(limit: u32) -> i64 {
    limit.clamp(1, MOST_EVENTS).into()
}

pub(super) fn behind(after: Option<EventPosition>) -> Result<(i64, i64)> {
    let Some(after) = after else { return Ok((-1, -1)) };
    Ok((bigint("block_number", after.block_number)?, bigint("log_index", after.log_index)?))
}

impl Database {
    /// What happened to an item's licences, without the decisions, in order: the last one tells which licence it has.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_licence_events_of_item(
        &self,
        aih_data: B256,
        after: Option<EventPosition>,
        limit: u32,
    ) -> Result<Vec<ChainEventRow>> {
        let (block, log) = behind(after)?;
        let rows = sqlx::query(select_event!(
            "WHERE aih_data = $1 AND (block_number, log_index) > ($2, $3)
                 AND event IN ('LicenceIssued', 'LicenceDerived', 'LicenceChanged', 'LicenceRevoked')
             ORDER BY block_number, log_index LIMIT $4"
        ))
        .bind(aih_data.hex())
        .bind(block)
        .bind(log)
        .bind(most(limit))
        .fetch_all(&self.readers)
        .await?;
        ChainEventRow::read_all(&rows)
    }

    /// All events behind a position, in order.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_events(&self, after: Option<EventPosition>, limit: u32) -> Result<Vec<ChainEventRow>> {
        let (block, log) = behind(after)?;
        let rows = sqlx::query(select_event!(
            "WHERE (block_number, log_index) > ($1, $2)
             ORDER BY block_number, log_index LIMIT $3"
        ))
        .bind(block)
        .bind(log)
        .bind(most(limit))
        .fetch_all(&self.readers)
        .await?;
        ChainEventRow::read_all(&rows)
    }

    /// All events in order, read in pages so that no transaction stays open, to be compared with a new scan.
    pub fn events(&self) -> impl Stream<Item = Result<ChainEventRow>> + Send + '_ {
        async_stream::try_stream! {
            let mut after = None;
            loop {
                let page = self.list_events(after, MOST_EVENTS).await?;
                let Some(last) = page.last() else { break };
                after = Some(last.position());
                for event in page {
                    yield event;
                }
            }
        }
    }

    /// The recorded answer to a Licence Confirm; the first, should the chain hold several.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_event_by_confirm_id(&self, confirm_id: B128) -> Result<Option<ChainEventRow>> {
        let row = sqlx::query(select_event!("WHERE confirm_id = $1 ORDER BY block_number, log_index LIMIT 1"))
            .bind(confirm_id.hex())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(ChainEventRow::read).transpose()
    }

    /// What the registry said of a user, in order, at most 1000.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_class_events_of(&self, user: Address) -> Result<Vec<ChainEventRow>> {
        let rows = sqlx::query(select_event!(
            "WHERE user_address = $1 AND event = 'UserClassSet' ORDER BY block_number, log_index LIMIT 1000"
        ))
        .bind(user.hex())
        .fetch_all(&self.readers)
        .await?;
        ChainEventRow::read_all(&rows)
    }
}

/// Rows written by one statement: a range of blocks costs few round trips to a server.
const ROWS_AT_ONCE: usize = 50;
/// Columns of the table.
const COLUMNS: usize = 11;

pub(super) async fn insert_events(connection: &mut AnyConnection, events: &[ChainEventRow]) -> Result<()> {
    for rows in events.chunks(ROWS_AT_ONCE) {
        let row = |n: usize| {
            let places: Vec<_> = (1..=COLUMNS).map(|column| format!("${}", n * COLUMNS + column)).collect();
            format!("({})", places.join(", "))
        };
        let places: Vec<_> = (0..rows.len()).map(row).collect();
        let mut query = sqlx::query(AssertSqlSafe(format!(
            "INSERT INTO chain_events (block_number, log_index, block_hash, tx_hash, event, aih_data, licence,
                 user_address, confirm_id, data, timestamp_s)
             VALUES {}",
            places.join(", ")
        )));
        for event in rows {
            query = query
                .bind(bigint("block_number", event.block_number)?)
                .bind(bigint("log_index", event.log_index)?)
                .bind(event.block_hash.hex())
                .bind(event.tx_hash.hex())
                .bind(event.event.word())
                .bind(event.aih_data.as_ref().map(Hex::hex))
                .bind(event.licence.as_ref().map(Hex::hex))
                .bind(event.user.as_ref().map(Hex::hex))
                .bind(event.confirm_id.as_ref().map(Hex::hex))
                .bind(event.data.to_string())
                .bind(event.timestamp_s);
        }
        // Full statements are prepared once; odd ones would only fill the cache.
        let result = query.persistent(rows.len() == ROWS_AT_ONCE).execute(&mut *connection).await?;
        if result.rows_affected() != rows.len() as u64 {
            let expected = rows.len() as u64;
            return Err(DbError::Affected { table: "chain_events", changed: result.rows_affected(), expected });
        }
    }
    Ok(())
}
