//! What goes wrong in the house, and the document each of it becomes. One exhaustive match per module's error: a new
//! error does not compile until somebody has said what the client gets to know. This is the one file of the door that
//! knows the errors of cellar and store by name; it knows nothing else of them.

use std::error::Error;

use axum::{
    extract::{
        multipart::{MultipartError, MultipartRejection},
        rejection::{PathRejection, QueryRejection},
    },
    http::{HeaderValue, header},
};

use super::{Kind, Problem};
use crate::{
    access::AccessError,
    aims::AimError,
    db::DbError,
    licensing::{
        ChainError, LicensingError, Refusal,
        confirm::{Denial, ReleaseError},
        permit::PermitError,
        queue::QueueError,
        terms,
        vigil::Doubt,
    },
    mpai_store::models::ModelError,
    schema::{ReadError, StrictError, TermsRefused, Violation, wire},
    store,
};

/// How soon to come back when the chain or a part of the house was away, in seconds.
const RETRY_SECONDS: u64 = 2;

fn chain_away(error: impl std::error::Error + Send + Sync + 'static) -> Problem {
    Problem::new(Kind::ChainUnavailable, error.to_string()).retry_after(RETRY_SECONDS).because(error)
}

impl From<StrictError> for Problem {
    fn from(error: StrictError) -> Self {
        let kind = match error {
            StrictError::TooLarge { .. } => Kind::PayloadTooLarge,
            StrictError::Encoding { .. }
            | StrictError::Syntax { .. }
            | StrictError::DuplicateKey { .. }
            | StrictError::TooDeep { .. } => Kind::MalformedRequest,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        let detail = error.to_string();
        match error {
            ReadError::Json(error) => error.into(),
            ReadError::Schema { violations, .. } => Self::new(Kind::SchemaViolation, detail).at(violations),
        }
    }
}

fn terms_refused(pointer: String, reason: String) -> Problem {
    let detail = format!("{pointer}: {reason}");
    Problem::new(Kind::UnsupportedTerms, detail).at(vec![Violation {
        pointer,
        keyword: "terms".to_owned(),
        message: reason,
    }])
}

impl From<TermsRefused> for Problem {
    fn from(error: TermsRefused) -> Self {
        terms_refused(error.pointer, error.reason)
    }
}

impl From<terms::TermsRefused> for Problem {
    fn from(error: terms::TermsRefused) -> Self {
        terms_refused(error.pointer, error.reason)
    }
}

impl From<Doubt> for Problem {
    fn from(doubt: Doubt) -> Self {
        match doubt {
            Doubt::IndexBehind(_) => {
                Self::new(Kind::IndexBehind, doubt.to_string()).retry_after(RETRY_SECONDS).because(doubt)
            }
            Doubt::ChainUnavailable
            | Doubt::WrongChain
            | Doubt::ChangedCode
            | Doubt::ClockSkew(_)
            | Doubt::Stale(_)
            | Doubt::Frozen(_)
            | Doubt::Old(_)
            | Doubt::NotVerified
            | Doubt::BrokenDown(_)
            | Doubt::Restoring
            | Doubt::RestoringUnknown => chain_away(doubt),
        }
    }
}

/// The contract's own reasons: those that a client can cause are told, any other is a mistake of ours.
fn refused(refusal: &Refusal) -> Problem {
    let kind = match refusal {
        Refusal::InvalidSignature | Refusal::StaleSequence { .. } => Kind::InvalidSignature,
        Refusal::AlreadyLicensed | Refusal::NoLicence | Refusal::AlreadyRevoked | Refusal::ParentNotStanding => {
            Kind::Conflict
        }
        Refusal::Other(_) | Refusal::Unknown(_) => {
            return Problem::new(Kind::Conflict, "The registry on chain refused.").because(refusal.clone());
        }
    };
    Problem::new(kind, format!("The registry on chain refused: {refusal}."))
}

impl From<ChainError> for Problem {
    fn from(error: ChainError) -> Self {
        match &error {
            ChainError::Refused(refusal) | ChainError::Declined(refusal) => refused(refusal),
            ChainError::Signer(_) => Self::internal(error),
            ChainError::Unavailable(_)
            | ChainError::Timeout(_)
            | ChainError::WrongChain { .. }
            | ChainError::ChangedCode { .. }
            | ChainError::Failed(_)
            | ChainError::ClockSkew { .. }
            | ChainError::Old { .. }
            | ChainError::Contradiction(_)
            | ChainError::Pending(_)
            | ChainError::Overtaken(_) => {
                Self::new(Kind::ChainUnavailable, "The chain gives no answer that could be relied on.")
                    .retry_after(RETRY_SECONDS)
                    .because(error)
            }
        }
    }
}

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        match &error {
            QueueError::Busy => Self::new(Kind::Busy, error.to_string()).retry_after(RETRY_SECONDS),
            QueueError::Refused(refusal) => refused(refusal),
            QueueError::Closed => Self::new(Kind::Unavailable, error.to_string()).retry_after(RETRY_SECONDS),
            QueueError::Deadline => chain_away(error),
            QueueError::NotRecorded(_) => Self::new(Kind::ChainUnavailable, "The chain did not record an answer.")
                .retry_after(RETRY_SECONDS)
                .because(error),
        }
    }
}

