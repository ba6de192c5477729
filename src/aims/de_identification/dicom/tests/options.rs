//! What the options keep, and what is stamped.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use serde_json::json;

use super::{
    image, none, read, text, treated, with_key,
    writer::{Elements, items, text as put},
};
use crate::{aims::aih_data_processing::imaging::tests::sample, domain::taxonomy::DataStatus};

fn person() -> Elements {
    vec![
        put(tags::PATIENT_ID, VR::LO, "MRN-4711"),
        put(tags::PATIENT_NAME, VR::PN, "Doe^Jane"),
        put(tags::PATIENT_BIRTH_DATE, VR::DA, "19700102"),
        put(tags::ACCESSION_NUMBER, VR::SH, "ACC-99"),
        put(tags::STUDY_DATE, VR::DA, "20240301"),
        put(tags::STUDY_TIME, VR::TM, "101500"),
        put(tags::SERIES_DATE, VR::DA, "20240304"),
        put(tags::ACQUISITION_DATE_TIME, VR::DT, "20240304101501.5"),
        put(tags::STUDY_INSTANCE_UID, VR::UI, "1.2.826.0.1.99.1"),
        put(tags::DEVICE_SERIAL_NUMBER, VR::LO, "SN-12"),
        put(tags::STATION_NAME, VR::SH, "CT-ROOM-3"),
        put(tags::MANUFACTURER, VR::LO, "Maker"),
        put(tags::MANUFACTURER_MODEL_NAME, VR::LO, "Model"),
        put(tags::BODY_PART_EXAMINED, VR::CS, "CHEST"),
        put(tags::BURNED_IN_ANNOTATION, VR::CS, "NO"),
    ]
}

#[test]
fn the_basic_profile_alone() {
    let done = treated(&image(person()).explicit(), none()).unwrap();
    assert_eq!(done.status, DataStatus::Pseudonymised);
    let object = read(&done.payload);
    let id = text(&object, tags::PATIENT_ID).unwrap();
    assert!(id.starts_with("P-"));
    assert_eq!(text(&object, tags::PATIENT_NAME).unwrap(), id);
    for (tag, value) in [
        (tags::PATIENT_BIRTH_DATE, Some("")),
        (tags::STUDY_DATE, Some("")),
        (tags::STUDY_TIME, Some("")),
        (tags::SERIES_DATE, None),
        (tags::ACQUISITION_DATE_TIME, Some("19000101000000")),
        (tags::DEVICE_SERIAL_NUMBER, None),
        (tags::STATION_NAME, None),
        (tags::MANUFACTURER, Some("")),
        (tags::MANUFACTURER_MODEL_NAME, None),
        (tags::BODY_PART_EXAMINED, Some("CHEST")),
        (tags::MODALITY, Some("CT")),
        (tags::PIXEL_SPACING, Some("1\\1")),
        (tags::PATIENT_IDENTITY_REMOVED, Some("YES")),
        (tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED, Some("REMOVED")),
        (tags::DEIDENTIFICATION_METHOD, Some("Basic Application Confidentiality Profile")),
    ] {
        assert_eq!(text(&object, tag).as_deref(), value, "{tag}");
    }
    assert_eq!(codes(&done.payload), ["113100"]);
}

fn codes(payload: &[u8]) -> Vec<String> {
    let object = read(payload);
    let items = object.get(tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE).unwrap().items().unwrap();
    assert!(items.iter().all(|item| text(item, tags::CODING_SCHEME_DESIGNATOR).as_deref() == Some("DCM")));
    items.iter().map(|item| text(item, tags::CODE_VALUE).unwrap()).collect()
}

