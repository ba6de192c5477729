//! Reading a table: CSV (RFC 4180) or the same with tabulators, UTF-8, the first row names the columns. Read twice, once
//! to know the values, once to write; so no more than the values that matter is held beside the payload.

use std::collections::HashMap;

use csv::{ByteRecord, ReaderBuilder};

use super::{
    error::TableError,
    meaning::unspelled,
    plan::{Person, Roles},
};
use crate::schema::wire::DataFormat;

/// Most columns.
const MOST_COLUMNS: u64 = 1_024;
/// Most rows.
const MOST_ROWS: u64 = 5_000_000;
/// Longest cell, in bytes.
const LONGEST_CELL: usize = 32 << 10;

/// A table that has not been looked into yet.
#[derive(Debug, Clone)]
pub struct Sheet<'a> {
    payload: &'a [u8],
    delimiter: u8,
    columns: Vec<String>,
}

/// The values of one column: each different one once, and for each row which.
#[derive(Debug, Default, Clone)]
pub struct Column {
    /// Different values.
    pub values: Vec<String>,
    /// Position among them, row by row.
    pub rows: Vec<u32>,
}

/// Whose each row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Persons {
    /// How many there are.
    pub count: usize,
    /// Row by row, numbered from 0.
    pub rows: Vec<u32>,
    /// What the table calls them, by number; empty when each row is another person.
    pub names: Vec<String>,
}

impl Persons {
    /// The same with those as one whose names differ in their spelling only: the safe side of a count.
    #[must_use]
    pub fn merged(self) -> Self {
        let mut known = HashMap::new();
        let mut names = Vec::new();
        let mut number_of = |name: &String| {
            *known.entry(unspelled(name)).or_insert_with(|| {
                names.push(name.clone());
                names.len() as u32 - 1 // Names are no more than rows.
            })
        };
        let merged: Vec<u32> = self.names.iter().map(&mut number_of).collect();
        if merged.is_empty() {
            return self;
        }
        let rows = self.rows.iter().filter_map(|person| merged.get(*person as usize).copied()).collect();
        Self { count: names.len(), rows, names }
    }
}

impl<'a> Sheet<'a> {
    /// Looks at the header.
    ///
    /// # Errors
    /// [`TableError::Malformed`] or [`TableError::TooMany`].
    pub fn open(format: DataFormat, payload: &'a [u8]) -> Result<Self, TableError> {
        let delimiter = match format {
            DataFormat::Csv => b',',
            DataFormat::Tsv => b'\t',
            _ => return Err(TableError::Malformed("its format is neither CSV nor TSV")),
        };
        let payload = payload.strip_prefix(b"\xef\xbb\xbf").unwrap_or(payload);
        if std::str::from_utf8(payload).is_err() {
            return Err(TableError::Malformed("it is not UTF-8"));
        }
        if payload.contains(&0) {
            return Err(TableError::Malformed("it holds a NUL"));
        }
        if payload.iter().filter(|byte| **byte == b'"').count() % 2 == 1 {
            return Err(TableError::Malformed("a quotation mark is never closed"));
        }
        let mut sheet = Self { payload, delimiter, columns: Vec::new() };
        let mut record = ByteRecord::new();
        let read =
            sheet.reader().read_byte_record(&mut record).map_err(|_| TableError::Malformed("it has no header"))?;
        sheet.columns = record.iter().map(text).collect();
        let named = read && sheet.columns.iter().all(|name| !name.trim().is_empty());
        if !named {
            return Err(TableError::Malformed("its first row does not name every column"));
        }
        most(sheet.columns.len() as u64, MOST_COLUMNS, "columns")?;
        let mut names: Vec<_> = sheet.columns.iter().collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(TableError::Malformed("two of its columns have the same name"));
        }
        Ok(sheet)
    }

    /// Names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Separates its cells.
    pub fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Where a column stands.
    ///
    /// # Errors
    /// [`TableError::NoColumn`].
    pub fn place(&self, column: &str) -> Result<usize, TableError> {
        let place = self.columns.iter().position(|name| name == column);
        place.ok_or_else(|| TableError::NoColumn(column.to_owned()))
    }

    /// Every column of the roles must be there.
    ///
    /// # Errors
    /// [`TableError::NoColumn`].
    pub fn must_hold(&self, roles: &Roles) -> Result<(), TableError> {
        roles.named().try_for_each(|(_, column)| self.place(column).map(|_| ()))
    }

    /// Calls for every row after the header.
    ///
    /// # Errors
    /// [`TableError::Ragged`], [`TableError::TooMany`], or what the callee says.
    pub fn each(&self, mut row: impl FnMut(&ByteRecord) -> Result<(), TableError>) -> Result<u64, TableError> {
        let mut reader = self.reader();
        let mut record = ByteRecord::new();
        let malformed = |_| TableError::Malformed("its rows cannot be told apart");
        reader.read_byte_record(&mut record).map_err(malformed)?;
        let mut count = 0;
        while reader.read_byte_record(&mut record).map_err(malformed)? {
            count += 1;
            most(count, MOST_ROWS, "rows")?;
            if record.len() != self.columns.len() {
                return Err(TableError::Ragged(count));
            }
            if record.iter().any(|cell| cell.len() > LONGEST_CELL) {
                return Err(TableError::TooMany { most: LONGEST_CELL as u64, what: "bytes in a cell" });
            }
            row(&record)?;
        }
        Ok(count)
    }

    /// The values of some columns.
    ///
    /// # Errors
    /// As [`Sheet::each`].
    pub fn read(&self, places: &[usize]) -> Result<Vec<Column>, TableError> {
        let mut columns = vec![Column::default(); places.len()];
        let mut known: Vec<HashMap<String, u32>> = vec![HashMap::new(); places.len()];
        self.each(|record| {
            for ((place, column), known) in places.iter().zip(&mut columns).zip(&mut known) {
                let cell = text(record.get(*place).unwrap_or_default());
                let next = column.values.len() as u32; // Rows are fewer than 2^32.
                let at = *known.entry(cell).or_insert_with_key(|value| {
                    column.values.push(value.clone());
                    next
                });
                column.rows.push(at);
            }
            Ok(())
        })?;
        Ok(columns)
    }

    /// Whose each row is.
    ///
    /// # Errors
    /// [`TableError::Nameless`] when a row does not say; as [`Sheet::each`].
    pub fn persons(&self, person: &Person) -> Result<Persons, TableError> {
        let name = match person {
            Person::EachRow => {
                let rows = self.each(|_| Ok(()))?;
                let rows: Vec<u32> = (0..u32::try_from(rows).unwrap_or(u32::MAX)).collect();
                return Ok(Persons { count: rows.len(), rows, names: Vec::new() });
            }
            Person::Column(name) => name,
        };
        let column = self.read(&[self.place(name)?])?.pop().unwrap_or_default();
        let is_nobody = |row: &&u32| column.values.get(**row as usize).is_none_or(|name| name.trim().is_empty());
        match column.rows.iter().filter(is_nobody).count() {
            0 => Ok(Persons { count: column.values.len(), rows: column.rows, names: column.values }),
            rows => Err(TableError::Nameless(rows as u64)),
        }
    }

    fn reader(&self) -> csv::Reader<&'a [u8]> {
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(self.delimiter).from_reader(self.payload)
    }
}

/// A cell as text; the payload was found to be UTF-8.
pub fn text(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).into_owned()
}

fn most(count: u64, most: u64, what: &'static str) -> Result<(), TableError> {
    if count > most { Err(TableError::TooMany { most, what }) } else { Ok(()) }
}
