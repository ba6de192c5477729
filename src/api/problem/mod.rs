//! Every refusal and failure that leaves the door is one document: RFC 9457, `application/problem+json`.
//!
//! ```json
//! {"type": "/problems/licence-denied", "title": "The licence does not permit this", "status": 403,
//!  "detail": "…", "reasons": [{"term": "Process", "explanation": "…"}], "message": { … }}
//! ```
//!
//! - `type` is stable and relative to the Back End's own address; `GET` there explains the kind ([`Kind`]).
//! - `title` and `status` belong to the kind, `detail` to the case. None carries content of a body.
//! - `pointers` (schema-violation, unsupported-terms) say where in the body, `reasons` and `evidence` (licence-denied)
//!   say which terms fail and where that is recorded.
//! - `message` is the standard's own negative message, where it has one.
//!
//! Causes stay inside: a [`Problem`] hands them to the log line of its request and never to the client.

mod causes;
mod kind;

use std::{error::Error, fmt, sync::Arc};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::Value;

pub(in crate::api) use causes::{broken_off, contradiction};
pub use kind::Kind;

use crate::{
    domain::verdict::Verdict,
    schema::{ResourceType, Violation, validate, validate_resource, wire},
};

/// Media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A refusal or a failure as the client gets to know it.
#[derive(Clone)]
pub struct Problem(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: Kind,
    detail: String,
    extra: Extra,
    retry_after_seconds: Option<u64>,
    headers: Vec<(header::HeaderName, HeaderValue)>,
    cause: Option<Cause>,
}

/// What a kind may add to the document.
#[derive(Clone, Default, Serialize)]
struct Extra {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pointers: Vec<Violation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<wire::Evidence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Value>,
}

/// A failing term in the standard's word and in words for people.
#[derive(Debug, Clone, Serialize)]
struct Reason {
    term: &'static str,
    explanation: &'static str,
}

/// What stands behind a problem; for the log only.
#[derive(Clone)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

/// Left in the response's extensions, so that the request's one log line tells the cause.
#[derive(Clone)]
pub struct Failure {
    /// The kind answered.
    pub kind: Kind,
    /// What stands behind it, when it is more than the kind says.
    pub cause: Option<Cause>,
}

impl fmt::Display for Cause {
    /// The error with its sources, in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(source) = next {
            write!(f, ": {source}")?;
            next = source.source();
        }
        Ok(())
    }
}

impl Problem {
    /// A problem of a kind; `detail` says what is special about this case, without content of a body.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let (detail, extra) = (detail.into(), Extra::default());
        Self(Box::new(Inner { kind, detail, extra, retry_after_seconds: None, headers: Vec::new(), cause: None }))
    }

    /// Something broke inside. The cause goes to the log, the client learns only that.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Kind::Internal, "This Back End failed; the failure is in its log under the request's ID.")
            .because(cause)
    }

    /// What a foreign item and an unknown item have in common: the one answer for everything a caller may not know of.
    /// Every such answer has the same bytes.
    pub fn nothing_here() -> Self {
        Self::new(Kind::NotFound, "There is nothing here for this user.")
    }

    /// The chain said no.
    pub fn denied(verdict: Verdict, evidence: Option<wire::Evidence>) -> Self {
        let mut problem = Self::new(Kind::LicenceDenied, "The licence of this item does not permit what was asked.");
        let reasons = verdict.reasons();
        problem.0.extra.reasons =
            reasons.map(|term| Reason { term: word(term), explanation: term.in_words() }).collect();
        problem.0.extra.evidence = evidence;
        problem
    }

    /// Says where in the body the fault lies.
    #[must_use]
    pub fn at(mut self, pointers: Vec<Violation>) -> Self {
        self.0.extra.pointers = pointers;
        self
    }

    /// Carries the standard's negative message.
    #[must_use]
    pub fn carrying<M: wire::Message>(mut self, message: &M) -> Self {
        match outgoing(message) {
            Ok(document) => self.0.extra.message = Some(document),
            Err(problem) => return problem,
        }
        self
    }

    /// Keeps a cause for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(Cause(Arc::from(cause.into())));
        self
    }

    /// Adds `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Its HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.kind.status()
    }

    fn document(&self) -> Value {
        let kind = self.0.kind;
        // Texts, lists and messages that serialised before: nothing here fails.
        let mut document = serde_json::to_value(&self.0.extra).unwrap_or_default();
        document["type"] = kind.type_uri().into();
        document["title"] = kind.title().into();
        document["status"] = kind.status().as_u16().into();
        document["detail"] = self.0.detail.as_str().into();
        document
    }
}

