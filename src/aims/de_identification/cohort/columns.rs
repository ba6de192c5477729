//! From persons to a table: one row each, by the columns of the plan.

use csv::Writer;
use serde_json::{Map, Value};

use super::{conditions::Conditions, error::CohortError, people::People, plan::Plan};
use crate::aims::{
    aih_data_processing::clinical::{
        ClinicalError, Record,
        condition::sex,
        date_asked::newest_date,
        measurement::{self, measurements},
        moment::Moment,
    },
    de_identification::{fhir::places, table::meaning::BETWEEN},
};

/// Names the person of a row.
pub(super) const PERSON: &str = "Person";
/// Year of birth.
pub(super) const BIRTH_YEAR: &str = "BirthYear";
/// Three digits of a ZIP code.
pub(super) const ZIP3: &str = "Zip3";
/// The quasi-identifiers.
pub(super) const QUASI: [&str; 5] = [BIRTH_YEAR, "Sex", "Country", "State", ZIP3];
/// The set of a person's conditions.
const CONDITIONS: &str = "Conditions";
/// Over this age there is one year of birth for all (45 CFR 164.514(b)(2)(i)(C)).
const OLDEST_YEARS: i32 = 89;
/// Decimal places of a measure: what a conversion of units adds beyond is not measured.
const PLACES: usize = 4;

/// A cohort as a table.
#[derive(Debug)]
pub(super) struct Flat {
    /// CSV with a header.
    pub table: Vec<u8>,
    /// Its quasi-identifiers.
    pub quasi: Vec<&'static str>,
    /// Its sensitive columns.
    pub sensitive: Vec<String>,
    /// Those of them that hold sets.
    pub sets: Vec<&'static str>,
    /// What became of the conditions.
    pub conditions: Conditions,
    /// What a reader must know.
    pub notes: Vec<String>,
}

/// A column before it is known whether anything is in it.
struct Column {
    name: String,
    cells: Vec<String>,
}

impl Column {
    fn is_empty(&self) -> bool {
        self.cells.iter().all(String::is_empty)
    }
}

