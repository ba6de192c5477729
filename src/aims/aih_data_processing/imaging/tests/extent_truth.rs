//! Sizes of discs, ellipses and rectangles whose sizes are known.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use serde_json::json;

use super::{
    measure, near, none, number, writer,
    writer::{Content, Picture, in_disc, items, text},
};

const PI: f64 = std::f64::consts::PI;

#[test]
fn a_disc_has_its_diameters_area_and_perimeter() {
    // Radius 29.4 pixels of 0.7 mm.
    let mut picture = Picture::drawn(90, 90, |row, column| i32::from(in_disc(row, column, (44.0, 44.0), 29.4)) * 100);
    picture.spacing = Some("0.7\\0.7");
    let result = measure(&picture.explicit(), none()).unwrap();
    let radius = 29.4 * 0.7;
    near(&result, "/AreaMm2", PI * radius * radius, PI * radius * radius * 0.01);
    near(&result, "/LongestDiameterMm", 2.0 * radius, 0.7);
    near(&result, "/PerpendicularDiameterMm", 2.0 * radius, 0.7);
    near(&result, "/LeastWidthMm", 2.0 * radius, 0.7);
    near(&result, "/EquivalentDiameterMm", 2.0 * radius, 0.2);
    near(&result, "/PerimeterMm", 2.0 * PI * radius, 2.0 * PI * radius * 0.01);
    assert_eq!(result["TouchesEdge"], false);
}

#[test]
fn an_ellipse_on_oblong_pixels() {
    // Half axes 30 mm across and 12 mm down; pixels 1.5 mm down and 0.5 mm across.
    let inside = |row: u16, column: u16| {
        ((f64::from(row) - 20.0) * 1.5 / 12.0).hypot((f64::from(column) - 70.0) * 0.5 / 30.0) <= 1.0
    };
    let mut picture = Picture::drawn(41, 141, |row, column| i32::from(inside(row, column)) * 40 - 1000);
    picture.spacing = Some("1.5\\0.5");
    let result = measure(&picture.explicit(), none()).unwrap();
    near(&result, "/AreaMm2", PI * 30.0 * 12.0, PI * 30.0 * 12.0 * 0.02);
    near(&result, "/LongestDiameterMm", 60.0, 1.0);
    near(&result, "/PerpendicularDiameterMm", 24.0, 1.6);
    // Ramanujan's approximation of the perimeter of an ellipse.
    let h = (18.0_f64 / 42.0).powi(2);
    let perimeter = PI * 42.0 * (1.0 + 3.0 * h / (10.0 + (4.0 - 3.0 * h).sqrt()));
    near(&result, "/PerimeterMm", perimeter, perimeter * 0.03);
    // Across is to the right.
    let ends = &result["LongestDiameterEndsMm"];
    near(ends, "/0/Row", 30.0, 1.5);
    near(ends, "/1/Row", 30.0, 1.5);
}

#[test]
fn a_rectangle_at_the_edge() {
    let picture = Picture::drawn(40, 40, |row, column| i32::from(row < 10 && column < 24) * 100);
    let result = measure(&picture.explicit(), none()).unwrap();
    assert_eq!(number(&result, "/AreaMm2"), 240.0);
    near(&result, "/LongestDiameterMm", 26.0, 1.0);
    near(&result, "/LeastWidthMm", 10.0, 1e-9);
    near(&result, "/PerimeterMm", 68.0, 68.0 * 0.07);
    assert_eq!(result["TouchesEdge"], true);
}

#[test]
fn one_pixel_is_one_pixel_wide() {
    let picture = Picture::drawn(5, 5, |row, column| i32::from((row, column) == (2, 3)) * 9);
    let result = measure(&picture.explicit(), none()).unwrap();
    assert_eq!((number(&result, "/AreaMm2"), number(&result, "/LongestDiameterMm")), (1.0, 1.0));
}

