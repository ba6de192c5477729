//! What is asked of a cohort.

use serde_json::{Map, Value};

use super::{
    columns::{BIRTH_YEAR, QUASI, ZIP3},
    error::CohortError,
};
use crate::aims::{aih_data_processing::clinical::measurement, de_identification::table::TYPE_PARAMETER};

/// Names of the parameters, each once.
pub const NAMES: &[&str] =
    &["QuasiIdentifiers", "ConditionCodes", "Measures", "Generalisation", "K", "L", "SuppressionLimit"];
/// Those that are the table's own.
const OF_THE_TABLE: [&str; 3] = ["K", "L", "SuppressionLimit"];
/// Most measures: each is a column that must be diverse in every class.
const MOST_MEASURES: usize = 16;
/// How columns are generalised when nothing is said; of a year the calendar's own levels would lose ten years at once.
const USUAL_RULES: [(&str, &str); 2] = [(BIRTH_YEAR, "range 5 10 20 40"), (ZIP3, "prefix 2 1")];

/// What is asked of a cohort.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    /// The quasi-identifiers that may be in the table.
    pub quasi: Vec<&'static str>,
    /// The codes of conditions that matter; `None`: all.
    pub codes: Option<Vec<String>>,
    /// Names of measures.
    pub measures: Vec<&'static str>,
    /// Rules of generalisation as the request has them.
    rules: Vec<String>,
    /// Parameters of the table.
    pub thresholds: Map<String, Value>,
}

impl Plan {
    /// Reads the parameters.
    ///
    /// # Errors
    /// [`CohortError::Parameter`].
    pub fn read(parameters: &Map<String, Value>) -> Result<Self, CohortError> {
        if parameters.keys().any(|name| name != TYPE_PARAMETER && !NAMES.contains(&name.as_str())) {
            return Err(refuse("Parameters", format!("are no others than {}", NAMES.join(", "))));
        }
        let quasi = match texts(parameters, "QuasiIdentifiers")? {
            None => QUASI.to_vec(),
            Some(names) => known(&names, |name| QUASI.iter().copied().find(|column| *column == name))
                .ok_or_else(|| refuse("QuasiIdentifiers", format!("are some of {}", QUASI.join(", "))))?,
        };
        let measures = texts(parameters, "Measures")?.unwrap_or_default();
        let measures = known(&measures, measurement::named)
            .filter(|measures| measures.len() <= MOST_MEASURES)
            .ok_or_else(|| {
                let names = measurement::names().collect::<Vec<_>>().join(", ");
                refuse("Measures", format!("are at most {MOST_MEASURES} of {names}, each once"))
            })?;
        let thresholds = parameters.iter().filter(|(name, _)| OF_THE_TABLE.contains(&name.as_str()));
        Ok(Self {
            quasi,
            codes: texts(parameters, "ConditionCodes")?,
            measures,
            rules: texts(parameters, "Generalisation")?.unwrap_or_default(),
            thresholds: thresholds.map(|(name, value)| (name.clone(), value.clone())).collect(),
        })
    }

    /// Whether the codes that matter are named.
    pub fn narrows(&self) -> bool {
        self.codes.is_some()
    }

    /// Whether the request has rules of generalisation.
    pub fn has_rules(&self) -> bool {
        !self.rules.is_empty()
    }

    /// The rules of the columns that are in the table: those asked for, and the usual ones of the others.
    pub fn rules(&self, columns: &[&'static str]) -> Vec<String> {
        let asked = |column: &str| {
            self.rules
                .iter()
                .any(|rule| rule.strip_prefix(column).is_some_and(|rest| rest.trim_start().starts_with(':')))
        };
        let usual = USUAL_RULES.iter().filter(|(column, _)| columns.contains(column) && !asked(column));
        self.rules.iter().cloned().chain(usual.map(|(column, rule)| format!("{column}: {rule}"))).collect()
    }
}

/// Every name by what it names; `None` when one names nothing, or stands twice.
fn known(names: &[String], find: impl Fn(&str) -> Option<&'static str>) -> Option<Vec<&'static str>> {
    let found: Vec<&'static str> = names.iter().map(|name| find(name)).collect::<Option<_>>()?;
    let once = found.iter().enumerate().all(|(at, name)| !found[..at].contains(name));
    once.then_some(found)
}

fn texts(parameters: &Map<String, Value>, name: &'static str) -> Result<Option<Vec<String>>, CohortError> {
    let Some(value) = parameters.get(name) else { return Ok(None) };
    let list: Option<Vec<String>> =
        value.as_array().and_then(|list| list.iter().map(|text| text.as_str().map(str::to_owned)).collect());
    list.map(Some).ok_or_else(|| refuse(name, "is a list of texts".to_owned()))
}

fn refuse(name: &'static str, reason: String) -> CohortError {
    CohortError::Parameter { name, reason }
}
