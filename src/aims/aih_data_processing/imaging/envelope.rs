//! The encoding of a DICOM file (PS3.5, PS3.10), checked from the first byte to the last before any of it is read.
//!
//! The library that reads the elements takes memory for whatever a length says, follows nesting as deep as it goes
//! and treats an end within a sequence as an end. So the file is walked first, without taking memory: every length
//! is compared with the bytes that enclose it, tags must ascend (PS3.5 section 7.1, which also rules out the same
//! tag twice), every delimiter must be there, and after the last element there is nothing.
//!
//! Only the two encodings whose pixels stand there as plain numbers are let through: Implicit and Explicit VR
//! Little Endian.

use dicom_core::{
    Tag, VR,
    dictionary::{DataDictionary, DataDictionaryEntry},
};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_object::DefaultDicomObject;

use super::{error::EnvelopeError, limits};

const PREAMBLE: usize = 128;
const MAGIC: &[u8; 4] = b"DICM";
const UNDEFINED: u32 = u32::MAX;
const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);

/// How the data set is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Implicit VR Little Endian.
    Implicit,
    /// Explicit VR Little Endian.
    Explicit,
}

/// Checks a payload and reads its data elements.
///
/// # Errors
///
/// [`EnvelopeError`] for everything that breaks the encoding, is compressed, or is beyond [`limits`].
pub fn open(payload: &[u8]) -> Result<DefaultDicomObject, EnvelopeError> {
    check(payload)?;
    // What the library says may quote values; which element it was is of no use to the requester.
    dicom_object::from_reader(payload).map_err(|_| EnvelopeError::Unreadable)
}

/// Walks a payload from its first byte to its last.
///
/// # Errors
///
/// As [`open`].
pub fn check(payload: &[u8]) -> Result<Encoding, EnvelopeError> {
    if payload.is_empty() {
        return Err(EnvelopeError::Empty);
    }
    if payload.len() > limits::MAX_PAYLOAD_BYTES {
        return Err(EnvelopeError::TooLarge { found: payload.len(), limit: limits::MAX_PAYLOAD_BYTES });
    }
    if payload.get(PREAMBLE..PREAMBLE + MAGIC.len()) != Some(MAGIC) {
        return Err(EnvelopeError::NotDicom);
    }
    let mut walk = Walk { bytes: payload, explicit: true, elements: 0 };
    let (data_set, encoding) = walk.meta(PREAMBLE + MAGIC.len())?;
    walk.explicit = encoding == Encoding::Explicit;
    walk.data_set(data_set, payload.len(), false, 0)?;
    Ok(encoding)
}

struct Walk<'a> {
    bytes: &'a [u8],
    explicit: bool,
    elements: usize,
}

struct Header {
    tag: Tag,
    vr: VR,
    length: u32,
    /// Where the value begins.
    value: usize,
}

