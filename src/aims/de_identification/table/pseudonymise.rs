//! **De-identifying a table**: identifiers out, persons under keyed pseudonyms, dates moved by one span per person.
//! The rows of a person stay together, in their order; so the result is pseudonymised, never anonymised.

use std::collections::HashMap;

use csv::WriterBuilder;
use time::{Date, Duration, macros::format_description};

use super::{
    error::TableError,
    hierarchy::is_clock,
    identifiers::{refuse_identifiers, refuse_identifiers_in_sets, refuse_singletons},
    plan::{Person, Roles},
    repeats::{identifying, refuse_repeats},
    sheet::{Persons, Sheet, text},
};
use crate::{
    aims::ai_modules::{
        pseudonyms::Pseudonyms,
        treatment::{Mapped, Measure, Step, Treated},
    },
    domain::taxonomy::DataStatus,
};

/// Dates move by at most a year, so that seasons are kept no better than years.
const MOST_DAYS: u32 = 365;
/// The kind of pseudonym that stands for a person.
const KIND: &str = "person";

/// What becomes of a column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Removed,
    Person,
    Shifted,
    Kept,
}

/// De-identifies a table. `vouched`: the End User or the Back End says which columns may be kept.
///
/// # Errors
/// [`TableError`].
pub fn pseudonymise(
    sheet: &Sheet<'_>,
    roles: &Roles,
    pseudonyms: &Pseudonyms,
    vouched: bool,
) -> Result<Treated, TableError> {
    let Some(person) = &roles.person else {
        let reason = "is needed for pseudonyms; or OneRowPerPerson must say that each row is another person";
        return Err(TableError::parameter("PersonColumn", reason));
    };
    let persons = sheet.persons(person)?;
    let fates = fates(sheet, roles);
    if fates.iter().all(|fate| *fate == Fate::Removed) {
        return Err(TableError::parameter("KeptColumns", "names at least one column, or nothing would be left"));
    }
    guard(sheet, roles, &fates, &persons, vouched)?;
    let (payload, shifted) = write(sheet, roles, &fates, &persons, pseudonyms)?;
    let rows = persons.rows.len() as f64;
    Ok(Treated {
        payload,
        status: DataStatus::Pseudonymised,
        steps: steps(sheet, roles, &fates, &persons, shifted),
        measures: vec![
            Measure { name: "rows".to_owned(), value: rows },
            Measure { name: "persons".to_owned(), value: persons.count as f64 },
        ],
        residual: vec![
            "rows can be linked to persons by what is kept of them; nothing was generalised".to_owned(),
            "kept columns were looked at by name and form for identifiers, not by meaning".to_owned(),
        ],
        mapping: mapping(&persons, pseudonyms),
    })
}

fn fates(sheet: &Sheet<'_>, roles: &Roles) -> Vec<Fate> {
    let fate = |name: &String| match &roles.person {
        Some(Person::Column(column)) if column == name => Fate::Person,
        _ if roles.dates.contains(name) => Fate::Shifted,
        _ if [&roles.quasi, &roles.sensitive, &roles.kept].iter().any(|list| list.contains(name)) => Fate::Kept,
        _ => Fate::Removed,
    };
    sheet.columns().iter().map(fate).collect()
}

/// What is kept must not look like an identifier, nor repeat one that is removed from the same row. What a third party
/// wants kept is not vouched for, so values that most persons have for themselves stop it too.
fn guard(sheet: &Sheet<'_>, roles: &Roles, fates: &[Fate], persons: &Persons, vouched: bool) -> Result<(), TableError> {
    let places = |wanted: &[Fate]| -> Vec<usize> {
        fates.iter().enumerate().filter(|(_, fate)| wanted.contains(fate)).map(|(place, _)| place).collect()
    };
    let kept = places(&[Fate::Kept]);
    for (place, column) in kept.iter().zip(sheet.read(&kept)?) {
        let name = sheet.columns().get(*place).cloned().unwrap_or_default();
        let is_set = roles.sets.contains(&name);
        let refuse = if is_set { refuse_identifiers_in_sets } else { refuse_identifiers };
        refuse(&name, &column, persons.count)?;
        if !vouched {
            refuse_singletons(&name, &column, is_set, persons)?;
        }
    }
    refuse_repeats(sheet, &kept, &places(&[Fate::Removed, Fate::Person]), &identifying(sheet, roles))
}

