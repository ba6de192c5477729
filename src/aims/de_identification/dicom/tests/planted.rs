//! Identifiers planted wherever a DICOM file has room for one; none may be found in what comes out, in any encoding.

use std::collections::BTreeSet;

use dicom_core::{
    Tag, VR,
    dictionary::{DataDictionary, DataDictionaryEntry},
};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use serde_json::json;

use super::{
    super::profile::TABLES,
    image, none, read, treated,
    writer::{Content, EXPLICIT, Elements, IMPLICIT, bytes, data_set, file, items, text},
};

/// Plants marks that no dummy, pseudonym or word of the standard contains.
#[derive(Default)]
struct Garden {
    marks: Vec<String>,
}

impl Garden {
    fn mark(&mut self) -> String {
        let mark = format!("ZQX{:04}", self.marks.len());
        self.marks.push(mark.clone());
        mark
    }

    /// A UID that holds the mark as digits.
    fn uid(&mut self) -> String {
        let uid = format!("1.2.826.0.1.77{:05}", self.marks.len());
        self.marks.push(uid.clone());
        uid
    }

    fn plant(&mut self, tag: Tag, vr: VR) -> (Tag, VR, Content) {
        match vr {
            VR::UI => {
                let uid = self.uid();
                text(tag, vr, &uid)
            }
            VR::SQ => {
                let inner = vec![
                    self.plant(tags::PATIENT_ID, VR::LO),
                    self.plant(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI),
                    self.plant(tags::TEXT_VALUE, VR::UT),
                    self.plant(Tag(0x0009, 0x0010), VR::LO),
                    self.plant(Tag(0x0009, 0x1001), VR::OB),
                ];
                items(tag, vec![inner])
            }
            VR::PN => {
                let mark = self.mark();
                text(tag, vr, &format!("{mark}^Jane=ideographic^{mark}"))
            }
            vr => {
                let mark = self.mark();
                text(tag, vr, &format!("{mark} "))
            }
        }
    }
}

fn is_text(vr: VR) -> bool {
    use VR::{AE, AS, CS, DA, DS, DT, IS, LO, LT, PN, SH, ST, TM, UC, UI, UR, UT};
    matches!(vr, AE | AS | CS | DA | DS | DT | IS | LO | LT | PN | SH | ST | TM | UC | UI | UR | UT)
}

/// Attributes that decide whether the image can be read at all.
fn is_needed(tag: Tag) -> bool {
    let needed = [
        tags::SPECIFIC_CHARACTER_SET,
        tags::SOP_CLASS_UID,
        tags::MODALITY,
        tags::PHOTOMETRIC_INTERPRETATION,
        tags::NUMBER_OF_FRAMES,
        tags::PIXEL_DATA,
        tags::BURNED_IN_ANNOTATION,
        tags::CONVERSION_TYPE,
    ];
    needed.contains(&tag)
}

/// Elements with a mark each: every line of Table E.1-1, every line of the list of the harmless, and one attribute in
/// five of all others of PS3.6, as far as they are texts, bytes or sequences.
fn planted(garden: &mut Garden) -> Elements {
    let of_tables = TABLES.rows().map(|(tag, _)| tag).chain(TABLES.kept());
    let groups: BTreeSet<u16> = TABLES.rows().map(|(tag, _)| tag.group()).collect();
    let others = groups.into_iter().flat_map(|group| (0x0001..0x2500_u16).map(move |element| Tag(group, element)));
    let others = others.filter(|tag| StandardDataDictionary.by_tag(*tag).is_some()).step_by(5);
    let mut all: Vec<Tag> = of_tables.chain(others).filter(|tag| tag.group() >= 0x0008 && !is_needed(*tag)).collect();
    all.sort_unstable();
    all.dedup();
    let known = |tag: Tag| StandardDataDictionary.by_tag(tag).and_then(|entry| entry.vr().exact());
    let plantable = |vr: &VR| is_text(*vr) || matches!(vr, VR::OB | VR::UN | VR::SQ);
    let mut elements: Elements =
        all.into_iter().filter_map(|tag| known(tag).filter(plantable).map(|vr| garden.plant(tag, vr))).collect();
    // Private attributes, curves, overlays, bytes behind everything, and unknown attributes in even groups.
    for (group, element, vr) in [
        (0x0009, 0x0010, VR::LO),
        (0x0009, 0x1001, VR::LT),
        (0x0009, 0x1002, VR::UN),
        (0x0029, 0x1010, VR::SQ),
        (0x0029, 0x1020, VR::OB),
        (0x5000, 0x0022, VR::LO),
        (0x5000, 0x2500, VR::LO),
        (0x6000, 0x0022, VR::LO),
        (0x6000, 0x1500, VR::LO),
        (0x6000, 0x3000, VR::OB),
        (0x6000, 0x4000, VR::LT),
        (0x0008, 0xFFF0, VR::LO),
        (0x7777, 0x1010, VR::UT),
        (0xFFFC, 0xFFFC, VR::OB),
    ] {
        if elements.iter().all(|(tag, ..)| *tag != Tag(group, element)) {
            elements.push(garden.plant(Tag(group, element), vr));
        }
    }
    // Sixteen bytes of text where numbers belong.
    let mark = garden.mark();
    elements.retain(|(tag, ..)| *tag != tags::SIMPLE_FRAME_LIST);
    elements.push(bytes(tags::SIMPLE_FRAME_LIST, VR::UL, format!("{mark} {mark}.").as_bytes(), b' '));
    elements
}

