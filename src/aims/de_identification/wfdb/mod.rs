//! De-identification of WFDB records in a tar archive.
//!
//! | Part | Becomes |
//! | --- | --- |
//! | record name, in the header and in every file name | a keyed pseudonym |
//! | comments of the header: age, sex, diagnoses, medication | removed |
//! | base date | moved by whole days, or removed with the base time |
//! | descriptions and units of signals | kept when every word is known, else a neutral text |
//! | bytes before, between and behind the samples of a signal file | removed |
//! | annotation files of known annotators | codes and times stay, of the texts only known rhythms |
//! | any other file | left out and counted |
//! | archive: owners, times, extended headers | a fresh archive without them |
//!
//! Samples stay byte for byte. Source of the layout: WFDB Applications Guide, `header(5)`, `signal(5)`, `annot(5)`; of
//! what identifies: 45 CFR 164.514(b)(2). The record name is taken for the person: two records of one person that bear
//! different names get different pseudonyms.

mod annotations;
mod error;
mod header;

#[cfg(test)]
mod tests;

use std::io::{Cursor, Read};

use annotations::Texts;
pub use error::WfdbTreatmentError;

use super::edf::{dates::DateHandling, dates::MOST_DAYS, log::Log};
use crate::{
    aims::{
        ai_modules::treatment::{Mapped, Measure, Treated, Treatment},
        aih_data_processing::ecg::{EcgError, wfdb_archive::WfdbArchive, wfdb_header::WfdbHeader},
    },
    domain::taxonomy::DataStatus,
    schema::wire::DataFormat,
};

const REMOVAL: &str = "Removal of Identifiers";
/// Extensions of annotation files in the collections of PhysioNet; others could be anybody's word.
const ANNOTATORS: &[&str] = &[
    "atr", "ari", "qrs", "ecg", "wqrs", "sqrs", "gqrs", "xqrs", "man", "st", "sta", "stb", "stc", "16a", "aami", "ann",
    "apn", "cba", "ate", "pu", "pu0", "pu1", "q1c", "q2c", "qt1", "qt2", "mrg", "event", "al", "marker", "xws",
];

type Archive<'a> = WfdbArchive<Cursor<&'a [u8]>>;

/// De-identifies a record.
///
/// # Errors
/// What is wrong with the payload or a parameter, in words and without values of the data.
pub fn treat(treatment: &Treatment<'_>) -> Result<Treated, String> {
    treat_record(treatment).map_err(|error| error.to_string())
}

fn treat_record(treatment: &Treatment<'_>) -> Result<Treated, WfdbTreatmentError> {
    if treatment.format != DataFormat::Wfdb {
        return Err(WfdbTreatmentError::OtherFormat);
    }
    let dates = DateHandling::of(treatment.parameters)?;
    let texts = Texts::of(treatment.parameters)?;
    let mut archive = WfdbArchive::open(Cursor::new(treatment.payload))?;
    let header = WfdbHeader::parse(archive.header())?;
    let name = header::record_name(archive.header())?;
    let pseudonym = treatment.pseudonyms.of("record", &name);
    let shift = time::Duration::days(treatment.pseudonyms.days(&name, MOST_DAYS));
    let mut log = Log::default();
    log.count("Tokenisation", "record name in header and file names: keyed pseudonym", 1);
    let names = header::Names::new(&header, &pseudonym);
    let text = header::rewrite(archive.header(), &header, &names, dates.start(header.start, &shift), &mut log)?;
    let mut out = Fresh::default();
    out.add(&format!("{pseudonym}.hea"), text.as_bytes())?;
    for (old, new) in names.files() {
        let extent = header::Extent::of(&header, old, archive.size_of(old)?)?;
        let samples = read(&mut archive, old, extent.offset, extent.bytes)?;
        log.count(REMOVAL, "bytes outside the samples of a signal file removed", extent.surplus);
        out.add(new, &samples)?;
    }
    let counts = rewrite_annotations(&mut archive, &name, &pseudonym, &names, texts, &mut out, &mut log)?;
    log.count(REMOVAL, "tar: owner, group, times and extended headers of members", out.members);
    let payload = out.finish()?;
    check(&payload, &header)?;
    Ok(Treated {
        payload,
        status: DataStatus::Pseudonymised,
        steps: log.into_steps(),
        measures: counts.measures(),
        residual: residual(dates),
        mapping: vec![Mapped { kind: "WFDB record".to_owned(), original: name, pseudonym }],
    })
}