impl Walk<'_> {
    /// File meta information: its group length, which the library trusts, must be true. Answers where the data set
    /// begins and how it is encoded.
    fn meta(&mut self, start: usize) -> Result<(usize, Encoding), EnvelopeError> {
        let first = self.header(start, self.bytes.len())?;
        if first.tag != tags::FILE_META_INFORMATION_GROUP_LENGTH || first.vr != VR::UL || first.length != 4 {
            return Err(EnvelopeError::Meta("it does not begin with its length"));
        }
        let begin = first.value + 4;
        let described = u64::from(self.u32_at(first.value)?);
        let end = self.end_of(first.tag, begin, described, self.bytes.len())?;
        let mut syntax = None;
        let (mut at, mut previous) = (begin, first.tag);
        while at < end {
            let header = self.element(at, end, previous)?;
            if header.tag.group() != 0x0002 {
                return Err(EnvelopeError::Meta("its length covers elements of another group"));
            }
            let value_end = self.end_of(header.tag, header.value, u64::from(header.length), end)?;
            if header.tag == tags::TRANSFER_SYNTAX_UID {
                syntax = self.bytes.get(header.value..value_end);
            }
            (at, previous) = (value_end, header.tag);
        }
        let syntax = syntax.ok_or(EnvelopeError::Meta("it names no transfer syntax"))?;
        Ok((end, encoding(syntax)?))
    }

    /// The elements of one data set or item; answers where it ends. A delimited one ends with its delimiter.
    fn data_set(&mut self, start: usize, end: usize, delimited: bool, depth: usize) -> Result<usize, EnvelopeError> {
        if depth > limits::MAX_DEPTH {
            return Err(EnvelopeError::Limit { what: "levels of nested sequences", limit: limits::MAX_DEPTH });
        }
        let (mut at, mut previous) = (start, Tag(0, 0));
        while at < end {
            if delimited && self.tag_at(at)? == ITEM_END {
                return self.delimiter(at, end);
            }
            let header = self.element(at, end, previous)?;
            if header.tag.group() == 0x0002 {
                return Err(EnvelopeError::Element {
                    tag: header.tag,
                    reason: "file meta information within the data",
                });
            }
            at = self.value(&header, end, depth)?;
            previous = header.tag;
        }
        if delimited { Err(EnvelopeError::EndsWithin { at: start }) } else { Ok(at) }
    }

    /// The value of an element; answers where it ends.
    fn value(&mut self, header: &Header, end: usize, depth: usize) -> Result<usize, EnvelopeError> {
        let Header { tag, vr, length, value } = *header;
        if length == UNDEFINED {
            return match (tag, vr) {
                (tags::PIXEL_DATA, _) => Err(EnvelopeError::TransferSyntax("encapsulated Pixel Data")),
                (_, VR::SQ) => self.sequence(value, end, true, depth),
                // In Implicit VR an undefined length is what makes an unknown element a sequence.
                (_, VR::UN) if !self.explicit => self.sequence(value, end, true, depth),
                _ => Err(EnvelopeError::Element { tag, reason: "it has no length and is no sequence" }),
            };
        }
        let value_end = self.end_of(tag, value, u64::from(length), end)?;
        if vr == VR::SQ {
            return self.sequence(value, value_end, false, depth);
        }
        if !length.is_multiple_of(unit_of(vr)) {
            return Err(EnvelopeError::Element { tag, reason: "its length is no multiple of one number's" });
        }
        Ok(value_end)
    }

    fn sequence(&mut self, start: usize, end: usize, delimited: bool, depth: usize) -> Result<usize, EnvelopeError> {
        let mut at = start;
        while at < end {
            let tag = self.tag_at(at)?;
            if delimited && tag == SEQUENCE_END {
                return self.delimiter(at, end);
            }
            if tag != ITEM {
                return Err(EnvelopeError::Element { tag, reason: "an item of a sequence is expected here" });
            }
            self.count()?;
            let length = self.u32_at(at + 4)?;
            let value = at + 8;
            if value > end {
                return Err(EnvelopeError::EndsWithin { at });
            }
            at = if length == UNDEFINED {
                self.data_set(value, end, true, depth + 1)?
            } else {
                let item_end = self.end_of(tag, value, u64::from(length), end)?;
                self.data_set(value, item_end, false, depth + 1)?
            };
        }
        if delimited { Err(EnvelopeError::EndsWithin { at: start }) } else { Ok(at) }
    }

    /// The header of the next element, whose tag must be greater than the one before it.
    fn element(&mut self, at: usize, end: usize, previous: Tag) -> Result<Header, EnvelopeError> {
        self.count()?;
        let header = self.header(at, end)?;
        let tag = header.tag;
        if tag.group() == 0xFFFE {
            return Err(EnvelopeError::Element { tag, reason: "a delimiter where an element is expected" });
        }
        if tag <= previous {
            return Err(EnvelopeError::Element { tag, reason: "tags must ascend, and each may be there once" });
        }
        Ok(header)
    }

    fn header(&self, at: usize, end: usize) -> Result<Header, EnvelopeError> {
        let tag = self.tag_at(at)?;
        let (vr, length, value) = if self.explicit { self.explicit(tag, at)? } else { self.implicit(tag, at)? };
        if value > end {
            return Err(EnvelopeError::EndsWithin { at });
        }
        Ok(Header { tag, vr, length, value })
    }

    fn explicit(&self, tag: Tag, at: usize) -> Result<(VR, u32, usize), EnvelopeError> {
        if tag.group() == 0xFFFE {
            return Ok((VR::UN, self.u32_at(at + 4)?, at + 8));
        }
        let &[a, b] = self.array::<2>(at + 4)?;
        let vr = VR::from_binary([a, b]);
        let vr = vr.ok_or(EnvelopeError::Element { tag, reason: "its value representation is unknown" })?;
        if is_long(vr) {
            Ok((vr, self.u32_at(at + 8)?, at + 12))
        } else {
            Ok((vr, u32::from(u16::from_le_bytes(*self.array::<2>(at + 6)?)), at + 8))
        }
    }

    fn implicit(&self, tag: Tag, at: usize) -> Result<(VR, u32, usize), EnvelopeError> {
        let vr = StandardDataDictionary.by_tag(tag).map_or(VR::UN, |entry| entry.vr().relaxed());
        Ok((vr, self.u32_at(at + 4)?, at + 8))
    }

    fn delimiter(&self, at: usize, end: usize) -> Result<usize, EnvelopeError> {
        if self.u32_at(at + 4)? != 0 || at + 8 > end {
            return Err(EnvelopeError::Element { tag: self.tag_at(at)?, reason: "a delimiter has no content" });
        }
        Ok(at + 8)
    }

    /// Where `length` bytes from `start` end, which must not be after `end`.
    fn end_of(&self, tag: Tag, start: usize, length: u64, end: usize) -> Result<usize, EnvelopeError> {
        let found = (end as u64).saturating_sub(start as u64);
        if length > found {
            return Err(EnvelopeError::Truncated { tag, described: length, found });
        }
        // At most `end`, which is a usize.
        Ok(start + length as usize)
    }

    fn count(&mut self) -> Result<(), EnvelopeError> {
        self.elements += 1;
        if self.elements > limits::MAX_ELEMENTS {
            return Err(EnvelopeError::Limit { what: "data elements", limit: limits::MAX_ELEMENTS });
        }
        Ok(())
    }

    fn tag_at(&self, at: usize) -> Result<Tag, EnvelopeError> {
        let &[a, b, c, d] = self.array::<4>(at)?;
        Ok(Tag(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])))
    }

    fn u32_at(&self, at: usize) -> Result<u32, EnvelopeError> {
        Ok(u32::from_le_bytes(*self.array::<4>(at)?))
    }

    fn array<const N: usize>(&self, at: usize) -> Result<&[u8; N], EnvelopeError> {
        self.bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(EnvelopeError::EndsWithin { at })
    }
}

