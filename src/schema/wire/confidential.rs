//! Text about a person.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Text that goes to the wire but is never shown by `{:?}`: names, addresses, free text, credentials.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confidential(String);

impl Confidential {
    /// The text itself. Whoever calls this answers for where it goes.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Confidential {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Confidential {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Confidential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Confidential({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_to_the_wire_but_not_into_a_log() {
        let name = Confidential::from("Lovelace");
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"Lovelace\"");
        assert_eq!(format!("{name:?}"), "Confidential(8 bytes)");
    }
}
