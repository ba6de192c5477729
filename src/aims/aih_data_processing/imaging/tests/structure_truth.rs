//! Detection of structures whose number, area and place are known.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use serde_json::json;

use super::{
    detect, look, near, none, number,
    writer::{Picture, bytes, in_disc, text, us},
};

fn two_discs() -> Picture {
    let mut picture = Picture::drawn(100, 120, |row, column| {
        if in_disc(row, column, (30.0, 30.0), 15.0) {
            60
        } else if in_disc(row, column, (70.0, 90.0), 10.0) {
            200
        } else {
            -900
        }
    });
    picture.spacing = Some("0.5\\0.8");
    picture
}

#[test]
fn discs_are_found_with_area_place_and_intensity() {
    let result = detect(&two_discs().explicit(), none()).unwrap();
    assert_eq!(number(&result, "/StructureCount"), 2.0);
    assert_eq!(result["IntensityUnit"], "HU");
    for (structure, radius, row, column, mean) in [(0, 15.0_f64, 30.0, 30.0, 60.0), (1, 10.0, 70.0, 90.0, 200.0)] {
        let at = |name: &str| format!("/Structures/{structure}/{name}");
        let area = std::f64::consts::PI * radius * radius * 0.5 * 0.8;
        near(&result, &at("AreaMm2"), area, area * 0.02);
        near(&result, &at("CentroidPixel/Row"), row, 1e-9);
        near(&result, &at("CentroidPixel/Column"), column, 1e-9);
        near(&result, &at("CentroidMm/Row"), row * 0.5, 1e-9);
        near(&result, &at("CentroidMm/Column"), column * 0.8, 1e-9);
        near(&result, &at("Mean"), mean, 1e-9);
        near(&result, &at("StandardDeviation"), 0.0, 1e-9);
        near(&result, &at("BoundingBox/FirstRow"), row - radius, 0.0);
        near(&result, &at("BoundingBox/LastColumn"), column + radius, 0.0);
    }
}

#[test]
fn both_encodings_say_the_same() {
    let picture = two_discs();
    assert_eq!(detect(&picture.explicit(), none()).unwrap(), detect(&picture.implicit(), none()).unwrap());
}

#[test]
fn corners_touch_only_when_asked() {
    let picture = Picture::drawn(6, 6, |row, column| if row == column { 100 } else { 0 });
    assert_eq!(number(&detect(&picture.explicit(), none()).unwrap(), "/StructureCount"), 1.0);
    let edges = detect(&picture.explicit(), json!({"Connectivity": 4})).unwrap();
    assert_eq!(number(&edges, "/StructureCount"), 6.0);
}

#[test]
fn smaller_structures_are_left_out_and_counted() {
    let result = detect(&two_discs().explicit(), json!({"MinimumAreaMm2": 200})).unwrap();
    assert_eq!((number(&result, "/StructureCount"), number(&result, "/SmallerCount")), (1.0, 1.0));
}

#[test]
fn without_spacing_nothing_is_said_in_millimetres() {
    let mut picture = two_discs();
    picture.spacing = None;
    let result = detect(&picture.explicit(), none()).unwrap();
    assert!(result["PixelSpacingMm"].is_null());
    assert!(result["Structures"][0].get("AreaMm2").is_none());
    let error = detect(&picture.explicit(), json!({"MinimumAreaMm2": 1})).unwrap_err();
    assert!(error.contains("Pixel Spacing is absent"), "{error}");
}

#[test]
fn stored_values_become_hounsfield_units() {
    let mut picture = Picture::drawn(4, 4, |row, _| if row < 2 { 24 } else { 1064 });
    picture.signed = false;
    picture.rescale = Some(("1", "-1024"));
    let result = detect(&picture.explicit(), none()).unwrap();
    assert_eq!(number(&result, "/Structures/0/Mean"), 40.0);
}

