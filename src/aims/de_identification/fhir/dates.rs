//! Dates: shifted by one number of days for the person, or the year alone.
//!
//! A shift keeps order and distance. Times of day are kept, in UTC, since an offset says where somebody lives. A date known
//! to the month or year is shifted from its middle and stays as inexact. With `year`, an `instant` (which cannot be a year)
//! and times of day are dropped.
//!
//! Of somebody over 89 the birth date becomes the year 91 years before the newest date of the record, whatever it was, and
//! dates of more than 89 years ago are dropped (45 CFR 164.514(b)(2)(i)(C)).

use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::aims::aih_data_processing::clinical::{
    ClinicalError, Record,
    condition::age,
    date_asked::newest_date,
    moment::{Moment, Precision},
};

const OLDEST_YEARS: i32 = 89;

/// What becomes of dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateRule {
    /// Moved by so many days.
    Shift {
        /// The days, negative.
        days: i64,
    },
    /// The year alone.
    Year,
}

/// What is known of the person's age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    /// 89 or less at the newest date.
    Known,
    /// Over 89: the newest date of the record.
    Over(OffsetDateTime),
    /// No date to tell it at.
    Unknown,
    /// The record has no birth date.
    NotStated,
}

/// The rule of one record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dates {
    rule: DateRule,
    age: Age,
}

impl Dates {
    /// For a record.
    ///
    /// # Errors
    /// [`ClinicalError::Element`] when a date that decides about the age is none.
    pub fn of(record: &Record, rule: DateRule) -> Result<Self, ClinicalError> {
        let born = record.patient().is_some_and(|patient| patient.contains_key("birthDate"));
        let age = match (born, newest_date(record)?) {
            (false, _) => Age::NotStated,
            (true, None) => Age::Unknown,
            (true, Some(newest)) => match age(record, &newest)? {
                Some((_, most)) if most > OLDEST_YEARS => Age::Over(newest.last),
                _ => Age::Known,
            },
        };
        Ok(Self { rule, age })
    }

    /// Whether dates are shifted.
    pub fn shifts(&self) -> bool {
        matches!(self.rule, DateRule::Shift { .. })
    }

    /// What a reader must know about the age.
    pub fn note(&self) -> &'static str {
        match self.age {
            Age::Known => "The age was 89 or less at the newest date of the record; it may be more by now",
            Age::Over(_) => {
                "The age is over 89 and given as 90 or more, by a birth year 91 years before the newest date"
            }
            Age::Unknown => "The record has no date at which to tell the age: the birth date was removed",
            Age::NotStated => "The record states no birth date",
        }
    }

    /// A date or dateTime.
    pub fn date(&self, text: &str) -> Option<String> {
        let moment = Moment::parse(text)?;
        if let Age::Over(newest) = self.age
            && newest.year() - moment.last.year() > OLDEST_YEARS
        {
            return None;
        }
        match self.rule {
            DateRule::Year => text.get(..4).map(str::to_owned),
            DateRule::Shift { days } => shifted(&moment, days),
        }
    }

    /// An instant, which must stay exact.
    pub fn instant(&self, text: &str) -> Option<String> {
        self.shifts().then(|| self.date(text)).flatten()
    }

    /// A time of day: `hh:mm:ss`.
    pub fn time(&self, text: &str) -> Option<String> {
        let form = text.len() == 8
            && text.bytes().enumerate().all(|(at, b)| if at % 3 == 2 { b == b':' } else { b.is_ascii_digit() });
        (self.shifts() && form).then(|| text.to_owned())
    }

    /// The birth date.
    pub fn birth(&self, text: &str) -> Option<String> {
        match self.age {
            Age::Known | Age::NotStated => self.date(text),
            Age::Unknown => None,
            Age::Over(newest) => {
                let days = if let DateRule::Shift { days } = self.rule { days } else { 0 };
                let newest = newest.checked_add(Duration::days(days))?;
                Some(format!("{:04}", newest.year() - OLDEST_YEARS - 2))
            }
        }
    }
}

fn shifted(moment: &Moment, days: i64) -> Option<String> {
    let middle: OffsetDateTime = moment.first + (moment.last - moment.first) / 2;
    let at = middle.checked_add(Duration::days(days))?;
    let date = at.date();
    Some(match moment.precision {
        Precision::Year => format!("{:04}", date.year()),
        Precision::Month => format!("{:04}-{:02}", date.year(), u8::from(date.month())),
        Precision::Day => date.to_string(),
        Precision::Second => at.format(&Rfc3339).ok()?,
    })
}
