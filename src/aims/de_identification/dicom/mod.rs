//! De-identification of DICOM images by the Basic Application Level Confidentiality Profile (DICOM PS3.15, Annex E).
//!
//! ```text
//! payload ─► envelope ─► pixels: refuse what may ─► treat: every element, ─► stamp: what was ─► file, written anew:
//!           (encoding)   stand in the image        nested ones too           done, as codes     preamble, meta, data
//! ```
//!
//! The tables are data: [`profile`] reads `profile.tsv` (Table E.1-1, 652 lines) and `harmless.tsv`. The Basic Profile
//! keeps what it does not list; here it is the other way round: **what is not known to be harmless is removed**, texts
//! above all. Numbers stay, words of the standard's closed lists stay, UIDs are replaced everywhere by the same ones.
//!
//! The file is written anew from what was kept, so the preamble, the file meta information and whatever lay between
//! elements cannot carry anything over. Refused by name: compressed pixels, pixels with burned-in text or perhaps with
//! it, pixel data longer than the image, embedded overlays, objects without pixels.
//!
//! One image is one person's record, and the key links it to other images of that person: the status is `Pseudonymised`,
//! never more. The Clean Pixel Data Option is not claimed.

mod dates;
mod error;
mod ledger;
pub mod options;
mod pixels;
mod profile;
mod treat;
mod values;

#[cfg(test)]
mod tests;

pub use error::DicomError;

use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::tags;
use dicom_object::{FileMetaTable, InMemDicomObject, meta::FileMetaTableBuilder};

use self::options::{Longitudinal, Options};
use crate::{
    aims::{
        ai_modules::treatment::{Measure, Treated, Treatment},
        aih_data_processing::imaging::envelope,
    },
    domain::taxonomy::DataStatus,
    schema::wire::DataFormat,
};

/// Codes of PS3.16 (CID 7050) and their meanings.
const BASIC_PROFILE: (&str, &str) = ("113100", "Basic Application Confidentiality Profile");
const FULL_DATES: (&str, &str) = ("113106", "Retain Longitudinal Temporal Information Full Dates Option");
const MODIFIED_DATES: (&str, &str) = ("113107", "Retain Longitudinal Temporal Information Modified Dates Option");
const DEVICE: (&str, &str) = ("113109", "Retain Device Identity Option");

/// Treats a DICOM image.
///
/// # Errors
///
/// Why it is not treated, in words and without values of the payload.
pub fn treat(input: &Treatment<'_>) -> Result<Treated, String> {
    perform(input).map_err(|error| error.to_string())
}

fn perform(input: &Treatment<'_>) -> Result<Treated, DicomError> {
    if input.format != DataFormat::Dicom {
        return Err(DicomError::Format);
    }
    let options = Options::read(input.parameters)?;
    let file = envelope::open(input.payload)?;
    let transfer_syntax = file.meta().transfer_syntax().to_owned();
    let object = file.into_inner();
    let mut residual = pixels::judge(&object, options)?;
    let sop_class = image_class(&object)?;
    let person = person(&object)?;
    let mut walk = treat::Walk::new(options, input.pseudonyms, &person);
    let mut treated = walk.data_set(object);
    stamp(&mut treated, options);
    residual.extend(remaining(options));
    let (changed, kept) = walk.ledger.counts();
    let (steps, mapping) = walk.ledger.into_parts();
    let measure = |name: &str, value: u64| Measure { name: name.to_owned(), value: value as f64 };
    Ok(Treated {
        payload: written(treated, &transfer_syntax, &sop_class)?,
        status: DataStatus::Pseudonymised,
        steps,
        measures: vec![measure("elements changed or removed", changed), measure("elements kept", kept)],
        residual,
        mapping,
    })
}

