//! **Removed identifiers that are told again** in what is kept: `see chart 4711234`, `Mrs Lovelace called`.
//!
//! | Compared | Of | Stops it |
//! | --- | --- | --- |
//! | whole cells, from four characters | what is removed | always |
//! | words, from three letters or five digits | what names a person | unless the same cell stands in a row of which it tells nothing |
//!
//! The last is what keeps `high blood pressure` beside an address in the High Street. A guard against oversight, not a
//! proof: a nickname is found by nobody.

use std::collections::{BTreeSet, HashMap};

use csv::ByteRecord;

use super::{
    error::TableError,
    identifiers::by_name,
    plan::Roles,
    sheet::{Sheet, text},
};

/// Shorter cells (a sex, a class) stand in other columns by chance.
const SHORTEST_CELL: usize = 4;
/// Shorter words tell nothing.
const SHORTEST_WORD: usize = 3;
/// Shorter numbers stand in other columns by chance.
const SHORTEST_NUMBER: usize = 5;
/// So many cells that seem to repeat something are not chance any more.
const MOST_SUSPECTS: usize = 100_000;

/// Cells that perhaps repeat something: the column, the cell, and the words it would repeat.
type Suspects = HashMap<(usize, String), BTreeSet<String>>;

/// Columns that name a person: by the parameters, or, where no parameter says what they are, by their own name.
pub fn identifying(sheet: &Sheet<'_>, roles: &Roles) -> Vec<usize> {
    let role = |column: &str| roles.named().find(|(_, named)| *named == column).map(|(role, _)| role);
    let names = |column: &str| match role(column) {
        Some(role) => matches!(role, "PersonColumn" | "Identifiers"),
        None => by_name(column).is_some(),
    };
    sheet.columns().iter().enumerate().filter(|(_, column)| names(column)).map(|(place, _)| place).collect()
}

/// Refuses a column of `kept` that repeats what is removed from the same row: cells of `gone`, words of `identifying`.
///
/// # Errors
/// [`TableError::Repeats`], with the column.
pub fn refuse_repeats(
    sheet: &Sheet<'_>,
    kept: &[usize],
    gone: &[usize],
    identifying: &[usize],
) -> Result<(), TableError> {
    let repeats = |place: usize| TableError::Repeats(sheet.columns().get(place).cloned().unwrap_or_default());
    let mut suspects = Suspects::new();
    sheet.each(|record| {
        let cells: Vec<String> = gone.iter().map(|place| cell(record, *place)).filter(|cell| is_told(cell)).collect();
        let told = told(record, identifying);
        for place in kept {
            let cell = cell(record, *place);
            if cells.iter().any(|gone| cell.contains(gone)) || suspects.len() > MOST_SUSPECTS {
                return Err(repeats(*place));
            }
            let repeated: BTreeSet<String> =
                words(&cell).filter(|word| told.contains(*word)).map(str::to_owned).collect();
            if !repeated.is_empty() {
                suspects.entry((*place, cell)).or_default().extend(repeated);
            }
        }
        Ok(())
    })?;
    if !suspects.is_empty() {
        clear(sheet, kept, identifying, &mut suspects)?;
    }
    suspects.into_keys().map(|(place, _)| place).min().map_or(Ok(()), |place| Err(repeats(place)))
}

/// Lets go the words of a cell that also stands in a row which does not tell them: there it means something else.
fn clear(sheet: &Sheet<'_>, kept: &[usize], identifying: &[usize], suspects: &mut Suspects) -> Result<(), TableError> {
    sheet.each(|record| {
        let told = told(record, identifying);
        for place in kept {
            let key = (*place, cell(record, *place));
            let Some(words) = suspects.get_mut(&key) else { continue };
            words.retain(|word| told.contains(word));
            if words.is_empty() {
                suspects.remove(&key);
            }
        }
        Ok(())
    })?;
    Ok(())
}

fn cell(record: &ByteRecord, place: usize) -> String {
    text(record.get(place).unwrap_or_default()).trim().to_lowercase()
}

fn is_told(cell: &str) -> bool {
    cell.chars().count() >= SHORTEST_CELL && cell.parse::<f64>().is_err()
}

fn told(record: &ByteRecord, identifying: &[usize]) -> BTreeSet<String> {
    let cells: Vec<String> = identifying.iter().map(|place| cell(record, *place)).collect();
    cells.iter().flat_map(|cell| words(cell)).map(str::to_owned).collect()
}

/// The words of a cell that could lead to somebody.
fn words(cell: &str) -> impl Iterator<Item = &str> {
    let leads = |word: &&str| {
        let least = if word.bytes().all(|byte| byte.is_ascii_digit()) { SHORTEST_NUMBER } else { SHORTEST_WORD };
        word.chars().count() >= least
    };
    cell.split(|character: char| !character.is_alphanumeric()).filter(leads)
}
