//! Dates and times as FHIR writes them, with the precision they have.
//!
//! `2012`, `2012-05`, `2012-05-24` and `2012-05-24T08:30:00+11:00` are all dateTimes (R4, 2.24.0.1). A moment keeps the
//! first and the last second it can mean, so that comparing two of them can be sure, or say that it is not.
//! Instants are kept in UTC, and the offset they were written with beside them, for the day of a time is the day where it
//! happened; a date has no offset and is taken as UTC. Moments are compared as instants.

use serde_json::{Map, Value};
use time::{Date, Duration, Month, OffsetDateTime, Time, format_description::well_known::Rfc3339};

use super::{error::ClinicalError, reading::Resource};

/// How exactly a moment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// Only the year.
    Year,
    /// Year and month.
    Month,
    /// The day.
    Day,
    /// To the second or finer.
    Second,
}

/// A date or time with its precision.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The first instant it can mean.
    pub first: OffsetDateTime,
    /// The last whole second it can mean.
    pub last: OffsetDateTime,
    /// How exactly it is written.
    pub precision: Precision,
    /// The offset it is written with.
    offset: time::UtcOffset,
}

/// Wherever it was written down.
impl PartialEq for Moment {
    fn eq(&self, other: &Self) -> bool {
        (self.first, self.last, self.precision) == (other.first, other.last, other.precision)
    }
}

impl Eq for Moment {}

impl Moment {
    /// Parses a FHIR date, dateTime or instant.
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains('T') {
            let written = OffsetDateTime::parse(text, &Rfc3339).ok()?;
            // In UTC it may lie beyond the year 9999.
            let at = written.checked_to_offset(time::UtcOffset::UTC)?;
            return Some(Self { first: at, last: at, precision: Precision::Second, offset: written.offset() });
        }
        let parts: Vec<&str> = text.split('-').collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        if !matches!(lengths.as_slice(), [4] | [4, 2] | [4, 2, 2])
            || !text.bytes().all(|b| b == b'-' || b.is_ascii_digit())
        {
            return None;
        }
        let number = |at: usize| parts.get(at).and_then(|part| part.parse::<u16>().ok());
        let year = i32::from(number(0)?);
        let month = match number(1) {
            Some(month) => Some(Month::try_from(u8::try_from(month).ok()?).ok()?),
            None => None,
        };
        let day = number(2).map(u8::try_from).transpose().ok()?;
        let (from, to, precision) = match (month, day) {
            (Some(month), Some(day)) => {
                let date = Date::from_calendar_date(year, month, day).ok()?;
                (date, date, Precision::Day)
            }
            (Some(month), None) => {
                let to = Date::from_calendar_date(year, month, month.length(year)).ok()?;
                (Date::from_calendar_date(year, month, 1).ok()?, to, Precision::Month)
            }
            _ => {
                let to = Date::from_calendar_date(year, Month::December, 31).ok()?;
                (Date::from_calendar_date(year, Month::January, 1).ok()?, to, Precision::Year)
            }
        };
        let last = OffsetDateTime::new_utc(to, Time::MIDNIGHT) + Duration::seconds(86_399);
        Some(Self {
            first: OffsetDateTime::new_utc(from, Time::MIDNIGHT),
            last,
            precision,
            offset: time::UtcOffset::UTC,
        })
    }

    /// The moment in an element of a resource.
    ///
    /// # Errors
    /// [`ClinicalError::Element`] when it is there and not a FHIR date.
    pub fn in_element(resource: &Resource, element: &'static str) -> Result<Option<Self>, ClinicalError> {
        Self::in_map(&resource.body, element, || resource.place())
    }

    /// The moment in an element of a part of a resource.
    ///
    /// # Errors
    /// [`ClinicalError::Element`] when it is there and not a FHIR date.
    pub fn in_map(
        map: &Map<String, Value>,
        element: &'static str,
        place: impl Fn() -> String,
    ) -> Result<Option<Self>, ClinicalError> {
        let Some(value) = map.get(element) else { return Ok(None) };
        let moment = value.as_str().and_then(Self::parse);
        let invalid = || ClinicalError::Element { place: place(), element, reason: "it is not a FHIR date" };
        moment.map(Some).ok_or_else(invalid)
    }

    /// The first and the last day it can mean, on the calendar of where it was written down.
    pub fn days(&self) -> (Date, Date) {
        // It was parsed with this offset, so it has a date in it.
        let day = |at: OffsetDateTime| at.checked_to_offset(self.offset).unwrap_or(at).date();
        (day(self.first), day(self.last))
    }

    /// Whether it surely lies after another.
    pub fn is_after(&self, other: &Self) -> bool {
        self.first > other.last
    }

    /// Seconds since 1970 of its first instant.
    pub fn seconds(&self) -> f64 {
        self.first.unix_timestamp_nanos() as f64 / 1e9
    }

    /// RFC 3339, in UTC, of its first instant; a bare date when that is all that is known.
    pub fn text(&self) -> String {
        let date = self.first.date();
        match self.precision {
            Precision::Year => format!("{:04}", date.year()),
            Precision::Month => format!("{:04}-{:02}", date.year(), u8::from(date.month())),
            Precision::Day => date.to_string(),
            // Cannot fail for years 0 to 9999, and only those parse.
            Precision::Second => self.first.format(&Rfc3339).unwrap_or_else(|_| date.to_string()),
        }
    }

    /// Full years from `birth` to `self`: the least and the most they can be.
    pub fn years_since(&self, birth: &Self) -> (i32, i32) {
        let (born, on) = (birth.days(), self.days());
        (full_years(born.1, on.0), full_years(born.0, on.1))
    }
}

/// Birthdays between two days; someone born on 29 February has theirs on 1 March of other years.
fn full_years(born: Date, on: Date) -> i32 {
    let had_birthday = (u8::from(on.month()), on.day()) >= (u8::from(born.month()), born.day());
    on.year() - born.year() - i32::from(!had_birthday)
}
