//! Tokens (AIH-TKN): credentials that open services to a registered User.

use serde::{Deserialize, Serialize};

use super::{Confidential, DateTime, Header, MessageId, Proof, ServiceType};
use crate::domain::ids::UserId;

/// Credentials that open services.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Tokens {
    /// `AIH-TKN-V1.0`.
    pub header: Header<Tokens>,
    /// M-Instance the message belongs to.
    #[serde(rename = "MInstanceID", skip_serializing_if = "Option::is_none")]
    pub m_instance_id: Option<String>,
    /// The User they are for.
    #[serde(rename = "UserID")]
    pub user_id: UserId,
    /// This set.
    #[serde(rename = "TokensID")]
    pub tokens_id: MessageId,
    /// Time of this set.
    pub tokens_time: DateTime,
    /// The tokens.
    pub tokens: Vec<Token>,
    /// Answer to a new challenge when tokens are renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// Free text, never used for decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descr_metadata: Option<Confidential>,
}

/// One credential.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Token {
    /// Services it opens.
    pub service_types: Vec<ServiceType>,
    /// This token, for withdrawal.
    #[serde(rename = "TokenID", skip_serializing_if = "Option::is_none")]
    pub token_id: Option<MessageId>,
    /// The signed JWT in compact form; absent when services are only named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Confidential>,
    /// When it stops opening anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime>,
}
