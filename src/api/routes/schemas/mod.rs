//! The JSON Schemas by which this Back End judges what comes in, what goes out, and what its AI Modules give.

pub mod list;
pub mod read;

use serde_json::Value;

use crate::{
    mpai_store::results,
    schema::{
        MessageType, ResourceType,
        validators::{IDENTIFIERS_ID, IDENTIFIERS_TEXT},
    },
};

/// Address and text of each.
fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let messages = MessageType::ALL.iter().map(|message| (message.id(), message.schema_text()));
    let resources = ResourceType::ALL.iter().map(|resource| (resource.id(), resource.schema_text()));
    let shared = std::iter::once((IDENTIFIERS_ID, IDENTIFIERS_TEXT));
    messages.chain(shared).chain(resources).chain(results::TEXTS.iter().copied())
}

/// A schema as a document.
fn read_text(text: &str) -> Value {
    // The schemas are part of the program and a test compiles each of them.
    serde_json::from_str(text).unwrap_or_default()
}
