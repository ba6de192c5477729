//! The header, written anew.

use time::{Duration, PrimitiveDateTime};

use super::dates::{MOST_DAYS, unknown_start};
use super::error::EdfTreatmentError;
use super::log::Log;
use super::words;
use crate::aims::{
    ai_modules::{pseudonyms::Pseudonyms, treatment::Mapped},
    aih_data_processing::edf::{
        Continuity, EdfHeader, EdfSignal, SampleWidth,
        header::{BDF_VERSION, BLOCK_BYTES, VERSION},
        writer::recording_date,
    },
};

const REMOVAL: &str = "Removal of Identifiers";
const MASKING: &str = "Data Masking";
/// What EDF+ writes for a subfield that is not known.
const UNKNOWN: &str = "X";

/// Whose recording it is, and what stands in that place.
pub(super) struct Identity {
    /// Patient field of the result.
    field: String,
    /// By how much dates move.
    pub(super) shift: Duration,
    /// What is to be sealed, when the field named somebody.
    pub(super) mapped: Option<Mapped>,
}

impl Identity {
    /// Of the patient field. In EDF+ the code stands for the person, without one the name; elsewhere the whole text.
    pub(super) fn of(payload: &[u8], header: &EdfHeader, pseudonyms: &Pseudonyms) -> Self {
        let text = text(payload, 8, 80);
        let known = |part: &&str| *part != UNKNOWN;
        let parts = text.split_whitespace().collect::<Vec<_>>();
        let person = match (header.continuity, parts.as_slice()) {
            (Continuity::Plain, _) | (_, [_] | [_, _] | [_, _, _]) => parts.iter().any(known).then_some(text.as_str()),
            (_, [code, _, _, name, ..]) => Some(*code).filter(known).or(Some(*name).filter(known)),
            (_, []) => None,
        };
        let shift = Duration::days(pseudonyms.days(person.unwrap_or_default(), MOST_DAYS));
        let Some(person) = person else {
            return Self { field: format!("{UNKNOWN} {UNKNOWN} {UNKNOWN} {UNKNOWN}"), shift, mapped: None };
        };
        let pseudonym = pseudonyms.of("patient", person);
        let field = format!("{pseudonym} {UNKNOWN} {UNKNOWN} {UNKNOWN}");
        let mapped = Mapped { kind: "EDF patient".to_owned(), original: text.clone(), pseudonym };
        Self { field, shift, mapped: Some(mapped) }
    }
}

/// The new header.
///
/// # Errors
///
/// [`EdfTreatmentError::NotFaithful`] when a field does not fit its place, which no field of a readable header does.
pub(super) fn rewrite(
    payload: &[u8],
    header: &EdfHeader,
    identity: &Identity,
    start: Option<PrimitiveDateTime>,
    log: &mut Log,
) -> Result<Vec<u8>, EdfTreatmentError> {
    let mut out = Fields(match header.width {
        SampleWidth::Two => VERSION.to_vec(),
        SampleWidth::Three => BDF_VERSION.to_vec(),
    });
    fixed(payload, header, identity, start, &mut out, log)?;
    signals(payload, header, &mut out, log)?;
    Ok(out.0)
}

/// The text of a field, trimmed; bytes that are no text become U+FFFD.
fn text(payload: &[u8], from: usize, width: usize) -> String {
    let bytes = payload.get(from..from + width).unwrap_or_default();
    String::from_utf8_lossy(bytes).trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned()
}

/// Header bytes so far.
struct Fields(Vec<u8>);

impl Fields {
    fn push(&mut self, text: &str, width: usize) -> Result<(), EdfTreatmentError> {
        if text.len() > width || !text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return Err(EdfTreatmentError::NotFaithful);
        }
        self.0.extend(format!("{text:<width$}").into_bytes());
        Ok(())
    }
}