/// The SOP class, which must be the standard's own: of a private one nobody knows where identifiers are.
fn image_class(object: &InMemDicomObject) -> Result<String, DicomError> {
    let first =
        |tag| object.get(tag).and_then(values::texts).and_then(|texts| texts.first().cloned()).unwrap_or_default();
    if first(tags::SOP_INSTANCE_UID).is_empty() {
        return Err(DicomError::attribute("SOPInstanceUID", "it is absent"));
    }
    let class = first(tags::SOP_CLASS_UID);
    if values::is_standard_uid(&class) {
        Ok(class)
    } else {
        Err(DicomError::attribute("SOPClassUID", "it is none of the standard's SOP classes"))
    }
}

/// What the file calls the person by: the ID, or the name, or, without either, the study.
fn person(object: &InMemDicomObject) -> Result<String, DicomError> {
    let text = |tag| object.get(tag).and_then(values::texts).map(|texts| texts.join("\\")).unwrap_or_default();
    let names = [tags::PATIENT_ID, tags::PATIENT_NAME, tags::STUDY_INSTANCE_UID].map(text);
    let name = names.into_iter().find(|name| !name.is_empty());
    name.ok_or(DicomError::attribute("PatientID", "neither it nor Patient's Name nor Study Instance UID is there"))
}

/// Says in the file what was done with it (PS3.15 E.1.1, PS3.3 C.12.1 and C.7.1.1).
fn stamp(object: &mut InMemDicomObject, options: Options) {
    let dates = match options.longitudinal {
        Longitudinal::Removed => None,
        Longitudinal::Modified => Some(MODIFIED_DATES),
        Longitudinal::Full => Some(FULL_DATES),
    };
    let temporal = match options.longitudinal {
        Longitudinal::Removed => "REMOVED",
        Longitudinal::Modified => "MODIFIED",
        Longitudinal::Full => "UNMODIFIED",
    };
    let methods: Vec<(&str, &str)> =
        [Some(BASIC_PROFILE), dates, options.device.then_some(DEVICE)].into_iter().flatten().collect();
    let names: Vec<String> = methods.iter().map(|(_, meaning)| (*meaning).to_owned()).collect();
    let codes = methods.iter().map(|(code, meaning)| treat::code_item(code, "DCM", meaning)).collect();
    let text = |tag, vr, text: &str| DataElement::new(tag, vr, PrimitiveValue::from(text));
    object.put(text(tags::PATIENT_IDENTITY_REMOVED, VR::CS, "YES"));
    object.put(DataElement::new(tags::DEIDENTIFICATION_METHOD, VR::LO, PrimitiveValue::Strs(names.into())));
    object.put(values::sequence(tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE, codes));
    object.put(text(tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED, VR::CS, temporal));
}

/// Risks that follow from the options and the method, in words.
fn remaining(options: Options) -> impl Iterator<Item = String> {
    let dates = match options.longitudinal {
        Longitudinal::Removed => None,
        Longitudinal::Modified => Some("Distances between dates are kept; a rare course in time may be recognised."),
        Longitudinal::Full => {
            Some("Dates are kept in full: whoever knows when the person was examined may recognise the record.")
        }
    };
    let device = options.device.then_some("Device and station identities are kept; they may lead to the institution.");
    let always = [
        "Numbers of the acquisition are kept; together they may be unusual.",
        "The pseudonyms link all records treated for this recipient to one person; whoever holds the key can reverse them.",
    ];
    dates.into_iter().chain(device).chain(always).map(str::to_owned)
}

/// The treated data set as a file with a preamble of zeros and file meta information of its own.
fn written(object: InMemDicomObject, transfer_syntax: &str, sop_class: &str) -> Result<Vec<u8>, DicomError> {
    let instance = object.get(tags::SOP_INSTANCE_UID).and_then(values::texts).unwrap_or_default().concat();
    let meta: FileMetaTable = FileMetaTableBuilder::new()
        .transfer_syntax(transfer_syntax)
        .media_storage_sop_class_uid(sop_class)
        .media_storage_sop_instance_uid(instance)
        .build()
        .map_err(|_| DicomError::Unwritable)?;
    let mut payload = Vec::new();
    object.with_exact_meta(meta).write_all(&mut payload).map_err(|_| DicomError::Unwritable)?;
    // What leaves is checked like what comes in.
    envelope::check(&payload)?;
    Ok(payload)
}
