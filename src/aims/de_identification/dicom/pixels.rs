//! What may stand in the pixels themselves. They are not cleaned here, so what cannot be proved clean is refused.
//!
//! PS3.15 E.1.1 and E.3.1 (Clean Pixel Data Option), PS3.3 C.7.6.1.1.7 (Burned In Annotation). That ultrasound, visible
//! light, scanned and captured images usually carry text is what PS3.15 E.3.1 itself names; "high-risk" kinds are those
//! of D. A. Clunie et al., "Report of the Medical Image De-Identification Task Group", 2023.

use dicom_core::{
    DataElement, Tag,
    header::{HasLength, Header},
    value::Value,
};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;

use super::{error::DicomError, options::Options, values};

/// Modalities whose images usually carry text in their pixels, and what to call them.
const WITH_TEXT: [(&str, &str); 18] = [
    ("US", "ultrasound"),
    ("BDUS", "ultrasound"),
    ("IVUS", "intravascular ultrasound"),
    ("SC", "secondary capture"),
    ("OT", "other"),
    ("XC", "photography"),
    ("ES", "endoscopy"),
    ("GM", "microscopy"),
    ("SM", "slide microscopy with its label"),
    ("EC", "echocardiography"),
    ("ECG", "electrocardiography printed as an image"),
    ("OP", "ophthalmic photography"),
    ("OCT", "optical coherence tomography"),
    ("DG", "diaphanography"),
    ("FID", "digitised film"),
    ("HC", "hard copy"),
    ("RF", "fluoroscopy"),
    ("DOC", "scanned document"),
];
/// SOP classes of captured screens and digitised film (PS3.4 B.5).
const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";
/// Modalities whose slices show the surface of the body, so that a face can be reconstructed.
const SHOWS_SURFACE: [&str; 3] = ["CT", "MR", "PT"];
/// Body parts that hold no face.
const WITHOUT_FACE: [&str; 21] = [
    "ABDOMEN",
    "ANKLE",
    "BREAST",
    "CHEST",
    "ELBOW",
    "EXTREMITY",
    "FOOT",
    "HAND",
    "HEART",
    "HIP",
    "KIDNEY",
    "KNEE",
    "LEG",
    "LIVER",
    "LSPINE",
    "LUNG",
    "PELVIS",
    "PROSTATE",
    "SHOULDER",
    "TSPINE",
    "WRIST",
];

/// Judges the pixels of an image; answers what remains a risk, in words.
///
/// # Errors
///
/// [`DicomError`] when text stands in the pixels or perhaps stands there, or when the pixels hold more than the image.
pub(super) fn judge(object: &InMemDicomObject, options: Options) -> Result<Vec<String>, DicomError> {
    length(object)?;
    embedded_overlay(object)?;
    let word =
        |tag| object.get(tag).and_then(values::texts).and_then(|texts| texts.first().cloned()).unwrap_or_default();
    let mut residual = Vec::new();
    match word(tags::BURNED_IN_ANNOTATION).as_str() {
        "YES" => return Err(DicomError::BurnedIn),
        "NO" => residual
            .push("The sender states that no annotation is burned into the pixels; they were not looked at here."),
        "" if options.inspected => {
            residual.push("The requester vouches that the pixels were inspected; they were not looked at here.");
        }
        "" => {
            if let Some(kind) = usually_with_text(object, &word(tags::MODALITY)) {
                return Err(DicomError::PerhapsBurnedIn { kind });
            }
            residual.push(
                "The file does not say whether text is burned into the pixels, and they were not looked at here.",
            );
        }
        _ => return Err(DicomError::attribute("BurnedInAnnotation", "it is neither YES nor NO")),
    }
    let body_part = word(tags::BODY_PART_EXAMINED);
    if word(tags::RECOGNIZABLE_VISUAL_FEATURES) == "YES" {
        residual.push("The sender states that the image shows features by which the person can be recognised.");
    } else if SHOWS_SURFACE.contains(&word(tags::MODALITY).as_str()) && !WITHOUT_FACE.contains(&body_part.as_str()) {
        residual.push("If the head is in the image, the face can be reconstructed and recognised; it was not removed.");
    }
    Ok(residual.into_iter().map(str::to_owned).collect())
}

/// The kind of image, when such images usually carry text.
fn usually_with_text(object: &InMemDicomObject, modality: &str) -> Option<&'static str> {
    let texts = |tag| object.get(tag).and_then(values::texts).unwrap_or_default();
    let captured = texts(tags::SOP_CLASS_UID).iter().any(|uid| uid.starts_with(SECONDARY_CAPTURE));
    if captured || object.get(tags::CONVERSION_TYPE).is_some() {
        return Some("secondary capture");
    }
    if texts(tags::IMAGE_TYPE).iter().any(|word| word.contains("SCREEN")) {
        return Some("captured screen");
    }
    if modality.is_empty() {
        return Some("unknown modality");
    }
    WITH_TEXT.iter().find(|(code, _)| *code == modality).map(|(_, kind)| *kind)
}

/// Pixel Data must hold the pixels and nothing more: what lies behind them nobody sees and everybody can read.
fn length(object: &InMemDicomObject) -> Result<(), DicomError> {
    let element = object.get(tags::PIXEL_DATA).ok_or(DicomError::NoPixelData)?;
    let Value::Primitive(primitive) = element.value() else { return Err(DicomError::NoPixelData) };
    let number = |tag, keyword, absent: Option<u64>| match object.get(tag).filter(|e| !e.is_empty()) {
        None => absent.ok_or(DicomError::attribute(keyword, "it is absent")),
        Some(element) => element.to_int::<u64>().map_err(|_| DicomError::attribute(keyword, "it is no number")),
    };
    let mut bits = 1_u64;
    for (tag, keyword, absent) in [
        (tags::ROWS, "Rows", None),
        (tags::COLUMNS, "Columns", None),
        (tags::BITS_ALLOCATED, "BitsAllocated", None),
        (tags::SAMPLES_PER_PIXEL, "SamplesPerPixel", None),
        (tags::NUMBER_OF_FRAMES, "NumberOfFrames", Some(1)),
    ] {
        let factor = number(tag, keyword, absent)?;
        bits = bits.checked_mul(factor).ok_or(DicomError::attribute(keyword, "it is too large"))?;
    }
    let photometric = object.get(tags::PHOTOMETRIC_INTERPRETATION).and_then(values::texts).unwrap_or_default();
    // Two chrominance samples stand for two pixels (PS3.3 C.7.6.3.1.2).
    if photometric.first().is_some_and(|p| p.contains("_422")) {
        bits = bits / 3 * 2;
    }
    let described = bits.div_ceil(8);
    let bytes = primitive.to_bytes();
    let found = bytes.len() as u64;
    let padded = found == described + 1 && described % 2 == 1 && bytes.last() == Some(&0);
    if found == described || padded { Ok(()) } else { Err(DicomError::PixelDataLength { described, found }) }
}

/// Before 2004 overlays could lie in the unused bits of the pixels: then they have a bit position and no data of their own.
fn embedded_overlay(object: &InMemDicomObject) -> Result<(), DicomError> {
    let embedded = object.iter().map(DataElement::tag).any(|tag| {
        let is_position = (0x6000..=0x60FF).contains(&tag.group()) && tag.element() == 0x0102;
        is_position && object.get(Tag(tag.group(), 0x3000)).is_none()
    });
    if embedded { Err(DicomError::EmbeddedOverlay) } else { Ok(()) }
}
