//! Small texts sealed directly under a key of the hierarchy: a person's profile under their End-User key, kept answers
//! under the root key, what was found in an item or leads back from a treated copy under the item's. For what fits a
//! column; payloads are objects.
//!
//! ```text
//!   base64( version 1 · nonce 12 · encrypted text · tag 16 )
//! ```
//!
//! The associated data names purpose and owner, so a sealed text copied into another row does not open there. It differs
//! from that of wrapped keys, so neither can pass for the other.

use aws_lc_rs::{
    aead::{Aad, NONCE_LEN, Nonce},
    hkdf, hmac, rand,
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use zeroize::Zeroizing;

use super::{
    error::Error,
    keys::{EndUserKey, ItemKey, KEY_BYTES, RootKey, Secret, cipher},
};

const VERSION: u8 = 1;
const REFUSED: Error = Error::WrongKey { what: "sealed text" };

impl EndUserKey {
    /// Seals a text of this End User. `purpose` is a fixed word without NUL.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the system gives no randomness.
    pub fn seal_text(&self, purpose: &str, text: &str) -> Result<String, Error> {
        seal(self.secret(), purpose, self.account(), text.as_bytes())
    }

    /// Opens a text sealed by [`EndUserKey::seal_text`].
    ///
    /// # Errors
    /// [`Error::WrongKey`] when sealed under another key or for another purpose or person, or altered.
    pub fn open_text(&self, purpose: &str, sealed: &str) -> Result<Zeroizing<String>, Error> {
        text(open(self.secret(), purpose, self.account(), sealed)?)
    }
}

/// Texts about an item are sealed under a key derived from the item's, which itself only derives others: when the item
/// is erased, what was written about it goes with it.
impl ItemKey {
    /// Seals a text about this item. `purpose` is a fixed word without NUL.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the system gives no randomness.
    pub fn seal_text(&self, purpose: &str, text: &str) -> Result<String, Error> {
        seal(&self.text_key()?, purpose, self.item(), text.as_bytes())
    }

    /// Opens a text sealed by [`ItemKey::seal_text`].
    ///
    /// # Errors
    /// [`Error::WrongKey`] when sealed under another key or for another purpose or item, or altered.
    pub fn open_text(&self, purpose: &str, sealed: &str) -> Result<Zeroizing<String>, Error> {
        text(open(&self.text_key()?, purpose, self.item(), sealed)?)
    }

    /// A name for a text about this item that the same text always gets, and that tells nothing of it to anybody
    /// without the key.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the key cannot be derived.
    pub fn name_text(&self, purpose: &str, text: &str) -> Result<[u8; 16], Error> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.text_key()?.bytes());
        let tag = hmac::sign(&key, &[b"name\0", purpose.as_bytes(), b"\0", text.as_bytes()].concat());
        let mut name = [0; 16];
        name.copy_from_slice(&tag.as_ref()[..16]);
        Ok(name)
    }

    fn text_key(&self) -> Result<Secret, Error> {
        let mut derived = Zeroizing::new([0; KEY_BYTES]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"health back end texts about an item 1")
            .extract(self.bytes())
            .expand(&[self.item().as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut derived[..]))
            .map_err(|_| Error::Crypto("deriving a key"))?;
        Secret::copy_of(&derived[..]).ok_or(Error::Crypto("deriving a key"))
    }
}

impl RootKey {
    /// Seals bytes of this Back End itself; `owner` names the row they belong to.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the system gives no randomness.
    pub fn seal_bytes(&self, purpose: &str, owner: &str, bytes: &[u8]) -> Result<String, Error> {
        seal(&self.0, purpose, owner, bytes)
    }

    /// Opens what [`RootKey::seal_bytes`] sealed.
    ///
    /// # Errors
    /// [`Error::WrongKey`] when sealed under another key or for another purpose or row, or altered.
    pub fn open_bytes(&self, purpose: &str, owner: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        open(&self.0, purpose, owner, sealed)
    }
}