#[test]
fn the_seed_chooses_the_structure() {
    let picture = Picture::drawn(60, 60, |row, column| {
        i32::from(in_disc(row, column, (15.0, 15.0), 12.0) || in_disc(row, column, (45.0, 45.0), 5.0)) * 70
    });
    let largest = measure(&picture.explicit(), none()).unwrap();
    near(&largest, "/LongestDiameterMm", 24.0, 1.0);
    assert_eq!(largest["ChosenBy"], "largest");
    let small = measure(&picture.explicit(), json!({"SeedRow": 45, "SeedColumn": 44})).unwrap();
    near(&small, "/LongestDiameterMm", 10.0, 1.0);
    assert_eq!(small["ChosenBy"], "seed");
    for (parameters, words) in [
        (json!({"SeedRow": 30, "SeedColumn": 55}), "seed does not lie"),
        (json!({"SeedRow": 60, "SeedColumn": 0}), "outside the image"),
        (json!({"SeedRow": 1}), "SeedColumn"),
        (json!({"SeedRow": 1, "SeedColumn": 1, "Region": "largest"}), "not both"),
        (json!({"Region": "image"}), "that of a structure"),
        (json!({"Threshold": 1e6}), "no structure"),
        (json!({"MinimumAreaMm2": 1e6}), "no structure"),
    ] {
        let error = measure(&picture.explicit(), parameters).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn pixels_are_never_sold_as_millimetres() {
    let mut picture = Picture::drawn(10, 10, |row, _| i32::from(row));
    picture.spacing = None;
    let error = measure(&picture.explicit(), none()).unwrap_err();
    assert!(error.contains("Pixel Spacing is absent"), "{error}");
    picture.more.push(text(tags::IMAGER_PIXEL_SPACING, VR::DS, "0.1\\0.1"));
    let error = measure(&picture.explicit(), none()).unwrap_err();
    assert!(error.contains("at the detector"), "{error}");
}

/// PS3.3 10.7.1.1: of a projection, Pixel Spacing counts when it says how it was calibrated, or differs from the spacing
/// at the detector or on the film.
#[test]
fn a_radiograph_has_millimetres_only_when_it_was_calibrated() {
    let measured = |modality: &'static str, more: &[(Tag, VR, &str)]| {
        let mut picture = Picture::drawn(10, 10, |row, _| i32::from(row < 3));
        (picture.modality, picture.spacing) = (modality, Some("0.2\\0.2"));
        picture.more.extend(more.iter().map(|(tag, vr, value)| text(*tag, *vr, value)));
        measure(&picture.explicit(), none())
    };
    let imager = |value| (tags::IMAGER_PIXEL_SPACING, VR::DS, value);
    let film = |value| (tags::NOMINAL_SCANNED_PIXEL_SPACING, VR::DS, value);
    let fiducial = (tags::PIXEL_SPACING_CALIBRATION_TYPE, VR::CS, "FIDUCIAL");
    for (modality, more) in [
        ("DX", vec![imager("0.25\\0.25")]),
        ("DX", vec![imager("0.2\\0.2"), fiducial]),
        ("CR", vec![fiducial]),
        ("OT", vec![film("0.25\\0.25")]),
        ("CT", vec![]),
    ] {
        near(&measured(modality, &more).unwrap(), "/AreaMm2", 30.0 * 0.04, 1e-9);
    }
    for (modality, more) in [
        ("DX", vec![imager("0.2\\0.2")]),
        ("DX", vec![imager("0.25\\0.25"), film("0.2\\0.2")]),
        ("OT", vec![film("0.20\\0.20")]),
        ("CR", vec![]),
        ("MG", vec![]),
    ] {
        let error = measured(modality, &more).unwrap_err();
        assert!(error.contains("not known to be calibrated"), "{modality}: {error}");
    }
}

/// A ball of radius 8 mm in slices of 2 mm, and a second one that no slice joins to it.
fn stack() -> Picture {
    let mut picture = Picture::drawn(12 * 30, 30, |row, column| {
        let (frame, row) = (row / 30, row % 30);
        let ball = |z: f64, y: f64, x: f64, r: f64| {
            let (dz, dy, dx) = ((f64::from(frame) - z) * 2.0, f64::from(row) - y, f64::from(column) - x);
            dz * dz + dy * dy + dx * dx <= r * r
        };
        i32::from(ball(5.0, 10.0, 10.0, 8.0) || ball(10.0, 25.0, 25.0, 3.0)) * 300
    });
    (picture.rows, picture.frames, picture.modality) = (30, Some(12), "MR");
    picture
}

#[test]
fn a_stack_of_slices_has_a_volume() {
    let mut picture = stack();
    let middle = json!({"Frame": 6});
    let without = measure(&picture.explicit(), middle.clone()).unwrap();
    assert!(without.get("VolumeMm3").is_none(), "{without}");
    picture.more.push(text(tags::SPACING_BETWEEN_SLICES, VR::DS, "2"));
    let result = measure(&picture.explicit(), middle.clone()).unwrap();
    let ball = 4.0 / 3.0 * PI * 512.0;
    near(&result, "/VolumeMm3", ball, ball * 0.04);
    near(&result, "/AreaMm2", PI * 64.0, PI * 64.0 * 0.03);
    // Frames in time are no stack.
    picture.more.push(text(tags::FRAME_TIME, VR::DS, "33"));
    assert!(measure(&picture.explicit(), middle).unwrap().get("VolumeMm3").is_none());
}

#[test]
fn one_slice_has_its_thickness() {
    let mut picture = Picture::drawn(10, 10, |row, _| i32::from(row < 3));
    picture.more.push(text(tags::SLICE_THICKNESS, VR::DS, "2.5"));
    near(&measure(&picture.explicit(), none()).unwrap(), "/VolumeMm3", 75.0, 1e-9);
}

#[test]
fn enhanced_images_state_it_in_functional_groups() {
    let measures = |spacing: &str| {
        vec![items(tags::PIXEL_MEASURES_SEQUENCE, vec![vec![text(tags::PIXEL_SPACING, VR::DS, spacing)]])]
    };
    let mut picture = Picture::drawn(6, 3, |row, _| i32::from(row % 3 == 0));
    (picture.rows, picture.frames, picture.spacing) = (3, Some(2), None);
    picture.more = vec![items(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![measures("2\\3")])];
    assert_eq!(number(&measure(&picture.explicit(), none()).unwrap(), "/AreaMm2"), 18.0);
    picture.more = vec![items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, vec![measures("2\\3"), measures("2\\4")])];
    let error = measure(&picture.explicit(), none()).unwrap_err();
    assert!(error.contains("differs from frame to frame"), "{error}");
    assert!(matches!(picture.more[0].2, Content::Items(_)));
}

