//! What a file may claim at most. A claim beyond a limit is refused before memory is taken for it.

/// Most channels (signals) of one recording.
pub const MAX_CHANNELS: usize = 512;

/// Largest data record, in bytes. The format advises 61,440.
pub const MAX_RECORD_BYTES: u64 = 16 * 1024 * 1024;

/// Most annotations of one recording: one a second for twelve days, or every beat of two days at 350/min.
pub const MAX_ANNOTATIONS: usize = 1_000_000;

/// Most bytes of annotation text of one recording.
pub const MAX_ANNOTATION_TEXT_BYTES: usize = 16 * 1024 * 1024;
