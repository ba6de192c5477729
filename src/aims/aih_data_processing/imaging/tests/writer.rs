//! DICOM files made byte by byte, so that tests know, and can falsify, every length in them.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

/// Explicit VR Little Endian.
pub(crate) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
/// Implicit VR Little Endian.
pub(crate) const IMPLICIT: &str = "1.2.840.10008.1.2";
/// CT Image Storage.
pub(crate) const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

/// A value, still without its length.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Bytes(Vec<u8>),
    Items(Vec<Elements>),
}

/// Elements of one data set.
pub(crate) type Elements = Vec<(Tag, VR, Content)>;

/// Text, padded to an even length.
pub(crate) fn text(tag: Tag, vr: VR, value: &str) -> (Tag, VR, Content) {
    bytes(tag, vr, value.as_bytes(), if vr == VR::UI { 0 } else { b' ' })
}

pub(crate) fn bytes(tag: Tag, vr: VR, value: &[u8], pad: u8) -> (Tag, VR, Content) {
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(pad);
    }
    (tag, vr, Content::Bytes(value))
}

pub(crate) fn us(tag: Tag, value: u16) -> (Tag, VR, Content) {
    (tag, VR::US, Content::Bytes(value.to_le_bytes().to_vec()))
}

pub(crate) fn items(tag: Tag, items: Vec<Elements>) -> (Tag, VR, Content) {
    (tag, VR::SQ, Content::Items(items))
}

/// One data set, in the order of its tags.
pub(crate) fn data_set(elements: &Elements, explicit: bool) -> Vec<u8> {
    let mut elements: Vec<_> = elements.iter().collect();
    elements.sort_by_key(|(tag, ..)| *tag);
    let mut out = Vec::new();
    for (tag, vr, content) in elements {
        let value = match content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::Items(items) => items.iter().flat_map(|item| wrapped(&data_set(item, explicit))).collect(),
        };
        out.extend(header(*tag, *vr, value.len() as u32, explicit));
        out.extend(value);
    }
    out
}

fn wrapped(item: &[u8]) -> Vec<u8> {
    let mut out = header(Tag(0xFFFE, 0xE000), VR::UN, item.len() as u32, false);
    out.extend(item);
    out
}

/// An element's tag, representation and length.
pub(crate) fn header(tag: Tag, vr: VR, length: u32, explicit: bool) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(tag.group().to_le_bytes());
    out.extend(tag.element().to_le_bytes());
    let long = matches!(
        vr,
        VR::OB
            | VR::OD
            | VR::OF
            | VR::OL
            | VR::OV
            | VR::OW
            | VR::SQ
            | VR::UC
            | VR::UN
            | VR::UR
            | VR::UT
            | VR::SV
            | VR::UV
    );
    match (explicit, long) {
        (false, _) => out.extend(length.to_le_bytes()),
        (true, true) => {
            out.extend(vr.to_string().bytes());
            out.extend([0, 0]);
            out.extend(length.to_le_bytes());
        }
        (true, false) => {
            out.extend(vr.to_string().bytes());
            out.extend(u16::try_from(length).unwrap().to_le_bytes());
        }
    }
    out
}

/// A whole file.
pub(crate) fn file(preamble: [u8; 128], syntax: &str, more_meta: &Elements, data: &[u8]) -> Vec<u8> {
    let mut meta = vec![
        bytes(tags::FILE_META_INFORMATION_VERSION, VR::OB, &[0, 1], 0),
        text(tags::MEDIA_STORAGE_SOP_CLASS_UID, VR::UI, CT),
        text(tags::MEDIA_STORAGE_SOP_INSTANCE_UID, VR::UI, "1.2.826.0.1.3680043.8.498.1"),
        text(tags::TRANSFER_SYNTAX_UID, VR::UI, syntax),
        text(tags::IMPLEMENTATION_CLASS_UID, VR::UI, "1.2.826.0.1.3680043.8.498.2"),
    ];
    meta.retain(|(tag, ..)| more_meta.iter().all(|(other, ..)| other != tag));
    meta.extend(more_meta.iter().cloned());
    let meta = data_set(&meta, true);
    let mut out = preamble.to_vec();
    out.extend(b"DICM");
    out.extend(header(tags::FILE_META_INFORMATION_GROUP_LENGTH, VR::UL, 4, true));
    out.extend((meta.len() as u32).to_le_bytes());
    out.extend(meta);
    out.extend(data);
    out
}

