//! Why the gate gave no answer. A denial is an answer and not among these.

use crate::chain::{ChainError, Refusal};

use super::{queue::QueueError, vigil::Doubt};

/// Why the gate gave no answer, or could not act.
#[derive(Debug, thiserror::Error)]
pub enum LicensingError {
    /// There is a reason to distrust the chain or our picture of it.
    #[error(transparent)]
    Doubt(#[from] Doubt),
    /// The queue is full, closed, or the deadline passed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The chain refused or does not answer.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The registry did not do what was asked of it.
    #[error("the registry refused: {0}")]
    Refused(Refusal),
}

impl LicensingError {
    /// The contract's reason, when it was the contract that refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal)
            | Self::Queue(QueueError::Refused(refusal))
            | Self::Chain(ChainError::Refused(refusal)) => Some(refusal),
            Self::Doubt(_) | Self::Queue(_) | Self::Chain(_) => None,
        }
    }
}
