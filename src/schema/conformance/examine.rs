//! One message, examined the way the running Back End reads it.

use serde_json::Value;

use super::{Direction, MOST_BYTES, Part};
use crate::schema::{MessageType, StrictError, Violation, strict, validate, wire};

/// What is expected of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// That it is accepted.
    Accept,
    /// That it is refused.
    Refuse,
}

/// Why a message was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not strict JSON.
    #[error(transparent)]
    Json(#[from] StrictError),
    /// Neither its `Header` nor its folder names a type of message.
    #[error("its Header names no type of message that this Back End knows")]
    UnknownType,
    /// Its schema refuses it.
    #[error("its schema refuses it: {}", first(.0))]
    Schema(Vec<Violation>),
    /// A running Back End refused it as it should: with a problem document.
    #[error("refused with {status} {kind}")]
    Answered {
        /// HTTP status.
        status: u16,
        /// Last part of the problem's `type`.
        kind: String,
    },
    /// A running Back End answered in a way that is right for no message.
    #[error("{0}")]
    Broken(String),
    /// Its wire type does not read it, or writes something else.
    #[error("it validates, but is not written again as it was read")]
    Unreadable,
}

fn first(violations: &[Violation]) -> String {
    violations.first().map_or_else(String::new, |v| format!("{} ({}) {}", v.pointer, v.keyword, v.message))
}

/// A message and what came of it.
#[derive(Debug, Clone)]
pub struct Examined {
    /// Its file.
    pub file: String,
    /// Its type, by folder or `Header`.
    pub message: Option<MessageType>,
    /// Request, response, or neither.
    pub part: Part,
    /// Whether a running Back End was seen to receive or produce it; a file bears on both.
    pub direction: Option<Direction>,
    /// What was expected.
    pub expectation: Expectation,
    /// Why it was refused, if it was.
    pub refusal: Option<Refusal>,
}

impl Examined {
    /// Examines a message. `named` is the type a vector is meant for, which goes before its `Header`.
    pub fn new(file: String, bytes: &[u8], expectation: Expectation, named: Option<MessageType>) -> Self {
        let (message, part, refusal) = match strict::read(bytes, MOST_BYTES) {
            Err(error) => (named, Part::Unknown, Some(error.into())),
            Ok(document) => {
                let message = named.or_else(|| document["Header"].as_str().and_then(MessageType::from_header));
                let part = message.map_or(Part::Unknown, |message| part_of(message, &document));
                (message, part, refusal(message, &document))
            }
        };
        Self { file, message, part, direction: None, expectation, refusal }
    }

    /// Whether it was accepted or refused as expected.
    pub fn is_as_expected(&self) -> bool {
        match (self.expectation, &self.refusal) {
            (_, Some(Refusal::Broken(_))) => false,
            (Expectation::Accept, refusal) => refusal.is_none(),
            (Expectation::Refuse, refusal) => refusal.is_some(),
        }
    }
}

fn refusal(message: Option<MessageType>, document: &Value) -> Option<Refusal> {
    let Some(message) = message else { return Some(Refusal::UnknownType) };
    if let Err(violations) = validate(message, document) {
        return Some(Refusal::Schema(violations));
    }
    match wire::rewrite(message, document) {
        Ok(written) if wire::is_same(&written, document) => None,
        _ => Some(Refusal::Unreadable),
    }
}

fn part_of(message: MessageType, document: &Value) -> Part {
    let Some(label) = message.exchange_label() else { return Part::Whole };
    let body = &document[label];
    match (body.get("Request").is_some(), body.get("Response").is_some()) {
        (true, false) => Part::Request,
        (false, true) => Part::Response,
        _ => Part::Unknown,
    }
}
