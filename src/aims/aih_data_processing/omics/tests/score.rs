use serde_json::{Value, json};

use super::{EXAMPLE, attempt};
use crate::domain::operation::Operation::MolecularRiskPrediction;

const HEADER: &str = "###PGS CATALOG SCORING FILE - see https://www.pgscatalog.org/downloads/#dl_ftp_scoring\n\
                      #format_version=2.0\n#pgs_id=PGS999999\n#weight_type=beta\n#genome_build=GRCh38\n";
const COLUMNS: &str = "rsID\tchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n";

fn weights(rows: &str) -> String {
    format!("{HEADER}#variants_number={}\n{COLUMNS}{rows}", rows.lines().count())
}

fn score(parameters: Value, weights: &str) -> Result<Value, String> {
    attempt(MolecularRiskPrediction, EXAMPLE.as_bytes(), parameters, Some(weights))
}

/// rs1 A>G, weight 0.5 on G; rs2 C>T, weight −0.2 on C; rs3 C>A, weight 1 on A.
///
/// | sample | rs1 | rs2 | rs3 | score |
/// | --- | --- | --- | --- | --- |
/// | 1 | 0 G | 1 C | not called | −0.2 |
/// | 2 | 1 G | 1 C | 0 A | 0.5 − 0.2 = 0.3 |
/// | 3 | 2 G | 1 C | 2 A | 1.0 − 0.2 + 2.0 = 2.8 |
#[test]
fn the_score_is_the_one_worked_by_hand() {
    let rows = "rs1\t1\t100\tG\tA\t0.5\nrs2\t1\t200\tC\tT\t-0.2\nrs3\t1\t300\tA\tC\t1\n";
    let result = score(json!({"MinimumCoverage": 0.5}), &weights(rows)).unwrap();
    assert_eq!(result["PGSID"], "PGS999999");
    assert_eq!(result["MatchedBy"], "Position");
    assert_eq!(result["GenomeBuild"], "GRCh38");
    assert_eq!(result["Weights"]["Matched"], 3);
    for (place, expected, used) in [(0, -0.2, 2), (1, 0.3, 3), (2, 2.8, 3)] {
        let sample = &result["Scores"][place];
        assert!((sample["Score"].as_f64().unwrap() - expected).abs() < 1e-12, "{sample}");
        assert_eq!(sample["VariantsUsed"], used);
    }
    assert_eq!(result["Scores"][0]["MissingGenotypes"], 1);
    assert_eq!(result["Scores"][2]["EffectAlleleCount"], 5);
    let text = result.to_string().to_lowercase();
    assert!(!text.contains("\"percentile") && !text.contains("\"risk"));
}

#[test]
fn a_sample_below_the_minimum_gets_no_score_and_all_below_are_refused() {
    let rows = "rs1\t1\t100\tG\tA\t0.5\nrs2\t1\t200\tC\tT\t-0.2\nrs3\t1\t300\tA\tC\t1\n";
    let result = score(json!({}), &weights(rows)).unwrap();
    assert!(result["Scores"][0].get("Score").is_none());
    assert!(result["Scores"][1]["Score"].is_number());
    let rows = "rs1\t1\t100\tG\tA\t0.5\nrs98\t1\t98\tC\tT\t-0.2\nrs99\t1\t99\tA\tC\t1\n";
    let refusal = score(json!({}), &weights(rows)).unwrap_err();
    assert!(refusal.starts_with("only 1 of 3 weights found a genotype; a share of at least 0.75"), "{refusal}");
    assert!(score(json!({"MinimumCoverage": 0.3}), &weights(rows)).is_ok());
}

/// Every way a weight is left out, each counted: other strand, A/T and C/G, other alleles, failed filter, not there.
#[test]
fn what_is_left_out_is_counted_by_its_reason() {
    let rows = "rs1\t1\t100\tC\tT\t0.5\nrs3\t1\t300\tA\tG\t1\nrs9\t1\t1000\tG\tT\t1\nrs50\t1\t5\tG\tT\t1\n\
                rs4\t1\t400\tA\tG\t2\n";
    let result = score(json!({"MinimumCoverage": 0.2}), &weights(rows)).unwrap();
    let expected = json!({"Total": 5, "Matched": 2, "FlippedCount": 1, "Absent": 1, "OtherAlleles": 1,
                          "StrandAmbiguous": 0, "Filtered": 1, "SeveralRecords": 0});
    assert_eq!(result["Weights"], expected);
    // Sample 2: rs1 A/G is T/C on the other strand: one C, 0.5. rs4 is A/T: one A, 2.
    assert_eq!(result["Scores"][1]["Score"], 2.5);
    // The reference is an effect allele like any other: two A at chrX, where no alternate was seen.
    let rows = "rs10\tX\t1100\tA\tG\t0.25\n";
    let result = score(json!({}), &weights(rows)).unwrap();
    assert_eq!((&result["Scores"][0]["Score"], &result["Scores"][2]["Score"]), (&json!(0.5), &json!(0.25)));
}

