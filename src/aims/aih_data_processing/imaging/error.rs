//! Why a DICOM payload, a parameter or an analysis is refused.

use dicom_core::Tag;

/// Every refusal of the encoding itself, before any meaning is looked at.
///
/// The sentences carry tags, lengths and positions, never values.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// Nothing at all.
    #[error("the payload is empty")]
    Empty,
    /// No `DICM` after the preamble.
    #[error("the payload is not a DICOM file: the mark DICM is not at byte 128")]
    NotDicom,
    /// Too large as a whole.
    #[error("the payload has {found} bytes, at most {limit} are accepted")]
    TooLarge {
        /// Bytes that are there.
        found: usize,
        /// Most that are accepted.
        limit: usize,
    },
    /// Fewer bytes than a length says.
    #[error("the DICOM file ends early: {tag} describes {described} bytes, {found} are there")]
    Truncated {
        /// The element whose length lies.
        tag: Tag,
        /// Bytes its length describes.
        described: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// The file stops within the header of an element or before a closing delimiter.
    #[error("the DICOM file ends early, within the structure at byte {at}")]
    EndsWithin {
        /// Position of the structure.
        at: usize,
    },
    /// File meta information that is absent or contradicts itself.
    #[error("the DICOM file meta information is not valid: {0}")]
    Meta(&'static str),
    /// A transfer syntax that compresses pixels.
    #[error(
        "the pixel data is compressed or in another encoding ({0}); send it as Implicit or Explicit VR Little Endian"
    )]
    TransferSyntax(&'static str),
    /// An element that breaks the encoding rules of PS3.5.
    #[error("the DICOM data element {tag} is not valid: {reason}")]
    Element {
        /// Its tag.
        tag: Tag,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// More elements or deeper nesting than accepted.
    #[error("the DICOM file has more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// Most that are accepted.
        limit: usize,
    },
    /// The library that reads the elements refused what the structure check accepted.
    #[error("the DICOM data elements could not be read")]
    Unreadable,
}

/// Every refusal of the imaging code, each with a sentence a person can act on.
#[derive(Debug, thiserror::Error)]
pub enum ImagingError {
    /// The encoding.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Another format than DICOM was named.
    #[error("images are read as DICOM only")]
    Format,
    /// No pixels: a report, a waveform, a directory, a plan.
    #[error("the DICOM object has no Pixel Data; only images are processed")]
    NoPixelData,
    /// More than one value for each pixel, or a palette.
    #[error("the image is in colour; only MONOCHROME1 and MONOCHROME2 are processed")]
    Colour,
    /// An attribute that is absent, unreadable or impossible.
    #[error("the attribute {keyword} is not valid: {reason}")]
    Attribute {
        /// Keyword of PS3.6.
        keyword: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Pixel data that is not as long as rows, columns, frames and bits say.
    #[error("Pixel Data has {found} bytes, the image's size describes {described}")]
    PixelDataLength {
        /// Bytes the attributes describe.
        described: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// A claim beyond a constant of [`super::limits`].
    #[error("{what}: {value}, at most {limit} accepted")]
    Limit {
        /// What is too much.
        what: &'static str,
        /// The claim.
        value: u64,
        /// The limit it breaks.
        limit: u64,
    },
    /// A parameter outside its range.
    #[error("the parameter {name} is not valid: {reason}")]
    Parameter {
        /// Name of the parameter.
        name: &'static str,
        /// What is expected.
        reason: &'static str,
    },
    /// A size in millimetres was asked of an image that does not say how large a pixel is.
    #[error("Pixel Spacing is absent{}, so nothing can be said in millimetres", .detector.then_some(" or not known to be calibrated (what is stated is measured at the detector or on the film, not in the patient)").unwrap_or_default())]
    NoPixelSpacing {
        /// Whether a distance is given that is, or may be, one at the detector or on the film.
        detector: bool,
    },
    /// All pixels have one value.
    #[error("all pixels of the frame have the same value, so no threshold separates anything")]
    Uniform,
    /// Nothing lies on the foreground's side of the threshold.
    #[error("no structure of the asked size lies on the foreground's side of the threshold")]
    NoStructure,
    /// The seed is background.
    #[error("the seed does not lie in a structure of the foreground")]
    SeedOutside,
    /// A processing type this module does not perform.
    #[error("this module does not perform that")]
    NotPerformed,
    /// A result that has no JSON form.
    #[error("the result could not be written: {0}")]
    Result(#[from] serde_json::Error),
}

impl ImagingError {
    pub(super) fn attribute(keyword: &'static str, reason: &'static str) -> Self {
        Self::Attribute { keyword, reason }
    }
}
