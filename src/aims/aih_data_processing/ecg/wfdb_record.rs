//! Reads one lead of a WFDB record (formats 16 and 212) from its tar archive.
//!
//! Signals that share a file are interleaved frame by frame; the chosen one is picked out while streaming, so
//! only its samples are held. Format and layout follow `signal(5)` of the WFDB Applications Guide. The checksum
//! (the 16-bit sum of all samples) and the first value in the header are compared with what was read.

use std::io::{Read, Seek};
use std::ops::Range;

use super::error::EcgError;
use super::lead::{Channel, LeadChoice};
use super::recording::{EcgRecording, RecordingParts, check_sample_count};
use super::wfdb_archive::WfdbArchive;
use super::wfdb_header::{SampleFormat, WfdbHeader, WfdbSignal};

/// Read buffer in bytes: whole samples of format 16 (2 bytes) and whole pairs of format 212 (3 bytes).
const BUFFER_BYTES: usize = 6 * 4096;
/// Writers may fill the last pair or word; more than this many bytes after the last sample is a contradiction.
const MAX_PADDING_BYTES: u64 = 2;

/// Reads one lead from an uncompressed tar archive with `NAME.hea` and its signal files.
///
/// # Errors
///
/// [`EcgError`]; in particular `Truncated` and `Excess` when file and header disagree about the length, and
/// `IntegrityMismatch` when the samples do not match the checksum or the first value in the header.
pub fn read_tar<R: Read + Seek>(payload: R, lead: &LeadChoice) -> Result<EcgRecording, EcgError> {
    let mut archive = WfdbArchive::open(payload)?;
    let header = WfdbHeader::parse(archive.header())?;
    let channel = |s: &'_ WfdbSignal| (s.description.clone(), s.unit.clone());
    let texts = header.signals.iter().map(channel).collect::<Vec<_>>();
    let channels = texts.iter().map(|(name, unit)| Channel { name, transducer: "", unit }).collect::<Vec<_>>();
    let (chosen, millivolts_per_unit) = lead.choose(&channels)?;
    let signal = &header.signals[chosen];
    let layout = Layout::of(&header, chosen, archive.size_of(&signal.file)?)?;
    let file = archive.file(&signal.file, layout.byte_offset)?;
    let digital = layout.read(file)?;
    check_integrity(signal, &digital, header.frames.is_some())?;
    EcgRecording::new(RecordingParts {
        start: header.start,
        sampling_rate_hz: header.frames_per_second * f64::from(signal.samples_per_frame),
        lead: signal.description.clone(),
        samples_mv: to_millivolts(signal, &digital, millivolts_per_unit),
        calibrated: signal.calibrated,
    })
}

/// Where the chosen signal lies in its file.
struct Layout {
    format: SampleFormat,
    byte_offset: u64,
    frame_len: usize,
    wanted: Range<usize>,
    frames: u64,
}

impl Layout {
    fn of(header: &WfdbHeader, chosen: usize, file_bytes: u64) -> Result<Self, EcgError> {
        let signal = &header.signals[chosen];
        let (frame_len, wanted) = place_in_frame(header, chosen)?;
        let found = file_bytes.saturating_sub(signal.byte_offset);
        let layout = Self { format: signal.format, byte_offset: signal.byte_offset, frame_len, wanted, frames: 0 };
        let frames = header.frames.unwrap_or_else(|| layout.samples_in(found) / frame_len as u64);
        let layout = Self { frames, ..layout };
        check_sample_count(frames.saturating_mul(u64::from(signal.samples_per_frame)))?;
        let described = layout.bytes();
        if found < described {
            return Err(EcgError::Truncated { what: "the signal file", described, found });
        }
        if header.frames.is_some() && found > described + MAX_PADDING_BYTES {
            return Err(EcgError::Excess { what: "the signal file", described, found });
        }
        Ok(layout)
    }

    /// Whole samples in a number of bytes.
    fn samples_in(&self, bytes: u64) -> u64 {
        match self.format {
            SampleFormat::Sixteen => bytes / 2,
            SampleFormat::TwoTwelve => bytes / 3 * 2 + u64::from(bytes % 3 == 2),
        }
    }

    /// Bytes all frames take. No overflow: frames, signals and samples per frame are limited.
    fn bytes(&self) -> u64 {
        let samples = self.frames * self.frame_len as u64;
        match self.format {
            SampleFormat::Sixteen => samples * 2,
            SampleFormat::TwoTwelve => (samples * 3).div_ceil(2),
        }
    }