#[test]
fn strand_ambiguous_variants_count_only_when_asked_for() {
    let file = EXAMPLE.replace("rs1\tA\tG", "rs1\tA\tT");
    let weights = weights("rs1\t1\t100\tT\tA\t1\nrs2\t1\t200\tC\tT\t1\n");
    let ask = |parameters| attempt(MolecularRiskPrediction, file.as_bytes(), parameters, Some(&weights)).unwrap();
    let result = ask(json!({"MinimumCoverage": 0.5}));
    assert_eq!((&result["Weights"]["StrandAmbiguous"], &result["Weights"]["Matched"]), (&json!(1), &json!(1)));
    assert_eq!(result["Scores"][2]["Score"], 1.0);
    let result = ask(json!({"KeepStrandAmbiguous": true}));
    assert_eq!(result["Scores"][2]["Score"], 3.0);
}

/// A third allele does not make a strand known.
#[test]
fn an_ambiguous_effect_allele_stays_so_beside_a_third() {
    let file = EXAMPLE.replace("rs1\tA\tG\t50\tPASS\tDP=30;AF=0.02", "rs1\tA\tT,G\t50\tPASS\tDP=30;AF=0.02,0.01");
    let columns = COLUMNS.replace("\tother_allele", "");
    let rows = "rs1\t1\t100\tT\t1\nrs2\t1\t200\tT\t1\n";
    let weights = format!("{HEADER}#variants_number=2\n{columns}{rows}");
    let result =
        attempt(MolecularRiskPrediction, file.as_bytes(), json!({"MinimumCoverage": 0.5}), Some(&weights)).unwrap();
    assert_eq!((&result["Weights"]["StrandAmbiguous"], &result["Weights"]["Matched"]), (&json!(1), &json!(1)));
}

#[test]
fn split_records_do_not_count_the_reference_twice() {
    let split = EXAMPLE.replace(
        "chr1\t400\trs4;rs44\tG\tA,T\t70\tPASS\tAF=0.1,0.0005\tGT\t0/1\t1/2\t0/2\n",
        "chr1\t400\trs4\tG\tA\t70\tPASS\t.\tGT\t0/1\t0/1\t0/0\nchr1\t400\trs44\tG\tT\t70\tPASS\t.\tGT\t0/0\t0/1\t0/1\n",
    );
    let ask = |rows: &str| {
        let weights = weights(&format!("{rows}rs2\t1\t200\tC\tT\t1\n"));
        attempt(MolecularRiskPrediction, split.as_bytes(), json!({"MinimumCoverage": 0.1}), Some(&weights)).unwrap()
    };
    assert_eq!(ask("rs4\t1\t400\tG\tA\t1\n")["Weights"]["SeveralRecords"], 1);
    let alternate = ask("rs4\t1\t400\tA\tG\t1\n");
    assert_eq!((&alternate["Weights"]["Matched"], &alternate["Scores"][1]["Score"]), (&json!(2), &json!(2.0)));
}

#[test]
fn builds_are_compared_before_positions_are() {
    let rows = "rs1\t1\t100\tG\tA\t0.5\n";
    let other = weights(rows).replace("GRCh38", "GRCh37");
    assert_eq!(score(json!({}), &other).unwrap()["MatchedBy"], "rsID");
    let harmonised = other.replace("#variants", "#HmPOS_build=GRCh38\n#variants");
    let harmonised = harmonised.replace("effect_weight\n", "effect_weight\thm_chr\thm_pos\n");
    let harmonised = harmonised.replace("rs1\t1\t100\tG\tA\t0.5", "rs1\t1\t7\tG\tA\t0.5\t1\t100");
    assert_eq!(score(json!({}), &harmonised).unwrap()["MatchedBy"], "HarmonisedPosition");
    let nameless = other.replace("rs1\t", "\t");
    let refusal = score(json!({}), &nameless).unwrap_err();
    assert!(refusal.contains("they refer to different genome builds"), "{refusal}");
    let contradiction = score(json!({"GenomeBuild": "GRCh37"}), &other).unwrap_err();
    assert!(contradiction.contains("the header of the file tells another build"), "{contradiction}");
    let torn = EXAMPLE.replace("##contig=<ID=chrX", "##reference=file:///hg19.fa\n##contig=<ID=chrX");
    let torn = attempt(MolecularRiskPrediction, torn.as_bytes(), json!({}), Some(&weights(rows))).unwrap();
    assert_eq!((&torn["MatchedBy"], torn.get("GenomeBuild")), (&json!("rsID"), None), "a header that tells two builds");
    let untold = EXAMPLE.replace(",length=248956422", "");
    let ask = |parameters| {
        let weights = weights("\t1\t100\tG\tA\t0.5\n");
        attempt(MolecularRiskPrediction, untold.as_bytes(), parameters, Some(&weights))
    };
    assert!(ask(json!({})).unwrap_err().contains("the header does not tell the genome build"));
    assert_eq!(ask(json!({"GenomeBuild": "hg38"})).unwrap()["MatchedBy"], "Position");
}

