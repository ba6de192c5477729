//! Labelled windows from recordings of one's own: beats are detected as they are in use, and each takes the label of the
//! annotation nearest to it. Labels come from EDF+ annotations, or from the `.atr` file beside a WFDB record; the letters are
//! those of the MIT-BIH database, grouped as ANSI/AAMI EC57 does.

use std::{
    io::Cursor,
    path::{Path, PathBuf},
};

use super::TrainingError;
use crate::{
    aims::aih_data_processing::{
        ecg::{EcgError, EcgRecording, LeadChoice, detect_events, edf, read_recording, wfdb_annotation},
        nn::windows::windows,
    },
    front_end::recording,
    mpai_store::models::{declaration::Declaration, examples::Examples},
};

/// How far a detected beat may lie from its annotation, in seconds (ANSI/AAMI EC57).
const TOLERANCE_S: f64 = 0.150;

/// Beats of one recording with their classes.
struct Labelled {
    recording: EcgRecording,
    /// Times in seconds, ascending, and names of classes.
    labels: Vec<(f64, &'static str)>,
}

/// The class of a letter of the MIT-BIH database.
fn class_of(letter: &str) -> Option<&'static str> {
    match letter {
        "N" | "L" | "R" | "e" | "j" => Some("N"),
        "A" | "a" | "J" | "S" => Some("S"),
        "V" | "E" => Some("V"),
        _ => None,
    }
}

/// The letter of a code of the annotation format, as far as a class is known for it.
fn letter_of(code: u8) -> &'static str {
    match code {
        1 => "N",
        2 => "L",
        3 => "R",
        4 => "a",
        5 => "V",
        7 => "J",
        8 => "A",
        9 => "S",
        10 => "E",
        11 => "j",
        34 => "e",
        _ => "",
    }
}

/// Labelled windows of a recording: `.edf` with annotations, or `.hea` with an `.atr` file beside it.
///
/// # Errors
/// [`TrainingError::Recording`] when it cannot be read or nothing in it is labelled.
pub fn examples(path: &Path, declared: &Declaration) -> Result<Examples, TrainingError> {
    let refuse = |reason: String| TrainingError::Recording { path: path.to_owned(), reason };
    let labelled = read(path).map_err(&refuse)?;
    let events = detect_events(&labelled.recording).map_err(|error| refuse(error.to_string()))?;
    let (mut numbers, mut labels) = (Vec::new(), Vec::new());
    for window in windows(&labelled.recording, &events.event_times_seconds, declared) {
        let class = nearest(&labelled.labels, window.at_s).and_then(|class| declared.class(class));
        if let Some(class) = class {
            numbers.extend(window.numbers);
            labels.push(class);
        }
    }
    if labels.is_empty() {
        return Err(refuse("no beat in it has a label".to_owned()));
    }
    Ok(Examples::new(declared.inputs(), numbers, labels)?)
}

/// Labelled windows of several recordings.
///
/// # Errors
/// As [`examples`].
pub fn all_examples(paths: &[PathBuf], declared: &Declaration) -> Result<Examples, TrainingError> {
    let mut all = Examples::default();
    for path in paths {
        all.append(&examples(path, declared)?)?;
    }
    if all.is_empty() { Err(TrainingError::Nothing("there is no recording to learn from")) } else { Ok(all) }
}

fn read(path: &Path) -> Result<Labelled, String> {
    let text = |error: EcgError| error.to_string();
    let lead = LeadChoice::default();
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("edf")) {
        let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
        let read = edf::read(Cursor::new(bytes), &lead).map_err(text)?;
        let label = |a: edf::EdfRecording| {
            let mut labels: Vec<_> =
                a.annotations.iter().filter_map(|a| Some((a.onset_seconds, class_of(a.text.trim())?))).collect();
            labels.sort_by(|one, other| one.0.total_cmp(&other.0));
            Labelled { recording: a.recording, labels }
        };
        return Ok(label(read));
    }
    let packed = recording::from_file(path).map_err(|error| error.to_string())?;
    let recording = read_recording(Cursor::new(packed.bytes), &lead).map_err(text)?;
    let notes = std::fs::File::open(path.with_extension("atr")).map_err(|error| error.to_string())?;
    let notes = wfdb_annotation::read_annotations(notes).map_err(text)?;
    let rate = recording.sampling_rate_hz();
    let labels = notes.iter().filter_map(|note| Some((note.sample as f64 / rate, class_of(letter_of(note.code))?)));
    let labels = labels.collect();
    Ok(Labelled { recording, labels })
}

fn nearest(labels: &[(f64, &'static str)], at_s: f64) -> Option<&'static str> {
    let behind = labels.partition_point(|label| label.0 < at_s);
    let around = labels.get(behind.saturating_sub(1)..(behind + 1).min(labels.len())).unwrap_or_default();
    let best = around.iter().min_by(|one, other| (one.0 - at_s).abs().total_cmp(&(other.0 - at_s).abs()))?;
    ((best.0 - at_s).abs() <= TOLERANCE_S).then_some(best.1)
}
