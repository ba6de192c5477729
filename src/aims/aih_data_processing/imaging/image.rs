//! An image as numbers: stored values, how they become intensities, and how large a pixel is in the patient.
//!
//! PS3.3 C.7.6.3 (Image Pixel), C.11.1 (Modality LUT: `intensity = slope × stored + intercept`, Hounsfield units for
//! CT) and, for enhanced multi-frame images, the Pixel Measures and Pixel Value Transformation functional groups
//! (C.7.6.16.2). A functional group that differs from frame to frame is refused: one scale must hold for all.

use dicom_core::value::Value;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use serde::Serialize;

use super::{attributes::Attribute, envelope, error::ImagingError, limits};

const ROWS: Attribute = Attribute::new(tags::ROWS, "Rows");
const COLUMNS: Attribute = Attribute::new(tags::COLUMNS, "Columns");
const FRAMES: Attribute = Attribute::new(tags::NUMBER_OF_FRAMES, "NumberOfFrames");
const SAMPLES: Attribute = Attribute::new(tags::SAMPLES_PER_PIXEL, "SamplesPerPixel");
const PHOTOMETRIC: Attribute = Attribute::new(tags::PHOTOMETRIC_INTERPRETATION, "PhotometricInterpretation");
const ALLOCATED: Attribute = Attribute::new(tags::BITS_ALLOCATED, "BitsAllocated");
const STORED: Attribute = Attribute::new(tags::BITS_STORED, "BitsStored");
const HIGH_BIT: Attribute = Attribute::new(tags::HIGH_BIT, "HighBit");
const REPRESENTATION: Attribute = Attribute::new(tags::PIXEL_REPRESENTATION, "PixelRepresentation");
const PADDING: Attribute = Attribute::new(tags::PIXEL_PADDING_VALUE, "PixelPaddingValue");
const PADDING_LIMIT: Attribute = Attribute::new(tags::PIXEL_PADDING_RANGE_LIMIT, "PixelPaddingRangeLimit");
const SLOPE: Attribute = Attribute::new(tags::RESCALE_SLOPE, "RescaleSlope");
const INTERCEPT: Attribute = Attribute::new(tags::RESCALE_INTERCEPT, "RescaleIntercept");
const RESCALE_TYPE: Attribute = Attribute::new(tags::RESCALE_TYPE, "RescaleType");
const MODALITY: Attribute = Attribute::new(tags::MODALITY, "Modality");
const MODALITY_LUT: Attribute = Attribute::new(tags::MODALITY_LUT_SEQUENCE, "ModalityLUTSequence");
const SPACING: Attribute = Attribute::new(tags::PIXEL_SPACING, "PixelSpacing");
const IMAGER_SPACING: Attribute = Attribute::new(tags::IMAGER_PIXEL_SPACING, "ImagerPixelSpacing");
const FILM_SPACING: Attribute = Attribute::new(tags::NOMINAL_SCANNED_PIXEL_SPACING, "NominalScannedPixelSpacing");
const CALIBRATION: Attribute = Attribute::new(tags::PIXEL_SPACING_CALIBRATION_TYPE, "PixelSpacingCalibrationType");
const THICKNESS: Attribute = Attribute::new(tags::SLICE_THICKNESS, "SliceThickness");
const STEP: Attribute = Attribute::new(tags::SPACING_BETWEEN_SLICES, "SpacingBetweenSlices");
const FRAME_TIME: Attribute = Attribute::new(tags::FRAME_TIME, "FrameTime");
const FRAME_TIMES: Attribute = Attribute::new(tags::FRAME_TIME_VECTOR, "FrameTimeVector");
/// Vectors that point each frame of a nuclear medicine image to something other than a place (PS3.3 C.8.4.8).
const PHASES: [Attribute; 4] = [
    Attribute::new(tags::PHASE_VECTOR, "PhaseVector"),
    Attribute::new(tags::TIME_SLOT_VECTOR, "TimeSlotVector"),
    Attribute::new(tags::TIME_SLICE_VECTOR, "TimeSliceVector"),
    Attribute::new(tags::ENERGY_WINDOW_VECTOR, "EnergyWindowVector"),
];
const PLANE_POSITION: Attribute = Attribute::new(tags::PLANE_POSITION_SEQUENCE, "PlanePositionSequence");
const IMAGE_POSITION: Attribute = Attribute::new(tags::IMAGE_POSITION_PATIENT, "ImagePositionPatient");
const TEMPORAL: Attribute = Attribute::new(tags::NUMBER_OF_TEMPORAL_POSITIONS, "NumberOfTemporalPositions");
const SHARED: Attribute = Attribute::new(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, "SharedFunctionalGroupsSequence");
const PER_FRAME: Attribute =
    Attribute::new(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, "PerFrameFunctionalGroupsSequence");
