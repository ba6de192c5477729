//! What is sent: CloudEvents 1.0 in structured mode (JSON). Identifiers and words of ours only; what was found is for
//! those who ask for it with a Token.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    aims::AimError,
    domain::ids::BackEndId,
    schema::{ResourceType, validate_resource},
};

/// Media type of a CloudEvent in structured mode.
pub const MEDIA_TYPE: &str = "application/cloudevents+json; charset=utf-8";
const TYPE_PREFIX: &str = "community.mpai.aih.";

/// A message about something that happened.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// Its own ID; `webhook-id`.
    pub id: Uuid,
    /// Where it comes from.
    pub back_end: BackEndId,
    /// Kind, as on the event stream, e.g. `alert.raised`.
    pub kind: &'a str,
    /// RFC 3339.
    pub time: &'a str,
    /// Where to read more.
    pub path: &'a str,
    /// Identifiers.
    pub data: Value,
}

impl Event<'_> {
    /// The text that is signed and sent.
    ///
    /// # Errors
    /// [`AimError::Worker`] when it is not what its schema says: nothing of it leaves the house.
    pub fn text(&self) -> Result<String, AimError> {
        let document = json!({
            "specversion": "1.0",
            "id": self.id,
            "source": format!("urn:aih:{}", self.back_end),
            "type": format!("{TYPE_PREFIX}{}", self.kind),
            "time": self.time,
            "subject": self.path,
            "datacontenttype": "application/json",
            "data": self.data,
        });
        match validate_resource(ResourceType::CloudEvent, &document) {
            Ok(()) => Ok(document.to_string()),
            Err(violations) => {
                let places: Vec<_> = violations.iter().map(|v| format!("{} ({})", v.pointer, v.keyword)).collect();
                Err(AimError::Worker(format!("an outgoing event violates its schema at {}", places.join(", "))))
            }
        }
    }
}
