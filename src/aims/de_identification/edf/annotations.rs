//! Annotation channels, written anew: the lists that keep the time stay, of the other texts only known events.
//!
//! A list is never longer than it was, so every record keeps its size; what becomes free is filled with zeros. Times are
//! taken over as digits, after they were found to lie within the recording: a number may identify too.

use serde_json::{Map, Value};

use super::error::EdfTreatmentError;
use super::log::Log;
use super::words;
use crate::aims::aih_data_processing::edf::{
    Continuity, EdfError, EdfHeader, EdfSignal, annotation, reader::CONTINUITY_TOLERANCE_S,
};

const PARAMETER: &str = "Annotations";
const DURATION_MARK: u8 = 0x15;
const TEXT_END: u8 = 0x14;
const LIST_END: u8 = 0x00;
/// Longest believable recording with gaps, in seconds: a year.
const MOST_SECONDS: f64 = 366.0 * 86_400.0;

/// Annotations of a file on their way through.
pub(super) struct Annotations<'a> {
    header: &'a EdfHeader,
    keep_events: bool,
    record: u64,
    first_onset: f64,
    last_onset: f64,
    counts: Counts,
}

/// Texts that stayed and went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) kept: u64,
    pub(super) removed: u64,
}

/// A list, taken apart.
struct List<'a> {
    times: &'a [u8],
    onset: f64,
    duration: f64,
    texts: Vec<&'a [u8]>,
}

impl<'a> Annotations<'a> {
    pub(super) fn new(header: &'a EdfHeader, parameters: &Map<String, Value>) -> Result<Self, EdfTreatmentError> {
        let keep_events = match parameters.get(PARAMETER).map(Value::as_str) {
            None | Some(Some("known")) => true,
            Some(Some("remove")) => false,
            Some(_) => return Err(EdfTreatmentError::Parameter { name: PARAMETER, words: "known, remove" }),
        };
        let counts = Counts::default();
        Ok(Self { header, keep_events, record: 0, first_onset: 0.0, last_onset: 0.0, counts })
    }

    /// Appends a data record to the result: samples as they are, annotations anew.
    ///
    /// # Errors
    ///
    /// [`EdfTreatmentError::Edf`] for damaged lists, [`EdfTreatmentError::Times`].
    pub(super) fn rewrite_record(&mut self, record: &[u8], out: &mut Vec<u8>) -> Result<(), EdfTreatmentError> {
        let mut keeps_time = self.header.continuity != Continuity::Plain;
        for signal in &self.header.signals {
            let bytes = self.header.slice(record, signal);
            if signal.is_annotation() {
                let lists = self.rewrite(bytes, std::mem::take(&mut keeps_time))?;
                out.extend(&lists);
                out.extend(std::iter::repeat_n(LIST_END, filling(bytes, &lists, signal)?));
            } else {
                out.extend(bytes);
            }
        }
        self.record += 1;
        Ok(())
    }

    pub(super) fn finish(self, log: &mut Log) -> Counts {
        let Counts { removed, .. } = self.counts;
        log.count("Removal of Identifiers", "EDF+ annotations that are no known event word", removed);
        self.counts
    }

    fn rewrite(&mut self, bytes: &[u8], keeps_time: bool) -> Result<Vec<u8>, EdfTreatmentError> {
        // Says what is wrong with a damaged list.
        annotation::parse(bytes)?;
        let mut out = Vec::new();
        let lists = bytes.split(|b| *b == LIST_END).filter(|list| !list.is_empty());
        for (number, list) in lists.enumerate() {
            let list = List::of(list)?;
            let time = keeps_time && number == 0 && list.texts.first().is_some_and(|text| text.is_empty());
            if time {
                self.check_time(list.onset)?;
            }
            let stays = |text: &&&[u8]| self.keep_events && self.is_known(&list, text);
            let all = list.texts.iter().filter(|text| !text.is_empty()).count();
            let kept = list.texts.iter().filter(stays).copied().collect::<Vec<_>>();
            self.counts.kept += kept.len() as u64;
            self.counts.removed += (all - kept.len()) as u64;
            if time {
                out.extend(list.times.split(|b| *b == DURATION_MARK).next().unwrap_or_default());
                out.extend([TEXT_END, TEXT_END]);
            } else if !kept.is_empty() {
                out.extend(list.times);
                out.push(TEXT_END);
            }
            kept.iter().for_each(|text| out.extend(text.iter().chain(&[TEXT_END])));
            if time || !kept.is_empty() {
                out.push(LIST_END);
            }
        }
        Ok(out)
    }

    /// A known word at a time within the recording.
    fn is_known(&self, list: &List<'_>, text: &[u8]) -> bool {
        let most = match self.header.continuity {
            Continuity::Discontinuous => MOST_SECONDS,
            _ => self.header.records as f64 * self.header.record_seconds + 1.0,
        };
        let within = (-1.0..=most).contains(&list.onset) && (0.0..=most).contains(&list.duration);
        within && std::str::from_utf8(text).is_ok_and(words::is_event)
    }

    /// The time of a record is where the recording has come to.
    fn check_time(&mut self, onset: f64) -> Result<(), EdfTreatmentError> {
        let elapsed = self.record as f64 * self.header.record_seconds;
        if self.record == 0 {
            self.first_onset = onset;
        }
        let fits = match self.header.continuity {
            Continuity::Discontinuous => onset >= self.last_onset && onset <= MOST_SECONDS,
            _ => {
                // EDF+ 2.2.4: the start of the file, to the second, is in the header.
                (0.0..1.0).contains(&self.first_onset)
                    && (onset - self.first_onset - elapsed).abs() <= CONTINUITY_TOLERANCE_S
            }
        };
        self.last_onset = onset;
        if fits { Ok(()) } else { Err(EdfTreatmentError::Times) }
    }
}

impl<'a> List<'a> {
    fn of(list: &'a [u8]) -> Result<Self, EdfTreatmentError> {
        let body = list.strip_suffix(&[TEXT_END]).ok_or(EdfTreatmentError::Times)?;
        let mut parts = body.split(|b| *b == TEXT_END);
        let times = parts.next().unwrap_or_default();
        let mut numbers = times.split(|b| *b == DURATION_MARK);
        let onset = plain_number(numbers.next().unwrap_or_default(), b"+-")?;
        let duration = numbers.next().map_or(Ok(0.0), |text| plain_number(text, b""))?;
        if numbers.next().is_some() {
            return Err(EdfTreatmentError::Times);
        }
        Ok(Self { times, onset, duration, texts: parts.collect() })
    }
}

/// Digits with at most a sign and a point.
fn plain_number(text: &[u8], signs: &[u8]) -> Result<f64, EdfTreatmentError> {
    const MOST_DIGITS: usize = 16;
    let digits = match text.split_first() {
        Some((sign, rest)) if signs.contains(sign) => rest,
        _ => text,
    };
    let plain = digits.iter().all(|b| b.is_ascii_digit() || *b == b'.') && digits.len() <= MOST_DIGITS;
    let number = std::str::from_utf8(text).ok().filter(|_| plain).and_then(|t| t.parse::<f64>().ok());
    number.ok_or(EdfTreatmentError::Times)
}

/// Zeros behind the lists of a record.
fn filling(before: &[u8], after: &[u8], signal: &EdfSignal) -> Result<usize, EdfTreatmentError> {
    let damaged = EdfError::Field { field: "annotation list", reason: "it does not fit its data record" };
    debug_assert!(signal.is_annotation());
    before.len().checked_sub(after.len()).ok_or(EdfTreatmentError::Edf(damaged))
}
