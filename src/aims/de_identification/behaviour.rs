//! De-identification of behavioural recordings (accelerometry, step counts) as CSV or JSON.
//!
//! | Part | What stays |
//! | --- | --- |
//! | `timestamp` | moved back by 1 to 52 whole weeks, the same for all of a person: order, intervals, weekday and clock stay |
//! | `x`, `y`, `z`, `steps` | unchanged |
//! | `subject`, `participant`, `person`, `patient` | as `subject`, a keyed pseudonym |
//! | every other column or property (device, serial number, place, note) | nothing |
//!
//! The recording is written anew from these; what is no time and no number is refused and not passed on. **What remains
//! identifies**: raw acceleration holds a person's gait (Mäntyjärvi et al., "Identifying users of portable devices from
//! gait pattern with accelerometers", ICASSP 2005), and days hold habits. So the status is `Pseudonymised`, never more.

use serde_json::{Map, Number, Value};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    aims::ai_modules::treatment::{Mapped, Measure, Step, Treated, Treatment},
    domain::taxonomy::DataStatus,
    schema::wire::DataFormat,
};

/// Kind of the pseudonyms.
pub const PERSON: &str = "person";
/// Most weeks a recording moves.
const MOST_WEEKS: u32 = 52;
/// Largest JSON document, in bytes: it is held whole, as a tree.
const MAX_JSON_BYTES: usize = 64 << 20;
/// Names of measured columns.
const MEASURED: [&str; 4] = ["x", "y", "z", "steps"];
/// Names of the column that tells the person.
const PERSONS: [&str; 4] = ["subject", "participant", "person", "patient"];

const RESIDUAL: [&str; 3] = [
    "Gait and daily habits are unchanged and can identify a person (Mäntyjärvi 2005); the recording is pseudonymised, not \
     anonymised.",
    "Weekday, time of day and offset from UTC are unchanged, since the analysis of activity rests on them.",
    "Measured numbers are kept as they stand, whatever their size; a number of somebody's among them would be kept too.",
];

