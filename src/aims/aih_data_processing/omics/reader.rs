//! Reads a VCF 4 file (plain, or compressed by bgzip) record by record.
//!
//! noodles-vcf parses header, record and genotypes (The Variant Call Format Specification, VCFv4.5, Samtools
//! organisation). This file bounds what it is given: one line at a time, no line and no header longer than
//! [`super::limits`], no more text than that after decompression. What noodles leaves open is checked here:
//! sample columns as many as the header names, allele numbers that exist, alleles of the format's alphabet.

use std::io::{BufRead, Read};

use noodles_vcf::{
    Header, Record,
    header::Parser,
    io::{CompressionMethod, reader::Builder},
};

use super::{
    error::OmicsError,
    limits::{MAX_HEADER_BYTES, MAX_RECORD_BYTES, MAX_RECORDS, MAX_SAMPLES, MAX_TEXT_BYTES},
    record,
    site::Site,
};

/// First bytes of every VCF 4 file.
const MAGIC: &[u8] = b"##fileformat=VCFv4.";
/// First bytes of a gzip member with an extra field, as every bgzip block is.
const BGZIP_MAGIC: &[u8] = &[0x1f, 0x8b, 0x08, 0x04];
/// The empty block at the end of every complete bgzip file (SAM specification, section 4.1.2).
const BGZIP_END: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x04, 0, 0, 0, 0, 0, 0xff, 0x06, 0, 0x42, 0x43, 0x02, 0, 0x1b, 0, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

/// A VCF file, read from its start.
pub struct VcfReader<'p> {
    lines: Lines<'p>,
    header: Header,
    record: Record,
    number: u64,
    /// The one column that is read, from 0.
    only: Option<usize>,
}

impl<'p> VcfReader<'p> {
    /// Opens a payload and reads its header.
    ///
    /// # Errors
    ///
    /// [`OmicsError`] for everything that is no VCF 4 file, ends early or exceeds [`super::limits`].
    pub fn open(payload: &'p [u8]) -> Result<Self, OmicsError> {
        let mut lines = Lines::open(payload)?;
        let header = read_header(&mut lines)?;
        if header.sample_names().len() > MAX_SAMPLES {
            return Err(OmicsError::Limit { what: "the number of samples", limit: MAX_SAMPLES as u64 });
        }
        Ok(Self { lines, header, record: Record::default(), number: 0, only: None })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// From now on only one column is read, counted from 0, as if there were no other.
    pub(super) fn narrow(&mut self, column: usize) {
        self.only = Some(column);
    }

    /// Number of samples that are read.
    pub fn samples(&self) -> usize {
        self.only.map_or(self.header.sample_names().len(), |_| 1)
    }

    /// Number of the column in the file, from 1, of a sample that is read, from 0.
    pub fn column(&self, sample: usize) -> usize {
        self.only.unwrap_or(sample) + 1
    }

    /// Number of records read so far.
    pub fn records(&self) -> u64 {
        self.number
    }

    /// Reads the next record, `None` at the end.
    ///
    /// # Errors
    ///
    /// [`OmicsError`] when the record is not valid or too long.
    pub fn next_site(&mut self) -> Result<Option<Site>, OmicsError> {
        if !self.lines.next(MAX_RECORD_BYTES, "a record in bytes")? {
            return Ok(None);
        }
        self.number += 1;
        if self.number > MAX_RECORDS {
            return Err(OmicsError::Limit { what: "the number of records", limit: MAX_RECORDS });
        }
        let bad = |_| OmicsError::record(self.number, "it has fewer columns than the format needs, or is no UTF-8");
        let mut one = noodles_vcf::io::Reader::new(self.lines.line.as_slice());
        let read = one.read_record(&mut self.record).map_err(bad)?;
        if read == 0 {
            return Err(OmicsError::record(self.number, "the line is empty"));
        }
        let mut site = record::site(&self.header, &self.record, self.number)?;
        if let Some(column) = self.only {
            site.calls = site.calls.get(column).copied().into_iter().collect();
        }
        Ok(Some(site))
    }

    /// Reads all records in turn.
    ///
    /// # Errors
    ///
    /// As [`Self::next_site`], what `each` refuses, and [`OmicsError::NoRecords`].
    pub fn for_each(&mut self, mut each: impl FnMut(&Site) -> Result<(), OmicsError>) -> Result<(), OmicsError> {
        while let Some(site) = self.next_site()? {
            each(&site)?;
        }
        if self.number == 0 { Err(OmicsError::NoRecords) } else { Ok(()) }
    }
}

fn read_header(lines: &mut Lines<'_>) -> Result<Header, OmicsError> {
    let mut parser = Parser::default();
    let mut bytes = 0;
    loop {
        if !lines.next(MAX_RECORD_BYTES, "a header line in bytes")? {
            return Err(OmicsError::Truncated("the line with the column names is missing"));
        }
        bytes += lines.line.len() as u64;
        if bytes > MAX_HEADER_BYTES {
            return Err(OmicsError::Limit { what: "the header in bytes", limit: MAX_HEADER_BYTES });
        }
        let line = lines.trimmed();
        if !line.starts_with(b"#") {
            return Err(OmicsError::Header("records begin before the line with the column names"));
        }
        let last = line.starts_with(b"#CHROM");
        if last || is_read(line) {
            parser.parse_partial(line).map_err(|e| OmicsError::Header(reason(&e)))?;
        }
        if last {
            return parser.finish().map_err(|e| OmicsError::Header(reason(&e)));
        }
    }
}

/// Whether the records or the genome build depend on a header line. Others, of any tool's own make, go unread.
fn is_read(line: &[u8]) -> bool {
    let key = line.strip_prefix(b"##").and_then(|rest| rest.split(|b| *b == b'=').next());
    let keys: [&[u8]; 7] = [b"fileformat", b"INFO", b"FORMAT", b"FILTER", b"ALT", b"contig", b"reference"];
    key.is_some_and(|key| keys.contains(&key))
}

/// Our own words for noodles' refusals, whose texts may quote the file.
fn reason(error: &noodles_vcf::header::ParseError) -> &'static str {
    use noodles_vcf::header::ParseError as E;
    match error {
        E::DuplicateSampleName(_) => "two samples have one name",
        E::DuplicateInfoId(_)
        | E::DuplicateFilterId(_)
        | E::DuplicateFormatId(_)
        | E::DuplicateAlternativeAlleleId(_)
        | E::DuplicateContigId(_) => "two of its lines define the same name",
        E::InvalidHeader(..) => "the column names are not those of the format",
        E::InvalidUtf8(_) => "it is no UTF-8",
        E::Empty | E::MissingFileFormat | E::UnexpectedFileFormat => "the version line is missing or repeated",
        _ => "one of its lines cannot be read",
    }
}

