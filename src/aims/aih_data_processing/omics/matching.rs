//! Finds the weights of a score in a variant file.
//!
//! ```text
//! key (place or rsID) ─► same alleles ─────────────► dosage of the effect allele
//!                     ├► same after complementing ─► the same, counted as flipped
//!                     ├► A/T or C/G ───────────────► left out unless asked for: the strand cannot be told
//!                     └► other alleles ────────────► left out
//! ```
//!
//! Left out as well: records that failed a filter, and a weight that two records claim, unless only one of them has
//! its alleles and its effect allele is not the reference (split records repeat the reference allele, so its copies
//! would be counted too often).

use std::collections::HashMap;

use super::{
    error::OmicsError,
    genome_build::chromosome,
    limits::MAX_DOSAGES,
    reader::VcfReader,
    signature::complement,
    site::{AlleleKind, Genotype, Site},
    weights::{Weight, Weights},
};

/// How weights and records are brought together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum MatchedBy {
    /// Chromosome and position, in the build both state.
    Position,
    /// Chromosome and harmonised position, in the build the file states.
    HarmonisedPosition,
    /// dbSNP number.
    #[serde(rename = "rsID")]
    RsId,
}

/// What became of a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Absent,
    Filtered,
    OtherAlleles,
    StrandAmbiguous,
    SeveralRecords,
    Matched { flipped: bool, effect_is_reference: bool },
}

/// Stands for a genotype that was not called.
pub(super) const MISSING: u8 = u8::MAX;

/// Every weight's fate, and the number of effect alleles of every sample.
pub(super) struct Matches {
    pub(super) fates: Vec<Fate>,
    records: Vec<u8>,
    /// `samples` values for each weight in turn.
    dosages: Vec<u8>,
    samples: usize,
}

/// Goes through the file once.
///
/// # Errors
///
/// As [`VcfReader::for_each`], and [`OmicsError::Limit`] for too many weights times samples.
pub(super) fn find(
    reader: &mut VcfReader<'_>,
    weights: &Weights,
    by: MatchedBy,
    keep_ambiguous: bool,
) -> Result<Matches, OmicsError> {
    let samples = reader.samples();
    let size = weights.rows.len().saturating_mul(samples);
    if size > MAX_DOSAGES {
        return Err(OmicsError::Limit { what: "the number of weights times samples", limit: MAX_DOSAGES as u64 });
    }
    let index = index(&weights.rows, by);
    let mut matches = Matches {
        fates: vec![Fate::Absent; weights.rows.len()],
        records: vec![0; weights.rows.len()],
        dosages: vec![MISSING; size],
        samples,
    };
    reader.for_each(|site| {
        for key in keys(site, by) {
            for row in index.get(&key).into_iter().flatten() {
                matches.meet(*row, &weights.rows[*row], site, keep_ambiguous);
            }
        }
        Ok(())
    })?;
    matches.settle();
    Ok(matches)
}

fn index(rows: &[Weight], by: MatchedBy) -> HashMap<String, Vec<usize>> {
    let mut index = HashMap::<String, Vec<usize>>::new();
    for (row, weight) in rows.iter().enumerate() {
        let place = |place: &Option<(String, u64)>| place.as_ref().map(|(name, at)| format!("{name}:{at}"));
        let key = match by {
            MatchedBy::Position => place(&weight.place),
            MatchedBy::HarmonisedPosition => place(&weight.harmonised_place),
            MatchedBy::RsId => weight.rs_id.clone(),
        };
        key.into_iter().for_each(|key| index.entry(key).or_default().push(row));
    }
    index
}

fn keys(site: &Site, by: MatchedBy) -> Vec<String> {
    match by {
        MatchedBy::RsId => site.ids.clone(),
        _ => vec![format!("{}:{}", chromosome(&site.chromosome), site.position)],
    }
}

impl Matches {
    /// Numbers of effect alleles of one weight, in the order of the samples.
    pub(super) fn dosages(&self, row: usize) -> &[u8] {
        self.dosages.get(row * self.samples..(row + 1) * self.samples).unwrap_or_default()
    }

