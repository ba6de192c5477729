//! The one place that reads the system clock. Everything that depends on time takes a [`Clock`], so tests can set it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// A source of wall-clock time; copies share their source.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Microseconds added to the system's time; zero outside tests.
    shift: Arc<AtomicI64>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn micros(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Microseconds fit 63 bits for 292,000 years.
        since.as_micros() as i64 + self.shift.load(Ordering::Relaxed)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn seconds(&self) -> u64 {
        u64::try_from(self.micros() / 1_000_000).unwrap_or_default()
    }

    /// Moves this clock and its copies, as a test of expiry or of a wrong clock does.
    pub fn shift_seconds(&self, seconds: i64) {
        self.shift.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }
}
