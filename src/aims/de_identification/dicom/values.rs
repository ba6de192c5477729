//! Values: dummies, numbers that are numbers, words that are known.

use dicom_core::{DataElement, PrimitiveValue, Tag, VR, dictionary::UidDictionary, value::Value};
use dicom_dictionary_std::{StandardSopClassDictionary, uids};
use dicom_object::{InMemDicomObject, mem::InMemElement};

/// A value that means nothing, of a representation.
pub(super) fn dummy(tag: Tag, vr: VR) -> InMemElement {
    let text = |text: &str| DataElement::new(tag, vr, PrimitiveValue::from(text));
    match vr {
        VR::DA => text("19000101"),
        VR::TM => text("000000"),
        VR::DT => text("19000101000000"),
        VR::AS => text("000Y"),
        VR::DS | VR::IS => text("0"),
        VR::UI => text("2.25.0"),
        VR::AE | VR::CS | VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UR | VR::UT => text("REMOVED"),
        VR::SQ => empty(tag, vr),
        VR::US => DataElement::new(tag, vr, PrimitiveValue::from(0_u16)),
        VR::SS => DataElement::new(tag, vr, PrimitiveValue::from(0_i16)),
        VR::UL => DataElement::new(tag, vr, PrimitiveValue::from(0_u32)),
        VR::SL => DataElement::new(tag, vr, PrimitiveValue::from(0_i32)),
        VR::UV => DataElement::new(tag, vr, PrimitiveValue::from(0_u64)),
        VR::SV => DataElement::new(tag, vr, PrimitiveValue::from(0_i64)),
        VR::FL => DataElement::new(tag, vr, PrimitiveValue::from(0_f32)),
        VR::FD => DataElement::new(tag, vr, PrimitiveValue::from(0_f64)),
        VR::AT => DataElement::new(tag, vr, PrimitiveValue::from(Tag(0, 0))),
        VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN => {
            DataElement::new(tag, VR::OB, PrimitiveValue::from([0_u8; 8]))
        }
    }
}

/// No value, of a representation.
pub(super) fn empty(tag: Tag, vr: VR) -> InMemElement {
    match vr {
        VR::SQ => sequence(tag, Vec::new()),
        vr => DataElement::new(tag, vr, PrimitiveValue::Empty),
    }
}

/// A sequence of items.
pub(super) fn sequence(tag: Tag, items: Vec<InMemDicomObject>) -> InMemElement {
    DataElement::new(tag, VR::SQ, dicom_core::value::DataSetSequence::from(items))
}

/// The texts of an element, without padding; `None` when it is none or cannot be decoded.
pub(super) fn texts(element: &InMemElement) -> Option<Vec<String>> {
    let Value::Primitive(primitive) = element.value() else { return None };
    let texts = match primitive {
        PrimitiveValue::Empty => Vec::new(),
        PrimitiveValue::Str(text) => vec![text.clone()],
        PrimitiveValue::Strs(texts) => texts.to_vec(),
        _ => return None,
    };
    Some(texts.iter().map(|text| text.trim_matches([' ', '\0']).to_owned()).collect())
}

/// Whether all values of a decimal or integer string are numbers of at most 16 characters.
pub(super) fn are_numbers(vr: VR, texts: &[String]) -> bool {
    let is_number = |text: &String| {
        let fits = text.len() <= 16;
        fits && match vr {
            VR::IS => text.parse::<i32>().is_ok(),
            _ => {
                text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
                    && text.parse::<f64>().is_ok_and(f64::is_finite)
            }
        }
    };
    texts.iter().all(|text| text.is_empty() || is_number(text))
}

/// Whether binary numbers read as a text of six characters or more: then they are no numbers.
pub(super) fn read_as_text(element: &InMemElement) -> bool {
    let Value::Primitive(primitive) = element.value() else { return true };
    let bytes = primitive.to_bytes();
    let text = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
    text.len() >= 6 && text.iter().all(|b| matches!(b, b' '..=b'~'))
}

/// Whether a UID is one of the standard's own (a SOP class or an uncompressed transfer syntax), not an instance's.
pub(super) fn is_standard_uid(uid: &str) -> bool {
    StandardSopClassDictionary.by_uid(uid).is_some()
        || [uids::IMPLICIT_VR_LITTLE_ENDIAN, uids::EXPLICIT_VR_LITTLE_ENDIAN].contains(&uid)
}

/// Whether a code is of a public code system and has the form its codes have. Private schemes and free words are not.
pub(super) fn is_public_code(scheme: &str, code: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match scheme {
        "DCM" => code.len() <= 6 && (digits(code) || (code.len() <= 3 && code.bytes().all(|b| b.is_ascii_uppercase()))),
        "SCT" => (6..=18).contains(&code.len()) && digits(code) && verhoeff(code),
        "SRT" | "SNM3" => {
            let form = code.split_once('-');
            form.is_some_and(|(axis, rest)| {
                matches!(axis.as_bytes(), [b'A'..=b'Z'] | [b'A'..=b'Z', b'0'..=b'9'])
                    && rest.len() == 5
                    && rest.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b))
            })
        }
        "LN" => code.split_once('-').is_some_and(|(number, check)| {
            (1..=7).contains(&number.len()) && digits(number) && check.len() == 1 && digits(check)
        }),
        "UCUM" => ["mm", "cm", "mm2", "mm3", "s", "ms", "1", "%", "[hnsf'U]", "mGy", "kV", "mA", "Bq/ml", "g/ml"]
            .contains(&code),
        _ => false,
    }
}

/// The check digit of SNOMED CT identifiers (J. Verhoeff, "Error detecting decimal codes", 1969).
fn verhoeff(digits: &str) -> bool {
    // The dihedral group of order ten: below five turns, above reflections.
    let product = |a: u8, b: u8| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b) % 5,
        (false, true) => 5 + (a + 5 - b) % 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let permutation = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let permuted = |digit: u8, times: usize| (0..times).fold(digit, |d, _| permutation[usize::from(d)]);
    let digits = digits.bytes().rev().map(|b| b - b'0').enumerate();
    digits.fold(0, |check, (at, digit)| product(check, permuted(digit, at % 8))) == 0
}
