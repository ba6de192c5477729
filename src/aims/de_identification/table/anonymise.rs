//! **Anonymising a table**: full-domain generalisation and suppression to k-anonymity with distinct l-diversity.
//!
//! ```text
//! columns read ─▶ every value at every level ─▶ minimal nodes of the lattice ─▶ the one that loses least
//!   ─▶ rows written, in an order of their own ─▶ read again, k and l counted ─▶ Anonymised, or refused
//! ```
//!
//! k counts persons, not rows. Distinct l-diversity: A. Machanavajjhala et al., “l-diversity: privacy beyond k-anonymity”,
//! ACM Trans. Knowledge Discovery from Data 1(1), 2007. Rows of classes that are too small are left out whole, up to the
//! limit of suppression. The order of the rows is that of their new values, so that it tells nothing of the old ones.

use csv::WriterBuilder;
use serde_json::{Map, Value};

use super::{
    classes::{Criterion, Ladder, Outcome, Population, Sensitive},
    error::TableError,
    hierarchy::Rule,
    identifiers::{refuse_identifiers, refuse_identifiers_in_sets, refuse_singletons},
    lattice,
    plan::{Roles, SETS, Thresholds},
    proof::{Reached, reached},
    repeats::{identifying, refuse_repeats},
    sheet::{Column, Persons, Sheet},
};
use crate::{
    aims::ai_modules::treatment::{Measure, Step, Treated},
    domain::taxonomy::DataStatus,
};

/// A table, its parameters and its values.
struct Work<'a> {
    sheet: &'a Sheet<'a>,
    roles: &'a Roles,
    thresholds: Thresholds,
    persons: Persons,
    quasi: Vec<Column>,
    sensitive: Vec<Column>,
    rules: Vec<Rule>,
}

/// The node chosen.
struct Choice {
    node: lattice::Node,
    outcome: Outcome,
}

/// Anonymises a table, or says why it cannot be done.
///
/// # Errors
/// [`TableError`].
pub fn anonymise(sheet: &Sheet<'_>, roles: &Roles, parameters: &Map<String, Value>) -> Result<Treated, TableError> {
    let work = Work::read(sheet, roles, parameters)?;
    let ladders: Vec<Ladder> =
        work.rules.iter().zip(&work.quasi).map(|(rule, column)| Ladder::build(rule, column)).collect();
    let population = Population::gather(&work.quasi, &work.diverse(), &work.persons);
    let choice = work.choose(&ladders, &population)?;
    let (payload, persons) = work.write(&ladders, &population, &choice)?;
    let found = reached(&payload, sheet.delimiter(), roles, &persons)?;
    let Criterion { k, l } = work.criterion();
    if found.k < k || found.l < l {
        return Err(TableError::NotProved { k, l, found_k: found.k, found_l: found.l });
    }
    Ok(Treated {
        payload,
        status: DataStatus::Anonymised,
        steps: work.steps(&ladders, &choice, &found),
        measures: work.measures(&choice, &found),
        residual: work.residual(),
        mapping: Vec::new(),
    })
}

impl<'a> Work<'a> {
    fn read(sheet: &'a Sheet<'a>, roles: &'a Roles, parameters: &Map<String, Value>) -> Result<Self, TableError> {
        let Some(person) = &roles.person else {
            let reason = "is needed to count persons; or OneRowPerPerson must say that each row is another";
            return Err(TableError::parameter("PersonColumn", reason));
        };
        if roles.quasi.is_empty() {
            return Err(TableError::parameter("QuasiIdentifiers", "names at least one column"));
        }
        for (name, list) in [("KeptColumns", &roles.kept), ("DateColumns", &roles.dates)] {
            if !list.is_empty() {
                let reason = "an anonymised table holds quasi-identifiers and sensitive columns only";
                return Err(TableError::parameter(name, reason));
            }
        }
        let thresholds = Thresholds::read(parameters, roles)?;
        let persons = sheet.persons(person)?.merged();
        if persons.count < 2 {
            return Err(TableError::TooFew { persons: persons.count });
        }
        if !roles.sets.is_empty() && persons.count < persons.rows.len() {
            return Err(TableError::parameter(SETS, "takes one row for each person, who has one set"));
        }
        let quasi = sheet.read(&places(sheet, &roles.quasi)?)?;
        let sensitive = guarded(sheet, roles, &persons)?;
        let rules = roles.quasi.iter().zip(&quasi).map(|(name, column)| rule_for(name, column, &thresholds));
        let rules = rules.collect::<Result<_, _>>()?;
        Ok(Self { sheet, roles, thresholds, persons, quasi, sensitive, rules })
    }

