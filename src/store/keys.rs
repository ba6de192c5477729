//! The key hierarchy. Three kinds of key, each its own type, so that none can stand in for another.
//!
//! | Key | Made | Kept | Used for |
//! | --- | --- | --- | --- |
//! | [`RootKey`] | once per installation | file of mode 0600 or environment | wrapping End-User keys |
//! | [`EndUserKey`] | once per End User | wrapped, as text, in a column | wrapping item keys |
//! | [`ItemKey`] | once per item of AIH Data | wrapped, as text, in a column | deriving content keys |
//!
//! **Wrapping** is AES-256-GCM with a random nonce. The associated data names purpose and owner (account or AIH Data
//! ID), so a wrapped key copied into another row does not open there. Random nonces allow 2³² wraps per wrapping key.
//!
//! ```text
//!   base64( version 1 · nonce 12 · encrypted key 32 · tag 16 )
//! ```
//!
//! **Erasure**: this module keeps no key. When the caller deletes the wrapped item key, everything sealed with it is
//! unreadable for good; deleting a wrapped End-User key does so for all items of that person. To change the root key,
//! unwrap each End-User key with the old one and wrap it with the new: nothing below is touched. No command does that yet.
//!
//! Keys are wiped from memory on drop, cannot be cloned, and print only their kind.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand,
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use zeroize::Zeroizing;

use super::error::Error;

/// Length of every key, in bytes (AES-256).
pub(super) const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
const WRAP_VERSION: u8 = 1;
const WRAPPED_BYTES: usize = 1 + NONCE_LEN + KEY_BYTES + TAG_BYTES;

/// Key material on the heap, so that moving a key does not leave copies on the stack; wiped on drop.
pub(super) struct Secret(Box<Zeroizing<[u8; KEY_BYTES]>>);

impl Secret {
    pub(super) fn random() -> Result<Self, Error> {
        let mut bytes = Box::new(Zeroizing::new([0; KEY_BYTES]));
        rand::fill(&mut bytes[..]).map_err(|_| Error::Crypto("making a key"))?;
        Ok(Self(bytes))
    }

    /// A copy of exactly [`KEY_BYTES`] bytes, else nothing.
    pub(super) fn copy_of(slice: &[u8]) -> Option<Self> {
        if slice.len() != KEY_BYTES {
            return None;
        }
        let mut bytes = Box::new(Zeroizing::new([0; KEY_BYTES]));
        bytes.copy_from_slice(slice);
        Some(Self(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

/// A key encrypted under the key above it; text, safe to store beside the data it does not open by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey(String);

impl WrappedKey {
    /// Takes a wrapped key back from where it was kept.
    ///
    /// # Errors
    /// [`Error::MalformedKey`] when the text is not a wrapped key of a known version.
    pub fn parse(text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        let bytes = BASE64.decode(&text).map_err(|_| Error::MalformedKey("wrapped key is not base64"))?;
        match bytes.first() {
            _ if bytes.len() != WRAPPED_BYTES => Err(Error::MalformedKey("wrapped key has the wrong length")),
            Some(&WRAP_VERSION) => Ok(Self(text)),
            _ => Err(Error::MalformedKey("wrapped key has an unknown version")),
        }
    }

    /// The base64 text to keep.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key above all others; one per installation.
pub struct RootKey(pub(super) Secret);

#[cfg(test)]
impl RootKey {
    /// A short name of this key, to compare keys by.
    pub fn fingerprint(&self) -> String {
        use aws_lc_rs::hmac;
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.bytes());
        hex(&hmac::sign(&key, b"fingerprint").as_ref()[..8])
    }
}

/// The key of one End User.
pub struct EndUserKey {
    secret: Secret,
    account: String,
}

impl EndUserKey {
    /// A new random key for an account (its textual identifier).
    ///
    /// # Errors
    /// [`Error::Crypto`] when the system gives no randomness.
    pub fn generate(account: &str) -> Result<Self, Error> {
        Ok(Self { secret: Secret::random()?, account: account.to_owned() })
    }

    /// This key under the root key.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the system gives no randomness.
    pub fn wrap(&self, root: &RootKey) -> Result<WrappedKey, Error> {
        wrap(&root.0, &self.secret, "end-user-key", &self.account)
    }

    /// The key of `account` out of its wrapping.
    ///
    /// # Errors
    /// [`Error::WrongKey`] when wrapped under another root key or for another account, or altered.
    pub fn unwrap(wrapped: &WrappedKey, root: &RootKey, account: &str) -> Result<Self, Error> {
        let secret = unwrap(&root.0, wrapped, "end-user-key", account)?;
        Ok(Self { secret, account: account.to_owned() })
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.secret
    }

    pub(super) fn account(&self) -> &str {
        &self.account
    }
}

/// The key of one item of AIH Data. It knows its item, and everything sealed with it is bound to that item.
pub struct ItemKey {
    secret: Secret,
    item: String,
}

impl ItemKey {
    /// A new random key for an item (its AIH Data ID).
    ///
    /// # Errors
    /// [`Error::Crypto`] when the system gives no randomness.
    pub fn generate(item: &str) -> Result<Self, Error> {
        Ok(Self { secret: Secret::random()?, item: item.to_owned() })
    }

    /// This key under its End User's key. Deleting the result, and every copy of it, erases the item.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the system gives no randomness.
    pub fn wrap(&self, owner: &EndUserKey) -> Result<WrappedKey, Error> {
        wrap(&owner.secret, &self.secret, "item-key", &self.item)
    }

    /// The key of `item` out of its wrapping.
    ///
    /// # Errors
    /// [`Error::WrongKey`] when wrapped under another End User's key or for another item, or altered.
    pub fn unwrap(wrapped: &WrappedKey, owner: &EndUserKey, item: &str) -> Result<Self, Error> {
        let secret = unwrap(&owner.secret, wrapped, "item-key", item)?;
        Ok(Self { secret, item: item.to_owned() })
    }

    pub(super) fn item(&self) -> &str {
        &self.item
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        self.secret.bytes()
    }
}

/// Printing a key prints its kind, so that structures holding one can still be printed.
macro_rules! print_only_the_kind {
    ($($kind:ident),*) => {$(
        impl fmt::Debug for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($kind), "(secret)"))
            }
        }
    )*};
}
print_only_the_kind!(RootKey, EndUserKey, ItemKey);