/// Why a recording is not treated; the sentences carry numbers of rows, never what stands in them.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BehaviourTreatmentError {
    /// Not a format of this treatment.
    #[error("this treatment reads CSV and JSON only")]
    Format,
    /// No table or document of samples.
    #[error("the payload is no table and no list of samples with timestamp, x, y and z, or timestamp and steps: {0}")]
    Shape(&'static str),
    /// Larger than is accepted.
    #[error("the JSON document is more than the {MAX_JSON_BYTES} bytes that are accepted")]
    TooLarge,
    /// A sample that cannot be read.
    #[error("sample {row} is not valid: {reason}")]
    Row {
        /// Number of the sample, counted from 1.
        row: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// More than one person.
    #[error("the recording holds samples of more than one person")]
    MixedPersons,
}

/// De-identifies a behavioural recording.
///
/// # Errors
///
/// What is wrong with the recording, in words, never with values from it.
pub fn treat(input: &Treatment<'_>) -> Result<Treated, String> {
    let written = match input.format {
        DataFormat::Csv => csv(input),
        DataFormat::Json => json(input),
        _ => Err(BehaviourTreatmentError::Format),
    };
    written.map(|written| written.treated(input)).map_err(|e| e.to_string())
}

/// A treated recording and what was done to it.
#[derive(Default)]
struct Written {
    payload: Vec<u8>,
    samples: u64,
    removed: u64,
    person: Option<String>,
}

impl Written {
    fn treated(self, input: &Treatment<'_>) -> Treated {
        let step = |technique, rule: &str, count| Step { technique, rule: rule.to_owned(), count };
        let persons = u64::from(self.person.is_some()) * self.samples;
        let steps = [
            step("Perturbation", "timestamps moved back by whole weeks, the same for all of a person", self.samples),
            step("Tokenisation", "name of the person replaced by a keyed pseudonym", persons),
            step("Removal of Identifiers", "columns and properties that are no measurement removed", self.removed),
        ];
        let pseudonym = |original: String| Mapped {
            kind: PERSON.to_owned(),
            pseudonym: input.pseudonyms.of(PERSON, &original),
            original,
        };
        Treated {
            payload: self.payload,
            status: DataStatus::Pseudonymised,
            steps: steps.into_iter().filter(|step| step.count > 0).collect(),
            measures: vec![Measure { name: "samples kept".to_owned(), value: self.samples as f64 }],
            residual: RESIDUAL.map(str::to_owned).to_vec(),
            mapping: self.person.map(pseudonym).into_iter().collect(),
        }
    }
}

fn csv(input: &Treatment<'_>) -> Result<Written, BehaviourTreatmentError> {
    let shape = BehaviourTreatmentError::Shape;
    let text = std::str::from_utf8(input.payload).map_err(|_| shape("it is no UTF-8 text"))?;
    let text = text.trim_start_matches('\u{feff}');
    if !text.ends_with('\n') {
        return Err(shape("it is empty, or its last line has no line break"));
    }
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let names = reader.headers().map_err(|_| shape("it has no column names"))?;
    let names = names.iter().map(str::to_ascii_lowercase).collect::<Vec<_>>();
    let kept = kept_columns(&names)?;
    let mut written = Written { removed: (names.len() - kept.len()) as u64, ..Written::default() };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let broken = |_| BehaviourTreatmentError::Shape("it cannot be written");
    writer.write_record(kept.iter().map(|(_, name)| *name)).map_err(broken)?;
    for (row, record) in (1_u64..).zip(reader.records()) {
        let bad = |reason| BehaviourTreatmentError::Row { row, reason };
        let record = record.map_err(|_| bad("it has not one field for each column"))?;
        let cell = |place: usize| record.get(place).unwrap_or_default();
        if let Some((place, _)) = kept.iter().find(|(_, name)| *name == PERSONS[0]) {
            written.meet(cell(*place))?;
        }
        let weeks = weeks(input, written.person.as_deref());
        let cells = kept.iter().map(|(place, name)| match *name {
            "timestamp" => moved(cell(*place), weeks),
            name if name == PERSONS[0] => Ok(input.pseudonyms.of(PERSON, cell(*place))),
            _ => measured(cell(*place)).map(str::to_owned),
        });
        let cells = cells.collect::<Result<Vec<_>, _>>().map_err(bad)?;
        writer.write_record(cells).map_err(broken)?;
        written.samples = row;
    }
    written.payload = writer.into_inner().map_err(|_| shape("it cannot be written"))?;
    Ok(written)
}

/// The places of the columns that stay, with the names they are written under.
fn kept_columns(names: &[String]) -> Result<Vec<(usize, &'static str)>, BehaviourTreatmentError> {
    let mut kept = Vec::new();
    for (place, name) in names.iter().enumerate() {
        if name == "timestamp" {
            kept.push((place, "timestamp"));
        } else if PERSONS.contains(&name.as_str()) {
            kept.push((place, PERSONS[0]));
        } else if let Some(known) = MEASURED.into_iter().find(|known| known == name) {
            kept.push((place, known));
        }
    }
    let mut once = kept.iter().map(|(_, name)| *name).collect::<Vec<_>>();
    once.sort_unstable();
    if once.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(BehaviourTreatmentError::Shape("two columns have one name"));
    }
    once.retain(|name| *name != PERSONS[0]);
    if once == ["timestamp", "x", "y", "z"] || once == ["steps", "timestamp"] {
        Ok(kept)
    } else {
        Err(BehaviourTreatmentError::Shape("the columns are others"))
    }
}

