//! Rules as data: what is looked for, in which measurement and unit, how grave it is, and who says so.
//!
//! The files stand in `rules/` beside this one and are part of the program. Each is valid against
//! `rules/rules.schema.json`, and every rule names its source; both are checked when the program starts, which refuses
//! to run with rules it does not understand. A rule applies to a measurement of its name *and* its unit: another unit is
//! not converted on a guess, the rule stands aside and says so.

use serde::Deserialize;
use serde_json::Value;

use crate::{domain::taxonomy::AnomalyType, schema::wire::Risk};

const SCHEMA: &str = include_str!("rules/rules.schema.json");
/// The files, by name.
const FILES: &[(&str, &str)] = &[
    ("cardiac", include_str!("rules/cardiac.json")),
    ("vital-signs", include_str!("rules/vital-signs.json")),
    ("laboratory", include_str!("rules/laboratory.json")),
    ("diagnoses", include_str!("rules/diagnoses.json")),
    ("imaging", include_str!("rules/imaging.json")),
    ("omics", include_str!("rules/omics.json")),
    ("statistics", include_str!("rules/statistics.json")),
];
/// Stands for any name or unit in a statistical rule; at the end of a name, for whatever follows.
const ANY: &str = "*";

/// Why rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// Not JSON, or not of the form.
    #[error("the rules `{file}` cannot be read: {reason}")]
    Form {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// One ID for two rules.
    #[error("the rule `{0}` stands twice")]
    Twice(String),
    /// A condition that judges something else than the rule names.
    #[error("the rule `{0}` has a condition for another kind of measurement")]
    Misplaced(String),
    /// A band without a limit, or one that nothing can meet.
    #[error("the rule `{0}` has a band without a limit")]
    Boundless(String),
}

/// A file of rules.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct RuleFile {
    /// Name.
    pub rule_set: String,
    /// Version of all its rules; rises with every change.
    pub version: String,
    /// What it is about.
    pub description: String,
    /// The rules.
    pub rules: Vec<Rule>,
}

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
}

/// What must hold.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "Kind", deny_unknown_fields, rename_all_fields = "PascalCase")]
pub enum Condition {
    /// A single measurement lies in a band.
    Limits {
        /// From the gravest to the mildest.
        bands: Vec<Band>,
    },
    /// Successive values of a series lie in a band, so many of them or for so long.
    Held {
        /// From the gravest to the mildest.
        bands: Vec<HeldBand>,
    },
    /// A value of a series far from all others.
    RobustZ {
        /// Fewest values the usual is taken from.
        least_values: usize,
        /// Shortest time it must last, in seconds.
        #[serde(default)]
        least_seconds: f64,
        /// By the size of the modified z-score.
        bands: Vec<Band>,
    },
    /// A value of a series far from those around it.
    Hampel {
        /// Values on each side.
        half_window: usize,
        /// By the size of the modified z-score within the window.
        bands: Vec<Band>,
    },
    /// A value of a series far from the others in the same circumstances.
    ContextualZ {
        /// Fewest values in the same circumstances.
        least_values: usize,
        /// By the size of the modified z-score.
        bands: Vec<Band>,
    },
    /// The level of a series has moved (CUSUM).
    Shift {
        /// Length of the blocks whose medians are summed, in seconds.
        block_seconds: f64,
        /// Blocks at the start that say what is usual.
        reference_blocks: usize,
        /// Deviations that are not summed (k).
        slack: f64,
        /// Sum at which the level has moved (h).
        decision: f64,
        /// Smallest move that counts, in the unit of the series.
        least_change: f64,
        /// Colour.
        risk: Risk,
    },
    /// A code stands in the record.
    Coded {
        /// Code systems, as FHIR writes them.
        systems: Vec<String>,
        /// The codes; one that ends in `*` stands for all that begin so.
        codes: Vec<String>,
        /// Colour.
        risk: Risk,
        /// Days before the data's own time after which it is history, and Green.
        recent_days: u32,
    },
}

/// A range of values and its colour. All limits given must hold.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Band {
    /// Colour.
    pub risk: Risk,
    /// Value > limit.
    pub above: Option<f64>,
    /// Value ≥ limit.
    pub at_least: Option<f64>,
    /// Value < limit.
    pub below: Option<f64>,
    /// Value ≤ limit.
    pub at_most: Option<f64>,
}

/// A band, and how long values must stay in it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct HeldBand {
    /// Range and colour.
    pub band: Band,
    /// Fewest successive values.
    #[serde(default)]
    pub values: usize,
    /// Shortest time from the first to the last of them, in seconds.
    #[serde(default)]
    pub seconds: f64,
}

impl Band {
    /// Whether a value lies in it.
    pub fn holds(&self, value: f64) -> bool {
        self.above.is_none_or(|limit| value > limit)
            && self.at_least.is_none_or(|limit| value >= limit)
            && self.below.is_none_or(|limit| value < limit)
            && self.at_most.is_none_or(|limit| value <= limit)
    }

    fn is_bounded(&self) -> bool {
        [self.above, self.at_least, self.below, self.at_most].iter().any(Option::is_some)
    }
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

