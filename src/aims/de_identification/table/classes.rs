//! **Equivalence classes**: rows that say the same of a person. Rows with the same values are counted together once, so
//! that looking at a node of the lattice costs as many steps as there are different rows, not rows.

use std::collections::HashMap;

use super::{
    hierarchy::Rule,
    meaning::{meaning, meaning_of_set, members},
    sheet::{Column, Persons},
};

/// The values of one quasi-identifier at every level.
#[derive(Debug, Clone)]
pub struct Ladder {
    levels: Vec<Level>,
}

#[derive(Debug, Clone)]
struct Level {
    /// For each value of the column, what it becomes.
    of: Vec<u32>,
    /// What stands in the table then.
    labels: Vec<String>,
    /// How much of a cell is lost by it, 0 to 1.
    losses: Vec<f64>,
}

impl Ladder {
    /// Every value at every level. A value that does not fit was refused before; it would become `*` here.
    pub fn build(rule: &Rule, column: &Column) -> Self {
        let numbers = column.values.iter().filter_map(|value| super::hierarchy::number(value));
        let (least, most) = numbers.fold((f64::MAX, f64::MIN), |(a, b), n| (a.min(n), b.max(n)));
        let levels = (0..=rule.height()).map(|level| {
            let mut known: HashMap<String, u32> = HashMap::new();
            let mut labels: Vec<String> = Vec::new();
            let of: Vec<u32> = column
                .values
                .iter()
                .map(|value| {
                    let label = rule.at(value, level).unwrap_or_else(|| super::hierarchy::NOTHING.to_owned());
                    let next = labels.len() as u32; // No more than values, of which rows count with 32 bits.
                    *known.entry(label).or_insert_with_key(|label| {
                        labels.push(label.clone());
                        next
                    })
                })
                .collect();
            let width = rule.width(level).map(|width| width / (most - least));
            let losses = losses(&of, labels.len(), column.values.len(), level, width);
            Level { of, labels, losses }
        });
        Self { levels: levels.collect() }
    }

    /// Levels above the values themselves.
    pub fn height(&self) -> usize {
        self.levels.len().saturating_sub(1)
    }

    /// What stands in the table for a value at a level.
    pub fn label(&self, level: usize, value: u32) -> &str {
        let level = self.levels.get(level);
        let label = level.and_then(|level| level.labels.get(*level.of.get(value as usize)? as usize));
        label.map_or(super::hierarchy::NOTHING, String::as_str)
    }

    fn code(&self, level: usize, value: u32) -> u32 {
        self.levels.get(level).and_then(|level| level.of.get(value as usize)).copied().unwrap_or(u32::MAX)
    }

    /// Normalised certainty penalty of a cell (J. Xu et al., “Utility-based anonymization using local recoding”, KDD 2006):
    /// width of its range over the span of the column, or share of the column's values it may stand for.
    fn loss(&self, level: usize, value: u32) -> f64 {
        let level = self.levels.get(level);
        level.and_then(|level| level.losses.get(*level.of.get(value as usize)? as usize)).copied().unwrap_or(1.0)
    }
}

fn losses(of: &[u32], labels: usize, values: usize, level: usize, width: Option<f64>) -> Vec<f64> {
    let mut leaves = vec![0_usize; labels];
    for label in of {
        if let Some(count) = leaves.get_mut(*label as usize) {
            *count += 1;
        }
    }
    let share = |leaves: usize| if leaves <= 1 { 0.0 } else { leaves as f64 / values as f64 };
    leaves
        .into_iter()
        .map(|leaves| match width {
            _ if level == 0 => 0.0,
            // One value alone has no span, and nothing is lost of it.
            Some(width) => {
                if width.is_finite() {
                    width.min(1.0)
                } else {
                    0.0
                }
            }
            None => share(leaves),
        })
        .collect()
}

/// The rows of a table, equal ones together.
#[derive(Debug)]
pub struct Population {
    quasi: usize,
    /// Values of the quasi-identifiers, `quasi` for each different row.
    tuples: Vec<u32>,
    /// How many rows each stands for.
    rows: Vec<u32>,
    /// The persons of each; `None` when each row is another person.
    persons: Option<Vec<Vec<u32>>>,
    /// The sensitive values of each, column by column, by their meaning; empty cells are no value.
    sensitive: Vec<Vec<Vec<u32>>>,
    /// Of columns of sets, how many rows of each have which value.
    holders: Vec<Vec<HashMap<u32, u32>>>,
    /// Which of them each row of the table is.
    of_row: Vec<u32>,
}

/// A sensitive column, as diversity counts it.
#[derive(Debug)]
pub struct Sensitive<'a> {
    column: &'a Column,
    /// For each value of the column what it means; `None` for nothing.
    meanings: Vec<Option<u32>>,
    /// Of a column of sets, for each value which values are in it.
    members: Option<Vec<Vec<u32>>>,
}

