//! One record of a VCF file as the analyses see it, and what kind of change an allele is.

/// A record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Site {
    /// Number of the record, counted from 1.
    pub number: u64,
    /// Chromosome or contig, as written.
    pub chromosome: String,
    /// Position counted from 1; 0 is the telomere.
    pub position: u64,
    /// Identifiers, mostly rsIDs.
    pub ids: Vec<String>,
    /// Reference allele, upper case.
    pub reference: String,
    /// Alternate alleles, sequences in upper case.
    pub alternates: Vec<String>,
    /// Phred-scaled quality.
    pub quality: Option<f32>,
    /// Filters: empty where none was applied, `PASS` where all passed.
    pub filters: Vec<String>,
    /// `INFO/AF`, one for each alternate allele, where present.
    pub stated_frequencies: Option<Vec<Option<f64>>>,
    /// `INFO/DP`, where present.
    pub depth: Option<u32>,
    /// Genotypes, in the order of the samples; empty where the record has none.
    pub calls: Vec<Call>,
}

/// What one sample has at a site.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Call {
    /// The genotype.
    pub genotype: Genotype,
    /// `FORMAT/DP`, where present.
    pub depth: Option<u32>,
    /// `FORMAT/GQ`, where present, rounded.
    pub quality: Option<u32>,
}

/// A genotype: 0 is the reference allele, `n` the n-th alternate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Genotype {
    /// No allele, or not all of them, was called.
    #[default]
    Missing,
    /// One copy, as on the male X chromosome.
    Haploid(u32),
    /// Two copies.
    Diploid(u32, u32),
    /// More than two copies.
    Polyploid,
}

/// Zygosity of a genotype.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Zygosity {
    /// Both copies are the reference.
    HomozygousReference,
    /// Two different alleles.
    Heterozygous,
    /// Both copies are the same alternate.
    HomozygousAlternate,
    /// One copy, the reference.
    HemizygousReference,
    /// One copy, an alternate.
    HemizygousAlternate,
    /// More than two copies.
    Polyploid,
    /// Not called.
    Missing,
}

impl Genotype {
    /// Its zygosity.
    pub fn zygosity(self) -> Zygosity {
        match self {
            Self::Missing => Zygosity::Missing,
            Self::Haploid(0) => Zygosity::HemizygousReference,
            Self::Haploid(_) => Zygosity::HemizygousAlternate,
            Self::Diploid(0, 0) => Zygosity::HomozygousReference,
            Self::Diploid(a, b) if a == b => Zygosity::HomozygousAlternate,
            Self::Diploid(..) => Zygosity::Heterozygous,
            Self::Polyploid => Zygosity::Polyploid,
        }
    }

    /// Its alleles, where they are one or two.
    pub fn alleles(self) -> impl Iterator<Item = u32> {
        let (first, second) = match self {
            Self::Haploid(a) => (Some(a), None),
            Self::Diploid(a, b) => (Some(a), Some(b)),
            Self::Missing | Self::Polyploid => (None, None),
        };
        first.into_iter().chain(second)
    }
}

/// Kind of change from the reference to an alternate allele, after common ends are trimmed (Tan et al.,
/// "Unified representation of genetic variants", Bioinformatics 31(13), 2202–2204, 2015).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum AlleleKind {
    /// One base for another.
    #[serde(rename = "SNV")]
    Snv,
    /// Several bases for as many others.
    #[serde(rename = "MNV")]
    Mnv,
    /// Bases are added.
    Insertion,
    /// Bases are lost.
    Deletion,
    /// Bases are replaced by another number of bases.
    Complex,
    /// `*`: the base is lost in a deletion that begins before.
    SpanningDeletion,
    /// `<DEL>` and others: a structural variant described by a symbol.
    Symbolic,
    /// A break joined to another place.
    Breakend,
    /// `<NON_REF>`, `<*>`: any other allele, in reference blocks; no variant.
    ReferenceBlock,
    /// The same as the reference; no variant.
    Unchanged,
}

