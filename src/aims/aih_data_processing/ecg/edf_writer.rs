//! Writes one lead as EDF+C with an annotation channel that carries the true beat times.

use std::io::Write;

use time::PrimitiveDateTime;

use super::super::edf::{EdfAnnotation, writer};
use super::error::EcgError;

/// Physical range in microvolts; 16 bits over it resolve 0.15 µV.
const RANGE_UV: i32 = 5_000;

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
    /// Text of each beat annotation, printable.
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
pub fn write_labelled(contents: &EdfContents<'_>, texts: &[&str], out: impl Write) -> Result<(), EcgError> {
    let beat = |(place, time): (usize, &f64)| EdfAnnotation {
        onset_seconds: *time,
        duration_seconds: None,
        text: (*texts.get(place).unwrap_or(&contents.beat_text)).to_owned(),
    };
    let annotations = contents.beat_times_s.iter().enumerate().map(beat).collect::<Vec<_>>();
    let lead = writer::EdfChannel {
        label: contents.label,
        unit: "uV",
        range: RANGE_UV,
        sampling_rate_hz: contents.sampling_rate_hz,
        samples: contents.samples_mv,
        scale: 1e3,
    };
    let contents = writer::EdfContents { start: contents.start, channels: &[lead], annotations: &annotations };
    Ok(writer::write(&contents, out)?)
}
