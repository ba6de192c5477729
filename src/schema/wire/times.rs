//! Times and intervals on the wire.
//!
//! Two kinds of time are told apart: a [`ChainTime`] has whole seconds, because licence terms and intended times go on
//! chain and are not rounded on the way; a [`DateTime`] may have a fraction and keeps its spelling, so that a message
//! is written again as it was read.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use crate::domain::window::{self, Window, WindowError};

/// An instant in RFC 3339 UTC, with its spelling.
#[derive(Clone)]
pub struct DateTime {
    text: String,
    at: OffsetDateTime,
}

impl DateTime {
    /// An instant, written in UTC with as many digits of a second as it needs.
    ///
    /// # Errors
    /// When it lies outside the years 0 to 9999, which RFC 3339 can write.
    pub fn new(at: OffsetDateTime) -> Result<Self, WindowError> {
        let refuse = || WindowError::Range(format!("second {}", at.unix_timestamp()));
        let at = at.checked_to_offset(UtcOffset::UTC).ok_or_else(refuse)?;
        let text = at.format(&Rfc3339).map_err(|_| refuse())?;
        Ok(Self { text, at })
    }

    /// The instant this many microseconds after 1970-01-01T00:00:00Z, as the clock gives it.
    ///
    /// # Errors
    /// When it lies outside the years 0 to 9999.
    pub fn from_micros(micros: i64) -> Result<Self, WindowError> {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
            .map_err(|_| WindowError::Range(micros.to_string()))
            .and_then(Self::new)
    }

    /// The instant this many seconds after 1970-01-01T00:00:00Z, as a block gives it.
    ///
    /// # Errors
    /// When it lies after the year 9999.
    pub fn from_seconds(seconds: u64) -> Result<Self, WindowError> {
        let refuse = || WindowError::Range(seconds.to_string());
        let signed = i64::try_from(seconds).map_err(|_| refuse())?;
        OffsetDateTime::from_unix_timestamp(signed).map_err(|_| refuse()).and_then(Self::new)
    }

    /// The instant.
    pub fn at(&self) -> OffsetDateTime {
        self.at
    }

    /// As it stands in the message.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for DateTime {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for DateTime {}

impl fmt::Debug for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match OffsetDateTime::parse(&text, &Rfc3339) {
            Ok(at) if at.offset().is_utc() && text.ends_with('Z') => Ok(Self { text, at }),
            _ => Err(de::Error::custom("not a time in RFC 3339 UTC")),
        }
    }
}

/// An instant in whole seconds since 1970-01-01T00:00:00Z, written in RFC 3339 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChainTime(u64);

impl ChainTime {
    /// From seconds since 1970.
    ///
    /// # Errors
    /// When it lies after the year 9999.
    pub fn new(seconds: u64) -> Result<Self, WindowError> {
        if seconds > window::LAST_SECOND {
            return Err(WindowError::Range(seconds.to_string()));
        }
        Ok(Self(seconds))
    }

    /// Seconds since 1970.
    pub const fn seconds(self) -> u64 {
        self.0
    }
}

impl Serialize for ChainTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&window::rfc3339(self.0))
    }
}

impl<'de> Deserialize<'de> for ChainTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        window::seconds(&text).map(Self).map_err(|_| de::Error::custom("not a time in whole seconds UTC"))
    }
}

/// A half-open interval `[StartTime, EndTime)`. That it runs forward is checked with the schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Interval {
    /// First instant inside.
    pub start_time: DateTime,
    /// First instant after.
    pub end_time: DateTime,
}

impl Interval {
    /// Whether an instant lies inside.
    pub fn contains(&self, at: OffsetDateTime) -> bool {
        self.start_time.at <= at && at < self.end_time.at
    }
}

/// A half-open interval `[StartTime, EndTime)` of licence terms, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct LicenceInterval {
    /// First second inside.
    pub start_time: ChainTime,
    /// First second after.
    pub end_time: ChainTime,
}

impl LicenceInterval {
    /// As the domain holds it.
    ///
    /// # Errors
    /// When it is empty or runs backwards.
    pub fn window(&self) -> Result<Window, WindowError> {
        Window::new(self.start_time.0, self.end_time.0)
    }
}

impl From<Window> for LicenceInterval {
    fn from(window: Window) -> Self {
        Self { start_time: ChainTime(window.start()), end_time: ChainTime(window.end()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten<T: Serialize + for<'de> Deserialize<'de>>(text: &str) -> serde_json::Result<String> {
        serde_json::to_string(&serde_json::from_str::<T>(&format!("\"{text}\""))?)
    }

    #[test]
    fn times_keep_their_spelling() {
        for text in ["2026-11-22T08:00:00Z", "2026-11-22T08:00:00.500Z", "0000-01-01T00:00:00.000000001Z"] {
            assert_eq!(rewritten::<DateTime>(text).unwrap(), format!("\"{text}\""));
        }
        assert_eq!(rewritten::<ChainTime>("9999-12-31T23:59:59Z").unwrap(), "\"9999-12-31T23:59:59Z\"");
    }

    #[test]
    fn other_offsets_and_lost_fractions_are_refused() {
        for bad in ["2026-11-22T08:00:00+01:00", "2026-11-22T08:00:00-00:00", "2026-11-22", "now"] {
            assert!(rewritten::<DateTime>(bad).is_err(), "{bad}");
        }
        assert!(rewritten::<ChainTime>("2026-11-22T08:00:00.5Z").is_err());
        assert!(ChainTime::new(window::LAST_SECOND + 1).is_err());
        assert!(DateTime::from_seconds(u64::MAX).is_err() && DateTime::from_seconds(window::LAST_SECOND + 1).is_err());
        assert!(DateTime::from_micros(i64::MIN).is_err());
    }

    #[test]
    fn times_of_clock_and_chain_are_written_in_utc() {
        assert_eq!(DateTime::from_seconds(1_767_225_600).unwrap().as_str(), "2026-01-01T00:00:00Z");
        assert_eq!(DateTime::from_micros(1_767_225_600_250_000).unwrap().as_str(), "2026-01-01T00:00:00.25Z");
    }

    #[test]
    fn an_interval_is_half_open() {
        let time = |seconds| DateTime::from_seconds(seconds).unwrap();
        let interval = Interval { start_time: time(10), end_time: time(20) };
        assert!(interval.contains(time(10).at()) && interval.contains(time(19).at()));
        assert!(!interval.contains(time(20).at()) && !interval.contains(time(9).at()));
        let backwards = LicenceInterval { start_time: ChainTime(20), end_time: ChainTime(20) };
        assert_eq!(backwards.window(), Err(WindowError::Empty));
    }
}
