use std::io::Write as _;

use serde_json::{Value, json};

use super::{EXAMPLE, ask, attempt};
use crate::domain::operation::Operation::{
    BiomarkerStateDerivation, MolecularProfileQuantification, MolecularSignatureCharacterisation,
    MolecularVariantDetection,
};

#[test]
fn variants_are_counted_allele_by_allele() {
    let result = ask(MolecularVariantDetection, EXAMPLE);
    assert_eq!(result["RecordCount"], 10);
    assert_eq!(result["SampleCount"], 3);
    assert_eq!(result["VariantAlleleCount"], 10);
    assert_eq!(result["MultiAllelicRecordCount"], 1);
    assert_eq!(result["ReferenceRecordCount"], 1);
    let kinds = json!({"SNV": 6, "MNV": 1, "Insertion": 1, "Deletion": 1, "Symbolic": 1});
    assert_eq!(result["AllelesByKind"], kinds);
    assert_eq!(result["SymbolicAllelesByType"], json!({"DEL": 1}));
    assert_eq!(result["AllelesByChromosome"], json!({"chr1": 10}));
    assert_eq!(result["AllelesByFilter"], json!({"PASS": 8, "LowQual": 1, "NotApplied": 1}));
}

#[test]
fn the_profile_is_the_one_worked_by_hand() {
    let result = ask(MolecularProfileQuantification, EXAMPLE);
    // Transitions: records 1, 2, and the first allele of 4. Transversions: 3, the second allele of 4, and 9.
    assert_eq!((&result["TransitionCount"], &result["TransversionCount"]), (&json!(3), &json!(3)));
    assert_eq!(result["TransitionTransversionRatio"], 1.0);
    let first = &result["Samples"][0];
    // Sample 1: 0/0 at 1, 6, 10; heterozygous at 2, 4, 5, 7, 8, 9; missing at 3.
    assert_eq!(first["HomozygousReferenceCount"], 3);
    assert_eq!(first["HeterozygousCount"], 6);
    assert_eq!(first["MissingCount"], 1);
    assert_eq!(first["Heterozygosity"], 6.0 / 9.0);
    assert!(first.get("HeterozygousHomozygousRatio").is_none());
    // Sample 3: 1/1 at 1, 3, 6; heterozygous at 2, 4; 0/0 at 5, 7, 8, 9; one copy at 10.
    let third = &result["Samples"][2];
    assert_eq!(third["HeterozygousHomozygousRatio"], 2.0 / 3.0);
    assert_eq!(third["OtherPloidyCount"], 1);
    assert_eq!(third["DepthReads"], json!({"Count": 3, "Mean": 23.0 / 3.0, "Median": 8, "Minimum": 5, "Maximum": 10}));
    assert_eq!(result["MissingGenotypeShare"], 1.0 / 30.0);
    assert_eq!(result["RecordDepthReads"]["Mean"], 20.0);
    assert_eq!(result["RecordQualityPhred"]["Count"], 8);
    assert!(result.get("HardyWeinberg").is_none());
}

#[test]
fn few_samples_take_the_stated_frequencies_and_say_so() {
    let result = ask(MolecularProfileQuantification, EXAMPLE);
    let frequencies = &result["AlleleFrequencies"];
    assert_eq!(frequencies["FrequencySource"], "INFO/AF");
    // 0.02 · 0.3 · 0.5 · 0.1 · 0.0005
    assert_eq!(frequencies["AlleleCount"], 5);
    let counts = frequencies["Spectrum"].as_array().unwrap().iter().map(|c| c["AlleleCount"].as_u64().unwrap());
    assert_eq!(counts.collect::<Vec<_>>(), [1, 0, 0, 1, 1, 0, 1, 0, 1, 0]);
    assert!(frequencies.get("SingletonCount").is_none());
}

/// A hundred samples: 25 AA, 50 AG, 25 GG is p = q = 1/2 in perfect equilibrium (p², 2pq, q²); 50, 0, 50 is none.
#[test]
fn many_samples_are_counted_and_tested_for_equilibrium() {
    let names = (0..100).map(|n| format!("\tP{n}")).collect::<String>();
    let row = |at: u32, het: usize, one: usize| {
        let genotype = |n: usize| match n {
            n if n < het => "\t0/1",
            n if n < het + one => "\t0/0",
            _ => "\t1/1",
        };
        format!("1\t{at}\t.\tA\tG\t.\tPASS\tAF=0.9\tGT{}\n", (0..100).map(genotype).collect::<String>())
    };
    let file = format!(
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT{names}\n{}{}{}",
        row(1, 50, 25),
        row(2, 0, 50),
        row(3, 1, 99)
    );
    let result = ask(MolecularProfileQuantification, &file);
    assert_eq!(result["HardyWeinberg"], json!({"TestedSiteCount": 3, "DepartingSiteCount": 1}));
    let frequencies = &result["AlleleFrequencies"];
    assert_eq!(frequencies["FrequencySource"], "Genotypes");
    assert_eq!(frequencies["SingletonCount"], 1);
    // Twice 1/2, once 1/200.
    let counts = frequencies["Spectrum"].as_array().unwrap().iter().map(|c| c["AlleleCount"].as_u64().unwrap());
    assert_eq!(counts.collect::<Vec<_>>(), [0, 1, 0, 0, 0, 0, 0, 0, 2, 0]);
}