fn json(input: &Treatment<'_>) -> Result<Written, BehaviourTreatmentError> {
    if input.payload.len() > MAX_JSON_BYTES {
        return Err(BehaviourTreatmentError::TooLarge);
    }
    let shape = BehaviourTreatmentError::Shape;
    let document = serde_json::from_slice(input.payload).map_err(|_| shape("it is no JSON document"))?;
    let mut written = Written::default();
    let (samples, in_object) = match document {
        Value::Array(samples) => (samples, false),
        Value::Object(mut object) => {
            let samples = object.remove("Samples").or_else(|| object.remove("samples"));
            written.removed += object.len() as u64;
            match samples {
                Some(Value::Array(samples)) => (samples, true),
                _ => return Err(shape("it has no list Samples")),
            }
        }
        _ => return Err(shape("it is neither a list nor an object")),
    };
    // Whose it is must be known before any time is moved: all of a recording moves by one span.
    for (row, sample) in (1_u64..).zip(&samples) {
        if let Some(person) = sample.as_object().map(|sample| person_of(row, sample)).transpose()?.flatten() {
            written.meet(person)?;
        }
    }
    let mut treated = Vec::new();
    for (row, sample) in (1_u64..).zip(samples) {
        let Value::Object(sample) = sample else { return Err(shape("a sample is no object")) };
        treated.push(Value::Object(json_sample(input, &mut written, row, sample)?));
        written.samples = row;
    }
    let document = if in_object {
        Value::Object(Map::from_iter([("Samples".to_owned(), treated.into())]))
    } else {
        treated.into()
    };
    written.payload = serde_json::to_vec(&document).map_err(|_| shape("it cannot be written"))?;
    Ok(written)
}

/// The person a sample names.
fn person_of(row: u64, sample: &Map<String, Value>) -> Result<Option<&str>, BehaviourTreatmentError> {
    let person = sample.iter().find(|(name, _)| PERSONS.contains(&name.to_ascii_lowercase().as_str()));
    let no_text = BehaviourTreatmentError::Row { row, reason: "its person is no text" };
    person.map(|(_, person)| person.as_str().ok_or(no_text)).transpose()
}

fn json_sample(
    input: &Treatment<'_>,
    written: &mut Written,
    row: u64,
    sample: Map<String, Value>,
) -> Result<Map<String, Value>, BehaviourTreatmentError> {
    let names = sample.keys().map(|name| name.to_ascii_lowercase()).collect::<Vec<_>>();
    let kept = kept_columns(&names)?;
    written.removed += (names.len() - kept.len()) as u64;
    let values = sample.into_iter().map(|(_, value)| value).collect::<Vec<_>>();
    let value = |place: usize| values.get(place).unwrap_or(&Value::Null);
    let bad = |reason| BehaviourTreatmentError::Row { row, reason };
    let weeks = weeks(input, written.person.as_deref());
    let mut treated = Map::new();
    for (place, name) in kept {
        let new = match (name, value(place)) {
            ("timestamp", Value::String(text)) => Value::String(moved(text, weeks).map_err(bad)?),
            ("timestamp", Value::Number(number)) => {
                let text = moved(&number.to_string(), weeks).map_err(bad)?;
                // A number that was JSON stays JSON: only its whole part changed.
                Value::Number(text.parse::<Number>().map_err(|_| bad("its timestamp is no time"))?)
            }
            (_, Value::String(person)) if name == PERSONS[0] => Value::String(input.pseudonyms.of(PERSON, person)),
            (_, Value::Number(number)) if MEASURED.contains(&name) => Value::Number(number.clone()),
            _ => return Err(bad("a measured value is no number, or its timestamp is no time")),
        };
        treated.insert(name.to_owned(), new);
    }
    Ok(treated)
}

impl Written {
    fn meet(&mut self, person: &str) -> Result<(), BehaviourTreatmentError> {
        match &self.person {
            Some(known) if known != person => Err(BehaviourTreatmentError::MixedPersons),
            Some(_) => Ok(()),
            None => {
                self.person = Some(person.to_owned());
                Ok(())
            }
        }
    }
}

/// Whole weeks keep the weekday, which matters to activity.
fn weeks(input: &Treatment<'_>, person: Option<&str>) -> i64 {
    input.pseudonyms.days(person.unwrap_or_default(), MOST_WEEKS)
}