/// Lines of the text, each at most so long.
struct Lines<'p> {
    text: Box<dyn BufRead + 'p>,
    line: Vec<u8>,
    read: u64,
    compressed: bool,
}

impl<'p> Lines<'p> {
    fn open(payload: &'p [u8]) -> Result<Self, OmicsError> {
        if payload.is_empty() {
            return Err(OmicsError::Empty);
        }
        let compressed = payload.starts_with(BGZIP_MAGIC);
        if compressed && !payload.ends_with(BGZIP_END) {
            return Err(OmicsError::Truncated("the end mark of bgzip is missing"));
        }
        let method = if compressed { CompressionMethod::Bgzf } else { CompressionMethod::None };
        let reader = Builder::default().set_compression_method(method).build_from_reader(payload);
        let mut text = reader.map_err(|_| OmicsError::NotVcf)?.into_inner();
        let start = text.fill_buf().map_err(|_| OmicsError::Compression)?;
        if !start.starts_with(MAGIC) {
            return Err(OmicsError::NotVcf);
        }
        Ok(Self { text, line: Vec::new(), read: 0, compressed })
    }

    /// Reads the next line with its line break; `false` at the end.
    fn next(&mut self, most: u64, what: &'static str) -> Result<bool, OmicsError> {
        self.line.clear();
        let compressed = self.compressed;
        let damaged = |_| if compressed { OmicsError::Compression } else { OmicsError::NotVcf };
        let read = (&mut self.text).take(most + 1).read_until(b'\n', &mut self.line).map_err(damaged)? as u64;
        self.read += read;
        if read > most {
            return Err(OmicsError::Limit { what, limit: most });
        }
        if self.read > MAX_TEXT_BYTES {
            return Err(OmicsError::Limit { what: "the text after decompression in bytes", limit: MAX_TEXT_BYTES });
        }
        if read > 0 && !self.line.ends_with(b"\n") {
            return Err(OmicsError::Truncated("the last line has no line break"));
        }
        Ok(read > 0)
    }

    fn trimmed(&self) -> &[u8] {
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        line.strip_suffix(b"\r").unwrap_or(line)
    }
}
