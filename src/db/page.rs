//! Lists in pages, continued by key and not by number, so that rows that come or go meanwhile shift nothing.

use std::{fmt, str::FromStr};

use alloy::primitives::hex;
use sqlx::any::AnyRow;

use super::{Database, Result, columns::Statement};

/// The end of one page: the next one starts behind it. Opaque to clients: `Display` and `FromStr` carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// What the list is ordered by first, mostly a time.
    pub(super) at: i64,
    /// What tells equals apart, the row's key.
    pub(super) key: String,
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a place in a list that was given out")]
pub struct CursorError;

impl Cursor {
    pub(super) fn new(at: i64, key: impl Into<String>) -> Self {
        Self { at, key: key.into() }
    }

    /// Before the first row of a list that rises.
    pub(super) fn lowest(after: Option<&Self>) -> Self {
        after.cloned().unwrap_or_else(|| Self::new(i64::MIN, ""))
    }

    /// Before the first row of a list that falls.
    pub(super) fn highest(after: Option<&Self>) -> Self {
        after.cloned().unwrap_or_else(|| Self::new(i64::MAX, ""))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at, hex::encode(&self.key))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        const LONGEST: usize = 400;
        let (at, key) = text.split_once('.').filter(|_| text.len() <= LONGEST).ok_or(CursorError)?;
        let at = at.parse().map_err(|_| CursorError)?;
        let key = String::from_utf8(hex::decode(key).map_err(|_| CursorError)?).map_err(|_| CursorError)?;
        // PostgreSQL cannot hold a NUL in a text.
        if key.contains('\0') { Err(CursorError) } else { Ok(Self { at, key }) }
    }
}

/// Some rows of a list and where it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows, in order.
    pub rows: Vec<T>,
    /// Ask with this for the rows behind; `None` at the end of the list.
    pub next: Option<Cursor>,
}

/// Most rows of one page, whatever was asked for.
const MOST_ROWS: u32 = 1_000;

/// One row more than asked for, which tells whether the list goes on.
pub(super) fn fetch_limit(limit: u32) -> i64 {
    i64::from(limit.clamp(1, MOST_ROWS)) + 1
}

impl<T> Page<T> {
    /// From the rows of a query with [`fetch_limit`].
    pub(super) fn of(mut rows: Vec<T>, limit: u32, cursor: impl Fn(&T) -> Cursor) -> Self {
        let most = limit.clamp(1, MOST_ROWS) as usize;
        let goes_on = rows.len() > most;
        rows.truncate(most);
        let next = rows.last().filter(|_| goes_on).map(cursor);
        Self { rows, next }
    }
}

impl Database {
    /// Runs a query that lists one page behind `after`. Its last three values are those of [`Cursor`] and the number of
    /// rows, in this order; the others are bound already.
    pub(super) async fn list_page<T>(
        &self,
        query: Statement,
        (after, limit): (Cursor, u32),
        read: impl Fn(&AnyRow) -> Result<T>,
        cursor: impl Fn(&T) -> Cursor,
    ) -> Result<Page<T>> {
        let query = query.bind(after.at).bind(after.key).bind(fetch_limit(limit));
        let rows = query.fetch_all(&self.readers).await?;
        Ok(Page::of(rows.iter().map(read).collect::<Result<_>>()?, limit, cursor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip() {
        let cursor = Cursor::new(-5, "urn:uuid:ü.1");
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "5", "x.00", "5.0", "5.zz", "5.ff", "5.00", &format!("5.{}", "61".repeat(300))] {
            assert_eq!(bad.parse::<Cursor>(), Err(CursorError), "{bad}");
        }
    }

    #[test]
    fn a_page_says_whether_the_list_goes_on() {
        let cursor = |n: &i64| Cursor::new(*n, "");
        assert_eq!(Page::of(vec![1, 2, 3], 2, cursor), Page { rows: vec![1, 2], next: Some(Cursor::new(2, "")) });
        assert_eq!(Page::of(vec![1, 2], 2, cursor).next, None);
        assert_eq!(Page::of(Vec::<i64>::new(), 2, cursor).next, None);
        assert_eq!(fetch_limit(0), 2);
        assert_eq!(fetch_limit(u32::MAX), 1_001);
    }
}
