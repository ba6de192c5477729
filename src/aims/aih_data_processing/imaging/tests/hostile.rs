//! Damaged, lying and foreign payloads: each is refused, in words that name the doubt.

use std::collections::BTreeMap;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use serde_json::{Map, json};

use super::{
    super::{limits, run},
    ask, detect, none,
    writer::{self, EXPLICIT, Elements, IMPLICIT, Picture, bytes, data_set, file, header, items, text, us},
};
use crate::{aims::ai_modules::input::Input, domain::operation::Operation, schema::wire::DataFormat};

fn picture() -> Picture {
    Picture::drawn(4, 4, |row, column| i32::from(row * column))
}

#[track_caller]
fn refused(payload: &[u8], words: &str) {
    let error = detect(payload, none()).unwrap_err();
    assert!(error.contains(words), "{error:?} does not say {words:?}");
}

#[track_caller]
fn refused_with(change: impl Fn(&mut Picture), words: &str) {
    let mut picture = picture();
    change(&mut picture);
    refused(&picture.explicit(), words);
    refused(&picture.implicit(), words);
}

/// The picture's elements and some more, whatever their order.
fn with(more: Vec<u8>) -> Vec<u8> {
    let mut data = data_set(&picture().elements(), true);
    data.extend(more);
    file([0; 128], EXPLICIT, &Vec::new(), &data)
}

#[test]
fn nothing_and_other_formats() {
    refused(&[], "empty");
    refused(b"%PDF-1.7 and so on", "not a DICOM file");
    refused(&[0; 400], "not a DICOM file");
    assert!(detect(&picture().explicit(), none()).is_ok());
}

#[test]
fn cut_anywhere_it_is_refused_and_never_panics() {
    for payload in [picture().explicit(), picture().implicit()] {
        for length in 0..payload.len() {
            assert!(detect(&payload[..length], none()).is_err(), "{length} of {} bytes accepted", payload.len());
        }
    }
}

#[test]
fn any_byte_may_be_wrong_without_panic() {
    for payload in [picture().explicit(), picture().implicit()] {
        for at in 128..payload.len() {
            for value in [0, 0x7F, 0xFF] {
                let mut payload = payload.clone();
                payload[at] = value;
                let _ = detect(&payload, none());
            }
        }
    }
}

#[test]
fn lying_lengths() {
    let four_gigabytes = header(Tag(0x7FE1, 0x1010), VR::OB, 0xFFFF_FFF0, true);
    refused(&with(four_gigabytes), "(7FE1,1010) describes 4294967280 bytes, 0 are there");
    let endless = header(Tag(0x7FE1, 0x1010), VR::OB, u32::MAX, true);
    refused(&with(endless), "no length");
    let mut sequence = header(Tag(0x7FE1, 0x1010), VR::SQ, u32::MAX, true);
    refused(&with(sequence.clone()), "ends early");
    sequence.extend(header(Tag(0xFFFE, 0xE000), VR::UN, 0xFFFF_FF00, false));
    refused(&with(sequence), "describes 4294967040 bytes");
    let odd = [header(Tag(0x7FE1, 0x1010), VR::US, 3, true), vec![1, 2, 3]].concat();
    refused(&with(odd), "no multiple");
}

#[test]
fn nesting_without_end() {
    let mut nested: Elements = vec![us(tags::ROWS, 1)];
    for _ in 0..limits::MAX_DEPTH + 2 {
        nested = vec![items(tags::REFERENCED_IMAGE_SEQUENCE, vec![nested])];
    }
    refused_with(|picture| picture.more = nested.clone(), "levels of nested sequences");
}

#[test]
fn more_elements_than_accepted() {
    let many = std::iter::repeat_n(Elements::new(), limits::MAX_ELEMENTS + 1).collect();
    let mut picture = picture();
    picture.more = vec![items(tags::REFERENCED_IMAGE_SEQUENCE, many)];
    refused(&picture.implicit(), "data elements");
}

