//! The tables themselves: whole, of the standard's attributes, and not in contradiction.

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_dictionary_std::{StandardDataDictionary, tags};

use super::super::{
    dates::shifted,
    profile::{Action, TABLES},
    values::is_public_code,
};
use dicom_core::VR;

#[test]
fn every_line_is_an_attribute_of_the_standard_under_its_own_name() {
    assert_eq!(TABLES.rows().count(), 652);
    for (tag, row) in TABLES.rows() {
        let entry = StandardDataDictionary.by_tag(tag).unwrap_or_else(|| panic!("{tag} is not in PS3.6"));
        assert_eq!(entry.alias(), row.keyword, "{tag}");
    }
    assert!(TABLES.kept().all(|tag| StandardDataDictionary.by_tag(tag).is_some() && TABLES.row(tag).is_none()));
}

#[test]
fn well_known_lines() {
    let action = |tag| TABLES.row(tag).map(|row| row.action);
    assert_eq!(action(tags::PATIENT_BIRTH_DATE), Some(Action::Empty));
    assert_eq!(action(tags::PATIENT_ADDRESS), Some(Action::Remove));
    assert_eq!(action(tags::STUDY_INSTANCE_UID), Some(Action::Uid));
    assert_eq!(action(tags::SERIES_DATE), Some(Action::Remove));
    assert_eq!(action(tags::CONTENT_DATE), Some(Action::Empty));
    assert_eq!(action(tags::CLINICAL_TRIAL_SPONSOR_NAME), Some(Action::Dummy));
    assert_eq!(action(tags::SOURCE_IMAGE_SEQUENCE), Some(Action::Uid));
    // Of the edition 2026c: no code of a diagnosis passes because its system is public.
    assert_eq!(action(tags::PRINCIPAL_DIAGNOSIS_CODE_SEQUENCE), Some(Action::Remove));
    assert_eq!(action(tags::GENDER_IDENTITY_SEQUENCE), Some(Action::Remove));
    assert_eq!(action(tags::UNFORMATTED_TEXT_VALUE), Some(Action::Dummy));
    assert_eq!(action(tags::ROWS), None);
    let row = |tag| TABLES.row(tag).unwrap();
    assert!(row(tags::STUDY_DATE).dates && !row(tags::PATIENT_BIRTH_DATE).dates);
    assert!(row(tags::DEVICE_SERIAL_NUMBER).device && !row(tags::STATION_AE_TITLE).device);
}

/// Every UID of the table that names an instance is replaced; every name of a person loses its value.
#[test]
fn no_line_keeps_a_uid_or_a_name() {
    for (tag, row) in TABLES.rows() {
        match StandardDataDictionary.by_tag(tag).unwrap().vr().exact() {
            Some(VR::UI) => assert!(matches!(row.action, Action::Uid | Action::Remove), "{tag}"),
            Some(VR::PN) => assert!(row.action != Action::Uid, "{tag}"),
            _ => {}
        }
    }
}

#[test]
fn dates_are_shifted_and_nothing_else_passes_as_a_date() {
    let da = |text| shifted(VR::DA, text, -366);
    assert_eq!(da("20240301").as_deref(), Some("20230301"));
    assert_eq!(da("1999.12.31").as_deref(), Some("19981230"));
    for wrong in ["20240230", "2024030", "2024-03-01", "DOE JANE", "12345678901", "00000101"] {
        assert_eq!(da(wrong), None, "{wrong}");
    }
    let dt = |text| shifted(VR::DT, text, -1);
    assert_eq!(dt("20240301120500.25+0100").as_deref(), Some("20240229120500.25+0100"));
    assert_eq!((dt("2024"), dt("20240301ROOM7"), dt("20240301+9999")), (None, None, None));
    let tm = |text| shifted(VR::TM, text, -1);
    assert_eq!(tm("235960.5").as_deref(), Some("235960.5"));
    for wrong in ["2460", "123-45-6789", "1234567", "12.5", "DOE"] {
        assert_eq!(tm(wrong), None, "{wrong}");
    }
}

#[test]
fn codes_are_of_public_systems_only() {
    for (scheme, code) in
        [("DCM", "113100"), ("SCT", "69536005"), ("SCT", "71388002"), ("SRT", "T-D1100"), ("LN", "29545-1")]
    {
        assert!(is_public_code(scheme, code), "{scheme} {code}");
    }
    for (scheme, code) in [
        ("99LOCAL", "113100"),
        ("DCM", "MRN-778812"),
        ("SCT", "69536006"),
        ("SCT", "DOE"),
        ("SRT", "DOE-JANE"),
        ("", "1"),
    ] {
        assert!(!is_public_code(scheme, code), "{scheme} {code}");
    }
}