#[test]
fn dates_shifted_keep_order_and_distance() {
    let modified = json!({"RetainLongitudinal": "modified"});
    let done = treated(&image(person()).explicit(), modified.clone()).unwrap();
    let object = read(&done.payload);
    let day = |tag| {
        let text = text(&object, tag).unwrap();
        let number = |from, to| text[from..to].parse::<u16>().unwrap();
        let month = time::Month::try_from(number(4, 6) as u8).unwrap();
        time::Date::from_calendar_date(i32::from(number(0, 4)), month, number(6, 8) as u8).unwrap().to_julian_day()
    };
    assert_eq!(day(tags::SERIES_DATE) - day(tags::STUDY_DATE), 3);
    assert_eq!(day(tags::ACQUISITION_DATE_TIME), day(tags::SERIES_DATE));
    let first = time::Date::from_calendar_date(2024, time::Month::March, 1).unwrap().to_julian_day();
    assert!((1..=365).contains(&(first - day(tags::STUDY_DATE))));
    assert_eq!(text(&object, tags::STUDY_TIME).as_deref(), Some("101500"));
    assert_eq!(text(&object, tags::PATIENT_BIRTH_DATE).as_deref(), Some(""));
    assert_eq!(text(&object, tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED).as_deref(), Some("MODIFIED"));
    assert_eq!(codes(&done.payload), ["113100", "113107"]);
    assert!(done.steps.iter().any(|step| step.technique == "Perturbation"));
    assert!(done.residual.iter().any(|note| note.contains("Distances between dates")));
    // Another image of the same person is shifted by the same days.
    let mut other = person();
    other.retain(|(tag, ..)| *tag != tags::STUDY_DATE);
    other.push(put(tags::STUDY_DATE, VR::DA, "20250301"));
    let later = read(&treated(&image(other).implicit(), modified).unwrap().payload);
    let (a, b) = (text(&object, tags::STUDY_DATE).unwrap(), text(&later, tags::STUDY_DATE).unwrap());
    assert!(a < b && a != "20240301", "{a} {b}");
    // A text in a date's place is not kept.
    let mut wrong = person();
    wrong.retain(|(tag, ..)| *tag != tags::SERIES_DATE);
    wrong.push(put(tags::SERIES_DATE, VR::DA, "DOE JANE"));
    let done = treated(&image(wrong).explicit(), json!({"RetainLongitudinal": "full"})).unwrap();
    let object = read(&done.payload);
    assert_eq!(text(&object, tags::SERIES_DATE), None);
    assert_eq!(text(&object, tags::STUDY_DATE).as_deref(), Some("20240301"));
    assert_eq!(codes(&done.payload), ["113100", "113106"]);
}

#[test]
fn the_device_is_kept_when_asked() {
    let done = treated(&image(person()).explicit(), json!({"RetainDevice": true})).unwrap();
    let object = read(&done.payload);
    assert_eq!(text(&object, tags::DEVICE_SERIAL_NUMBER).as_deref(), Some("SN-12"));
    assert_eq!(text(&object, tags::STATION_NAME).as_deref(), Some("CT-ROOM-3"));
    assert_eq!(text(&object, tags::MANUFACTURER).as_deref(), Some("Maker"));
    assert_eq!(codes(&done.payload), ["113100", "113109"]);
    assert!(done.residual.iter().any(|note| note.contains("station identities")));
}

#[test]
fn uids_are_the_same_everywhere_and_the_standards_own_stay() {
    let reference = vec![
        put(tags::REFERENCED_SOP_CLASS_UID, VR::UI, super::writer::CT),
        put(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, "1.2.826.0.1.3680043.8.498.1"),
    ];
    let mut more = person();
    more.push(items(tags::REFERENCED_IMAGE_SEQUENCE, vec![reference]));
    more.push(put(tags::FRAME_OF_REFERENCE_UID, VR::UI, "1.2.826.0.1.99.1"));
    let done = treated(&image(more).explicit(), none()).unwrap();
    let object = read(&done.payload);
    let instance = text(&object, tags::SOP_INSTANCE_UID).unwrap();
    assert!(instance.starts_with("2.25.") && instance.len() <= 64);
    assert_eq!(object.meta().media_storage_sop_instance_uid(), instance);
    assert_eq!(object.meta().media_storage_sop_class_uid(), super::writer::CT);
    assert_eq!(text(&object, tags::SOP_CLASS_UID).as_deref(), Some(super::writer::CT));
    let item = &object.get(tags::REFERENCED_IMAGE_SEQUENCE).unwrap().items().unwrap()[0];
    assert_eq!(text(item, tags::REFERENCED_SOP_INSTANCE_UID).unwrap(), instance);
    assert_eq!(text(item, tags::REFERENCED_SOP_CLASS_UID).as_deref(), Some(super::writer::CT));
    let study = text(&object, tags::STUDY_INSTANCE_UID).unwrap();
    assert_eq!(text(&object, tags::FRAME_OF_REFERENCE_UID).unwrap(), study);
    let mapped = done.mapping.iter().find(|m| m.original == "1.2.826.0.1.99.1").unwrap();
    assert_eq!((mapped.kind.as_str(), mapped.pseudonym.as_str()), ("UID", study.as_str()));
    for (kind, original) in [("PatientID", "MRN-4711"), ("PatientName", "Doe^Jane"), ("AccessionNumber", "ACC-99")] {
        assert!(done.mapping.iter().any(|m| m.kind == kind && m.original == original), "{kind}");
    }
    let accession = text(&object, tags::ACCESSION_NUMBER).unwrap();
    assert!(accession.len() <= 16 && accession.starts_with("P-"));
}

