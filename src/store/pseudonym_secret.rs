//! The secret of one End User that pseudonyms are made from, and the key of one recipient's pseudonyms.
//!
//! ```text
//!   End-User key ── wraps ──> pseudonym secret ── HKDF-SHA-256, info = recipient's account ──> key of their pseudonyms
//! ```
//!
//! The same recipient always gets the same key, so one person keeps one pseudonym over all items of an End User; two
//! recipients get keys that say nothing about each other. HKDF: RFC 5869.

use std::fmt;

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

use super::{
    error::Error,
    keys::{EndUserKey, KEY_BYTES, Secret, WrappedKey, unwrap, wrap},
};

const PURPOSE: &str = "pseudonym-secret";
const SALT: &[u8] = b"health back end pseudonyms 1";

/// What the pseudonyms of one End User are made from.
pub struct PseudonymSecret {
    secret: Secret,
}

/// Length of a derived key.
struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        KEY_BYTES
    }
}

impl PseudonymSecret {
    /// A new random secret.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the system gives no randomness.
    pub fn generate() -> Result<Self, Error> {
        Ok(Self { secret: Secret::random()? })
    }

    /// This secret under its End User's key.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the system gives no randomness.
    pub fn wrap(&self, owner: &EndUserKey) -> Result<WrappedKey, Error> {
        wrap(owner.secret(), &self.secret, PURPOSE, owner.account())
    }

    /// The secret of an End User out of its wrapping.
    ///
    /// # Errors
    /// [`Error::WrongKey`] when wrapped under another End User's key, or altered.
    pub fn unwrap(wrapped: &WrappedKey, owner: &EndUserKey) -> Result<Self, Error> {
        Ok(Self { secret: unwrap(owner.secret(), wrapped, PURPOSE, owner.account())? })
    }

    /// The key of the pseudonyms one recipient sees; `recipient` is an account in its one spelling.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the library refuses.
    pub fn key_for(&self, recipient: &str) -> Result<Zeroizing<[u8; KEY_BYTES]>, Error> {
        const REFUSED: Error = Error::Crypto("deriving a key of pseudonyms");
        let extracted = Salt::new(HKDF_SHA256, SALT).extract(self.secret.bytes());
        let info = [recipient.as_bytes()];
        let expanded = extracted.expand(&info, KeyLength).map_err(|_| REFUSED)?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        expanded.fill(&mut key[..]).map_err(|_| REFUSED)?;
        Ok(key)
    }
}

impl fmt::Debug for PseudonymSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymSecret(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_recipient_has_one_key_of_their_own() {
        let ada = EndUserKey::generate("ada").unwrap();
        let secret = PseudonymSecret::generate().unwrap();
        let again = PseudonymSecret::unwrap(&secret.wrap(&ada).unwrap(), &ada).unwrap();
        assert_eq!(secret.key_for("clinic").unwrap(), again.key_for("clinic").unwrap());
        assert_ne!(secret.key_for("clinic").unwrap(), secret.key_for("institute").unwrap());
        let other = PseudonymSecret::generate().unwrap();
        assert_ne!(secret.key_for("clinic").unwrap(), other.key_for("clinic").unwrap());
    }

    #[test]
    fn it_opens_for_its_end_user_only() {
        let (ada, bob) = (EndUserKey::generate("ada").unwrap(), EndUserKey::generate("bob").unwrap());
        let wrapped = PseudonymSecret::generate().unwrap().wrap(&ada).unwrap();
        assert!(PseudonymSecret::unwrap(&wrapped, &bob).is_err());
        assert!(super::super::keys::ItemKey::unwrap(&wrapped, &ada, "ada").is_err(), "it is no item key");
    }
}
