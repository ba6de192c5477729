//! States of rows, and what became of an attempt to move one.

use super::{DbError, Result};

/// The state of a row of one table.
pub trait State: Copy + Eq + std::fmt::Debug + 'static {
    /// The table.
    const TABLE: &'static str;
    /// Every state.
    const ALL: &'static [Self];

    /// The word in the column.
    fn word(self) -> &'static str;

    /// The state with this word.
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.word() == word)
    }
}

/// Declares the words of a column.
macro_rules! states {
    ($(#[$doc:meta])* $name:ident in $table:literal { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+
        }

        impl $crate::db::State for $name {
            const TABLE: &'static str = $table;
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::db::State::word(*self))
            }
        }
    };
}

pub(super) use states;

/// What became of an attempt to move a row to another state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a step that did not happen must be noticed: match it, or `.required()?`"]
pub enum Transition<S> {
    /// It happened.
    Done,
    /// Nothing changed: the row is in this state, from which the step is not possible.
    Refused(S),
    /// Nothing changed: there is no such row.
    Absent,
}

impl<S: State> Transition<S> {
    /// Whether it happened.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Done)
    }

    /// For callers to whom anything else is an error.
    ///
    /// # Errors
    /// [`DbError::WrongState`] when it did not happen.
    pub fn required(self) -> Result<()> {
        let found = match self {
            Self::Done => return Ok(()),
            Self::Refused(state) => state.word(),
            Self::Absent => "absent",
        };
        Err(DbError::WrongState { table: S::TABLE, found })
    }
}
