//! Conformance testing: the engine behind `hbe conformance`.
//!
//! Table 5 of the Health Back End names fifteen messages that it receives or produces, and asks one thing of each: that
//! it validates against its schema, with every object it includes. [`check`] takes a file or a directory of messages
//! and says, for each row of the table, whether the messages found there do.
//!
//! A directory that holds `valid/` or `invalid/` is read as vectors (`invalid/…` must be refused); any other holds
//! messages as they were sent, each of which must be accepted. A message is read the way the running Back End reads
//! it: strictly, against its schema, into its wire type and back. Reading files is all this module does with the world.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

mod examine;
mod render;
pub mod resources;
mod table;

pub use self::{
    examine::{Examined, Expectation, Refusal},
    table::{Direction, Outcome, Part, Row, RowResult, SUB_AIMS, TABLE_5},
};
use super::MessageType;

/// Where the vectors of this project stand, seen from its top directory.
pub const EXAMPLES: &str = "schemas/examples";

/// Largest message examined, in bytes.
pub const MOST_BYTES: usize = 64 << 20;

/// Why nothing could be examined.
#[derive(Debug, thiserror::Error)]
pub enum ConformanceError {
    /// A file or directory that cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No message anywhere.
    #[error("{0} holds no message (no .json file)")]
    Empty(PathBuf),
}

/// What came of every message examined.
#[derive(Debug, Clone)]
pub struct Report {
    /// The messages, in the order of their paths.
    pub examined: Vec<Examined>,
    /// What was not tested of a running Back End: vectors that no door takes alone, and what it does not offer.
    pub left_out: Vec<String>,
}

impl Report {
    /// The rows of Table 5 with their results.
    pub fn rows(&self) -> Vec<RowResult> {
        TABLE_5.iter().map(|row| RowResult::of(*row, &self.examined)).collect()
    }

    /// The SubAIMs' own tables with their results.
    pub fn sub_aims(&self) -> impl Iterator<Item = (&'static str, Vec<RowResult>)> {
        SUB_AIMS.iter().map(|(aim, rows)| (*aim, rows.iter().map(|row| RowResult::of(*row, &self.examined)).collect()))
    }

    /// Results for the message types that Table 5 does not name.
    pub fn others(&self) -> Vec<RowResult> {
        let unnamed = MessageType::ALL.iter().filter(|message| TABLE_5.iter().all(|row| row.message != **message));
        unnamed.map(|message| RowResult::of(Row::included(*message), &self.examined)).collect()
    }

    /// Messages that were accepted or refused against expectation.
    pub fn failures(&self) -> impl Iterator<Item = &Examined> {
        self.examined.iter().filter(|examined| !examined.is_as_expected())
    }

    /// Whether everything was as expected. Rows without a message do not count against it.
    pub fn conforms(&self) -> bool {
        self.failures().next().is_none()
    }

    /// Whether every row of Table 5 had at least one message, and everything was as expected.
    pub fn is_complete(&self) -> bool {
        self.conforms() && self.rows().iter().all(|row| row.outcome() == Outcome::Conforms)
    }
}

/// Examines a file, or every `.json` file below a directory.
///
/// # Errors
/// When something cannot be read, or there is nothing to examine. A message that does not conform is no error.
pub fn check(path: &Path) -> Result<Report, ConformanceError> {
    let mut examined = Vec::new();
    for Found { file, expectation, named } in files(path)? {
        let bytes = read(&file, |f| fs::read(f))?;
        let shown = file.strip_prefix(path).ok().filter(|rest| !rest.as_os_str().is_empty()).unwrap_or(&file);
        examined.push(Examined::new(shown.display().to_string(), &bytes, expectation, named));
    }
    if examined.is_empty() {
        return Err(ConformanceError::Empty(path.to_owned()));
    }
    Ok(Report { examined, left_out: Vec::new() })
}

/// A vector: a message, and whether it must be accepted.
#[derive(Debug, Clone)]
pub struct Vector {
    /// Its file, seen from the folder of the vectors.
    pub file: String,
    /// The type it is meant for.
    pub message: MessageType,
    /// Whether it must be accepted.
    pub expectation: Expectation,
    /// The message.
    pub bytes: Vec<u8>,
}

