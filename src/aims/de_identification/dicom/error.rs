//! Why a DICOM payload is not treated.

use crate::aims::aih_data_processing::imaging::EnvelopeError;

/// Every refusal, each with a sentence a person can act on; no sentence carries a value of the file.
#[derive(Debug, thiserror::Error)]
pub enum DicomError {
    /// The encoding. Compressed pixels are refused there: a compressed stream may carry comments of its own.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Another format than DICOM was named.
    #[error("this treatment is for DICOM only")]
    Format,
    /// A parameter that is unknown or outside its range.
    #[error("the parameter {name} is not valid: {reason}")]
    Parameter {
        /// Its name, as far as it is one of ours.
        name: &'static str,
        /// What is expected.
        reason: &'static str,
    },
    /// No pixels: a report, a document, a waveform, a plan, a directory of several patients.
    #[error(
        "the DICOM object has no Pixel Data; only images are treated, not reports, documents, waveforms, plans or directories"
    )]
    NoPixelData,
    /// An attribute that every image has, and without which nothing can be proved.
    #[error("the attribute {keyword} is not valid: {reason}")]
    Attribute {
        /// Keyword of PS3.6.
        keyword: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Pixel data that is not as long as rows, columns, frames and bits say.
    #[error("Pixel Data has {found} bytes, the image's size describes {described}; what lies beyond cannot be judged")]
    PixelDataLength {
        /// Bytes the attributes describe.
        described: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// The file says that identifying text stands in the pixels.
    #[error(
        "Burned In Annotation (0028,0301) is YES: identifying text stands in the pixels, and pixels are not cleaned here"
    )]
    BurnedIn,
    /// The file does not say, and images of this kind usually carry text.
    #[error(
        "Burned In Annotation (0028,0301) is absent, and images of this kind ({kind}) usually carry text in their pixels; inspect them and ask again with PixelDataInspected"
    )]
    PerhapsBurnedIn {
        /// What kind of image.
        kind: &'static str,
    },
    /// Graphics in the unused bits of the pixels.
    #[error(
        "an overlay is embedded in the unused bits of Pixel Data; it cannot be removed without changing the pixels"
    )]
    EmbeddedOverlay,
    /// The treated data set could not be written.
    #[error("the treated DICOM file could not be written")]
    Unwritable,
}

impl DicomError {
    pub(super) fn attribute(keyword: &'static str, reason: &'static str) -> Self {
        Self::Attribute { keyword, reason }
    }
}
