use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{EXAMPLE, ask as ask_any, attempt};
use crate::{
    aims::{
        ai_modules::input::Input,
        aih_data_processing::omics::{observe, run},
    },
    domain::operation::Operation::{
        self, BiomarkerStateDerivation, MolecularProfileQuantification, MolecularRiskPrediction,
        MolecularSignatureCharacterisation, MolecularVariantDetection,
    },
    schema::wire::DataFormat,
};

fn refusal(payload: &[u8]) -> String {
    attempt(MolecularVariantDetection, payload, Value::Null, None).unwrap_err()
}

#[test]
fn what_is_no_vcf_file_is_refused() {
    assert_eq!(refusal(b""), "the payload is empty");
    for other in [&b"BCF\x02\x02"[..], b"0       patient", b">chr1\nACGT\n", b"\x89PNG", b"##fileformat=VCFv3.3\n"] {
        assert!(refusal(other).starts_with("the payload is not a VCF 4 file"), "{other:?}");
    }
    assert_eq!(refusal(b"\x1f\x8b\x08\x04 and no more"), "the file ends early: the end mark of bgzip is missing");
}

#[test]
fn a_file_cut_anywhere_is_refused_or_says_less() {
    let header = EXAMPLE.find("chr1\t100").unwrap();
    let complete = attempt(MolecularVariantDetection, EXAMPLE.as_bytes(), Value::Null, None).unwrap();
    for cut in 0..EXAMPLE.len() {
        let at_line_end = EXAMPLE.as_bytes()[..cut].ends_with(b"\n");
        match attempt(MolecularVariantDetection, &EXAMPLE.as_bytes()[..cut], Value::Null, None) {
            Ok(result) => {
                assert!(at_line_end && cut > header, "cut at {cut}");
                assert!(result["RecordCount"].as_u64() < complete["RecordCount"].as_u64());
            }
            Err(refusal) => assert!(!refusal.is_empty() && !refusal.contains("rs"), "{refusal}"),
        }
    }
}

#[test]
fn damaged_headers_are_refused_without_a_word_of_them() {
    let cases = [
        (EXAMPLE.replace("#CHROM", "#CHR0M"), "records begin before"),
        (EXAMPLE.replace("\tS1\tS2", "\tS1\tS1"), "two samples have one name"),
        (EXAMPLE.replace("ID=chrX", "ID=chr1"), "two of its lines define the same name"),
        (EXAMPLE.replace("##ALT=<ID=DEL", "##ALT=<ID=\"DEL"), "one of its lines cannot be read"),
        (EXAMPLE.replace("FORMAT\tS1", "FORMATS\tS1"), "the column names are not those of the format"),
        (EXAMPLE.replace("##contig=<ID=chrX,length=156040895>", "##fileformat=VCFv4.3"), "version line"),
        ("##fileformat=VCFv4.3\n1\t2\t.\tA\tC\t.\t.\t.\n".to_owned(), "records begin before"),
    ];
    for (file, reason) in cases {
        let refusal = refusal(file.as_bytes());
        assert!(refusal.contains(reason), "{reason}: {refusal}");
    }
    assert_eq!(refusal(EXAMPLE.split("chr1\t100").next().unwrap().as_bytes()), "the file has no records");
}

#[test]
fn records_that_lie_are_refused_with_their_number() {
    let cases = [
        ("\t0/0:10:99\t0/1:10:99\t1/1:10:99", "\t0/0:10:99\t0/1:10:99", "one column for each sample"),
        ("\t0/0:10:99\t", "\t0/0:10:99\t0/0:10:99\t", "one column for each sample"),
        ("\t0/0:10:99", "\t0/7:10:99", "an allele the record does not have"),
        ("\t0/0:10:99", "\t0x0:10:99", "a genotype cannot be read"),
        ("rs1\tA\tG", "rs1\tA\tG,", "alternate allele"),
        ("rs1\tA\tG", "rs1\tA\tSmith", "alternate allele"),
        ("rs1\tA\tG", "rs1\tJones\tG", "reference allele"),
        ("chr1\t100", "chr1\tmany", "position"),
        ("\t50\tPASS", "\tgood\tPASS", "quality"),
        ("\t50\tPASS", "\tinf\tPASS", "finite"),
        ("AF=0.02", "AF=0.02,0.3", "one number for each"),
        ("AF=0.02", "AF=1.5", "outside 0 and 1"),
        ("DP=30", "DP=-3", "below zero"),
        ("DP=30", "DP=thirty", "INFO/DP"),
        ("GT:DP:GQ", "DP:GT:GQ", "not the first field"),
        ("chr1\t100\trs1\tA\tG\t50\tPASS", "chr1 100 rs1 A G 50 PASS", "fewer columns"),
        ("chr1\t100", "\n\nchr1\t100", "record 1"),
    ];
    for (from, to, reason) in cases {
        assert!(EXAMPLE.contains(from), "{from}");
        let refusal = refusal(EXAMPLE.replacen(from, to, 1).as_bytes());
        assert!(refusal.starts_with("record 1 is not valid") && refusal.contains(reason), "{to}: {refusal}");
        assert!(!refusal.contains("Smith") && !refusal.contains("Jones"));
    }
    let mut no_text = EXAMPLE.as_bytes().to_vec();
    let last = no_text.len() - 3;
    no_text[last] = 0xff;
    assert!(refusal(&no_text).starts_with("record 10 is not valid"));
}

