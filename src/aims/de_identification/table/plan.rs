//! **What is asked of a table**: which column is what, how each may be made coarser, and which thresholds must be met.
//! Read from the parameters; every column of the result is named here, and a column nobody names does not leave.
//!
//! | Parameter | Means | Without it |
//! | --- | --- | --- |
//! | `PersonColumn` | names the person of each row; rows of one person count once | `OneRowPerPerson` must be true |
//! | `OneRowPerPerson` | each row is another person | false |
//! | `Identifiers` | columns that identify by themselves; removed | none |
//! | `QuasiIdentifiers` | columns that identify together; generalised | refused, when anonymising |
//! | `SensitiveColumns` | columns that must stay diverse; kept as they are | none |
//! | `SetColumns` | those of them whose cells are several values, between `;`: then no one value may be everybody's | none |
//! | `KeptColumns` | columns kept as they are; only when de-identifying | none |
//! | `DateColumns` | columns whose dates are shifted by one span per person; only when de-identifying | none |
//! | `Generalisation` | rules, `<column>: <rule>`, see [`super::hierarchy`] | chosen by the form of the values |
//! | `K` | persons every class must have | 11 |
//! | `L` | different sensitive values every class must have | 2 with sensitive columns, else 1 |
//! | `SuppressionLimit` | share of the rows that may be left out | 0.05 |

use serde_json::{Map, Value};

use super::{error::TableError, hierarchy::Rule};

/// Smallest class when nothing is said: a risk of 1 in 11, the 0.09 of the European Medicines Agency (External guidance
/// on the implementation of Policy 0070, 2016–2018, section 5.4) and the “cell size 11” of US Medicare.
pub const USUAL_K: usize = 11;
/// Smallest class that can be asked for: five is the lowest in common use for released health data (K. El Emam and
/// F. K. Dankar, “Protecting privacy using k-anonymity”, J. Am. Med. Inform. Assoc. 15(5), 2008).
pub const LEAST_K: usize = 5;
/// Different sensitive values in a class when nothing is said: with one, everybody in it is known to have it.
const USUAL_L: usize = 2;
/// Share of rows that may be left out when nothing is said, as in El Emam et al. 2009.
const USUAL_LIMIT: f64 = 0.05;
/// Largest share of rows that may be left out: beyond, the table is another table.
const MOST_LIMIT: f64 = 0.2;

/// The parameter that names the columns of sets.
pub const SETS: &str = "SetColumns";

/// Names of the parameters, each once.
pub const NAMES: &[&str] = &[
    "PersonColumn",
    "OneRowPerPerson",
    "Identifiers",
    "QuasiIdentifiers",
    "SensitiveColumns",
    "SetColumns",
    "KeptColumns",
    "DateColumns",
    "Generalisation",
    "K",
    "L",
    "SuppressionLimit",
];

/// Who a row belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Person {
    /// This column says it.
    Column(String),
    /// Each row is another person.
    EachRow,
}

/// Which column is what.
#[derive(Debug, Clone, PartialEq)]
pub struct Roles {
    /// Whose row it is.
    pub person: Option<Person>,
    /// Removed.
    pub identifiers: Vec<String>,
    /// Generalised.
    pub quasi: Vec<String>,
    /// Kept, and diverse.
    pub sensitive: Vec<String>,
    /// Those of the sensitive columns whose cells are sets of values.
    pub sets: Vec<String>,
    /// Kept.
    pub kept: Vec<String>,
    /// Shifted.
    pub dates: Vec<String>,
}

/// What anonymising must reach.
#[derive(Debug, Clone, PartialEq)]
pub struct Thresholds {
    /// Persons every class must have.
    pub k: usize,
    /// Different values of each sensitive column every class must have.
    pub l: usize,
    /// Share of the rows that may be left out.
    pub limit: f64,
    /// Rules by column.
    pub rules: Vec<(String, Rule)>,
}

impl Roles {
    /// Reads them from the parameters.
    ///
    /// # Errors
    /// [`TableError::Parameter`].
    pub fn read(parameters: &Map<String, Value>) -> Result<Self, TableError> {
        let person = match (parameters.get("PersonColumn"), parameters.get("OneRowPerPerson")) {
            (None, Some(Value::Bool(true))) => Some(Person::EachRow),
            (None, None | Some(Value::Bool(false))) => None,
            (Some(Value::String(column)), None | Some(Value::Bool(false))) => Some(Person::Column(column.clone())),
            (Some(Value::String(_)), Some(Value::Bool(true))) => {
                return Err(TableError::parameter("OneRowPerPerson", "contradicts PersonColumn"));
            }
            (Some(_), _) => return Err(TableError::parameter("PersonColumn", "is the name of a column")),
            (None, Some(_)) => return Err(TableError::parameter("OneRowPerPerson", "is true or false")),
        };
        let roles = Self {
            person,
            identifiers: columns(parameters, "Identifiers")?,
            quasi: columns(parameters, "QuasiIdentifiers")?,
            sensitive: columns(parameters, "SensitiveColumns")?,
            sets: columns(parameters, SETS)?,
            kept: columns(parameters, "KeptColumns")?,
            dates: columns(parameters, "DateColumns")?,
        };
        roles.once()?;
        roles.sets_are_sensitive()?;
        Ok(roles)
    }

