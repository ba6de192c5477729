//! The JSON Schema that an AI Module declares for the parameters of a request.

use std::collections::BTreeSet;

use jsonschema::{PatternOptions, Validator, draft202012};
use serde_json::{Map, Value};

use super::violation::{MOST_VIOLATIONS, Violation};

/// A compiled schema of parameters.
pub struct ParameterSchema {
    validator: Validator,
    names: BTreeSet<String>,
}

impl std::fmt::Debug for ParameterSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParameterSchema").field("names", &self.names).finish_non_exhaustive()
    }
}

impl ParameterSchema {
    /// Compiles a schema.
    ///
    /// # Errors
    /// When it is no JSON Schema, in words.
    pub fn compile(schema: &Value) -> Result<Self, String> {
        let validator = draft202012::options()
            .should_validate_formats(true)
            .offline()
            .with_pattern_options(PatternOptions::regex())
            .build(schema)
            .map_err(|error| error.to_string())?;
        let names = schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned().collect();
        Ok(Self { validator, names })
    }

    /// What the parameters violate, each with its place below `root`; none of it with content.
    ///
    /// # Errors
    /// The violations, at most [`MOST_VIOLATIONS`].
    pub fn check(&self, parameters: &Map<String, Value>, root: &str) -> Result<(), Vec<Violation>> {
        let value = Value::Object(parameters.clone());
        if self.validator.is_valid(&value) {
            return Ok(());
        }
        let violations = self.validator.iter_errors(&value).take(MOST_VIOLATIONS);
        Err(violations.map(|error| self.placed(&error, root)).collect())
    }

    fn placed(&self, error: &jsonschema::ValidationError<'_>, root: &str) -> Violation {
        let path = error.instance_path().as_str().trim_start_matches('/');
        let name = path.split('/').next().unwrap_or_default();
        // A name that is not declared may be anything, and is not repeated.
        let pointer = if self.names.contains(name) { format!("{root}/{name}") } else { root.to_owned() };
        let message = match error.kind() {
            jsonschema::error::ValidationErrorKind::AdditionalProperties { .. } => {
                format!("expected {}", self.offered())
            }
            _ => Violation::of(error).message,
        };
        Violation { pointer, message, ..Violation::of(error) }
    }

    fn offered(&self) -> String {
        match self.names.is_empty() {
            true => "no parameters".to_owned(),
            false => format!("no other parameters than {}", self.names.iter().cloned().collect::<Vec<_>>().join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> ParameterSchema {
        let lead = json!({"type": ["string", "integer"]});
        let schema = json!({"type": "object", "additionalProperties": false, "properties": {"Lead": lead}});
        ParameterSchema::compile(&schema).unwrap()
    }

    #[test]
    fn parameters_as_declared_pass() {
        let parameters = json!({"Lead": "II"});
        assert_eq!(schema().check(parameters.as_object().unwrap(), ""), Ok(()));
    }

    #[test]
    fn a_stranger_is_refused_without_being_named_and_a_wrong_type_with_its_place() {
        let parameters = json!({"Lead": true, "Ada Lovelace": 1});
        let violations = schema().check(parameters.as_object().unwrap(), "/Parameters").unwrap_err();
        let shown = format!("{violations:?}");
        assert!(violations.iter().any(|violation| violation.pointer == "/Parameters/Lead"), "{shown}");
        assert!(shown.contains("no other parameters than Lead") && !shown.contains("Ada"), "{shown}");
    }
}
