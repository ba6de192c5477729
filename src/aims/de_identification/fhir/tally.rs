//! What was done, counted by rule: never the values themselves.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;
use serde_json::Value;

use crate::aims::ai_modules::treatment::Step;

const REMOVAL: &str = "Removal of Identifiers";

/// `data/identifiers.json`: under which of the 18 classes a dropped element is counted.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Classes {
    #[serde(rename = "Source")]
    _source: String,
    classes: BTreeMap<String, String>,
    elements: BTreeMap<String, Vec<String>>,
    telecom: BTreeMap<String, String>,
    identifier_types: BTreeMap<String, Vec<String>>,
    identifier_systems: BTreeMap<String, Vec<String>>,
}

static CLASSES: LazyLock<Classes> = LazyLock::new(|| {
    // Cannot fail: the file is part of the program, and a test reads it.
    serde_json::from_str(include_str!("data/identifiers.json")).expect("identifiers.json fits its type")
});

/// Counts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    steps: BTreeMap<(&'static str, String), u64>,
    kept: u64,
    removed: u64,
}

impl Tally {
    /// An element was kept, as it was or changed.
    pub fn kept(&mut self) {
        self.kept += 1;
    }

    /// Something was changed.
    pub fn changed(&mut self, technique: &'static str, rule: &str) {
        *self.steps.entry((technique, rule.to_owned())).or_default() += 1;
    }

    /// An element was dropped.
    pub fn removed(&mut self, name: &str, value: &Value) {
        let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for item in items {
            self.removed += 1;
            let class = class_of(name, item);
            let words = CLASSES.classes.get(class).map_or("", String::as_str);
            let rule = match class {
                "text" => format!("not on the allow list: {words}"),
                letter => format!("45 CFR 164.514(b)(2)(i)({letter}) {words}"),
            };
            self.changed(REMOVAL, &rule);
        }
    }

    /// Share of elements that were dropped.
    pub fn loss(&self) -> f64 {
        self.removed as f64 / (self.kept + self.removed).max(1) as f64
    }

    /// The steps.
    pub fn into_steps(self) -> Vec<Step> {
        self.steps.into_iter().map(|((technique, rule), count)| Step { technique, rule, count }).collect()
    }
}

fn class_of(name: &str, item: &Value) -> &'static str {
    let system = item.get("system").and_then(Value::as_str).unwrap_or_default();
    let by_name = || holder(&CLASSES.elements, |listed| listed == name).unwrap_or("text");
    match name {
        "telecom" => CLASSES.telecom.get(system).map_or("R", String::as_str),
        "identifier" => {
            let codes: Vec<&str> = item
                .get("type")
                .and_then(|t| t.get("coding"))
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|coding| coding.get("code")?.as_str())
                .collect();
            let system = system.to_ascii_lowercase();
            holder(&CLASSES.identifier_types, |listed| codes.contains(&listed))
                .or_else(|| holder(&CLASSES.identifier_systems, |listed| system.contains(listed)))
                .unwrap_or("R")
        }
        _ => by_name(),
    }
}

fn holder(groups: &'static BTreeMap<String, Vec<String>>, fits: impl Fn(&str) -> bool) -> Option<&'static str> {
    groups.iter().find(|(_, listed)| listed.iter().any(|one| fits(one))).map(|(class, _)| class.as_str())
}
