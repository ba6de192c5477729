//! `ImagingPhenotypeCharacterisation`: intensity statistics and texture of a frame, or of one structure of it.

use serde::Serialize;

use super::{
    cooccurrence::{Levels, Texture},
    detection::known_modality,
    error::ImagingError,
    first_order::{self, FirstOrder, Histogram},
    image::{Frame, Image},
    limits,
    parameters::{Parameters, Region},
    region::Segmentation,
    threshold::Threshold,
};

/// Width of a grey level for CT, in Hounsfield units: the default bin width of the PyRadiomics package.
const CT_BIN_WIDTH_HU: f64 = 25.0;
/// Grey levels for intensities without an absolute scale, when no width is asked.
const DEFAULT_GREY_LEVELS: f64 = 64.0;

/// The characteristics of a region.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImagingPhenotype {
    /// Modality as the file names it.
    pub modality: String,
    /// Frame looked at, counted from 1.
    pub frame: usize,
    /// Frames of the image.
    pub frames: usize,
    /// `image`, `largest` or `seed`.
    pub region: &'static str,
    /// How the structure was told from background; absent for the whole frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Threshold>,
    /// Unit of all intensities.
    pub intensity_unit: String,
    /// Intensity-based statistics.
    pub first_order: FirstOrder,
    /// Histogram statistics.
    pub histogram: Histogram,
    /// Texture; absent when no two pixels of the region touch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub texture: Option<Texture>,
}

/// Characterises the whole frame, its largest structure, or the one that holds the seed.
///
/// # Errors
///
/// [`ImagingError`]; a `BinWidth` that would make more than [`limits::MAX_GREY_LEVELS`] grey levels is refused.
pub fn characterise(image: &Image, parameters: &Parameters) -> Result<ImagingPhenotype, ImagingError> {
    let region = parameters.region.unwrap_or(Region::Image);
    let frame = image.frame(parameters.frame)?;
    let (mask, threshold) = mask(image, frame, region, parameters)?;
    let mut intensities: Vec<f64> =
        frame.stored.iter().zip(&mask).filter(|(_, inside)| **inside).map(|(s, _)| image.intensity(*s)).collect();
    let statistics = first_order::first_order(&mut intensities).ok_or(ImagingError::NoStructure)?;
    let bin_width = parameters.bin_width.unwrap_or_else(|| default_bin_width(image, &statistics));
    let grey_levels = grey_levels(&statistics, bin_width)?;
    let histogram = first_order::histogram(&intensities, statistics.minimum, bin_width, grey_levels);
    drop(intensities);
    let level = |(stored, inside): (&i32, &bool)| {
        let level = first_order::grey_level(image.intensity(*stored), statistics.minimum, bin_width);
        // At most MAX_GREY_LEVELS.
        if *inside { level as u16 } else { 0 }
    };
    let levels = frame.stored.iter().zip(&mask).map(level).collect();
    let texture = Levels { levels, columns: image.columns, greatest: grey_levels }.texture();
    Ok(ImagingPhenotype {
        modality: known_modality(&image.modality),
        frame: parameters.frame + 1,
        frames: image.frames,
        region: match region {
            Region::Image => "image",
            Region::Largest => "largest",
            Region::Seed(..) => "seed",
        },
        threshold,
        intensity_unit: image.unit.clone(),
        first_order: statistics,
        histogram,
        texture,
    })
}

/// Which pixels belong to the region.
fn mask(
    image: &Image,
    frame: Frame<'_>,
    region: Region,
    parameters: &Parameters,
) -> Result<(Vec<bool>, Option<Threshold>), ImagingError> {
    if region == Region::Image {
        return Ok((frame.stored.iter().map(|stored| !image.is_padding(*stored)).collect(), None));
    }
    let segmentation = Segmentation::of(image, parameters)?;
    let label = segmentation.choose(region)?.label;
    let mask = segmentation.components.labels.iter().map(|found| *found == label).collect();
    Ok((mask, Some(segmentation.threshold)))
}

fn default_bin_width(image: &Image, statistics: &FirstOrder) -> f64 {
    match (image.unit.as_str(), statistics.range) {
        ("HU", _) => CT_BIN_WIDTH_HU,
        (_, 0.0) => 1.0,
        // A little wider, so that the greatest intensity falls into the last level.
        (_, range) => range / DEFAULT_GREY_LEVELS * (1.0 + 1e-9),
    }
}

fn grey_levels(statistics: &FirstOrder, bin_width: f64) -> Result<usize, ImagingError> {
    let levels = (statistics.range / bin_width).floor() + 1.0;
    if levels > limits::MAX_GREY_LEVELS as f64 {
        let limit = limits::MAX_GREY_LEVELS as u64;
        return Err(ImagingError::Limit { what: "grey levels at this BinWidth", value: levels as u64, limit });
    }
    Ok(levels as usize)
}
