//! `AnatomicalStructureDetection`: the connected structures of a frame.

use serde::Serialize;

use super::{
    components::Component,
    error::ImagingError,
    image::{Image, Spacing},
    limits,
    parameters::Parameters,
    region::Segmentation,
    threshold::Threshold,
};

/// The structures of one frame.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StructureDetection {
    /// Modality as the file names it.
    pub modality: String,
    /// Frame looked at, counted from 1.
    pub frame: usize,
    /// Frames of the image.
    pub frames: usize,
    /// Rows and columns of the frame.
    pub size: Size,
    /// Millimetres from pixel to pixel; absent when the file does not say, and then nothing is given in millimetres.
    pub pixel_spacing_mm: Option<Spacing>,
    /// Unit of all intensities.
    pub intensity_unit: String,
    /// How structure was told from background.
    pub threshold: Threshold,
    /// 4 or 8 neighbours touch.
    pub connectivity: u8,
    /// Structures at least as large as asked.
    pub structure_count: usize,
    /// Structures left out because they are smaller.
    pub smaller_count: usize,
    /// The largest of them, at most 500, the largest first.
    pub structures: Vec<Structure>,
}

/// Rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Size {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
}

/// One connected structure.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Structure {
    /// Pixels it has.
    pub pixel_count: u64,
    /// Its area in mm².
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area_mm2: Option<f64>,
    /// The rows and columns that enclose it.
    pub bounding_box: BoundingBox,
    /// Mean row and column, counted from 0.
    pub centroid_pixel: Position,
    /// The same in millimetres from the centre of the first pixel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub centroid_mm: Option<Position>,
    /// Mean intensity.
    pub mean: f64,
    /// Population standard deviation of the intensity.
    pub standard_deviation: f64,
    /// Least intensity.
    pub minimum: f64,
    /// Greatest intensity.
    pub maximum: f64,
}

/// The rows and columns that enclose a structure, counted from 0, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BoundingBox {
    /// First row.
    pub first_row: usize,
    /// Last row.
    pub last_row: usize,
    /// First column.
    pub first_column: usize,
    /// Last column.
    pub last_column: usize,
}

/// A place in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Position {
    /// Down.
    pub row: f64,
    /// To the right.
    pub column: f64,
}

/// Finds the structures of a frame.
///
/// # Errors
///
/// [`ImagingError`]; `NoPixelSpacing` when a smallest area in mm² is asked and the image does not state its spacing.
pub fn detect_structures(image: &Image, parameters: &Parameters) -> Result<StructureDetection, ImagingError> {
    let least = parameters.minimum_area_mm2.map(|area| Ok::<_, ImagingError>(area / image.spacing()?.pixel_area()));
    let least = least.transpose()?.unwrap_or(0.0);
    let Segmentation { threshold, components, .. } = Segmentation::of(image, parameters)?;
    let all = components.list.len();
    // The list begins with the largest.
    let structure_count = components.list.partition_point(|component| component.pixels as f64 >= least);
    let listed = components.list.iter().take(structure_count.min(limits::MAX_LISTED_STRUCTURES));
    Ok(StructureDetection {
        modality: known_modality(&image.modality),
        frame: parameters.frame + 1,
        frames: image.frames,
        size: Size { rows: image.rows, columns: image.columns },
        pixel_spacing_mm: image.spacing,
        intensity_unit: image.unit.clone(),
        threshold,
        connectivity: parameters.connectivity.neighbours(),
        structure_count,
        smaller_count: all - structure_count,
        structures: listed.map(|component| Structure::of(component, image.spacing)).collect(),
    })
}

impl Structure {
    /// One piece, in pixels and, where the spacing is known, in millimetres.
    pub(super) fn of(component: &Component, spacing: Option<Spacing>) -> Self {
        let (row, column) = component.centroid();
        let (mean, standard_deviation) = component.intensity();
        Self {
            pixel_count: component.pixels,
            area_mm2: spacing.map(|s| component.pixels as f64 * s.pixel_area()),
            bounding_box: BoundingBox {
                first_row: component.rows.0,
                last_row: component.rows.1,
                first_column: component.columns.0,
                last_column: component.columns.1,
            },
            centroid_pixel: Position { row, column },
            centroid_mm: spacing.map(|s| Position { row: row * s.row, column: column * s.column }),
            mean,
            standard_deviation,
            minimum: component.extremes.0,
            maximum: component.extremes.1,
        }
    }
}

/// Modalities that make images (defined terms of PS3.3 C.7.3.1.1.1).
const MODALITIES: [&str; 36] = [
    "BDUS", "BI", "BMD", "CR", "CT", "DG", "DMS", "DX", "ES", "GM", "IO", "IVOCT", "IVUS", "LS", "MG", "MR", "NM",
    "OCT", "OP", "OPT", "OT", "PA", "PT", "PX", "RF", "RG", "RTDOSE", "RTIMAGE", "SC", "SEG", "SM", "TG", "US", "XA",
    "XC", "ECG",
];

/// A modality that is one; what else a sender writes there, a name for instance, is not repeated.
pub(super) fn known_modality(written: &str) -> String {
    if MODALITIES.contains(&written) { written.to_owned() } else { "unknown".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_modality_is_not_repeated() {
        assert_eq!(known_modality("CT"), "CT");
        for written in ["SMITH", "ct", "", "CT "] {
            assert_eq!(known_modality(written), "unknown", "{written}");
        }
    }
}