impl<'a> Sensitive<'a> {
    /// A column; of sets, when its cells are such.
    pub fn of(column: &'a Column, sets: bool) -> Self {
        let mut numbers = HashMap::new();
        let mut number = |meaning: String| {
            let next = numbers.len() as u32; // No more than values, of which rows count with 32 bits.
            *numbers.entry(meaning).or_insert(next)
        };
        let whole = if sets { meaning_of_set } else { meaning };
        let meanings = column.values.iter().map(|value| whole(value).map(&mut number)).collect();
        let members =
            sets.then(|| column.values.iter().map(|set| members(set).into_iter().map(&mut number).collect()).collect());
        Self { column, meanings, members }
    }

    fn value(&self, row: usize) -> usize {
        self.column.rows.get(row).map_or(usize::MAX, |value| *value as usize)
    }
}

/// What must hold of a class.
#[derive(Debug, Clone, Copy)]
pub struct Criterion {
    /// Persons.
    pub k: usize,
    /// Different values of each sensitive column.
    pub l: usize,
}

/// A node of the lattice, looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Rows whose class does not meet the criterion.
    pub suppressed: usize,
    /// Normalised certainty penalty over all cells, suppressed rows counted as lost; 0 to 1.
    pub certainty_penalty: f64,
    /// Discernibility (R. J. Bayardo and R. Agrawal, “Data privacy through optimal k-anonymization”, ICDE 2005): each row
    /// costs the size of its class, a suppressed one the size of the table.
    pub discernibility: f64,
    /// Which different rows stay.
    kept: Vec<bool>,
}

