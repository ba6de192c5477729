//! The options of a treatment.

use serde_json::{Map, Value};

use super::error::DicomError;

/// What becomes of dates and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Longitudinal {
    /// Removed, emptied or replaced, as the Basic Profile says.
    Removed,
    /// Shifted by the same whole number of days for everything of one person: order and distances stay.
    Modified,
    /// Kept.
    Full,
}

/// The options of PS3.15 Annex E offered here, and what the requester vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Retain Longitudinal Temporal Information.
    pub longitudinal: Longitudinal,
    /// Retain Device Identity.
    pub device: bool,
    /// A person has looked at the pixels and found no text in them.
    pub inspected: bool,
}

impl Options {
    /// Reads the parameters of a request.
    ///
    /// # Errors
    ///
    /// [`DicomError::Parameter`] for an unknown parameter or value.
    pub fn read(given: &Map<String, Value>) -> Result<Self, DicomError> {
        let known = ["RetainLongitudinal", "RetainDevice", "PixelDataInspected"];
        if given.keys().any(|name| !known.contains(&name.as_str())) {
            let reason = "DICOM takes RetainLongitudinal, RetainDevice and PixelDataInspected";
            return Err(DicomError::Parameter { name: "of that name", reason });
        }
        let longitudinal = match given.get("RetainLongitudinal").map(Value::as_str) {
            None => Longitudinal::Removed,
            Some(Some("modified")) => Longitudinal::Modified,
            Some(Some("full")) => Longitudinal::Full,
            Some(_) => return Err(DicomError::Parameter { name: "RetainLongitudinal", reason: "modified or full" }),
        };
        Ok(Self { longitudinal, device: flag(given, "RetainDevice")?, inspected: flag(given, "PixelDataInspected")? })
    }
}

fn flag(given: &Map<String, Value>, name: &'static str) -> Result<bool, DicomError> {
    match given.get(name) {
        None => Ok(false),
        Some(value) => value.as_bool().ok_or(DicomError::Parameter { name, reason: "true or false" }),
    }
}
