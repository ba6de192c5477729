//! The spectrum of base substitutions (processing type `MolecularSignatureCharacterisation`).
//!
//! The two strands of DNA say the same, so the twelve substitutions fold into six, each named by its pyrimidine (C or
//! T; Alexandrov et al., "Signatures of mutational processes in human cancer", Nature 500, 415–421, 2013). The 96
//! classes also need the bases on both sides, which a VCF file does not hold: they are not made, and neither are
//! exposures to named signatures, which are fitted on the 96 and on somatic mutations only.

use serde::Serialize;

use super::{error::OmicsError, reader::VcfReader, site::substitution};

/// The six classes, in the order of the literature.
const CLASSES: [(&str, u8, u8); 6] = [
    ("C>A", b'C', b'A'),
    ("C>G", b'C', b'G'),
    ("C>T", b'C', b'T'),
    ("T>A", b'T', b'A'),
    ("T>C", b'T', b'C'),
    ("T>G", b'T', b'G'),
];

const METHOD: &str = "substitutions folded to their pyrimidine and counted in six classes, all records alike, germline \
                      or somatic; the 96 trinucleotide classes need reference context, which the file does not hold";
const SOURCE: &str = "Alexandrov et al., Signatures of mutational processes in human cancer, Nature 500, 415-421, 2013";

/// Result of `MolecularSignatureCharacterisation`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SignatureCharacterisation {
    /// Always `MolecularSignatureCharacterisation`.
    pub processing_type: &'static str,
    /// The method, in words.
    pub method: &'static str,
    /// Where its definitions come from.
    pub source: &'static str,
    /// Substitutions between A, C, G and T.
    pub substitution_count: u64,
    /// The six classes.
    pub classes: Vec<SubstitutionClass>,
}

/// One class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SubstitutionClass {
    /// Its name, for instance `C>T`.
    pub substitution: &'static str,
    /// Alleles in it.
    pub count: u64,
    /// Its share of all substitutions.
    pub share: f64,
}

/// Counts the six classes.
///
/// # Errors
///
/// [`OmicsError::Without`] when there is no substitution, otherwise as [`VcfReader::for_each`].
pub fn characterise_substitutions(reader: &mut VcfReader<'_>) -> Result<SignatureCharacterisation, OmicsError> {
    let mut counts = [0_u64; CLASSES.len()];
    reader.for_each(|site| {
        for (from, to) in site.alternates.iter().filter_map(|a| substitution(&site.reference, a)) {
            let class = CLASSES.iter().position(|(_, c_from, c_to)| (*c_from, *c_to) == folded(from, to));
            class.into_iter().for_each(|class| counts[class] += 1);
        }
        Ok(())
    })?;
    let all = counts.iter().sum::<u64>();
    if all == 0 {
        return Err(OmicsError::Without("single-base substitution"));
    }
    let class = |((substitution, ..), count): ((&'static str, u8, u8), u64)| SubstitutionClass {
        substitution,
        count,
        share: count as f64 / all as f64,
    };
    Ok(SignatureCharacterisation {
        processing_type: "MolecularSignatureCharacterisation",
        method: METHOD,
        source: SOURCE,
        substitution_count: all,
        classes: CLASSES.into_iter().zip(counts).map(class).collect(),
    })
}

fn folded(from: u8, to: u8) -> (u8, u8) {
    if matches!(from, b'C' | b'T') { (from, to) } else { (complement(from), complement(to)) }
}

/// The base on the other strand; anything else stays.
pub(super) fn complement(base: u8) -> u8 {
    match base {
        b'A' => b'T',
        b'C' => b'G',
        b'G' => b'C',
        b'T' => b'A',
        other => other,
    }
}