impl AlleleKind {
    /// The kind of an alternate allele; both in upper case.
    pub fn of(reference: &str, alternate: &str) -> Self {
        match alternate {
            "*" => return Self::SpanningDeletion,
            "<NON_REF>" | "<*>" => return Self::ReferenceBlock,
            _ if alternate.starts_with('<') => return Self::Symbolic,
            _ if alternate.contains(['[', ']', '.']) => return Self::Breakend,
            _ => {}
        }
        let (lost, gained) = trimmed(reference.as_bytes(), alternate.as_bytes());
        match (lost.len(), gained.len()) {
            (0, 0) => Self::Unchanged,
            (1, 1) => Self::Snv,
            (0, _) => Self::Insertion,
            (_, 0) => Self::Deletion,
            (a, b) if a == b => Self::Mnv,
            _ => Self::Complex,
        }
    }

    /// Whether the allele is a variant at all.
    pub fn is_variant(self) -> bool {
        !matches!(self, Self::ReferenceBlock | Self::Unchanged)
    }
}

/// The base that is replaced and the one that replaces it, where the allele is an SNV between A, C, G and T.
pub fn substitution(reference: &str, alternate: &str) -> Option<(u8, u8)> {
    if AlleleKind::of(reference, alternate) != AlleleKind::Snv {
        return None;
    }
    let (lost, gained) = trimmed(reference.as_bytes(), alternate.as_bytes());
    let (from, to) = (*lost.first()?, *gained.first()?);
    (b"ACGT".contains(&from) && b"ACGT".contains(&to)).then_some((from, to))
}

/// Both alleles without what they share at their ends.
fn trimmed<'a>(reference: &'a [u8], alternate: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let behind = reference.iter().rev().zip(alternate.iter().rev()).take_while(|(a, b)| a == b).count();
    let (reference, alternate) = (&reference[..reference.len() - behind], &alternate[..alternate.len() - behind]);
    let before = reference.iter().zip(alternate).take_while(|(a, b)| a == b).count();
    (&reference[before..], &alternate[before..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alleles_are_told_apart_after_trimming() {
        for (reference, alternate, kind) in [
            ("A", "G", AlleleKind::Snv),
            ("CAT", "CGT", AlleleKind::Snv),
            ("AC", "GT", AlleleKind::Mnv),
            ("A", "AT", AlleleKind::Insertion),
            ("CTT", "CT", AlleleKind::Deletion),
            ("ATG", "C", AlleleKind::Complex),
            ("A", "*", AlleleKind::SpanningDeletion),
            ("A", "<DEL>", AlleleKind::Symbolic),
            ("G", "G]17:198982]", AlleleKind::Breakend),
            ("G", "G.", AlleleKind::Breakend),
            ("A", "<NON_REF>", AlleleKind::ReferenceBlock),
            ("A", "A", AlleleKind::Unchanged),
        ] {
            assert_eq!(AlleleKind::of(reference, alternate), kind, "{reference}>{alternate}");
        }
        assert_eq!(substitution("CAT", "CGT"), Some((b'A', b'G')));
        assert_eq!(substitution("A", "N"), None);
        assert_eq!(substitution("A", "AT"), None);
    }

    #[test]
    fn zygosity_of_every_genotype() {
        assert_eq!(Genotype::Diploid(0, 0).zygosity(), Zygosity::HomozygousReference);
        assert_eq!(Genotype::Diploid(1, 2).zygosity(), Zygosity::Heterozygous);
        assert_eq!(Genotype::Diploid(2, 2).zygosity(), Zygosity::HomozygousAlternate);
        assert_eq!(Genotype::Haploid(1).zygosity(), Zygosity::HemizygousAlternate);
        assert_eq!(Genotype::Haploid(0).zygosity(), Zygosity::HemizygousReference);
        assert_eq!(Genotype::default().zygosity(), Zygosity::Missing);
        assert_eq!(Genotype::Diploid(0, 3).alleles().collect::<Vec<_>>(), [0, 3]);
        assert_eq!(Genotype::Polyploid.alleles().count(), 0);
    }
}
