//! Arithmetic of the sealed format: where the plain bytes of an object lie among its stored bytes.
//!
//! ```text
//!   stored:  header 83 · chunk 0 (65536+16) · chunk 1 (65536+16) · … · last chunk (0…65536 +16)
//!   plain :              0 … 65535           65536 … 131071            …  length-1
//! ```
//!
//! Every chunk but the last is full; the last is empty only when it is the only one. So the stored length alone gives
//! number of chunks and plain length, and a stored length that no payload gives is refused.

use std::ops::Range;

/// Plain bytes in every chunk but the last.
pub(super) const CHUNK_BYTES: u64 = 64 * 1024;
/// Bytes the authentication tag adds to each chunk.
pub(super) const TAG_BYTES: u64 = 16;
/// Stored bytes of a full chunk.
pub(super) const SEALED_BYTES: u64 = CHUNK_BYTES + TAG_BYTES;
/// Stored bytes before the first chunk.
pub(super) const HEADER_BYTES: u64 = 8 + 4 + 7 + 32 + 32;
/// The chunk counter has 32 bits.
pub(super) const MOST_CHUNKS: u64 = 1 << 32;

/// The shape of one sealed object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    stored: u64,
    chunks: u64,
}

impl Layout {
    /// The shape of an object of `stored` bytes; nothing when no payload seals to that length.
    pub(super) fn of_stored(stored: u64) -> Option<Self> {
        let body = stored.checked_sub(HEADER_BYTES)?;
        let chunks = body.div_ceil(SEALED_BYTES);
        let last = body.checked_sub(chunks.checked_sub(1)? * SEALED_BYTES)?;
        let shortest = if chunks == 1 { TAG_BYTES } else { TAG_BYTES + 1 };
        (last >= shortest && chunks <= MOST_CHUNKS).then_some(Self { stored, chunks })
    }

    /// Plain length of the whole object.
    pub(super) fn plain(&self) -> u64 {
        self.stored - HEADER_BYTES - self.chunks * TAG_BYTES
    }

    /// Number of the last chunk.
    pub(super) fn last(&self) -> u64 {
        self.chunks - 1
    }

    /// Stored bytes of chunks `first` up to and including `last`.
    pub(super) fn stored_range(&self, first: u64, last: u64) -> Range<u64> {
        let start = HEADER_BYTES + first * SEALED_BYTES;
        let end = HEADER_BYTES + (last + 1) * SEALED_BYTES;
        start..end.min(self.stored)
    }

    /// The part of chunk `chunk`'s plain bytes that lies within `plain`, relative to the chunk.
    pub(super) fn within(&self, chunk: u64, plain: &Range<u64>) -> Range<usize> {
        let base = chunk * CHUNK_BYTES;
        let start = plain.start.saturating_sub(base).min(CHUNK_BYTES);
        let end = plain.end.saturating_sub(base).min(CHUNK_BYTES);
        // Both are at most CHUNK_BYTES, so they fit.
        start as usize..end as usize
    }
}

/// Number of the chunk that holds plain byte `offset`.
pub(super) fn chunk_of(offset: u64) -> u64 {
    offset / CHUNK_BYTES
}
