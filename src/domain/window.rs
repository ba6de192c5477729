//! Half-open intervals of whole seconds since 1970-01-01T00:00:00Z.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The largest second the contract's 40-bit fields and RFC 3339 both hold: 9999-12-31T23:59:59Z.
pub const LAST_SECOND: u64 = 253_402_300_799;

/// Why two texts are not an interval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// Not RFC 3339 in UTC.
    #[error("`{0}` is not a time in RFC 3339 UTC, such as 2026-01-31T12:00:00Z")]
    Time(String),
    /// Fractions of a second cannot be expressed on chain and are not rounded.
    #[error("`{0}` has a fraction of a second, which a licence cannot express")]
    Fraction(String),
    /// Before 1970 or after 9999.
    #[error("`{0}` lies outside the years a licence can express (1970 to 9999)")]
    Range(String),
    /// The end is not after the start.
    #[error("it ends at or before its start")]
    Empty,
}

/// `[start, end)` in seconds since 1970, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    start: u64,
    end: u64,
}

impl Window {
    /// From seconds since 1970.
    ///
    /// # Errors
    /// When the end is not after the start, or lies after the year 9999.
    pub fn new(start: u64, end: u64) -> Result<Self, WindowError> {
        if end > LAST_SECOND {
            return Err(WindowError::Range(end.to_string()));
        }
        if start >= end {
            return Err(WindowError::Empty);
        }
        Ok(Self { start, end })
    }

    /// First second inside.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// First second after.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The part both have in common, if any.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end)).ok()
    }
}

/// Reads a time as whole seconds since 1970.
///
/// # Errors
/// When it is not RFC 3339 in UTC, has a fraction of a second, or lies outside 1970–9999.
pub fn seconds(text: &str) -> Result<u64, WindowError> {
    let parsed =
        OffsetDateTime::parse(text, &Rfc3339).map_err(|_| WindowError::Time(text.chars().take(40).collect()))?;
    if !parsed.offset().is_utc() || !text.ends_with('Z') {
        return Err(WindowError::Time(text.chars().take(40).collect()));
    }
    if parsed.nanosecond() != 0 {
        return Err(WindowError::Fraction(text.to_owned()));
    }
    u64::try_from(parsed.unix_timestamp()).map_err(|_| WindowError::Range(text.to_owned()))
}

/// Writes whole seconds since 1970 as RFC 3339 UTC; seconds beyond the year 9999 are written as a number.
pub fn rfc3339(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|s| OffsetDateTime::from_unix_timestamp(s).ok())
        .and_then(|t| t.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("second {seconds}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_round_trip() {
        assert_eq!(rfc3339(seconds("2026-11-22T08:00:00Z").unwrap()), "2026-11-22T08:00:00Z");
    }

    #[test]
    fn what_cannot_be_expressed_is_refused() {
        for bad in [
            "2026-11-22",
            "2026-11-22T08:00:00+01:00",
            "2026-11-22T08:00:00.5Z",
            "1969-12-31T23:59:59Z",
            "2026-02-30T00:00:00Z",
        ] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
        assert_eq!(Window::new(5, 5), Err(WindowError::Empty));
        assert!(Window::new(0, LAST_SECOND + 1).is_err());
    }
}
