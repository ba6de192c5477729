//! Real CT and MR images against values computed by another program from the same bytes.

use super::{characterise, detect, look, measure, near, none, number, sample};

#[test]
fn a_real_ct_has_its_known_intensities() {
    let Some(ct) = sample("a_real_ct_has_its_known_intensities", "CT_small.dcm") else { return };
    let result = characterise(&ct, none()).unwrap();
    assert_eq!((result["Modality"].as_str(), result["IntensityUnit"].as_str()), (Some("CT"), Some("HU")));
    assert_eq!(number(&result, "/FirstOrder/Count"), 128.0 * 128.0);
    near(&result, "/FirstOrder/Minimum", -896.0, 0.0);
    near(&result, "/FirstOrder/Maximum", 1167.0, 0.0);
    let seen = look(&ct).unwrap();
    assert_eq!(seen.values.iter().find(|v| v.name == "MinimumIntensity").unwrap().value, -896.0);
}

#[test]
fn a_real_ct_has_structures_in_millimetres() {
    let Some(ct) = sample("a_real_ct_has_structures_in_millimetres", "CT_small.dcm") else { return };
    let found = detect(&ct, none()).unwrap();
    near(&found, "/PixelSpacingMm/Row", 0.661468, 0.0);
    let area = number(&found, "/Structures/0/AreaMm2");
    near(&found, "/Structures/0/PixelCount", area / (0.661468 * 0.661468), 1e-6);
    let extent = measure(&ct, none()).unwrap();
    near(&extent, "/AreaMm2", area, 1e-9);
    near(&extent, "/VolumeMm3", area * 5.0, 1e-6);
    assert!(number(&extent, "/LongestDiameterMm") <= 128.0 * 0.661468 * 1.415);
}

#[test]
fn a_real_mr_is_read() {
    let Some(mr) = sample("a_real_mr_is_read", "MR_small.dcm") else { return };
    let result = characterise(&mr, none()).unwrap();
    assert_eq!((result["Modality"].as_str(), result["IntensityUnit"].as_str()), (Some("MR"), Some("stored value")));
    assert_eq!(number(&result, "/FirstOrder/Count"), 64.0 * 64.0);
}

#[test]
fn a_truncated_file_is_refused_in_words() {
    let Some(mr) = sample("a_truncated_file_is_refused_in_words", "MR_truncated.dcm") else { return };
    let error = detect(&mr, none()).unwrap_err();
    assert!(error.contains("ends early") && error.contains("(7FE0,0010)"), "{error}");
    assert!(error.contains("8192"), "{error}");
    assert_eq!(look(&mr).unwrap_err(), error);
}
