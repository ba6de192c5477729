//! Why a room did not do what it was asked. A denial by the chain is an answer and not among these.

use crate::{
    aims::anomaly_and_risk::webhooks::target::TargetError,
    db::DbError,
    domain::verdict::Verdict,
    licensing::{LicensingError, permit::PermitError, terms},
    mpai_store::models::ModelError,
    schema::{TermsRefused, Violation},
    store,
};

/// Why a room did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AimError {
    /// There is no such item, or none this requester may know of.
    #[error("there is no such item")]
    NotFound,
    /// The message contradicts itself or who sent it.
    #[error("{pointer}: {reason}")]
    Refused {
        /// Where, as a JSON pointer.
        pointer: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// The parameters are not as the AI Module declares.
    #[error("the parameters are not as the AI Module declares: {} violations", .0.len())]
    Parameters(Vec<Violation>),
    /// The Model Licence cannot be expressed.
    #[error("{pointer}: {reason}")]
    Terms {
        /// Where in the Model Licence, as a JSON pointer.
        pointer: String,
        /// Why.
        reason: String,
    },
    /// The item or message is there already, and differs.
    #[error("{0}")]
    Conflict(&'static str),
    /// The item was erased.
    #[error("the item was erased")]
    Erased,
    /// No AI Module does this on this data.
    #[error("no AIM in the Store performs this on this format")]
    NoModule,
    /// A technique, or an algorithm by another name, is not offered for this data.
    #[error("{0}")]
    NotOffered(String),
    /// The payload cannot be processed.
    #[error("the data cannot be processed: {0}")]
    Unprocessable(String),
    /// Processed, but the licence no longer permits handing out the result.
    #[error("the licence was withdrawn or has ended meanwhile; the result is withheld")]
    Withheld(Verdict),
    /// A webhook may not point there.
    #[error("{0}")]
    Target(TargetError),
    /// Named by the End User, but not covered by a grant that names anomaly types.
    #[error("this takes a licence to receive what was found")]
    NotCovered,
    /// A model, or its file.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A permit was presented for something it does not cover.
    #[error(transparent)]
    Permit(#[from] PermitError),
    /// The gate gave no answer.
    #[error(transparent)]
    Licensing(#[from] LicensingError),
    /// The object store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The cellar.
    #[error(transparent)]
    Database(#[from] DbError),
    /// As much of this requester waits as of anybody may.
    #[error("too many of your jobs wait or run")]
    Busy,
    /// The house is being taken down.
    #[error("this Back End is shutting down; the same message may be sent again")]
    Ending,
    /// More than one answer holds.
    #[error("{0}")]
    TooMany(String),
    /// The copy of the chain's register contradicts itself.
    #[error("the copy of the chain's register is damaged: {0}")]
    Index(String),
    /// The child process that runs AI Modules.
    #[error("the AI Module's process failed: {0}")]
    Worker(String),
}

impl From<TermsRefused> for AimError {
    fn from(refused: TermsRefused) -> Self {
        Self::Terms { pointer: refused.pointer, reason: refused.reason.to_string() }
    }
}

impl From<terms::TermsRefused> for AimError {
    fn from(refused: terms::TermsRefused) -> Self {
        Self::Terms { pointer: refused.pointer, reason: refused.reason }
    }
}
