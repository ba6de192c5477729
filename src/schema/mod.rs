//! The desk where papers are checked: bytes from outside become messages of the standard here, or are refused.
//!
//! ```text
//! bytes ─ strict ─▶ JSON value ─ validators ─▶ valid document ─ wire ─▶ typed message ─ model_licence ─▶ domain
//!         (one reading)          (JSON Schemas)                 (serde types)           (domain types)
//! ```
//!
//! | File | Holds |
//! | --- | --- |
//! | [`message`] | the closed list of message types: codes, addresses, embedded schemas |
//! | [`resource`] | the closed list of this Back End's own documents |
//! | [`strict`] | a JSON reader that accepts only what every reader understands alike |
//! | [`as_written`] | numbers kept with their spelling, where a document is written out again |
//! | [`validators`] | the compiled schemas |
//! | [`violation`] | what a document violates, said without its content |
//! | [`wire`] | the messages as Rust types, spelled exactly as the standard spells them |
//! | [`canonical`] | RFC 8785 form and the hash that goes on chain |
//! | [`model_licence`] | a Model Licence as the domain means it |
//! | [`parameters`] | the schema an AI Module declares for the parameters of a request |
//! | [`results`] | the schema an AI Module declares for what it gives |
//! | [`conformance`] | Table 5 of the Health Back End: does each message validate? |
//!
//! [`read`] walks the first three steps. A document that validates also converts: the schemas are never wider than the
//! wire types, and a property test holds them to it.

mod added;
pub mod as_written;
pub mod canonical;
pub mod conformance;
pub mod message;
pub mod model_licence;
pub mod parameters;
mod pointer;
pub mod resource;
pub mod results;
pub mod strict;
pub mod validators;
pub mod violation;
pub mod wire;

use serde_json::Value;

use self::wire::Message;
pub use self::{
    message::MessageType,
    model_licence::{TermsRefused, into_domain},
    resource::{Resource, ResourceType},
    strict::StrictError,
    validators::{validate, validate_resource},
    violation::Violation,
};

/// A message as it came in.
#[derive(Clone)]
pub struct Received<M> {
    /// The message.
    pub message: M,
    /// The document it was read from. What is signed or hashed is this, not a new serialisation of `message`.
    pub document: Value,
}

/// Why bytes are not a message of the expected type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not a JSON document.
    #[error(transparent)]
    Json(#[from] StrictError),
    /// A JSON document that its schema refuses.
    #[error("the document is not a valid {message}: {} violations", violations.len())]
    Schema {
        /// The type expected.
        message: MessageType,
        /// What is violated.
        violations: Vec<Violation>,
    },
}

/// Reads a message of one type from at most `most_bytes` bytes.
///
/// # Errors
/// When the bytes are not strict JSON, or the document does not validate against the schema of the type.
pub fn read<M: Message>(bytes: &[u8], most_bytes: usize) -> Result<Received<M>, ReadError> {
    let document = strict::read(bytes, most_bytes)?;
    let message = from_value(&document)?;
    Ok(Received { message, document })
}

/// Reads a message of one type from a document, which it validates first.
///
/// # Errors
/// When the document does not validate against the schema of the type.
pub fn from_value<M: Message>(document: &Value) -> Result<M, ReadError> {
    let refuse = |violations| ReadError::Schema { message: M::TYPE, violations };
    validate(M::TYPE, document).map_err(refuse)?;
    // The reader's own text would show content, so it goes no further than here.
    M::deserialize(document)
        .map_err(|_| refuse(vec![Violation::whole("type", "expected values that this Back End can hold")]))
}