impl Flat {
    /// Of a cohort.
    ///
    /// # Errors
    /// [`CohortError`] when an element that is used is not what FHIR allows, or nothing sensitive is there.
    pub fn of(people: &People, plan: &Plan) -> Result<Self, CohortError> {
        let persons = &people.persons;
        let conditions = Conditions::of(persons, plan.codes.as_deref())?;
        let mut notes = Vec::new();
        let (quasi, empty): (Vec<_>, Vec<_>) =
            quasi(persons, plan)?.into_iter().partition(|(_, column)| !column.is_empty());
        notes.extend(empty.iter().map(|(name, _)| format!("{name} is stated of nobody and is not in the table")));
        let set = Column {
            name: CONDITIONS.to_owned(),
            cells: conditions.of.iter().map(|codes| codes.join(&BETWEEN.to_string())).collect(),
        };
        let sensitive: Vec<Column> =
            std::iter::once(set).chain(measures(persons, plan)?).filter(|column| !column.is_empty()).collect();
        if sensitive.is_empty() {
            return Err(CohortError::NothingSensitive);
        }
        if conditions.left_out > 0 {
            let left = conditions.left_out;
            notes.push(format!("{left} conditions without a public code, or not named, are not in the table: an empty cell is no proof of health"));
        }
        let names = Column { name: PERSON.to_owned(), cells: persons.iter().map(name).collect() };
        let sets = sensitive.iter().filter(|column| column.name == CONDITIONS).map(|_| CONDITIONS).collect();
        let (quasi, columns): (Vec<&'static str>, Vec<Column>) = quasi.into_iter().unzip();
        let all: Vec<&Column> = std::iter::once(&names).chain(&columns).chain(&sensitive).collect();
        let table = written(&all, persons.len());
        let sensitive = sensitive.into_iter().map(|column| column.name).collect();
        Ok(Self { table, quasi, sensitive, sets, conditions, notes })
    }
}

fn name(person: &Record) -> String {
    person.person().unwrap_or_default()
}

fn written(columns: &[&Column], rows: usize) -> Vec<u8> {
    let mut writer = Writer::from_writer(Vec::new());
    // Writing to memory does not fail, and every column has as many cells.
    let mut write = |cells: Vec<&str>| writer.write_record(cells).is_ok();
    write(columns.iter().map(|column| column.name.as_str()).collect());
    for row in 0..rows {
        write(columns.iter().map(|column| column.cells.get(row).map_or("", String::as_str)).collect());
    }
    writer.into_inner().unwrap_or_default()
}

fn quasi(persons: &[Record], plan: &Plan) -> Result<Vec<(&'static str, Column)>, CohortError> {
    let years = birth_years(persons)?;
    let addresses: Vec<Map<String, Value>> = persons.iter().map(address).collect();
    let of_address = |element: &str| -> Vec<String> {
        let text = |address: &Map<String, Value>| address.get(element).and_then(Value::as_str).map(str::to_owned);
        addresses.iter().map(|address| text(address).unwrap_or_default()).collect()
    };
    let cells = |column: &str| match column {
        BIRTH_YEAR => years.clone(),
        "Sex" => persons.iter().map(sex_of).collect(),
        "Country" => of_address("country"),
        "State" => of_address("state"),
        _ => of_address("postalCode"),
    };
    Ok(plan.quasi.iter().map(|name| (*name, Column { name: (*name).to_owned(), cells: cells(name) })).collect())
}

fn sex_of(person: &Record) -> String {
    let known = sex(person.patient()).filter(|word| ["male", "female", "other", "unknown"].contains(word));
    known.unwrap_or_default().to_owned()
}

/// The first address that says where somebody lives, the home's before others.
fn address(person: &Record) -> Map<String, Value> {
    let list = person.patient().and_then(|patient| patient.get("address")).and_then(Value::as_array);
    let mut kept: Vec<(bool, Map<String, Value>)> = list
        .into_iter()
        .flatten()
        .filter_map(|address| {
            let word = address.get("use").and_then(Value::as_str);
            let Value::Object(kept) = places::address(address)? else { return None };
            let says = ["country", "state", "postalCode"].iter().any(|name| kept.contains_key(*name));
            (says && word != Some("old")).then_some((word == Some("home"), kept))
        })
        .collect();
    // Stable: among those of one kind the first stays first.
    kept.sort_by_key(|(home, _)| !*home);
    kept.into_iter().next().map(|(_, address)| address).unwrap_or_default()
}

/// Years of birth; none when the cohort has no date at which ages could be told.
fn birth_years(persons: &[Record]) -> Result<Vec<String>, ClinicalError> {
    let mut newest = None;
    for person in persons {
        newest = newest.max(newest_date(person)?.map(|date| date.last.year()));
    }
    let Some(newest) = newest else { return Ok(vec![String::new(); persons.len()]) };
    let of = |person: &Record| {
        let Some(patient) = person.patient() else { return Ok(String::new()) };
        let place = || "a Patient".to_owned();
        let born = Moment::in_map(patient, "birthDate", place)?.map(|born| born.first.year());
        if born.is_some_and(|born| born > newest) {
            let reason = "it lies after every date of the cohort";
            return Err(ClinicalError::Element { place: place(), element: "birthDate", reason });
        }
        Ok(born.map(|born| born.max(newest - OLDEST_YEARS - 1).to_string()).unwrap_or_default())
    };
    persons.iter().map(of).collect()
}

fn measures(persons: &[Record], plan: &Plan) -> Result<Vec<Column>, CohortError> {
    if plan.measures.is_empty() {
        return Ok(Vec::new());
    }
    let read = |person| measurements(person, &plan.measures);
    let found = persons.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let column = |name: &&'static str| Column {
        name: format!("{name} ({})", measurement::unit_of(name).unwrap_or_default()),
        cells: found
            .iter()
            // In time order: the last is the newest. Where that is only a bound there is no newest value.
            .map(|all| all.iter().rfind(|one| one.name == *name).filter(|one| one.bound.is_none()))
            .map(|newest| newest.map(|one| shown(one.value)).unwrap_or_default())
            .collect(),
    };
    Ok(plan.measures.iter().map(column).collect())
}

fn shown(value: f64) -> String {
    let text = format!("{value:.PLACES$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
