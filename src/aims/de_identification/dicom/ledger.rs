//! What was done, counted by rule, and which pseudonym stands for what. Never mixed: the counts are for everybody, the
//! mapping is sealed under the End User's key.

use std::collections::{BTreeMap, BTreeSet};

use crate::aims::ai_modules::treatment::{Mapped, Step};

/// Words of the taxonomy's `DataProcessTechnique`.
pub(super) mod technique {
    pub(in super::super) const REMOVAL: &str = "Removal of Identifiers";
    pub(in super::super) const MASKING: &str = "Data Masking";
    pub(in super::super) const TOKENISATION: &str = "Tokenisation";
    pub(in super::super) const PERTURBATION: &str = "Perturbation";
}

/// The record of one treatment.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    steps: BTreeMap<(&'static str, String), u64>,
    mapping: BTreeSet<(String, String, String)>,
    kept: u64,
}

impl Ledger {
    /// One change by a rule.
    pub(super) fn step(&mut self, technique: &'static str, rule: impl Into<String>) {
        *self.steps.entry((technique, rule.into())).or_default() += 1;
    }

    /// One element left as it was.
    pub(super) fn kept(&mut self) {
        self.kept += 1;
    }

    /// One pseudonym.
    pub(super) fn map(&mut self, kind: &str, original: &str, pseudonym: &str) {
        self.mapping.insert((kind.to_owned(), original.to_owned(), pseudonym.to_owned()));
    }

    /// Elements changed and elements kept.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.steps.values().sum(), self.kept)
    }

    pub(super) fn into_parts(self) -> (Vec<Step>, Vec<Mapped>) {
        let step = |((technique, rule), count)| Step { technique, rule, count };
        let mapped = |(kind, original, pseudonym)| Mapped { kind, original, pseudonym };
        (self.steps.into_iter().map(step).collect(), self.mapping.into_iter().map(mapped).collect())
    }
}
