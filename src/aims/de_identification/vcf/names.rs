//! Names that may be anybody's choice, and the numbered names that stand in their place.

use std::collections::BTreeMap;

use super::{
    counts::{Counts, Rule},
    tokens,
};

/// Numbered names for one kind of thing.
#[derive(Debug)]
pub(super) struct Renamed {
    rule: Rule,
    prefix: &'static str,
    public: fn(&str) -> bool,
    names: BTreeMap<String, String>,
}

impl Renamed {
    pub(super) fn contigs() -> Self {
        Self { rule: Rule::ContigNames, prefix: "contig", public: tokens::is_public_contig, names: BTreeMap::new() }
    }

    pub(super) fn filters() -> Self {
        Self { rule: Rule::FilterNames, prefix: "filter", public: tokens::is_public_filter, names: BTreeMap::new() }
    }

    pub(super) fn symbols() -> Self {
        Self { rule: Rule::SymbolicAlleles, prefix: "symbol", public: tokens::is_public_symbol, names: BTreeMap::new() }
    }

    /// The name itself where it is public, else its numbered name; the same for the same name.
    pub(super) fn of(&mut self, name: &str, counts: &mut Counts) -> String {
        if (self.public)(name) {
            return name.to_owned();
        }
        let next = format!("{}{}", self.prefix, self.names.len() + 1);
        let count = &mut *counts;
        self.names
            .entry(name.to_owned())
            .or_insert_with(|| {
                count.add(self.rule, 1);
                next
            })
            .clone()
    }
}
