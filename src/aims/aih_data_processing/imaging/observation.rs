//! What Anomaly and Risk Alerting can judge in an image.

use super::{error::ImagingError, image::Image, parameters::Parameters, region::Segmentation};
use crate::aims::ai_modules::observations::{Measured, Observations, Series};

/// UCUM codes.
const HOUNSFIELD: &str = "[hnsf'U]";
const NO_UNIT: &str = "1";
const SQUARE_MILLIMETRE: &str = "mm2";

/// The image as measurements: intensities and saturation of all frames, the largest structure of the first, and, for
/// frames that follow each other in time, the mean intensity of each.
pub(super) fn observe(image: &Image) -> Result<Observations, ImagingError> {
    let unit = if image.unit == "HU" { HOUNSFIELD } else { NO_UNIT };
    let measured = |name: &str, unit: &str, value| Measured {
        name: name.to_owned(),
        unit: unit.to_owned(),
        value,
        at_seconds: None,
    };
    let whole = Whole::of(image)?;
    let mut values = vec![
        measured("MeanIntensity", unit, whole.mean),
        measured("MinimumIntensity", unit, whole.extremes.0),
        measured("MaximumIntensity", unit, whole.extremes.1),
        measured("SaturatedShare", NO_UNIT, whole.saturated),
    ];
    match Segmentation::of(image, &Parameters::read(&serde_json::Map::new())?) {
        Ok(segmentation) => {
            values.push(measured("StructureCount", NO_UNIT, segmentation.components.list.len() as f64));
            if let Some(largest) = segmentation.components.list.first() {
                values.push(measured("LargestStructureMeanIntensity", unit, largest.intensity().0));
                if let Some(spacing) = image.spacing {
                    let area = largest.pixels as f64 * spacing.pixel_area();
                    values.push(measured("LargestStructureArea", SQUARE_MILLIMETRE, area));
                }
            }
        }
        // A uniform frame has no structure; that is an observation, not a fault.
        Err(ImagingError::Uniform) => values.push(measured("StructureCount", NO_UNIT, 0.0)),
        Err(other) => return Err(other),
    }
    let series = image.frame_seconds.filter(|_| image.frames > 1).map(|step| Series {
        name: "FrameMeanIntensity".to_owned(),
        unit: unit.to_owned(),
        at_seconds: whole.frame_means.iter().map(|(frame, _)| *frame as f64 * step).collect(),
        values: whole.frame_means.iter().map(|(_, mean)| *mean).collect(),
        context: None,
    });
    Ok(Observations { series: series.into_iter().collect(), values, codes: Vec::new(), start: None })
}

/// All frames together, padding left out.
struct Whole {
    mean: f64,
    extremes: (f64, f64),
    /// Share of pixels at the least or the greatest value that can be stored.
    saturated: f64,
    /// Of each frame that is not padding alone, with its number from 0.
    frame_means: Vec<(usize, f64)>,
}

impl Whole {
    fn of(image: &Image) -> Result<Self, ImagingError> {
        let (mut count, mut sum, mut saturated) = (0_u64, 0.0, 0_u64);
        let mut extremes = (f64::INFINITY, f64::NEG_INFINITY);
        let mut frame_means = Vec::with_capacity(image.frames);
        for frame in 0..image.frames {
            let pixels = image.frame(frame)?.stored.iter().copied().filter(|stored| !image.is_padding(*stored));
            let (mut of_frame, mut sum_of_frame) = (0_u64, 0.0);
            for stored in pixels {
                let intensity = image.intensity(stored);
                of_frame += 1;
                sum_of_frame += intensity;
                extremes = (extremes.0.min(intensity), extremes.1.max(intensity));
                saturated += u64::from(stored == image.range.1 || (image.range.0 < 0 && stored == image.range.0));
            }
            frame_means.extend((of_frame > 0).then(|| (frame, sum_of_frame / of_frame as f64)));
            count += of_frame;
            sum += sum_of_frame;
        }
        if count == 0 {
            return Err(ImagingError::attribute("PixelPaddingValue", "every pixel is padding"));
        }
        Ok(Self { mean: sum / count as f64, extremes, saturated: saturated as f64 / count as f64, frame_means })
    }
}
