//! Register (AIH-REG): asks to register a User for services, or carries the answer.

use serde::{Deserialize, Serialize};

use super::{Confidential, DateTime, Exchange, Header, MessageId, Proof, ServiceType, Tokens, UserProfile};

/// Asks to register a User for services, or carries the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Register {
    /// `AIH-REG-V1.0`.
    pub header: Header<Register>,
    /// M-Instance the message belongs to.
    #[serde(rename = "MInstanceID", skip_serializing_if = "Option::is_none")]
    pub m_instance_id: Option<String>,
    /// The registration; the response repeats it.
    #[serde(rename = "RegisterID")]
    pub register_id: MessageId,
    /// Time of this message.
    pub register_time: DateTime,
    /// Request or response.
    pub register_data: Exchange<Box<RegisterRequest>, RegisterResponse>,
    /// Free text, never used for decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descr_metadata: Option<Confidential>,
}

/// Who asks, and for what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct RegisterRequest {
    /// Profile of the User.
    pub user_profile: UserProfile,
    /// Services asked for.
    pub requested_services: Vec<ServiceType>,
    /// Proof that the sender holds the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct RegisterResponse {
    /// Whether the User is registered.
    pub success: bool,
    /// Tokens for the services asked and allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
}
