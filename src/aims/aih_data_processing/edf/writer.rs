//! Writes a continuous EDF+ recording with any number of channels and an annotation channel.
//!
//! The identifying fields hold what EDF+ prescribes for "not known": `X X X X`. The start is an argument, so
//! the same input gives the same bytes. Data records last one second.

use std::io::Write;

use time::{Date, PrimitiveDateTime};

use super::annotation::EdfAnnotation;
use super::error::EdfError;
use super::header::{ANNOTATION_LABEL, BLOCK_BYTES, VERSION};
use super::limits::MAX_CHANNELS;

/// Months as EDF+ spells them in the recording field.
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
/// Most data records: eight digits in the header.
const MAX_RECORDS: usize = 99_999_999;

/// One channel to write.
#[derive(Debug, Clone, Copy)]
pub struct EdfChannel<'a> {
    /// Label, at most 16 printable ASCII characters, for instance `EEG Fpz-Cz`.
    pub label: &'a str,
    /// Physical dimension, at most 8 printable ASCII characters, for instance `uV`.
    pub unit: &'a str,
    /// The 16 bits cover from minus to plus this many units.
    pub range: i32,
    /// Whole samples per second.
    pub sampling_rate_hz: u32,
    /// The samples; the last second is filled with the last of them.
    pub samples: &'a [f32],
    /// Physical units per unit of `samples`, for instance 1,000 when those are millivolts and `unit` is `uV`.
    pub scale: f64,
}

/// What is written.
#[derive(Debug, Clone, Copy)]
pub struct EdfContents<'a> {
    /// Start of the recording, local time, within 1985–2084.
    pub start: PrimitiveDateTime,
    /// The channels, all of the same length in seconds.
    pub channels: &'a [EdfChannel<'a>],
    /// Annotations, ascending, within the recording.
    pub annotations: &'a [EdfAnnotation],
}

/// Writes the file.
///
/// # Errors
///
/// [`EdfError::Parameter`] when a value does not fit the format, [`EdfError::Io`] when writing fails.
pub fn write(contents: &EdfContents<'_>, mut out: impl Write) -> Result<(), EdfError> {
    let records = check(contents)?;
    let lists = annotation_lists(contents, records);
    // Annotation bytes come in 2-byte samples; every record has the same number.
    let annotation_samples = lists.iter().map(Vec::len).max().unwrap_or(0).div_ceil(2);
    out.write_all(&header(contents, records, annotation_samples))?;
    for (number, mut list) in lists.into_iter().enumerate() {
        for channel in contents.channels {
            out.write_all(&second(channel, number))?;
        }
        list.resize(annotation_samples * 2, 0);
        out.write_all(&list)?;
    }
    Ok(out.flush()?)
}

/// The bytes of one second of a channel.
fn second(channel: &EdfChannel<'_>, number: usize) -> Vec<u8> {
    let rate = channel.sampling_rate_hz as usize;
    let from = (number * rate).min(channel.samples.len());
    let samples = &channel.samples[from..(from + rate).min(channel.samples.len())];
    let last = *samples.last().or(channel.samples.last()).unwrap_or(&0.0);
    let padding = std::iter::repeat_n(last, rate - samples.len());
    samples.iter().copied().chain(padding).flat_map(|s| step(channel, s).to_le_bytes()).collect()
}

/// The number of data records.
fn check(contents: &EdfContents<'_>) -> Result<usize, EdfError> {
    let refuse = |name, range| Err(EdfError::Parameter { name, range });
    if !(1985..=2084).contains(&contents.start.year()) {
        return refuse("start", "1985 to 2084");
    }
    if contents.channels.is_empty() || contents.channels.len() >= MAX_CHANNELS {
        return refuse("channels", "1 to 511");
    }
    for channel in contents.channels {
        check_channel(channel)?;
    }
    let seconds = |c: &EdfChannel<'_>| c.samples.len().div_ceil(c.sampling_rate_hz as usize);
    let records = contents.channels.iter().map(seconds).max().unwrap_or(0);
    if records > MAX_RECORDS || contents.channels.iter().any(|c| seconds(c) != records) {
        return refuse("samples", "the same number of seconds in each channel");
    }
    let length = |c: &EdfChannel<'_>| c.samples.len() as f64 / f64::from(c.sampling_rate_hz);
    let duration = contents.channels.iter().map(length).fold(0.0, f64::max);
    let inside = |a: &EdfAnnotation| (0.0..=duration).contains(&a.onset_seconds);
    let sorted = contents.annotations.is_sorted_by(|a, b| a.onset_seconds <= b.onset_seconds);
    if !contents.annotations.iter().all(inside) || !sorted {
        return refuse("annotation times", "ascending, within the recording");
    }
    let text = |a: &EdfAnnotation| (1..=64).contains(&a.text.chars().count()) && !a.text.chars().any(char::is_control);
    if !contents.annotations.iter().all(text) {
        return refuse("annotation text", "1 to 64 printable characters");
    }
    Ok(records)
}