    fn check(&self) -> Result<(), RuleError> {
        let (kind, bands): (Kind, Vec<Band>) = match &self.condition {
            Condition::Limits { bands } => (Kind::Value, bands.clone()),
            Condition::Held { bands } => (Kind::Series, bands.iter().map(|held| held.band).collect()),
            Condition::RobustZ { bands, .. }
            | Condition::Hampel { bands, .. }
            | Condition::ContextualZ { bands, .. } => (Kind::Series, bands.clone()),
            Condition::Shift { .. } => (Kind::Series, Vec::new()),
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

/// All rules.
#[derive(Debug, Clone)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// The rules of this program.
    ///
    /// # Errors
    /// When a file is not of the form, or an ID stands twice.
    pub fn load() -> Result<Self, RuleError> {
        Self::read(FILES)
    }

    /// Rules from files, each with its name.
    ///
    /// # Errors
    /// As [`Rules::load`].
    pub fn read(files: &[(&str, &str)]) -> Result<Self, RuleError> {
        let schema = json("rules.schema.json", SCHEMA)?;
        let refuse = |file: &str, reason: String| RuleError::Form { file: file.to_owned(), reason };
        let validator = jsonschema::validator_for(&schema).map_err(|e| refuse("rules.schema.json", e.to_string()))?;
        let mut rules: Vec<Rule> = Vec::new();
        for (name, text) in files {
            let document = json(name, text)?;
            validator.validate(&document).map_err(|e| refuse(name, format!("{}: {e}", e.instance_path())))?;
            let file = RuleFile::deserialize(&document).map_err(|e| refuse(name, e.to_string()))?;
            for mut rule in file.rules {
                rule.version.clone_from(&file.version);
                rule.check()?;
                if rules.iter().any(|other| other.id == rule.id) {
                    return Err(RuleError::Twice(rule.id));
                }
                rules.push(rule);
            }
        }
        Ok(Self(rules))
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }
}

/// A name without spelling.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn json(file: &str, text: &str) -> Result<Value, RuleError> {
    serde_json::from_str(text).map_err(|e| RuleError::Form { file: file.to_owned(), reason: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"RuleSet": "x", "Version": "1.0.0", "Description": "d", "Rules": [{
        "RuleID": "r", "Title": "t", "Applies": {"To": "Value", "Names": ["A"], "Units": ["1"]},
        "AnomalyType": "Point Anomaly", "Condition": {"Kind": "Limits", "Bands": [{"Risk": "Red", "Above": 1}]},
        "Finding": "f", "Citation": {"Text": "somebody", "Link": "https://doi.org/10.1"}}]}"#;

    #[test]
    fn our_rules_are_of_the_form_and_each_names_its_source() {
        let rules = Rules::load().unwrap();
        assert!(rules.iter().count() >= 20);
        for rule in rules.iter() {
            assert!(rule.citation.text.len() > 20, "{}", rule.id);
            assert!(rule.citation.link.starts_with("https://"), "{}: {}", rule.id, rule.citation.link);
            assert!(rule.version.split('.').count() == 3, "{}", rule.id);
        }
        for anomaly in
            [AnomalyType::Point, AnomalyType::Contextual, AnomalyType::Collective, AnomalyType::MedicalCondition]
        {
            assert!(rules.iter().any(|rule| rule.anomaly_type == anomaly), "{anomaly}");
        }
    }

    #[test]
    fn every_file_beside_this_one_is_read() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/aims/anomaly_and_risk/rules");
        let mut found: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".json").filter(|stem| *stem != "rules.schema").map(str::to_owned))
            .collect();
        found.sort();
        let mut listed: Vec<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        listed.sort();
        assert_eq!(found, listed);
    }

    #[test]
    fn what_is_not_of_the_form_is_refused() {
        assert_eq!(Rules::read(&[("x", GOOD)]).unwrap().iter().count(), 1);
        for (from, to) in [
            ("\"Citation\": {\"Text\": \"somebody\", \"Link\": \"https://doi.org/10.1\"}", "\"Note\": 1"),
            ("somebody", ""),
            ("https://doi.org/10.1", "a friend"),
            ("\"Above\": 1", "\"Above\": \"1\""),
            ("\"Risk\": \"Red\"", "\"Risk\": \"Purple\""),
            ("Point Anomaly", "Odd"),
            ("\"Kind\": \"Limits\"", "\"Kind\": \"Magic\""),
            ("1.0.0", "one"),
        ] {
            let bad = GOOD.replacen(from, to, 1);
            assert_ne!(bad, GOOD, "{from}");
            assert!(matches!(Rules::read(&[("x", &bad)]), Err(RuleError::Form { .. })), "{from} → {to}");
        }
        let misplaced = GOOD.replacen("\"To\": \"Value\"", "\"To\": \"Series\"", 1);
        assert!(matches!(Rules::read(&[("x", &misplaced)]), Err(RuleError::Misplaced(_))));
        let boundless = GOOD.replacen(", \"Above\": 1", "", 1);
        assert!(matches!(Rules::read(&[("x", &boundless)]), Err(RuleError::Boundless(_))));
        assert!(matches!(Rules::read(&[("x", GOOD), ("y", GOOD)]), Err(RuleError::Twice(_))));
        assert!(matches!(Rules::read(&[("x", "{")]), Err(RuleError::Form { .. })));
    }
}
