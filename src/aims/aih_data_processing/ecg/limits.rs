//! What a payload may claim at most. A claim beyond a limit is refused before memory is taken for it.

pub use super::super::edf::limits::{MAX_ANNOTATION_TEXT_BYTES, MAX_ANNOTATIONS, MAX_CHANNELS};

/// Highest sampling rate a lead may have, in hertz. Diagnostic ECG ends at 1,000 Hz; some research
/// recorders reach several thousand.
pub const MAX_SAMPLING_RATE_HZ: f64 = 10_000.0;

/// Most samples of one lead: 24 hours at 360 Hz, 125 MB as `f32`.
pub const MAX_SAMPLES: u64 = 32_000_000;

/// Largest WFDB header file, in bytes. 512 signal lines need a tenth of it.
pub const MAX_WFDB_HEADER_BYTES: u64 = 256 * 1024;

/// Most files in the tar archive of one WFDB record.
pub const MAX_ARCHIVE_ENTRIES: usize = 64;

/// Largest extended header of an archive member, in bytes.
pub const MAX_PAX_HEADER_BYTES: u64 = 4 * 1024;

/// Most samples of one signal in one WFDB frame.
pub const MAX_SAMPLES_PER_FRAME: u32 = 1_000;

/// Largest believable electrode voltage, in millivolts. Direct-coupled amplifiers add electrode offsets of
/// some 300 mV; a volt is no ECG.
pub const MAX_AMPLITUDE_MV: f32 = 1_000.0;

/// Largest share of samples that may be marked as missing.
pub const MAX_MISSING_SHARE: f64 = 0.1;
