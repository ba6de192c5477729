//! **The proof.** What was written is read again and k and l are counted from it, with nothing of what the search knew:
//! another program with the same table must come to the same numbers. `Anonymised` rests on this, not on the search.

use std::collections::{BTreeMap, BTreeSet};

use csv::ReaderBuilder;

use super::{
    error::TableError,
    meaning::{SetDiversity, meaning},
    plan::Roles,
};

/// What a table reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// Persons in the smallest class.
    pub k: usize,
    /// Different values in the least diverse class, over all sensitive columns, of sets as [`super::meaning`] counts them;
    /// 0 when an empty cell is all there is.
    pub l: usize,
    /// Classes.
    pub classes: usize,
    /// Rows.
    pub rows: usize,
}

#[derive(Default)]
struct Class {
    persons: BTreeSet<u32>,
    sensitive: Vec<Diversity>,
}

enum Diversity {
    Values(BTreeSet<String>),
    Sets(SetDiversity),
}

impl Diversity {
    fn count(&mut self, value: &str) {
        match self {
            Self::Values(seen) => seen.extend(meaning(value)),
            Self::Sets(sets) => sets.count(value),
        }
    }

    fn reached(&self) -> usize {
        match self {
            Self::Values(seen) => seen.len(),
            Self::Sets(sets) => sets.diversity(),
        }
    }
}

/// Counts k and l of a table by the roles of its columns. `persons` says whose each row is, in the order of the rows.
///
/// # Errors
/// When it is no table, or has no such column.
pub fn reached(table: &[u8], delimiter: u8, roles: &Roles, persons: &[u32]) -> Result<Reached, TableError> {
    let unreadable = |_| TableError::Malformed("what was written cannot be read again");
    let mut reader = ReaderBuilder::new().delimiter(delimiter).from_reader(table);
    let header = reader.headers().map_err(unreadable)?.clone();
    let place = |name: &String| {
        let place = header.iter().position(|column| column == name);
        place.ok_or_else(|| TableError::NoColumn(name.clone()))
    };
    let quasi: Vec<usize> = roles.quasi.iter().map(place).collect::<Result<_, _>>()?;
    let sensitive: Vec<usize> = roles.sensitive.iter().map(place).collect::<Result<_, _>>()?;
    let nothing_yet = |name: &String| match roles.sets.contains(name) {
        true => Diversity::Sets(SetDiversity::default()),
        false => Diversity::Values(BTreeSet::new()),
    };
    let mut classes: BTreeMap<Vec<String>, Class> = BTreeMap::new();
    let mut rows = 0;
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(unreadable)?;
        let cell = |place: &usize| record.get(*place).unwrap_or_default().to_owned();
        let class = classes.entry(quasi.iter().map(cell).collect()).or_default();
        let person = persons.get(row).ok_or(TableError::Malformed("what was written has more rows than were meant"))?;
        class.persons.insert(*person);
        if class.sensitive.is_empty() {
            class.sensitive = roles.sensitive.iter().map(nothing_yet).collect();
        }
        for (seen, value) in class.sensitive.iter_mut().zip(sensitive.iter().map(cell)) {
            seen.count(&value);
        }
        rows += 1;
    }
    if rows != persons.len() {
        return Err(TableError::Malformed("what was written has fewer rows than were meant"));
    }
    let k = classes.values().map(|class| class.persons.len()).min().unwrap_or_default();
    let diverse = classes.values().flat_map(|class| class.sensitive.iter().map(Diversity::reached)).min();
    // Without a sensitive column there is nothing that could be alike.
    let l = diverse.unwrap_or(usize::from(rows > 0));
    Ok(Reached { k, l, classes: classes.len(), rows })
}
