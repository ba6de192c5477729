//! Identifiers of messages and documents, and the proof that an account is held. Identifiers of accounts, licences and
//! data items are domain types.

use std::{fmt, str::FromStr};

use alloy::primitives::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use super::Confidential;

/// Why a text is not the ID of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message ID of the form urn:uuid:<lower-case uuid>")]
pub struct MessageIdError;

/// The ID of a message or document, `urn:uuid:…`. The 128 bits of a Licence Confirm ID stand in the chain's event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(Uuid);

impl MessageId {
    /// From a UUID the caller made.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID.
    pub const fn uuid(&self) -> Uuid {
        self.0
    }

    /// The 128 bits, as they stand on chain.
    pub const fn into_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "urn:uuid:{}", self.0.hyphenated())
    }
}

impl FromStr for MessageId {
    type Err = MessageIdError;

    fn from_str(text: &str) -> Result<Self, MessageIdError> {
        let digits = text.strip_prefix("urn:uuid:").ok_or(MessageIdError)?;
        let id = Self(Uuid::try_parse(digits).map_err(|_| MessageIdError)?);
        // One message has one spelling, so that a retry is recognised.
        if id.to_string() == text { Ok(id) } else { Err(MessageIdError) }
    }
}

impl Serialize for MessageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Proof that the sender holds an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Proof {
    /// The EIP-4361 text exactly as the Back End issued it.
    pub message: Confidential,
    /// EIP-191 signature of `message` by the account.
    pub signature: Bytes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_one_spelling() {
        let text = "urn:uuid:0190f3c4-5b7a-7c31-9d2e-0b8f6a1c2d3e";
        let id: MessageId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(id.into_bytes()[..2], [0x01, 0x90]);
        for bad in ["", "urn:uuid:", &text[9..], &text.to_uppercase(), &text.replace('-', "")] {
            assert_eq!(bad.parse::<MessageId>(), Err(MessageIdError), "{bad}");
        }
    }
}