#[test]
fn substitutions_fold_to_their_pyrimidine() {
    let result = ask(MolecularSignatureCharacterisation, EXAMPLE);
    // A>G is T>C, C>T, C>A, G>A is C>T, G>T is C>A, T>G.
    let counts = result["Classes"].as_array().unwrap().iter().map(|c| c["Count"].as_u64().unwrap());
    assert_eq!(counts.collect::<Vec<_>>(), [2, 0, 2, 0, 1, 1]);
    assert_eq!(result["SubstitutionCount"], 6);
    assert_eq!(result["Classes"][0], json!({"Substitution": "C>A", "Count": 2, "Share": 1.0 / 3.0}));
}

#[test]
fn zygosity_at_requested_variants_and_nothing_for_the_others() {
    let parameters = json!({"RsIDs": ["rs44", "rs9", "rs77"]});
    let result = attempt(BiomarkerStateDerivation, EXAMPLE.as_bytes(), parameters, None).unwrap();
    assert_eq!(result["NotInFile"], json!(["rs77"]));
    let found = result["Found"].as_array().unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["RsID"], "rs44");
    assert_eq!(found[0]["Zygosity"], json!(["Heterozygous", "Heterozygous", "Heterozygous"]));
    assert_eq!(found[0]["Alternates"], json!(["A", "T"]));
    assert_eq!(found[0]["CalledAlleles"], json!([["G", "A"], ["A", "T"], ["G", "T"]]));
    assert_eq!(found[1]["FailedFilters"], json!(["LowQual"]));
    assert_eq!(found[1]["Zygosity"], json!(["Heterozygous", "HomozygousReference", "HomozygousReference"]));
}

#[test]
fn a_record_without_genotypes_has_samples_all_the_same() {
    let file = EXAMPLE.replace("AF=0.1,0.0005\tGT\t0/1\t1/2\t0/2", "AF=0.1,0.0005\tDP\t7\t8\t9");
    let parameters = json!({"RsIDs": ["rs44"]});
    let result = attempt(BiomarkerStateDerivation, file.as_bytes(), parameters, None).unwrap();
    assert_eq!(result["Found"][0]["Zygosity"], json!(["Missing", "Missing", "Missing"]));
    assert_eq!(result["Found"][0]["CalledAlleles"], json!([[], [], []]));
}

/// A second count of a longer file, by splitting text.
#[test]
fn agrees_with_a_count_that_only_splits_text() {
    let file = synthetic(5_000);
    let (mut snv, mut insertions, mut deletions, mut transitions, mut het) = (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    for line in file.lines().filter(|line| !line.starts_with('#')) {
        let columns = line.split('\t').collect::<Vec<_>>();
        for alternate in columns[4].split(',') {
            match (columns[3].len(), alternate.len()) {
                (1, 1) => snv += 1,
                (1, _) => insertions += 1,
                _ => deletions += 1,
            }
            transitions +=
                u64::from(matches!([columns[3], alternate], ["A", "G"] | ["G", "A"] | ["C", "T"] | ["T", "C"]));
        }
        let genotype = columns[9].split(':').next().unwrap().split(['/', '|']).collect::<Vec<_>>();
        het += u64::from(genotype[0] != genotype[1]);
    }
    let found = ask(MolecularVariantDetection, &file);
    assert_eq!(found["AllelesByKind"], json!({"SNV": snv, "Insertion": insertions, "Deletion": deletions}));
    let found = ask(MolecularProfileQuantification, &file);
    assert_eq!(found["TransitionCount"], transitions);
    assert_eq!(found["Samples"][0]["HeterozygousCount"], het);
    assert!(snv > 1_000 && insertions > 100 && deletions > 100 && het > 1_000);
}

#[test]
fn a_bgzip_file_says_the_same() {
    let plain = synthetic(20_000);
    let packed = bgzip(plain.as_bytes());
    assert!(packed.len() < plain.len() / 2);
    let nothing = Value::Null;
    let found = attempt(MolecularVariantDetection, &packed, nothing.clone(), None).unwrap();
    assert_eq!(found, ask(MolecularVariantDetection, &plain));
    let cut = attempt(MolecularVariantDetection, &packed[..packed.len() - 40], nothing.clone(), None);
    assert_eq!(cut.unwrap_err(), "the file ends early: the end mark of bgzip is missing");
    let mut damaged = packed.clone();
    damaged[packed.len() / 2] ^= 0xff;
    let damaged = attempt(MolecularVariantDetection, &damaged, nothing, None);
    assert_eq!(damaged.unwrap_err(), "the bgzip blocks are damaged");
}

fn bgzip(bytes: &[u8]) -> Vec<u8> {
    use noodles_vcf::io::{CompressionMethod, writer::Builder};
    let mut packed = Vec::new();
    let mut writer = Builder::default().set_compression_method(CompressionMethod::Bgzf).build_from_writer(&mut packed);
    writer.get_mut().write_all(bytes).unwrap();
    drop(writer);
    packed
}

/// A file with one sample, its content from a small generator.
fn synthetic(records: u64) -> String {
    let mut file =
        "##fileformat=VCFv4.2\n##contig=<ID=20>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n".to_owned();
    let mut state = 42_u64;
    let mut next = |most: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % most
    };
    for at in 1..=records {
        let base = next(4) as usize;
        let other = (base + 1 + next(3) as usize) % 4;
        let bases = ["A", "C", "G", "T"];
        let (reference, alternate) = match next(10) {
            0 => (bases[base].to_owned(), format!("{}{}", bases[base], bases[other])),
            1 => (format!("{}{}", bases[base], bases[other]), bases[base].to_owned()),
            _ => (bases[base].to_owned(), bases[other].to_owned()),
        };
        let genotype = ["0/0", "0/1", "1|0", "1/1"][next(4) as usize];
        file += &format!("20\t{at}\t.\t{reference}\t{alternate}\t30\tPASS\t.\tGT:DP\t{genotype}:{}\n", next(60));
    }
    file
}
