//! The documents of this Back End that are no messages of the standard, examined by vectors of their own: a table beside
//! Table 5, never in it.

use std::{fmt, fs, path::Path};

use serde_json::{Value, json};

use super::{ConformanceError, Expectation, MOST_BYTES, below, read};
use crate::schema::{ResourceType, StrictError, Violation, strict, validate_resource};

/// Where the vectors of these documents stand, seen from the folder of the vectors.
pub const FOLDER: &str = "HBE";

/// Why a document was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not strict JSON.
    #[error(transparent)]
    Json(#[from] StrictError),
    /// Its schema refuses it.
    #[error("its schema refuses it")]
    Schema(Vec<Violation>),
    /// Its folder names no type of document.
    #[error("its folder names no document of this Back End")]
    UnknownType,
}

/// A document and what came of it.
#[derive(Debug, Clone)]
pub struct Examined {
    /// Its file, seen from the folder of the vectors.
    pub file: String,
    /// Its type, by folder.
    pub resource: Option<ResourceType>,
    /// What was expected.
    pub expectation: Expectation,
    /// Why it was refused, if it was.
    pub refusal: Option<Refusal>,
}

impl Examined {
    /// Whether it was accepted or refused as expected.
    pub fn is_as_expected(&self) -> bool {
        self.resource.is_some() && (self.expectation == Expectation::Accept) == self.refusal.is_none()
    }
}

/// What came of every document examined.
#[derive(Debug, Clone)]
pub struct ResourceReport(pub Vec<Examined>);

/// Examines the vectors below a folder: `valid/<Name>/…` and `invalid/<Name>/…`.
///
/// # Errors
/// When something cannot be read, or there is nothing to examine.
pub fn check(folder: &Path) -> Result<ResourceReport, ConformanceError> {
    let mut all = Vec::new();
    for (kind, expectation) in [("valid", Expectation::Accept), ("invalid", Expectation::Refuse)] {
        for file in below(&folder.join(kind))? {
            let bytes = read(&file, |file| fs::read(file))?;
            let named = file.parent().and_then(Path::file_name).and_then(|name| name.to_str());
            let resource = named.and_then(ResourceType::from_name);
            let shown = file.strip_prefix(folder).unwrap_or(&file).display().to_string();
            all.push(Examined { file: shown, resource, expectation, refusal: refusal(resource, &bytes) });
        }
    }
    if all.is_empty() { Err(ConformanceError::Empty(folder.to_owned())) } else { Ok(ResourceReport(all)) }
}

fn refusal(resource: Option<ResourceType>, bytes: &[u8]) -> Option<Refusal> {
    let Some(resource) = resource else { return Some(Refusal::UnknownType) };
    let document = match strict::read(bytes, MOST_BYTES) {
        Ok(document) => document,
        Err(error) => return Some(error.into()),
    };
    validate_resource(resource, &document).err().map(Refusal::Schema)
}

impl ResourceReport {
    /// Documents that were accepted or refused against expectation.
    pub fn failures(&self) -> impl Iterator<Item = &Examined> {
        self.0.iter().filter(|examined| !examined.is_as_expected())
    }

    /// Whether everything was as expected.
    pub fn conforms(&self) -> bool {
        self.failures().next().is_none()
    }

    /// Of a type: how many were accepted, refused, and judged against expectation.
    pub fn counts(&self, resource: ResourceType) -> [usize; 3] {
        let of = self.0.iter().filter(|examined| examined.resource == Some(resource));
        let accepted = of.clone().filter(|examined| examined.refusal.is_none()).count();
        let wrong = of.clone().filter(|examined| !examined.is_as_expected()).count();
        [accepted, of.count() - accepted, wrong]
    }

    /// The report as JSON.
    pub fn to_json(&self) -> Value {
        let row = |resource: &ResourceType| {
            let [accepted, refused, unexpected] = self.counts(*resource);
            json!({
                "document": resource.name(), "schema": resource.id(), "result": outcome(self.counts(*resource)),
                "accepted": accepted, "refused": refused, "unexpected": unexpected,
            })
        };
        json!({
            "conforms": self.conforms(),
            "examined": self.0.len(),
            "documents": ResourceType::ALL.iter().map(row).collect::<Vec<_>>(),
            "failures": self.failures().map(|failure| &failure.file).collect::<Vec<_>>(),
        })
    }
}

fn outcome(counts: [usize; 3]) -> &'static str {
    match counts {
        [0, 0, _] => "not exercised",
        [_, _, 0] => "conforms",
        _ => "FAILS",
    }
}

impl fmt::Display for ResourceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Documents of this Back End that are no messages of the standard (not of Table 5)")?;
        writeln!(f, "{:<39} {:<13} {:>8} {:>7} {:>6}", "Document", "Result", "accepted", "refused", "wrong")?;
        for resource in ResourceType::ALL {
            let counts @ [accepted, refused, wrong] = self.counts(*resource);
            writeln!(f, "{:<39} {:<13} {accepted:>8} {refused:>7} {wrong:>6}", resource.label(), outcome(counts))?;
        }
        for failure in self.failures() {
            match &failure.refusal {
                None => writeln!(f, "{}: accepted, although it must be refused", failure.file)?,
                Some(refusal) => writeln!(f, "{}: {refusal}", failure.file)?,
            }
        }
        writeln!(f, "{} documents examined.", self.0.len())
    }
}
