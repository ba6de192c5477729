//! De-identification of variant files (VCF 4).
//!
//! A VCF file names people in many places: sample columns, pedigrees, command lines with paths, free text in any
//! field. This treatment does not search for names. It writes the file anew from tokens of known shape
//! ([`tokens`], [`keys`]) and leaves out the rest:
//!
//! | Part | What stays |
//! | --- | --- |
//! | sample names, `##SAMPLE`, `##PEDIGREE` | keyed pseudonyms, relations kept |
//! | `##contig`, `##FILTER`, `##ALT`, `##INFO`, `##FORMAT` | definitions of what stays, without free text |
//! | `##reference` | the name of a public genome build |
//! | every other header line, lines that are no records | nothing |
//! | CHROM, FILTER, symbolic ALT | public names; others numbered |
//! | ID | numbers of public variant databases |
//! | INFO, FORMAT | fields known to be measurements, with values of their type |
//! | POS, REF, ALT, QUAL, genotypes | everything |
//!
//! The output is plain text, also when the input was compressed, and is read back by noodles-vcf before it is handed
//! out. **What remains identifies**: some dozens of common variants tell a person apart from all others (Lin, Owen,
//! Altman, Science 305, 183, 2004), presence in a pool can be shown (Homer et al., PLoS Genetics 4, e1000167, 2008), and
//! relatives in genealogy databases lead to a name (Erlich et al., Science 362, 690–694, 2018). So the status is
//! `Pseudonymised`, never more.

mod counts;
mod error;
mod header;
mod keys;
mod lines;
mod names;
mod record;
mod tokens;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use noodles_vcf::{Header, header::Parser};
use serde_json::{Map, Value};

pub use error::VcfTreatmentError;

use self::{counts::Counts, counts::Rule, lines::Lines, names::Renamed};
use crate::{
    aims::ai_modules::{
        pseudonyms::Pseudonyms,
        treatment::{Mapped, Measure, Treated, Treatment},
    },
    domain::taxonomy::DataStatus,
    schema::wire::DataFormat,
};

/// Parameter: further INFO fields to keep, declared as numbers or flags.
pub const KEEP_INFO: &str = "KeepInfo";
/// Parameter: further FORMAT fields to keep, declared as numbers.
pub const KEEP_FORMAT: &str = "KeepFormat";
/// Kind of the pseudonyms.
pub const SAMPLE: &str = "sample";

const RESIDUAL: [&str; 3] = [
    "The genotypes are unchanged and identify a person by themselves (Lin 2004), by presence in a pool (Homer 2008) and \
     through relatives in genealogy databases (Erlich 2018); the file is pseudonymised, not anonymised.",
    "Numbers in measurement fields (depths, qualities, likelihoods) are kept and not examined for meaning.",
    "Relations of ##PEDIGREE are kept between pseudonyms, and the order of the samples is unchanged.",
];

/// De-identifies a VCF file.
///
/// # Errors
///
/// What is wrong with the file or a parameter, in words, never with values from it; and several people in one file: the
/// licence is one End User's, and a copy would carry the genomes of the others.
pub fn treat(input: &Treatment<'_>) -> Result<Treated, String> {
    treated(input, MOST_PEOPLE).map_err(|e| e.to_string())
}

/// Samples of a file that is one End User's.
const MOST_PEOPLE: usize = 1;

/// What one run remembers.
struct Treater<'a> {
    pseudonyms: &'a Pseudonyms,
    keep_info: BTreeSet<String>,
    keep_format: BTreeSet<String>,
    contigs: Renamed,
    filters: Renamed,
    symbols: Renamed,
    counts: Counts,
    samples: BTreeMap<String, String>,
}

impl Treater<'_> {
    /// The pseudonym of a sample.
    fn sample(&mut self, name: &str) -> String {
        let pseudonyms = self.pseudonyms;
        self.samples.entry(name.to_owned()).or_insert_with(|| pseudonyms.of(SAMPLE, name)).clone()
    }
}