#[test]
fn more_bytes_than_accepted() {
    let mut payload = picture().explicit();
    payload.resize(limits::MAX_PAYLOAD_BYTES + 1, 0);
    refused(&payload, "at most");
}

#[test]
fn order_and_repetition() {
    refused(&with(data_set(&vec![us(tags::ROWS, 4)], true)), "ascend");
    let twice = data_set(&vec![us(tags::ROWS, 4)], true).repeat(2);
    refused(&file([0; 128], EXPLICIT, &Vec::new(), &twice), "(0028,0010)");
    let unknown = [&[0xE1, 0x7F, 0x10, 0x10][..], b"ZZ", &[0, 0, 0, 0, 0, 0]].concat();
    refused(&with(unknown), "value representation");
    refused(&with(header(Tag(0xFFFE, 0xE0DD), VR::UN, 0, false)), "delimiter");
    refused(&with(b"left over".to_vec()), "");
}

#[test]
fn file_meta_information_that_lies() {
    let good = picture().explicit();
    let mut longer = good.clone();
    longer[140] += 8;
    assert!(detect(&longer, none()).unwrap_err().contains("meta information"), "{:?}", detect(&longer, none()));
    let mut missing = good.clone();
    missing.drain(132..144);
    refused(&missing, "does not begin with its length");
    let mut huge = good;
    huge[140..144].copy_from_slice(&u32::MAX.to_le_bytes());
    refused(&huge, "describes 4294967295 bytes");
    let without = {
        let meta = data_set(&vec![text(tags::IMPLEMENTATION_CLASS_UID, VR::UI, "1.2.3")], true);
        let mut out = [vec![0; 128], b"DICM".to_vec(), header(Tag(2, 0), VR::UL, 4, true)].concat();
        out.extend((meta.len() as u32).to_le_bytes());
        [out, meta].concat()
    };
    refused(&without, "no transfer syntax");
}

#[test]
fn compressed_pixels_by_name() {
    for (syntax, name) in [
        ("1.2.840.10008.1.2.4.50", "(JPEG)"),
        ("1.2.840.10008.1.2.4.70", "(JPEG)"),
        ("1.2.840.10008.1.2.4.80", "JPEG-LS"),
        ("1.2.840.10008.1.2.4.90", "(JPEG 2000)"),
        ("1.2.840.10008.1.2.4.201", "High-Throughput"),
        ("1.2.840.10008.1.2.4.102", "MPEG"),
        ("1.2.840.10008.1.2.5", "RLE Lossless"),
        ("1.2.840.10008.1.2.1.99", "Deflated"),
        ("1.2.840.10008.1.2.2", "Big Endian"),
        ("1.2.3.4", "unknown transfer syntax"),
    ] {
        refused(&file([0; 128], syntax, &Vec::new(), &data_set(&picture().elements(), true)), name);
    }
    let encapsulated = [
        data_set(&picture().elements().into_iter().filter(|e| e.0 != tags::PIXEL_DATA).collect(), true),
        header(tags::PIXEL_DATA, VR::OB, u32::MAX, true),
    ];
    refused(&file([0; 128], EXPLICIT, &Vec::new(), &encapsulated.concat()), "encapsulated");
}

#[test]
fn what_is_no_monochrome_image() {
    refused_with(|p| p.more = vec![us(tags::SAMPLES_PER_PIXEL, 3)], "in colour");
    refused_with(|p| p.more = vec![text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "PALETTE COLOR")], "in colour");
    let report: Elements = picture().elements().into_iter().filter(|e| e.0 != tags::PIXEL_DATA).collect();
    refused(&file([0; 128], EXPLICIT, &Vec::new(), &data_set(&report, true)), "no Pixel Data");
}

