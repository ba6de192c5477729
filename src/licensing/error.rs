//! Why the gate gave no answer. A denial is an answer and not among these.

use crate::chain::ChainError;

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
    Refused(String),
}
