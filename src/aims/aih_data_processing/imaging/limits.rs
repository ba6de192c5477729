//! What a DICOM payload may claim at most. A claim beyond a limit is refused before memory is taken for it.

/// Largest payload, in bytes. It stands in memory up to three times (as it came, as elements, as numbers), and the
/// child process has 2 GiB.
pub const MAX_PAYLOAD_BYTES: usize = 256 * 1024 * 1024;

/// Most data elements of one file, nested ones included. An enhanced CT of 1,000 frames has some 60,000.
pub const MAX_ELEMENTS: usize = 500_000;

/// Deepest nesting of sequences. Structured reports reach about ten.
pub const MAX_DEPTH: usize = 24;

/// Most pixels of one file, all frames together: 512 × 512 × 128. Each costs 4 bytes for its value and at most 4 for
/// its label.
pub const MAX_PIXELS: u64 = 32 * 1024 * 1024;

/// Most frames of one file.
pub const MAX_FRAMES: u64 = 10_000;

/// Most connected pieces of a thresholded frame. More is noise, and each costs memory.
pub const MAX_STRUCTURES: usize = 1_000_000;

/// Most structures a result lists, the largest first; their whole number is always told.
pub const MAX_LISTED_STRUCTURES: usize = 500;

/// Most grey levels of a co-occurrence matrix, which has the square of it as entries.
pub const MAX_GREY_LEVELS: usize = 1_024;

/// Largest believable distance between pixels or slices, in millimetres.
pub const MAX_SPACING_MM: f64 = 100.0;
