//! De-identification of EDF, EDF+ and BDF recordings.
//!
//! Everything in such a file that is not a sample is written anew from what was understood of it; nothing is copied
//! because it was not recognised as harmful. Samples stay byte for byte.
//!
//! | Part | Becomes | By |
//! | --- | --- | --- |
//! | patient field | `<pseudonym> X X X`, or `X X X X` when it named nobody | EDF+ 2.1.3.3 |
//! | recording field | `Startdate <date or X> X X X`: administration code, technician and equipment go | EDF+ 2.1.3.4 |
//! | start date | moved by whole days, the same for all recordings of the person, or `01.01.85` with time `00.00.00` | EDF anonymising convention |
//! | labels, transducers, prefilters, units | kept when every word is a known one ([`words`]), else a neutral text | – |
//! | annotations | those that keep the time stay; of the others only known event words ([`words`]) | – |
//! | reserved fields, bytes behind the last record | go | – |
//!
//! Sources: B. Kemp, J. Olivan, "European data format 'plus' (EDF+), an EDF alike standard format for the exchange of
//! physiological data", Clin. Neurophysiol. 114, 1755–1761, 2003, with the specification at edfplus.info; 45 CFR
//! 164.514(b)(2) (HIPAA Safe Harbor) for what identifies.
//!
//! The result is read again and compared before it is given back. A recording of one person is pseudonymised at most:
//! its heart beats and brain waves remain that person's.

mod annotations;
pub(super) mod dates;
mod error;
mod header;
pub(super) mod log;
pub(super) mod words;

#[cfg(test)]
mod tests;

use std::io::Cursor;

use annotations::Annotations;
use dates::DateHandling;
pub use error::EdfTreatmentError;
use header::Identity;
use log::Log;

use crate::{
    aims::{
        ai_modules::treatment::{Mapped, Measure, Treated, Treatment},
        aih_data_processing::edf::{EdfError, EdfHeader, SampleWidth},
    },
    domain::taxonomy::DataStatus,
    schema::wire::DataFormat,
};

/// De-identifies a recording.
///
/// # Errors
/// What is wrong with the payload or a parameter, in words and without values of the data.
pub fn treat(treatment: &Treatment<'_>) -> Result<Treated, String> {
    treat_file(treatment).map_err(|error| error.to_string())
}

fn treat_file(treatment: &Treatment<'_>) -> Result<Treated, EdfTreatmentError> {
    let payload = treatment.payload;
    let header = EdfHeader::read(&mut Cursor::new(payload))?;
    let fits = match treatment.format {
        DataFormat::Edf | DataFormat::EdfPlus => header.width == SampleWidth::Two,
        DataFormat::Bdf | DataFormat::BdfPlus => header.width == SampleWidth::Three,
        _ => false,
    };
    if !fits {
        return Err(EdfTreatmentError::OtherFormat);
    }
    let records = records(payload, &header)?;
    let mut log = Log::default();
    let dates = DateHandling::of(treatment.parameters)?;
    let identity = Identity::of(payload, &header, treatment.pseudonyms);
    let mut out = header::rewrite(payload, &header, &identity, dates.start(header.start, &identity.shift), &mut log)?;
    let mut annotations = Annotations::new(&header, treatment.parameters)?;
    for record in records.chunks_exact(header.record_bytes() as usize) {
        annotations.rewrite_record(record, &mut out)?;
    }
    let kept = annotations.finish(&mut log);
    let surplus = payload.len() as u64 - header.file_bytes();
    log.count("Removal of Identifiers", "bytes behind the last data record removed", surplus);
    check(&out, payload, &header)?;
    let measure = |name: &str, value: f64| Measure { name: name.to_owned(), value };
    Ok(Treated {
        payload: out,
        status: DataStatus::Pseudonymised,
        measures: vec![
            measure("AnnotationsKept", kept.kept as f64),
            measure("AnnotationsRemoved", kept.removed as f64),
        ],
        residual: residual(dates),
        mapping: identity.mapped.into_iter().collect::<Vec<Mapped>>(),
        steps: log.into_steps(),
    })
}

/// The data records; bytes behind them are left out, missing ones refused.
fn records<'a>(payload: &'a [u8], header: &EdfHeader) -> Result<&'a [u8], EdfError> {
    let (found, described) = (payload.len() as u64, header.file_bytes());
    let records = usize::try_from(described).ok().and_then(|end| payload.get(header.bytes() as usize..end));
    records.filter(|records| !records.is_empty()).ok_or(EdfError::Truncated { what: "the EDF file", described, found })
}

/// Reads the result again: same shape, same samples.
fn check(out: &[u8], payload: &[u8], header: &EdfHeader) -> Result<(), EdfTreatmentError> {
    let again = EdfHeader::read(&mut Cursor::new(out))?;
    let shape = |h: &EdfHeader| (h.width, h.continuity, h.records, h.record_bytes(), h.signals.len());
    let (ours, theirs) = (records(out, &again)?, records(payload, header)?);
    let size = header.record_bytes() as usize;
    let samples = header.signals.iter().filter(|s| !s.is_annotation()).collect::<Vec<_>>();
    let same = |(a, b): (&[u8], &[u8])| samples.iter().all(|s| header.slice(a, s) == header.slice(b, s));
    let whole = shape(&again) == shape(header) && out.len() as u64 == header.file_bytes();
    if whole && ours.chunks_exact(size).zip(theirs.chunks_exact(size)).all(same) {
        Ok(())
    } else {
        Err(EdfTreatmentError::NotFaithful)
    }
}

fn residual(dates: DateHandling) -> Vec<String> {
    let mut notes = vec![
        "the signals themselves are a person's: an ECG or EEG can be matched with another recording of the same person"
            .to_owned(),
        "length, sampling rates, calibration and channels of the recording are unchanged".to_owned(),
        "samples of channels with unknown labels were not looked into".to_owned(),
    ];
    if dates == DateHandling::Shift {
        notes.push("time of day, and intervals between recordings of the person, are unchanged".to_owned());
    }
    notes
}
