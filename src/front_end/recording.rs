//! What is uploaded: a recording of its own making, a WFDB record, or an EDF file.

use std::{
    io::{Cursor, Read},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use time::macros::datetime;

use crate::aims::aih_data_processing::ecg::{
    EcgError,
    edf_writer::{self, EdfContents},
    synthetic::SyntheticEcg,
    synthetic_beats::{LabelledRecording, SyntheticBeats},
};

/// When synthetic recordings begin.
const START: time::PrimitiveDateTime = datetime!(2026-01-01 08:00);

/// A recording ready to be uploaded.
#[derive(Debug)]
pub struct Recording {
    /// What it is, for people.
    pub description: String,
    /// `AIHDataQualifier`.
    pub qualifier: Value,
    /// The payload.
    pub bytes: Vec<u8>,
    /// Times of its heart beats in seconds, when they are known from the making.
    pub true_beats: Option<Vec<f64>>,
}

/// Why there is no recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// A file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Neither a WFDB header nor an EDF file.
    #[error("{0} is neither a WFDB header (.hea) nor an EDF file (.edf)")]
    Unknown(PathBuf),
    /// The synthetic recording could not be made.
    #[error(transparent)]
    Synthetic(#[from] EcgError),
}

/// A recording from a published model of the ECG, seeded, as EDF+ with its beat times as annotations.
///
/// # Errors
/// Never for these settings.
pub fn synthetic() -> Result<Recording, RecordingError> {
    of(&SyntheticEcg::default())
}

/// As [`synthetic`], of a heart of one's choice.
///
/// # Errors
/// When the model does not have such a heart.
pub fn of(heart: &SyntheticEcg) -> Result<Recording, RecordingError> {
    let made = heart.generate()?;
    let mut bytes = Vec::new();
    let contents = EdfContents {
        start: START,
        // Checked by the model: a whole number between 100 and 1,000.
        sampling_rate_hz: heart.sampling_rate_hz as u32,
        label: "ECG II",
        samples_mv: &made.samples_mv,
        beat_times_s: &made.beat_times_s,
        beat_text: "N",
    };
    edf_writer::write(&contents, &mut bytes)?;
    Ok(Recording {
        description: format!(
            "a synthetic ECG (model of McSharry et al. 2003, seed {}): {:.0} minutes at {} Hz, {} beats, EDF+",
            heart.seed,
            heart.duration_s / 60.0,
            heart.sampling_rate_hz,
            made.beat_times_s.len()
        ),
        qualifier: qualifier("EDF+", "application/edf"),
        bytes,
        true_beats: Some(made.beat_times_s),
    })
}

/// Somebody with ectopic beats for a minute and a half; with every seed other waves and another share of each kind.
pub fn person(seed: u64) -> SyntheticBeats {
    SyntheticBeats {
        seed,
        sampling_rate_hz: 200.0,
        duration_s: 90.0,
        ventricular: 0.06 + 0.03 * (seed % 4) as f64,
        supraventricular: 0.04 + 0.03 * (seed % 3) as f64,
        noise_mv: 0.02 + 0.03 * (seed % 3) as f64,
    }
}

/// A person's recording whose beats are labelled N, S and V, as a learner needs them.
///
/// # Errors
/// When the model does not have such a person.
pub fn labelled(person: &SyntheticBeats) -> Result<Recording, RecordingError> {
    let made = person.generate()?;
    Ok(Recording {
        description: format!(
            "a synthetic ECG with ectopic beats (seed {}), {} beats, EDF+",
            person.seed,
            made.beats.len()
        ),
        qualifier: qualifier("EDF+", "application/edf"),
        bytes: edf_plus(&made, person.sampling_rate_hz)?,
        true_beats: Some(made.beats.into_iter().map(|(at, _)| at).collect()),
    })
}

/// A labelled recording as EDF+, each beat an annotation with the letter of its kind. The rate, in hertz, is a whole number.
///
/// # Errors
/// When it does not fit the format.
pub fn edf_plus(made: &LabelledRecording, sampling_rate_hz: f64) -> Result<Vec<u8>, RecordingError> {
    let (times, texts): (Vec<f64>, Vec<&str>) = made.beats.iter().map(|(at, kind)| (*at, kind.letter())).unzip();
    let contents = EdfContents {
        start: START,
        sampling_rate_hz: sampling_rate_hz as u32,
        label: "ECG II",
        samples_mv: &made.samples_mv,
        beat_times_s: &times,
        beat_text: "N",
    };
    let mut bytes = Vec::new();
    edf_writer::write_labelled(&contents, &texts, &mut bytes)?;
    Ok(bytes)
}

/// A recording from a file.
///
/// # Errors
/// When it cannot be read or is of another kind.
pub fn from_file(path: &Path) -> Result<Recording, RecordingError> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match path.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase).as_deref() {
        Some("hea") => Ok(Recording {
            description: format!("the WFDB record {name}"),
            qualifier: qualifier("WFDB", "application/x-tar"),
            bytes: pack_wfdb(path)?,
            true_beats: None,
        }),
        Some("edf") => Ok(Recording {
            description: format!("the EDF file {name}"),
            qualifier: qualifier("EDF", "application/edf"),
            bytes: std::fs::read(path).map_err(|source| RecordingError::File { path: path.to_owned(), source })?,
            true_beats: None,
        }),
        _ => Err(RecordingError::Unknown(path.to_owned())),
    }
}

fn qualifier(format: &str, media_type: &str) -> Value {
    json!({ "DataClass": "PhysiologicalSignal", "Format": format, "MediaType": media_type })
}

/// Packs a WFDB header with the signal files it names into one uncompressed tar archive.
fn pack_wfdb(header: &Path) -> Result<Vec<u8>, RecordingError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| RecordingError::File { path, source }
    };
    let text = std::fs::read_to_string(header).map_err(failed(header))?;
    let mut names = vec![header.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()];
    for line in text.lines().filter(|line| !line.starts_with('#')).skip(1) {
        let name = line.split_whitespace().next().unwrap_or_default().to_owned();
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    let mut archive = tar::Builder::new(Vec::new());
    for name in names {
        let path = header.with_file_name(&name);
        let mut contents = Vec::new();
        std::fs::File::open(&path).and_then(|mut file| file.read_to_end(&mut contents)).map_err(failed(&path))?;
        let mut entry = tar::Header::new_ustar();
        entry.set_size(contents.len() as u64);
        entry.set_mode(0o644);
        archive.append_data(&mut entry, &name, Cursor::new(contents)).map_err(failed(&path))?;
    }
    archive.into_inner().map_err(failed(header))
}
