//! `LesionExtentQuantification`: how large one structure is, in millimetres.
//!
//! The diameters are those of RECIST 1.1 (E. A. Eisenhauer et al., "New response evaluation criteria in solid
//! tumours", European Journal of Cancer 45:228–247, 2009): the longest in the plane of the image, and the one at
//! right angles to it, here the extent of the structure at right angles to the longest diameter. They are measured of
//! the thresholded structure; whether that is the lesion is for the reader of the image to say, which is why the
//! threshold and the place stand in the result.

use serde::Serialize;

use super::{
    detection::{Position, Structure, known_modality},
    error::ImagingError,
    geometry,
    image::{Image, Spacing},
    parameters::{Parameters, Region},
    region::Segmentation,
    threshold::Threshold,
    volume,
};

/// Size of one structure.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LesionExtent {
    /// Modality as the file names it.
    pub modality: String,
    /// Frame looked at, counted from 1.
    pub frame: usize,
    /// Frames of the image.
    pub frames: usize,
    /// `seed` or `largest`.
    pub chosen_by: &'static str,
    /// Millimetres from pixel to pixel.
    pub pixel_spacing_mm: Spacing,
    /// Unit of all intensities.
    pub intensity_unit: String,
    /// How structure was told from background.
    pub threshold: Threshold,
    /// The structure: pixels, area, place, intensities.
    pub structure: Structure,
    /// Area in mm².
    pub area_mm2: f64,
    /// Longest diameter in mm.
    pub longest_diameter_mm: f64,
    /// Its two ends, in millimetres from the centre of the first pixel.
    pub longest_diameter_ends_mm: [Position; 2],
    /// Extent at right angles to the longest diameter, in mm.
    pub perpendicular_diameter_mm: f64,
    /// Least distance of two parallel lines that enclose the structure, in mm.
    pub least_width_mm: f64,
    /// Length of the border in mm, holes included.
    pub perimeter_mm: f64,
    /// Diameter of the disc of the same area, in mm.
    pub equivalent_diameter_mm: f64,
    /// Volume in mm³, when it can be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_mm3: Option<f64>,
    /// What the volume is made of, or why there is none.
    pub volume_note: &'static str,
    /// Whether the structure touches the edge of the frame, so that it may be larger than seen.
    pub touches_edge: bool,
}

/// Measures the largest structure of a frame, or the one that holds the seed.
///
/// # Errors
///
/// [`ImagingError::NoPixelSpacing`] when the image does not say how large a pixel is; never are pixels given as
/// millimetres. [`ImagingError`] otherwise.
pub fn quantify_extent(image: &Image, parameters: &Parameters) -> Result<LesionExtent, ImagingError> {
    let spacing = image.spacing()?;
    let region = match parameters.region {
        Some(Region::Image) => {
            return Err(ImagingError::Parameter { name: "Region", reason: "an extent is that of a structure" });
        }
        region => region.unwrap_or(Region::Largest),
    };
    let segmentation = Segmentation::of(image, parameters)?;
    let component = segmentation.choose(region)?;
    let area_mm2 = component.pixels as f64 * spacing.pixel_area();
    if parameters.minimum_area_mm2.is_some_and(|least| area_mm2 < least) {
        return Err(ImagingError::NoStructure);
    }
    let hull = geometry::convex_hull(segmentation.pixels(component), spacing);
    // Four middles of edges make a hull of at least four corners even of one pixel.
    let calipers = geometry::calipers(&hull).ok_or(ImagingError::NoStructure)?;
    let volume = volume::of(&segmentation, component, parameters)?;
    let end = |point: geometry::Point| Position { row: point.y, column: point.x };
    Ok(LesionExtent {
        modality: known_modality(&image.modality),
        frame: parameters.frame + 1,
        frames: image.frames,
        chosen_by: if matches!(region, Region::Seed(..)) { "seed" } else { "largest" },
        pixel_spacing_mm: spacing,
        intensity_unit: image.unit.clone(),
        threshold: segmentation.threshold.clone(),
        structure: Structure::of(component, Some(spacing)),
        area_mm2,
        longest_diameter_mm: calipers.longest,
        longest_diameter_ends_mm: [end(calipers.ends.0), end(calipers.ends.1)],
        perpendicular_diameter_mm: calipers.perpendicular,
        least_width_mm: calipers.least_width,
        perimeter_mm: perimeter(&segmentation, component, spacing),
        equivalent_diameter_mm: 2.0 * (area_mm2 / std::f64::consts::PI).sqrt(),
        volume_mm3: volume.mm3,
        volume_note: volume.note,
        touches_edge: component.rows.0 == 0
            || component.columns.0 == 0
            || component.rows.1 + 1 == image.rows
            || component.columns.1 + 1 == image.columns,
    })
}

/// The border of a piece, counted within its bounding box.
fn perimeter(segmentation: &Segmentation<'_>, component: &super::components::Component, spacing: Spacing) -> f64 {
    let columns = segmentation.frame.image.columns;
    let ((first_row, last_row), (first_column, last_column)) = (component.rows, component.columns);
    let (rows, width) = (last_row - first_row + 1, last_column - first_column + 1);
    let labels = &segmentation.components.labels;
    let inside = |row: isize, column: isize| {
        let row = usize::try_from(row).ok().filter(|row| *row < rows);
        let column = usize::try_from(column).ok().filter(|column| *column < width);
        let at = row.zip(column).map(|(row, column)| (first_row + row) * columns + first_column + column);
        at.and_then(|at| labels.get(at)) == Some(&component.label)
    };
    geometry::perimeter(inside, rows, width, spacing)
}
