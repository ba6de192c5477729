//! What a document violates, said without the document's content.
//!
//! Health data must not reach a log or a problem document, not even inside an error text. A violation therefore says
//! where (a pointer of labels), which keyword of the schema fails, and what was expected: never what was found.

use jsonschema::{ValidationError, error::ValidationErrorKind as Kind};
use serde_json::Value;

use super::pointer::Pointer;

/// Most violations reported for one document.
pub const MOST_VIOLATIONS: usize = 32;

/// Longest word list that is written out.
const MOST_WORDS: usize = 12;

/// One violation of a schema.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Violation {
    /// JSON pointer of the offending place; labels that are not of the standard stand as `?`.
    pub pointer: String,
    /// The keyword of the schema that fails.
    pub keyword: String,
    /// What was expected there.
    pub message: String,
}

impl Violation {
    /// Says what a validator found without what it saw.
    pub(super) fn of(error: &ValidationError<'_>) -> Self {
        Self {
            pointer: Pointer::safe(error.instance_path().as_str()),
            keyword: error.kind().keyword().to_owned(),
            message: format!("expected {}", expected(error.kind())),
        }
    }

    /// A violation of the message as a whole that no schema states.
    pub(super) fn whole(keyword: &str, message: &str) -> Self {
        Self { pointer: String::new(), keyword: keyword.to_owned(), message: message.to_owned() }
    }
}

/// What a keyword asks for. Only the schema's side of an error is read here.
fn expected(kind: &Kind) -> String {
    match kind {
        Kind::AdditionalProperties { .. } | Kind::UnevaluatedProperties { .. } => {
            "only labels that the standard names here".to_owned()
        }
        Kind::FalseSchema => "that this label is absent here".to_owned(),
        Kind::Required { property } => format!("the label {}", word(property)),
        Kind::AnyOf { context } => format!("at least one of {}", alternatives(context)),
        Kind::OneOfNotValid { context } => format!("exactly one of {}", alternatives(context)),
        Kind::OneOfMultipleValid { .. } => "exactly one of several alternatives, not more".to_owned(),
        Kind::Not { .. } => "that these labels do not stand together".to_owned(),
        Kind::Constant { expected_value } => word(expected_value),
        Kind::Enum { options } => words(options),
        Kind::Format { format } => format!("the format {format}"),
        Kind::Pattern { pattern } => format!("the pattern {pattern}"),
        Kind::Type { kind } => type_name(kind),
        Kind::UniqueItems => "items that differ from one another".to_owned(),
        Kind::Custom { message, .. } => message.clone(),
        other => limit(other),
    }
}

/// What a keyword with a limit asks for.
fn limit(kind: &Kind) -> String {
    match kind {
        Kind::MinItems { limit } => format!("at least {limit} items"),
        Kind::MaxItems { limit } => format!("at most {limit} items"),
        Kind::MinLength { limit } => format!("at least {limit} characters"),
        Kind::MaxLength { limit } => format!("at most {limit} characters"),
        Kind::MinProperties { limit } => format!("at least {limit} labels"),
        Kind::MaxProperties { limit } => format!("at most {limit} labels"),
        Kind::Minimum { limit } => format!("a number of at least {limit}"),
        Kind::Maximum { limit } => format!("a number of at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("a number above {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("a number below {limit}"),
        other => format!("what the schema says under {}", other.keyword()),
    }
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| format!("`{text}`"))
}

fn words(options: &Value) -> String {
    match options.as_array() {
        Some(list) if list.len() <= MOST_WORDS => {
            format!("one of {}", list.iter().map(word).collect::<Vec<_>>().join(", "))
        }
        Some(list) => format!("one of the {} words of the list", list.len()),
        None => "a word of the list".to_owned(),
    }
}

fn type_name(kind: &jsonschema::error::TypeKind) -> String {
    use jsonschema::error::TypeKind;
    match kind {
        TypeKind::Single(one) => format!("the type {one}"),
        TypeKind::Multiple(several) => {
            format!("one of the types {}", several.iter().map(|t| t.to_string()).collect::<Vec<_>>().join(", "))
        }
    }
}

/// The labels that the alternatives ask for, when that is all they differ in.
fn alternatives(context: &[Vec<ValidationError<'static>>]) -> String {
    let labels: Vec<String> = context
        .iter()
        .flatten()
        .filter_map(|error| match error.kind() {
            Kind::Required { property } => Some(word(property)),
            _ => None,
        })
        .collect();
    if labels.is_empty() { format!("{} alternatives", context.len()) } else { labels.join(", ") }
}
