//! The JSON Schema that an AI Module declares for what it gives.

use jsonschema::{PatternOptions, Validator, draft202012};
use serde_json::Value;

use super::violation::{MOST_VIOLATIONS, Violation};

/// A compiled schema of results. It stands alone: it refers to nothing outside itself.
#[derive(Debug)]
pub struct ResultSchema(Validator);

impl ResultSchema {
    /// Compiles a schema from its text.
    ///
    /// # Errors
    /// When it is no JSON Schema, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        let schema: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let validator = draft202012::options()
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .offline()
            .with_pattern_options(PatternOptions::regex())
            .build(&schema);
        validator.map(Self).map_err(|error| error.to_string())
    }

    /// Whether a result is what the schema says.
    ///
    /// # Errors
    /// What it violates, at most [`MOST_VIOLATIONS`], none of it with content.
    pub fn check(&self, result: &Value) -> Result<(), Vec<Violation>> {
        if self.0.is_valid(result) {
            return Ok(());
        }
        Err(self.0.iter_errors(result).take(MOST_VIOLATIONS).map(|error| Violation::of(&error)).collect())
    }
}