/// A monochrome image to be written.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) rows: u16,
    pub(crate) columns: u16,
    pub(crate) frames: Option<u16>,
    pub(crate) allocated: u16,
    pub(crate) stored_bits: u16,
    pub(crate) signed: bool,
    pub(crate) modality: &'static str,
    pub(crate) spacing: Option<&'static str>,
    pub(crate) rescale: Option<(&'static str, &'static str)>,
    pub(crate) more: Elements,
    pub(crate) pixels: Vec<i32>,
}

impl Picture {
    /// A 16-bit CT frame whose stored values are a function of row and column.
    pub(crate) fn drawn(rows: u16, columns: u16, value: impl Fn(u16, u16) -> i32) -> Self {
        let pixels = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        Self {
            rows,
            columns,
            frames: None,
            allocated: 16,
            stored_bits: 16,
            signed: true,
            modality: "CT",
            spacing: Some("1\\1"),
            rescale: Some(("1", "0")),
            more: Vec::new(),
            pixels: pixels.map(|(row, column)| value(row, column)).collect(),
        }
    }

    pub(crate) fn elements(&self) -> Elements {
        let mut elements = vec![
            text(tags::SOP_CLASS_UID, VR::UI, CT),
            text(tags::SOP_INSTANCE_UID, VR::UI, "1.2.826.0.1.3680043.8.498.1"),
            text(tags::MODALITY, VR::CS, self.modality),
            us(tags::SAMPLES_PER_PIXEL, 1),
            text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2"),
            us(tags::ROWS, self.rows),
            us(tags::COLUMNS, self.columns),
            us(tags::BITS_ALLOCATED, self.allocated),
            us(tags::BITS_STORED, self.stored_bits),
            us(tags::HIGH_BIT, self.stored_bits - 1),
            us(tags::PIXEL_REPRESENTATION, u16::from(self.signed)),
        ];
        elements.extend(self.frames.map(|n| text(tags::NUMBER_OF_FRAMES, VR::IS, &n.to_string())));
        elements.extend(self.spacing.map(|s| text(tags::PIXEL_SPACING, VR::DS, s)));
        if let Some((slope, intercept)) = self.rescale {
            elements.push(text(tags::RESCALE_SLOPE, VR::DS, slope));
            elements.push(text(tags::RESCALE_INTERCEPT, VR::DS, intercept));
        }
        let pixels: Vec<u8> = if self.allocated == 8 {
            self.pixels.iter().map(|p| *p as u8).collect()
        } else {
            self.pixels.iter().flat_map(|p| (*p as u16).to_le_bytes()).collect()
        };
        elements.push(bytes(tags::PIXEL_DATA, VR::OW, &pixels, 0));
        elements.retain(|(tag, ..)| self.more.iter().all(|(other, ..)| other != tag));
        elements.extend(self.more.iter().cloned());
        elements
    }

    pub(crate) fn explicit(&self) -> Vec<u8> {
        file([0; 128], EXPLICIT, &Vec::new(), &data_set(&self.elements(), true))
    }

    pub(crate) fn implicit(&self) -> Vec<u8> {
        file([0; 128], IMPLICIT, &Vec::new(), &data_set(&self.elements(), false))
    }
}

/// Whether the centre of a pixel lies in a disc.
pub(crate) fn in_disc(row: u16, column: u16, centre: (f64, f64), radius: f64) -> bool {
    (f64::from(row) - centre.0).hypot(f64::from(column) - centre.1) <= radius
}