fn fixed(
    payload: &[u8],
    header: &EdfHeader,
    identity: &Identity,
    start: Option<PrimitiveDateTime>,
    out: &mut Fields,
    log: &mut Log,
) -> Result<(), EdfTreatmentError> {
    out.push(&identity.field, 80)?;
    match &identity.mapped {
        Some(_) => log.count("Tokenisation", "EDF+ 2.1.3.3 patient code: keyed pseudonym; sex, birth date, name: X", 1),
        None => {
            log.count(REMOVAL, "EDF+ 2.1.3.3 patient field: X X X X", u64::from(text(payload, 8, 80) != identity.field))
        }
    }
    let date = start.map_or(UNKNOWN.to_owned(), |start| recording_date(start.date()));
    out.push(&format!("Startdate {date} X X X"), 80)?;
    log.count(REMOVAL, "EDF+ 2.1.3.4 recording field: administration code, technician, equipment: X", 1);
    match start {
        Some(_) => log.count("Perturbation", "start date moved by whole days of the person; time of day kept", 1),
        None => log.count(REMOVAL, "start date and time: 01.01.85 00.00.00", 1),
    }
    let start = start.unwrap_or_else(unknown_start);
    let (day, clock) = (start.date(), start.time());
    let two = |values: [u8; 3]| values.map(|v| format!("{v:02}")).join(".");
    out.push(&two([day.day(), day.month().into(), day.year().rem_euclid(100) as u8]), 8)?;
    out.push(&two([clock.hour(), clock.minute(), clock.second()]), 8)?;
    out.push(&header.bytes().to_string(), 8)?;
    let reserved = reserved(header);
    log.count(REMOVAL, "reserved fields: blank", u64::from(text(payload, 192, 44) != reserved));
    out.push(reserved, 44)?;
    out.push(&header.records.to_string(), 8)?;
    // Read as numbers before, so these texts are numbers.
    out.push(&text(payload, 244, 8), 8)?;
    out.push(&header.signals.len().to_string(), 4)
}

fn reserved(header: &EdfHeader) -> &'static str {
    match (header.width, header.continuity) {
        (SampleWidth::Two, Continuity::Plain) => "",
        (SampleWidth::Two, Continuity::Continuous) => "EDF+C",
        (SampleWidth::Two, Continuity::Discontinuous) => "EDF+D",
        (SampleWidth::Three, Continuity::Plain) => "24BIT",
        (SampleWidth::Three, Continuity::Continuous) => "BDF+C",
        (SampleWidth::Three, Continuity::Discontinuous) => "BDF+D",
    }
}

/// A text of a signal.
type Text = fn(&EdfSignal) -> &str;
/// Whether all its words are known.
type Known = fn(&str) -> bool;

/// Field after field, each for all signals.
fn signals(payload: &[u8], header: &EdfHeader, out: &mut Fields, log: &mut Log) -> Result<(), EdfTreatmentError> {
    let count = header.signals.len();
    let all = || header.signals.iter().enumerate();
    for (number, signal) in all() {
        let kept = signal.is_annotation() || (!signal.label.is_empty() && words::is_label(&signal.label));
        log.count(MASKING, "signal labels with unknown words: Signal and number", u64::from(!kept));
        let neutral = format!("Signal {}", number + 1);
        out.push(if kept { &signal.label } else { &neutral }, 16)?;
    }
    let texts: [(Text, Known, usize, &str); 2] = [
        (|s| &s.transducer, words::is_transducer, 80, "transducer types with unknown words: blank"),
        (|s| &s.unit, words::is_unit, 8, "unknown units: blank"),
    ];
    for (field, known, width, rule) in texts {
        for (_, signal) in all() {
            out.push(&keep(field(signal), known, rule, log), width)?;
        }
    }
    // Four numbers; read before, so they are some.
    for before in [104, 112, 120, 128] {
        for (number, _) in all() {
            out.push(&text(payload, BLOCK_BYTES as usize + before * count + number * 8, 8), 8)?;
        }
    }
    for (_, signal) in all() {
        out.push(&keep(&signal.prefilter, words::is_prefilter, "prefilter texts with unknown words: blank", log), 80)?;
    }
    for (_, signal) in all() {
        out.push(&signal.samples_per_record.to_string(), 8)?;
    }
    for (number, _) in all() {
        let at = BLOCK_BYTES as usize + 224 * count + number * 32;
        log.count(REMOVAL, "reserved fields: blank", u64::from(!text(payload, at, 32).is_empty()));
        out.push("", 32)?;
    }
    Ok(())
}

/// A text of known words, in ASCII; else nothing.
fn keep(text: &str, known: Known, rule: &str, log: &mut Log) -> String {
    let kept = known(text);
    log.count(MASKING, rule, u64::from(!kept));
    // The micro sign is Latin-1 or worse in many files; EDF writes it as u.
    if kept { text.replace(['\u{b5}', '\u{3bc}', '\u{fffd}'], "u") } else { String::new() }
}
