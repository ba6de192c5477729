//! A computed tomography image of a disc of known size: pixels half a millimetre wide, 40 HU on −1,000.

use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::tags;
use dicom_object::{InMemDicomObject, meta::FileMetaTableBuilder};
use health_back_end::{domain::operation::Operation, schema::wire::DataFormat};
use serde_json::Value;

use super::samples::{Sample, near};

const SIDE: i32 = 64;
const RADIUS: i32 = 20;
const PIXEL_MM: f64 = 0.5;
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

pub fn sample(format: DataFormat) -> Sample {
    assert_eq!(format, DataFormat::Dicom, "there is no sample in another format");
    Sample::new(image(), check)
}

fn is_inside(place: i32) -> bool {
    let (x, y) = (place % SIDE - SIDE / 2, place / SIDE - SIDE / 2);
    x * x + y * y <= RADIUS * RADIUS
}

pub fn image() -> Vec<u8> {
    let pixels = (0..SIDE * SIDE).map(|place| if is_inside(place) { 1_064 } else { 24 }).collect();
    image_of(SIDE as u16, pixels)
}

/// A square image of these pixels.
pub fn image_of(side: u16, pixels: Vec<u16>) -> Vec<u8> {
    let texts = [
        (tags::SOP_CLASS_UID, VR::UI, CT),
        (tags::SOP_INSTANCE_UID, VR::UI, "2.25.7"),
        (tags::MODALITY, VR::CS, "CT"),
        (tags::PATIENT_ID, VR::LO, "EX-1"),
        (tags::STUDY_INSTANCE_UID, VR::UI, "2.25.101"),
        (tags::SERIES_INSTANCE_UID, VR::UI, "2.25.102"),
        (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
        (tags::PIXEL_SPACING, VR::DS, "0.5\\0.5"),
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
        .transfer_syntax("1.2.840.10008.1.2.1")
        .media_storage_sop_class_uid(CT)
        .media_storage_sop_instance_uid("2.25.7");
    let mut bytes = Vec::new();
    object.with_meta(meta).unwrap().write_all(&mut bytes).unwrap();
    bytes
}

fn check(operation: Operation, result: &Value) {
    let pixels = (0..SIDE * SIDE).filter(|place| is_inside(*place)).count() as f64;
    let area = pixels * PIXEL_MM * PIXEL_MM;
    match operation {
        Operation::AnatomicalStructureDetection => {
            assert_eq!(result["StructureCount"], 1, "{result}");
            near(result, "/Structures/0/AreaMm2", area, 1e-9);
            near(result, "/Structures/0/Mean", 40.0, 1e-9);
        }
        Operation::LesionExtentQuantification => {
            near(result, "/AreaMm2", area, 1e-9);
            // From the outer edge of one pixel to that of the one across.
            near(result, "/LongestDiameterMm", 2.0 * f64::from(RADIUS) * PIXEL_MM, 3.0 * PIXEL_MM);
        }
        Operation::ImagingPhenotypeCharacterisation => {
            let all = f64::from(SIDE * SIDE);
            near(result, "/FirstOrder/Mean", (pixels * 40.0 - (all - pixels) * 1_000.0) / all, 1e-6);
        }
        other => panic!("what is true of an image under {other} is not known here"),
    }
}
