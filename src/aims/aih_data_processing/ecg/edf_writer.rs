//! Writes one lead as EDF+C with an annotation channel that carries the true beat times.
//!
//! The identifying fields hold what EDF+ prescribes for "not known": `X X X X`. The start is an argument, so
//! the same input gives the same bytes.

use std::io::Write;

use time::PrimitiveDateTime;

use super::edf_header::{ANNOTATION_LABEL, BLOCK_BYTES, VERSION};
use super::error::EcgError;

/// Physical range in microvolts; 16 bits over it resolve 0.15 µV.
const RANGE_UV: i32 = 5_000;
/// Months as EDF+ spells them in the recording field.
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
/// Most data records: eight digits in the header.
const MAX_RECORDS: usize = 99_999_999;

/// What is written.
#[derive(Debug, Clone, Copy)]
pub struct EdfContents<'a> {
    /// Start of the recording, local time, within 1985–2084.
    pub start: PrimitiveDateTime,
    /// Samples per second; data records last one second, so it must be whole.
    pub sampling_rate_hz: u32,
    /// Label of the lead, at most 16 printable ASCII characters, for instance `ECG II`.
    pub label: &'a str,
    /// The samples in millivolts, within ±5 mV; the last second is filled with its last value.
    pub samples_mv: &'a [f32],
    /// Beat times in seconds, ascending.
    pub beat_times_s: &'a [f64],
    /// Text of each beat annotation, printable ASCII.
    pub beat_text: &'a str,
}

/// Writes the file.
///
/// # Errors
///
/// [`EcgError::Parameter`] when a value does not fit the format, [`EcgError::Io`] when writing fails.
pub fn write(contents: &EdfContents<'_>, out: impl Write) -> Result<(), EcgError> {
    write_labelled(contents, &[], out)
}

/// Writes the file, with a text of its own for each beat; `beat_text` for those beyond the end of the list.
///
/// # Errors
///
/// As [`write`].
pub fn write_labelled(contents: &EdfContents<'_>, texts: &[&str], mut out: impl Write) -> Result<(), EcgError> {
    check(contents)?;
    if !texts.iter().all(|text| is_beat_text(text)) {
        return Err(EcgError::Parameter { name: "beat text", range: BEAT_TEXT_RANGE });
    }
    let rate = contents.sampling_rate_hz as usize;
    let records = contents.samples_mv.len().div_ceil(rate);
    let lists = annotation_lists(contents, texts, records);
    // Annotation bytes come in 2-byte samples; every record has the same number.
    let annotation_samples = lists.iter().map(Vec::len).max().unwrap_or(0).div_ceil(2);
    out.write_all(&header(contents, records, annotation_samples))?;
    for (record, mut list) in contents.samples_mv.chunks(rate).zip(lists) {
        let last = *record.last().unwrap_or(&0.0);
        let padding = std::iter::repeat_n(last, rate - record.len());
        let steps = record.iter().copied().chain(padding).flat_map(|mv| step(mv).to_le_bytes());
        out.write_all(&steps.collect::<Vec<_>>())?;
        list.resize(annotation_samples * 2, 0);
        out.write_all(&list)?;
    }
    Ok(out.flush()?)
}

const BEAT_TEXT_RANGE: &str = "1 to 64 printable ASCII characters";

fn is_beat_text(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| (0x20..0x7f).contains(&b))
}

fn check(contents: &EdfContents<'_>) -> Result<(), EcgError> {
    let refuse = |name, range| Err(EcgError::Parameter { name, range });
    let printable = |text: &str| text.bytes().all(|b| (0x20..0x7f).contains(&b));
    if !(1..=10_000).contains(&contents.sampling_rate_hz) {
        return refuse("sampling rate", "1 to 10,000 whole hertz");
    }
    if !(1985..=2084).contains(&contents.start.year()) {
        return refuse("start", "1985 to 2084");
    }
    if contents.label.is_empty() || contents.label.len() > 16 || !printable(contents.label) {
        return refuse("label", "1 to 16 printable ASCII characters");
    }
    if !is_beat_text(contents.beat_text) {
        return refuse("beat text", BEAT_TEXT_RANGE);
    }
    let fits = |mv: &f32| mv.abs() <= RANGE_UV as f32 / 1e3;
    let records = contents.samples_mv.len().div_ceil(contents.sampling_rate_hz as usize);
    if contents.samples_mv.is_empty() || records > MAX_RECORDS || !contents.samples_mv.iter().all(fits) {
        return refuse("samples", "at least one, each within \u{b1}5 mV");
    }
    let duration = contents.samples_mv.len() as f64 / f64::from(contents.sampling_rate_hz);
    let inside = |t: &f64| (0.0..=duration).contains(t);
    if !contents.beat_times_s.iter().all(inside) || !contents.beat_times_s.is_sorted() {
        return refuse("beat times", "ascending, within the recording");
    }
    Ok(())
}

/// One list of bytes per data record: its own time, then the beats that fall into it.
fn annotation_lists(contents: &EdfContents<'_>, texts: &[&str], records: usize) -> Vec<Vec<u8>> {
    let mut lists = (0..records).map(|n| format!("+{n}\x14\x14\0").into_bytes()).collect::<Vec<_>>();
    for (place, time) in contents.beat_times_s.iter().enumerate() {
        let text = texts.get(place).unwrap_or(&contents.beat_text);
        // Checked above to lie within the recording; a beat at the very end belongs to the last record.
        let record = (*time as usize).min(records - 1);
        lists[record].extend(format!("+{time:.6}\x14{text}\x14\0").into_bytes());
    }
    lists
}

/// Digital step of a voltage; the range was checked.
fn step(millivolts: f32) -> i16 {
    let full = f64::from(u16::MAX);
    let range = f64::from(RANGE_UV) / 1e3;
    let steps = (f64::from(millivolts) + range) / (2.0 * range) * full + f64::from(i16::MIN);
    steps.round().clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
}

fn header(contents: &EdfContents<'_>, records: usize, annotation_samples: usize) -> Vec<u8> {
    let (date, time) = (contents.start.date(), contents.start.time());
    let month = MONTHS[usize::from(u8::from(date.month())) - 1];
    let two = |values: [u8; 3]| values.map(|v| format!("{v:02}")).join(".");
    let year = date.year().rem_euclid(100) as u8;
    let mut bytes = VERSION.to_vec();
    let mut field = |text: &str, width: usize| bytes.extend(format!("{text:<width$}").into_bytes());
    field("X X X X", 80);
    field(&format!("Startdate {:02}-{month}-{} X X X", date.day(), date.year()), 80);
    field(&two([date.day(), date.month().into(), year]), 8);
    field(&two([time.hour(), time.minute(), time.second()]), 8);
    field(&(3 * BLOCK_BYTES).to_string(), 8);
    field("EDF+C", 44);
    field(&records.to_string(), 8);
    field("1", 8);
    field("2", 4);
    let (range, inverse) = (RANGE_UV.to_string(), (-RANGE_UV).to_string());
    let (rate, annotations) = (contents.sampling_rate_hz.to_string(), annotation_samples.to_string());
    let columns: [(&str, &str, usize); 10] = [
        (contents.label, ANNOTATION_LABEL, 16),
        ("", "", 80),
        ("uV", "", 8),
        (&inverse, "-1", 8),
        (&range, "1", 8),
        ("-32768", "-32768", 8),
        ("32767", "32767", 8),
        ("", "", 80),
        (&rate, &annotations, 8),
        ("", "", 32),
    ];
    for (lead, annotation, width) in columns {
        field(lead, width);
        field(annotation, width);
    }
    bytes
}
