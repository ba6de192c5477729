//! The walk through the data set: every element, nested ones included, is decided by one rule.
//!
//! | Element | Becomes |
//! | --- | --- |
//! | private, curve (50xx), overlay (60xx), group length, not in PS3.6, other representation than PS3.6's | removed |
//! | Patient ID, Patient's Name, Accession Number | pseudonym |
//! | in Table E.1-1 | as its line says, after the options |
//! | item of a code sequence | kept when the code is of a public system, its meaning replaced; removed otherwise |
//! | other sequence | walked through; without items removed |
//! | other UID | kept when the standard's own, else replaced |
//! | numbers | kept, unless they are none or read as text |
//! | Pixel Data within a sequence | removed: [`super::pixels`] judges the image's own alone |
//! | code string | kept when the word is known |
//! | everything else (texts, names, dates, bytes) | removed |

use dicom_core::{
    DataElement, PrimitiveValue, Tag, VR,
    dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr},
    header::Header,
    value::Value,
};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_object::{InMemDicomObject, mem::InMemElement};

use super::{
    dates,
    ledger::{Ledger, technique},
    options::{Longitudinal, Options},
    profile::{Action, Harmless, Row, TABLES},
    values,
};
use crate::aims::ai_modules::pseudonyms::Pseudonyms;

/// Largest shift of dates, in days back; that of the other formats, so that a person's items stay in order among each other.
const MOST_DAYS: u32 = 365;
/// Longest Accession Number (SH).
const ACCESSION_LENGTH: usize = 16;

/// One treatment under way.
pub(super) struct Walk<'a> {
    options: Options,
    pseudonyms: &'a Pseudonyms,
    /// Pseudonym of the person, which stands for ID and name.
    person: String,
    days: i64,
    /// How many sequences lie around what is walked through.
    depth: usize,
    pub(super) ledger: Ledger,
}

impl<'a> Walk<'a> {
    /// `person` is what the file calls the patient by.
    pub(super) fn new(options: Options, pseudonyms: &'a Pseudonyms, person: &str) -> Self {
        Self {
            options,
            pseudonyms,
            person: pseudonyms.of("PatientID", person),
            days: pseudonyms.days(person, MOST_DAYS),
            depth: 0,
            ledger: Ledger::default(),
        }
    }

    /// The treated form of a data set or an item.
    pub(super) fn data_set(&mut self, object: InMemDicomObject) -> InMemDicomObject {
        let treated: Vec<InMemElement> = object.into_iter().filter_map(|element| self.element(element)).collect();
        InMemDicomObject::from_element_iter(treated)
    }

    fn element(&mut self, element: InMemElement) -> Option<InMemElement> {
        let tag = element.tag();
        if let Some(class) = removed_class(tag) {
            return self.removed(class);
        }
        let Some(vr) = standard_vr(tag, element.vr()) else {
            return self.removed("not an attribute of PS3.6, or of another representation: removed");
        };
        match tag {
            tags::PATIENT_ID => return self.patient_id(&element),
            tags::PATIENT_NAME => return self.patient_name(&element),
            tags::ACCESSION_NUMBER => return self.accession_number(&element),
            _ => {}
        }
        match TABLES.row(tag) {
            Some(row) => self.by_profile(element, vr, row),
            None => self.without_line(element, vr),
        }
    }

    fn removed(&mut self, rule: &str) -> Option<InMemElement> {
        self.ledger.step(technique::REMOVAL, rule);
        None
    }

    fn kept(&mut self, element: InMemElement) -> Option<InMemElement> {
        self.ledger.kept();
        Some(element)
    }

    /// By the line of Table E.1-1, after the options.
    fn by_profile(&mut self, element: InMemElement, vr: VR, row: Row) -> Option<InMemElement> {
        let tag = element.tag();
        if row.dates
            && self.options.longitudinal != Longitudinal::Removed
            && let Some(dated) = self.dated(&element, vr, row)
        {
            return Some(dated);
        }
        // A calibration date is a date: what the device's identity keeps is not when something happened.
        if row.device && !row.dates && self.options.device {
            return if vr == VR::SQ { self.sequence(element) } else { self.kept(element) };
        }
        let rule = format!("PS3.15 E.1-1 {} {}: {}", shown(tag), row.keyword, row.written);
        match row.action {
            Action::Remove => self.removed(&rule),
            Action::Empty => {
                self.ledger.step(technique::REMOVAL, rule);
                Some(values::empty(tag, vr))
            }
            Action::Dummy => {
                self.ledger.step(technique::MASKING, rule);
                Some(values::dummy(tag, vr))
            }
            Action::Uid if vr == VR::SQ => self.sequence(element),
            Action::Uid => self.replaced_uids(&element, rule),
        }
    }

