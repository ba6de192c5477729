//! Reads the two formats into samples.
//!
//! ```text
//! CSV    timestamp,x,y,z            JSON   [{"timestamp": …, "x": …, "y": …, "z": …}, …]
//!        timestamp,steps                   {"Samples": [{"timestamp": …, "steps": …}, …]}
//! ```
//!
//! Names count without regard to case. A timestamp is RFC 3339 (`2024-03-01T08:00:00.02+01:00`) or seconds since 1970
//! (UTC); x, y, z are in g; steps are counted from their timestamp to the next one. A column `subject`, `participant`,
//! `person` or `patient` must hold one value only. Other columns are ignored.

use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    error::BehaviourError,
    limits::{MAX_JSON_BYTES, MAX_SAMPLES},
};

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    /// Seconds since 1970.
    pub(super) at: f64,
    /// Seconds east of Greenwich, where the timestamp says it.
    pub(super) offset: Option<i32>,
    pub(super) measured: Measured,
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Measured {
    /// In g.
    Acceleration([f64; 3]),
    /// A count.
    Steps(f64),
}

/// Hands over every sample in turn.
///
/// # Errors
///
/// [`BehaviourError`], and what `each` refuses.
pub(super) fn csv(
    payload: &[u8],
    mut each: impl FnMut(u64, Sample) -> Result<(), BehaviourError>,
) -> Result<(), BehaviourError> {
    let text = std::str::from_utf8(payload).map_err(|_| BehaviourError::NotText)?;
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(BehaviourError::Empty);
    }
    if !text.ends_with('\n') {
        return Err(BehaviourError::Truncated);
    }
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let names = reader.headers().map_err(|_| BehaviourError::Columns("the first line has no column names"))?;
    let columns = Columns::of(names)?;
    let mut one = One::default();
    let mut record = csv::StringRecord::new();
    for row in 1_u64.. {
        if row > MAX_SAMPLES {
            return Err(BehaviourError::Limit { what: "the number of samples", limit: MAX_SAMPLES });
        }
        let bad = |reason| BehaviourError::Row { row, reason };
        if !reader.read_record(&mut record).map_err(|_| bad("it has not one field for each column"))? {
            break;
        }
        one.check(columns.person.and_then(|place| record.get(place)))?;
        each(row, columns.sample(&record).map_err(bad)?)?;
    }
    Ok(())
}

/// Where the columns are.
struct Columns {
    timestamp: usize,
    measured: Places,
    person: Option<usize>,
}

enum Places {
    Axes([usize; 3]),
    Steps(usize),
}

const PERSON: [&str; 4] = ["subject", "participant", "person", "patient"];

impl Columns {
    fn of(names: &csv::StringRecord) -> Result<Self, BehaviourError> {
        let names = names.iter().map(str::to_ascii_lowercase).collect::<Vec<_>>();
        let place = |name: &str| names.iter().position(|n| n == name);
        let twice = |name: &str| names.iter().filter(|n| *n == name).count() > 1;
        if ["timestamp", "x", "y", "z", "steps"].iter().chain(&PERSON).any(|name| twice(name)) {
            return Err(BehaviourError::Columns("two columns have one name"));
        }
        let timestamp = place("timestamp").ok_or(BehaviourError::Columns("no column is named timestamp"))?;
        let measured = match (place("x"), place("y"), place("z"), place("steps")) {
            (Some(x), Some(y), Some(z), None) => Places::Axes([x, y, z]),
            (None, None, None, Some(steps)) => Places::Steps(steps),
            _ => {
                return Err(BehaviourError::Columns(
                    "the columns are neither those of acceleration nor those of steps",
                ));
            }
        };
        Ok(Self { timestamp, measured, person: PERSON.iter().find_map(|name| place(name)) })
    }

    fn sample(&self, record: &csv::StringRecord) -> Result<Sample, &'static str> {
        let text = |place: usize| record.get(place).unwrap_or_default();
        let number = |place: usize| text(place).parse::<f64>().map_err(|_| "a measured value is no number");
        let (at, offset) = match text(self.timestamp).parse::<f64>() {
            Ok(seconds) => (seconds, None),
            Err(_) => rfc_3339(text(self.timestamp))?,
        };
        let measured = match self.measured {
            Places::Axes([x, y, z]) => Measured::Acceleration([number(x)?, number(y)?, number(z)?]),
            Places::Steps(steps) => Measured::Steps(number(steps)?),
        };
        Ok(Sample { at, offset, measured })
    }
}

/// One person only.
#[derive(Default)]
struct One(Option<String>);

impl One {
    fn check(&mut self, person: Option<&str>) -> Result<(), BehaviourError> {
        match (&self.0, person) {
            (Some(known), Some(person)) if known != person => Err(BehaviourError::MixedPersons),
            (None, Some(person)) => {
                self.0 = Some(person.to_owned());
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    List(Vec<JsonSample>),
    Object {
        #[serde(alias = "samples")]
        #[serde(rename = "Samples")]
        samples: Vec<JsonSample>,
    },
}

#[derive(Deserialize)]
struct JsonSample {
    #[serde(alias = "Timestamp")]
    timestamp: Stamp,
    #[serde(alias = "X")]
    x: Option<f64>,
    #[serde(alias = "Y")]
    y: Option<f64>,
    #[serde(alias = "Z")]
    z: Option<f64>,
    #[serde(alias = "Steps")]
    steps: Option<f64>,
    #[serde(alias = "Subject", alias = "participant", alias = "person", alias = "patient")]
    subject: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Stamp {
    Seconds(f64),
    Text(String),
}

/// As [`csv`], of a JSON document.
///
/// # Errors
///
/// As [`csv`].
pub(super) fn json(
    payload: &[u8],
    mut each: impl FnMut(u64, Sample) -> Result<(), BehaviourError>,
) -> Result<(), BehaviourError> {
    if payload.len() > MAX_JSON_BYTES {
        return Err(BehaviourError::Limit { what: "the JSON document in bytes", limit: MAX_JSON_BYTES as u64 });
    }
    if payload.iter().all(u8::is_ascii_whitespace) {
        return Err(BehaviourError::Empty);
    }
    let document = serde_json::from_slice(payload).map_err(|e| BehaviourError::Json { line: e.line() })?;
    let samples = match document {
        Document::List(samples) | Document::Object { samples } => samples,
    };
    let mut one = One::default();
    for (row, sample) in (1_u64..).zip(samples) {
        one.check(sample.subject.as_deref())?;
        let bad = |reason| BehaviourError::Row { row, reason };
        let (at, offset) = match sample.timestamp {
            Stamp::Seconds(seconds) => (seconds, None),
            Stamp::Text(text) => rfc_3339(&text).map_err(bad)?,
        };
        let measured = match (sample.x, sample.y, sample.z, sample.steps) {
            (Some(x), Some(y), Some(z), None) => Measured::Acceleration([x, y, z]),
            (None, None, None, Some(steps)) => Measured::Steps(steps),
            _ => return Err(bad("it has neither x, y and z nor steps")),
        };
        each(row, Sample { at, offset, measured })?;
    }
    Ok(())
}

fn rfc_3339(text: &str) -> Result<(f64, Option<i32>), &'static str> {
    let instant = OffsetDateTime::parse(text, &Rfc3339);
    let instant = instant.map_err(|_| "its timestamp is neither RFC 3339 nor seconds since 1970")?;
    // Nanoseconds of the years 0 to 9999 in f64: exact to a microsecond, and samples are milliseconds apart.
    Ok((instant.unix_timestamp_nanos() as f64 / 1e9, Some(instant.offset().whole_seconds())))
}
