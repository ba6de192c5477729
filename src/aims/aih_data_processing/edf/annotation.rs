//! Time-stamped annotation lists (TAL) of EDF+.
//!
//! ```text
//! +1.5 ␕ 0.2 ␔ text ␔ text ␔ ␀      onset [␕ duration] ␔ texts, each ended by ␔ ; the list ended by ␀
//! ```
//!
//! The first list of each data record has an empty first text: it keeps the time of that record.

use super::error::EdfError;

const DURATION_MARK: u8 = 0x15;
const TEXT_END: u8 = 0x14;
const LIST_END: u8 = 0x00;

/// One annotation of an EDF+ recording.
#[derive(Debug, Clone, PartialEq)]
pub struct EdfAnnotation {
    /// Seconds since the start of the recording.
    pub onset_seconds: f64,
    /// Duration in seconds, where stated.
    pub duration_seconds: Option<f64>,
    /// The text.
    pub text: String,
}

/// The lists of one data record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecordAnnotations {
    /// Start of the data record in seconds, from its time-keeping list.
    pub record_onset_seconds: Option<f64>,
    /// The other lists, one entry for each text.
    pub annotations: Vec<EdfAnnotation>,
}

/// Parses the annotation bytes of one data record.
///
/// # Errors
///
/// [`EdfError::Field`] when a list is not ended or its times are no numbers.
pub fn parse(bytes: &[u8]) -> Result<RecordAnnotations, EdfError> {
    let mut result = RecordAnnotations::default();
    let mut rest = bytes;
    while let Some(start) = rest.iter().position(|b| *b != LIST_END) {
        rest = &rest[start..];
        let end = rest.iter().position(|b| *b == LIST_END);
        let end = end.ok_or(EdfError::field("annotation list", "it has no end in its data record"))?;
        let first = result.record_onset_seconds.is_none() && result.annotations.is_empty();
        parse_list(&rest[..end], first, &mut result)?;
        rest = &rest[end..];
    }
    Ok(result)
}

fn parse_list(list: &[u8], first: bool, result: &mut RecordAnnotations) -> Result<(), EdfError> {
    let body = list.strip_suffix(&[TEXT_END]);
    let body = body.ok_or(EdfError::field("annotation list", "its last text has no end"))?;
    let mut parts = body.split(|b| *b == TEXT_END);
    let mut times = parts.next().unwrap_or_default().split(|b| *b == DURATION_MARK);
    let onset_seconds = seconds(times.next().unwrap_or_default())?;
    let duration_seconds = times.next().map(seconds).transpose()?;
    for (position, text) in parts.enumerate() {
        if text.is_empty() {
            if first && position == 0 {
                result.record_onset_seconds = Some(onset_seconds);
            }
            continue;
        }
        let text = String::from_utf8_lossy(text).into_owned();
        result.annotations.push(EdfAnnotation { onset_seconds, duration_seconds, text });
    }
    Ok(())
}

fn seconds(text: &[u8]) -> Result<f64, EdfError> {
    let number = std::str::from_utf8(text).ok().and_then(|t| t.parse::<f64>().ok());
    number.filter(|n| n.is_finite()).ok_or(EdfError::field("annotation time", "it is not a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_keeping_and_texts_are_told_apart() {
        let read = parse(b"+567\x14\x14\x00+568.25\x152.5\x14Lights off\x14\xce\xb1\x14\x00\x00\x00").unwrap();
        assert_eq!(read.record_onset_seconds, Some(567.0));
        let text = |text: &str| EdfAnnotation { onset_seconds: 568.25, duration_seconds: Some(2.5), text: text.into() };
        assert_eq!(read.annotations, [text("Lights off"), text("\u{3b1}")]);
        assert_eq!(parse(&[0; 8]).unwrap(), RecordAnnotations::default());
    }

    #[test]
    fn damaged_lists_are_refused() {
        for bytes in
            [&b"+1\x14\x14"[..], b"+1\x14a\x00", b"x\x14a\x14\x00", b"+1\x15y\x14a\x14\x00", b"+inf\x14\x14\x00"]
        {
            assert!(matches!(parse(bytes), Err(EdfError::Field { .. })), "{bytes:?}");
        }
        assert!(parse(b"\x14\x00").is_err());
        assert!(parse(b"\xff\xff\xff\xff\x14a\x14\x00").is_err());
    }
}
