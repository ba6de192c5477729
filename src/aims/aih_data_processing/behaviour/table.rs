//! Reads the two formats into samples.
//!
//! ```text
//! CSV    timestamp,x,y,z            JSON   [{"timestamp": …, "x": …, "y": …, "z": …}, …]
//!        timestamp,steps                   {"Samples": [{"timestamp": …, "steps": …}, …]}
//! ```
//!
//! Names count without regard to case. A timestamp is RFC 3339 (`2024-03-01T08:00:00.02+01:00`) or seconds since 1970
//! (UTC); x, y, z are in g; steps are counted from their timestamp to the next one. `subject`, `participant`, `person` and
//! `patient` must each hold one value only, the same in all samples. Other columns are ignored.

use serde::Deserialize;
use serde_json::Value;
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
    let mut one: [One; PERSON.len()] = Default::default();
    let mut record = csv::StringRecord::new();
    for row in 1_u64.. {
        if row > MAX_SAMPLES {
            return Err(BehaviourError::Limit { what: "the number of samples", limit: MAX_SAMPLES });
        }
        let bad = |reason| BehaviourError::Row { row, reason };
        if !reader.read_record(&mut record).map_err(|_| bad("it has not one field for each column"))? {
            break;
        }
        // A quotation mark that nobody closed makes one field of the rest of the file.
        if record.iter().any(|field| field.contains(['\n', '\r'])) {
            return Err(bad("a quoted field goes over several lines"));
        }
        for (one, place) in one.iter_mut().zip(columns.person) {
            one.check(place.and_then(|place| record.get(place)))?;
        }
        each(row, columns.sample(&record).map_err(bad)?)?;
    }
    Ok(())
}

/// Where the columns are.
struct Columns {
    timestamp: usize,
    measured: Places,
    person: [Option<usize>; PERSON.len()],
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
        Ok(Self { timestamp, measured, person: PERSON.map(place) })
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

/// One person only, who is named in every sample or in none.
#[derive(Default)]
struct One(Option<Option<String>>);

impl One {
    fn check(&mut self, person: Option<&str>) -> Result<(), BehaviourError> {
        match &self.0 {
            Some(known) if known.as_deref() != person => Err(BehaviourError::MixedPersons),
            Some(_) => Ok(()),
            None => {
                self.0 = Some(person.map(str::to_owned));
                Ok(())
            }
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
    #[serde(alias = "Timestamp", alias = "TIMESTAMP")]
    timestamp: Stamp,
    #[serde(alias = "X")]
    x: Option<f64>,
    #[serde(alias = "Y")]
    y: Option<f64>,
    #[serde(alias = "Z")]
    z: Option<f64>,
    #[serde(alias = "Steps", alias = "STEPS")]
    steps: Option<f64>,
    /// Everything else: what names a person is looked for there, in any case of letters.
    #[serde(flatten)]
    others: serde_json::Map<String, Value>,
}

impl JsonSample {
    /// The person, by each of the names that may say it.
    fn persons(&self) -> Result<[Option<&str>; PERSON.len()], BehaviourError> {
        let mut persons = [None; PERSON.len()];
        for (name, value) in &self.others {
            let Some(place) = PERSON.iter().position(|known| known.eq_ignore_ascii_case(name)) else { continue };
            let person = match value {
                Value::Null => None,
                Value::String(person) => Some(person.as_str()),
                _ => return Err(BehaviourError::Columns("a person is named by something that is no text")),
            };
            if persons[place].is_some_and(|known| Some(known) != person) {
                return Err(BehaviourError::MixedPersons);
            }
            persons[place] = person;
        }
        Ok(persons)
    }
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
    let mut one: [One; PERSON.len()] = Default::default();
    for (row, sample) in (1_u64..).zip(samples) {
        for (one, person) in one.iter_mut().zip(sample.persons()?) {
            one.check(person)?;
        }
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
