//! **Training** on a Front End's own recordings, which never leave it.
//!
//! ```text
//! recording + labels ─▶ windows ─┐                                   ┌─▶ answer: model, data, samples, signature
//! open request ─▶ model ─ digest, signature, OPERATOR role ─▶ train ─┘
//! ```
//!
//! | File | What |
//! | --- | --- |
//! | [`recordings`] | labelled windows from EDF+ annotations or a `.atr` file |
//! | [`learner`] | gradient and optimiser |
//! | [`session`] | the conversation with the Back End |

pub mod learner;
pub mod recordings;
pub mod session;

#[cfg(test)]
mod tests;

/// Why there is no trained model.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// A recording cannot be read.
    #[error("{path}: {reason}")]
    Recording {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        reason: String,
    },
    /// A model.
    #[error(transparent)]
    Model(#[from] crate::mpai_store::models::ModelError),
    /// The Back End.
    #[error(transparent)]
    Client(#[from] super::client::ClientError),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] crate::chain::ChainError),
    /// The key cannot sign.
    #[error("the key cannot sign")]
    Key(#[from] alloy::signers::Error),
    /// There is nothing to do.
    #[error("{0}")]
    Nothing(&'static str),
    /// The model is not one to be trusted.
    #[error("the model is refused: {0}")]
    Untrusted(&'static str),
}
