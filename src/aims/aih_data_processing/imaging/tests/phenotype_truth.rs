//! First-order statistics and texture against the digital phantom of the Image Biomarker Standardisation Initiative
//! (reference manual, arXiv 1612.07003, chapter 5 and its reference values), and against hand calculation. The values
//! were read in github.com/theibsi/ibsi-doc, docs/03_Image_features.rst; texture: "2D, slice-merged".

use dicom_core::VR;
use dicom_dictionary_std::tags;
use serde_json::json;

use super::{
    super::{
        cooccurrence::Levels,
        first_order::{first_order, histogram},
    },
    characterise, near, none, number,
    writer::{Elements, Picture, in_disc, items, text},
};

/// The phantom's four slices of four rows and five columns; 0 lies outside its region of interest.
const PHANTOM: [[[u16; 5]; 4]; 4] = [
    [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
    [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [0, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
    [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 1, 1], [1, 1, 6, 1, 1]],
    [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
];

fn phantom() -> Vec<f64> {
    PHANTOM.iter().flatten().flatten().filter(|level| **level > 0).map(|level| f64::from(*level)).collect()
}

#[track_caller]
fn published(name: &str, found: f64, value: f64, digit: f64) {
    assert!((found - value).abs() <= digit / 2.0, "{name}: {found}, published {value}");
}

#[test]
fn the_phantom_has_its_published_statistics() {
    let s = first_order(&mut phantom()).unwrap();
    assert_eq!(s.count, 74);
    published("mean", s.mean, 2.15, 0.01);
    published("variance", s.variance, 3.05, 0.01);
    published("skewness", s.skewness, 1.08, 0.01);
    published("excess kurtosis", s.excess_kurtosis, -0.355, 0.001);
    published("median", s.median, 1.0, 0.0);
    published("minimum", s.minimum, 1.0, 0.0);
    published("10th percentile", s.percentile10, 1.0, 0.0);
    published("90th percentile", s.percentile90, 4.0, 0.0);
    published("maximum", s.maximum, 6.0, 0.0);
    published("interquartile range", s.interquartile_range, 3.0, 0.0);
    published("range", s.range, 5.0, 0.0);
    published("mean absolute deviation", s.mean_absolute_deviation, 1.55, 0.01);
    published("robust mean absolute deviation", s.robust_mean_absolute_deviation, 1.11, 0.01);
    published("median absolute deviation", s.median_absolute_deviation, 1.15, 0.01);
    published("energy", s.energy, 567.0, 0.0);
    published("root mean square", s.root_mean_square, 2.77, 0.01);
}

#[test]
fn the_phantom_has_its_published_histogram() {
    let h = histogram(&phantom(), 1.0, 1.0, 6);
    published("entropy", h.entropy, 1.27, 0.01);
    published("uniformity", h.uniformity, 0.512, 0.001);
}

fn slice(index: usize) -> Levels {
    Levels { levels: PHANTOM[index].concat(), columns: 5, greatest: 6 }
}

/// The merged matrix of the first slice as the manual prints it (chapter 6, "2D, merged").
#[test]
fn the_phantoms_first_slice_has_its_published_cooccurrences() {
    let matrix = slice(0).matrix();
    let entry = |i: usize, j: usize| matrix[i * 7 + j];
    let printed = [(1, 1, 22), (1, 4, 17), (1, 6, 6), (4, 4, 16), (4, 6, 11), (6, 6, 4)];
    for (i, j, n) in printed {
        assert_eq!((entry(i, j), entry(j, i)), (n, n), "{i} {j}");
    }
    let off: u64 = printed.iter().map(|(i, j, n)| if i == j { *n } else { 2 * n }).sum();
    assert_eq!(matrix.iter().sum::<u64>(), off);
    let second = slice(1).matrix();
    let printed = [(1, 1, 42), (1, 3, 5), (1, 4, 8), (1, 6, 8), (3, 4, 1), (3, 6, 2), (4, 4, 4), (4, 6, 3)];
    assert!(printed.iter().all(|(i, j, n)| second[i * 7 + j] == *n), "{second:?}");
}

/// Features of the first slice, worked out from the printed matrix: 110 pairs.
#[test]
fn features_follow_from_the_matrix() {
    let t = slice(0).texture().unwrap();
    assert_eq!(t.pairs, 110);
    let contrast = (2.0 * 17.0 * 9.0 + 2.0 * 6.0 * 25.0 + 2.0 * 11.0 * 4.0) / 110.0;
    assert!((t.contrast - contrast).abs() < 1e-12);
    let homogeneity = (22.0 + 16.0 + 4.0 + 34.0 / 10.0 + 12.0 / 26.0 + 22.0 / 5.0) / 110.0;
    assert!((t.homogeneity - homogeneity).abs() < 1e-12);
    let squares = 22.0 * 22.0 + 2.0 * 17.0 * 17.0 + 2.0 * 36.0 + 256.0 + 2.0 * 121.0 + 16.0;
    assert!((t.angular_second_moment - squares / 12100.0).abs() < 1e-12);
    // Row sums 45, 44 and 21 of the levels 1, 4 and 6.
    let mean = (45.0 + 4.0 * 44.0 + 6.0 * 21.0) / 110.0;
    let variance = (45.0 + 16.0 * 44.0 + 36.0 * 21.0) / 110.0 - mean * mean;
    let product = (22.0 + 8.0 * 17.0 + 12.0 * 6.0 + 16.0 * 16.0 + 48.0 * 11.0 + 36.0 * 4.0) / 110.0;
    assert!((t.correlation - (product - mean * mean) / variance).abs() < 1e-12);
}

/// Averages over the four slices, as published for "2D, slice-merged".
#[test]
fn the_phantom_has_its_published_texture() {
    let of: Vec<_> = (0..4).map(|i| slice(i).texture().unwrap()).collect();
    let average = |feature: fn(&super::super::Texture) -> f64| of.iter().map(feature).sum::<f64>() / 4.0;
    published("contrast", average(|t| t.contrast), 5.19, 0.01);
    published("joint entropy", average(|t| t.joint_entropy), 2.24, 0.01);
    published("angular second moment", average(|t| t.angular_second_moment), 0.352, 0.001);
    published("inverse difference moment", average(|t| t.homogeneity), 0.625, 0.001);
    published("correlation", average(|t| t.correlation), 0.0173, 0.0001);
}

#[test]
fn a_region_of_the_image_is_characterised() {
    let picture = Picture::drawn(40, 40, |row, column| {
        if in_disc(row, column, (20.0, 20.0), 10.0) { 40 + i32::from(column % 2) * 20 } else { -1000 }
    });
    let disc = characterise(&picture.explicit(), json!({"Region": "largest", "BinWidth": 10})).unwrap();
    near(&disc, "/FirstOrder/Minimum", 40.0, 0.0);
    near(&disc, "/Histogram/GreyLevels", 3.0, 0.0);
    near(&disc, "/Histogram/Entropy", 1.0, 0.01);
    let seeded = characterise(&picture.explicit(), json!({"SeedRow": 20, "SeedColumn": 20, "BinWidth": 10})).unwrap();
    assert_eq!(seeded["FirstOrder"], disc["FirstOrder"]);
    let whole = characterise(&picture.explicit(), none()).unwrap();
    assert_eq!((number(&whole, "/FirstOrder/Count"), number(&whole, "/Histogram/BinWidth")), (1600.0, 25.0));
    assert_eq!(whole["Region"], "image");
}

#[test]
fn one_value_alone_has_no_spread_and_no_infinite_texture() {
    let result = characterise(&Picture::drawn(5, 5, |_, _| 3).explicit(), none()).unwrap();
    for zero in ["Variance", "Skewness", "ExcessKurtosis", "Range"] {
        near(&result, &format!("/FirstOrder/{zero}"), 0.0, 0.0);
    }
    near(&result, "/Texture/Correlation", 1.0, 0.0);
    near(&result, "/Histogram/Entropy", 0.0, 0.0);
}

#[test]
fn too_many_grey_levels_are_refused() {
    let picture = Picture::drawn(64, 64, |row, column| i32::from(row) * 64 + i32::from(column));
    let error = characterise(&picture.explicit(), json!({"BinWidth": 0.5})).unwrap_err();
    assert!(error.contains("grey levels"), "{error}");
    let mut mr = picture;
    mr.modality = "MR";
    near(&characterise(&mr.explicit(), none()).unwrap(), "/Histogram/GreyLevels", 64.0, 0.0);
}

#[test]
fn a_unit_is_claimed_only_where_the_scale_is_stated() {
    let unit = |modality: &'static str, rescale, more: Elements| {
        let picture =
            Picture { modality, rescale, more, ..Picture::drawn(8, 8, |row, column| i32::from(row * column)) };
        crate::aims::aih_data_processing::imaging::image::Image::read(&picture.explicit()).unwrap().unit
    };
    assert_eq!(unit("CT", Some(("1", "-1024")), vec![]), "HU");
    assert_eq!(unit("CT", None, vec![]), "stored value", "no scale leads to Hounsfield units");
    assert_eq!(unit("MR", Some(("3.2", "0")), vec![]), "rescaled value");
    assert_eq!(unit("MR", None, vec![]), "stored value");
    let scale = vec![
        text(tags::RESCALE_SLOPE, VR::DS, "2"),
        text(tags::RESCALE_INTERCEPT, VR::DS, "0"),
        text(tags::RESCALE_TYPE, VR::LO, "US"),
    ];
    let group = items(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, vec![scale]);
    let shared = items(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![vec![group]]);
    assert_eq!(unit("CT", None, vec![shared]), "US", "as the functional group says");
}