/// A timestamp, moved; RFC 3339, or seconds since 1970 with their fraction as it was.
fn moved(text: &str, weeks: i64) -> Result<String, &'static str> {
    let shift = Duration::weeks(weeks);
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = |text: &str| !text.is_empty() && text.len() <= 11 && text.bytes().all(|b| b.is_ascii_digit());
    if digits(whole) && fraction.is_none_or(digits) {
        let seconds = whole.parse::<i64>().map_err(|_| "its timestamp is no time")? + shift.whole_seconds();
        return Ok(fraction.map_or(seconds.to_string(), |fraction| format!("{seconds}.{fraction}")));
    }
    let instant = OffsetDateTime::parse(text, &Rfc3339).ok().and_then(|instant| instant.checked_add(shift));
    let instant = instant.and_then(|instant| instant.format(&Rfc3339).ok());
    instant.ok_or("its timestamp is neither RFC 3339 nor seconds since 1970")
}

/// A number, as it is written.
fn measured(text: &str) -> Result<&str, &'static str> {
    let known = text.len() <= 24 && text.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b));
    if known && text.parse::<f64>().is_ok() { Ok(text) } else { Err("a measured value is no number") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aims::ai_modules::pseudonyms::Pseudonyms;

    fn attempt(format: DataFormat, payload: &str) -> Result<Treated, String> {
        let (parameters, pseudonyms) = (Map::new(), Pseudonyms::new([3; 32]));
        treat(&Treatment { format, parameters: &parameters, payload: payload.as_bytes(), pseudonyms: &pseudonyms })
    }

    /// Fifty rows with four identifiers each, all different.
    fn planted() -> (String, Vec<String>) {
        let words = (0..200).map(|n| format!("Lancelot{n:03}q")).collect::<Vec<_>>();
        let rows = (0..50).map(|n| {
            let [a, b, c, d] = [0, 1, 2, 3].map(|k| &words[n * 4 + k]);
            format!("{a},2024-03-01T08:{n:02}:00.5+01:00,{b},0.1,-0.2,1e0,{c} {d},Sir Kay of Camelot\n")
        });
        ("Device,Timestamp,Serial,X,Y,Z,Note,Patient\n".to_owned() + &rows.collect::<String>(), words)
    }

    #[test]
    fn no_planted_identifier_is_left_and_every_value_is() {
        let (file, words) = planted();
        let treated = attempt(DataFormat::Csv, &file).unwrap();
        let out = String::from_utf8(treated.payload).unwrap();
        assert!(words.iter().all(|word| file.contains(word) && !out.contains(word)));
        assert!(!out.contains("Kay") && !out.contains("2024-03-01"));
        assert_eq!(out.lines().next(), Some("timestamp,x,y,z,subject"));
        assert_eq!(out.lines().count(), 51);
        let pseudonym = Pseudonyms::new([3; 32]).of(PERSON, "Sir Kay of Camelot");
        assert!(out.lines().skip(1).all(|line| line.ends_with(&format!(",0.1,-0.2,1e0,{pseudonym}"))), "{out}");
        assert_eq!((treated.status, treated.mapping.len()), (DataStatus::Pseudonymised, 1));
        assert_eq!(treated.steps.iter().map(|step| step.count).collect::<Vec<_>>(), [50, 50, 3]);
    }

    #[test]
    fn weekday_clock_and_intervals_stay() {
        let out = attempt(DataFormat::Csv, &planted().0).unwrap().payload;
        let out = String::from_utf8(out).unwrap();
        let times =
            out.lines().skip(1).map(|line| OffsetDateTime::parse(line.split(',').next().unwrap(), &Rfc3339).unwrap());
        let times = times.collect::<Vec<_>>();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == Duration::MINUTE));
        let first = OffsetDateTime::parse("2024-03-01T08:00:00.5+01:00", &Rfc3339).unwrap();
        let back = first - times[0];
        assert!(back >= Duration::WEEK && back <= Duration::weeks(52) && back.whole_seconds() % 604_800 == 0);
        assert_eq!(
            (times[0].weekday(), times[0].time(), times[0].offset()),
            (first.weekday(), first.time(), first.offset())
        );
    }

    /// The person may be named in a later sample only.
    #[test]
    fn a_recording_moves_by_one_span() {
        let late = r#"[{"timestamp":0,"steps":1},{"timestamp":60,"steps":1,"Subject":"Kay"}]"#;
        let out = serde_json::from_slice::<Value>(&attempt(DataFormat::Json, late).unwrap().payload).unwrap();
        let at = |place: usize| out[place]["timestamp"].as_f64().unwrap();
        assert_eq!(at(1) - at(0), 60.0, "{out}");
        let mixed = r#"[{"timestamp":0,"steps":1,"subject":"Kay"},{"timestamp":60,"steps":1,"subject":"Bors"}]"#;
        assert!(attempt(DataFormat::Json, mixed).unwrap_err().contains("more than one person"));
        let number = r#"[{"timestamp":0,"steps":1},{"timestamp":60,"steps":1,"subject":7}]"#;
        assert!(attempt(DataFormat::Json, number).unwrap_err().contains("sample 2"));
    }

    #[test]
    fn documents_keep_their_shape() {
        let file = r#"{"Owner":"Kay","Samples":[{"timestamp":1709510400.25,"steps":7,"gps":"Camelot"},{"timestamp":1709510460.25,"steps":0}]}"#;
        let treated = attempt(DataFormat::Json, file).unwrap();
        let out = serde_json::from_slice::<Value>(&treated.payload).unwrap();
        let at = |place: usize| out["Samples"][place]["timestamp"].as_f64().unwrap();
        assert_eq!((&out["Samples"][0]["steps"], at(1) - at(0)), (&Value::from(7), 60.0));
        assert!(at(0) < 1_709_510_400.25 && (1_709_510_400.25 - at(0)) % 604_800.0 == 0.0);
        let text = out.to_string();
        assert!(!text.contains("Kay") && !text.contains("Camelot") && !text.contains("gps"));
        assert_eq!(treated.steps.last().map(|step| step.count), Some(2));
    }

    #[test]
    fn what_cannot_be_read_is_refused_and_not_passed_on() {
        let good = "timestamp,steps,subject\n0,5,Kay\n60,6,Kay\n";
        assert!(attempt(DataFormat::Csv, good).is_ok());
        for (file, reason) in [
            (String::new(), "it is empty"),
            (good.trim_end().to_owned(), "no line break"),
            (good.replace("steps", "strides"), "the columns are others"),
            (good.replace("subject", "steps"), "two columns have one name"),
            (good.replace("60,6,Kay", "60,6,Bors"), "more than one person"),
            (good.replace(",6,", ",Kay,"), "sample 2 is not valid: a measured value"),
            (good.replace("60,", "Kay,"), "sample 2 is not valid: its timestamp"),
            (good.replace(",6,Kay", ",6"), "one field for each column"),
        ] {
            let refusal = attempt(DataFormat::Csv, &file).unwrap_err();
            assert!(refusal.contains(reason) && !refusal.contains("Kay"), "{reason}: {refusal}");
        }
        for (file, reason) in [
            ("", "no JSON document"),
            ("5", "neither a list nor an object"),
            ("{\"Rows\":[]}", "no list Samples"),
            ("[5]", "no object"),
            ("[{\"timestamp\":0,\"steps\":\"Kay\"}]", "sample 1 is not valid"),
            ("[{\"timestamp\":[],\"steps\":1}]", "sample 1 is not valid"),
        ] {
            let refusal = attempt(DataFormat::Json, file).unwrap_err();
            assert!(refusal.contains(reason) && !refusal.contains("Kay"), "{reason}: {refusal}");
        }
        assert!(attempt(DataFormat::Vcf, good).unwrap_err().contains("CSV and JSON only"));
    }
}
