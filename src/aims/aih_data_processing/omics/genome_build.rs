//! Which genome build the positions of a file refer to.
//!
//! A position means nothing without its build, and files say it in many ways or not at all. The length of a
//! chromosome in the header is the surest: it differs between builds and is written by the aligner. After it come
//! the words of `##contig assembly` and `##reference`. Ways that disagree with each other give no build.

use noodles_vcf::{Header, header::record::value::Collection};

/// A human genome build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum GenomeBuild {
    /// NCBI36, hg18.
    #[serde(rename = "NCBI36")]
    Ncbi36,
    /// GRCh37, hg19, b37, hs37d5.
    GRCh37,
    /// GRCh38, hg38.
    GRCh38,
    /// T2T-CHM13v2.0, hs1.
    #[serde(rename = "T2T-CHM13")]
    T2tChm13,
}

/// A build and what identifies it: length of chromosome 1 in bases, and words that name it, in lower case.
struct Known {
    build: GenomeBuild,
    chromosome_1: usize,
    words: &'static [&'static str],
}

/// Lengths from the assembly reports of the NCBI (GCF_000001405.12, .13 and .26, GCF_009914755.1).
const KNOWN: &[Known] = &[
    Known { build: GenomeBuild::Ncbi36, chromosome_1: 247_249_719, words: &["ncbi36", "hg18", "b36"] },
    Known { build: GenomeBuild::GRCh37, chromosome_1: 249_250_621, words: &["grch37", "hg19", "b37", "hs37d5"] },
    Known { build: GenomeBuild::GRCh38, chromosome_1: 248_956_422, words: &["grch38", "hg38", "b38", "hs38"] },
    Known { build: GenomeBuild::T2tChm13, chromosome_1: 248_387_328, words: &["t2t", "chm13", "hs1"] },
];

impl GenomeBuild {
    /// The build a text names, if it names exactly one.
    pub fn named(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let parts: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        // At the beginning of a part, and not of a longer number: `pub38` is no b38, nor `hs19` an hs1.
        let names = |part: &str, word: &str| {
            part.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        let said = |word: &&str| parts.iter().any(|part| names(part, word));
        let mut found = KNOWN.iter().filter(|known| known.words.iter().any(&said));
        match (found.next(), found.next()) {
            (Some(known), None) => Some(known.build),
            _ => None,
        }
    }

    /// The build a header tells, if all that it tells agrees.
    pub fn of(header: &Header) -> Option<Self> {
        let mut told = Vec::new();
        for (name, contig) in header.contigs() {
            if chromosome(name) == "1" {
                told.extend(contig.length().and_then(Self::with_chromosome_1));
            }
            let fields = contig.other_fields().iter().filter(|(tag, _)| tag.as_ref() == "assembly");
            told.extend(fields.filter_map(|(_, value)| Self::named(value)));
        }
        for (key, values) in header.other_records() {
            if let ("reference", Collection::Unstructured(values)) = (key.as_ref(), values) {
                told.extend(values.iter().filter_map(|value| Self::named(value)));
            }
        }
        let first = *told.first()?;
        told.iter().all(|build| *build == first).then_some(first)
    }

    fn with_chromosome_1(length: usize) -> Option<Self> {
        KNOWN.iter().find(|known| known.chromosome_1 == length).map(|known| known.build)
    }
}

/// A chromosome's name without `chr`, and `MT` for every spelling of the mitochondrion, so that files compare.
pub fn chromosome(name: &str) -> &str {
    let bare = name.get(..3).filter(|start| start.eq_ignore_ascii_case("chr")).map_or(name, |_| &name[3..]);
    match bare {
        "M" | "m" | "mt" => "MT",
        "x" | "23" => "X",
        "y" | "24" => "Y",
        _ => bare,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_a_build_or_none() {
        assert_eq!(
            GenomeBuild::named("file:///seq/references/Homo_sapiens_assembly_GRCh38.fasta"),
            Some(GenomeBuild::GRCh38)
        );
        assert_eq!(GenomeBuild::named("hg19"), Some(GenomeBuild::GRCh37));
        for within in ["NR", "file:///pub38/human.fa", "/hs19/human.fa", "/data/b380/x.fa"] {
            assert_eq!(GenomeBuild::named(within), None, "{within}");
        }
        assert_eq!(GenomeBuild::named("lifted from hg19 to hg38"), None);
    }

    #[test]
    fn spellings_of_a_chromosome_compare() {
        assert_eq!(chromosome("chr7"), "7");
        assert_eq!(chromosome("CHRX"), "X");
        assert_eq!(chromosome("chrM"), chromosome("MT"));
        assert_eq!(chromosome("GL000191.1"), "GL000191.1");
        assert_eq!(chromosome("\u{e9}\u{e9}"), "\u{e9}\u{e9}");
    }
}