impl Population {
    /// Takes the rows together.
    pub fn gather(quasi: &[Column], sensitive: &[Sensitive<'_>], persons: &Persons) -> Self {
        let mut known: HashMap<Vec<u32>, u32> = HashMap::new();
        let several = persons.count < persons.rows.len();
        let mut this = Self {
            quasi: quasi.len(),
            tuples: Vec::new(),
            rows: Vec::new(),
            persons: several.then(Vec::new),
            sensitive: vec![Vec::new(); sensitive.len()],
            holders: vec![Vec::new(); sensitive.iter().filter(|column| column.members.is_some()).count()],
            of_row: Vec::with_capacity(persons.rows.len()),
        };
        for (row, person) in persons.rows.iter().enumerate() {
            let key: Vec<u32> = quasi.iter().map(|column| column.rows.get(row).copied().unwrap_or(u32::MAX)).collect();
            let next = this.rows.len() as u32;
            let tuple = *known.entry(key).or_insert_with_key(|key| {
                this.tuples.extend_from_slice(key);
                this.rows.push(0);
                this.persons.iter_mut().for_each(|persons| persons.push(Vec::new()));
                this.sensitive.iter_mut().for_each(|column| column.push(Vec::new()));
                this.holders.iter_mut().for_each(|column| column.push(HashMap::new()));
                next
            });
            this.add(tuple as usize, row, *person, sensitive);
            this.of_row.push(tuple);
        }
        for list in this.persons.iter_mut().flatten().chain(this.sensitive.iter_mut().flatten()) {
            list.sort_unstable();
            list.dedup();
        }
        this
    }

    fn add(&mut self, tuple: usize, row: usize, person: u32, sensitive: &[Sensitive<'_>]) {
        if let Some(rows) = self.rows.get_mut(tuple) {
            *rows += 1;
        }
        if let Some(persons) = self.persons.as_mut().and_then(|persons| persons.get_mut(tuple)) {
            persons.push(person);
        }
        for (list, column) in self.sensitive.iter_mut().zip(sensitive) {
            let meaning = column.meanings.get(column.value(row)).copied().flatten();
            if let Some((list, meaning)) = list.get_mut(tuple).zip(meaning) {
                list.push(meaning);
            }
        }
        let sets = sensitive.iter().filter_map(|column| Some((column, column.members.as_ref()?)));
        for (holders, (column, members)) in self.holders.iter_mut().zip(sets) {
            let Some(holders) = holders.get_mut(tuple) else { continue };
            for member in members.get(column.value(row)).into_iter().flatten() {
                *holders.entry(*member).or_default() += 1;
            }
        }
    }

    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.of_row.len()
    }

    /// Looks at a node.
    pub fn look(&self, ladders: &[Ladder], node: &[usize], criterion: Criterion) -> Outcome {
        let (class_of, classes) = self.classes(ladders, node);
        let mut rows = vec![0_usize; classes];
        for (class, count) in class_of.iter().zip(&self.rows) {
            if let Some(rows) = rows.get_mut(*class as usize) {
                *rows += *count as usize;
            }
        }
        let meets = self.meeting(&class_of, &rows, criterion);
        let kept: Vec<bool> = class_of.iter().map(|class| meets.get(*class as usize) == Some(&true)).collect();
        let total = self.row_count();
        let staying: usize = rows.iter().zip(&meets).filter(|(_, meets)| **meets).map(|(rows, _)| rows).sum();
        let suppressed = total - staying;
        let within: f64 =
            rows.iter().zip(&meets).filter(|(_, meets)| **meets).map(|(rows, _)| (*rows as f64).powi(2)).sum();
        Outcome {
            suppressed,
            certainty_penalty: self.penalty(ladders, node, &kept, suppressed),
            discernibility: within + suppressed as f64 * total as f64,
            kept,
        }
    }

    fn classes(&self, ladders: &[Ladder], node: &[usize]) -> (Vec<u32>, usize) {
        let mut class_of = vec![0_u32; self.rows.len()];
        let mut classes = usize::from(!class_of.is_empty());
        for (place, (ladder, level)) in ladders.iter().zip(node).enumerate() {
            let mut known: HashMap<(u32, u32), u32> = HashMap::with_capacity(classes);
            for (class, tuple) in class_of.iter_mut().zip(self.tuples.chunks_exact(self.quasi)) {
                let code = ladder.code(*level, tuple.get(place).copied().unwrap_or(u32::MAX));
                let next = known.len() as u32;
                *class = *known.entry((*class, code)).or_insert(next);
            }
            classes = known.len();
        }
        (class_of, classes)
    }

    /// Which classes meet the criterion.
    fn meeting(&self, class_of: &[u32], rows: &[usize], criterion: Criterion) -> Vec<bool> {
        let mut meets: Vec<bool> = match &self.persons {
            None => rows.iter().map(|rows| *rows >= criterion.k).collect(),
            Some(persons) => at_least(class_of, rows.len(), persons, criterion.k),
        };
        for column in self.sensitive.iter().filter(|_| criterion.l > 1) {
            let diverse = at_least(class_of, rows.len(), column, criterion.l);
            meets.iter_mut().zip(diverse).for_each(|(meets, diverse)| *meets &= diverse);
        }
        for column in self.holders.iter().filter(|_| criterion.l > 1) {
            let common = most_holders(class_of, rows.len(), column);
            // Sets are taken with one row for each person only, so rows are persons.
            let lacking = rows.iter().zip(common).map(|(rows, common)| rows.saturating_sub(common));
            meets.iter_mut().zip(lacking).for_each(|(meets, lacking)| *meets &= lacking + 1 >= criterion.l);
        }
        meets
    }

    fn penalty(&self, ladders: &[Ladder], node: &[usize], kept: &[bool], suppressed: usize) -> f64 {
        let cells = (self.row_count() * self.quasi) as f64;
        let tuples = self.tuples.chunks_exact(self.quasi.max(1)).zip(&self.rows).zip(kept);
        let lost: f64 = tuples
            .filter(|(_, kept)| **kept)
            .map(|((tuple, rows), _)| {
                let of_row: f64 = ladders
                    .iter()
                    .zip(node)
                    .zip(tuple)
                    .map(|((ladder, level), value)| ladder.loss(*level, *value))
                    .sum();
                of_row * f64::from(*rows)
            })
            .sum();
        if cells == 0.0 { 0.0 } else { (lost + (suppressed * self.quasi) as f64) / cells }
    }

    /// Whether a row of the table stays.
    pub fn stays(&self, outcome: &Outcome, row: usize) -> bool {
        self.of_row.get(row).and_then(|tuple| outcome.kept.get(*tuple as usize)) == Some(&true)
    }
}

/// Which classes have at least so many different members.
fn at_least(class_of: &[u32], classes: usize, members: &[Vec<u32>], least: usize) -> Vec<bool> {
    let mut pairs: Vec<(u32, u32)> = class_of
        .iter()
        .zip(members)
        .flat_map(|(class, members)| members.iter().map(|member| (*class, *member)))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    let mut counts = vec![0_usize; classes];
    for (class, _) in pairs {
        if let Some(count) = counts.get_mut(class as usize) {
            *count += 1;
        }
    }
    counts.into_iter().map(|count| count >= least).collect()
}

/// Of each class, how many rows have its commonest value.
fn most_holders(class_of: &[u32], classes: usize, holders: &[HashMap<u32, u32>]) -> Vec<usize> {
    let mut counts: HashMap<(u32, u32), usize> = HashMap::new();
    for (class, holders) in class_of.iter().zip(holders) {
        for (value, count) in holders {
            *counts.entry((*class, *value)).or_default() += *count as usize;
        }
    }
    let mut most = vec![0; classes];
    for ((class, _), count) in counts {
        if let Some(most) = most.get_mut(class as usize) {
            *most = count.max(*most);
        }
    }
    most
}
