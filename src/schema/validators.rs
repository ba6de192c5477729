//! The embedded JSON Schemas, compiled once, and validation against them.
//!
//! Nothing is fetched: the registry holds every schema under its published address, and the validator is told that it
//! is offline. Formats (`date-time`, `uri-reference`) are checked, not only noted. Patterns run on a linear-time
//! engine, so no document makes them backtrack.
//!
//! What a schema cannot say (an interval runs forward, a checksum holds, an upload agrees with its Model Licence) is
//! added from `added.rs`, so that whatever validates also converts into the wire types.

use std::sync::LazyLock;

use jsonschema::{PatternOptions, Registry, ValidationError, Validator, draft202012};
use serde_json::Value;

use super::{
    added::{KEYWORD, identifiers, keyword, schema},
    message::MessageType,
    resource::ResourceType,
    violation::{MOST_VIOLATIONS, Violation},
};

/// Address of the definitions that all schemas share.
pub const IDENTIFIERS_ID: &str = "https://schemas.mpai.community/AIH1/V1.0/data/Identifiers.json";

/// The definitions that all schemas share, as JSON text. Not a message type.
pub const IDENTIFIERS_TEXT: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/AIH1/V1.0/data/Identifiers.json"));

/// Checks a document against the schema of its type.
///
/// # Errors
/// What the document violates: at most [`MOST_VIOLATIONS`], each with a pointer, none with content.
pub fn validate(message: MessageType, document: &Value) -> Result<(), Vec<Violation>> {
    outcome(&VALIDATORS[message as usize], document)
}

/// Checks a document of this Back End against the schema of its type.
///
/// # Errors
/// As [`validate`].
pub fn validate_resource(resource: ResourceType, document: &Value) -> Result<(), Vec<Violation>> {
    outcome(&RESOURCES[resource as usize], document)
}

fn outcome(validator: &Validator, document: &Value) -> Result<(), Vec<Violation>> {
    if validator.is_valid(document) {
        return Ok(());
    }
    Err(validator.iter_errors(document).take(MOST_VIOLATIONS).map(|e| Violation::of(&e)).collect())
}

/// One validator per message type, in the order of [`MessageType::ALL`].
// The schemas are part of the program and a test compiles each of them: failing here is not something input can cause.
static VALIDATORS: LazyLock<Vec<Validator>> =
    LazyLock::new(|| compile(MessageType::ALL, |m| schema(*m)).expect("the embedded schemas compile"));

/// One validator per document of this Back End, in the order of [`ResourceType::ALL`].
static RESOURCES: LazyLock<Vec<Validator>> =
    LazyLock::new(|| compile(ResourceType::ALL, own).expect("the embedded schemas compile"));

fn own(resource: &ResourceType) -> Result<Value, serde_json::Error> {
    serde_json::from_str(resource.schema_text())
}

/// Why the embedded schemas do not compile.
#[derive(Debug, thiserror::Error)]
enum CompileError {
    #[error("an embedded schema is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("an embedded schema does not resolve: {0}")]
    Reference(#[from] jsonschema::ReferencingError),
    #[error("an embedded schema does not compile: {0}")]
    Schema(#[from] Box<ValidationError<'static>>),
}

/// Validators of some types, each of which may refer to any message and any document of this Back End.
fn compile<T>(
    wanted: &[T],
    schema_of: impl Fn(&T) -> Result<Value, serde_json::Error>,
) -> Result<Vec<Validator>, CompileError> {
    let mut registry = Registry::new().add(IDENTIFIERS_ID, identifiers()?)?;
    for message in MessageType::ALL {
        registry = registry.add(message.id(), schema(*message)?)?;
    }
    for resource in ResourceType::ALL {
        registry = registry.add(resource.id(), own(resource)?)?;
    }
    let registry = registry.prepare()?;
    let validator = |wanted: &T| {
        let schema = schema_of(wanted)?;
        let built = draft202012::options()
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .offline()
            .with_pattern_options(PatternOptions::regex())
            .with_keyword(KEYWORD, keyword)
            .with_registry(&registry)
            .build(&schema);
        built.map_err(|e| CompileError::Schema(Box::new(e)))
    };
    wanted.iter().map(validator).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    #[test]
    fn every_embedded_schema_compiles_offline() {
        let messages = compile(MessageType::ALL, |m| schema(*m)).map(|all| all.len());
        assert_eq!(messages.map_err(|e| e.to_string()), Ok(MessageType::ALL.len()));
        let resources = compile(ResourceType::ALL, own).map(|all| all.len());
        assert_eq!(resources.map_err(|e| e.to_string()), Ok(ResourceType::ALL.len()));
    }

    fn profile(change: impl Fn(&mut Value)) -> Vec<Violation> {
        let mut document = json!({
            "Header": "AIH-UPR-V1.0",
            "UserProfileID": "urn:uuid:0190f3c4-5b7a-7c31-9d2e-0b8f6a1c2d3e",
            "UserProfileTime": "2026-11-22T08:00:00Z",
            "UserID": "eip155:31337:0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
            "UserProfileData": {"IfHuman": {"Name": "Ada", "Surname": "Lovelace"}},
        });
        assert_eq!(validate(MessageType::UserProfile, &document), Ok(()));
        change(&mut document);
        validate(MessageType::UserProfile, &document).unwrap_err()
    }

    #[test]
    fn an_account_with_a_wrong_checksum_is_refused_at_its_pointer() {
        let violations = profile(|d| d["UserID"] = "eip155:31337:0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266".into());
        assert_eq!(violations[0].pointer, "/UserID");
        assert_eq!(violations[0].message, "expected an account whose chain id and checksum hold");
    }

    #[test]
    fn a_date_that_does_not_exist_is_refused() {
        let violations = profile(|d| d["UserProfileTime"] = "2026-02-30T00:00:00Z".into());
        assert_eq!(violations[0].pointer, "/UserProfileTime");
        assert_eq!(violations[0].keyword, "format");
    }

    #[test]
    fn violations_never_show_content_and_are_bounded() {
        let violations = profile(|d| {
            d["UserProfileData"]["IfHuman"]["F32.1"] = "depression".into();
            d["UserProfileTime"] = "F32.1".into();
            d["UserID"] = "F32.1".into();
            d["MInstanceID"] = json!({"F32.1": "depression"});
        });
        assert!(violations.len() >= 4);
        let shown = format!("{violations:?}");
        assert!(!shown.contains("F32") && !shown.contains("depression"), "{shown}");
        let crowd: Map<String, Value> = (0..99).map(|n| (format!("Parameter{n}"), Value::Null)).collect();
        let message = json!({"AIHDataProcess": {"Request": {"Parameters": crowd}}});
        assert_eq!(validate(MessageType::AihDataProcess, &message).unwrap_err().len(), MOST_VIOLATIONS);
    }
}