fn treated(input: &Treatment<'_>, most_people: usize) -> Result<Treated, VcfTreatmentError> {
    if input.format != DataFormat::Vcf {
        return Err(VcfTreatmentError::Format);
    }
    let mut treater = Treater {
        pseudonyms: input.pseudonyms,
        keep_info: names(input.parameters, KEEP_INFO)?,
        keep_format: names(input.parameters, KEEP_FORMAT)?,
        contigs: Renamed::contigs(),
        filters: Renamed::filters(),
        symbols: Renamed::symbols(),
        counts: Counts::default(),
        samples: BTreeMap::new(),
    };
    let mut lines = Lines::open(input.payload)?;
    let header = read_header(&mut lines, &mut treater.counts)?;
    let people = header.sample_names().len();
    if people > most_people {
        return Err(VcfTreatmentError::SeveralPeople(people));
    }
    let mut out = header::write(&mut treater, &header);
    let records = records(&mut treater, &header, &mut lines, &mut out)?;
    check(&out, records)?;
    let mapping = std::mem::take(&mut treater.samples).into_iter();
    Ok(Treated {
        payload: out.into_bytes(),
        status: DataStatus::Pseudonymised,
        steps: treater.counts.steps(),
        measures: vec![
            Measure { name: "records kept".to_owned(), value: records as f64 },
            Measure { name: "samples kept".to_owned(), value: header.sample_names().len() as f64 },
        ],
        residual: RESIDUAL.map(str::to_owned).to_vec(),
        mapping: mapping.map(|(original, pseudonym)| Mapped { kind: SAMPLE.to_owned(), original, pseudonym }).collect(),
    })
}

/// Header lines of these keys are read; all others go unread, so that no odd one stands in the way.
const READ: [&str; 9] = ["fileformat", "INFO", "FORMAT", "FILTER", "ALT", "contig", "reference", "SAMPLE", "PEDIGREE"];
/// Of those, lines that may be damaged: nothing in the records depends on them.
const LOOSE: [&str; 3] = ["reference", "SAMPLE", "PEDIGREE"];

fn read_header(lines: &mut Lines<'_>, counts: &mut Counts) -> Result<Header, VcfTreatmentError> {
    let mut parser = Parser::default();
    while let Some(line) = lines.next()? {
        if line.starts_with("#CHROM") {
            parser.parse_partial(line.as_bytes()).map_err(|_| VcfTreatmentError::Header)?;
            return parser.finish().map_err(|_| VcfTreatmentError::Header);
        }
        let key = line.strip_prefix("##").ok_or(VcfTreatmentError::Header)?;
        let key = key.split_once('=').map_or("", |(key, _)| key);
        let read = !READ.contains(&key) || parser.parse_partial(line.as_bytes()).is_ok();
        match (READ.contains(&key), read) {
            (true, true) => {}
            (true, false) if !LOOSE.contains(&key) => return Err(VcfTreatmentError::Header),
            _ => counts.add(Rule::HeaderLines, 1),
        }
    }
    Err(VcfTreatmentError::Header)
}

/// Treats all records; comments and empty lines among them are left out.
fn records(
    treater: &mut Treater<'_>,
    header: &Header,
    lines: &mut Lines<'_>,
    out: &mut String,
) -> Result<u64, VcfTreatmentError> {
    let mut records = 0;
    loop {
        let number = lines.number + 1;
        let Some(line) = lines.next()? else { return Ok(records) };
        if line.trim().is_empty() || line.starts_with('#') {
            treater.counts.add(Rule::StrayLines, 1);
            continue;
        }
        let treated = record::treat(treater, header, line);
        *out += &treated.map_err(|reason| VcfTreatmentError::Record { line: number, reason })?;
        out.push('\n');
        records += 1;
    }
}

/// Reads back what was written: every line, by the library and not by this code.
fn check(out: &str, records: u64) -> Result<(), VcfTreatmentError> {
    let mut reader = noodles_vcf::io::Reader::new(out.as_bytes());
    let header = reader.read_header().map_err(|_| VcfTreatmentError::Output)?;
    let mut read = 0;
    let mut record = noodles_vcf::variant::RecordBuf::default();
    while reader.read_record_buf(&header, &mut record).map_err(|_| VcfTreatmentError::Output)? > 0 {
        read += 1;
    }
    if read == records { Ok(()) } else { Err(VcfTreatmentError::Output) }
}

fn names(parameters: &Map<String, Value>, name: &'static str) -> Result<BTreeSet<String>, VcfTreatmentError> {
    let refuse = VcfTreatmentError::Parameter(name);
    let Some(value) = parameters.get(name) else { return Ok(BTreeSet::new()) };
    let list = value.as_array().filter(|list| list.len() <= 64).ok_or(refuse.clone())?;
    let plain = |text: &&str| {
        !text.is_empty()
            && text.len() <= 64
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
    };
    list.iter().map(|one| one.as_str().filter(plain).map(str::to_owned).ok_or(refuse.clone())).collect()
}
