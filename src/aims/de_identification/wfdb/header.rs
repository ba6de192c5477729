//! The header file, written anew from what was understood of it.

use std::fmt::Write;

use time::PrimitiveDateTime;

use super::error::WfdbTreatmentError;
use crate::aims::{
    aih_data_processing::ecg::{
        EcgError,
        wfdb_header::{SampleFormat, WfdbHeader, WfdbSignal},
    },
    de_identification::edf::{log::Log, words},
};

const REMOVAL: &str = "Removal of Identifiers";
const MASKING: &str = "Data Masking";
/// Fields of a signal line from the ADC resolution to the block size.
const NUMBERS: usize = 5;

/// Signal files and what they are called now.
pub(super) struct Names {
    record: String,
    files: Vec<(String, String)>,
}

impl Names {
    pub(super) fn new(header: &WfdbHeader, pseudonym: &str) -> Self {
        let mut files: Vec<&str> = Vec::new();
        for signal in &header.signals {
            if !files.contains(&signal.file.as_str()) {
                files.push(&signal.file);
            }
        }
        let alone = files.len() == 1;
        let name = |(n, old): (usize, &str)| {
            let new = if alone { format!("{pseudonym}.dat") } else { format!("{pseudonym}_{}.dat", n + 1) };
            (old.to_owned(), new)
        };
        Self { record: pseudonym.to_owned(), files: files.into_iter().enumerate().map(name).collect() }
    }

    /// Old and new name of each signal file.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(old, new)| (old.as_str(), new.as_str()))
    }

    pub(super) fn is_signal_file(&self, name: &str) -> bool {
        self.files.iter().any(|(old, _)| old == name)
    }

    fn new_name(&self, old: &str) -> &str {
        self.files.iter().find(|(name, _)| name == old).map_or("", |(_, new)| new)
    }
}

/// Where the samples of a signal file lie.
pub(super) struct Extent {
    pub(super) offset: u64,
    pub(super) bytes: u64,
    /// Bytes of the file that are no samples.
    pub(super) surplus: u64,
}

