//! The embedded JSON Schemas, compiled once, and validation against them.
//!
//! Nothing is fetched: the registry holds every schema under its published address, and the validator is told that it
//! is offline. Formats (`date-time`, `uri-reference`) are checked, not only noted. Patterns run on a linear-time
//! engine, so no document makes them backtrack.
//!
//! Four things that a schema cannot say are added here as keywords to the definitions they belong to, so that whatever
//! validates also converts into the wire types; the published files stay plain JSON Schema:
//!
//! | Definition in `Identifiers.json` | Also checked |
//! | --- | --- |
//! | `AccountID`, `LicenceID` | chain id without leading zeros and within 64 bits; EIP-55 checksum when in mixed case |
//! | `Interval`, `LicenceInterval` | `EndTime` is after `StartTime` |
//! | `Base64` | no stray bits in the last group, so that a payload has one spelling |

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use jsonschema::{Keyword, PatternOptions, Registry, ValidationError, Validator, draft202012, paths::Location};
use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    message::MessageType,
    violation::{MOST_VIOLATIONS, Violation},
};
use crate::domain::ids::Account;

/// Address of the definitions that all schemas share.
pub const IDENTIFIERS_ID: &str = "https://schemas.mpai.community/AIH1/V1.0/data/Identifiers.json";

/// The definitions that all schemas share, as JSON text. Not a message type.
pub const IDENTIFIERS_TEXT: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/AIH1/V1.0/data/Identifiers.json"));

/// Keyword that carries our additional checks; its value is the check's name.
const KEYWORD: &str = "healthBackEnd";

/// Definitions with an additional check.
const ADDED: [(&str, Check); 5] = [
    ("AccountID", Check::Account),
    ("LicenceID", Check::Account),
    ("Interval", Check::Interval),
    ("LicenceInterval", Check::Interval),
    ("Base64", Check::Base64),
];

/// Checks a document against the schema of its type.
///
/// # Errors
/// What the document violates: at most [`MOST_VIOLATIONS`], each with a pointer, none with content.
pub fn validate(message: MessageType, document: &Value) -> Result<(), Vec<Violation>> {
    let validator = &VALIDATORS[message as usize];
    if validator.is_valid(document) {
        return Ok(());
    }
    Err(validator.iter_errors(document).take(MOST_VIOLATIONS).map(|e| Violation::of(&e)).collect())
}

/// One validator per message type, in the order of [`MessageType::ALL`].
// The schemas are part of the program and a test compiles each of them: failing here is not something input can cause.
static VALIDATORS: LazyLock<Vec<Validator>> = LazyLock::new(|| compile().expect("the embedded schemas compile"));

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

fn compile() -> Result<Vec<Validator>, CompileError> {
    let mut registry = Registry::new().add(IDENTIFIERS_ID, identifiers()?)?;
    for message in MessageType::ALL {
        registry = registry.add(message.id(), serde_json::from_str::<Value>(message.schema_text())?)?;
    }
    let registry = registry.prepare()?;
    let validator = |message: &MessageType| {
        let schema: Value = serde_json::from_str(message.schema_text())?;
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
    MessageType::ALL.iter().map(validator).collect()
}

/// The shared definitions with our additional checks written into them.
fn identifiers() -> Result<Value, serde_json::Error> {
    let mut schema: Value = serde_json::from_str(IDENTIFIERS_TEXT)?;
    for (definition, check) in ADDED {
        schema["$defs"][definition][KEYWORD] = check.name().into();
    }
    Ok(schema)
}

/// Something a schema cannot say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Check {
    Account,
    Interval,
    Base64,
}

impl Check {
    const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Interval => "interval",
            Self::Base64 => "base64",
        }
    }

    const fn expected(self) -> &'static str {
        match self {
            Self::Account => "an account whose chain id and checksum hold",
            Self::Interval => "EndTime after StartTime",
            Self::Base64 => "base64 in its one canonical spelling",
        }
    }
}

impl<'i> Keyword<'i> for Check {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) { Ok(()) } else { Err(ValidationError::custom(self.expected())) }
    }

    /// What is not of the expected shape at all is left to the plain keywords beside this one.
    fn is_valid(&self, instance: &'i Value) -> bool {
        match self {
            Self::Account => instance.as_str().is_none_or(|text| text.parse::<Account>().is_ok()),
            Self::Interval => is_forward(instance),
            Self::Base64 => instance.as_str().is_none_or(ends_cleanly),
        }
    }
}

fn is_forward(interval: &Value) -> bool {
    let time = |label| interval.get(label)?.as_str().and_then(|t| OffsetDateTime::parse(t, &Rfc3339).ok());
    match (time("StartTime"), time("EndTime")) {
        (Some(start), Some(end)) => start < end,
        _ => true,
    }
}

/// Whether the last group of four decodes; the groups before it cannot fail once the pattern holds.
fn ends_cleanly(text: &str) -> bool {
    let last_group = text.len().saturating_sub(4);
    text.get(last_group..).is_some_and(|group| STANDARD.decode(group).is_ok())
}

// The signature is that of the library's factories.
#[expect(clippy::unnecessary_wraps, reason = "the validator asks for this signature")]
fn keyword<'a>(
    _parent: &'a Map<String, Value>,
    name: &'a Value,
    _path: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    ADDED
        .iter()
        .map(|(_, check)| *check)
        .find(|check| name == check.name())
        .map(|check| Box::new(check) as Box<dyn for<'i> Keyword<'i>>)
        .ok_or_else(|| ValidationError::custom("unknown additional check"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_embedded_schema_compiles_offline() {
        assert_eq!(compile().map(|all| all.len()).map_err(|e| e.to_string()), Ok(MessageType::ALL.len()));
    }

    #[test]
    fn every_additional_check_stands_on_a_definition_that_exists() {
        let schema: Value = serde_json::from_str(IDENTIFIERS_TEXT).unwrap();
        for (definition, _) in ADDED {
            assert!(schema["$defs"][definition].is_object(), "{definition}");
        }
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
    fn an_interval_runs_forward_and_base64_has_one_spelling() {
        assert!(is_forward(&json!({"StartTime": "2026-01-01T00:00:00Z", "EndTime": "2026-01-01T00:00:00.1Z"})));
        assert!(!is_forward(&json!({"StartTime": "2026-01-01T00:00:00Z", "EndTime": "2026-01-01T00:00:00Z"})));
        assert!(ends_cleanly("AAAAQQ=="));
        assert!(!ends_cleanly("AAAAQR=="));
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
