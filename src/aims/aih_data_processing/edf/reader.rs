//! Reads chosen channels and the annotations of an EDF, EDF+C or BDF file.
//!
//! The size of the file must be exactly what the header describes: a file that is shorter was cut off, one
//! that is longer has a header that lies about the number of records. Both are refused before memory is
//! taken. Then one data record after the other passes through one buffer; only the chosen channels stay.

use std::io::{BufReader, Read, Seek, SeekFrom};

use super::annotation::{self, EdfAnnotation, RecordAnnotations};
use super::error::EdfError;
use super::header::{Continuity, EdfHeader, EdfSignal, SampleWidth};
use super::limits::{MAX_ANNOTATION_TEXT_BYTES, MAX_ANNOTATIONS};

/// How far the time of a data record may be from its place in a continuous recording, in seconds.
pub const CONTINUITY_TOLERANCE_S: f64 = 0.01;

/// An open file: its header is read and agrees with its length.
#[derive(Debug)]
pub struct EdfFile<R> {
    file: BufReader<R>,
    header: EdfHeader,
}

/// A channel to keep, and how its digital values become physical ones: `digital × factor + offset`.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    signal: EdfSignal,
    factor: f64,
    offset: f64,
}

impl Selection {
    /// A channel in a unit `units` times as large as its own, for instance 0.001 for microvolts as millivolts.
    ///
    /// # Errors
    ///
    /// [`EdfError::Field`] when the ranges in the header give no scale.
    pub fn of(header: &EdfHeader, signal: &EdfSignal, units: f64) -> Result<Self, EdfError> {
        let (factor, offset) = signal.scale(header.width)?;
        Ok(Self { signal: signal.clone(), factor: factor * units, offset: offset * units })
    }

    fn physical(&self, digital: i32) -> f32 {
        (f64::from(digital) * self.factor + self.offset) as f32
    }
}

impl<R: Read + Seek> EdfFile<R> {
    /// Reads the header and compares it with the length of the file.
    ///
    /// # Errors
    ///
    /// As [`EdfHeader::read`]; `Truncated` and `Excess` when file and header disagree about the length,
    /// `Discontinuous` for EDF+D.
    pub fn open(mut file: R) -> Result<Self, EdfError> {
        let found = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        let mut file = BufReader::new(file);
        let header = EdfHeader::read(&mut file)?;
        let described = header.file_bytes();
        if header.continuity == Continuity::Discontinuous {
            return Err(EdfError::Discontinuous);
        }
        match found.cmp(&described) {
            std::cmp::Ordering::Less => Err(EdfError::Truncated { what: "the EDF file", described, found }),
            std::cmp::Ordering::Greater => Err(EdfError::Excess { what: "the EDF file", described, found }),
            std::cmp::Ordering::Equal => Ok(Self { file, header }),
        }
    }

    /// The header.
    pub fn header(&self) -> &EdfHeader {
        &self.header
    }

    /// Reads the samples of the chosen channels, in their order, and all annotations.
    ///
    /// # Errors
    ///
    /// [`EdfError::Field`] for damaged annotations, [`EdfError::Limit`] for too many,
    /// [`EdfError::Discontinuous`] for records whose times leave gaps.
    pub fn read(mut self, chosen: &[Selection]) -> Result<(Vec<Vec<f32>>, Vec<EdfAnnotation>), EdfError> {
        let header = &self.header;
        let described = header.record_bytes();
        // The file was measured to hold all records, so this much is really there.
        let mut record = Vec::with_capacity(described as usize);
        let room = |c: &Selection| Vec::with_capacity((header.records * c.signal.samples_per_record) as usize);
        let mut samples = chosen.iter().map(room).collect::<Vec<_>>();
        let mut lists = Lists::default();
        for number in 0..header.records {
            record.clear();
            let found = self.file.by_ref().take(described).read_to_end(&mut record)? as u64;
            if found < described {
                return Err(EdfError::Truncated { what: "a data record", described, found });
            }
            for (channel, kept) in chosen.iter().zip(&mut samples) {
                let bytes = header.slice(&record, &channel.signal);
                kept.extend(digital(bytes, header.width).map(|d| channel.physical(d)));
            }
            if header.continuity != Continuity::Plain {
                lists.gather(&record, header, number)?;
            }
        }
        Ok((samples, lists.annotations))
    }
}

/// The digital values in the bytes of a channel.
fn digital(bytes: &[u8], width: SampleWidth) -> impl Iterator<Item = i32> + '_ {
    let wide = move |word: &[u8]| match (width, word) {
        // The sign sits in the uppermost byte; shifting back down extends it.
        (SampleWidth::Three, [low, middle, high]) => i32::from_le_bytes([0, *low, *middle, *high]) >> 8,
        (SampleWidth::Two, [low, high]) => i32::from(i16::from_le_bytes([*low, *high])),
        // `chunks_exact` gives no other lengths.
        _ => 0,
    };
    bytes.chunks_exact(width.bytes() as usize).map(wide)
}

/// The annotations gathered so far.
#[derive(Default)]
struct Lists {
    annotations: Vec<EdfAnnotation>,
    text_bytes: usize,
    first_onset_seconds: Option<f64>,
}

impl Lists {
    fn gather(&mut self, record: &[u8], header: &EdfHeader, number: u64) -> Result<(), EdfError> {
        let channels = header.signals.iter().filter(|s| s.is_annotation());
        for (position, channel) in channels.enumerate() {
            let RecordAnnotations { record_onset_seconds, annotations } =
                annotation::parse(header.slice(record, channel))?;
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

    fn check_limits(&self) -> Result<(), EdfError> {
        if self.annotations.len() > MAX_ANNOTATIONS {
            let (value, limit) = (self.annotations.len() as u64, MAX_ANNOTATIONS as u64);
            return Err(EdfError::Limit { what: "the number of annotations", value, limit });
        }
        if self.text_bytes > MAX_ANNOTATION_TEXT_BYTES {
            let (value, limit) = (self.text_bytes as u64, MAX_ANNOTATION_TEXT_BYTES as u64);
            return Err(EdfError::Limit { what: "annotation text in bytes", value, limit });
        }
        Ok(())
    }

    /// A record must start where the first one and the durations since put it.
    fn check_continuity(&mut self, onset: f64, record_seconds: f64, number: u64) -> Result<(), EdfError> {
        let elapsed = number as f64 * record_seconds;
        let first = *self.first_onset_seconds.get_or_insert(onset - elapsed);
        if (onset - first - elapsed).abs() > CONTINUITY_TOLERANCE_S {
            return Err(EdfError::Discontinuous);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_widths_are_read_with_their_signs() {
        let two = digital(&[0xff, 0x7f, 0x00, 0x80, 0xff, 0xff], SampleWidth::Two).collect::<Vec<_>>();
        assert_eq!(two, [32_767, -32_768, -1]);
        let bytes = [0xff, 0xff, 0x7f, 0x00, 0x00, 0x80, 0xfe, 0xff, 0xff];
        assert_eq!(digital(&bytes, SampleWidth::Three).collect::<Vec<_>>(), [8_388_607, -8_388_608, -2]);
    }
}
