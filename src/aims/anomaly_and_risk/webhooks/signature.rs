//! Signatures of what is sent, after Standard Webhooks (<https://www.standardwebhooks.com>): HMAC-SHA256 over
//! `id.timestamp.body`, so that a receiver can tell our messages from others', altered ones, and old ones sent again.
//!
//! | Header | Holds |
//! | --- | --- |
//! | `webhook-id` | the message's ID; the same at every attempt |
//! | `webhook-timestamp` | when this attempt was signed, seconds since 1970 |
//! | `webhook-signature` | `v1,<base64>`; two of them, a space between, while a secret is being replaced |
//!
//! A secret is 32 random bytes, shown as `whsec_` and base64.

use aws_lc_rs::{hmac, rand};
use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

/// Header with the message's ID.
pub const ID: &str = "webhook-id";
/// Header with the time of signing.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// Header with the signatures.
pub const SIGNATURE: &str = "webhook-signature";

const PREFIX: &str = "whsec_";
const SECRET_BYTES: usize = 32;
/// How old, or how far in the future, a message may be, in seconds.
const TOLERANCE_SECONDS: u64 = 300;

/// Why a message is not taken for one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The secret is not `whsec_` and base64 of 24 to 64 bytes.
    #[error("this is not a webhook secret")]
    Secret,
    /// A header is missing or not of its form.
    #[error("a header is missing or not of its form")]
    Header,
    /// Older or newer than it may be.
    #[error("the message was signed too long ago, or in the future")]
    Time,
    /// Signed by another secret, or altered.
    #[error("the signature does not fit")]
    Signature,
    /// The system gives no randomness.
    #[error("there is no randomness")]
    Randomness,
}

/// What messages are signed with. Wiped from memory on drop; prints nothing of itself.
pub struct Secret(Zeroizing<Vec<u8>>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// [`SignatureError::Randomness`].
    pub fn generate() -> Result<Self, SignatureError> {
        let mut bytes = Zeroizing::new(vec![0; SECRET_BYTES]);
        rand::fill(&mut bytes).map_err(|_| SignatureError::Randomness)?;
        Ok(Self(bytes))
    }

    /// From its text.
    ///
    /// # Errors
    /// [`SignatureError::Secret`].
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(SignatureError::Secret)?;
        let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| SignatureError::Secret)?);
        // As the specification bounds them.
        if (24..=64).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(SignatureError::Secret) }
    }

    /// Its text, as its owner gets to see it once.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{PREFIX}{}", STANDARD.encode(&*self.0)))
    }

    /// The signature of a message: `v1,<base64>`.
    pub fn sign(&self, id: &str, timestamp: u64, body: &str) -> String {
        format!("v1,{}", STANDARD.encode(hmac::sign(&self.key(), signed(id, timestamp, body).as_bytes())))
    }

    /// Checks a message that was received at `now` (seconds since 1970).
    ///
    /// # Errors
    /// [`SignatureError`], except for what concerns secrets.
    pub fn verify(&self, headers: &Received<'_>, body: &str, now: u64) -> Result<(), SignatureError> {
        let timestamp: u64 = headers.timestamp.parse().map_err(|_| SignatureError::Header)?;
        if timestamp.abs_diff(now) > TOLERANCE_SECONDS {
            return Err(SignatureError::Time);
        }
        let message = signed(headers.id, timestamp, body);
        let given = headers.signature.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
        // Compared in constant time.
        match given.into_iter().any(|tag| hmac::verify(&self.key(), message.as_bytes(), &tag).is_ok()) {
            true => Ok(()),
            false => Err(SignatureError::Signature),
        }
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }
}

/// The three headers of a message.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// `webhook-id`
    pub id: &'a str,
    /// `webhook-timestamp`
    pub timestamp: &'a str,
    /// `webhook-signature`
    pub signature: &'a str,
}

fn signed(id: &str, timestamp: u64, body: &str) -> String {
    format!("{id}.{timestamp}.{body}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the specification's reference libraries.
    #[test]
    fn the_published_example_is_signed_as_published() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn altered_old_and_foreign_messages_are_refused() {
        let (own, other) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        let signature = own.sign("id", 1_000, "{}");
        let both = format!("{} {signature}", other.sign("id", 1_000, "{}"));
        let check =
            |id, timestamp, signature: &str, body, now| own.verify(&Received { id, timestamp, signature }, body, now);
        assert_eq!(check("id", "1000", &signature, "{}", 1_300), Ok(()));
        assert_eq!(check("id", "1000", &both, "{}", 700), Ok(()));
        assert_eq!(check("id", "1000", &signature, "{}", 1_301), Err(SignatureError::Time));
        assert_eq!(check("id", "1000", &signature, "{}", 699), Err(SignatureError::Time));
        assert_eq!(check("id", "1001", &signature, "{}", 1_000), Err(SignatureError::Signature));
        assert_eq!(check("other", "1000", &signature, "{}", 1_000), Err(SignatureError::Signature));
        assert_eq!(check("id", "1000", &signature, "{ }", 1_000), Err(SignatureError::Signature));
        assert_eq!(check("id", "soon", &signature, "{}", 1_000), Err(SignatureError::Header));
        for bad in ["", "v1,", "v1,AAAA", &signature[3..], &signature.replace("v1", "v2")] {
            assert_eq!(check("id", "1000", bad, "{}", 1_000), Err(SignatureError::Signature), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_told_once_and_never_printed() {
        let secret = Secret::generate().unwrap();
        let text = secret.text();
        assert_eq!(Secret::parse(&text).unwrap().text(), text);
        assert!(!format!("{secret:?}").contains(&text[6..20]));
        for bad in ["", "whsec_", "whsec_AAAA", &text[6..], "whsec_§"] {
            assert_eq!(Secret::parse(bad).unwrap_err(), SignatureError::Secret, "{bad}");
        }
    }
}
