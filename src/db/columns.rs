//! Reading rows: every column is checked, and a value that is not what it must be names its table, column and row.

use std::{fmt::Display, str::FromStr};

use alloy::primitives::{Address, Bytes, FixedBytes};
use serde_json::Value;
use sqlx::{
    Any, AnyConnection, Decode, Row, Type,
    any::{AnyArguments, AnyRow},
    query::Query,
};

use super::{Database, DbError, Result, State, Transition};
use crate::domain::taxonomy::Word;

/// One row being read.
pub(super) struct Columns<'r> {
    row: &'r AnyRow,
    table: &'static str,
    /// Column of the primary key, to name the row in an error.
    key: &'static str,
}

impl<'r> Columns<'r> {
    pub(super) fn new(row: &'r AnyRow, table: &'static str, key: &'static str) -> Self {
        Self { row, table, key }
    }

    pub(super) fn corrupt(&self, column: &'static str, reason: impl Display) -> DbError {
        let key = self
            .row
            .try_get::<String, _>(self.key)
            .or_else(|_| self.row.try_get::<i64, _>(self.key).map(|number| number.to_string()))
            .unwrap_or_else(|_| "unreadable".into());
        DbError::Corrupt { table: self.table, column, key, reason: reason.to_string() }
    }

    fn get<T: Decode<'r, Any> + Type<Any>>(&self, column: &'static str) -> Result<T> {
        self.row.try_get(column).map_err(|error| self.corrupt(column, error))
    }

    pub(super) fn text(&self, column: &'static str) -> Result<String> {
        self.get(column)
    }

    pub(super) fn optional_text(&self, column: &'static str) -> Result<Option<String>> {
        self.get(column)
    }

    pub(super) fn integer(&self, column: &'static str) -> Result<i64> {
        self.get(column)
    }

    pub(super) fn optional_integer(&self, column: &'static str) -> Result<Option<i64>> {
        self.get(column)
    }

    pub(super) fn double(&self, column: &'static str) -> Result<f64> {
        self.get(column)
    }

    pub(super) fn optional_double(&self, column: &'static str) -> Result<Option<f64>> {
        self.get(column)
    }

    /// A count, a length, a block number.
    pub(super) fn unsigned(&self, column: &'static str) -> Result<u64> {
        u64::try_from(self.integer(column)?).map_err(|error| self.corrupt(column, error))
    }

    pub(super) fn optional_unsigned(&self, column: &'static str) -> Result<Option<u64>> {
        let value = self.optional_integer(column)?.map(u64::try_from).transpose();
        value.map_err(|error| self.corrupt(column, error))
    }

    /// An identifier in its canonical spelling.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&self, column: &'static str) -> Result<T> {
        self.text(column)?.parse().map_err(|error| self.corrupt(column, error))
    }

    pub(super) fn optional_parsed<T: FromStr<Err: Display>>(&self, column: &'static str) -> Result<Option<T>> {
        let value = self.optional_text(column)?.map(|text| text.parse()).transpose();
        value.map_err(|error| self.corrupt(column, error))
    }

    pub(super) fn json(&self, column: &'static str) -> Result<Value> {
        serde_json::from_str(&self.text(column)?).map_err(|error| self.corrupt(column, error))
    }

    /// A word of the standard.
    pub(super) fn word<W: Word>(&self, column: &'static str) -> Result<W> {
        let text = self.text(column)?;
        W::from_word(&text).ok_or_else(|| self.corrupt(column, format_args!("`{text}` is no {}", W::LIST)))
    }

    pub(super) fn optional_word<W: Word>(&self, column: &'static str) -> Result<Option<W>> {
        self.optional_text(column)?.map(|_| self.word(column)).transpose()
    }

    pub(super) fn state<S: State>(&self, column: &'static str) -> Result<S> {
        let text = self.text(column)?;
        S::from_word(&text).ok_or_else(|| self.corrupt(column, format_args!("`{text}` is no state")))
    }
}

/// The spelling of hashes, addresses and signatures in every column: lower-case hex with 0x.
pub(super) trait Hex {
    fn hex(&self) -> String;
}

impl<const N: usize> Hex for FixedBytes<N> {
    fn hex(&self) -> String {
        format!("{self:#x}")
    }
}

impl Hex for Address {
    // `Display` of an address is its checksummed form, which is another text.
    fn hex(&self) -> String {
        format!("{self:#x}")
    }
}

impl Hex for Bytes {
    fn hex(&self) -> String {
        format!("{self:#x}")
    }
}

/// A number for a BIGINT column.
pub(super) fn bigint(what: &'static str, value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| DbError::OutOfRange { what, value })
}

/// Whether a text that came from outside can stand in a column; one that cannot is in no row.
pub(super) fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// A text from outside for a TEXT column. JSON needs no such care: there a NUL is written as an escape.
pub(super) fn storable(what: &'static str, text: &str) -> Result<String> {
    if is_storable(text) { Ok(text.to_owned()) } else { Err(DbError::Nul(what)) }
}

/// Verifies that exactly one row changed.
pub(super) fn exactly_one(table: &'static str, changed: u64) -> Result<()> {
    if changed == 1 { Ok(()) } else { Err(DbError::Affected { table, changed, expected: 1 }) }
}

/// A statement with its values.
pub(super) type Statement = Query<'static, Any, AnyArguments>;

impl Database {
    /// Moves one row by a guarded `UPDATE` and says what became of it. `select_state` has one column, `state`, and
    /// names the row by `$1`; both see the same moment.
    pub(super) async fn step<S: State>(
        &self,
        update: Statement,
        select_state: &'static str,
        key: &str,
    ) -> Result<Transition<S>> {
        let mut tx = self.begin().await?;
        let transition = step_in(&mut tx, update, select_state, key).await?;
        tx.commit().await?;
        Ok(transition)
    }
}

/// [`Database::step`] inside a larger transaction.
pub(super) async fn step_in<S: State>(
    connection: &mut AnyConnection,
    update: Statement,
    select_state: &'static str,
    key: &str,
) -> Result<Transition<S>> {
    let changed = update.execute(&mut *connection).await?.rows_affected();
    if changed > 0 {
        exactly_one(S::TABLE, changed)?;
        return Ok(Transition::Done);
    }
    let row = sqlx::query(select_state).bind(key).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(Transition::Absent) };
    Ok(Transition::Refused(Columns::new(&row, S::TABLE, "state").state("state")?))
}