    /// A date or time under Retain Longitudinal; `None` when a value is no valid date or time.
    fn dated(&mut self, element: &InMemElement, vr: VR, row: Row) -> Option<InMemElement> {
        let days = if self.options.longitudinal == Longitudinal::Modified { self.days } else { 0 };
        let texts = values::texts(element)?;
        let shifted = texts.iter().map(|text| match text.as_str() {
            "" => Some(String::new()),
            text => dates::shifted(vr, text, days),
        });
        let shifted: Vec<String> = shifted.collect::<Option<_>>()?;
        if days == 0 {
            self.ledger.kept();
        } else {
            let rule = format!("PS3.15 E.3.6 {} {}: C, shifted by whole days", shown(element.tag()), row.keyword);
            self.ledger.step(technique::PERTURBATION, rule);
        }
        Some(DataElement::new(element.tag(), vr, PrimitiveValue::Strs(shifted.into())))
    }

    /// What has no line in Table E.1-1.
    fn without_line(&mut self, element: InMemElement, vr: VR) -> Option<InMemElement> {
        match (vr, TABLES.harmless(element.tag())) {
            (VR::SQ, _) => self.sequence(element),
            (VR::UI, _) => self.replaced_uids(&element, "UID that is not the standard's own: replaced".to_owned()),
            _ if element.tag() == tags::PIXEL_DATA && self.depth > 0 => {
                self.removed("Pixel Data within a sequence, which nobody judged: removed")
            }
            (VR::OB | VR::OW | VR::OD | VR::OF | VR::OL | VR::OV, Some(Harmless::Numbers)) => self.numbers(element),
            (VR::US | VR::SS | VR::UL | VR::SL | VR::UV | VR::SV | VR::FL | VR::FD | VR::AT, _) => {
                self.numbers(element)
            }
            (VR::DS | VR::IS, _) => match values::texts(&element) {
                Some(texts) if values::are_numbers(vr, &texts) => self.kept(element),
                _ => self.removed("number that is none: removed"),
            },
            (VR::CS, None) => self.words(&element, vr, TABLES.any_code_string()),
            (_, Some(Harmless::EmptyDevice | Harmless::Device)) if self.options.device => self.kept(element),
            (_, Some(Harmless::Empty | Harmless::EmptyDevice)) => {
                self.ledger.step(technique::REMOVAL, format!("text {}: emptied", shown(element.tag())));
                Some(values::empty(element.tag(), vr))
            }
            (_, Some(rule @ (Harmless::OneOf(_) | Harmless::Letters(_)))) => self.words(&element, vr, rule),
            _ => self.removed(&format!("not known to be harmless ({vr}): removed")),
        }
    }

    fn numbers(&mut self, element: InMemElement) -> Option<InMemElement> {
        // Pixels of six or more bytes that are all printable are rare but real.
        if element.tag() != tags::PIXEL_DATA && values::read_as_text(&element) {
            return self.removed("number that reads as text: removed");
        }
        self.kept(element)
    }

    /// Words of a closed list; others are emptied, and without any known word the attribute goes.
    fn words(&mut self, element: &InMemElement, vr: VR, rule: &Harmless) -> Option<InMemElement> {
        let is_known = |word: &str| match rule {
            Harmless::OneOf(words) => words.contains(&word),
            Harmless::Letters(letters) => word.len() <= 3 && word.chars().all(|c| letters.contains(c)),
            _ => false,
        };
        let texts = values::texts(element).unwrap_or_default();
        let unknown = texts.iter().filter(|word| !word.is_empty() && !is_known(word)).count();
        if unknown > 0 {
            self.ledger.step(technique::REMOVAL, "word that is no defined term of PS3.3: removed");
        } else {
            self.ledger.kept();
        }
        if unknown > 0 && unknown == texts.len() {
            return None;
        }
        let words: Vec<String> =
            texts.into_iter().map(|word| if is_known(&word) { word } else { String::new() }).collect();
        Some(DataElement::new(element.tag(), vr, PrimitiveValue::Strs(words.into())))
    }

    fn sequence(&mut self, element: InMemElement) -> Option<InMemElement> {
        let tag = element.tag();
        let Value::Sequence(sequence) = element.into_value() else {
            return self.removed("sequence that is none: removed");
        };
        let items: Vec<InMemDicomObject> =
            sequence.into_items().into_iter().filter_map(|item| self.item(item)).collect();
        if items.is_empty() {
            return self.removed("sequence without an item that may stay: removed");
        }
        Some(values::sequence(tag, items))
    }

    fn item(&mut self, item: InMemDicomObject) -> Option<InMemDicomObject> {
        let is_code = [tags::CODE_VALUE, tags::LONG_CODE_VALUE, tags::URN_CODE_VALUE, tags::CODE_MEANING];
        let item = match is_code.iter().any(|tag| item.get(*tag).is_some()) {
            true => self.code(&item)?,
            false => {
                self.depth += 1;
                let walked = self.data_set(item);
                self.depth -= 1;
                walked
            }
        };
        let has_elements = item.iter().next().is_some();
        has_elements.then_some(item)
    }

    /// An item that names a code: value and scheme of a public system, without the words beside them.
    fn code(&mut self, item: &InMemDicomObject) -> Option<InMemDicomObject> {
        let text =
            |tag| item.get(tag).and_then(values::texts).and_then(|texts| texts.first().cloned()).unwrap_or_default();
        let (code, scheme) = (text(tags::CODE_VALUE), text(tags::CODING_SCHEME_DESIGNATOR));
        if !values::is_public_code(&scheme, &code) {
            self.ledger.step(technique::REMOVAL, "code that is not of a public code system: removed");
            return None;
        }
        self.ledger.step(technique::MASKING, "Code Meaning (0008,0104): replaced, the code says it");
        Some(code_item(&code, &scheme, "REMOVED"))
    }