fn text(mut bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<String>, Error> {
    String::from_utf8(std::mem::take(&mut *bytes)).map(Zeroizing::new).map_err(|_| REFUSED)
}

/// Purposes contain no NUL and the owner comes last, so no two pairs give the same bytes.
fn binding(purpose: &str, owner: &str) -> Aad<Vec<u8>> {
    Aad::from([b"health back end sealed text 1\0", purpose.as_bytes(), b"\0", owner.as_bytes()].concat())
}

fn seal(key: &Secret, purpose: &str, owner: &str, plain: &[u8]) -> Result<String, Error> {
    let mut nonce = [0; NONCE_LEN];
    rand::fill(&mut nonce).map_err(|_| Error::Crypto("sealing a text"))?;
    let mut body = Zeroizing::new(plain.to_vec());
    let tag = cipher(key.bytes())?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), binding(purpose, owner), &mut body[..])
        .map_err(|_| Error::Crypto("sealing a text"))?;
    Ok(BASE64.encode([&[VERSION][..], &nonce, &body[..], tag.as_ref()].concat()))
}

fn open(key: &Secret, purpose: &str, owner: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::new(BASE64.decode(sealed).map_err(|_| REFUSED)?);
    let (head, body) = bytes.split_at_mut_checked(1 + NONCE_LEN).ok_or(REFUSED)?;
    if head[0] != VERSION {
        return Err(REFUSED);
    }
    let nonce = Nonce::try_assume_unique_for_key(&head[1..]).map_err(|_| REFUSED)?;
    let plain = cipher(key.bytes())?.open_in_place(nonce, binding(purpose, owner), body).map_err(|_| REFUSED)?;
    Ok(Zeroizing::new(plain.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_opens_for_its_purpose_and_person_only() {
        let (ada, bob) = (EndUserKey::generate("ada").unwrap(), EndUserKey::generate("bob").unwrap());
        let sealed = ada.seal_text("profile", "Lovelace").unwrap();
        assert!(!sealed.contains("Lovelace"));
        assert_eq!(ada.open_text("profile", &sealed).unwrap().as_str(), "Lovelace");
        assert!(ada.open_text("letter", &sealed).is_err());
        assert!(bob.open_text("profile", &sealed).is_err());
        assert_ne!(sealed, ada.seal_text("profile", "Lovelace").unwrap());
    }

    #[test]
    fn altered_or_short_texts_do_not_open() {
        let ada = EndUserKey::generate("ada").unwrap();
        let sealed = BASE64.decode(ada.seal_text("profile", "Lovelace").unwrap()).unwrap();
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            assert!(ada.open_text("profile", &BASE64.encode(altered)).is_err(), "byte {place}");
            assert!(ada.open_text("profile", &BASE64.encode(&sealed[..place])).is_err(), "{place} bytes");
        }
    }

    #[test]
    fn what_is_said_of_an_item_opens_under_its_key_only() {
        let (one, other) = (ItemKey::generate("one").unwrap(), ItemKey::generate("other").unwrap());
        let sealed = one.seal_text("finding", "a pause").unwrap();
        assert!(!sealed.contains("pause"));
        assert_eq!(one.open_text("finding", &sealed).unwrap().as_str(), "a pause");
        assert!(one.open_text("report", &sealed).is_err() && other.open_text("finding", &sealed).is_err());
        let name = one.name_text("finding", "a pause").unwrap();
        assert_eq!(name, one.name_text("finding", "a pause").unwrap());
        assert_ne!(name, one.name_text("finding", "another").unwrap());
        assert_ne!(name, other.name_text("finding", "a pause").unwrap());
    }

    #[test]
    fn bytes_of_the_house_open_in_their_row_only() {
        let root = RootKey::from_base64(&BASE64.encode([7; 32])).unwrap();
        let sealed = root.seal_bytes("answer", "row 1", b"\xff\x00").unwrap();
        assert_eq!(root.open_bytes("answer", "row 1", &sealed).unwrap().as_slice(), b"\xff\x00");
        assert!(root.open_bytes("answer", "row 2", &sealed).is_err());
    }
}
