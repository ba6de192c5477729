//! Annotation files in the MIT format (`annot(5)` of the WFDB Applications Guide), for instance `100.atr`.
//!
//! Little-endian 16-bit words: the upper 6 bits say what it is, the lower 10 how far from the one before.
//!
//! | Code | Means | Lower 10 bits |
//! | --- | --- | --- |
//! | 1–49 | annotation of that kind | samples since the previous annotation |
//! | 59 SKIP | a 32-bit step follows, upper word first | – |
//! | 60 NUM, 61 SUB, 62 CHN | attributes of the annotation before | value |
//! | 63 AUX | text follows, padded to an even number of bytes | bytes of text |
//! | 0 with 0 | end of file | – |

use std::io::Read;

use super::error::EcgError;
use super::limits::{MAX_ANNOTATION_TEXT_BYTES, MAX_ANNOTATIONS};

/// One annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WfdbAnnotation {
    /// Sample number it belongs to, counted from 0.
    pub sample: u64,
    /// Kind, as numbered in `ecgcodes.h` of the WFDB library (1 = normal beat).
    pub code: u8,
    /// Text, empty for most.
    pub text: String,
}

impl WfdbAnnotation {
    /// Whether it marks a beat (a QRS complex) and not a rhythm change, noise, a waveform or a comment.
    ///
    /// The set is that of `isqrs` in the WFDB library: N L R a V F J A S E j / Q, B, ?, e n, f, r.
    #[must_use]
    pub fn is_beat(&self) -> bool {
        matches!(self.code, 1..=13 | 25 | 30 | 34 | 35 | 38 | 41)
    }
}

/// Reads a whole annotation file.
///
/// # Errors
///
/// [`EcgError::Truncated`] when it ends before its end mark, [`EcgError::Field`] for a time before the start
/// or an unknown code, [`EcgError::Limit`] for too many annotations or too much text.
pub fn read_annotations(reader: impl Read) -> Result<Vec<WfdbAnnotation>, EcgError> {
    let mut words = Words { reader: std::io::BufReader::new(reader), read: 0 };
    let mut file = Annotations::default();
    loop {
        let word = words.word()?;
        let (code, value) = ((word >> 10) as u8, word & 0x3ff);
        match code {
            0 if value == 0 => return Ok(file.annotations),
            0..=49 => file.add(code, value)?,
            59 => file.sample = step(file.sample, i64::from(words.skip()?))?,
            60..=62 => {}
            63 => file.add_text(words.text(usize::from(value))?)?,
            _ => return Err(EcgError::field("annotation code", "it is not defined")),
        }
    }
}

/// What has been read of a file.
#[derive(Default)]
struct Annotations {
    annotations: Vec<WfdbAnnotation>,
    sample: i64,
    text_bytes: usize,
}

impl Annotations {
    fn add(&mut self, code: u8, samples_on: u16) -> Result<(), EcgError> {
        self.sample = step(self.sample, i64::from(samples_on))?;
        let sample = u64::try_from(self.sample).map_err(|_| before_start())?;
        let text = String::new();
        self.annotations.push(WfdbAnnotation { sample, code, text });
        if self.annotations.len() > MAX_ANNOTATIONS {
            let (value, limit) = (self.annotations.len() as u64, MAX_ANNOTATIONS as u64);
            return Err(EcgError::limit("the number of annotations", value, limit));
        }
        Ok(())
    }

    /// Text belongs to the annotation before it.
    fn add_text(&mut self, text: String) -> Result<(), EcgError> {
        self.text_bytes += text.len();
        if self.text_bytes > MAX_ANNOTATION_TEXT_BYTES {
            let (value, limit) = (self.text_bytes as u64, MAX_ANNOTATION_TEXT_BYTES as u64);
            return Err(EcgError::limit("annotation text in bytes", value, limit));
        }
        if let Some(last) = self.annotations.last_mut() {
            last.text = text;
        }
        Ok(())
    }
}

fn step(sample: i64, by: i64) -> Result<i64, EcgError> {
    sample.checked_add(by).ok_or_else(before_start)
}

fn before_start() -> EcgError {
    EcgError::field("annotation time", "it lies outside the recording")
}

/// Reads words and counts bytes, so that a truncation can say where.
struct Words<R> {
    reader: R,
    read: u64,
}

impl<R: Read> Words<R> {
    fn exactly(&mut self, bytes: &mut [u8]) -> Result<(), EcgError> {
        let described = self.read + bytes.len() as u64;
        self.reader.read_exact(bytes).map_err(|e| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                EcgError::Truncated { what: "the annotation file", described, found: self.read }
            }
            _ => e.into(),
        })?;
        self.read = described;
        Ok(())
    }

    fn word(&mut self) -> Result<u16, EcgError> {
        let mut bytes = [0; 2];
        self.exactly(&mut bytes)?;
        Ok(u16::from_le_bytes(bytes))
    }

    fn skip(&mut self) -> Result<i32, EcgError> {
        let mut bytes = [0; 4];
        self.exactly(&mut bytes)?;
        Ok(i32::from_le_bytes([bytes[2], bytes[3], bytes[0], bytes[1]]))
    }

    fn text(&mut self, bytes: usize) -> Result<String, EcgError> {
        let mut text = vec![0; bytes + bytes % 2];
        self.exactly(&mut text)?;
        text.truncate(bytes);
        Ok(String::from_utf8_lossy(&text).trim_end_matches('\0').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(code: u16, value: u16) -> [u8; 2] {
        (code << 10 | value).to_le_bytes()
    }

    #[test]
    fn all_kinds_of_words_are_read() {
        let mut file = Vec::new();
        file.extend(word(28, 18));
        file.extend(word(63, 3));
        file.extend(b"(N\0\0");
        file.extend(word(59, 0));
        file.extend([0x01, 0x00, 0x02, 0x00]); // 1 * 65,536 + 2
        file.extend(word(1, 10));
        file.extend(word(61, 1));
        file.extend(word(0, 0));
        let read = read_annotations(&file[..]).unwrap();
        assert_eq!(read[0], WfdbAnnotation { sample: 18, code: 28, text: "(N".into() });
        assert_eq!(read[1], WfdbAnnotation { sample: 65_566, code: 1, text: String::new() });
        assert_eq!((read[0].is_beat(), read[1].is_beat()), (false, true));
        for end in 0..file.len() - 1 {
            assert!(matches!(read_annotations(&file[..end]), Err(EcgError::Truncated { .. })), "{end}");
        }
    }

    #[test]
    fn negative_times_and_unknown_codes_are_refused() {
        let mut back = word(59, 0).to_vec();
        back.extend([0xff, 0xff, 0x00, 0x00]);
        back.extend(word(1, 0));
        assert!(matches!(read_annotations(&back[..]), Err(EcgError::Field { .. })));
        assert!(matches!(read_annotations(&word(55, 1)[..]), Err(EcgError::Field { .. })));
    }
}
