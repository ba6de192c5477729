//! ECG signals of the AIH Data Processing SubAIM: from a stored payload to six results.
//!
//! ```text
//! payload ──► edf / wfdb_record ──► EcgRecording ──► qrs ──► EventDetection        (QRS times)
//!                                                             └► heart_rate ──► HeartRateQuantification
//!                                                                  ├► rhythm ──► RhythmClassification
//!                                                                  ├► irregularity ──► FibrillationScreening
//!                                                                  ├► profile ──► HeartProfile
//!                                                                  └► long_term ──► HeartTrend
//! ```
//!
//! | Processing type of the standard | Function | Result |
//! | --- | --- | --- |
//! | `PhysiologicalEventDetection` | [`detect_events`] | [`EventDetection`] |
//! | `PhysiologicalParameterQuantification` | [`quantify_heart_rate`] | [`HeartRateQuantification`] |
//! | `PhysiologicalStateClassification` | [`classify_rhythm`] | [`RhythmClassification`] |
//! | `PhysiologicalProfileCharacterisation` | [`characterise`] | [`HeartProfile`] |
//! | `PhysiologicalTrendMonitoring` | [`monitor`] | [`HeartTrend`] |
//! | `PhysiologicalRiskPrediction` | [`screen_fibrillation`] | [`FibrillationScreening`] |
//!
//! [`run`] and [`observe`] are what the Store's declaration `AIP-ECG-V1.0` points at.
//!
//! A payload is one file: an EDF or EDF+ recording, or a WFDB record as an uncompressed tar archive.
//! Every length in it is treated as a claim: it is compared with the bytes that are there before anything
//! is allocated, and the limits are the named constants of [`limits`]. What is refused is refused with a
//! variant of [`EcgError`]; nothing is guessed.
//!
//! [`synthetic`] and [`edf_writer`] make a recording with known beat times (the demonstration and the tests),
//! [`score`] compares beat times with a reference, [`wfdb_annotation`] reads such a reference.
//!
//! None of this is a diagnosis: the results are measurements, with the method that made them.

pub mod edf;
pub mod edf_writer;
mod error;
mod filter;
pub mod heart_rate;
pub mod irregularity;
pub(in crate::aims) mod lead;
pub mod limits;
pub mod long_term;
pub mod profile;
pub mod qrs;
mod qrs_decision;
mod qrs_peaks;
pub mod recording;
pub mod rhythm;
mod run;
pub mod score;
pub mod synthetic;
pub mod synthetic_beats;
pub mod wfdb_annotation;
pub(in crate::aims) mod wfdb_archive;
pub(in crate::aims) mod wfdb_header;
pub mod wfdb_record;

#[cfg(test)]
mod tests;

use std::io::{Read, Seek, SeekFrom};

pub use super::edf::EdfAnnotation;
use super::edf::header as edf_header;
pub use error::EcgError;
pub use heart_rate::{HeartRateQuantification, quantify_heart_rate};
pub use irregularity::{FibrillationScreening, screen_fibrillation};
pub use lead::LeadChoice;
pub use long_term::{HeartTrend, monitor};
pub use profile::{HeartProfile, characterise};
pub use qrs::{EventDetection, detect_events};
pub use recording::EcgRecording;
pub use rhythm::{RhythmClassification, classify_rhythm};
pub use run::{observe, read_as_named, run, run_and_observe};

/// The two kinds of ECG payload this module reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EcgFormat {
    /// European Data Format, EDF or continuous EDF+ (`EDF+C`), or its 24-bit sister BDF.
    Edf,
    /// One WFDB record, its header and signal files in an uncompressed tar archive.
    WfdbTar,
}

impl EcgFormat {
    /// Recognises the format by its fixed marks and leaves the reader at its start.
    ///
    /// # Errors
    ///
    /// [`EcgError::UnknownFormat`] when neither mark is there, [`EcgError::Io`] when reading fails.
    pub fn recognise<R: Read + Seek>(payload: &mut R) -> Result<Self, EcgError> {
        const TAR_MAGIC_AT: usize = 257;
        payload.seek(SeekFrom::Start(0))?;
        let mut start = Vec::with_capacity(512);
        payload.by_ref().take(512).read_to_end(&mut start)?;
        payload.seek(SeekFrom::Start(0))?;
        if start.get(TAR_MAGIC_AT..).is_some_and(|rest| rest.starts_with(b"ustar")) {
            Ok(Self::WfdbTar)
        } else if start.starts_with(edf_header::VERSION) || start.starts_with(edf_header::BDF_VERSION) {
            Ok(Self::Edf)
        } else {
            Err(EcgError::UnknownFormat)
        }
    }
}

/// Reads one ECG lead from a payload of either format.
///
/// Holds no more in memory than the chosen lead (4 bytes a sample), the annotations of an EDF+ file and
/// one data record or buffer.
///
/// # Errors
///
/// [`EcgError`] for everything that is damaged, contradictory, beyond [`limits`], or not an ECG.
pub fn read_recording<R: Read + Seek>(mut payload: R, lead: &LeadChoice) -> Result<EcgRecording, EcgError> {
    match EcgFormat::recognise(&mut payload)? {
        EcgFormat::Edf => Ok(edf::read(payload, lead)?.recording),
        EcgFormat::WfdbTar => wfdb_record::read_tar(payload, lead),
    }
}