fn word(term: crate::domain::verdict::FailingTerm) -> &'static str {
    crate::domain::taxonomy::Word::word(term)
}

/// A message as it leaves the house: written, and checked against its own schema.
///
/// # Errors
/// An internal problem when it is not what its schema says; the log names the places, not the content.
pub(in crate::api) fn outgoing<M: wire::Message>(message: &M) -> Result<Value, Problem> {
    let document = serde_json::to_value(message).map_err(Problem::internal)?;
    match validate(M::TYPE, &document) {
        Ok(()) => Ok(document),
        Err(violations) => Err(Problem::internal(astray(M::TYPE, &violations))),
    }
}

/// A document of this Back End as it leaves the house: checked against its own schema.
///
/// # Errors
/// As [`outgoing`].
pub(in crate::api) fn leaving(resource: ResourceType, document: Value) -> Result<Value, Problem> {
    match validate_resource(resource, &document) {
        Ok(()) => Ok(document),
        Err(violations) => Err(Problem::internal(astray(resource, &violations))),
    }
}

/// What the log says of a document that violates its schema: the places, not the content.
pub(in crate::api) fn astray(what: impl fmt::Display, violations: &[Violation]) -> String {
    let places = violations.iter().map(|v| format!("{} ({})", v.pointer, v.keyword)).collect::<Vec<_>>();
    format!("an outgoing {what} violates its schema at {}", places.join(", "))
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Problem({}: {}", self.0.kind.slug(), self.0.detail)?;
        if let Some(cause) = &self.0.cause {
            write!(f, "; {cause}")?;
        }
        f.write_str(")")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = self.document();
        if let Err(violations) = validate_resource(ResourceType::Problem, &document) {
            return Self::internal(astray(ResourceType::Problem, &violations)).last_word();
        }
        self.written(document.to_string())
    }
}

impl Problem {
    /// What is left to say when a problem document violates its own schema: nothing of this case.
    fn last_word(self) -> Response {
        let document = self.document().to_string();
        self.written(document)
    }

    fn written(self, body: String) -> Response {
        let mut response = (self.status(), [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.0.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        headers.extend(self.0.headers.iter().cloned());
        response.extensions_mut().insert(Failure { kind: self.0.kind, cause: self.0.cause });
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::verdict::FailingTerm;

    #[test]
    fn a_denial_names_every_failing_term() {
        let verdict: Verdict = [FailingTerm::Process, FailingTerm::Usage].into_iter().collect();
        let document = Problem::denied(verdict, None).document();
        assert_eq!(document["type"], "/problems/licence-denied");
        assert_eq!(document["status"], 403);
        assert_eq!(document["reasons"][1]["term"], "Usage");
        assert!(document.get("evidence").is_none() && document.get("pointers").is_none());
    }

    #[test]
    fn every_kind_of_problem_is_what_its_schema_says_and_a_violating_one_is_not_sent() {
        for kind in Kind::ALL.iter().copied() {
            let document = Problem::new(kind, "This case.").document();
            assert_eq!(validate_resource(ResourceType::Problem, &document), Ok(()), "{document}");
        }
        let response = Problem::new(Kind::Conflict, "").into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn a_cause_is_for_the_log_only() {
        let problem = Problem::internal("the disk smells of smoke");
        assert!(!problem.document().to_string().contains("smoke"));
        assert!(format!("{problem:?}").contains("smoke"));
    }
}