const MEASURES: Attribute = Attribute::new(tags::PIXEL_MEASURES_SEQUENCE, "PixelMeasuresSequence");
const TRANSFORMATION: Attribute =
    Attribute::new(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, "PixelValueTransformationSequence");

/// Modalities of projection radiography: the rays spread, so that a thing is smaller in the patient than at the detector.
const PROJECTIONS: [&str; 8] = ["CR", "DX", "MG", "XA", "RF", "RG", "IO", "PX"];

/// Distance between the centres of neighbouring pixels, in millimetres in the patient.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Spacing {
    /// From one row to the next.
    pub row: f64,
    /// From one column to the next.
    pub column: f64,
}

impl Spacing {
    /// Area of one pixel, in mm².
    pub fn pixel_area(self) -> f64 {
        self.row * self.column
    }
}

/// A monochrome image, one frame or many.
#[derive(Debug)]
pub struct Image {
    /// Rows of a frame.
    pub rows: usize,
    /// Columns of a frame.
    pub columns: usize,
    /// Number of frames.
    pub frames: usize,
    /// Stored values, frame by frame, row by row.
    stored: Vec<i32>,
    slope: f64,
    intercept: f64,
    /// Unit of the intensities: `HU` for a CT with a scale, what `RescaleType` says, `rescaled value` where there is a scale
    /// and no word for it, or `stored value`.
    pub unit: String,
    /// Modality, as PS3.3 C.7.3.1.1.1 writes it.
    pub modality: String,
    /// `MONOCHROME1` (low is bright) or `MONOCHROME2`.
    pub photometric: String,
    /// Pixel spacing in the patient, when the image states it.
    pub spacing: Option<Spacing>,
    /// Whether what is stated is, or may be, the spacing at the detector or on the film.
    pub spacing_at_detector: bool,
    /// Slice thickness in millimetres, when the image states it.
    pub thickness: Option<f64>,
    /// Distance between frames that are parallel slices, in millimetres, when the image states it.
    pub step: Option<f64>,
    /// Seconds from one frame to the next, when frames follow each other in time.
    pub frame_seconds: Option<f64>,
    /// Stored values that mark pixels outside the image, both ends included.
    padding: Option<(i32, i32)>,
    /// Least and greatest value that can be stored.
    pub range: (i32, i32),
}

impl Image {
    /// Reads an image from a DICOM file.
    ///
    /// # Errors
    ///
    /// [`ImagingError`] for everything that is damaged, contradictory, compressed, in colour or beyond [`limits`].
    pub fn read(payload: &[u8]) -> Result<Self, ImagingError> {
        let object = envelope::open(payload)?;
        let layout = Layout::read(&object)?;
        let stored = layout.pixels(&object)?;
        let modality = MODALITY.word(&object)?;
        let scale = Scale::read(&object, &modality)?;
        let stated = spacing(&object)?;
        let in_patient = stated.map(|spacing| is_in_patient(&object, &modality, spacing)).transpose()?;
        let spacing = stated.filter(|_| in_patient == Some(true));
        let (thickness, step) = (length(&object, THICKNESS)?, length(&object, STEP)?);
        Ok(Self {
            rows: layout.rows,
            columns: layout.columns,
            frames: layout.frames,
            stored,
            slope: scale.slope,
            intercept: scale.intercept,
            unit: scale.unit,
            modality,
            photometric: layout.photometric,
            spacing,
            spacing_at_detector: in_patient == Some(false) || (stated.is_none() && IMAGER_SPACING.is_there(&object)),
            thickness,
            step: if follows_time(&object)? || !has_a_place_each(&object)? { None } else { step },
            frame_seconds: frame_seconds(&object)?,
            padding: padding(&object)?,
            range: layout.range,
        })
    }

