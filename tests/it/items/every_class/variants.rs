//! A variant file of three samples counted by hand, and the weights of a score worked by hand.
//!
//! | # | change | kind | samples |
//! | --- | --- | --- | --- |
//! | 1 | A>G | transition | 0/0 0/1 1/1 |
//! | 2 | C>T | transition | 0/1 0/1 0/1 |
//! | 3 | C>A | transversion | ./. 0/0 1/1 |
//! | 4 | A>AT | insertion | 0/1 0/0 0/0 |

use health_back_end::{domain::operation::Operation, schema::wire::DataFormat};
use serde_json::{Value, json};

use super::samples::{Sample, near};

pub const FILE: &str = "##fileformat=VCFv4.3
##contig=<ID=chr1,length=248956422>
##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2\tS3
chr1\t100\trs1\tA\tG\t50\tPASS\t.\tGT\t0/0\t0/1\t1/1
chr1\t200\trs2\tC\tT\t60\tPASS\t.\tGT\t0/1\t0/1\t0/1
chr1\t300\trs3\tC\tA\t.\tPASS\t.\tGT\t./.\t0/0\t1/1
chr1\t500\t.\tA\tAT\t80\tPASS\t.\tGT\t0/1\t0/0\t0/0
";

/// The same file as `bcftools view -s S1` leaves it: one person's.
pub fn of_one() -> String {
    let own = |line: &str| match line.starts_with("##") {
        true => format!("{line}\n"),
        false => line.split('\t').take(10).collect::<Vec<_>>().join("\t") + "\n",
    };
    FILE.lines().map(own).collect()
}

pub const WEIGHTS: &str = "###PGS CATALOG SCORING FILE - see https://www.pgscatalog.org/downloads/#dl_ftp_scoring
#format_version=2.0
#pgs_id=PGS999999
#weight_type=beta
#genome_build=GRCh38
#variants_number=3
rsID\tchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight
rs1\t1\t100\tG\tA\t0.5
rs2\t1\t200\tC\tT\t-0.2
rs3\t1\t300\tA\tC\t1
";

pub fn sample(format: DataFormat) -> Sample {
    assert_eq!(format, DataFormat::Vcf, "there is no sample in another format");
    Sample { parameters, ..Sample::new(FILE.as_bytes().to_vec(), check) }
}

pub fn weights() -> Vec<u8> {
    WEIGHTS.as_bytes().to_vec()
}

fn parameters(operation: Operation) -> Value {
    // The file is a family's and the licence is one person's: theirs is the second column.
    match operation {
        Operation::BiomarkerStateDerivation => json!({"Sample": 2, "RsIDs": ["rs1", "rs77"]}),
        Operation::MolecularRiskPrediction => json!({"Sample": 2, "MinimumCoverage": 0.5}),
        _ => json!({"Sample": 2}),
    }
}

fn check(operation: Operation, result: &Value) {
    match operation {
        Operation::MolecularVariantDetection => {
            assert_eq!((&result["RecordCount"], &result["SampleCount"]), (&json!(4), &json!(1)), "{result}");
            assert_eq!(result["AllelesByKind"]["SNV"], 3, "{result}");
        }
        Operation::MolecularProfileQuantification => {
            let counts = ["TransitionCount", "TransversionCount"].map(|name| result[name].as_u64().unwrap());
            assert_eq!(counts, [2, 1]);
            assert_eq!(result["Samples"].as_array().unwrap().len(), 1, "{result}");
            let own = &result["Samples"][0];
            assert_eq!((&own["Sample"], &own["HeterozygousCount"]), (&json!(2), &json!(2)), "{result}");
        }
        Operation::MolecularSignatureCharacterisation => {
            // A>G is T>C on the other strand.
            let count = |name: &str| {
                let classes = result["Classes"].as_array().unwrap();
                classes.iter().find(|class| class["Substitution"] == name).unwrap()["Count"].as_u64().unwrap()
            };
            assert_eq!(["T>C", "C>T", "C>A", "C>G"].map(count), [1, 1, 1, 0]);
        }
        Operation::BiomarkerStateDerivation => {
            assert_eq!(result["Found"].as_array().unwrap().len(), 1, "{result}");
            assert!(result.to_string().contains("rs77"), "what was asked for and is not there is named: {result}");
        }
        // Sample 2: one G, one C, no A: 0.3. The others, −0.2 and 2.8, are nobody's business.
        Operation::MolecularRiskPrediction => {
            assert_eq!(result["PGSID"], "PGS999999");
            assert_eq!(result["Scores"].as_array().unwrap().len(), 1, "{result}");
            assert_eq!(result["Scores"][0]["Sample"], 2, "{result}");
            near(result, "/Scores/0/Score", 0.3, 1e-9);
        }
        other => panic!("what is true of a variant file under {other} is not known here"),
    }
}