impl From<LicensingError> for Problem {
    fn from(error: LicensingError) -> Self {
        match error {
            LicensingError::Doubt(doubt) => doubt.into(),
            LicensingError::Queue(error) => error.into(),
            LicensingError::Chain(error) => error.into(),
            LicensingError::Refused(refusal) => refused(&refusal),
        }
    }
}

impl From<ReleaseError> for Problem {
    fn from(error: ReleaseError) -> Self {
        match error {
            ReleaseError::Withheld(verdict) => Self::denied(verdict, None),
            ReleaseError::Unknown(error) => error.into(),
        }
    }
}

impl From<PermitError> for Problem {
    fn from(error: PermitError) -> Self {
        match error {
            PermitError::Expired => Self::new(Kind::Timeout, error.to_string()),
            PermitError::OtherItem | PermitError::OtherOperation | PermitError::OtherRequester => Self::internal(error),
        }
    }
}

impl Problem {
    /// A recorded no, with its evidence on this chain.
    pub fn of_denial(denial: &Denial, chain_id: u64) -> Self {
        Self::denied(denial.verdict, Some(crate::api::evidence::to_wire(&denial.evidence, chain_id)))
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match &error {
            DbError::Unavailable(_) => {
                Self::new(Kind::Unavailable, "The database does not answer.").retry_after(RETRY_SECONDS).because(error)
            }
            DbError::Taken(_) => {
                Self::new(Kind::Conflict, "An identifier in the request is in use for something else.").because(error)
            }
            DbError::Nul(_) => Self::new(Kind::MalformedRequest, error.to_string()),
            DbError::WrongState { .. } => {
                Self::new(Kind::Conflict, "This is not in a state in which that is possible.").because(error)
            }
            DbError::Url(_)
            | DbError::Migrate(_)
            | DbError::Unrelated(_)
            | DbError::Rule(_)
            | DbError::Corrupt { .. }
            | DbError::OutOfRange { .. }
            | DbError::Affected { .. }
            | DbError::Statement(_) => Self::internal(error),
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match &error {
            store::Error::TooLarge { limit_bytes } => {
                Self::new(Kind::PayloadTooLarge, format!("The payload has more than {limit_bytes} bytes."))
            }
            store::Error::DiskFull(_) => {
                Self::new(Kind::InsufficientStorage, "The object store is full; nothing was kept.").because(error)
            }
            store::Error::OutOfRange { length } => {
                let problem = Self::new(Kind::RangeNotSatisfiable, format!("The payload has {length} bytes."));
                match HeaderValue::from_str(&format!("bytes */{length}")) {
                    Ok(value) => problem.with_header(header::CONTENT_RANGE, value),
                    Err(_) => problem,
                }
            }
            store::Error::Exists { .. } => Self::new(Kind::Conflict, "This is stored already.").because(error),
            store::Error::Input(_) => broken_off(error),
            // A payload that should be there and is not, or does not open, is damage: never told apart for a client.
            _ => Self::internal(error),
        }
    }
}

impl From<AimError> for Problem {
    fn from(error: AimError) -> Self {
        let detail = format!("{error}.");
        match error {
            AimError::NotFound => Self::nothing_here(),
            AimError::Refused { pointer, reason } => contradiction(pointer, reason),
            AimError::Parameters(violations) => Self::new(Kind::SchemaViolation, detail).at(violations),
            AimError::Terms { pointer, reason } => terms_refused(pointer, reason),
            AimError::Conflict(what) => Self::new(Kind::Conflict, format!("{what}.")),
            AimError::Target(error) => contradiction("/URL", &error.to_string()),
            AimError::NotCovered => Self::new(Kind::Forbidden, format!("{error}.")),
            AimError::Erased => Self::new(Kind::Gone, "The item was erased."),
            AimError::NoModule | AimError::NotOffered(_) | AimError::Unprocessable(_) => {
                Self::new(Kind::Unprocessable, format!("{error}."))
            }
            AimError::Withheld(verdict) => Self::denied(verdict, None),
            AimError::Model(ModelError::File(_)) => Self::internal(error),
            AimError::Model(ModelError::Limit { .. }) => Self::new(Kind::PayloadTooLarge, format!("{error}.")),
            AimError::Model(_) => Self::new(Kind::Unprocessable, format!("{error}.")),
            AimError::Permit(error) => error.into(),
            AimError::Licensing(error) => error.into(),
            AimError::Store(error) => error.into(),
            AimError::Database(error) => error.into(),
            AimError::Ending => Self::new(Kind::Unavailable, format!("{error}.")).retry_after(RETRY_SECONDS),
            AimError::Busy => Self::new(Kind::Busy, format!("{error}.")).retry_after(RETRY_SECONDS),
            AimError::TooMany(_) => Self::new(Kind::Unprocessable, format!("{error}.")),
            AimError::Worker(_) | AimError::Index(_) => Self::internal(error),
        }
    }
}

/// The body stopped coming: the connection broke, or stood still for too long. Nothing of it was kept.
pub(in crate::api) fn broken_off(error: impl Error + Send + Sync + 'static) -> Problem {
    match is_late(&error) {
        true => Problem::new(Kind::Timeout, "The body arrived too slowly; nothing was kept."),
        false => Problem::new(Kind::MalformedRequest, "The body broke off; nothing was kept.").because(error),
    }
}

fn is_late(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<tower_http::timeout::TimeoutError>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// The message is valid by itself and still cannot be: it contradicts itself, its sender or its address.
pub(in crate::api) fn contradiction(pointer: &str, reason: &str) -> Problem {
    let place = Violation { pointer: pointer.to_owned(), keyword: "agreement".to_owned(), message: reason.to_owned() };
    Problem::new(Kind::SchemaViolation, format!("{pointer}: {reason}.")).at(vec![place])
}

/// Every 401 names a way to authenticate, as HTTP asks.
fn unauthenticated(refused: &impl Error, scheme: &'static str) -> Problem {
    Problem::new(Kind::Unauthenticated, format!("{refused}."))
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme))
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Proof(refused) => unauthenticated(&refused, "Signature"),
            AccessError::Token(refused) => unauthenticated(&refused, "Bearer error=\"invalid_token\""),
            AccessError::NotRegistered | AccessError::Pending | AccessError::Suspended | AccessError::NoService(_) => {
                Self::new(Kind::Forbidden, format!("{error}."))
            }
            AccessError::Licensing(error) => error.into(),
            AccessError::Database(error) => error.into(),
            AccessError::Key(_) | AccessError::Store(_) => Self::internal(error),
        }
    }
}

impl From<wire::PayloadError> for Problem {
    fn from(error: wire::PayloadError) -> Self {
        Self::new(Kind::MalformedRequest, error.to_string())
    }
}

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        Self::new(Kind::MalformedRequest, "A part of the path is not of its form.")
    }
}

impl From<QueryRejection> for Problem {
    fn from(_: QueryRejection) -> Self {
        Self::new(Kind::MalformedRequest, "The query is not of its form.")
    }
}

impl From<MultipartRejection> for Problem {
    fn from(_: MultipartRejection) -> Self {
        Self::new(Kind::UnsupportedMediaType, "The body is not multipart/form-data with a boundary.")
    }
}

impl From<MultipartError> for Problem {
    fn from(error: MultipartError) -> Self {
        use axum::http::StatusCode;
        match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(Kind::PayloadTooLarge, "The body is too large."),
            // What the library calls a failure of the server is the body's: it broke off, or came too slowly.
            StatusCode::INTERNAL_SERVER_ERROR => broken_off(error),
            _ if is_late(&error) => broken_off(error),
            _ => Self::new(Kind::MalformedRequest, "The parts of the body cannot be read.").because(error),
        }
    }
}
