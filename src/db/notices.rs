//! `notices`: the outbox of the event stream. Append-only, numbered in the order in which they become visible, so that
//! a reader who goes on behind the last number it saw misses nothing.
//!
//! What concerns everybody who takes part in a service is one row, whatever their number: in place of an account it names
//! the service, and those whose Token opens it read it among their own.

use serde_json::Value;
use sqlx::{AnyConnection, any::AnyRow};

use super::{Database, DbError, Result, columns::Columns, page::fetch_limit};
use crate::domain::{ids::UserId, operation::Operation, taxonomy::Word};

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

/// Whom a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// One user.
    User(UserId),
    /// Everybody whose Token opens this service.
    Service(Operation),
}

/// A notice to one user, or to everybody in a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// For whom.
    pub audience: Audience,
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
    /// Who reads it.
    pub user: UserId,
    /// Event type of the stream.
    pub kind: String,
    /// Identifiers and words.
    pub data: Value,
    /// Microseconds since 1970.
    pub created_at_us: i64,
}

impl Audience {
    fn text(self) -> String {
        match self {
            Self::User(user) => user.to_string(),
            Self::Service(service) => service.word().to_owned(),
        }
    }
}

impl From<&NewNotice> for Call {
    fn from(notice: &NewNotice) -> Self {
        Self {
            audience: Audience::User(notice.user),
            kind: notice.kind.clone(),
            data: notice.data.clone(),
            created_at_us: notice.created_at_us,
        }
    }
}

impl NoticeRow {
    fn read(row: &AnyRow, user: UserId) -> Result<Self> {
        let columns = Columns::new(row, "notices", "seq");
        Ok(Self {
            seq: columns.integer("seq")?,
            user,
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
        rows.iter().map(|row| NoticeRow::read(row, user)).collect()
    }

    /// As [`Database::list_notices`], with what everybody in a service is to be told among it. One statement, so that no
    /// number that becomes visible meanwhile is passed over.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_notices_and_calls(
        &self,
        user: UserId,
        service: Operation,
        after_seq: i64,
        limit: u32,
    ) -> Result<Vec<NoticeRow>> {
        let rows = sqlx::query(
            "SELECT seq, kind, data, created_at_us FROM notices WHERE user_address = $1 AND seq > $3
             UNION ALL
             SELECT seq, kind, data, created_at_us FROM notices WHERE user_address = $2 AND seq > $3
             ORDER BY seq LIMIT $4",
        )
        .bind(user.to_string())
        .bind(service.word())
        .bind(after_seq)
        .bind(fetch_limit(limit) - 1)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| NoticeRow::read(row, user)).collect()
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
    append_calls(connection, &notices.iter().map(Call::from).collect::<Vec<_>>()).await
}

/// As [`append_notices`].
pub(super) async fn append_calls(connection: &mut AnyConnection, calls: &[Call]) -> Result<i64> {
    let count = calls.len() as i64;
    let row = sqlx::query("UPDATE counters SET value = value + $1 WHERE name = 'notices' RETURNING name, value")
        .bind(count)
        .fetch_optional(&mut *connection)
        .await?;
    let row = row.ok_or(DbError::Affected { table: "counters", changed: 0, expected: 1 })?;
    let last = Columns::new(&row, "counters", "name").integer("value")?;
    for (seq, call) in (last - count + 1..).zip(calls) {
        sqlx::query("INSERT INTO notices (seq, user_address, kind, data, created_at_us) VALUES ($1, $2, $3, $4, $5)")
            .bind(seq)
            .bind(call.audience.text())
            .bind(call.kind.clone())
            .bind(call.data.to_string())
            .bind(call.created_at_us)
            .execute(&mut *connection)
            .await?;
    }
    Ok(last)
}
