//! Counts of variants (processing type `MolecularVariantDetection`).
//!
//! Every alternate allele counts by itself, so a site with two of them adds two. Kinds are those of
//! [`super::site::AlleleKind`]; the definitions follow the VCF specification and, for the trimming that comes first,
//! Tan et al. 2015. Reference blocks and sites without alternate are no variants and are counted apart.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    error::OmicsError,
    limits::MAX_NAMES,
    reader::VcfReader,
    site::{AlleleKind, Site},
};

const METHOD: &str =
    "each alternate allele counted by itself, its kind told after common bases at its ends are trimmed";
const SOURCE: &str = "The Variant Call Format Specification, VCFv4.5, Samtools organisation, 2024; Tan, Abecasis, Kang, \
                      Unified representation of genetic variants, Bioinformatics 31(13), 2202-2204, 2015";

/// Result of `MolecularVariantDetection`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VariantDetection {
    /// Always `MolecularVariantDetection`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where its definitions come from.
    pub source: &'static str,
    /// Samples in the file.
    pub sample_count: usize,
    /// Records in the file.
    pub record_count: u64,
    /// Records with more than one alternate allele.
    pub multi_allelic_record_count: u64,
    /// Records without any variant: no alternate allele, or reference blocks only.
    pub reference_record_count: u64,
    /// Alternate alleles that are variants.
    pub variant_allele_count: u64,
    /// Those alleles by kind.
    pub alleles_by_kind: BTreeMap<AlleleKind, u64>,
    /// Symbolic alleles by their type, the first word between the angle brackets (`DEL`, `INS`, `DUP`, `INV`,
    /// `CNV`, others as `Other`).
    pub symbolic_alleles_by_type: BTreeMap<&'static str, u64>,
    /// Variant alleles by chromosome, as the file spells it.
    pub alleles_by_chromosome: BTreeMap<String, u64>,
    /// Variant alleles by filter; `NotApplied` where the file says nothing. A record may fail several.
    pub alleles_by_filter: BTreeMap<String, u64>,
}

/// Counts the variants of a file.
///
/// # Errors
///
/// [`OmicsError`] as [`VcfReader::for_each`] has them.
pub fn detect_variants(reader: &mut VcfReader<'_>) -> Result<VariantDetection, OmicsError> {
    let mut result = VariantDetection {
        processing_type: "MolecularVariantDetection",
        method: METHOD,
        source: SOURCE,
        sample_count: reader.samples(),
        ..VariantDetection::default()
    };
    reader.for_each(|site| result.add(site))?;
    Ok(result)
}

impl VariantDetection {
    fn add(&mut self, site: &Site) -> Result<(), OmicsError> {
        self.record_count += 1;
        let kinds = site.alternates.iter().map(|a| (AlleleKind::of(&site.reference, a), a));
        let kinds = kinds.filter(|(kind, _)| kind.is_variant()).collect::<Vec<_>>();
        let variants = kinds.len() as u64;
        self.variant_allele_count += variants;
        match variants {
            0 => {
                self.reference_record_count += 1;
                return Ok(());
            }
            1 => {}
            _ => self.multi_allelic_record_count += 1,
        }
        for (kind, allele) in kinds {
            *self.alleles_by_kind.entry(kind).or_default() += 1;
            if kind == AlleleKind::Symbolic {
                *self.symbolic_alleles_by_type.entry(symbol(allele)).or_default() += 1;
            }
        }
        count(&mut self.alleles_by_chromosome, &site.chromosome, variants)?;
        for filter in &site.filters {
            count(&mut self.alleles_by_filter, filter, variants)?;
        }
        if site.filters.is_empty() {
            count(&mut self.alleles_by_filter, "NotApplied", variants)?;
        }
        Ok(())
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str, more: u64) -> Result<(), OmicsError> {
    if let Some(value) = counts.get_mut(name) {
        *value += more;
    } else if counts.len() >= MAX_NAMES {
        return Err(OmicsError::Limit { what: "the number of chromosomes or filters", limit: MAX_NAMES as u64 });
    } else {
        counts.insert(name.to_owned(), more);
    }
    Ok(())
}

/// Type of a symbolic allele by the words the specification reserves.
fn symbol(allele: &str) -> &'static str {
    let name = allele.trim_start_matches('<').trim_end_matches('>');
    let first = name.split(':').next().unwrap_or_default();
    let reserved = ["DEL", "INS", "DUP", "INV", "CNV", "BND"];
    reserved.into_iter().find(|word| *word == first).unwrap_or("Other")
}