#[test]
fn another_key_is_another_pseudonym_and_the_same_key_the_same() {
    let payload = image(person()).explicit();
    let a = treated(&payload, none()).unwrap();
    assert_eq!(a.payload, treated(&payload, none()).unwrap().payload);
    let b = with_key([8; 32], &payload, none()).unwrap();
    let id = |payload: &[u8]| text(&read(payload), tags::PATIENT_ID).unwrap();
    assert_ne!(id(&a.payload), id(&b.payload));
}

#[test]
fn codes_stay_without_their_words() {
    let code = |value: &str, scheme: &str| {
        vec![
            put(tags::CODE_VALUE, VR::SH, value),
            put(tags::CODING_SCHEME_DESIGNATOR, VR::SH, scheme),
            put(tags::CODE_MEANING, VR::LO, "Liver of Jane Doe"),
        ]
    };
    let regions = items(tags::ANATOMIC_REGION_SEQUENCE, vec![code("T-62000", "SRT"), code("LIVER-DOE", "99HOSP")]);
    let object =
        read(&treated(&image(vec![put(tags::PATIENT_ID, VR::LO, "1"), regions]).explicit(), none()).unwrap().payload);
    let items = object.get(tags::ANATOMIC_REGION_SEQUENCE).unwrap().items().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(text(&items[0], tags::CODE_VALUE).as_deref(), Some("T-62000"));
    assert_eq!(text(&items[0], tags::CODE_MEANING).as_deref(), Some("REMOVED"));
}

#[test]
fn steps_and_notes_carry_rules_and_never_values() {
    let done = treated(&image(person()).explicit(), none()).unwrap();
    let told = format!("{:?} {:?} {:?}", done.steps, done.residual, done.measures);
    for value in ["4711", "Doe", "Jane", "ACC-99", "20240301", "SN-12", "ROOM", "1.2.826"] {
        assert!(!told.contains(value), "{value}");
    }
    assert!(done.steps.iter().any(|step| step.rule == "PS3.15 E.1-1 (0010,0010) PatientName: Z, pseudonym"));
    assert!(done.steps.iter().all(|step| step.count > 0));
}

#[test]
fn real_files_come_out_readable_with_the_same_pixels() {
    for name in ["CT_small.dcm", "MR_small.dcm"] {
        let Some(payload) = sample("real_files_come_out_readable_with_the_same_pixels", name) else { return };
        let before = read(&payload);
        let done = treated(&payload, json!({"RetainLongitudinal": "modified"})).unwrap();
        let after = read(&done.payload);
        let pixels = |object: &dicom_object::DefaultDicomObject| {
            object.get(tags::PIXEL_DATA).unwrap().to_bytes().unwrap().into_owned()
        };
        assert!(pixels(&before) == pixels(&after), "{name}");
        for kept in [tags::ROWS, tags::PIXEL_SPACING, tags::SLICE_THICKNESS, tags::MODALITY, tags::SOP_CLASS_UID] {
            assert_eq!(text(&before, kept), text(&after, kept), "{name} {kept}");
        }
        let id = text(&before, tags::PATIENT_ID).unwrap();
        assert!(id.len() > 2 && !done.payload.windows(id.len()).any(|w| w == id.as_bytes()), "{name}");
        assert!(after.iter().all(|element| dicom_core::header::Header::tag(element).group() % 2 == 0), "{name}");
        assert!(done.residual.iter().any(|note| note.contains("face")), "{name}");
    }
}

/// The reference position is a text of whoever positioned the patient, not the device's.
#[test]
fn a_text_beside_the_device_is_not_the_devices() {
    let more = vec![
        put(tags::PATIENT_ID, VR::LO, "MRN-4711"),
        put(tags::POSITION_REFERENCE_INDICATOR, VR::LO, "MRS SMITH"),
        put(tags::MANUFACTURER, VR::LO, "ACME"),
    ];
    let done = treated(&image(more).explicit(), json!({"RetainDevice": true})).unwrap();
    assert!(!done.payload.windows(5).any(|window| window == b"SMITH"));
    assert_eq!(text(&read(&done.payload), tags::MANUFACTURER).as_deref(), Some("ACME"));
}