impl Extent {
    /// Of a file of so many bytes.
    ///
    /// # Errors
    ///
    /// [`EcgError::Field`] when signals of the file disagree, [`EcgError::Truncated`] when it is too short.
    pub(super) fn of(header: &WfdbHeader, file: &str, found: u64) -> Result<Self, EcgError> {
        let signals = header.signals.iter().filter(|s| s.file == file).collect::<Vec<_>>();
        let layout = |s: &WfdbSignal| (s.format, s.byte_offset);
        let Some((first, rest)) = signals.split_first() else {
            return Err(EcgError::Archive { reason: "a signal file named in the header is not in it" });
        };
        if rest.iter().any(|s| layout(s) != layout(first)) {
            return Err(EcgError::Field { field: "signal format", reason: "signals of one file must agree" });
        }
        let frame = signals.iter().map(|s| u64::from(s.samples_per_frame)).sum::<u64>();
        let bytes_of = |samples: u64| match first.format {
            SampleFormat::Sixteen => samples.saturating_mul(2),
            SampleFormat::TwoTwelve => samples.saturating_mul(3).div_ceil(2),
        };
        let there = found.saturating_sub(first.byte_offset);
        let samples_there = match first.format {
            SampleFormat::Sixteen => there / 2,
            SampleFormat::TwoTwelve => there / 3 * 2 + u64::from(there % 3 == 2),
        };
        // Frames hold one sample at least, so nothing is divided by zero.
        let frames = header.frames.unwrap_or(samples_there / frame.max(1));
        let bytes = bytes_of(frames.saturating_mul(frame));
        if there < bytes {
            return Err(EcgError::Truncated { what: "the signal file", described: bytes, found: there });
        }
        Ok(Self { offset: first.byte_offset, bytes, surplus: found - bytes })
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The name of the record.
///
/// # Errors
///
/// [`EcgError::Field`] when there is none.
pub(super) fn record_name(text: &str) -> Result<String, EcgError> {
    let name = lines(text).next().and_then(|line| line.split_whitespace().next());
    name.map(str::to_owned).ok_or(EcgError::Field { field: "record line", reason: "the header file has none" })
}

/// The new header file.
///
/// # Errors
///
/// [`WfdbTreatmentError::NotFaithful`] when the text has fewer lines than were read of it before.
pub(super) fn rewrite(
    text: &str,
    header: &WfdbHeader,
    names: &Names,
    start: Option<PrimitiveDateTime>,
    log: &mut Log,
) -> Result<String, WfdbTreatmentError> {
    let comments = text.lines().filter(|line| line.trim().starts_with('#')).count();
    log.count(REMOVAL, "header(5) comment lines", comments as u64);
    let mut lines = lines(text);
    let record = lines.next().ok_or(WfdbTreatmentError::NotFaithful)?;
    let mut out = record_line(record, header, names, start, log);
    for (number, signal) in header.signals.iter().enumerate() {
        let line = lines.next().ok_or(WfdbTreatmentError::NotFaithful)?;
        out.push_str(&signal_line(line, number, signal, names, log));
    }
    Ok(out)
}

/// `name signals rate samples [time date]`. What was read as a number before is one.
fn record_line(
    line: &str,
    header: &WfdbHeader,
    names: &Names,
    start: Option<PrimitiveDateTime>,
    log: &mut Log,
) -> String {
    let mut fields = line.split_whitespace().skip(2);
    let rate = fields.next().and_then(|field| field.split('/').next());
    let dated = fields.nth(1).is_some();
    let mut out = format!("{} {}", names.record, header.signals.len());
    if let Some(rate) = rate {
        // A String takes all that is written to it.
        let _ = write!(out, " {rate} {}", header.frames.unwrap_or(0));
        if let Some(start) = start {
            let (day, clock) = (start.date(), start.time());
            let (hour, minute, second) = clock.as_hms();
            let month = u8::from(day.month());
            let _ = write!(out, " {hour:02}:{minute:02}:{second:02} {:02}/{month:02}/{}", day.day(), day.year());
            log.count("Perturbation", "base date moved by whole days of the person; time of day kept", 1);
        } else {
            log.count(REMOVAL, "header(5) base time and base date", u64::from(dated));
        }
    }
    out.push('\n');
    out
}

/// `file format gain resolution zero first checksum block description`.
fn signal_line(line: &str, number: usize, signal: &WfdbSignal, names: &Names, log: &mut Log) -> String {
    let code = match signal.format {
        SampleFormat::Sixteen => "16",
        SampleFormat::TwoTwelve => "212",
    };
    let mut out = format!("{} {code}", names.new_name(&signal.file));
    if signal.samples_per_frame > 1 {
        let _ = write!(out, "x{}", signal.samples_per_frame);
    }
    let mut fields = line.split_whitespace().skip(2);
    if let Some(gain) = fields.next() {
        let _ = write!(out, " {}", gain_field(gain, log));
    }
    for number in fields.by_ref().take(NUMBERS) {
        let _ = write!(out, " {number}");
    }
    if !signal.description.is_empty() {
        let kept = words::is_label(&signal.description);
        log.count(MASKING, "signal descriptions with unknown words: Signal and number", u64::from(!kept));
        let neutral = format!("Signal {}", number + 1);
        let _ = write!(out, " {}", if kept { &signal.description } else { &neutral });
    }
    out.push('\n');
    out
}

/// Steps and baseline as they are; an unknown unit becomes `NU`, no unit.
fn gain_field(gain: &str, log: &mut Log) -> String {
    match gain.split_once('/') {
        Some((steps, unit)) if !words::is_unit(unit) || !unit.is_ascii() => {
            log.count(MASKING, "unknown units: NU", 1);
            format!("{steps}/NU")
        }
        _ => gain.to_owned(),
    }
}
