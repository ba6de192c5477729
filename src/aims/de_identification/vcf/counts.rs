//! What was changed, counted by rule: the report says how often, never what.

use crate::aims::ai_modules::treatment::Step;

/// A rule of this treatment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    SampleNames,
    Pedigree,
    HeaderLines,
    Descriptions,
    ContigNames,
    FilterNames,
    SymbolicAlleles,
    Ids,
    InfoFields,
    FormatFields,
    FormatValues,
    StrayLines,
}

/// Every rule: its technique in the words of the taxonomy, and what it does.
const RULES: [(Rule, &str, &str); 12] = [
    (Rule::SampleNames, "Tokenisation", "VCF sample names: replaced by keyed pseudonyms"),
    (
        Rule::Pedigree,
        "Tokenisation",
        "VCF ##SAMPLE, ##PEDIGREE: names replaced by the same pseudonyms, all else removed",
    ),
    (
        Rule::HeaderLines,
        "Removal of Identifiers",
        "VCF header lines of any other key (source, commands, dates, paths): removed",
    ),
    (
        Rule::Descriptions,
        "Removal of Identifiers",
        "VCF definitions: free-text descriptions and unknown attributes removed",
    ),
    (Rule::ContigNames, "Tokenisation", "VCF contigs of no public assembly: renamed by number"),
    (Rule::FilterNames, "Tokenisation", "VCF filters that are not widely known: renamed by number"),
    (Rule::SymbolicAlleles, "Tokenisation", "VCF symbolic alleles that are not reserved: renamed by number"),
    (Rule::Ids, "Removal of Identifiers", "VCF ID: all but numbers of public variant databases removed"),
    (Rule::InfoFields, "Removal of Identifiers", "VCF INFO: fields not known to be measurements removed"),
    (Rule::FormatFields, "Removal of Identifiers", "VCF FORMAT: fields not known to be measurements removed"),
    (
        Rule::FormatValues,
        "Removal of Identifiers",
        "VCF samples: values that are not of their field's type set to missing",
    ),
    (
        Rule::StrayLines,
        "Removal of Identifiers",
        "VCF lines between and after the records that are no records: removed",
    ),
];

/// How often each rule was applied.
#[derive(Debug, Default)]
pub(super) struct Counts([u64; RULES.len()]);

impl Counts {
    pub(super) fn add(&mut self, rule: Rule, more: u64) {
        let place = RULES.iter().position(|(known, ..)| *known == rule);
        place.and_then(|place| self.0.get_mut(place)).into_iter().for_each(|count| *count += more);
    }

    /// One step for each rule that was applied.
    pub(super) fn steps(&self) -> Vec<Step> {
        let applied = RULES.iter().zip(self.0).filter(|(_, count)| *count > 0);
        applied.map(|((_, technique, rule), count)| Step { technique, rule: (*rule).to_owned(), count }).collect()
    }
}
