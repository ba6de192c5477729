//! What can go wrong between us and the chain.

use alloy::{
    primitives::{Address, B256, Bytes},
    transports::{RpcError, TransportErrorKind},
};

/// A failure of the chain or of our picture of it. None of these is ever taken for a permission.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The node did not answer, or answered with an error.
    #[error("the chain does not answer")]
    Unavailable(#[source] RpcError<TransportErrorKind>),
    /// The node did not answer in time.
    #[error("the chain did not answer within {0:?}")]
    Timeout(std::time::Duration),
    /// The node serves another chain than ours.
    #[error("the node serves chain {found}, not chain {expected}")]
    WrongChain {
        /// Chain id configured or recorded.
        expected: u64,
        /// Chain id the node gave.
        found: u64,
    },
    /// There is no registry at the address, or another program than ours.
    #[error(
        "the code at {address} is not the LicenceRegistry of this Back End (found code hash {found}, expected {expected})"
    )]
    ChangedCode {
        /// Where the registry should be.
        address: Address,
        /// keccak256 of the code expected.
        expected: B256,
        /// keccak256 of the code found.
        found: B256,
    },
    /// The contract refused.
    #[error("the registry refused: {0}")]
    Refused(Refusal),
    /// The node did not take a transaction, because the contract would refuse it: nothing was mined.
    #[error("the node did not take the transaction: {0}")]
    Declined(Refusal),
    /// The newest block is older than blocks of this chain may be.
    #[error("the newest block is {seconds} s old")]
    Old {
        /// Our time less that of the block, in seconds.
        seconds: u64,
    },
    /// A transaction was mined but failed without a reason we can decode.
    #[error("transaction {0} failed on chain")]
    Failed(B256),
    /// The chain's clock and ours are too far apart to judge a window.
    #[error("the chain's clock is {seconds} s away from ours")]
    ClockSkew {
        /// Chain time less our time, in seconds.
        seconds: i64,
    },
    /// The node's answer contradicts itself or the contract.
    #[error("the node's answer is not what the contract gives: {0}")]
    Contradiction(String),
    /// The transaction is not known to be mined; it may still be.
    #[error("transaction {0} is not mined yet")]
    Pending(B256),
    /// Another transaction used the nonce of this one.
    #[error("another transaction took the place of transaction {0}")]
    Overtaken(B256),
    /// The key cannot sign.
    #[error("the operator key cannot sign: {0}")]
    Signer(#[from] alloy::signers::Error),
}

/// Why the contract refused, decoded through its typed interface.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The signature is not the End User's for exactly this content.
    #[error("the signature is not the End User's for exactly this content")]
    InvalidSignature,
    /// The item has another licence already.
    #[error("the item has another licence already")]
    AlreadyLicensed,
    /// The item has no licence.
    #[error("the item has no licence")]
    NoLicence,
    /// Signed for another moment in the item's history.
    #[error("signed for moment {given} in the item's history, which has reached {expected}")]
    StaleSequence {
        /// Events the chain has seen.
        expected: u64,
        /// Events the signature speaks of.
        given: u64,
    },
    /// Withdrawn, or given up, before.
    #[error("it was withdrawn before")]
    AlreadyRevoked,
    /// The parent's licence does not stand.
    #[error("the licence it would derive from does not stand")]
    ParentNotStanding,
    /// A custom error of the contracts that callers do not tell apart: its name and arguments.
    #[error("{0}")]
    Other(String),
    /// Revert data that no error of ours decodes.
    #[error("unknown reason {0}")]
    Unknown(Bytes),
}

impl ChainError {
    /// Whether the node answered and declined, as it does when a question is too large; or took too long over it. A
    /// smaller question may succeed.
    pub fn is_too_much(&self) -> bool {
        match self {
            Self::Unavailable(error) => error.is_error_resp(),
            Self::Timeout(_) => true,
            _ => false,
        }
    }
}

impl From<RpcError<TransportErrorKind>> for ChainError {
    fn from(error: RpcError<TransportErrorKind>) -> Self {
        match error.as_error_resp().and_then(|response| response.as_revert_data()) {
            Some(data) => Self::Refused(super::convert::refusal(&data)),
            None => Self::Unavailable(without_address(error)),
        }
    }
}

/// A node's address often holds a key, which must not reach the log.
fn without_address(error: RpcError<TransportErrorKind>) -> RpcError<TransportErrorKind> {
    let RpcError::Transport(TransportErrorKind::Custom(inner)) = error else { return error };
    let inner = match inner.downcast::<reqwest::Error>() {
        Ok(error) => Box::new(error.without_url()),
        Err(inner) => inner,
    };
    RpcError::Transport(TransportErrorKind::Custom(inner))
}