    fn meet(&mut self, row: usize, weight: &Weight, site: &Site, keep_ambiguous: bool) {
        self.records[row] = self.records[row].saturating_add(1);
        let fate = fate(weight, site, keep_ambiguous);
        match (self.fates[row], fate) {
            (Fate::Matched { .. } | Fate::SeveralRecords, Fate::Matched { .. }) => {
                self.fates[row] = Fate::SeveralRecords;
            }
            (Fate::Matched { .. } | Fate::SeveralRecords, _) => {}
            (_, fate) => self.fates[row] = fate,
        }
        if let (Fate::Matched { flipped, .. }, Fate::Matched { .. }) = (self.fates[row], fate) {
            let effect = if flipped { other_strand(&weight.effect) } else { weight.effect.clone() };
            let from = row * self.samples;
            let places = self.dosages.iter_mut().skip(from).take(self.samples);
            places.zip(&site.calls).for_each(|(place, call)| *place = dosage(call.genotype, site, &effect));
        }
    }

    fn settle(&mut self) {
        for (fate, records) in self.fates.iter_mut().zip(&self.records) {
            if *records > 1 && matches!(fate, Fate::Matched { effect_is_reference: true, .. }) {
                *fate = Fate::SeveralRecords;
            }
        }
    }
}

/// What one record means to one weight.
fn fate(weight: &Weight, site: &Site, keep_ambiguous: bool) -> Fate {
    if site.filters.iter().any(|filter| filter != "PASS") {
        return Fate::Filtered;
    }
    let Some(flipped) = agreement(weight, site) else { return Fate::OtherAlleles };
    let ambiguous = match weight.other.as_deref() {
        Some(other) => other_strand(other) == weight.effect,
        // Not told which: any of the site that the effect allele may be on the other strand.
        None => has_other_strand(site, &weight.effect),
    };
    if ambiguous && !keep_ambiguous {
        return Fate::StrandAmbiguous;
    }
    let effect = if flipped { other_strand(&weight.effect) } else { weight.effect.clone() };
    Fate::Matched { flipped, effect_is_reference: effect == site.reference }
}

/// `Some(false)` when the alleles agree, `Some(true)` when they do on the other strand.
fn agreement(weight: &Weight, site: &Site) -> Option<bool> {
    let blocks = |a: &String| AlleleKind::of(&site.reference, a) == AlleleKind::ReferenceBlock;
    let reference_only = site.alternates.iter().all(blocks);
    let has = |allele: &str| site.reference == allele || site.alternates.iter().any(|a| a == allele);
    let Some(other) = weight.other.as_deref() else { return has(&weight.effect).then_some(false) };
    let agree = |effect: &str, other: &str| {
        if reference_only { has(effect) || has(other) } else { has(effect) && has(other) }
    };
    if agree(&weight.effect, other) {
        Some(false)
    } else if agree(&other_strand(&weight.effect), &other_strand(other)) {
        Some(true)
    } else {
        None
    }
}

/// Whether another allele of the site is the effect allele on the other strand.
fn has_other_strand(site: &Site, effect: &str) -> bool {
    let strand = other_strand(effect);
    let mut alleles = std::iter::once(&site.reference).chain(&site.alternates);
    strand != effect && alleles.any(|allele| *allele == strand)
}

/// Copies of an allele in a genotype.
fn dosage(genotype: Genotype, site: &Site, effect: &str) -> u8 {
    let is_effect = |allele: u32| match allele {
        0 => site.reference == effect,
        n => site.alternates.get(n as usize - 1).is_some_and(|a| a == effect),
    };
    match genotype {
        Genotype::Missing | Genotype::Polyploid => MISSING,
        called => called.alleles().map(|allele| u8::from(is_effect(allele))).sum(),
    }
}

/// The sequence on the other strand, read in its direction.
fn other_strand(sequence: &str) -> String {
    sequence.bytes().rev().map(|base| char::from(complement(base))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_strand_runs_backwards() {
        assert_eq!(other_strand("AACG"), "CGTT");
        assert_eq!(other_strand("AT"), "AT");
    }
}
