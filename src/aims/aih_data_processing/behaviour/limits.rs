//! What a behavioural recording may claim at most.

/// Most samples: fourteen days at 50 Hz.
pub const MAX_SAMPLES: u64 = 64_000_000;
/// Longest recording, in days.
pub const MAX_DAYS: u64 = 60;
/// Longest recording of steps, in days.
pub const MAX_STEP_DAYS: u64 = 800;
/// Largest JSON document, in bytes: it is held whole.
pub const MAX_JSON_BYTES: usize = 256 << 20;
/// Fewest samples of raw acceleration a second. ENMO of slower or averaged samples is another quantity.
pub const MIN_RATE_HZ: u32 = 10;
/// Largest believable acceleration of a body-worn sensor, in g.
pub const MAX_ACCELERATION_G: f64 = 20.0;
/// Most believable steps a second; sprinters reach five.
pub const MAX_STEPS_PER_SECOND: f64 = 6.0;