#[test]
fn attributes_that_contradict_the_pixels() {
    refused_with(|p| p.rows = 5, "Pixel Data has 32 bytes, the image's size describes 40");
    refused_with(|p| p.columns = 3, "Pixel Data has 32 bytes, the image's size describes 24");
    refused_with(|p| p.frames = Some(2), "describes 64");
    refused_with(|p| p.rows = 0, "Rows is not valid");
    refused_with(|p| (p.rows, p.columns) = (65535, 65535), "pixels of the image");
    refused_with(|p| p.frames = Some(10_001), "frames of the image");
    refused_with(|p| p.more = vec![text(tags::NUMBER_OF_FRAMES, VR::IS, "-1")], "NumberOfFrames");
    refused_with(|p| p.more = vec![us(tags::BITS_ALLOCATED, 32)], "BitsAllocated");
    refused_with(|p| p.more = vec![us(tags::BITS_STORED, 17)], "BitsStored");
    refused_with(|p| p.more = vec![us(tags::BITS_STORED, 0)], "BitsStored");
    refused_with(|p| p.more = vec![us(tags::HIGH_BIT, 3)], "HighBit");
    refused_with(|p| p.more = vec![us(tags::PIXEL_REPRESENTATION, 2)], "PixelRepresentation");
    refused_with(|p| p.rescale = Some(("0", "0")), "RescaleSlope");
    refused_with(|p| p.rescale = Some(("one", "0")), "RescaleSlope");
    refused_with(|p| p.rescale = Some(("NaN", "0")), "RescaleSlope");
    refused_with(|p| p.spacing = Some("0\\1"), "PixelSpacing");
    refused_with(|p| p.spacing = Some("1"), "PixelSpacing");
    refused_with(|p| p.spacing = Some("1000\\1"), "PixelSpacing");
    refused_with(|p| p.more = vec![items(tags::MODALITY_LUT_SEQUENCE, vec![vec![]])], "ModalityLUTSequence");
    let drop = |p: &mut Picture| p.more = vec![bytes(tags::ROWS, VR::US, &[], 0)];
    refused_with(drop, "Rows is not valid: it is absent");
}

#[test]
fn values_of_the_file_are_not_repeated() {
    let name = "ZQXNAME";
    for tag in [tags::MODALITY, tags::RESCALE_TYPE] {
        let mut picture = picture();
        picture.more = vec![text(tag, VR::LO, &format!("{name} 77"))];
        let told = format!("{:?}", detect(&picture.implicit(), none()));
        assert!(!told.contains(name), "{told}");
    }
    let mut picture = picture();
    picture.more = vec![text(tags::RESCALE_SLOPE, VR::DS, name)];
    assert!(!detect(&picture.explicit(), none()).unwrap_err().contains(name));
}

#[test]
fn parameters_outside_their_range() {
    let payload = picture().explicit();
    for (parameters, name) in [
        (json!({"Frame": 0}), "Frame"),
        (json!({"Frame": 2}), "Frame"),
        (json!({"Frame": "one"}), "Frame"),
        (json!({"Frame": u64::MAX}), "Frame"),
        (json!({"Threshold": "high"}), "Threshold"),
        (json!({"Foreground": "left"}), "Foreground"),
        (json!({"Connectivity": 6}), "Connectivity"),
        (json!({"MinimumAreaMm2": -1}), "MinimumAreaMm2"),
        (json!({"BinWidth": 0}), "BinWidth"),
        (json!({"Region": "liver"}), "Region"),
    ] {
        let error = detect(&payload, parameters).unwrap_err();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn other_formats_and_other_work() {
    let (payload, parameters, attachments) = (picture().explicit(), Map::new(), BTreeMap::new());
    let operation = Operation::AnatomicalStructureDetection;
    for format in [DataFormat::Nifti, DataFormat::DicomEcg, DataFormat::Png, DataFormat::Edf] {
        let input = Input { operation, format, parameters: &parameters, payload: &payload, attachments: &attachments };
        assert!(run(&input).unwrap_err().contains("DICOM only"));
    }
    for operation in [Operation::DiseaseProgressionMonitoring, Operation::PathologicalStateClassification] {
        assert!(ask(operation, &payload, none()).unwrap_err().contains("does not perform"));
    }
    assert!(writer::IMPLICIT == IMPLICIT);
}