    /// The sensitive columns as diversity counts them.
    fn diverse(&self) -> Vec<Sensitive<'_>> {
        let columns = self.roles.sensitive.iter().zip(&self.sensitive);
        columns.map(|(name, column)| Sensitive::of(column, self.roles.sets.contains(name))).collect()
    }

    fn criterion(&self) -> Criterion {
        Criterion { k: self.thresholds.k, l: self.thresholds.l }
    }

    fn may_suppress(&self) -> usize {
        // A share of a count of rows; the whole part is meant.
        (self.thresholds.limit * self.persons.rows.len() as f64) as usize
    }

    /// Of the minimal nodes the one that loses least.
    fn choose(&self, ladders: &[Ladder], population: &Population) -> Result<Choice, TableError> {
        let heights: Vec<usize> = ladders.iter().map(Ladder::height).collect();
        let (limit, criterion) = (self.may_suppress(), self.criterion());
        let nodes = lattice::minimal(&heights, |node| population.look(ladders, node, criterion).suppressed <= limit)?;
        let looked = nodes.into_iter().map(|node| {
            let outcome = population.look(ladders, &node, criterion);
            Choice { node, outcome }
        });
        let best = looked.min_by(|one, other| {
            one.outcome
                .certainty_penalty
                .total_cmp(&other.outcome.certainty_penalty)
                .then_with(|| one.node.cmp(&other.node))
        });
        best.ok_or(TableError::NotReached {
            k: criterion.k,
            l: criterion.l,
            persons: self.persons.count,
            limit,
            rows: self.persons.rows.len(),
        })
    }

    /// The table as it leaves, and whose each of its rows is.
    fn write(
        &self,
        ladders: &[Ladder],
        population: &Population,
        choice: &Choice,
    ) -> Result<(Vec<u8>, Vec<u32>), TableError> {
        let kept: Vec<&String> = self
            .sheet
            .columns()
            .iter()
            .filter(|name| self.roles.quasi.contains(name) || self.roles.sensitive.contains(name))
            .collect();
        let mut rows: Vec<u32> = (0..self.persons.rows.len())
            .filter(|row| population.stays(&choice.outcome, *row))
            .filter_map(|row| u32::try_from(row).ok())
            .collect();
        rows.sort_by_cached_key(|row| {
            kept.iter().map(|name| self.cell(ladders, choice, name, *row)).collect::<Vec<_>>()
        });
        let broken = |_| TableError::Malformed("it cannot be written");
        let mut writer = WriterBuilder::new().delimiter(self.sheet.delimiter()).from_writer(Vec::new());
        writer.write_record(&kept).map_err(broken)?;
        for row in &rows {
            writer.write_record(kept.iter().map(|name| self.cell(ladders, choice, name, *row))).map_err(broken)?;
        }
        let payload = writer.into_inner().map_err(|_| TableError::Malformed("it cannot be written"))?;
        let persons = rows.iter().filter_map(|row| self.persons.rows.get(*row as usize).copied()).collect();
        Ok((payload, persons))
    }

    fn cell(&self, ladders: &'a [Ladder], choice: &Choice, name: &str, row: u32) -> &str {
        let value = |column: &Column| column.rows.get(row as usize).copied().unwrap_or(u32::MAX);
        if let Some(place) = self.roles.quasi.iter().position(|quasi| quasi == name) {
            let (column, ladder) = (self.quasi.get(place), ladders.get(place));
            let level = choice.node.get(place).copied().unwrap_or(usize::MAX);
            return column.zip(ladder).map_or("", |(column, ladder)| ladder.label(level, value(column)));
        }
        let place = self.roles.sensitive.iter().position(|sensitive| sensitive == name);
        let column = place.and_then(|place| self.sensitive.get(place));
        column.and_then(|column| column.values.get(value(column) as usize)).map_or("", String::as_str)
    }

    fn steps(&self, ladders: &[Ladder], choice: &Choice, found: &Reached) -> Vec<Step> {
        let rows = self.persons.rows.len() as u64;
        let mut steps = Vec::new();
        for (role, column) in self.roles.named().filter(|(role, _)| matches!(*role, "PersonColumn" | "Identifiers")) {
            steps.push(Step {
                technique: "Removal of Identifiers",
                rule: format!("{role}: column “{column}” removed"),
                count: rows,
            });
        }
        let unnamed = self.sheet.columns().len() - self.roles.named().count();
        if unnamed > 0 {
            let rule = format!("{unnamed} columns that no parameter names removed");
            steps.push(Step { technique: "Removal of Identifiers", rule, count: rows });
        }
        for ((column, ladder), level) in self.roles.quasi.iter().zip(ladders).zip(&choice.node) {
            let rule = format!("column “{column}” at level {level} of {}", ladder.height());
            let count = if *level == 0 { 0 } else { found.rows as u64 };
            steps.push(Step { technique: "Generalisation", rule, count });
        }
        let Criterion { k, l } = self.criterion();
        let rule = format!("rows of classes with fewer than {k} persons, or less diverse than {l}, left out");
        steps.push(Step { technique: "K Anonymity", rule, count: choice.outcome.suppressed as u64 });
        if l > 1 {
            let sets =
                if self.roles.sets.is_empty() { "" } else { ", and no value of a set that fewer than l - 1 lack" };
            let rule = format!("at least {l} different values of each sensitive column in each class{sets}");
            steps.push(Step { technique: "L Diversity", rule, count: found.classes as u64 });
        }
        steps
    }

    fn measures(&self, choice: &Choice, found: &Reached) -> Vec<Measure> {
        let of = |name: &str, value: f64| Measure { name: name.to_owned(), value };
        let Criterion { k, l } = self.criterion();
        let mut measures = vec![
            of("k", found.k as f64),
            of("k required", k as f64),
            of("rows", self.persons.rows.len() as f64),
            of("rows kept", found.rows as f64),
            of("rows suppressed", choice.outcome.suppressed as f64),
            of("persons", self.persons.count as f64),
            of("classes", found.classes as f64),
            of("normalised certainty penalty", choice.outcome.certainty_penalty),
            of("discernibility", choice.outcome.discernibility),
            of("highest risk of re-identification", 1.0 / found.k as f64),
        ];
        if !self.roles.sensitive.is_empty() {
            measures.extend([of("l", found.l as f64), of("l required", l as f64)]);
        }
        measures
    }

    fn residual(&self) -> Vec<String> {
        let mut notes = vec![
            "k-anonymity protects against linking by the columns named as quasi-identifiers; that no other column can be \
             linked is what whoever named them vouches for"
                .to_owned(),
        ];
        match self.roles.sensitive.is_empty() {
            true => notes.push("no sensitive column was named, so nothing is said about its diversity".to_owned()),
            false => notes.push(
                "distinct l-diversity does not bound how often one sensitive value stands in a class, nor how alike \
                 the values are (skewness and similarity attacks)"
                    .to_owned(),
            ),
        }
        if !self.roles.sets.is_empty() {
            notes.push("a set of values may be one person's alone: whoever knows all of it finds the row".to_owned());
        }
        notes.push(
            "put together with another copy of the same table, generalised otherwise, it may tell more".to_owned(),
        );
        if self.persons.count < self.persons.rows.len() {
            notes.push("persons have several rows; the rows are not linked to each other any more".to_owned());
        }
        notes
    }
}

