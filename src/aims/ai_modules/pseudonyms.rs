//! Keyed pseudonyms: HMAC-SHA-256 (RFC 2104, FIPS 180-4) under a key that belongs to one End User and one recipient. The
//! same key and value give the same pseudonym; two recipients cannot compare theirs.

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Stands between the kind and the value, so that no two pairs run together.
const BETWEEN: u8 = 0;
/// RFC 4648 base32.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Characters of a pseudonym: 100 bits.
const CHARACTERS: usize = 20;

/// The key of [`Pseudonyms`]; shows nothing of itself in a log.
#[derive(Clone)]
pub struct PseudonymKey(Zeroizing<[u8; 32]>);

impl PseudonymKey {
    /// A key of 32 bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The pseudonyms under this key.
    pub fn pseudonyms(&self) -> Pseudonyms {
        Pseudonyms::new(*self.0)
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey")
    }
}

impl Serialize for PseudonymKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(*self.0))
    }
}

impl<'de> Deserialize<'de> for PseudonymKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let bytes = Zeroizing::new(STANDARD.decode(text.as_bytes()).map_err(|_| de::Error::custom("not base64"))?);
        let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| de::Error::custom("not 32 bytes"))?;
        Ok(Self::new(bytes))
    }
}

/// Pseudonyms for one End User's data and one recipient.
pub struct Pseudonyms {
    key: hmac::Key,
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms")
    }
}

impl Pseudonyms {
    /// Pseudonyms under a key.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key) }
    }

    fn digest(&self, kind: &str, value: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(kind.as_bytes());
        context.update(&[BETWEEN]);
        context.update(value.as_bytes());
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }

    fn number(&self, kind: &str, value: &str) -> u128 {
        let digest = self.digest(kind, value);
        digest[..16].iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
    }

    /// `P-` and 20 characters of base32.
    pub fn of(&self, kind: &str, value: &str) -> String {
        let number = self.number(kind, value);
        let digit = |place: usize| char::from(BASE32[(number >> (5 * place)) as usize & 31]);
        format!("P-{}", (0..CHARACTERS).map(digit).collect::<String>())
    }

    /// A UUID of version 8 (RFC 9562).
    pub fn uuid(&self, kind: &str, value: &str) -> Uuid {
        uuid::Builder::from_custom_bytes(self.number(kind, value).to_be_bytes()).into_uuid()
    }

    /// A DICOM UID below the root for UUIDs, `2.25.` (PS3.5 B.2).
    pub fn uid(&self, value: &str) -> String {
        format!("2.25.{}", self.uuid("uid", value).as_u128())
    }

    /// By how many whole days the dates of a person move: between −`most` and −1.
    pub fn days(&self, person: &str, most: u32) -> i64 {
        // The remainder is below 2³², and a bias of 2⁻⁹⁶ shifts nobody.
        -1 - (self.number("days", person) % u128::from(most.max(1))) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_and_value_give_the_same_pseudonym_and_nothing_else_does() {
        let (mine, theirs) = (Pseudonyms::new([1; 32]), Pseudonyms::new([2; 32]));
        assert_eq!(mine.of("name", "Ada"), mine.of("name", "Ada"));
        assert_ne!(mine.of("name", "Ada"), theirs.of("name", "Ada"));
        assert_ne!(mine.of("name", "Ada"), mine.of("id", "Ada"));
        assert_ne!(mine.of("na", "meAda"), mine.of("name", "Ada"));
        assert_eq!(mine.of("name", "Ada").len(), 22);
    }

    #[test]
    fn they_take_the_forms_that_formats_ask_for() {
        let pseudonyms = Pseudonyms::new([7; 32]);
        assert_eq!(pseudonyms.uuid("patient", "1").get_version_num(), 8);
        let uid = pseudonyms.uid("1.2.840.1");
        assert!(uid.len() <= 64 && uid["2.25.".len()..].parse::<u128>().is_ok());
    }

    #[test]
    fn dates_move_backwards_within_the_bound_and_not_all_alike() {
        let pseudonyms = Pseudonyms::new([7; 32]);
        let days: std::collections::BTreeSet<_> = (0..200).map(|n| pseudonyms.days(&n.to_string(), 100)).collect();
        assert!(days.iter().all(|days| (-100..=-1).contains(days)));
        assert!(days.len() > 50);
    }

    #[test]
    fn a_key_travels_and_does_not_show() {
        let key = PseudonymKey::new([9; 32]);
        let back: PseudonymKey = serde_json::from_str(&serde_json::to_string(&key).unwrap()).unwrap();
        assert_eq!(back.pseudonyms().of("a", "b"), key.pseudonyms().of("a", "b"));
        assert_eq!(format!("{key:?}"), "PseudonymKey");
        assert!(serde_json::from_str::<PseudonymKey>("\"AAAA\"").is_err());
    }
}
