//! `restorations`: when a chain that was reset was given its register again.
//!
//! ```text
//! begun ──▶ ended            something was given to the chain
//!   │
//!   └─────▶ (removed)        there was nothing to give
//! ```
//!
//! A restoration that broke off stays begun, and the next attempt goes on with it.

use super::{Database, Result, columns::Columns};

/// The counter that says whether a restoration of the chain is under way.
const RESTORING: &str = "chain_restore";

/// Sets the counter.
const SET: &str = "INSERT INTO counters (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2";

impl Database {
    /// Notes that a restoration of the chain begins; true when one that broke off goes on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_restoration(&self, now_us: i64) -> Result<bool> {
        let mut tx = self.begin().await?;
        sqlx::query(SET).bind(RESTORING).bind(1_i64).execute(&mut *tx).await?;
        let open = sqlx::query("SELECT began_at_us FROM restorations WHERE ended_at_us IS NULL LIMIT 1")
            .fetch_optional(&mut *tx)
            .await?;
        if open.is_none() {
            sqlx::query("INSERT INTO restorations (began_at_us) VALUES ($1)").bind(now_us).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(open.is_some())
    }

    /// Notes that the restoration is done. Where there was nothing to restore, none is noted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_restoration(&self, now_us: i64, restored_something: bool) -> Result<()> {
        let mut tx = self.begin().await?;
        sqlx::query(SET).bind(RESTORING).bind(0_i64).execute(&mut *tx).await?;
        let end = match restored_something {
            true => sqlx::query("UPDATE restorations SET ended_at_us = $1 WHERE ended_at_us IS NULL").bind(now_us),
            false => sqlx::query("DELETE FROM restorations WHERE ended_at_us IS NULL"),
        };
        end.execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whether a restoration of the chain was begun and is not done.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn is_restoring(&self) -> Result<bool> {
        let row = sqlx::query("SELECT name, value FROM counters WHERE name = $1")
            .bind(RESTORING)
            .fetch_optional(&self.readers)
            .await?;
        row.map_or(Ok(false), |row| Ok(Columns::new(&row, "counters", "name").integer("value")? != 0))
    }

    /// When the first restoration that began after a moment was done, in microseconds since 1970.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_restoration_after(&self, moment_us: i64) -> Result<Option<i64>> {
        let row = sqlx::query(
            "SELECT began_at_us, ended_at_us FROM restorations
             WHERE began_at_us > $1 AND ended_at_us IS NOT NULL ORDER BY began_at_us LIMIT 1",
        )
        .bind(moment_us)
        .fetch_optional(&self.readers)
        .await?;
        row.map(|row| Columns::new(&row, "restorations", "began_at_us").integer("ended_at_us")).transpose()
    }
}