    /// One frame, counted from 0.
    ///
    /// # Errors
    ///
    /// [`ImagingError::Parameter`] when there is no such frame.
    pub fn frame(&self, index: usize) -> Result<Frame<'_>, ImagingError> {
        let size = self.rows * self.columns;
        let stored = index.checked_mul(size).and_then(|start| self.stored.get(start..)?.get(..size));
        let stored = stored.ok_or(ImagingError::Parameter { name: "Frame", reason: "the image has no such frame" })?;
        Ok(Frame { image: self, stored })
    }

    /// The intensity of a stored value.
    pub fn intensity(&self, stored: i32) -> f64 {
        self.intensity_at(f64::from(stored))
    }

    /// The intensity of a level between stored values.
    pub fn intensity_at(&self, stored: f64) -> f64 {
        stored * self.slope + self.intercept
    }

    /// The stored value of an intensity, not rounded.
    pub fn stored_of(&self, intensity: f64) -> f64 {
        (intensity - self.intercept) / self.slope
    }

    /// Whether a greater stored value is a greater intensity.
    pub fn ascends(&self) -> bool {
        self.slope > 0.0
    }

    /// Whether a stored value marks a pixel outside the image.
    pub fn is_padding(&self, stored: i32) -> bool {
        self.padding.is_some_and(|(low, high)| (low..=high).contains(&stored))
    }

    /// Pixel spacing, which a size in millimetres needs.
    ///
    /// # Errors
    ///
    /// [`ImagingError::NoPixelSpacing`] when the image does not state it.
    pub fn spacing(&self) -> Result<Spacing, ImagingError> {
        self.spacing.ok_or(ImagingError::NoPixelSpacing { detector: self.spacing_at_detector })
    }
}

/// One frame of an image.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The image it belongs to.
    pub image: &'a Image,
    /// Its stored values, row by row.
    pub stored: &'a [i32],
}

/// How the pixels lie in Pixel Data.
struct Layout {
    rows: usize,
    columns: usize,
    frames: usize,
    photometric: String,
    allocated: u32,
    bits: u32,
    signed: bool,
    range: (i32, i32),
}

impl Layout {
    fn read(object: &InMemDicomObject) -> Result<Self, ImagingError> {
        if object.get(tags::PIXEL_DATA).is_none() {
            return Err(ImagingError::NoPixelData);
        }
        let photometric = PHOTOMETRIC.word(object)?;
        if SAMPLES.required(object)? != 1 || !matches!(photometric.as_str(), "MONOCHROME1" | "MONOCHROME2") {
            return Err(ImagingError::Colour);
        }
        let (rows, columns) = (positive(ROWS, object)?, positive(COLUMNS, object)?);
        let frames = if FRAMES.is_there(object) { positive(FRAMES, object)? } else { 1 };
        let limit =
            |what, value, limit| if value > limit { Err(ImagingError::Limit { what, value, limit }) } else { Ok(()) };
        limit("frames of the image", frames, limits::MAX_FRAMES)?;
        limit("pixels of the image", rows.saturating_mul(columns).saturating_mul(frames), limits::MAX_PIXELS)?;
        let (allocated, bits, signed) = bits(object)?;
        let range = if signed { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) };
        // Each is at most MAX_PIXELS.
        let [rows, columns, frames] = [rows, columns, frames].map(|n| n as usize);
        Ok(Self { rows, columns, frames, photometric, allocated, bits, signed, range })
    }

    /// Stored values. Bits above `BitsStored` are not looked at: old files kept overlays there.
    fn pixels(&self, object: &InMemDicomObject) -> Result<Vec<i32>, ImagingError> {
        let element = object.get(tags::PIXEL_DATA).ok_or(ImagingError::NoPixelData)?;
        let Value::Primitive(primitive) = element.value() else {
            return Err(ImagingError::attribute("PixelData", "it is no plain list of numbers"));
        };
        let bytes = primitive.to_bytes();
        let size = (self.allocated / 8) as usize;
        let described = (self.rows * self.columns * self.frames * size) as u64;
        let found = bytes.len() as u64;
        // One byte more makes an odd length even (PS3.5 section 8.1.1).
        if found != described && found != described + described % 2 {
            return Err(ImagingError::PixelDataLength { described, found });
        }
        let unused = 32 - self.bits;
        let value = |raw: u32| {
            let shifted = raw << unused;
            if self.signed { (shifted as i32) >> unused } else { (shifted >> unused) as i32 }
        };
        let pixels = bytes.get(..described as usize).unwrap_or_default();
        Ok(match size {
            1 => pixels.iter().map(|&byte| value(u32::from(byte))).collect(),
            _ => pixels.as_chunks::<2>().0.iter().map(|&pair| value(u32::from(u16::from_le_bytes(pair)))).collect(),
        })
    }
}

