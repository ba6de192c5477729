//! Reads one ECG lead and the annotations of an EDF or continuous EDF+ file.
//!
//! The size of the file must be exactly what the header describes: a file that is shorter was cut off, one
//! that is longer has a header that lies about the number of records. Both are refused before memory is
//! taken. Then one data record after the other passes through one buffer; only the chosen lead stays.

use std::io::{BufReader, Read, Seek, SeekFrom};

use super::edf_annotation::{self, EdfAnnotation, RecordAnnotations};
use super::edf_header::{EdfHeader, EdfSignal};
use super::error::EcgError;
use super::lead::{Channel, LeadChoice};
use super::limits::{MAX_ANNOTATION_TEXT_BYTES, MAX_ANNOTATIONS};
use super::recording::{EcgRecording, RecordingParts, check_sample_count, check_sampling_rate};

/// How far the time of a data record may be from its place in a continuous recording, in seconds.
const CONTINUITY_TOLERANCE_S: f64 = 0.01;

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
pub fn read<R: Read + Seek>(mut file: R, lead: &LeadChoice) -> Result<EdfRecording, EcgError> {
    let found = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    let mut file = BufReader::new(file);
    let header = EdfHeader::read(&mut file)?;
    check_length(&header, found)?;
    let chosen = Chosen::of(&header, lead)?;
    let (samples_mv, annotations) = read_records(&mut file, &header, &chosen)?;
    let recording = EcgRecording::new(RecordingParts {
        start: header.start,
        sampling_rate_hz: chosen.sampling_rate_hz,
        lead: chosen.signal.label.clone(),
        samples_mv,
        calibrated: true,
    })?;
    Ok(EdfRecording { recording, annotations })
}

fn check_length(header: &EdfHeader, found: u64) -> Result<(), EcgError> {
    let described = header.records.saturating_mul(header.record_bytes()).saturating_add(header.bytes());
    match found.cmp(&described) {
        std::cmp::Ordering::Less => Err(EcgError::Truncated { what: "the EDF file", described, found }),
        std::cmp::Ordering::Greater => Err(EcgError::Excess { what: "the EDF file", described, found }),
        std::cmp::Ordering::Equal => Ok(()),
    }
}

/// The lead to keep and how its steps become millivolts.
struct Chosen<'a> {
    signal: &'a EdfSignal,
    sampling_rate_hz: f64,
    factor: f64,
    offset: f64,
}

impl<'a> Chosen<'a> {
    fn of(header: &'a EdfHeader, lead: &LeadChoice) -> Result<Self, EcgError> {
        let channel = |s: &'a EdfSignal| Channel { name: &s.label, transducer: &s.transducer, unit: &s.unit };
        let channels = header.signals.iter().filter(|s| !s.is_annotation()).collect::<Vec<_>>();
        let choices = channels.iter().map(|s| channel(s)).collect::<Vec<_>>();
        let (position, millivolts) = lead.choose(&choices)?;
        let signal = channels[position];
        let (factor, offset) = signal.scale()?;
        check_sample_count(header.records.saturating_mul(signal.samples_per_record))?;
        // At most 99,999,999 from an 8-character field, exact in f64.
        let sampling_rate_hz = signal.samples_per_record as f64 / header.record_seconds;
        check_sampling_rate(sampling_rate_hz)?;
        Ok(Self { signal, sampling_rate_hz, factor: factor * millivolts, offset: offset * millivolts })
    }

    fn millivolts(&self, step: [u8; 2]) -> f32 {
        (f64::from(i16::from_le_bytes(step)) * self.factor + self.offset) as f32
    }
}

fn read_records(
    file: &mut impl Read,
    header: &EdfHeader,
    chosen: &Chosen<'_>,
) -> Result<(Vec<f32>, Vec<EdfAnnotation>), EcgError> {
    let described = header.record_bytes();
    // The file was measured to hold all records, so this much is really there.
    let mut record = Vec::with_capacity(described as usize);
    let mut samples = Vec::with_capacity((header.records * chosen.signal.samples_per_record) as usize);
    let mut lists = Lists::default();
    for number in 0..header.records {
        record.clear();
        let found = file.by_ref().take(described).read_to_end(&mut record)? as u64;
        if found < described {
            return Err(EcgError::Truncated { what: "a data record", described, found });
        }
        let words = slice(&record, chosen.signal).chunks_exact(2);
        samples.extend(words.map(|word| chosen.millivolts([word[0], word[1]])));
        if header.is_plus {
            lists.gather(&record, header, number)?;
        }
    }
    Ok((samples, lists.annotations))
}

/// The bytes of one signal in a data record. In range: offsets and sizes were summed to the record size.
fn slice<'a>(record: &'a [u8], signal: &EdfSignal) -> &'a [u8] {
    let from = signal.offset as usize;
    record.get(from..from + signal.samples_per_record as usize * 2).unwrap_or_default()
}

/// The annotations gathered so far.
#[derive(Default)]
struct Lists {
    annotations: Vec<EdfAnnotation>,
    text_bytes: usize,
    first_onset_seconds: Option<f64>,
}

impl Lists {
    fn gather(&mut self, record: &[u8], header: &EdfHeader, number: u64) -> Result<(), EcgError> {
        let channels = header.signals.iter().filter(|s| s.is_annotation());
        for (position, channel) in channels.enumerate() {
            let RecordAnnotations { record_onset_seconds, annotations } =
                edf_annotation::parse(slice(record, channel))?;
            // Only the first annotation channel keeps the time.
            if let Some(onset) = record_onset_seconds.filter(|_| position == 0) {
                self.check_continuity(onset, header.record_seconds, number)?;
            }
            self.text_bytes += annotations.iter().map(|a| a.text.len()).sum::<usize>();
            self.annotations.extend(annotations);
            self.check_limits()?;
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), EcgError> {
        if self.annotations.len() > MAX_ANNOTATIONS {
            let (value, limit) = (self.annotations.len() as u64, MAX_ANNOTATIONS as u64);
            return Err(EcgError::limit("the number of annotations", value, limit));
        }
        if self.text_bytes > MAX_ANNOTATION_TEXT_BYTES {
            let (value, limit) = (self.text_bytes as u64, MAX_ANNOTATION_TEXT_BYTES as u64);
            return Err(EcgError::limit("annotation text in bytes", value, limit));
        }
        Ok(())
    }

    /// A record must start where the first one and the durations since put it.
    fn check_continuity(&mut self, onset: f64, record_seconds: f64, number: u64) -> Result<(), EcgError> {
        let elapsed = number as f64 * record_seconds;
        let first = *self.first_onset_seconds.get_or_insert(onset - elapsed);
        if (onset - first - elapsed).abs() > CONTINUITY_TOLERANCE_S {
            return Err(EcgError::Discontinuous);
        }
        Ok(())
    }
}
