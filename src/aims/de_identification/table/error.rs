//! Why a table is not treated. Texts repeat what the requester wrote and counts; never what stands in a cell.

/// Why a table is not treated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// A parameter is missing, or is not what it must be.
    #[error("parameter {name}: {reason}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The bytes are no table.
    #[error("the table cannot be read: {0}")]
    Malformed(&'static str),
    /// A row has another number of cells than the header.
    #[error("row {0} has another number of cells than the header")]
    Ragged(u64),
    /// More of something than is taken.
    #[error("the table has more than {most} {what}")]
    TooMany {
        /// How many are taken.
        most: u64,
        /// Of what.
        what: &'static str,
    },
    /// A column of the parameters is not in the table.
    #[error("the table has no column “{0}”")]
    NoColumn(String),
    /// A column looks like a direct identifier and was not named as one.
    #[error("column “{column}” looks like a direct identifier ({why}): name it in Identifiers, or leave it out")]
    Identifying {
        /// The column.
        column: String,
        /// What it looks like.
        why: &'static str,
    },
    /// A removed identifier stands in a column that is kept.
    #[error("column “{0}” repeats identifiers that are removed elsewhere: name it in Identifiers, or leave it out")]
    Repeats(String),
    /// A cell does not fit the rule its column is generalised by.
    #[error("column “{column}” holds {cells} values that do not fit its rule ({wanted})")]
    Unfit {
        /// The column.
        column: String,
        /// How many different values.
        cells: usize,
        /// What the rule wants.
        wanted: &'static str,
    },
    /// A row does not say whose it is.
    #[error("{0} rows do not say whose they are: PersonColumn is empty there")]
    Nameless(u64),
    /// There is nobody in it, or one person.
    #[error("the table holds {persons} person(s): that can be pseudonymised, not anonymised")]
    TooFew {
        /// How many.
        persons: usize,
    },
    /// No generalisation reaches what was asked for.
    #[error(
        "k = {k} and l = {l} cannot be reached for {persons} persons without suppressing more than {limit} of {rows} rows"
    )]
    NotReached {
        /// Persons every class must have.
        k: usize,
        /// Sensitive values every class must have.
        l: usize,
        /// Persons in the table.
        persons: usize,
        /// Rows that may be suppressed.
        limit: usize,
        /// Rows in the table.
        rows: usize,
    },
    /// What was written does not prove what was computed.
    #[error("the treated table does not prove k = {k} and l = {l}: it has k = {found_k}, l = {found_l}")]
    NotProved {
        /// Asked for.
        k: usize,
        /// Asked for.
        l: usize,
        /// Found.
        found_k: usize,
        /// Found.
        found_l: usize,
    },
}

impl TableError {
    /// A parameter that is not what it must be.
    pub(super) fn parameter(name: &'static str, reason: impl Into<String>) -> Self {
        Self::Parameter { name, reason: reason.into() }
    }
}