#[test]
fn dominant_and_recessive_weights_count_once() {
    let file = weights("rs1\t1\t100\tG\tA\t0.5\tTrue\tFalse\nrs2\t1\t200\tT\tC\t8\tFalse\tTrue\n")
        .replace("effect_weight\n", "effect_weight\tis_dominant\tis_recessive\n");
    let result = score(json!({}), &file).unwrap();
    // Sample 3: two G, once 0.5; one T of two needed, nothing.
    assert_eq!(result["Scores"][2]["Score"], 0.5);
}

#[test]
fn weight_files_that_are_no_sum_of_alleles_or_no_weight_file_are_refused() {
    let good = weights("rs1\t1\t100\tG\tA\t0.5\n");
    let cases = [
        (String::new(), "it is empty"),
        ("\u{1f}\u{8b}".to_owned(), "format_version"),
        (good.replace("=2.0", "=1.0"), "format_version"),
        (good.replace("effect_weight", "weight"), "effect_allele and effect_weight"),
        (good.replace("effect_weight\n", "effect_weight\tdosage_0_weight\n"), "dosages"),
        (good.replace("other_allele", "effect_allele"), "two columns have one name"),
        (good.replace("rsID\tchr_name", "a\tb"), "rsID, or chr_name"),
        (good.replace("\t0.5", "\tNaN"), "row 1 of the weight file is not valid: its weight"),
        (good.replace("\t0.5", "\tinf"), "its weight is no finite number"),
        (good.replace("\tG\tA", "\tG\tG"), "two alleles are the same"),
        (good.replace("\tG\tA", "\tDRB1*15:01\tA"), "no sequence of A, C, G and T"),
        (good.replace("\t100\t", "\t-3\t"), "position"),
        (good.replace("\t0.5", ""), "one field for each column"),
        (weights(""), "it has no rows"),
        // Cut within its last number, and at the end of a row.
        (good.trim_end_matches("5\n").to_owned() + "5", "it ends early"),
        (
            weights("rs1\t1\t100\tG\tA\t0.5\nrs2\t1\t200\tC\tT\t1\n").replace("rs2\t1\t200\tC\tT\t1\n", ""),
            "variants_number",
        ),
        (good.replace("variants_number=1", "variants_number=18446744073709551616"), "variants_number"),
        (weights("rs1\t1\t100\tG\tA\t0.5\nrs1\t1\t100\tG\tA\t0.7\n"), "row 2 of the weight file"),
        (
            good.replace("effect_weight\n", "effect_weight\tis_interaction\n").replace("\t0.5", "\t0.5\tTrue"),
            "interaction",
        ),
        (good.replace("effect_weight\n", "effect_weight\tis_diplotype\n").replace("\t0.5", "\t0.5\tTrue"), "diplotype"),
    ];
    for (file, reason) in cases {
        let refusal = score(json!({}), &file).unwrap_err();
        assert!(refusal.contains(reason), "{reason}: {refusal}");
    }
    let none = attempt(MolecularRiskPrediction, EXAMPLE.as_bytes(), json!({}), None).unwrap_err();
    assert_eq!(none, "the parameter Weights must name a scoring file in the Store");
}

#[test]
fn parameters_outside_their_range_are_refused() {
    let good = weights("rs1\t1\t100\tG\tA\t0.5\n");
    for (parameters, name) in [
        (json!({"MinimumCoverage": 0}), "MinimumCoverage"),
        (json!({"MinimumCoverage": 1.5}), "MinimumCoverage"),
        (json!({"MinimumCoverage": "all"}), "MinimumCoverage"),
        (json!({"KeepStrandAmbiguous": "yes"}), "KeepStrandAmbiguous"),
        (json!({"GenomeBuild": "mm10"}), "GenomeBuild"),
    ] {
        assert!(score(parameters, &good).unwrap_err().contains(name), "{name}");
    }
}
