//! A computed tomography image of a disc of known size: pixels half a millimetre wide, 40 HU on −1,000.

use health_back_end::{domain::operation::Operation, front_end::demo_all::picture, schema::wire::DataFormat};
use serde_json::Value;

use super::samples::{Sample, near};

const SIDE: i32 = 64;
const RADIUS: i32 = 20;
const PIXEL_MM: f64 = 0.5;

pub fn sample(format: DataFormat) -> Sample {
    assert_eq!(format, DataFormat::Dicom, "there is no sample in another format");
    Sample::new(image(), check)
}

fn is_inside(place: i32) -> bool {
    let (x, y) = (place % SIDE - SIDE / 2, place / SIDE - SIDE / 2);
    x * x + y * y <= RADIUS * RADIUS
}

pub fn image() -> Vec<u8> {
    picture::image(PIXEL_MM).unwrap()
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
