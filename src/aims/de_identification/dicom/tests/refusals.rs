//! What is not treated, and why.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use serde_json::{Map, json};

use super::{
    image, none, read, treat, treated,
    writer::{EXPLICIT, Elements, bytes, data_set, file, items, text, us},
};
use crate::{
    aims::{
        ai_modules::{pseudonyms::Pseudonyms, treatment::Treatment},
        aih_data_processing::imaging::tests::sample,
    },
    schema::wire::DataFormat,
};

#[track_caller]
fn refused(more: Elements, parameters: serde_json::Value, words: &str) {
    let mut all = vec![text(tags::PATIENT_ID, VR::LO, "MRN-4711")];
    all.retain(|(tag, ..)| more.iter().all(|(other, ..)| other != tag));
    all.extend(more);
    for payload in [image(all.clone()).explicit(), image(all).implicit()] {
        let error = treated(&payload, parameters.clone()).unwrap_err();
        assert!(error.contains(words), "{error:?} does not say {words:?}");
    }
}

#[test]
fn text_in_the_pixels_is_reported_and_not_ignored() {
    let yes = vec![text(tags::BURNED_IN_ANNOTATION, VR::CS, "YES")];
    refused(yes.clone(), none(), "Burned In Annotation (0028,0301) is YES");
    // Whoever inspected them cannot have found none.
    refused(yes, json!({"PixelDataInspected": true}), "is YES");
    refused(vec![text(tags::BURNED_IN_ANNOTATION, VR::CS, "MAYBE")], none(), "neither YES nor NO");
}

#[test]
fn images_that_usually_carry_text_need_an_inspection() {
    for modality in ["US", "SC", "XC", "OT", "ES", "GM", "OP", ""] {
        let more = vec![text(tags::MODALITY, VR::CS, modality)];
        refused(more.clone(), none(), "PixelDataInspected");
        let mut more = more;
        more.push(text(tags::PATIENT_ID, VR::LO, "1"));
        let done = treated(&image(more).explicit(), json!({"PixelDataInspected": true})).unwrap();
        assert!(done.residual.iter().any(|note| note.contains("vouches")), "{modality}");
    }
    refused(vec![text(tags::CONVERSION_TYPE, VR::CS, "WSD")], none(), "secondary capture");
    refused(vec![text(tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.7")], none(), "secondary capture");
    refused(vec![text(tags::IMAGE_TYPE, VR::CS, "DERIVED\\SECONDARY\\SCREEN SAVE")], none(), "captured screen");
    let stated = vec![
        text(tags::MODALITY, VR::CS, "US"),
        text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO"),
        text(tags::PATIENT_ID, VR::LO, "1"),
    ];
    assert!(treated(&image(stated).explicit(), none()).is_ok());
}

#[test]
fn what_lies_behind_the_pixels() {
    let longer = [vec![0; 60], b"SMITH^JOHN".to_vec()].concat();
    refused(
        vec![bytes(tags::PIXEL_DATA, VR::OW, &longer, 0)],
        none(),
        "Pixel Data has 70 bytes, the image's size describes 60",
    );
    refused(vec![us(Tag(0x6000, 0x0102), 12)], none(), "overlay is embedded");
    let report: Elements = image(Vec::new()).elements().into_iter().filter(|e| e.0 != tags::PIXEL_DATA).collect();
    let error = treated(&file([0; 128], EXPLICIT, &Vec::new(), &data_set(&report, true)), none()).unwrap_err();
    assert!(error.contains("no Pixel Data"), "{error}");
}

/// The image's own pixels are judged; others within a sequence could carry anything.
#[test]
fn pixels_within_a_sequence_go() {
    let hidden = b"DOE^JANE 1970-01-02 ";
    let inner = || vec![us(tags::ROWS, 1), bytes(tags::PIXEL_DATA, VR::OW, hidden, 0)];
    let deeper = items(tags::VOILUT_SEQUENCE, vec![inner()]);
    for around in
        [items(tags::MODALITY_LUT_SEQUENCE, vec![inner()]), items(tags::MODALITY_LUT_SEQUENCE, vec![vec![deeper]])]
    {
        let picture = image(vec![text(tags::PATIENT_ID, VR::LO, "MRN-4711"), around]);
        for payload in [picture.explicit(), picture.implicit()] {
            let is_there = |payload: &[u8]| payload.windows(8).any(|window| window == b"DOE^JANE");
            let done = treated(&payload, none()).unwrap();
            assert!(is_there(&payload) && !is_there(&done.payload));
            assert!(read(&done.payload).get(tags::PIXEL_DATA).is_some(), "the image's own stay");
            assert!(done.steps.iter().any(|step| step.rule.contains("within a sequence")));
        }
    }
}

#[test]
fn objects_that_cannot_be_judged() {
    refused(vec![text(tags::SOP_CLASS_UID, VR::UI, "1.2.3.4")], none(), "SOPClassUID");
    refused(vec![text(tags::SOP_INSTANCE_UID, VR::UI, "")], none(), "SOPInstanceUID");
    refused(vec![text(tags::PATIENT_ID, VR::LO, "")], none(), "PatientID");
    refused(vec![bytes(tags::ROWS, VR::US, &[], 0)], none(), "Rows");
}

#[test]
fn compressed_damaged_and_foreign() {
    let jpeg = file([0; 128], "1.2.840.10008.1.2.4.50", &Vec::new(), &data_set(&image(Vec::new()).elements(), true));
    assert!(treated(&jpeg, none()).unwrap_err().contains("compressed"));
    assert!(treated(&[], none()).unwrap_err().contains("empty"));
    let whole = image(vec![text(tags::PATIENT_ID, VR::LO, "1")]).explicit();
    assert!((0..whole.len()).all(|length| treated(&whole[..length], none()).is_err()));
    let trailing = [whole.clone(), b"SMITH^JOHN 1970".to_vec()].concat();
    assert!(treated(&trailing, none()).is_err());
    if let Some(mr) = sample("compressed_damaged_and_foreign", "MR_truncated.dcm") {
        assert!(treated(&mr, none()).unwrap_err().contains("ends early"));
    }
    let (parameters, pseudonyms) = (Map::new(), Pseudonyms::new([1; 32]));
    let input =
        Treatment { format: DataFormat::Nifti, parameters: &parameters, payload: &whole, pseudonyms: &pseudonyms };
    assert!(treat(&input).unwrap_err().contains("DICOM only"));
}

#[test]
fn parameters_outside_their_range() {
    for (parameters, name) in [
        (json!({"RetainLongitudinal": "some"}), "RetainLongitudinal"),
        (json!({"RetainLongitudinal": true}), "RetainLongitudinal"),
        (json!({"RetainDevice": "yes"}), "RetainDevice"),
        (json!({"PixelDataInspected": 1}), "PixelDataInspected"),
        (json!({"CleanPixelData": true}), "DICOM takes"),
    ] {
        refused(Vec::new(), parameters, name);
    }
}