/// What was counted on the way.
#[derive(Debug, Default)]
struct Counts {
    kept: u64,
    removed: u64,
    files_left_out: u64,
}

impl Counts {
    fn measures(&self) -> Vec<Measure> {
        let measure = |name: &str, value: u64| Measure { name: name.to_owned(), value: value as f64 };
        vec![
            measure("AnnotationTextsKept", self.kept),
            measure("AnnotationTextsRemoved", self.removed),
            measure("FilesLeftOut", self.files_left_out),
        ]
    }
}

fn rewrite_annotations(
    archive: &mut Archive<'_>,
    name: &str,
    pseudonym: &str,
    names: &header::Names,
    texts: Texts,
    out: &mut Fresh,
    log: &mut Log,
) -> Result<Counts, WfdbTreatmentError> {
    let members = archive.names().map(str::to_owned).collect::<Vec<_>>();
    // The header file may be called otherwise than its record; annotators follow either.
    let stem = members.iter().find_map(|m| m.strip_suffix(".hea")).unwrap_or_default().to_owned();
    let mut counts = Counts::default();
    for member in &members {
        if member.ends_with(".hea") || names.is_signal_file(member) {
            continue;
        }
        let annotator = member.rsplit_once('.').filter(|(front, _)| *front == name || *front == stem);
        match annotator.filter(|(_, annotator)| ANNOTATORS.contains(annotator)) {
            Some((_, annotator)) => {
                let bytes = read(archive, member, 0, archive.size_of(member)?)?;
                let rewritten = annotations::rewrite(&bytes, texts)?;
                counts.kept += rewritten.kept;
                counts.removed += rewritten.removed;
                out.add(&format!("{pseudonym}.{annotator}"), &rewritten.bytes)?;
            }
            None => counts.files_left_out += 1,
        }
    }
    log.count(REMOVAL, "annotation texts that are no known rhythm", counts.removed);
    log.count(REMOVAL, "files of the archive that are no part of the record", counts.files_left_out);
    Ok(counts)
}

fn read(archive: &mut Archive<'_>, name: &str, offset: u64, bytes: u64) -> Result<Vec<u8>, WfdbTreatmentError> {
    let mut read = Vec::new();
    let found = archive.file(name, offset)?.take(bytes).read_to_end(&mut read).map_err(EcgError::Io)? as u64;
    if found < bytes {
        return Err(EcgError::Truncated { what: "a file in the archive", described: bytes, found }.into());
    }
    Ok(read)
}

/// An archive that says nothing of where it was made.
#[derive(Default)]
struct Fresh {
    builder: Option<tar::Builder<Vec<u8>>>,
    members: u64,
}

impl Fresh {
    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), WfdbTreatmentError> {
        let builder = self.builder.get_or_insert_with(|| tar::Builder::new(Vec::new()));
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        self.members += 1;
        Ok(builder.append_data(&mut header, name, bytes).map_err(EcgError::Io)?)
    }

    fn finish(self) -> Result<Vec<u8>, WfdbTreatmentError> {
        let builder = self.builder.unwrap_or_else(|| tar::Builder::new(Vec::new()));
        Ok(builder.into_inner().map_err(EcgError::Io)?)
    }
}

/// Reads the result again: a record of the same shape.
fn check(payload: &[u8], header: &WfdbHeader) -> Result<(), WfdbTreatmentError> {
    let archive = WfdbArchive::open(Cursor::new(payload))?;
    let again = WfdbHeader::parse(archive.header())?;
    let shape = |h: &WfdbHeader| {
        let signal = |s: &crate::aims::aih_data_processing::ecg::wfdb_header::WfdbSignal| {
            (s.format, s.samples_per_frame, s.gain, s.baseline, s.initial_value, s.checksum, s.calibrated)
        };
        (h.frames, h.frames_per_second, h.signals.iter().map(signal).collect::<Vec<_>>())
    };
    let present = again.signals.iter().all(|s| archive.size_of(&s.file).is_ok());
    if present && shape(&again) == shape(header) { Ok(()) } else { Err(WfdbTreatmentError::NotFaithful) }
}

fn residual(dates: DateHandling) -> Vec<String> {
    let mut notes = vec![
        "the signals themselves are a person's: an ECG can be matched with another recording of the same person"
            .to_owned(),
        "length, sampling rates, calibration and leads of the record are unchanged".to_owned(),
        "the record name is taken for the person: records of other names are not linked".to_owned(),
    ];
    if dates == DateHandling::Shift {
        notes.push("time of day is unchanged where the header states it".to_owned());
    }
    notes
}
