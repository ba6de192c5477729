//! Proofs that somebody holds an account (EIP-4361, "Sign-In with Ethereum"): a text of ours, signed by them, taken once.

use std::str::FromStr;

use alloy::primitives::{Address, Bytes, eip191_hash_message};
use axum::http::uri::{Authority, Uri};
use signinwithethereum::{Message, TimeStamp, Version, generate_nonce};
use time::OffsetDateTime;

use super::{Access, AccessError, error::ProofRefused};
use crate::{
    db::challenges::{NewChallenge, TakenChallenge},
    domain::ids::UserId,
};

/// How long a challenge may be answered, in seconds.
pub const CHALLENGE_SECONDS: i64 = 300;
/// Longest proof looked at, in bytes.
const LONGEST_MESSAGE: usize = 2_048;
const STATEMENT: &str =
    "Show this Health Back End that you hold this account. This costs nothing and licenses nothing.";

/// Where a Back End is reached: the address that wallets show when they ask for a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    authority: String,
    uri: String,
}

/// A text that is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the address of a Back End, such as https://back-end.example")]
pub struct OriginError(String);

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let refuse = || OriginError(text.chars().take(100).collect());
        let uri: Uri = text.trim_end_matches('/').parse().map_err(|_| refuse())?;
        let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https")).ok_or_else(refuse)?;
        let authority = uri.authority().map(Authority::to_string).filter(|a| !a.contains('@')).ok_or_else(refuse)?;
        if uri.path() != "/" || uri.query().is_some() {
            return Err(refuse());
        }
        Ok(Self { uri: format!("{scheme}://{authority}/v1"), authority })
    }
}

/// A challenge to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The text to sign, byte for byte.
    pub message: String,
    /// First second since 1970 at which it is worthless.
    pub expires_at_s: i64,
}

impl Access {
    /// Gives out a challenge for an account on this chain.
    ///
    /// # Errors
    /// [`ProofRefused::OtherChain`], or that the database does not answer.
    pub async fn challenge(&self, account: UserId) -> Result<Challenge, AccessError> {
        if account.chain_id() != self.back_end().chain_id() {
            return Err(ProofRefused::OtherChain.into());
        }
        let now = self.now_s();
        let (nonce, expires_at_s) = (generate_nonce(), now + CHALLENGE_SECONDS);
        let message = self.text(account, &nonce, now, expires_at_s).ok_or(ProofRefused::Malformed)?.to_string();
        let challenge = NewChallenge { nonce, address: account, message: message.clone(), expires_at_s };
        self.inner.database.insert_challenge(&challenge).await?;
        Ok(Challenge { message, expires_at_s })
    }

    fn text(&self, account: UserId, nonce: &str, now: i64, expires_at: i64) -> Option<Message> {
        let time = |seconds| OffsetDateTime::from_unix_timestamp(seconds).ok().map(TimeStamp::from);
        Some(Message {
            scheme: None,
            domain: self.inner.origin.authority.parse().ok()?,
            address: account.address().into_array(),
            address_raw: None,
            statement: Some(STATEMENT.to_owned()),
            uri: self.inner.origin.uri.parse().ok()?,
            version: Version::V1,
            chain_id: account.chain_id(),
            nonce: nonce.to_owned(),
            issued_at: time(now)?,
            expiration_time: Some(time(expires_at)?),
            not_before: None,
            request_id: None,
            resources: Vec::new(),
            warnings: Vec::new(),
        })
    }

    /// Who signed this challenge. A good signature uses it up; a bad one does not, so nobody can spoil another's.
    ///
    /// # Errors
    /// [`ProofRefused`], or that chain or database do not answer.
    pub async fn prove(&self, text: &str, signature: &[u8]) -> Result<UserId, AccessError> {
        if text.len() > LONGEST_MESSAGE {
            return Err(ProofRefused::Malformed.into());
        }
        let message: Message = text.parse().map_err(|_| ProofRefused::Malformed)?;
        if message.chain_id != self.back_end().chain_id() {
            return Err(ProofRefused::OtherChain.into());
        }
        if message.domain.as_str() != self.inner.origin.authority || message.uri.as_str() != self.inner.origin.uri {
            return Err(ProofRefused::OtherOrigin.into());
        }
        let account = UserId::new(message.chain_id, Address::from(message.address));
        // What was signed must be what was given out, to the byte. Before that is known, nobody's contract is run.
        let is_it = |found: &TakenChallenge| found.message == text && found.address == account;
        let given_out = self.inner.database.find_challenge(&message.nonce, self.now_s()).await?;
        if !given_out.as_ref().is_some_and(is_it) {
            return Err(ProofRefused::Stale.into());
        }
        if !self.is_signed(&message, text, signature).await? {
            return Err(ProofRefused::OtherSigner.into());
        }
        match self.inner.database.take_challenge(&message.nonce, self.now_s()).await? {
            Some(taken) if is_it(&taken) => Ok(account),
            _ => Err(ProofRefused::Stale.into()),
        }
    }

    /// By the key of the account, or else accepted by the account's own code (ERC-1271).
    async fn is_signed(&self, message: &Message, text: &str, signature: &[u8]) -> Result<bool, AccessError> {
        if <&[u8; 65]>::try_from(signature).is_ok_and(|signature| message.verify_eip191(signature).is_ok()) {
            return Ok(true);
        }
        let (account, hash) = (Address::from(message.address), eip191_hash_message(text));
        let node = self.inner.licensing.node();
        Ok(node.accepts_signature(account, hash, Bytes::copy_from_slice(signature)).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_and_authority() {
        let origin: Origin = "https://back-end.example:8443/".parse().unwrap();
        assert_eq!(origin.authority, "back-end.example:8443");
        assert_eq!(origin.uri, "https://back-end.example:8443/v1");
        for bad in ["", "back-end.example", "ftp://x", "https://x/path", "https://x/?q=1", "https://me@x"] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }
}