/// The vectors below a folder with `valid/` and `invalid/`, in the order of their paths.
///
/// # Errors
/// When something cannot be read, or there is no vector.
pub fn vectors(path: &Path) -> Result<Vec<Vector>, ConformanceError> {
    let mut vectors = Vec::new();
    for Found { file, expectation, named } in files(path)? {
        let Some(message) = named else { continue };
        let bytes = read(&file, |file| fs::read(file))?;
        let shown = file.strip_prefix(path).unwrap_or(&file).display().to_string();
        vectors.push(Vector { file: shown, message, expectation, bytes });
    }
    if vectors.is_empty() { Err(ConformanceError::Empty(path.to_owned())) } else { Ok(vectors) }
}

/// A message file, and what is known of it before it is read.
struct Found {
    file: PathBuf,
    expectation: Expectation,
    named: Option<MessageType>,
}

/// The message files, in the order of their paths.
fn files(path: &Path) -> Result<Vec<Found>, ConformanceError> {
    let accept = |file| Found { file, expectation: Expectation::Accept, named: None };
    if !read(path, |p| fs::metadata(p))?.is_dir() {
        return Ok(vec![accept(path.to_owned())]);
    }
    let (valid, invalid) = (path.join("valid"), path.join("invalid"));
    if !valid.is_dir() && !invalid.is_dir() {
        return Ok(below(path)?.into_iter().map(accept).collect());
    }
    let mut found = Vec::new();
    for (folder, expectation) in [(valid, Expectation::Accept), (invalid, Expectation::Refuse)] {
        let files = if folder.is_dir() { below(&folder)? } else { Vec::new() };
        found.extend(files.into_iter().map(|file| Found { named: folder_type(&file), file, expectation }));
    }
    Ok(found)
}

fn below(folder: &Path) -> Result<Vec<PathBuf>, ConformanceError> {
    let mut files = Vec::new();
    walk(folder, &mut files)?;
    files.sort();
    Ok(files)
}

/// Collects the `.json` files below a directory. Links to directories are not followed: they may lead in circles.
fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), ConformanceError> {
    for entry in read(folder, |f| fs::read_dir(f))? {
        let entry = read(folder, |_| entry)?;
        let kind = read(folder, |_| entry.file_type())?;
        let path = entry.path();
        if kind.is_dir() {
            walk(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    Ok(())
}

fn read<T>(path: &Path, how: impl FnOnce(&Path) -> io::Result<T>) -> Result<T, ConformanceError> {
    how(path).map_err(|source| ConformanceError::Read { path: path.to_owned(), source })
}

/// The type whose name a vector's folder bears, so that a vector without a usable `Header` is still judged.
fn folder_type(file: &Path) -> Option<MessageType> {
    file.parent()?.file_name()?.to_str().and_then(MessageType::from_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAXONOMIES: &str = r#"{"Header":"AIH-HLT-V1.0","Risk":"Red"}"#;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        folder
    }

    #[test]
    fn a_single_message_is_found_by_its_header() {
        let folder = folder(&[("any.json", TAXONOMIES)]);
        let report = check(&folder.path().join("any.json")).unwrap();
        assert!(report.conforms() && !report.is_complete());
        assert_eq!(report.examined[0].message, Some(MessageType::AihTaxonomies));
    }

    #[test]
    fn a_directory_of_messages_expects_all_to_be_accepted() {
        let folder = folder(&[("a/one.json", TAXONOMIES), ("b.json", "{}"), ("notes.txt", "no message")]);
        let report = check(folder.path()).unwrap();
        let failed: Vec<_> = report.failures().map(|f| f.file.as_str()).collect();
        assert_eq!((report.examined.len(), failed), (2, vec!["b.json"]));
    }

    #[test]
    fn vectors_fail_when_accepted_against_expectation() {
        let folder = folder(&[
            ("valid/AIHTaxonomies/good.json", TAXONOMIES),
            ("invalid/AIHTaxonomies/also-good.json", TAXONOMIES),
            ("invalid/AIHTaxonomies/bad.json", "{}"),
            ("expected.json", "{}"),
        ]);
        let report = check(folder.path()).unwrap();
        let failed: Vec<_> = report.failures().map(|f| f.file.as_str()).collect();
        assert_eq!(failed, ["invalid/AIHTaxonomies/also-good.json"]);
        let row = &report.others().into_iter().find(|r| r.row.message == MessageType::AihTaxonomies).unwrap();
        assert_eq!((row.accepted, row.refused, row.unexpected), (1, 1, 1));
        assert_eq!(row.outcome(), Outcome::Fails);
    }

    #[test]
    fn nothing_to_examine_is_an_error() {
        let folder = folder(&[]);
        assert!(matches!(check(folder.path()), Err(ConformanceError::Empty(_))));
        assert!(matches!(check(&folder.path().join("absent")), Err(ConformanceError::Read { .. })));
    }
}