/// Frames with a place each in the functional groups.
fn placed(mut picture: Picture, places: &[i32]) -> Picture {
    let frame = |z: &i32| {
        let place = vec![text(tags::IMAGE_POSITION_PATIENT, VR::DS, &format!("0\\0\\{z}"))];
        vec![items(tags::PLANE_POSITION_SEQUENCE, vec![place])]
    };
    picture.more.push(items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, places.iter().map(frame).collect()));
    picture
}

#[test]
fn phases_of_one_place_are_no_stack() {
    let mut picture = stack();
    picture.more.push(text(tags::SPACING_BETWEEN_SLICES, VR::DS, "2"));
    let middle = json!({"Frame": 6});
    let volume = |picture: &Picture| measure(&picture.explicit(), middle.clone()).unwrap().get("VolumeMm3").cloned();
    let slices: Vec<i32> = (0..12).map(|n| n * 2).collect();
    assert!(volume(&placed(picture.clone(), &slices)).is_some(), "twelve places");
    let phases: Vec<i32> = (0..12).map(|n| n / 2 * 2).collect();
    assert_eq!(volume(&placed(picture.clone(), &phases)), None, "six places in two phases");
    // Frames that say what each is, and not where it is.
    let mut elsewhere = picture.clone();
    elsewhere.more.push(items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, vec![Vec::new(); 12]));
    assert_eq!(volume(&elsewhere), None);
    // A gated nuclear medicine image points its frames to time slots.
    let vector = |slots: [u16; 12]| {
        let bytes: Vec<u8> = slots.iter().flat_map(|slot| slot.to_le_bytes()).collect();
        let mut gated = picture.clone();
        gated.more.push(writer::bytes(tags::TIME_SLOT_VECTOR, VR::US, &bytes, 0));
        gated
    };
    assert_eq!(volume(&vector([1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2])), None);
    assert!(volume(&vector([1; 12])).is_some());
}
