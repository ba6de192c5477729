//! The EEG channels of a recording, in microvolts: the language the reader and the analysis share.

use std::io::{Read, Seek};

use time::PrimitiveDateTime;

use super::channels::{ChannelChoice, is_posterior};
use super::error::EegError;
use crate::aims::aih_data_processing::edf::{EdfAnnotation, EdfFile, Selection};

/// Sampling rates that are analysed, in hertz: below, the gamma band has no room.
pub const RATES_HZ: std::ops::RangeInclusive<f64> = 100.0..=5_000.0;
/// Most samples of the chosen channels together: 32 channels for two hours at 256 Hz; 256 MB as `f32`.
pub const MAX_SAMPLES: u64 = 64_000_000;

/// A recording with at least one channel; every channel has samples, a rate within [`RATES_HZ`] and finite values.
#[derive(Debug, Clone, PartialEq)]
pub struct EegRecording {
    /// Local start time if the header states one.
    pub start: Option<PrimitiveDateTime>,
    /// Length in seconds.
    pub duration_s: f64,
    /// The chosen channels, in file order.
    pub channels: Vec<EegChannel>,
    /// All annotations of the file.
    pub annotations: Vec<EdfAnnotation>,
}

/// One channel.
#[derive(Debug, Clone, PartialEq)]
pub struct EegChannel {
    /// Its label as the header spells it, printable characters only.
    pub label: String,
    /// Whether its active electrode is over the back of the head.
    pub posterior: bool,
    /// Samples per second.
    pub rate_hz: f64,
    /// The samples, in microvolts.
    pub samples_uv: Vec<f32>,
}

/// Reads the chosen EEG channels of an EDF, EDF+C or BDF file.
///
/// # Errors
///
/// [`EegError`] for everything that is damaged, contradictory, beyond a limit, or not an EEG.
pub fn read_recording<R: Read + Seek>(file: R, choice: &ChannelChoice) -> Result<EegRecording, EegError> {
    let file = EdfFile::open(file)?;
    let header = file.header().clone();
    let signals = header.signals.iter().filter(|s| !s.is_annotation()).collect::<Vec<_>>();
    let (mut selections, mut channels, mut samples) = (Vec::new(), Vec::new(), 0_u64);
    for (position, microvolts) in choice.choose(&signals)? {
        let signal = signals[position];
        // At most 99,999,999 from an 8-character field, exact in f64.
        let rate_hz = signal.samples_per_record as f64 / header.record_seconds;
        if !RATES_HZ.contains(&rate_hz) {
            return Err(EegError::Rate(rate_hz));
        }
        samples = samples.saturating_add(header.records.saturating_mul(signal.samples_per_record));
        if samples > MAX_SAMPLES {
            return Err(EegError::TooManySamples { samples, limit: MAX_SAMPLES });
        }
        selections.push(Selection::of(&header, signal, microvolts)?);
        let label = signal.label.chars().filter(|c| !c.is_control()).collect();
        channels.push(EegChannel { label, posterior: is_posterior(&signal.label), rate_hz, samples_uv: Vec::new() });
    }
    let (read, annotations) = file.read(&selections)?;
    for (channel, samples_uv) in channels.iter_mut().zip(read) {
        if !samples_uv.iter().all(|s| s.is_finite()) {
            return Err(EegError::NotAVoltage);
        }
        channel.samples_uv = samples_uv;
    }
    let duration_s = header.records as f64 * header.record_seconds;
    Ok(EegRecording { start: header.start, duration_s, channels, annotations })
}
