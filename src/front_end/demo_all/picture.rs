//! A computed tomography image of nobody: a bright disc on a dark ground, with a made-up name in its header.

use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{InMemDicomObject, meta::FileMetaTableBuilder};

use crate::front_end::demo::DemoError;

/// Rows and columns.
const SIDE: u16 = 64;
/// Radius of the disc in pixels.
const RADIUS: i32 = 20;
/// Who it shows, as the header says.
pub const NAME: &str = "EXAMPLE^ADA";
/// Width and height of a pixel of the demo's image in millimetres.
pub const PIXEL_MM: f64 = 1.0;
/// Area of the disc in square millimetres when pixels are so wide.
pub const AREA_MM2: f64 = std::f64::consts::PI * (RADIUS * RADIUS) as f64;

/// The image as a DICOM file, with pixels so many millimetres wide and high.
///
/// # Errors
/// When it cannot be written as one.
pub fn image(pixel_mm: f64) -> Result<Vec<u8>, DemoError> {
    image_of(SIDE, pixels(), pixel_mm)
}

/// A square image of these pixels as a DICOM file.
///
/// # Errors
/// When it cannot be written as one.
pub fn image_of(side: u16, pixels: Vec<u16>, pixel_mm: f64) -> Result<Vec<u8>, DemoError> {
    let spacing = format!("{pixel_mm}\\{pixel_mm}");
    let instance = "2.25.329800735698586629295641978511506172918";
    let texts = [
        (tags::SOP_CLASS_UID, VR::UI, uids::CT_IMAGE_STORAGE),
        (tags::SOP_INSTANCE_UID, VR::UI, instance),
        (tags::STUDY_DATE, VR::DA, "20260203"),
        (tags::MODALITY, VR::CS, "CT"),
        (tags::BURNED_IN_ANNOTATION, VR::CS, "NO"),
        (tags::PATIENT_NAME, VR::PN, NAME),
        (tags::PATIENT_ID, VR::LO, "EX-4711"),
        (tags::STUDY_INSTANCE_UID, VR::UI, "2.25.101"),
        (tags::SERIES_INSTANCE_UID, VR::UI, "2.25.102"),
        (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
        (tags::PIXEL_SPACING, VR::DS, spacing.as_str()),
        (tags::RESCALE_INTERCEPT, VR::DS, "-1024"),
        (tags::RESCALE_SLOPE, VR::DS, "1"),
    ];
    let numbers = [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, side),
        (tags::COLUMNS, side),
        (tags::BITS_ALLOCATED, 16),
        (tags::BITS_STORED, 16),
        (tags::HIGH_BIT, 15),
        (tags::PIXEL_REPRESENTATION, 0),
    ];
    let mut object = InMemDicomObject::new_empty();
    for (tag, vr, text) in texts {
        object.put(DataElement::new(tag, vr, PrimitiveValue::from(text)));
    }
    for (tag, number) in numbers {
        object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(number)));
    }
    object.put(DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(pixels.into())));
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
        .media_storage_sop_class_uid(uids::CT_IMAGE_STORAGE)
        .media_storage_sop_instance_uid(instance);
    let mut bytes = Vec::new();
    let file = object.with_meta(meta).map_err(|_| DemoError::Lacks("a DICOM header"))?;
    file.write_all(&mut bytes).map_err(|_| DemoError::Lacks("a DICOM file"))?;
    Ok(bytes)
}

/// Air outside, soft tissue in the disc.
fn pixels() -> Vec<u16> {
    let centre = i32::from(SIDE) / 2;
    let at = |place: i32| (place % i32::from(SIDE) - centre, place / i32::from(SIDE) - centre);
    let inside = |(x, y): (i32, i32)| x * x + y * y <= RADIUS * RADIUS;
    (0..i32::from(SIDE) * i32::from(SIDE)).map(|place| if inside(at(place)) { 1_064 } else { 24 }).collect()
}
