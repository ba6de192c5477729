//! Annotation files, word by word: codes and times stay, texts go unless they are known.
//!
//! The layout is that of [`crate::aims::aih_data_processing::ecg::wfdb_annotation`], which reads the file first and says
//! what is wrong with it. Bytes behind the end mark go.

use serde_json::{Map, Value};

use super::error::WfdbTreatmentError;
use crate::aims::{
    aih_data_processing::ecg::{EcgError, wfdb_annotation::read_annotations},
    de_identification::edf::{EdfTreatmentError, words},
};

const PARAMETER: &str = "Annotations";
const SKIP: u16 = 59;
const AUX: u16 = 63;
/// The first annotation of some files says how long a tick is.
const RESOLUTION: &str = "## time resolution: ";
const MOST_RESOLUTION_DIGITS: usize = 6;

/// Which texts stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Texts {
    Known,
    None,
}

impl Texts {
    pub(super) fn of(parameters: &Map<String, Value>) -> Result<Self, EdfTreatmentError> {
        match parameters.get(PARAMETER).map(Value::as_str) {
            None | Some(Some("known")) => Ok(Self::Known),
            Some(Some("remove")) => Ok(Self::None),
            Some(_) => Err(EdfTreatmentError::Parameter { name: PARAMETER, words: "known, remove" }),
        }
    }

    fn keep(self, text: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(text) else { return false };
        let text = text.trim_end_matches('\0');
        let number = |rest: &str| {
            (1..=MOST_RESOLUTION_DIGITS).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        };
        // Without the resolution every time in the file would be another.
        text.strip_prefix(RESOLUTION).is_some_and(number) || (self == Self::Known && words::is_rhythm(text))
    }
}

/// The new file and what became of its texts.
#[derive(Debug, Default)]
pub(super) struct Rewritten {
    pub(super) bytes: Vec<u8>,
    pub(super) kept: u64,
    pub(super) removed: u64,
}

/// Writes a file anew.
///
/// # Errors
///
/// As [`read_annotations`].
pub(super) fn rewrite(file: &[u8], texts: Texts) -> Result<Rewritten, WfdbTreatmentError> {
    read_annotations(file)?;
    let mut out = Rewritten::default();
    let mut rest = file;
    while let Some((word, after)) = rest.split_first_chunk::<2>() {
        let value = u16::from_le_bytes(*word);
        let behind = match value >> 10 {
            SKIP => 4,
            AUX => usize::from(value & 0x3ff).next_multiple_of(2),
            _ => 0,
        };
        let (extra, after) = after.split_at_checked(behind).ok_or_else(cut)?;
        if value >> 10 == AUX {
            // The byte that makes the length even is no part of the text.
            let text = extra.get(..usize::from(value & 0x3ff)).unwrap_or_default();
            if texts.keep(text) {
                out.kept += 1;
                out.bytes.extend(word);
                out.bytes.extend(text);
                out.bytes.extend(std::iter::repeat_n(0, behind - text.len()));
            } else {
                out.removed += 1;
            }
        } else {
            out.bytes.extend(word);
            out.bytes.extend(extra);
        }
        if value == 0 {
            return Ok(out);
        }
        rest = after;
    }
    Err(cut().into())
}

fn cut() -> EcgError {
    EcgError::Field { field: "annotation file", reason: "it has no end mark" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(code: u16, value: u16) -> [u8; 2] {
        (code << 10 | value).to_le_bytes()
    }

    fn with_text(text: &str) -> Vec<u8> {
        let mut file = word(28, 18).to_vec();
        file.extend(word(AUX, text.len() as u16));
        file.extend(text.as_bytes());
        file.extend(std::iter::repeat_n(b'J', text.len() % 2));
        file.extend(word(SKIP, 0));
        file.extend([0x01, 0x00, 0x02, 0x00]);
        file.extend(word(1, 10));
        file.extend(word(61, 1));
        file.extend(word(0, 0));
        file
    }

    #[test]
    fn codes_and_times_stay_and_only_known_texts() {
        let plain = read_annotations(&with_text("")[..]).unwrap();
        for (text, stays) in [("(AFIB", true), ("(N", true), ("Mrs Jones", false), ("## time resolution: 360", true)] {
            let file = [with_text(text), b"Jones".to_vec()].concat();
            let out = rewrite(&file, Texts::Known).unwrap();
            let read = read_annotations(&out.bytes[..]).unwrap();
            assert_eq!(
                read.iter().map(|a| (a.sample, a.code)).collect::<Vec<_>>(),
                plain.iter().map(|a| (a.sample, a.code)).collect::<Vec<_>>()
            );
            assert_eq!(read[0].text, if stays { text } else { "" });
            assert_eq!((out.kept, out.removed), (u64::from(stays), u64::from(!stays)));
            assert!(!out.bytes.contains(&b'J'), "{text}");
        }
        let out = rewrite(&with_text("(AFIB"), Texts::None).unwrap();
        assert_eq!((out.kept, out.removed), (0, 1));
        assert!(!Texts::None.keep(b"## time resolution: 1951050") && !Texts::Known.keep(b"## Jones"));
    }

    #[test]
    fn a_file_without_its_end_is_refused() {
        let file = with_text("(N");
        for end in 0..file.len() - 1 {
            assert!(rewrite(&file[..end], Texts::Known).is_err(), "{end}");
        }
    }
}
