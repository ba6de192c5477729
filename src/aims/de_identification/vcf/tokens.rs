//! The shapes a token may have to stay. Everything is a list of what is allowed: a token of another shape is nobody's
//! guess, it goes or the file is refused.

/// The letters the format allows in a sequence. The further ambiguity codes of the IUPAC would let names pass.
pub(super) fn is_bases(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b"ACGTNacgtn".contains(&b))
}

/// At most eleven digits and a sign, so that no telephone or record number of more fits.
pub(super) fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    is_digits(digits) && digits.len() <= 11
}

/// A number in decimal notation.
pub(super) fn is_number(text: &str) -> bool {
    let known = |b: u8| b.is_ascii_digit() || b".eE+-".contains(&b);
    let word = ["nan", "inf", "-inf"].iter().any(|word| text.eq_ignore_ascii_case(word));
    word || (text.len() <= 24 && text.bytes().all(known) && text.parse::<f64>().is_ok())
}

/// Allele numbers, points and phasing marks.
pub(super) fn is_genotype(text: &str) -> bool {
    text == "." || (!text.is_empty() && text.split(['/', '|']).all(|a| a.is_empty() || a == "." || is_index(a)))
}

fn is_index(text: &str) -> bool {
    is_digits(text) && text.len() <= 3
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// An identifier of a public variant database: dbSNP, COSMIC, DGV and dbVar.
pub(super) fn is_public_id(text: &str) -> bool {
    let numbered = |prefix: &str| text.strip_prefix(prefix).is_some_and(|rest| is_digits(rest) && rest.len() <= 12);
    ["rs", "ss", "COSM", "COSV", "esv", "essv", "nsv", "nssv"].into_iter().any(numbered)
}

/// A chromosome or contig of a public assembly.
pub(super) fn is_public_contig(text: &str) -> bool {
    let bare = text.strip_prefix("chr").unwrap_or(text);
    let (first, rest) = bare.split_once('_').map_or((bare, None), |(first, rest)| (first, Some(rest)));
    match rest {
        None => is_chromosome(bare) || is_accession(bare) || is_hla(text),
        // chr1_KI270706v1_random, chrUn_GL000195v1, NC_000001.11
        Some(rest) => {
            let placed = rest.trim_end_matches("_random").trim_end_matches("_alt").trim_end_matches("_fix");
            ((is_chromosome(first) || first == "Un") && is_accession(placed)) || is_ref_seq(text)
        }
    }
}

fn is_chromosome(text: &str) -> bool {
    (is_digits(text) && text.len() <= 2) || ["X", "Y", "M", "MT", "XY", "EBV", "hs37d5"].contains(&text)
}

fn is_accession(text: &str) -> bool {
    let prefixes = ["GL", "KI", "KN", "KQ", "KV", "KZ", "ML", "MU", "JH", "CM"];
    let digits = prefixes.into_iter().find_map(|prefix| text.strip_prefix(prefix));
    digits.is_some_and(|rest| {
        let (number, version) = rest.split_once(['.', 'v']).unwrap_or((rest, "1"));
        is_digits(number) && number.len() <= 9 && is_digits(version) && version.len() <= 2
    })
}

fn is_ref_seq(text: &str) -> bool {
    let digits = ["NC_", "NT_", "NW_"].into_iter().find_map(|prefix| text.strip_prefix(prefix));
    digits.is_some_and(|rest| {
        let (number, version) = rest.split_once('.').unwrap_or((rest, "1"));
        is_digits(number) && number.len() <= 9 && is_digits(version) && version.len() <= 2
    })
}

/// HLA-A*01:01:01:02N, the contigs of the 1000 Genomes reference.
fn is_hla(text: &str) -> bool {
    let Some((gene, allele)) = text.strip_prefix("HLA-").and_then(|rest| rest.split_once('*')) else { return false };
    let gene_known = ["A", "B", "C", "E", "F", "G", "H", "J", "K", "L", "V", "Y"].contains(&gene)
        || ["DRB1", "DRB3", "DRB4", "DRB5", "DQA1", "DQB1", "DPA1", "DPB1", "DMA", "DMB"].contains(&gene);
    let allele = allele.trim_end_matches(['N', 'L', 'S', 'Q']);
    gene_known && allele.split(':').all(|part| is_digits(part) && part.len() <= 3)
}

/// A filter of the specification or of a common caller.
pub(super) fn is_public_filter(text: &str) -> bool {
    let known = ["PASS", ".", "q10", "s50", "LowQual", "LowGQ", "LowDP", "LowDepth", "RefCall", "NoCall", "SnpCluster"];
    let tranche = ["VQSRTrancheSNP", "VQSRTrancheINDEL"].into_iter().find_map(|prefix| text.strip_prefix(prefix));
    known.contains(&text)
        || tranche.is_some_and(|rest| rest.replace("to", "").bytes().all(|b| b"0123456789.+".contains(&b)))
}

/// A symbolic allele without its brackets.
pub(super) fn is_public_symbol(text: &str) -> bool {
    let known = ["*", "NON_REF", "DUP:TANDEM", "CNV:TR", "DEL:ME", "INS:ME", "INV:ME"].contains(&text);
    let mobile = ["ALU", "LINE1", "L1", "SVA", "HERVK"];
    let element = ["DEL:ME:", "INS:ME:"].into_iter().find_map(|prefix| text.strip_prefix(prefix));
    let copies = text.strip_prefix("CN").is_some_and(|n| is_digits(n) && n.len() <= 3);
    known || copies || super::keys::STRUCTURAL.contains(&text) || element.is_some_and(|e| mobile.contains(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_names_stay_and_persons_do_not() {
        let contigs = ["1", "chrX", "MT", "GL000191.1", "chr1_KI270706v1_random", "chrUn_GL000195v1", "NC_000001.11"];
        assert!(
            contigs.into_iter().chain(["chr6_GL000250v2_alt", "HLA-A*01:01:01:02N", "hs37d5"]).all(is_public_contig)
        );
        let others =
            ["Smith", "chrSmith", "chr1_Smith", "GL_Smith", "KIJones", "HLA-Smith*01", "HLA-A*Jo", "1234567", ""];
        assert!(!others.into_iter().any(is_public_contig));
        assert!(["rs7412", "COSM476"].into_iter().all(is_public_id));
        assert!(!["rsSmith", "Smith", "12345", "rs", "rs1;x"].into_iter().any(is_public_id));
        assert!(["PASS", "VQSRTrancheSNP99.90to100.00+"].into_iter().all(is_public_filter));
        assert!(!["VQSRTrancheSNPSmith", "Smith"].into_iter().any(is_public_filter));
        assert!(["INS:ME:ALU", "CN0", "NON_REF"].into_iter().all(is_public_symbol));
        assert!(!["INS:ME:Smith", "CNSmith", "INS:Smith"].into_iter().any(is_public_symbol));
    }

    #[test]
    fn numbers_and_genotypes_are_nothing_else() {
        assert!(["1", "-3", "+12345678901"].into_iter().all(is_integer));
        assert!(!["", "-", "1a", "123456789012"].into_iter().any(is_integer));
        assert!(["1e-5", "nan", "-Inf", "0.25"].into_iter().all(is_number));
        assert!(!["infinity", "1e", "Smith", ""].into_iter().any(is_number));
        assert!(["0/1", "1|0", "./.", ".", "0", "|0/1", "0/1/2"].into_iter().all(is_genotype));
        assert!(!["a/b", "1234/0", "0-1", ""].into_iter().any(is_genotype));
    }
}
