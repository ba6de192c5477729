//! Why the doorkeeper does not let somebody in.

use crate::{
    db::DbError,
    licensing::{ChainError, LicensingError},
    store,
};

/// Why somebody is not let in, or why it cannot be decided.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The proof does not show that the account is held.
    #[error(transparent)]
    Proof(#[from] ProofRefused),
    /// The Token does not open anything.
    #[error(transparent)]
    Token(#[from] TokenRefused),
    /// The account is not registered here.
    #[error("the account is not registered with this Back End")]
    NotRegistered,
    /// The account is registered; nobody vouched for its class yet.
    #[error("a registrar has not vouched for the account yet")]
    Pending,
    /// The account is suspended on chain.
    #[error("the account is suspended")]
    Suspended,
    /// None of the services asked for is open to the account.
    #[error("none of the services asked for is open to users of the class {0}")]
    NoService(String),
    /// The key that signs Tokens cannot be used.
    #[error(transparent)]
    Key(#[from] super::signing_key::KeyError),
    /// The gate.
    #[error(transparent)]
    Licensing(#[from] LicensingError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// Sealing or opening failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<ChainError> for AccessError {
    fn from(error: ChainError) -> Self {
        Self::Licensing(error.into())
    }
}

/// Why a proof is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofRefused {
    /// There is none.
    #[error("a proof is needed: the signature of a challenge")]
    Absent,
    /// Not an EIP-4361 message.
    #[error("the message signed is not a challenge of this Back End")]
    Malformed,
    /// For another chain.
    #[error("the message signed is for another chain")]
    OtherChain,
    /// For another address of the web.
    #[error("the message signed is for another Back End")]
    OtherOrigin,
    /// Not by the account.
    #[error("the signature is not by the account")]
    OtherSigner,
    /// Unknown, used before, or expired.
    #[error("the challenge is unknown, was used before, or has expired")]
    Stale,
    /// For another account than the message is about.
    #[error("the proof is by another account than the message names")]
    OtherAccount,
}

/// Why a Token is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefused {
    /// Not a Token of this Back End: form, algorithm, key, issuer or audience.
    #[error("the Token is not one of this Back End")]
    Foreign,
    /// Its time is over.
    #[error("the Token has expired")]
    Expired,
    /// It was withdrawn.
    #[error("the Token was withdrawn")]
    Withdrawn,
    /// It was given to an operator, who is none any more.
    #[error("the Token was given for the role of OPERATOR, which the account does not hold any more")]
    RoleTaken,
}