    fn sets_are_sensitive(&self) -> Result<(), TableError> {
        match self.sets.iter().all(|set| self.sensitive.contains(set)) {
            true => Ok(()),
            false => Err(TableError::parameter(SETS, "names sensitive columns, which SensitiveColumns names too")),
        }
    }

    /// Every column that is named, with what it is named as.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let person = match &self.person {
            Some(Person::Column(column)) => Some(("PersonColumn", column.as_str())),
            _ => None,
        };
        let lists = [
            ("Identifiers", &self.identifiers),
            ("QuasiIdentifiers", &self.quasi),
            ("SensitiveColumns", &self.sensitive),
            ("KeptColumns", &self.kept),
            ("DateColumns", &self.dates),
        ];
        person
            .into_iter()
            .chain(lists.into_iter().flat_map(|(role, list)| list.iter().map(move |c| (role, c.as_str()))))
    }

    fn once(&self) -> Result<(), TableError> {
        let mut seen = std::collections::HashSet::new();
        for (role, column) in self.named() {
            if !seen.insert(column) {
                return Err(TableError::parameter(role, format!("names the column “{column}” a second time")));
            }
        }
        Ok(())
    }
}

impl Thresholds {
    /// Reads them from the parameters.
    ///
    /// # Errors
    /// [`TableError::Parameter`].
    pub fn read(parameters: &Map<String, Value>, roles: &Roles) -> Result<Self, TableError> {
        let k = count(parameters, "K")?.unwrap_or(USUAL_K);
        if k < LEAST_K {
            return Err(TableError::parameter("K", format!("is at least {LEAST_K}")));
        }
        let usual = if roles.sensitive.is_empty() { 1 } else { USUAL_L };
        let l = count(parameters, "L")?.unwrap_or(usual);
        if l == 0 || (l > 1 && roles.sensitive.is_empty()) {
            return Err(TableError::parameter("L", "is at least 1, and more than 1 only with SensitiveColumns"));
        }
        let limit = match parameters.get("SuppressionLimit") {
            None => USUAL_LIMIT,
            Some(value) => value.as_f64().filter(|limit| (0.0..=MOST_LIMIT).contains(limit)).ok_or_else(|| {
                TableError::parameter("SuppressionLimit", format!("is a share from 0 to {MOST_LIMIT}"))
            })?,
        };
        Ok(Self { k, l, limit, rules: rules(parameters, roles)? })
    }

    /// The rule given for a column.
    pub fn rule(&self, column: &str) -> Option<&Rule> {
        self.rules.iter().find(|(name, _)| name == column).map(|(_, rule)| rule)
    }
}

fn columns(parameters: &Map<String, Value>, name: &'static str) -> Result<Vec<String>, TableError> {
    let Some(value) = parameters.get(name) else { return Ok(Vec::new()) };
    let list: Option<Vec<_>> =
        value.as_array().and_then(|list| list.iter().map(|column| column.as_str().map(str::to_owned)).collect());
    list.ok_or_else(|| TableError::parameter(name, "is a list of names of columns"))
}

fn count(parameters: &Map<String, Value>, name: &'static str) -> Result<Option<usize>, TableError> {
    let Some(value) = parameters.get(name) else { return Ok(None) };
    let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
    count.map(Some).ok_or_else(|| TableError::parameter(name, "is a whole number"))
}

fn rules(parameters: &Map<String, Value>, roles: &Roles) -> Result<Vec<(String, Rule)>, TableError> {
    const NAME: &str = "Generalisation";
    let mut rules: Vec<(String, Rule)> = Vec::new();
    for text in columns(parameters, NAME)? {
        // A column's name may hold a colon; a rule does not, or only inside its list.
        let quasi = roles
            .quasi
            .iter()
            .filter(|column| text.strip_prefix(column.as_str()).is_some_and(|rest| rest.trim_start().starts_with(':')));
        let column = quasi.max_by_key(|column| column.len());
        let column = column.ok_or_else(|| TableError::parameter(NAME, "each is “<quasi-identifier>: <rule>”"))?;
        let rest = text.get(column.len()..).unwrap_or_default().trim_start();
        let rule = Rule::read(rest.strip_prefix(':').unwrap_or(rest))?;
        if rules.iter().any(|(known, _)| known == column) {
            return Err(TableError::parameter(NAME, format!("has two rules for “{column}”")));
        }
        rules.push((column.clone(), rule));
    }
    Ok(rules)
}