/// What every mark and every planted UID begins with. No dummy, pseudonym or word of the standard does.
const STEMS: [&str; 2] = ["ZQX", "1.2.826.0.1.77"];

/// The marks found in some bytes, as they are, in lower case, backwards, and in both orders of UTF-16.
fn found(payload: &[u8]) -> BTreeSet<String> {
    let narrow = |stem: &[u8], length: usize| {
        let places = payload.windows(stem.len()).enumerate().filter(|(_, window)| *window == stem);
        let mark = |(at, _): (usize, &[u8])| {
            String::from_utf8_lossy(&payload[at..(at + length).min(payload.len())]).into_owned()
        };
        places.map(mark).collect::<Vec<_>>()
    };
    let mut all = BTreeSet::new();
    for stem in STEMS {
        let length = if stem == "ZQX" { 7 } else { stem.len() + 5 };
        all.extend(narrow(stem.as_bytes(), length));
        all.extend(narrow(stem.to_lowercase().as_bytes(), length));
        all.extend(narrow(&stem.bytes().rev().collect::<Vec<_>>(), length));
        all.extend(narrow(&stem.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(), 2 * length));
        all.extend(narrow(&stem.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>(), 2 * length));
    }
    all
}

/// A file full of marks, and the marks.
fn garden(syntax: &str) -> (Vec<u8>, Vec<String>) {
    let mut garden = Garden::default();
    let mut preamble = [0; 128];
    let mark = garden.mark();
    preamble[60..60 + mark.len()].copy_from_slice(mark.as_bytes());
    let meta = vec![
        garden.plant(tags::MEDIA_STORAGE_SOP_INSTANCE_UID, VR::UI),
        garden.plant(tags::IMPLEMENTATION_VERSION_NAME, VR::SH),
        garden.plant(tags::SOURCE_APPLICATION_ENTITY_TITLE, VR::AE),
        garden.plant(tags::SENDING_APPLICATION_ENTITY_TITLE, VR::AE),
        garden.plant(tags::RECEIVING_APPLICATION_ENTITY_TITLE, VR::AE),
        garden.plant(tags::PRIVATE_INFORMATION_CREATOR_UID, VR::UI),
        garden.plant(tags::PRIVATE_INFORMATION, VR::OB),
    ];
    let elements = image(planted(&mut garden)).elements();
    (file(preamble, syntax, &meta, &data_set(&elements, syntax == EXPLICIT)), garden.marks)
}

#[test]
fn none_of_the_planted_identifiers_is_found() {
    for syntax in [EXPLICIT, IMPLICIT] {
        let (payload, marks) = garden(syntax);
        assert!(marks.len() > 1500, "{}", marks.len());
        assert_eq!(found(&payload), marks.iter().cloned().collect(), "all are there before");
        for parameters in [none(), json!({"RetainLongitudinal": "modified"}), json!({"RetainLongitudinal": "full"})] {
            let done = treated(&payload, parameters).unwrap();
            let left = found(&done.payload);
            assert!(left.is_empty(), "{} of {} identifiers found in the output: {left:?}", left.len(), marks.len());
            let told = format!("{:?} {:?}", done.steps, done.residual);
            assert!(found(told.as_bytes()).is_empty());
            let (before, after) = (read(&payload), read(&done.payload));
            let pixels = |object: &dicom_object::DefaultDicomObject| {
                object.get(tags::PIXEL_DATA).unwrap().to_bytes().unwrap().into_owned()
            };
            assert!(pixels(&before) == pixels(&after));
        }
        eprintln!("{} identifiers planted, none found ({syntax})", marks.len());
    }
}

/// The device's identity is what that option keeps; persons, places and private attributes still go.
#[test]
fn with_the_device_only_the_device_is_found() {
    let (payload, _) = garden(EXPLICIT);
    let done = treated(&payload, json!({"RetainDevice": true})).unwrap();
    let left = found(&done.payload).len();
    assert!((1..60).contains(&left), "{left}");
    let object = read(&done.payload);
    for gone in [tags::INSTITUTION_NAME, tags::OPERATORS_NAME, tags::PATIENT_ADDRESS, tags::STATION_AE_TITLE] {
        assert!(object.get(gone).is_none(), "{gone}");
    }
}

/// Names of other scripts are as gone as plain ones.
#[test]
fn names_in_other_character_sets() {
    for (set, name) in [
        ("ISO_IR 100", &b"M\xFCller^J\xF6rg"[..]),
        ("ISO_IR 192", "Müller^Jörg".as_bytes()),
        ("ISO_IR 144", &b"\xBB\xEE\xDA\xD5\xDC\xD1\xE3\xE0\xD3"[..]),
        ("ISO 2022 IR 87", &b"Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B"[..]),
        ("NO SUCH SET", &b"Doe^J\xE4ne"[..]),
    ] {
        let more = vec![
            text(tags::SPECIFIC_CHARACTER_SET, VR::CS, set),
            bytes(tags::PATIENT_NAME, VR::PN, name, b' '),
            bytes(tags::REFERRING_PHYSICIAN_NAME, VR::PN, name, b' '),
            bytes(tags::PATIENT_ID, VR::LO, name, b' '),
        ];
        let done = treated(&image(more).explicit(), none()).unwrap();
        let part = &name[..6];
        assert!(!done.payload.windows(part.len()).any(|window| window == part), "{set}");
    }
}
