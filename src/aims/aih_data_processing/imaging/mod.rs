//! The AI Module for medical images, `AIP-IMG-V1.0`: monochrome DICOM images to structures, sizes and statistics.
//!
//! ```text
//! payload ─► envelope ─► image ─┬─► threshold ─► components ─┬─► detection   AnatomicalStructureDetection
//!           (encoding)  (numbers)│                           └─► extent      LesionExtentQuantification (+ volume)
//!                                └─► first_order, cooccurrence ─► phenotype   ImagingPhenotypeCharacterisation
//! ```
//!
//! Read are Implicit and Explicit VR Little Endian, MONOCHROME1 and MONOCHROME2, 8 or 16 bits, signed or not, one frame
//! or many. Compressed pixels, colour, palettes, intensities from a table and objects without pixels are refused by
//! name. Every length is a claim: [`envelope`] compares each with the bytes that are there before anything is read, and
//! [`limits`] bounds what may be claimed.
//!
//! A threshold finds what is brighter or darker than its surroundings, nothing more: no result here names an organ or
//! a disease. What would need a trained eye (pathology, progression between examinations, risk) is not claimed.

mod attributes;
mod components;
mod cooccurrence;
pub mod detection;
pub mod envelope;
mod error;
pub mod extent;
pub mod first_order;
mod geometry;
pub mod image;
pub mod limits;
mod observation;
pub mod parameters;
pub mod phenotype;
mod region;
pub mod threshold;
mod volume;

#[cfg(test)]
pub(crate) mod tests;

pub use cooccurrence::Texture;
pub use detection::detect_structures;
pub use error::{EnvelopeError, ImagingError};
pub use extent::quantify_extent;
pub use image::Image;
pub use parameters::Parameters;
pub use phenotype::characterise;

use serde_json::Value;

use crate::{
    aims::ai_modules::{input::Input, observations::Observations},
    domain::operation::Operation,
    schema::wire::DataFormat,
};

/// Performs a processing type on a DICOM image.
///
/// # Errors
///
/// What is wrong with the payload, the parameters or the request, in words and without values of the payload.
pub fn run(input: &Input<'_>) -> Result<Value, String> {
    perform(input).map_err(|error| error.to_string())
}

/// What can be judged in a DICOM image.
///
/// # Errors
///
/// What is wrong with the payload, in words.
pub fn observe(input: &Input<'_>) -> Result<Observations, String> {
    let image = if input.format == DataFormat::Dicom { Image::read(input.payload) } else { Err(ImagingError::Format) };
    image.and_then(|image| observation::observe(&image)).map_err(|error| error.to_string())
}

fn perform(input: &Input<'_>) -> Result<Value, ImagingError> {
    if input.format != DataFormat::Dicom {
        return Err(ImagingError::Format);
    }
    let parameters = Parameters::read(input.parameters)?;
    let image = || Image::read(input.payload);
    Ok(match input.operation {
        Operation::AnatomicalStructureDetection => serde_json::to_value(detect_structures(&image()?, &parameters)?)?,
        Operation::LesionExtentQuantification => serde_json::to_value(quantify_extent(&image()?, &parameters)?)?,
        Operation::ImagingPhenotypeCharacterisation => serde_json::to_value(characterise(&image()?, &parameters)?)?,
        _ => return Err(ImagingError::NotPerformed),
    })
}
