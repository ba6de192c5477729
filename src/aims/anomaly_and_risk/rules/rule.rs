//! One rule: what it applies to, what must hold, and who says so.

use serde::Deserialize;

use super::{
    RuleError,
    condition::{Band, Condition},
};
use crate::domain::taxonomy::AnomalyType;

/// Stands for any name or unit in a statistical rule; at the end of a name, for whatever follows.
const ANY: &str = "*";

/// One rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Rule {
    /// Its ID, unique among all files.
    #[serde(rename = "RuleID")]
    pub id: String,
    /// Taken from the file.
    #[serde(skip)]
    pub version: String,
    /// What it looks for.
    pub title: String,
    /// What it applies to.
    pub applies: Applies,
    /// Type of the anomaly it finds.
    pub anomaly_type: AnomalyType,
    /// What must hold.
    pub condition: Condition,
    /// The finding in words; `{value}`, `{unit}`, `{name}`, `{count}`, `{duration}`, `{context}` and `{score}` are filled in.
    pub finding: String,
    /// Who says so.
    pub citation: Citation,
}

/// What a rule applies to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Applies {
    /// Kind of measurement.
    pub to: Kind,
    /// Names it goes by; `*` for any, `Name *` for all that begin so.
    #[serde(default)]
    pub names: Vec<String>,
    /// Units (UCUM) in which the limits are; `*` for any.
    #[serde(default)]
    pub units: Vec<String>,
    /// Only in these circumstances; in any when empty.
    #[serde(default)]
    pub contexts: Vec<String>,
    /// Not in these circumstances.
    #[serde(default)]
    pub except_contexts: Vec<String>,
}

/// Kind of measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Kind {
    /// A quantity over time.
    Series,
    /// A single measurement.
    Value,
    /// A code.
    Code,
}

/// Who says so.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Citation {
    /// Publication, and which of the limits are its.
    pub text: String,
    /// DOI or address.
    pub link: String,
    /// Whose the limits are.
    pub limits: Provenance,
    /// The day somebody looked it up, and what was found there.
    pub checked: String,
}

/// Whose the limits of a rule are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Provenance {
    /// All of them are the source's.
    Source,
    /// Some are; the text says which are not.
    Partly,
    /// None; the source says why it is looked for.
    Own,
}

impl Rule {
    /// `<RuleID>@<version>`.
    pub fn name(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }

    /// Whether a measurement of this name is meant.
    pub fn names(&self, name: &str) -> bool {
        self.knows(name) || self.applies.names.iter().any(|own| own == ANY)
    }

    /// Whether a measurement of this name is meant by its name. Letters and digits count: `Heart rate` is `HeartRate`.
    pub fn knows(&self, name: &str) -> bool {
        let name = plain(name);
        let mut own = self.applies.names.iter().filter(|own| *own != ANY);
        own.any(|own| match own.strip_suffix(ANY) {
            Some(head) => name.starts_with(&plain(head)),
            None => name == plain(own),
        })
    }

    /// Whether its limits are in this unit.
    pub fn is_in(&self, unit: &str) -> bool {
        self.applies.units.iter().any(|own| own == ANY || own == unit)
    }

    /// Whether it applies in these circumstances; `None` where nothing is known of them.
    pub fn holds_in(&self, context: Option<&str>) -> bool {
        let Applies { contexts, except_contexts, .. } = &self.applies;
        let listed = |list: &[String]| context.is_some_and(|context| list.iter().any(|own| own == context));
        (contexts.is_empty() || listed(contexts)) && !listed(except_contexts)
    }

    pub(super) fn check(&self) -> Result<(), RuleError> {
        let (kind, bands): (Kind, Vec<Band>) = match &self.condition {
            Condition::Limits { bands, .. } => (Kind::Value, bands.clone()),
            Condition::Held { bands, .. } => (Kind::Series, bands.iter().map(|held| held.band).collect()),
            Condition::RobustZ { bands, .. }
            | Condition::Hampel { bands, .. }
            | Condition::ContextualZ { bands, .. } => (Kind::Series, bands.clone()),
            Condition::Shift { .. } | Condition::Decline(_) => (Kind::Series, Vec::new()),
            Condition::Coded { .. } => (Kind::Code, Vec::new()),
        };
        if kind != self.applies.to {
            return Err(RuleError::Misplaced(self.id.clone()));
        }
        match bands.iter().all(Band::is_bounded) {
            true => Ok(()),
            false => Err(RuleError::Boundless(self.id.clone())),
        }
    }
}

/// A name without spelling.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
