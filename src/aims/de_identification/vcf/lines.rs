//! The lines of a VCF file, plain or compressed by bgzip, each at most so long.

use std::io::{BufRead, Read};

use noodles_vcf::io::{CompressionMethod, reader::Builder};

use super::error::VcfTreatmentError;

/// Longest line, in bytes.
const MAX_LINE_BYTES: u64 = 16 << 20;
/// Most text after decompression, in bytes; what is written is held in memory.
const MAX_TEXT_BYTES: u64 = 512 << 20;
/// First bytes of every VCF 4 file.
const MAGIC: &[u8] = b"##fileformat=VCFv4.";
/// First bytes of a bgzip block, and the empty block that ends a file (SAM specification, section 4.1.2).
const BLOCK: &[u8] = &[0x1f, 0x8b, 0x08, 0x04];
const LAST_BLOCK: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x04, 0, 0, 0, 0, 0, 0xff, 0x06, 0, 0x42, 0x43, 0x02, 0, 0x1b, 0, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

/// Lines, read one by one.
pub(super) struct Lines<'p> {
    text: Box<dyn BufRead + 'p>,
    line: Vec<u8>,
    bytes: u64,
    /// Number of the line last read, counted from 1.
    pub(super) number: u64,
}

impl<'p> Lines<'p> {
    pub(super) fn open(payload: &'p [u8]) -> Result<Self, VcfTreatmentError> {
        if payload.is_empty() {
            return Err(VcfTreatmentError::Empty);
        }
        let compressed = payload.starts_with(BLOCK);
        if compressed && !payload.ends_with(LAST_BLOCK) {
            return Err(VcfTreatmentError::Compression);
        }
        let method = if compressed { CompressionMethod::Bgzf } else { CompressionMethod::None };
        let reader = Builder::default().set_compression_method(method).build_from_reader(payload);
        let mut text = reader.map_err(|_| VcfTreatmentError::NotVcf)?.into_inner();
        let start = text.fill_buf().map_err(|_| VcfTreatmentError::Compression)?;
        if !start.starts_with(MAGIC) {
            return Err(VcfTreatmentError::NotVcf);
        }
        Ok(Self { text, line: Vec::new(), bytes: 0, number: 0 })
    }

    /// The next line without its line break; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<&str>, VcfTreatmentError> {
        self.line.clear();
        let read = (&mut self.text).take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut self.line);
        let read = read.map_err(|_| VcfTreatmentError::Compression)? as u64;
        self.bytes += read;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if read > MAX_LINE_BYTES {
            return Err(VcfTreatmentError::Limit { what: "a line", limit: MAX_LINE_BYTES });
        }
        if self.bytes > MAX_TEXT_BYTES {
            return Err(VcfTreatmentError::Limit { what: "the text", limit: MAX_TEXT_BYTES });
        }
        let line = self.line.strip_suffix(b"\n").ok_or(VcfTreatmentError::Truncated)?;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let not_text = VcfTreatmentError::Record { line: self.number, reason: "it is no UTF-8" };
        std::str::from_utf8(line).map(Some).map_err(|_| not_text)
    }
}
