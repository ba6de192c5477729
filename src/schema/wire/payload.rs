//! The data a message carries: inline, by length and address, or by the ID of something the reader already has.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::MessageId;

/// Why labels are not one payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not exactly one of inline data, data by length and address, and data by ID")]
pub struct PayloadError;

/// Bytes, in base64 (RFC 4648 section 4, padded) on the wire. `{:?}` shows no more than their number.
#[derive(Clone, PartialEq, Eq)]
pub struct Base64(pub Vec<u8>);

impl fmt::Debug for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Base64({} bytes)", self.0.len())
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(|_| de::Error::custom("not base64"))
    }
}

/// The actual data of an item of AIH Data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Labels", into = "Labels")]
pub enum Payload {
    /// `Data`.
    Inline(Base64),
    /// `DataLength` and `DataURI`.
    Remote {
        /// Length in bytes.
        length: u64,
        /// URI reference; `cid:` names a part of the same multipart message.
        uri: String,
    },
}

/// A part of an ML Model Object, which the reader may already have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Labels", into = "Labels")]
pub enum HeldPayload {
    /// Carried by this message, inline or by address.
    Carried(Payload),
    /// `DataID`: held already.
    Held(MessageId),
}

/// The labels as they stand on the wire.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    #[serde(rename = "Data", skip_serializing_if = "Option::is_none")]
    data: Option<Base64>,
    #[serde(rename = "DataLength", skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
    #[serde(rename = "DataURI", skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    #[serde(rename = "DataID", skip_serializing_if = "Option::is_none")]
    id: Option<MessageId>,
}

impl TryFrom<Labels> for HeldPayload {
    type Error = PayloadError;

    fn try_from(labels: Labels) -> Result<Self, PayloadError> {
        match labels {
            Labels { data: Some(data), length: None, uri: None, id: None } => Ok(Self::Carried(Payload::Inline(data))),
            Labels { data: None, length: Some(length), uri: Some(uri), id: None } => {
                Ok(Self::Carried(Payload::Remote { length, uri }))
            }
            Labels { data: None, length: None, uri: None, id: Some(id) } => Ok(Self::Held(id)),
            _ => Err(PayloadError),
        }
    }
}

impl TryFrom<Labels> for Payload {
    type Error = PayloadError;

    fn try_from(labels: Labels) -> Result<Self, PayloadError> {
        match HeldPayload::try_from(labels)? {
            HeldPayload::Carried(payload) => Ok(payload),
            HeldPayload::Held(_) => Err(PayloadError),
        }
    }
}

impl From<Payload> for Labels {
    fn from(payload: Payload) -> Self {
        match payload {
            Payload::Inline(data) => Self { data: Some(data), length: None, uri: None, id: None },
            Payload::Remote { length, uri } => Self { data: None, length: Some(length), uri: Some(uri), id: None },
        }
    }
}

impl From<HeldPayload> for Labels {
    fn from(payload: HeldPayload) -> Self {
        match payload {
            HeldPayload::Carried(payload) => payload.into(),
            HeldPayload::Held(id) => Self { data: None, length: None, uri: None, id: Some(id) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_way_of_carrying_is_read() {
        let read = serde_json::from_str::<Payload>;
        assert_eq!(read(r#"{"Data":"QUI="}"#).unwrap(), Payload::Inline(Base64(b"AB".to_vec())));
        assert!(matches!(read(r#"{"DataLength":3,"DataURI":"cid:a"}"#).unwrap(), Payload::Remote { length: 3, .. }));
        for bad in [
            "{}",
            r#"{"DataURI":"cid:a"}"#,
            r#"{"DataLength":3}"#,
            r#"{"Data":"QUI=","DataLength":3,"DataURI":"cid:a"}"#,
            r#"{"Data":"QUJ="}"#,
            r#"{"DataID":"urn:uuid:0190f3c4-5b7a-7c31-9d2e-0b8f6a1c2d3e"}"#,
            r#"{"Data":"QUI=","Name":"x"}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_payload_is_not_shown() {
        assert_eq!(format!("{:?}", Payload::Inline(Base64(vec![1, 2, 3]))), "Inline(Base64(3 bytes))");
    }
}