#[test]
fn eight_bits_and_bits_beyond_those_stored() {
    let mut eight = Picture::drawn(3, 3, |row, _| if row == 0 { 255 } else { 1 });
    (eight.allocated, eight.stored_bits, eight.signed, eight.modality) = (8, 8, false, "MR");
    eight.rescale = None;
    let result = detect(&eight.explicit(), none()).unwrap();
    assert_eq!(
        (number(&result, "/Structures/0/Maximum"), result["IntensityUnit"].as_str()),
        (255.0, Some("stored value"))
    );
    // Twelve bits, signed: -5 is 0xFFB; above it lies an old overlay that is no part of the value.
    let mut twelve = Picture::drawn(3, 3, |row, _| if row == 0 { 0xF7FF } else { 0x0FFB });
    twelve.stored_bits = 12;
    let result = detect(&twelve.explicit(), none()).unwrap();
    assert_eq!(number(&result, "/Structures/0/Maximum"), 2047.0);
    let dark = detect(&twelve.explicit(), json!({"Foreground": "below"})).unwrap();
    assert_eq!(number(&dark, "/Structures/0/Mean"), -5.0);
}

#[test]
fn padding_is_neither_background_nor_structure() {
    let mut picture = Picture::drawn(10, 10, |row, column| match (row, column) {
        (0, _) => -2000,
        (1..=4, _) => 0,
        _ => 100,
    });
    picture.more.push(bytes(tags::PIXEL_PADDING_VALUE, VR::SS, &(-2000_i16).to_le_bytes(), 0));
    let dark = detect(&picture.explicit(), json!({"Foreground": "below"})).unwrap();
    assert_eq!((number(&dark, "/StructureCount"), number(&dark, "/Structures/0/PixelCount")), (1.0, 40.0));
    assert_eq!(number(&dark, "/Structures/0/Minimum"), 0.0);
}

#[test]
fn each_frame_is_its_own_image() {
    let mut picture = Picture::drawn(6, 4, |row, _| if row < 3 { i32::from(row) } else { 500 * i32::from(row % 2) });
    (picture.rows, picture.frames) = (3, Some(2));
    let second = detect(&picture.explicit(), json!({"Frame": 2})).unwrap();
    assert_eq!((number(&second, "/Frame"), number(&second, "/Frames")), (2.0, 2.0));
    assert_eq!(number(&second, "/Structures/0/Maximum"), 500.0);
    let error = detect(&picture.explicit(), json!({"Frame": 3})).unwrap_err();
    assert!(error.contains("no such frame"), "{error}");
}

#[test]
fn what_is_observed_of_an_image() {
    let mut picture = Picture::drawn(4, 4, |row, _| if row == 0 { 32767 } else { 7 });
    picture.more.push(text(tags::FRAME_TIME, VR::DS, "40"));
    (picture.rows, picture.frames) = (2, Some(2));
    let seen = look(&picture.explicit()).unwrap();
    let value = |name: &str| seen.values.iter().find(|v| v.name == name).unwrap();
    assert_eq!((value("MaximumIntensity").value, value("MaximumIntensity").unit.as_str()), (32767.0, "[hnsf'U]"));
    assert_eq!(value("SaturatedShare").value, 0.25);
    assert_eq!(value("LargestStructureArea").value, 4.0);
    assert_eq!(seen.series[0].at_seconds, [0.0, 0.04]);
    assert_eq!(seen.series[0].values, [(4.0 * 32767.0 + 4.0 * 7.0) / 8.0, 7.0]);
}

#[test]
fn a_uniform_image_has_no_structure_to_observe() {
    let mut picture = Picture::drawn(4, 4, |_, _| 3);
    picture.more.push(us(tags::SMALLEST_IMAGE_PIXEL_VALUE, 3));
    let seen = look(&picture.explicit()).unwrap();
    assert_eq!(seen.values.iter().find(|v| v.name == "StructureCount").unwrap().value, 0.0);
}
