//! Tests of the treatment: planted identifiers, the tables, the options, refusals, real files.

mod options;
mod planted;
mod refusals;
mod tables;

use serde_json::{Value, json};

use super::treat;
use crate::{
    aims::{
        ai_modules::{
            pseudonyms::Pseudonyms,
            treatment::{Treated, Treatment},
        },
        aih_data_processing::imaging::tests::writer::{self, Elements, Picture},
    },
    schema::wire::DataFormat,
};

fn treated(payload: &[u8], parameters: Value) -> Result<Treated, String> {
    with_key([7; 32], payload, parameters)
}

fn with_key(key: [u8; 32], payload: &[u8], parameters: Value) -> Result<Treated, String> {
    let parameters = parameters.as_object().unwrap().clone();
    let pseudonyms = Pseudonyms::new(key);
    treat(&Treatment { format: DataFormat::Dicom, parameters: &parameters, payload, pseudonyms: &pseudonyms })
}

fn none() -> Value {
    json!({})
}

/// A small CT image with some more elements.
fn image(more: Elements) -> Picture {
    let mut picture = Picture::drawn(6, 5, |row, column| i32::from(row) * 300 - i32::from(column));
    picture.more = more;
    picture
}

fn read(payload: &[u8]) -> dicom_object::DefaultDicomObject {
    crate::aims::aih_data_processing::imaging::envelope::open(payload).unwrap()
}

fn text(object: &dicom_object::InMemDicomObject, tag: dicom_core::Tag) -> Option<String> {
    let text = object.get(tag)?.to_str().unwrap().trim_matches([' ', '\0']).to_owned();
    Some(text)
}