/// AES-256-GCM under `key`.
pub(super) fn cipher(key: &[u8; KEY_BYTES]) -> Result<LessSafeKey, Error> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| Error::Crypto("setting up a cipher"))?;
    Ok(LessSafeKey::new(key))
}

/// Purposes contain no NUL and the owner comes last, so no two pairs give the same bytes.
fn binding(purpose: &str, owner: &str) -> Aad<Vec<u8>> {
    Aad::from([b"health back end wrapped key 1\0", purpose.as_bytes(), b"\0", owner.as_bytes()].concat())
}

pub(super) fn wrap(outer: &Secret, inner: &Secret, purpose: &str, owner: &str) -> Result<WrappedKey, Error> {
    let mut nonce = [0; NONCE_LEN];
    rand::fill(&mut nonce).map_err(|_| Error::Crypto("wrapping a key"))?;
    // Wiped on drop: until sealed, this copy is the key itself.
    let mut body = Zeroizing::new(*inner.bytes());
    let tag = cipher(outer.bytes())?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), binding(purpose, owner), &mut body[..])
        .map_err(|_| Error::Crypto("wrapping a key"))?;
    let bytes = [&[WRAP_VERSION][..], &nonce, &body[..], tag.as_ref()].concat();
    Ok(WrappedKey(BASE64.encode(bytes)))
}

pub(super) fn unwrap(outer: &Secret, wrapped: &WrappedKey, purpose: &str, owner: &str) -> Result<Secret, Error> {
    const REFUSED: Error = Error::WrongKey { what: "wrapped key" };
    let mut bytes = Zeroizing::new(BASE64.decode(&wrapped.0).map_err(|_| REFUSED)?);
    let (head, body) = bytes.split_at_mut_checked(1 + NONCE_LEN).ok_or(REFUSED)?;
    let nonce = Nonce::try_assume_unique_for_key(&head[1..]).map_err(|_| REFUSED)?;
    let key = cipher(outer.bytes())?.open_in_place(nonce, binding(purpose, owner), body).map_err(|_| REFUSED)?;
    Secret::copy_of(key).ok_or(REFUSED)
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Not reachable through the types, which is why it is tried below them.
    #[test]
    fn a_key_wrapped_for_one_purpose_does_not_open_for_another() {
        let (outer, inner) = (Secret::random().unwrap(), Secret::random().unwrap());
        let wrapped = wrap(&outer, &inner, "item-key", "x").unwrap();
        assert!(unwrap(&outer, &wrapped, "item-key", "x").is_ok());
        assert!(matches!(unwrap(&outer, &wrapped, "end-user-key", "x"), Err(Error::WrongKey { .. })));
    }
}