#[test]
fn an_overlong_line_is_refused_before_it_is_held() {
    let mut file = EXAMPLE.as_bytes().to_vec();
    file.resize(file.len() + (17 << 20), b'A');
    file.push(b'\n');
    assert_eq!(refusal(&file), "a record in bytes is more than the 16777216 that are accepted");
}

#[test]
fn an_analysis_without_its_data_is_refused() {
    let sites = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t5\trs5\tA\tAT\t.\t.\t.\n";
    let ask =
        |operation: Operation, parameters| attempt(operation, sites.as_bytes(), parameters, Some("#x")).unwrap_err();
    assert_eq!(ask(MolecularSignatureCharacterisation, Value::Null), "the file has no single-base substitution");
    assert_eq!(ask(BiomarkerStateDerivation, json!({"RsIDs": ["rs5"]})), "the file has no samples");
    for parameters in [json!({}), json!({"RsIDs": []}), json!({"RsIDs": ["5"]}), json!({"RsIDs": [5]})] {
        assert!(ask(BiomarkerStateDerivation, parameters).contains("RsIDs"));
    }
    let many = vec!["rs5"; 65];
    assert!(ask(BiomarkerStateDerivation, json!({"RsIDs": many})).contains("at most 64"));
    assert!(ask(MolecularRiskPrediction, json!({})).contains("format_version"));
    assert_eq!(
        ask(Operation::BrainStateClassification, json!({})),
        "this AI Module does not perform that processing type"
    );
}

#[test]
fn another_format_is_refused() {
    let (parameters, attachments) = (Map::new(), BTreeMap::new());
    let input = Input {
        operation: MolecularVariantDetection,
        format: DataFormat::Csv,
        parameters: &parameters,
        payload: EXAMPLE.as_bytes(),
        attachments: &attachments,
    };
    assert_eq!(run(&input).unwrap_err(), "this AI Module reads VCF only");
    assert!(observe(&input).is_err());
}

#[test]
fn what_can_be_judged_are_the_figures_of_the_profile() {
    let parameters = Map::from_iter([("Sample".to_owned(), json!(1))]);
    let attachments = BTreeMap::new();
    let input = Input {
        operation: MolecularVariantDetection,
        format: DataFormat::Vcf,
        parameters: &parameters,
        payload: EXAMPLE.as_bytes(),
        attachments: &attachments,
    };
    let observed = observe(&input).unwrap();
    let value = |name: &str| observed.values.iter().find(|v| v.name == name).map(|v| v.value);
    assert_eq!(value("TransitionTransversionRatio"), Some(1.0));
    assert_eq!(value("MissingGenotypeShare of sample 1"), Some(0.1));
    assert_eq!(value("MeanDepth of sample 1"), Some(5.0));
    assert!(observed.series.is_empty() && observed.codes.is_empty());
}

/// One licence is one person's: the column must be named, and no other is read.
#[test]
fn of_several_people_the_one_is_read_whom_the_request_names() {
    let ask = |operation, parameters: Value| {
        let parameters = parameters.as_object().cloned().unwrap();
        let attachments = BTreeMap::new();
        let payload = EXAMPLE.as_bytes();
        run(&Input { operation, format: DataFormat::Vcf, parameters: &parameters, payload, attachments: &attachments })
    };
    let refused = |parameters| ask(MolecularProfileQuantification, parameters).unwrap_err();
    assert!(refused(json!({})).contains("holds the genotypes of 3 people"), "{}", refused(json!({})));
    for outside in [json!(0), json!(4), json!(-1), json!(1.5), json!("2"), json!(null)] {
        let why = refused(json!({"Sample": outside}));
        assert!(why.contains("the parameter Sample is not valid"), "{outside}: {why}");
    }
    let all = ask_any(MolecularProfileQuantification, EXAMPLE);
    for column in 1..=3 {
        let one = ask(MolecularProfileQuantification, json!({"Sample": column})).unwrap();
        assert_eq!(one["Samples"].as_array().unwrap().len(), 1);
        assert_eq!(one["Samples"][0], all["Samples"][column - 1], "{one}");
        let found = ask(BiomarkerStateDerivation, json!({"Sample": column, "RsIDs": ["rs9"]})).unwrap();
        assert_eq!(found["Found"][0]["Zygosity"].as_array().unwrap().len(), 1, "{found}");
        assert_eq!(ask(MolecularVariantDetection, json!({"Sample": column})).unwrap()["SampleCount"], 1);
    }
    // Nobody has to be named where there is nobody else.
    let alone: String = EXAMPLE
        .lines()
        .map(|line| match line.starts_with("##") {
            true => format!("{line}\n"),
            false => line.split('\t').take(10).collect::<Vec<_>>().join("\t") + "\n",
        })
        .collect();
    let (parameters, attachments) = (Map::new(), BTreeMap::new());
    let input = Input {
        operation: MolecularProfileQuantification,
        format: DataFormat::Vcf,
        parameters: &parameters,
        payload: alone.as_bytes(),
        attachments: &attachments,
    };
    assert_eq!(run(&input).unwrap()["Samples"][0], all["Samples"][0]);
}