/// Bits allocated and stored for a pixel, and whether it is signed.
fn bits(object: &InMemDicomObject) -> Result<(u32, u32, bool), ImagingError> {
    let allocated: u32 = match ALLOCATED.required(object)? {
        8 => 8,
        16 => 16,
        _ => return Err(ImagingError::attribute("BitsAllocated", "only 8 and 16 are read")),
    };
    let stored = STORED.required(object)?;
    let bits = u32::try_from(stored).ok().filter(|bits| (1..=allocated).contains(bits));
    let bits = bits.ok_or(ImagingError::attribute("BitsStored", "it is not between 1 and BitsAllocated"))?;
    if HIGH_BIT.required(object)? != stored - 1 {
        return Err(ImagingError::attribute("HighBit", "it is not one less than BitsStored"));
    }
    match REPRESENTATION.required(object)? {
        0 => Ok((allocated, bits, false)),
        1 => Ok((allocated, bits, true)),
        _ => Err(ImagingError::attribute("PixelRepresentation", "it is neither 0 nor 1")),
    }
}

fn positive(attribute: Attribute, object: &InMemDicomObject) -> Result<u64, ImagingError> {
    let number = u64::try_from(attribute.required(object)?).ok().filter(|n| *n > 0);
    number.ok_or(ImagingError::attribute(attribute.keyword, "it is not positive"))
}

/// How stored values become intensities.
struct Scale {
    slope: f64,
    intercept: f64,
    unit: String,
}

impl Scale {
    fn read(object: &InMemDicomObject, modality: &str) -> Result<Self, ImagingError> {
        if MODALITY_LUT.is_there(object) {
            return Err(ImagingError::attribute("ModalityLUTSequence", "intensities from a table are not read"));
        }
        let one = |numbers: Option<Vec<f64>>, absent| numbers.and_then(|n| n.first().copied()).unwrap_or(absent);
        let (slope, intercept) = (stated(object, TRANSFORMATION, SLOPE)?, stated(object, TRANSFORMATION, INTERCEPT)?);
        let is_scaled = slope.is_some() && intercept.is_some();
        let (slope, intercept) = (one(slope, 1.0), one(intercept, 0.0));
        if slope == 0.0 {
            return Err(ImagingError::attribute("RescaleSlope", "it is zero"));
        }
        let written = rescale_type(object)?;
        // Written by the sender, so only the defined terms of PS3.3 C.11.1.1.2 are repeated.
        let known = ["HU", "OD", "US", "MGML", "Z_EFF", "ED", "EDW", "HU_MOD", "PCT"];
        let unit = match written.as_str() {
            // Hounsfield units come about by the scale; stored values alone are none.
            "" if modality == "CT" && is_scaled => "HU",
            "" if (slope, intercept) == (1.0, 0.0) => "stored value",
            "" => "rescaled value",
            word => known.into_iter().find(|k| *k == word).unwrap_or("rescaled value"),
        };
        Ok(Self { slope, intercept, unit: unit.to_owned() })
    }
}

/// What the scale leads to, at the top of the data set or in the functional groups that hold the scale.
fn rescale_type(object: &InMemDicomObject) -> Result<String, ImagingError> {
    let mut agreed = RESCALE_TYPE.word(object)?;
    for frame in SHARED.items(object).iter().chain(PER_FRAME.items(object)) {
        for scale in TRANSFORMATION.items(frame) {
            let word = RESCALE_TYPE.word(scale)?;
            if !agreed.is_empty() && !word.is_empty() && agreed != word {
                return Err(ImagingError::attribute("RescaleType", "it differs from frame to frame"));
            }
            agreed = if word.is_empty() { agreed } else { word };
        }
    }
    Ok(agreed)
}

/// An attribute at the top of the data set, or else in a functional group, where all frames must agree on it.
fn stated(object: &InMemDicomObject, group: Attribute, attribute: Attribute) -> Result<Option<Vec<f64>>, ImagingError> {
    if let Some(numbers) = attribute.numbers(object)? {
        return Ok(Some(numbers));
    }
    let mut agreed: Option<Vec<f64>> = None;
    for frame in SHARED.items(object).iter().chain(PER_FRAME.items(object)) {
        for measures in group.items(frame) {
            let Some(numbers) = attribute.numbers(measures)? else { continue };
            if agreed.as_ref().is_some_and(|agreed| *agreed != numbers) {
                return Err(ImagingError::attribute(attribute.keyword, "it differs from frame to frame"));
            }
            agreed = Some(numbers);
        }
    }
    Ok(agreed)
}