fn write(
    sheet: &Sheet<'_>,
    roles: &Roles,
    fates: &[Fate],
    persons: &Persons,
    pseudonyms: &Pseudonyms,
) -> Result<(Vec<u8>, u64), TableError> {
    let broken = |_| TableError::Malformed("it cannot be written");
    let mut writer = WriterBuilder::new().delimiter(sheet.delimiter()).from_writer(Vec::new());
    let staying = || fates.iter().enumerate().filter(|(_, fate)| **fate != Fate::Removed);
    writer.write_record(staying().filter_map(|(place, _)| sheet.columns().get(place))).map_err(broken)?;
    let (mut row, mut shifted, mut unfit) = (0, 0, HashMap::<usize, usize>::new());
    sheet.each(|record| {
        let person = persons.rows.get(row).copied().unwrap_or_default();
        let name = persons.names.get(person as usize).cloned().unwrap_or_else(|| format!("row {person}"));
        row += 1;
        let cells = staying().map(|(place, fate)| {
            let cell = text(record.get(place).unwrap_or_default());
            match fate {
                Fate::Person => pseudonyms.of(KIND, &name),
                Fate::Shifted if !cell.is_empty() => {
                    let moved = shift(&cell, pseudonyms.days(&name, MOST_DAYS));
                    shifted += u64::from(moved.is_some());
                    moved.unwrap_or_else(|| {
                        *unfit.entry(place).or_default() += 1;
                        String::new()
                    })
                }
                _ => cell,
            }
        });
        writer.write_record(cells).map_err(broken)
    })?;
    if let Some((place, cells)) = unfit.into_iter().min() {
        let column = sheet.columns().get(place).or(roles.dates.first()).cloned().unwrap_or_default();
        return Err(TableError::Unfit { column, cells, wanted: "a date as YYYY-MM-DD, perhaps with a time behind it" });
    }
    Ok((writer.into_inner().map_err(|_| TableError::Malformed("it cannot be written"))?, shifted))
}

/// A date with its time of day, moved by whole days.
fn shift(cell: &str, days: i64) -> Option<String> {
    let day = format_description!("[year]-[month]-[day]");
    let (date, rest) = cell.split_at_checked(10)?;
    if !is_clock(rest) {
        return None;
    }
    let moved = Date::parse(date, &day).ok()?.checked_add(Duration::days(days))?;
    Some(format!("{}{rest}", moved.format(&day).ok()?))
}

fn steps(sheet: &Sheet<'_>, roles: &Roles, fates: &[Fate], persons: &Persons, shifted: u64) -> Vec<Step> {
    let rows = persons.rows.len() as u64;
    let mut steps: Vec<Step> = roles
        .identifiers
        .iter()
        .map(|column| Step {
            technique: "Removal of Identifiers",
            rule: format!("Identifiers: column “{column}” removed"),
            count: rows,
        })
        .collect();
    let removed = fates.iter().filter(|fate| **fate == Fate::Removed).count();
    let unnamed = removed.saturating_sub(roles.identifiers.len());
    if unnamed > 0 {
        let rule = format!("{unnamed} columns that no parameter names removed");
        steps.push(Step { technique: "Removal of Identifiers", rule, count: rows });
    }
    if fates.contains(&Fate::Person) {
        let rule = "persons under keyed pseudonyms (HMAC-SHA-256)".to_owned();
        steps.push(Step { technique: "Tokenisation", rule, count: persons.count as u64 });
    }
    if fates.contains(&Fate::Shifted) {
        let rule = format!("dates moved back by one span of up to {MOST_DAYS} days per person");
        steps.push(Step { technique: "Perturbation", rule, count: shifted });
    }
    debug_assert_eq!(fates.len(), sheet.columns().len());
    steps
}

fn mapping(persons: &Persons, pseudonyms: &Pseudonyms) -> Vec<Mapped> {
    let of =
        |name: &String| Mapped { kind: KIND.to_owned(), original: name.clone(), pseudonym: pseudonyms.of(KIND, name) };
    persons.names.iter().map(of).collect()
}
