//! Zygosity at requested variants (processing type `BiomarkerStateDerivation`).
//!
//! The requester names variants by their dbSNP numbers (parameter `RsIDs`); the file answers with the alleles it holds
//! and each sample's zygosity. A variant that is not in the file is said to be not in the file: in a file of variants
//! alone that may mean "reference" or "not measured", and nothing here decides which. No disease, no phenotype.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    error::OmicsError,
    reader::VcfReader,
    site::{Genotype, Site, Zygosity},
};

/// The parameter that names the variants.
pub const RS_IDS: &str = "RsIDs";
/// Most variants of one request: as many as a parameter's list may hold.
pub const MAX_VARIANTS: usize = 64;

const METHOD: &str = "alleles and zygosity at the requested identifiers, as the file states them; a variant the file \
                      does not list is not taken for reference";
const SOURCE: &str = "The Variant Call Format Specification, VCFv4.5, Samtools organisation, 2024; Sherry et al., dbSNP: \
                      the NCBI database of genetic variation, Nucleic Acids Research 29(1), 308-311, 2001";

/// Result of `BiomarkerStateDerivation`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BiomarkerStates {
    /// Always `BiomarkerStateDerivation`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where its definitions come from.
    pub source: &'static str,
    /// Requested variants that are in the file; one named by several records has several entries.
    pub found: Vec<BiomarkerState>,
    /// Requested variants that are not.
    #[serde(rename = "NotInFile")]
    pub absent: Vec<String>,
}

/// One variant.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BiomarkerState {
    /// Its dbSNP number.
    #[serde(rename = "RsID")]
    pub id: String,
    /// Chromosome, as the file spells it.
    pub chromosome: String,
    /// Position, counted from 1, in the file's genome build.
    pub position: u64,
    /// Reference allele.
    pub reference: String,
    /// Alternate alleles.
    pub alternates: Vec<String>,
    /// Filters the record failed; empty where it passed or none was applied.
    pub failed_filters: Vec<String>,
    /// Zygosity of each sample, in the order of the columns.
    pub zygosity: Vec<Zygosity>,
    /// The alleles called in each sample, in the same order: of `G>A,T` a zygosity does not say which. Empty where none is.
    pub called_alleles: Vec<Vec<String>>,
}

/// Derives the states.
///
/// # Errors
///
/// [`OmicsError::Parameter`] for identifiers that are none, [`OmicsError::Without`] for a file without genotypes,
/// otherwise as [`VcfReader::for_each`].
pub fn derive_states(
    reader: &mut VcfReader<'_>,
    parameters: &Map<String, Value>,
) -> Result<BiomarkerStates, OmicsError> {
    let wanted = requested(parameters)?;
    if reader.samples() == 0 {
        return Err(OmicsError::Without("samples"));
    }
    let mut found = BTreeMap::<String, Vec<BiomarkerState>>::new();
    let samples = reader.samples();
    reader.for_each(|site| {
        for id in site.ids.iter().filter(|id| wanted.contains(*id)) {
            found.entry(id.clone()).or_default().push(state(id, site, samples));
        }
        Ok(())
    })?;
    Ok(BiomarkerStates {
        processing_type: "BiomarkerStateDerivation",
        method: METHOD,
        source: SOURCE,
        absent: wanted.iter().filter(|id| !found.contains_key(*id)).cloned().collect(),
        found: found.into_values().flatten().collect(),
    })
}

fn state(id: &str, site: &Site, samples: usize) -> BiomarkerState {
    // A record without genotypes has no calls: each sample is there, and its genotype is not.
    let genotypes: Vec<Genotype> = match site.calls.as_slice() {
        [] => vec![Genotype::Missing; samples],
        calls => calls.iter().map(|call| call.genotype).collect(),
    };
    let allele = |number: u32| match number {
        0 => Some(site.reference.clone()),
        number => site.alternates.get(number as usize - 1).cloned(),
    };
    BiomarkerState {
        id: id.to_owned(),
        chromosome: site.chromosome.clone(),
        position: site.position,
        reference: site.reference.clone(),
        alternates: site.alternates.clone(),
        failed_filters: site.filters.iter().filter(|f| *f != "PASS").cloned().collect(),
        zygosity: genotypes.iter().map(|genotype| genotype.zygosity()).collect(),
        called_alleles: genotypes.iter().map(|genotype| genotype.alleles().filter_map(allele).collect()).collect(),
    }
}

fn requested(parameters: &Map<String, Value>) -> Result<BTreeSet<String>, OmicsError> {
    let refuse = |reason| OmicsError::Parameter { name: RS_IDS, reason };
    let list = match parameters.get(RS_IDS) {
        Some(Value::Array(list)) => list.iter().map(Value::as_str).collect::<Option<Vec<_>>>(),
        Some(Value::String(one)) => Some(vec![one.as_str()]),
        _ => None,
    };
    let list = list.filter(|l| !l.is_empty()).ok_or(refuse("it is a list of dbSNP numbers, for instance rs429358"))?;
    if list.len() > MAX_VARIANTS {
        return Err(refuse("it holds at most 64 dbSNP numbers"));
    }
    if !list.iter().all(|id| is_rs_id(id)) {
        return Err(refuse("each is rs and 1 to 12 digits"));
    }
    Ok(list.into_iter().map(str::to_owned).collect())
}

/// Whether a text is a dbSNP number.
pub(super) fn is_rs_id(text: &str) -> bool {
    let digits = text.strip_prefix("rs").unwrap_or_default();
    (1..=12).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}