    /// Streams the file and keeps the chosen signal.
    fn read(&self, file: impl Read) -> Result<Vec<i16>, EcgError> {
        let described = self.bytes();
        let mut file = file.take(described);
        // The file was measured to hold this many samples.
        let wanted = self.frames as usize * self.wanted.len();
        let mut picked = Picked { layout: self, at: 0, samples: Vec::with_capacity(wanted) };
        let mut buffer = vec![0_u8; BUFFER_BYTES];
        let mut found = 0;
        loop {
            let filled = fill(&mut file, &mut buffer)?;
            found += filled as u64;
            picked.take(&buffer[..filled]);
            if filled < buffer.len() {
                break;
            }
        }
        if found < described {
            return Err(EcgError::Truncated { what: "the signal file", described, found });
        }
        Ok(picked.samples)
    }
}

/// Samples of all signals in one frame of the file, and which of them are the chosen signal.
fn place_in_frame(header: &WfdbHeader, chosen: usize) -> Result<(usize, Range<usize>), EcgError> {
    let signal = &header.signals[chosen];
    let (mut frame_len, mut wanted) = (0, 0..0);
    let same_file = |(_, other): &(usize, &WfdbSignal)| other.file == signal.file;
    for (position, other) in header.signals.iter().enumerate().filter(same_file) {
        if other.format != signal.format || other.byte_offset != signal.byte_offset {
            return Err(EcgError::field("signal format", "signals of one file must agree"));
        }
        let end = frame_len + other.samples_per_frame as usize;
        if position == chosen {
            wanted = frame_len..end;
        }
        frame_len = end;
    }
    Ok((frame_len, wanted))
}

/// The samples picked so far and the place in the frame.
struct Picked<'a> {
    layout: &'a Layout,
    at: usize,
    samples: Vec<i16>,
}

impl Picked<'_> {
    fn take(&mut self, bytes: &[u8]) {
        match self.layout.format {
            SampleFormat::Sixteen => {
                for word in bytes.chunks_exact(2) {
                    self.push(i16::from_le_bytes([word[0], word[1]]));
                }
            }
            SampleFormat::TwoTwelve => {
                for pair in bytes.chunks(3).filter(|pair| pair.len() >= 2) {
                    self.push(twelve_bits(pair[1] & 0x0f, pair[0]));
                    if let Some(low) = pair.get(2) {
                        self.push(twelve_bits(pair[1] >> 4, *low));
                    }
                }
            }
        }
    }

    fn push(&mut self, sample: i16) {
        if self.layout.wanted.contains(&self.at) {
            self.samples.push(sample);
        }
        self.at += 1;
        if self.at == self.layout.frame_len {
            self.at = 0;
        }
    }
}

/// Sign-extends 12 bits given as the upper 4 and the lower 8.
fn twelve_bits(high: u8, low: u8) -> i16 {
    i16::from_be_bytes([high << 4 | low >> 4, low << 4]) >> 4
}

/// Fills the buffer as far as the reader goes.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> Result<usize, EcgError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(filled)
}

/// Compares the samples with the header. The checksum covers the stated number of samples, so without that
/// number it says nothing.
fn check_integrity(signal: &WfdbSignal, digital: &[i16], length_stated: bool) -> Result<(), EcgError> {
    if let (Some(stated), Some(first)) = (signal.initial_value, digital.first())
        && stated != i32::from(*first)
    {
        let (stated, found) = (i64::from(stated), i64::from(*first));
        return Err(EcgError::IntegrityMismatch { what: "initial value", stated, found });
    }
    let Some(stated) = signal.checksum.filter(|_| length_stated) else {
        return Ok(());
    };
    let sum = digital.iter().fold(0_i16, |sum, sample| sum.wrapping_add(*sample));
    // Both signed and unsigned spellings of the 16 bits are in use.
    if (stated - i64::from(sum)).rem_euclid(1 << 16) != 0 {
        return Err(EcgError::IntegrityMismatch { what: "checksum", stated, found: i64::from(sum) });
    }
    Ok(())
}

fn to_millivolts(signal: &WfdbSignal, digital: &[i16], millivolts_per_unit: f64) -> Vec<f32> {
    let missing = match signal.format {
        SampleFormat::Sixteen => i16::MIN,
        SampleFormat::TwoTwelve => -2048,
    };
    let scale = millivolts_per_unit / signal.gain;
    let baseline = f64::from(signal.baseline);
    let convert = |s: &i16| {
        if *s == missing { f32::NAN } else { ((f64::from(*s) - baseline) * scale) as f32 }
    };
    digital.iter().map(convert).collect()
}
