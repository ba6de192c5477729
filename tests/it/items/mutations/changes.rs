//! What is done to a message, or to its bytes.

use health_back_end::{
    domain::ids::{AihDataId, BackEndId},
    front_end::paperwork,
};
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Map, Value, json};

use crate::environment::house::Client;

/// A value that is somewhere else than it should be, or nowhere.
fn strange(random: &mut StdRng) -> Value {
    let long = "é".repeat(random.random_range(1..3_000));
    let deep = (0..random.random_range(1..100)).fold(json!(0), |inner, _| json!([inner]));
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e300),
        json!(""),
        json!("x"),
        json!("\u{0}"),
        json!("\u{202e}\u{feff}"),
        json!("../../etc/passwd"),
        json!("' OR 1=1 --"),
        json!("eip155:31337:0x0000000000000000000000000000000000000000"),
        json!("eip155:99999999999999999999:0x00000000000000000000000000000000000000ff"),
        json!("urn:uuid:00000000-0000-0000-0000-000000000000"),
        json!("9999-12-31T23:59:60Z"),
        json!("0001-01-01T00:00:00Z"),
        json!("0x"),
        json!("0xff"),
        json!([]),
        json!({}),
        json!([[], {}]),
        json!({"Request": {}}),
        json!({"Response": {}}),
        json!(long),
        deep,
    ];
    values.choose(random).unwrap().clone()
}

/// Every place in a document.
fn places(document: &Value, here: &str, found: &mut Vec<String>) {
    match document {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            let place = format!("{here}/{}", name.replace('~', "~0").replace('/', "~1"));
            found.push(place.clone());
            places(value, &place, found);
        }),
        Value::Array(values) => values.iter().enumerate().for_each(|(at, value)| {
            let place = format!("{here}/{at}");
            found.push(place.clone());
            places(value, &place, found);
        }),
        _ => {}
    }
}

/// Changes one thing in a document.
pub fn mutate(document: &mut Value, other: &Value, random: &mut StdRng) {
    let (mut found, mut foreign) = (Vec::new(), Vec::new());
    places(document, "", &mut found);
    places(other, "", &mut foreign);
    let Some(place) = found.choose(random).cloned() else { return };
    let (parent, name) = place.rsplit_once('/').unwrap();
    match random.random_range(0..8) {
        0 => match document.pointer_mut(parent) {
            Some(Value::Object(fields)) => drop(fields.remove(name)),
            Some(Value::Array(values)) => drop(values.pop()),
            _ => {}
        },
        1 => {
            if let Some(Value::Object(fields)) = document.pointer_mut(parent) {
                fields.insert(format!("{name}x"), strange(random));
            }
        }
        2 => {
            // A value of another message, or of another place.
            let value = foreign.choose(random).and_then(|place| other.pointer(place)).cloned().unwrap_or_default();
            *document.pointer_mut(&place).unwrap() = value;
        }
        3 => {
            let value = document.pointer_mut(&place).unwrap();
            *value = match value.take() {
                Value::String(text) => nearly(&text, random),
                Value::Number(number) => json!(number.as_f64().unwrap_or(0.0) * 1e6 + 0.5),
                Value::Array(mut values) => {
                    values.extend(values.clone());
                    Value::Array(values)
                }
                Value::Object(fields) => Value::Object(fields.into_iter().rev().collect::<Map<_, _>>()),
                other => json!([other]),
            };
        }
        _ => *document.pointer_mut(&place).unwrap() = strange(random),
    }
}

/// A text with one character more, less, or other.
fn nearly(text: &str, random: &mut StdRng) -> Value {
    let mut letters: Vec<char> = text.chars().collect();
    let at = random.random_range(0..=letters.len());
    match random.random_range(0..4) {
        0 => letters.insert(at, '\u{1f600}'),
        1 if at < letters.len() => {
            letters.remove(at);
        }
        2 if at < letters.len() => letters[at] = if letters[at] == '0' { '1' } else { '0' },
        _ => letters = text.to_uppercase().chars().collect(),
    }
    json!(letters.into_iter().collect::<String>())
}

/// Changes some bytes.
pub fn garble(bytes: &mut Vec<u8>, random: &mut StdRng) {
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..=bytes.len());
        let piece: [&[u8]; 8] = [b"\"", b"\xff", b"{", b"}", b"\\ud800", b",", b"1e999999", b"\0"];
        match random.random_range(0..4) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] = random.random(),
            2 if at < bytes.len() => drop(bytes.drain(at..(at + random.random_range(1..20)).min(bytes.len()))),
            _ => drop(bytes.splice(at..at, piece.choose(random).unwrap().iter().copied())),
        }
    }
}

/// A new item, and every other time a signature of what the licence became: such messages reach the chain.
pub fn renew(document: &mut Value, owner: &Client, back_end: &BackEndId, random: &mut StdRng) {
    let old = document["AIHDataID"].as_str().filter(|id| id.parse::<AihDataId>().is_ok()).map(str::to_owned);
    let Some(old) = old else { return };
    let id = uuid::Uuid::from_u128(random.random());
    // A document that mutations made deeper than a reader goes keeps its old item.
    let Ok(renewed) = serde_json::from_str(&document.to_string().replace(&old, &format!("urn:uuid:{id}"))) else {
        return;
    };
    *document = renewed;
    if random.random()
        && let Ok(signature) = paperwork::sign(&document["ModelLicence"], back_end, 0, &owner.signer)
    {
        document["ModelLicenceSignature"] = signature.into();
    }
}
