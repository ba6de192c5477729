//! Takes one ECG lead and the annotations out of an EDF, EDF+C or BDF file.

use std::io::{Read, Seek};

use super::super::edf::{EdfAnnotation, EdfFile, Selection};
use super::error::EcgError;
use super::lead::{Channel, LeadChoice};
use super::recording::{EcgRecording, RecordingParts, check_sample_count, check_sampling_rate};

/// One lead and the annotations of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct EdfRecording {
    /// The chosen lead.
    pub recording: EcgRecording,
    /// All annotations, in the order of the file; empty for plain EDF.
    pub annotations: Vec<EdfAnnotation>,
}

/// Reads the chosen lead of an EDF or EDF+C file.
///
/// # Errors
///
/// [`EcgError`]; in particular `Truncated` and `Excess` when file and header disagree about the length,
/// `Discontinuous` for EDF+D and for records whose times leave gaps.
pub fn read<R: Read + Seek>(file: R, lead: &LeadChoice) -> Result<EdfRecording, EcgError> {
    let file = EdfFile::open(file)?;
    let header = file.header();
    let channels = header.signals.iter().filter(|s| !s.is_annotation()).collect::<Vec<_>>();
    let choices = channels.iter().map(|s| Channel { name: &s.label, transducer: &s.transducer, unit: &s.unit });
    let (position, millivolts) = lead.choose(&choices.collect::<Vec<_>>())?;
    let signal = channels[position];
    let selection = Selection::of(header, signal, millivolts)?;
    check_sample_count(header.records.saturating_mul(signal.samples_per_record))?;
    // At most 99,999,999 from an 8-character field, exact in f64.
    let sampling_rate_hz = signal.samples_per_record as f64 / header.record_seconds;
    check_sampling_rate(sampling_rate_hz)?;
    let (start, lead) = (header.start, signal.label.clone());
    let (mut samples, annotations) = file.read(&[selection])?;
    let samples_mv = samples.pop().unwrap_or_default();
    let recording = EcgRecording::new(RecordingParts { start, sampling_rate_hz, lead, samples_mv, calibrated: true })?;
    Ok(EdfRecording { recording, annotations })
}
