//! The omics module against a file counted by hand, against a second count that splits text and knows nothing of
//! noodles, and against everything that is no such file.

mod bad_input;
mod counts;
mod score;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{VcfReader, perform};
use crate::{aims::ai_modules::input::Input, domain::operation::Operation, schema::wire::DataFormat};

/// Three samples, GRCh38, ten records.
///
/// | # | change | kinds |
/// | --- | --- | --- |
/// | 1 | A>G | transition |
/// | 2 | C>T | transition |
/// | 3 | C>A | transversion |
/// | 4 | G>A,T | transition and transversion |
/// | 5 | A>AT | insertion |
/// | 6 | CTT>C | deletion |
/// | 7 | AC>GT | MNV |
/// | 8 | `<DEL>` | symbolic |
/// | 9 | T>G | transversion, failed filter |
/// | 10 | A>. | reference |
pub(super) const EXAMPLE: &str = "##fileformat=VCFv4.3
##contig=<ID=chr1,length=248956422>
##contig=<ID=chrX,length=156040895>
##FILTER=<ID=LowQual,Description=\"Low quality\">
##ALT=<ID=DEL,Description=\"Deletion\">
##INFO=<ID=AF,Number=A,Type=Float,Description=\"Allele Frequency\">
##INFO=<ID=DP,Number=1,Type=Integer,Description=\"Total Depth\">
##INFO=<ID=END,Number=1,Type=Integer,Description=\"End\">
##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"Read Depth\">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"Genotype Quality\">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2\tS3
chr1\t100\trs1\tA\tG\t50\tPASS\tDP=30;AF=0.02\tGT:DP:GQ\t0/0:10:99\t0/1:10:99\t1/1:10:99
chr1\t200\trs2\tC\tT\t60\tPASS\tDP=20;AF=0.3\tGT:DP:GQ\t0/1:5:50\t0/1:7:60\t0/1:8:70
chr1\t300\trs3\tC\tA\t.\tPASS\tDP=10;AF=0.5\tGT:DP\t./.:0\t0/0:5\t1/1:5
chr1\t400\trs4;rs44\tG\tA,T\t70\tPASS\tAF=0.1,0.0005\tGT\t0/1\t1/2\t0/2
chr1\t500\t.\tA\tAT\t80\tPASS\t.\tGT\t0|1\t0|0\t0|0
chr1\t600\t.\tCTT\tC\t80\tPASS\t.\tGT\t0/0\t0/0\t1/1
chr1\t700\t.\tAC\tGT\t80\tPASS\t.\tGT\t0/1\t0/0\t0/0
chr1\t800\t.\tA\t<DEL>\t.\t.\tEND=900\tGT\t0/1\t0/0\t0/0
chr1\t1000\trs9\tT\tG\t5\tLowQual\t.\tGT\t0/1\t0/0\t0/0
chrX\t1100\trs10\tA\t.\t40\tPASS\t.\tGT\t0/0\t0/0\t0
";

pub(super) fn attempt(
    operation: Operation,
    payload: &[u8],
    parameters: Value,
    weights: Option<&str>,
) -> Result<Value, String> {
    let parameters = parameters.as_object().cloned().unwrap_or_default();
    let attachments =
        weights.map(|w| ("Weights".to_owned(), w.as_bytes().to_vec())).into_iter().collect::<BTreeMap<_, _>>();
    let input =
        Input { operation, format: DataFormat::Vcf, parameters: &parameters, payload, attachments: &attachments };
    // The counts are right for any number of people; whose of them a request may see is another question.
    let result = VcfReader::open(payload).and_then(|mut reader| perform(&mut reader, &input));
    result
        .map_err(|error| error.to_string())
        .inspect(|result| crate::mpai_store::processing::check_result("AIP-VCF-V1.0", operation, result).unwrap())
}

pub(super) fn ask(operation: Operation, payload: &str) -> Value {
    attempt(operation, payload.as_bytes(), Value::Object(Map::new()), None).unwrap()
}
