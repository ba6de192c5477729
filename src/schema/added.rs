//! What a schema cannot say.
//!
//! A keyword of ours is added to the definitions below when the schemas are loaded, so that whatever validates also
//! converts into the wire types and does not contradict itself; the files stay plain JSON Schema:
//!
//! | Definition | Also checked |
//! | --- | --- |
//! | `AccountID`, `LicenceID` | chain id without leading zeros and within 64 bits; EIP-55 checksum when in mixed case |
//! | `Interval`, `LicenceInterval` | `EndTime` is after `StartTime` |
//! | `Base64` | no stray bits in the last group, so that a payload has one spelling |
//! | AIH Data, on upload | its Model Licence names this item, this End User, and the data class of the Qualifier |

use base64::{Engine, engine::general_purpose::STANDARD};
use jsonschema::{Keyword, ValidationError, paths::Location};
use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{message::MessageType, validators::IDENTIFIERS_TEXT};
use crate::domain::{
    ids::{Account, AihDataId},
    taxonomy::{DataClass, Word},
};

/// Keyword that carries our additional checks; its value is the check's name.
pub(super) const KEYWORD: &str = "healthBackEnd";

/// Definitions with an additional check.
const ADDED: [(&str, Check); 5] = [
    ("AccountID", Check::Account),
    ("LicenceID", Check::Account),
    ("Interval", Check::Interval),
    ("LicenceInterval", Check::Interval),
    ("Base64", Check::Base64),
];

/// The shared definitions with our additional checks written into them.
pub(super) fn identifiers() -> Result<Value, serde_json::Error> {
    let mut schema: Value = serde_json::from_str(IDENTIFIERS_TEXT)?;
    for (definition, check) in ADDED {
        schema["$defs"][definition][KEYWORD] = check.name().into();
    }
    Ok(schema)
}

/// The schema of a type with our additional check written into it, where there is one.
pub(super) fn schema(message: MessageType) -> Result<Value, serde_json::Error> {
    let mut schema: Value = serde_json::from_str(message.schema_text())?;
    if message == MessageType::AihData {
        schema[KEYWORD] = Check::Upload.name().into();
    }
    Ok(schema)
}

/// Something a schema cannot say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Check {
    Account,
    Interval,
    Base64,
    Upload,
}

impl Check {
    const ALL: [Self; 4] = [Self::Account, Self::Interval, Self::Base64, Self::Upload];

    const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Interval => "interval",
            Self::Base64 => "base64",
            Self::Upload => "upload",
        }
    }

    const fn expected(self) -> &'static str {
        match self {
            Self::Account => "an account whose chain id and checksum hold",
            Self::Interval => "EndTime after StartTime",
            Self::Base64 => "base64 in its one canonical spelling",
            Self::Upload => "a Model Licence for this AIHDataID, this EndUserID and the Qualifier's DataClass",
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
            Self::Upload => agrees(instance),
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

/// Whether an upload and the Model Licence it carries speak of the same thing. Data that was derived in the Back End, or
/// is on its way out of it, may carry the Model Licence of the item it comes from.
fn agrees(data: &Value) -> bool {
    let Some(licence) = data.get("ModelLicence").filter(|licence| licence.is_object()) else { return true };
    if data.get("ParentAIHDataID").is_some() || data.get("LicenceID").is_some() {
        return true;
    }
    let (id, user) = (|text: &str| text.parse::<AihDataId>().ok(), |text: &str| text.parse::<Account>().ok());
    !(differ(licence.get("AIHDataID"), data.get("AIHDataID"), id)
        || differ(licence.get("EndUserID"), data.get("EndUserID"), user)
        || differ(licence.get("AIHDataType"), data.pointer("/AIHDataQualifier/DataClass"), DataClass::from_word))
}

/// Whether both values can be read and say different things. What cannot be read is refused where it stands.
fn differ<T: PartialEq>(one: Option<&Value>, other: Option<&Value>, read: impl Fn(&str) -> Option<T>) -> bool {
    let read = |value: Option<&Value>| value.and_then(Value::as_str).and_then(&read);
    matches!((read(one), read(other)), (Some(one), Some(other)) if one != other)
}

/// Finds the check a definition names; the signature is the one the library asks of such factories.
pub(super) fn keyword<'a>(
    _parent: &'a Map<String, Value>,
    name: &'a Value,
    _path: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    Check::ALL
        .into_iter()
        .find(|check| name == check.name())
        .map(|check| Box::new(check) as Box<dyn for<'i> Keyword<'i>>)
        .ok_or_else(|| ValidationError::custom("unknown additional check"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_additional_check_stands_on_a_definition_that_exists() {
        let schema: Value = serde_json::from_str(IDENTIFIERS_TEXT).unwrap();
        for (definition, _) in ADDED {
            assert!(schema["$defs"][definition].is_object(), "{definition}");
        }
    }

    #[test]
    fn an_interval_runs_forward_and_base64_has_one_spelling() {
        assert!(is_forward(&json!({"StartTime": "2026-01-01T00:00:00Z", "EndTime": "2026-01-01T00:00:00.1Z"})));
        assert!(!is_forward(&json!({"StartTime": "2026-01-01T00:00:00Z", "EndTime": "2026-01-01T00:00:00Z"})));
        assert!(ends_cleanly("AAAAQQ=="));
        assert!(!ends_cleanly("AAAAQR=="));
    }
}