fn places(sheet: &Sheet<'_>, names: &[String]) -> Result<Vec<usize>, TableError> {
    names.iter().map(|name| sheet.place(name)).collect()
}

/// The sensitive columns, which leave as they are: none of them may lead to a person by itself.
fn guarded(sheet: &Sheet<'_>, roles: &Roles, persons: &Persons) -> Result<Vec<Column>, TableError> {
    let kept = places(sheet, &roles.sensitive)?;
    let sensitive = sheet.read(&kept)?;
    for (name, column) in roles.sensitive.iter().zip(&sensitive) {
        let is_set = roles.sets.contains(name);
        let refuse = if is_set { refuse_identifiers_in_sets } else { refuse_identifiers };
        refuse(name, column, persons.count)?;
        refuse_singletons(name, column, is_set, persons)?;
    }
    let gone = identifying(sheet, roles);
    refuse_repeats(sheet, &kept, &gone, &gone)?;
    Ok(sensitive)
}

fn rule_for(name: &str, column: &Column, thresholds: &Thresholds) -> Result<Rule, TableError> {
    let values = || column.values.iter().map(String::as_str);
    let rule = thresholds.rule(name).cloned().map_or_else(|| Rule::of_form(values()), |rule| rule.fitted(values()));
    match values().filter(|value| rule.at(value, 0).is_none()).count() {
        0 => Ok(rule),
        cells => Err(TableError::Unfit { column: name.to_owned(), cells, wanted: rule.wants() }),
    }
}
