//! `earlier_events`: what the copy held of a chain that is gone. They prove nothing to anybody else, since no node can be
//! asked for them; they are what this Back End saw, and let an audit tell what was recorded then from what never was.

use alloy::primitives::{Address, B128, B256};
use sqlx::{AnyConnection, any::AnyRow};

use super::{
    Database, Result,
    chain_events::{ChainEventRow, EventPosition, MOST_EVENTS, behind},
    columns::{Columns, Hex},
};
use crate::domain::ids::UserId;

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT ended_at_us, block_number, log_index, block_hash, tx_hash, event, aih_data, licence, \
             user_address, confirm_id, data, timestamp_s \
             FROM earlier_events ",
            $tail
        )
    };
}

/// An event of a chain that is gone.
#[derive(Debug, Clone, PartialEq)]
pub struct EarlierEventRow {
    /// As it was copied.
    pub event: ChainEventRow,
    /// Which chain: when the copy lost it, in microseconds since 1970.
    pub ended_at_us: i64,
}

/// A place in the order of all chains that are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EarlierPosition {
    ended_at_us: i64,
    event: EventPosition,
}

impl EarlierEventRow {
    /// Its place.
    pub fn position(&self) -> EarlierPosition {
        EarlierPosition { ended_at_us: self.ended_at_us, event: self.event.position() }
    }

    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "earlier_events", "block_number");
        let event = ChainEventRow::read_columns(&columns)?;
        Ok(Self { event, ended_at_us: columns.integer("ended_at_us")? })
    }
}

fn events(rows: &[AnyRow]) -> Result<Vec<ChainEventRow>> {
    rows.iter().map(|row| EarlierEventRow::read(row).map(|row| row.event)).collect()
}

impl Database {
    /// The answer to a Licence Confirm that a chain held which is gone.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_earlier_answer(&self, confirm_id: B128) -> Result<Option<EarlierEventRow>> {
        let row = sqlx::query(select!("WHERE confirm_id = $1 ORDER BY ended_at_us, block_number, log_index LIMIT 1"))
            .bind(confirm_id.hex())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(EarlierEventRow::read).transpose()
    }

    /// What happened to an item's licences on chains that are gone, in order, at most 1000.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_earlier_licence_events(&self, aih_data: B256) -> Result<Vec<EarlierEventRow>> {
        let rows = sqlx::query(select!(
            "WHERE aih_data = $1 AND event IN ('LicenceIssued', 'LicenceDerived', 'LicenceChanged', 'LicenceRevoked')
             ORDER BY ended_at_us, block_number, log_index LIMIT $2"
        ))
        .bind(aih_data.hex())
        .bind(i64::from(MOST_EVENTS))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(EarlierEventRow::read).collect()
    }

    /// The events of an owner's items, or of one of them, on chains that are gone, whose chain time lies in
    /// `[from_s, until_s)`, behind a position, in order.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_earlier_events_of_owner(
        &self,
        (owner, item): (UserId, Option<B256>),
        (from_s, until_s): (i64, i64),
        after: Option<EarlierPosition>,
        limit: u32,
    ) -> Result<Vec<EarlierEventRow>> {
        let ended = after.map_or(-1, |after| after.ended_at_us);
        let (block, log) = behind(after.map(|after| after.event))?;
        let rows = sqlx::query(select!(
            "WHERE aih_data IN (SELECT hash FROM data_items WHERE owner = $1 AND ($2 = '' OR hash = $2))
                 AND timestamp_s >= $3 AND timestamp_s < $4
                 AND (ended_at_us, block_number, log_index) > ($5, $6, $7)
             ORDER BY ended_at_us, block_number, log_index LIMIT $8"
        ))
        .bind(owner.to_string())
        .bind(item.as_ref().map(Hex::hex).unwrap_or_default())
        .bind(from_s)
        .bind(until_s)
        .bind(ended)
        .bind(block)
        .bind(log)
        .bind(i64::from(limit.clamp(1, MOST_EVENTS)))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(EarlierEventRow::read).collect()
    }

    /// What one chain that is gone said of a user, in order, at most 1000.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_earlier_class_events_of(&self, ended_at_us: i64, user: Address) -> Result<Vec<ChainEventRow>> {
        let rows = sqlx::query(select!(
            "WHERE user_address = $1 AND event = 'UserClassSet' AND ended_at_us = $2
             ORDER BY block_number, log_index LIMIT $3"
        ))
        .bind(user.hex())
        .bind(ended_at_us)
        .bind(i64::from(MOST_EVENTS))
        .fetch_all(&self.readers)
        .await?;
        events(&rows)
    }
}

/// Takes over every event of the copy, before it forgets them.
pub(super) async fn keep_all_events(connection: &mut AnyConnection, ended_at_us: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO earlier_events (ended_at_us, block_number, log_index, block_hash, tx_hash, event, aih_data,
             licence, user_address, confirm_id, data, timestamp_s)
         SELECT CAST($1 AS BIGINT), block_number, log_index, block_hash, tx_hash, event, aih_data, licence,
             user_address, confirm_id, data, timestamp_s FROM chain_events",
    )
    .bind(ended_at_us)
    .execute(connection)
    .await?;
    Ok(())
}
