//! Health Data (AIH-HLD): what a health device delivers to a Front End.

use serde::{Deserialize, Serialize};

use super::{Base64, Confidential, DateTime, Header, HeldPayload, MessageId, Payload, PayloadError, Qualifier};
use crate::domain::ids::UserId;

/// What a health device delivers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct HealthData {
    /// `AIH-HLD-V1.0`.
    pub header: Header<HealthData>,
    /// M-Instance the message belongs to.
    #[serde(rename = "MInstanceID", skip_serializing_if = "Option::is_none")]
    pub m_instance_id: Option<String>,
    /// This Health Data.
    #[serde(rename = "HealthDataID")]
    pub health_data_id: MessageId,
    /// Time of this Health Data.
    pub health_data_time: DateTime,
    /// End User it is about.
    #[serde(rename = "EndUserID", skip_serializing_if = "Option::is_none")]
    pub end_user_id: Option<UserId>,
    /// The data and its Qualifier.
    pub health_object: HealthObject,
    /// Free text, never used for decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descr_metadata: Option<Confidential>,
}

/// Data with its Qualifier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Labels", into = "Labels")]
pub struct HealthObject {
    /// The data, or (`ID`) a reference to data the reader has.
    pub data: HeldPayload,
    /// What kind of data it is.
    pub qualifier: Qualifier,
}

/// The labels as they stand on the wire.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Labels {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Base64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_length: Option<u64>,
    #[serde(rename = "DataURI", skip_serializing_if = "Option::is_none")]
    data_uri: Option<String>,
    #[serde(rename = "ID", skip_serializing_if = "Option::is_none")]
    id: Option<MessageId>,
    qualifier: Qualifier,
}

impl TryFrom<Labels> for HealthObject {
    type Error = PayloadError;

    fn try_from(labels: Labels) -> Result<Self, PayloadError> {
        let data = match (labels.data, labels.data_length, labels.data_uri, labels.id) {
            (Some(data), None, None, None) => HeldPayload::Carried(Payload::Inline(data)),
            (None, Some(length), Some(uri), None) => HeldPayload::Carried(Payload::Remote { length, uri }),
            (None, None, None, Some(id)) => HeldPayload::Held(id),
            _ => return Err(PayloadError),
        };
        Ok(Self { data, qualifier: labels.qualifier })
    }
}

impl From<HealthObject> for Labels {
    fn from(object: HealthObject) -> Self {
        let qualifier = object.qualifier;
        let none = Self { data: None, data_length: None, data_uri: None, id: None, qualifier };
        match object.data {
            HeldPayload::Carried(Payload::Inline(data)) => Self { data: Some(data), ..none },
            HeldPayload::Carried(Payload::Remote { length, uri }) => {
                Self { data_length: Some(length), data_uri: Some(uri), ..none }
            }
            HeldPayload::Held(id) => Self { id: Some(id), ..none },
        }
    }
}
