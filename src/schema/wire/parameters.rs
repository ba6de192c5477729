//! Parameters of an operation: names that the AI Module declares, with flat values.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `Parameters`: texts, numbers, Booleans and lists of these, by name. `{:?}` shows the names only.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parameters(pub Map<String, Value>);

impl Parameters {
    /// The names, in no particular order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A number.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.as_f64()
    }

    /// A whole number from 0.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.as_u64()
    }

    /// A Boolean.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    /// A list of texts; `None` when it is no list or holds anything else.
    pub fn texts(&self, name: &str) -> Option<Vec<&str>> {
        self.0.get(name)?.as_array()?.iter().map(Value::as_str).collect()
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_read_as_what_it_is_and_not_shown() {
        let text = r#"{"K":5,"Noise":0.5,"Deep":true,"Method":"mean","Columns":["age","zip"],"Mixed":["age",1]}"#;
        let parameters: Parameters = serde_json::from_str(text).unwrap();
        assert_eq!((parameters.count("K"), parameters.number("Noise")), (Some(5), Some(0.5)));
        assert_eq!((parameters.flag("Deep"), parameters.text("Method")), (Some(true), Some("mean")));
        assert_eq!(parameters.texts("Columns"), Some(vec!["age", "zip"]));
        assert_eq!((parameters.texts("Mixed"), parameters.count("Noise"), parameters.text("K")), (None, None, None));
        let shown = format!("{parameters:?}");
        assert!(shown.contains("Columns") && !shown.contains("zip"), "{shown}");
    }
}
