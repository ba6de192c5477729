//! Rules as data: what is looked for, in which measurement and unit, how grave it is, and who says so.
//!
//! The files stand in `rules/` beside this one and are part of the program. Each is valid against
//! `rules/rules.schema.json`, and every rule names its source; both are checked when the program starts, which refuses
//! to run with rules it does not understand. A rule applies to a measurement of its name *and* its unit: another unit is
//! not converted on a guess, the rule stands aside and says so.
//!
//! | File | What |
//! | --- | --- |
//! | [`rule`] | one rule: what it applies to, who says so |
//! | [`condition`] | what must hold, and how grave it is |
//!
//! The table of all rules in `docs/alerting.md` is written from these files; `tests/alert_rules.rs` compares.

pub mod condition;
pub mod rule;

use serde::Deserialize;
use serde_json::Value;

pub use self::{
    condition::{Band, Condition, Decline, HeldBand},
    rule::{Applies, Citation, Kind, Provenance, Rule},
};

const SCHEMA: &str = include_str!("rules/rules.schema.json");
/// The files, by name.
const FILES: &[(&str, &str)] = &[
    ("cardiac", include_str!("rules/cardiac.json")),
    ("vital-signs", include_str!("rules/vital-signs.json")),
    ("laboratory", include_str!("rules/laboratory.json")),
    ("diagnoses", include_str!("rules/diagnoses.json")),
    ("imaging", include_str!("rules/imaging.json")),
    ("omics", include_str!("rules/omics.json")),
    ("behaviour", include_str!("rules/behaviour.json")),
    ("statistics", include_str!("rules/statistics.json")),
];

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

    /// One after the other, file by file.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }
}

fn json(file: &str, text: &str) -> Result<Value, RuleError> {
    serde_json::from_str(text).map_err(|e| RuleError::Form { file: file.to_owned(), reason: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::taxonomy::AnomalyType;

    const GOOD: &str = r#"{"RuleSet": "x", "Version": "1.0.0", "Description": "d", "Rules": [{
        "RuleID": "r", "Title": "t", "Applies": {"To": "Value", "Names": ["A"], "Units": ["1"]},
        "AnomalyType": "Point Anomaly", "Condition": {"Kind": "Limits", "Bands": [{"Risk": "Red", "Above": 1}]},
        "Finding": "f", "Citation": {"Text": "somebody", "Link": "https://doi.org/10.1", "Limits": "Source",
        "Checked": "2026-11-22: read there"}}]}"#;

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

    /// A limit without a source says so in the words every reader looks for.
    #[test]
    fn a_limit_of_our_own_is_said_to_be_one() {
        for rule in Rules::load().unwrap().iter() {
            let owns = rule.citation.text.contains("project's own choice");
            assert_eq!(owns, rule.citation.limits != Provenance::Source, "{}: {}", rule.id, rule.citation.text);
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
            ("\"Text\": \"somebody\", ", ""),
            ("\"Limits\": \"Source\"", "\"Limits\": \"Hearsay\""),
            ("\"Limits\": \"Source\",", ""),
            ("2026-11-22: read there", "some day"),
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