fn spacing(object: &InMemDicomObject) -> Result<Option<Spacing>, ImagingError> {
    let Some(numbers) = stated(object, MEASURES, SPACING)? else { return Ok(None) };
    match numbers[..] {
        [row, column] if is_length(row) && is_length(column) => Ok(Some(Spacing { row, column })),
        _ => Err(ImagingError::attribute("PixelSpacing", "it is not two distances above 0 and at most 100 mm")),
    }
}

/// Whether Pixel Spacing is one in the patient. By PS3.3 10.7.1.1 an image that was not calibrated repeats there the
/// spacing at the detector or on the film; where neither is stated, nor how it was calibrated, "it cannot be determined",
/// and of a projection it is then not claimed.
fn is_in_patient(object: &InMemDicomObject, modality: &str, spacing: Spacing) -> Result<bool, ImagingError> {
    if CALIBRATION.is_there(object) {
        return Ok(true);
    }
    let measured = [IMAGER_SPACING.numbers(object)?, FILM_SPACING.numbers(object)?];
    let mut measured = measured.into_iter().flatten().peekable();
    match measured.peek() {
        Some(_) => Ok(measured.all(|elsewhere| elsewhere != [spacing.row, spacing.column])),
        None => Ok(!PROJECTIONS.contains(&modality)),
    }
}

fn length(object: &InMemDicomObject, attribute: Attribute) -> Result<Option<f64>, ImagingError> {
    let Some(numbers) = stated(object, MEASURES, attribute)? else { return Ok(None) };
    match numbers[..] {
        [length] if is_length(length) => Ok(Some(length)),
        _ => Err(ImagingError::attribute(attribute.keyword, "it is not one distance above 0 and at most 100 mm")),
    }
}

fn is_length(millimetres: f64) -> bool {
    millimetres > 0.0 && millimetres <= limits::MAX_SPACING_MM
}

/// Whether frames are moments rather than places, so that they are no stack of slices.
fn follows_time(object: &InMemDicomObject) -> Result<bool, ImagingError> {
    let several = TEMPORAL.integer(object)?.is_some_and(|positions| positions > 1);
    let mut of_several = false;
    for vector in PHASES {
        // One phase, one energy: then the vector says 1 of every frame.
        let numbers = vector.numbers(object)?.unwrap_or_default();
        of_several |= numbers.windows(2).any(|pair| pair[0] != pair[1]);
    }
    Ok(several || of_several || FRAME_TIME.is_there(object) || FRAME_TIMES.is_there(object))
}

/// Whether frames that say what each of them is also say that each is at another place: a stack with several phases,
/// echoes or weightings has several frames of one place, and is no stack of slices.
fn has_a_place_each(object: &InMemDicomObject) -> Result<bool, ImagingError> {
    let frames = PER_FRAME.items(object);
    let mut places = Vec::with_capacity(frames.len());
    for plane in frames.iter().flat_map(|frame| PLANE_POSITION.items(frame)) {
        places.extend(IMAGE_POSITION.numbers(plane)?);
    }
    let all_say = places.len() == frames.len();
    places.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    Ok(all_say && places.windows(2).all(|pair| pair[0] != pair[1]))
}

fn frame_seconds(object: &InMemDicomObject) -> Result<Option<f64>, ImagingError> {
    let milliseconds = FRAME_TIME.numbers(object)?.and_then(|numbers| numbers.first().copied());
    Ok(milliseconds.filter(|ms| *ms > 0.0).map(|ms| ms / 1000.0))
}

fn padding(object: &InMemDicomObject) -> Result<Option<(i32, i32)>, ImagingError> {
    let number = |attribute: Attribute| -> Result<Option<i32>, ImagingError> {
        let number = attribute.integer(object)?.map(i32::try_from).transpose();
        number.map_err(|_| ImagingError::attribute(attribute.keyword, "it is no pixel value"))
    };
    let Some(value) = number(PADDING)? else { return Ok(None) };
    let other = number(PADDING_LIMIT)?.unwrap_or(value);
    Ok(Some((value.min(other), value.max(other))))
}
