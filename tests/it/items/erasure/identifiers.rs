//! What must not be found, in every form somebody might have written it in.

use alloy::primitives::keccak256;
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use uuid::Uuid;

/// Something that names a person or an item.
#[derive(Debug, Clone)]
pub enum Identifier {
    /// A name, a number, an address, free text: little enough that whoever guesses it can try out a hash of it.
    Text(String),
    /// An ID of an item. Its keccak256 is on chain by design: nobody guesses 74 random bits.
    Uuid(Uuid),
    /// Any bytes: a piece of a payload, of a key, of a sealed object.
    Bytes(Vec<u8>),
}

/// A form, and the bytes it has.
pub type Form = (&'static str, Vec<u8>);

impl Identifier {
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// Every form of it.
    pub fn forms(&self) -> Vec<Form> {
        match self {
            Self::Text(text) => forms_of_text(text),
            Self::Uuid(id) => forms_of_uuid(*id),
            Self::Bytes(bytes) => forms_of_bytes("bytes", bytes),
        }
    }
}

fn forms_of_text(text: &str) -> Vec<Form> {
    let (lower, upper) = (text.to_lowercase(), text.to_uppercase());
    let mut forms = Vec::new();
    for (name, text) in [("UTF-8", text), ("lower case", &lower), ("capitals", &upper)] {
        forms.extend(forms_of_bytes(name, text.as_bytes()));
        forms.push(("UTF-16, little end first", text.encode_utf16().flat_map(u16::to_le_bytes).collect()));
        forms.push(("UTF-16, big end first", text.encode_utf16().flat_map(u16::to_be_bytes).collect()));
        forms.extend(forms_of_bytes("keccak256", keccak256(text).as_slice()));
        forms.extend(forms_of_bytes("SHA-256", digest(&SHA256, text.as_bytes()).as_ref()));
    }
    forms
}

fn forms_of_uuid(id: Uuid) -> Vec<Form> {
    let (long, short) = (id.to_string(), id.simple().to_string());
    let mut forms = forms_of_bytes("16 bytes", id.as_bytes());
    forms.extend(forms_of_bytes("16 bytes as a GUID", &id.to_bytes_le()));
    for text in [&long, &long.to_uppercase(), &short, &short.to_uppercase()] {
        forms.extend(forms_of_bytes("UUID as text", text.as_bytes()));
        forms.push(("UUID in UTF-16, little end first", text.encode_utf16().flat_map(u16::to_le_bytes).collect()));
        forms.push(("UUID in UTF-16, big end first", text.encode_utf16().flat_map(u16::to_be_bytes).collect()));
    }
    forms
}

/// As they are, in hex, and inside something longer in base64.
fn forms_of_bytes(name: &'static str, bytes: &[u8]) -> Vec<Form> {
    let hex = alloy::hex::encode(bytes);
    let mut forms = vec![(name, bytes.to_vec()), (name, hex.to_uppercase().into_bytes()), (name, hex.into_bytes())];
    // In base64 a text looks different at each of three places; its first and last characters depend on its neighbours.
    forms.extend((0..3).map(|shift| {
        let encoded = STANDARD_NO_PAD.encode([vec![0; shift], bytes.to_vec()].concat());
        let first = if shift == 0 { 0 } else { shift + 1 };
        let last = (shift + bytes.len()) / 3 * 4;
        (name, encoded.as_bytes()[first..last.max(first)].to_vec())
    }));
    // What is left of something short may be anywhere.
    const SHORTEST: usize = 5;
    forms.retain(|(_, form)| form.len() >= SHORTEST);
    forms
}
