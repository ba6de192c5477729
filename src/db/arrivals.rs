//! `arrivals`: items that have arrived and were not looked into yet. An arrival is here before its upload is acknowledged,
//! so no restart loses a look.
//!
//! ```text
//! stored ─▶ due ─▶ claimed ⟲ (whoever was at it is gone, or got no answer: due again) ──▶ row removed: looked into
//! ```

use sqlx::AnyConnection;

use super::{Database, Result, columns::Columns};
use crate::domain::ids::AihDataId;

/// An item somebody has to look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// The item.
    pub item: AihDataId,
    /// When it is due, microseconds since 1970.
    pub due_at_us: i64,
    /// Looks begun so far.
    pub attempts: u64,
}

/// How long a look may take before another is begun, in microseconds: longer than a child process may live, and a place
/// for it may be waited for.
pub const LOOK_TIME_US: i64 = 900_000_000;

impl Database {
    /// What is due, the longest due first.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_due_arrivals(&self, now_us: i64, limit: u32) -> Result<Vec<Arrival>> {
        let rows = sqlx::query(
            "SELECT aih_data_id, due_at_us, attempts FROM arrivals WHERE due_at_us <= $1
             ORDER BY due_at_us, aih_data_id LIMIT $2",
        )
        .bind(now_us)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        let read = |row| {
            let columns = Columns::new(row, "arrivals", "aih_data_id");
            Ok(Arrival {
                item: columns.parsed("aih_data_id")?,
                due_at_us: columns.integer("due_at_us")?,
                attempts: columns.unsigned("attempts")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Begins a look, which nobody else begins before [`LOOK_TIME_US`] is over. False when somebody else was faster.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_arrival(&self, arrival: &Arrival, now_us: i64) -> Result<bool> {
        let result = sqlx::query(
            "UPDATE arrivals SET due_at_us = $3, attempts = attempts + 1 WHERE aih_data_id = $1 AND due_at_us = $2",
        )
        .bind(arrival.item.to_string())
        .bind(arrival.due_at_us)
        .bind(now_us.saturating_add(LOOK_TIME_US))
        .execute(&self.writers)
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// A look came to nothing for a reason that passes; another is begun at a time, microseconds since 1970.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn postpone_arrival(&self, item: AihDataId, due_at_us: i64) -> Result<()> {
        sqlx::query("UPDATE arrivals SET due_at_us = $2 WHERE aih_data_id = $1")
            .bind(item.to_string())
            .bind(due_at_us)
            .execute(&self.writers)
            .await?;
        Ok(())
    }

    /// Makes everything due; gives the number of those that somebody had claimed. For the start of the only instance:
    /// whoever was at them is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn free_arrivals(&self, now_us: i64) -> Result<u64> {
        let result = sqlx::query("UPDATE arrivals SET due_at_us = $1 WHERE due_at_us > $1")
            .bind(now_us)
            .execute(&self.writers)
            .await?;
        Ok(result.rows_affected())
    }

    /// It was looked into, or there is nothing to look into.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_arrival(&self, item: AihDataId) -> Result<()> {
        sqlx::query("DELETE FROM arrivals WHERE aih_data_id = $1")
            .bind(item.to_string())
            .execute(&self.writers)
            .await?;
        Ok(())
    }
}

/// Notes that an item has arrived, in the transaction that acknowledges it; whoever acknowledged it looks into it at once.
/// What was derived has not arrived: it is looked into through its parent.
pub(super) async fn insert_arrival(connection: &mut AnyConnection, item: AihDataId, at_us: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO arrivals (aih_data_id, due_at_us, attempts)
         SELECT aih_data_id, $2, 1 FROM data_items WHERE aih_data_id = $1 AND parent_id IS NULL",
    )
    .bind(item.to_string())
    .bind(at_us.saturating_add(LOOK_TIME_US))
    .execute(connection)
    .await?;
    Ok(())
}