    fn replaced_uids(&mut self, element: &InMemElement, rule: String) -> Option<InMemElement> {
        let Some(originals) = values::texts(element) else { return self.removed(&rule) };
        let replace = |uid: &String| match uid.as_str() {
            "" => String::new(),
            uid if values::is_standard_uid(uid) => uid.to_owned(),
            uid => self.pseudonyms.uid(uid),
        };
        let replaced: Vec<String> = originals.iter().map(replace).collect();
        if replaced == originals {
            self.ledger.kept();
        } else {
            self.ledger.step(technique::TOKENISATION, rule);
        }
        for (original, replaced) in originals.iter().zip(&replaced).filter(|(original, new)| original != new) {
            self.ledger.map("UID", original, replaced);
        }
        Some(DataElement::new(element.tag(), VR::UI, PrimitiveValue::Strs(replaced.into())))
    }

    fn patient_id(&mut self, element: &InMemElement) -> Option<InMemElement> {
        let original = whole_text(element)?;
        let pseudonym = match original.as_str() {
            "" => self.person.clone(),
            original => self.pseudonyms.of("PatientID", original),
        };
        self.pseudonym(element, "PatientID", &original, pseudonym)
    }

    fn patient_name(&mut self, element: &InMemElement) -> Option<InMemElement> {
        let (original, person) = (whole_text(element)?, self.person.clone());
        self.pseudonym(element, "PatientName", &original, person)
    }

    fn accession_number(&mut self, element: &InMemElement) -> Option<InMemElement> {
        let original = whole_text(element)?;
        if original.is_empty() {
            return Some(values::empty(element.tag(), VR::SH));
        }
        let mut pseudonym = self.pseudonyms.of("AccessionNumber", &original);
        pseudonym.truncate(ACCESSION_LENGTH);
        self.pseudonym(element, "AccessionNumber", &original, pseudonym)
    }

    fn pseudonym(
        &mut self,
        element: &InMemElement,
        kind: &str,
        original: &str,
        pseudonym: String,
    ) -> Option<InMemElement> {
        let written = TABLES.row(element.tag()).map_or("", |row| row.written);
        let rule = format!("PS3.15 E.1-1 {} {kind}: {written}, pseudonym", shown(element.tag()));
        self.ledger.step(technique::TOKENISATION, rule);
        if !original.is_empty() {
            self.ledger.map(kind, original, &pseudonym);
        }
        let vr = if element.tag() == tags::PATIENT_NAME {
            VR::PN
        } else if kind == "PatientID" {
            VR::LO
        } else {
            VR::SH
        };
        Some(DataElement::new(element.tag(), vr, PrimitiveValue::from(pseudonym)))
    }
}

/// A code sequence's item.
pub(super) fn code_item(code: &str, scheme: &str, meaning: &str) -> InMemDicomObject {
    InMemDicomObject::from_element_iter([
        DataElement::new(tags::CODE_VALUE, VR::SH, PrimitiveValue::from(code)),
        DataElement::new(tags::CODING_SCHEME_DESIGNATOR, VR::SH, PrimitiveValue::from(scheme)),
        DataElement::new(tags::CODE_MEANING, VR::LO, PrimitiveValue::from(meaning)),
    ])
}

/// The whole text of an element; empty when it is no text.
fn whole_text(element: &InMemElement) -> Option<String> {
    Some(values::texts(element).unwrap_or_default().join("\\"))
}

/// Attributes removed as a class.
fn removed_class(tag: Tag) -> Option<&'static str> {
    match tag.group() {
        group if group % 2 == 1 => Some("PS3.15 E.1-1 private attributes: X"),
        0x5000..=0x50FF => Some("PS3.15 E.1-1 (50xx,xxxx) curves: X"),
        0x6000..=0x60FF => Some("PS3.15 E.1-1 (60xx,xxxx) overlays and their comments: X"),
        _ if tag.element() == 0 => Some("group length (gggg,0000), retired: removed"),
        0x0000..=0x0007 => Some("command, directory or file group within the data: removed"),
        _ => None,
    }
}

/// The representation PS3.6 gives an attribute, when the element's is that or one of its alternatives.
fn standard_vr(tag: Tag, found: VR) -> Option<VR> {
    let entry = StandardDataDictionary.by_tag(tag)?;
    match entry.vr() {
        VirtualVr::Exact(vr) => (vr == found).then_some(vr),
        VirtualVr::Xs => matches!(found, VR::US | VR::SS).then_some(found),
        VirtualVr::Ox | VirtualVr::Px => matches!(found, VR::OB | VR::OW).then_some(found),
        VirtualVr::Lt => matches!(found, VR::US | VR::SS | VR::OW).then_some(found),
        _ => None,
    }
}

fn shown(tag: Tag) -> String {
    format!("({:04X},{:04X})", tag.group(), tag.element())
}
