//! What a VCF payload or a weight file may claim at most.

/// Largest header, in bytes. The header of a file aligned to all alternate contigs of GRCh38 takes half a megabyte.
pub const MAX_HEADER_BYTES: u64 = 64 << 20;
/// Longest record line, in bytes: 100,000 samples with five short fields each, or a long structural variant.
pub const MAX_RECORD_BYTES: u64 = 16 << 20;
/// Most bytes after decompression. A human genome's variants are about 1.2 GB of text.
pub const MAX_TEXT_BYTES: u64 = 8 << 30;
/// Most records.
pub const MAX_RECORDS: u64 = 100_000_000;
/// Most samples.
pub const MAX_SAMPLES: usize = 100_000;
/// Most alternate alleles of one record.
pub const MAX_ALTERNATES: usize = 1_000;
/// Most different chromosomes, contigs or filters that are counted one by one.
pub const MAX_NAMES: usize = 10_000;
/// Most rows of a weight file: what an index of them may take in memory. A few genome-wide scores are larger.
pub const MAX_WEIGHTS: usize = 3_000_000;
/// Largest product of weights and samples: one byte is held for each.
pub const MAX_DOSAGES: usize = 200_000_000;
