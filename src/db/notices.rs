//! `notices`: the outbox of the event stream. Append-only, numbered in the order in which they become visible, so that
//! a reader who goes on behind the last number it saw misses nothing.

use serde_json::Value;
use sqlx::{AnyConnection, any::AnyRow};

use super::{Database, DbError, Result, columns::Columns, page::fetch_limit};
use crate::domain::ids::UserId;

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT seq, user_address, kind, data, created_at_us \
             FROM notices ",
            $tail
        )
    };
}

/// Something a user is to be told. Identifiers and words only, never health data.
#[derive(Debug, Clone, PartialEq)]
pub struct NewNotice {
    /// For whom.
    pub user: UserId,
    /// Event type of the stream.
    pub kind: String,
    /// Identifiers and words.
    pub data: Value,
    /// Microseconds since 1970.
    pub created_at_us: i64,
}

/// A row of `notices`.
#[derive(Debug, Clone, PartialEq)]
pub struct NoticeRow {
    /// Its number; `Last-Event-ID`.
    pub seq: i64,
    /// For whom.
    pub user: UserId,
    /// Event type of the stream.
    pub kind: String,
    /// Identifiers and words.
    pub data: Value,
    /// Microseconds since 1970.
    pub created_at_us: i64,
}

impl NoticeRow {
    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "notices", "seq");
        Ok(Self {
            seq: columns.integer("seq")?,
            user: columns.parsed("user_address")?,
            kind: columns.text("kind")?,
            data: columns.json("data")?,
            created_at_us: columns.integer("created_at_us")?,
        })
    }
}

impl Database {
    /// Appends notices, all or none; returns the number of the last one (of the last ever when there are none).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_notices(&self, notices: &[NewNotice]) -> Result<i64> {
        let mut tx = self.begin().await?;
        let last = append_notices(&mut tx, notices).await?;
        tx.commit().await?;
        Ok(last)
    }

    /// What a user is to be told behind a number (0 for all that is kept), in order.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_notices(&self, user: UserId, after_seq: i64, limit: u32) -> Result<Vec<NoticeRow>> {
        let rows = sqlx::query(select!("WHERE user_address = $1 AND seq > $2 ORDER BY user_address, seq LIMIT $3"))
            .bind(user.to_string())
            .bind(after_seq)
            .bind(fetch_limit(limit) - 1)
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(NoticeRow::read).collect()
    }

    /// The number of the last notice to anybody: a new stream starts behind it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_notice_seq(&self) -> Result<i64> {
        let row =
            sqlx::query("SELECT name, value FROM counters WHERE name = 'notices'").fetch_one(&self.readers).await?;
        Columns::new(&row, "counters", "name").integer("value")
    }

    /// Forgets notices older than a time; returns how many. Their numbers are not given again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge_notices(&self, created_before_us: i64) -> Result<u64> {
        let result = sqlx::query("DELETE FROM notices WHERE created_at_us < $1")
            .bind(created_before_us)
            .execute(&self.writers)
            .await?;
        Ok(result.rows_affected())
    }
}

/// Draws numbers and inserts, in the caller's transaction: the row of the counter stays locked until commit, which is
/// what makes the numbers visible in their order.
pub(super) async fn append_notices(connection: &mut AnyConnection, notices: &[NewNotice]) -> Result<i64> {
    let count = notices.len() as i64;
    let row = sqlx::query("UPDATE counters SET value = value + $1 WHERE name = 'notices' RETURNING name, value")
        .bind(count)
        .fetch_optional(&mut *connection)
        .await?;
    let row = row.ok_or(DbError::Affected { table: "counters", changed: 0, expected: 1 })?;
    let last = Columns::new(&row, "counters", "name").integer("value")?;
    for (seq, notice) in (last - count + 1..).zip(notices) {
        sqlx::query("INSERT INTO notices (seq, user_address, kind, data, created_at_us) VALUES ($1, $2, $3, $4, $5)")
            .bind(seq)
            .bind(notice.user.to_string())
            .bind(notice.kind.clone())
            .bind(notice.data.to_string())
            .bind(notice.created_at_us)
            .execute(&mut *connection)
            .await?;
    }
    Ok(last)
}