/// The encoding a transfer syntax stands for; others by their name in PS3.6.
fn encoding(uid: &[u8]) -> Result<Encoding, EnvelopeError> {
    let uid = uid.strip_suffix(b"\0").or_else(|| uid.strip_suffix(b" ")).unwrap_or(uid);
    let other = |name| Err(EnvelopeError::TransferSyntax(name));
    match uid {
        b"1.2.840.10008.1.2" => Ok(Encoding::Implicit),
        b"1.2.840.10008.1.2.1" => Ok(Encoding::Explicit),
        b"1.2.840.10008.1.2.1.99" => other("Deflated Explicit VR Little Endian"),
        b"1.2.840.10008.1.2.2" => other("Explicit VR Big Endian"),
        b"1.2.840.10008.1.2.5" => other("RLE Lossless"),
        _ if uid.starts_with(b"1.2.840.10008.1.2.4.20") => other("JPEG 2000, High-Throughput"),
        _ if uid.starts_with(b"1.2.840.10008.1.2.4.11") => other("JPEG XL"),
        b"1.2.840.10008.1.2.4.80" | b"1.2.840.10008.1.2.4.81" => other("JPEG-LS"),
        _ if uid.starts_with(b"1.2.840.10008.1.2.4.9") => other("JPEG 2000"),
        _ if uid.starts_with(b"1.2.840.10008.1.2.4.10") => other("MPEG"),
        _ if uid.starts_with(b"1.2.840.10008.1.2.4.") => other("JPEG"),
        _ => other("unknown transfer syntax"),
    }
}

/// Whether the length of this representation takes four bytes in Explicit VR (PS3.5 section 7.1.2).
fn is_long(vr: VR) -> bool {
    use VR::{OB, OD, OF, OL, OV, OW, SQ, SV, UC, UN, UR, UT, UV};
    matches!(vr, OB | OD | OF | OL | OV | OW | SQ | SV | UC | UN | UR | UT | UV)
}

/// Bytes of one number of this representation; 1 for texts and bytes.
fn unit_of(vr: VR) -> u32 {
    match vr {
        VR::US | VR::SS | VR::OW => 2,
        VR::UL | VR::SL | VR::FL | VR::OF | VR::OL | VR::AT => 4,
        VR::FD | VR::OD | VR::SV | VR::UV | VR::OV => 8,
        _ => 1,
    }
}