fn check_channel(channel: &EdfChannel<'_>) -> Result<(), EdfError> {
    let refuse = |name, range| Err(EdfError::Parameter { name, range });
    let printable = |text: &str| text.bytes().all(|b| (0x20..0x7f).contains(&b));
    if !(1..=10_000).contains(&channel.sampling_rate_hz) {
        return refuse("sampling rate", "1 to 10,000 whole hertz");
    }
    if channel.label.is_empty() || channel.label.len() > 16 || !printable(channel.label) {
        return refuse("label", "1 to 16 printable ASCII characters");
    }
    if channel.unit.len() > 8 || !printable(channel.unit) {
        return refuse("unit", "at most 8 printable ASCII characters");
    }
    let range = f64::from(channel.range);
    let fits = |s: &f32| (f64::from(*s) * channel.scale).abs() <= range;
    if !(1..=9_999_999).contains(&channel.range) || channel.samples.is_empty() || !channel.samples.iter().all(fits) {
        return refuse("samples", "at least one, each within the physical range");
    }
    Ok(())
}

/// One list of bytes per data record: its own time, then the annotations that fall into it.
fn annotation_lists(contents: &EdfContents<'_>, records: usize) -> Vec<Vec<u8>> {
    let mut lists = (0..records).map(|n| format!("+{n}\x14\x14\0").into_bytes()).collect::<Vec<_>>();
    for annotation in contents.annotations {
        // Checked above to lie within the recording; one at the very end belongs to the last record.
        let record = (annotation.onset_seconds as usize).min(records - 1);
        let duration = annotation.duration_seconds.map(|d| format!("\x15{d}")).unwrap_or_default();
        let list = format!("+{:.6}{duration}\x14{}\x14\0", annotation.onset_seconds, annotation.text);
        lists[record].extend(list.into_bytes());
    }
    lists
}

/// Digital step of a sample; the range was checked.
fn step(channel: &EdfChannel<'_>, sample: f32) -> i16 {
    let full = f64::from(u16::MAX);
    let range = f64::from(channel.range);
    let steps = (f64::from(sample) * channel.scale + range) / (2.0 * range) * full + f64::from(i16::MIN);
    steps.round().clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
}

/// The start date as the recording field of EDF+ spells it, for instance `02-MAY-2024`.
#[must_use]
pub fn recording_date(date: Date) -> String {
    let month = MONTHS[usize::from(u8::from(date.month())) - 1];
    format!("{:02}-{month}-{}", date.day(), date.year())
}

fn header(contents: &EdfContents<'_>, records: usize, annotation_samples: usize) -> Vec<u8> {
    let (date, time) = (contents.start.date(), contents.start.time());
    let two = |values: [u8; 3]| values.map(|v| format!("{v:02}")).join(".");
    let year = date.year().rem_euclid(100) as u8;
    let signals = contents.channels.len() + 1;
    let mut bytes = VERSION.to_vec();
    let mut field = |text: &str, width: usize| bytes.extend(format!("{text:<width$}").into_bytes());
    field("X X X X", 80);
    field(&format!("Startdate {} X X X", recording_date(date)), 80);
    field(&two([date.day(), date.month().into(), year]), 8);
    field(&two([time.hour(), time.minute(), time.second()]), 8);
    field(&((signals as u64 + 1) * BLOCK_BYTES).to_string(), 8);
    field("EDF+C", 44);
    field(&records.to_string(), 8);
    field("1", 8);
    field(&signals.to_string(), 4);
    let annotations = annotation_samples.to_string();
    type Field = fn(&EdfChannel<'_>) -> String;
    let columns: [(Field, &str, usize); 10] = [
        (|c| c.label.to_owned(), ANNOTATION_LABEL, 16),
        (|_| String::new(), "", 80),
        (|c| c.unit.to_owned(), "", 8),
        (|c| (-c.range).to_string(), "-1", 8),
        (|c| c.range.to_string(), "1", 8),
        (|_| i16::MIN.to_string(), "-32768", 8),
        (|_| i16::MAX.to_string(), "32767", 8),
        (|_| String::new(), "", 80),
        (|c| c.sampling_rate_hz.to_string(), &annotations, 8),
        (|_| String::new(), "", 32),
    ];
    for (of_channel, of_annotations, width) in columns {
        for channel in contents.channels {
            field(&of_channel(channel), width);
        }
        field(of_annotations, width);
    }
    bytes
}
