//! Licence Confirm (AIH-LCF): asks whether an operation stays within a Licence, or carries the answer.

use serde::{Deserialize, Serialize};

use super::{ChainTime, Confidential, DateTime, Evidence, Exchange, Header, MessageId};
use crate::domain::{
    ids::{AihDataId, LicenceId, UserId},
    operation::Operation,
    taxonomy::Usage,
    verdict::{FailingTerm, Verdict},
};

/// Asks whether an operation stays within a Licence, or carries the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct LicenceConfirm {
    /// `AIH-LCF-V1.0`.
    pub header: Header<LicenceConfirm>,
    /// M-Instance the message belongs to.
    #[serde(rename = "MInstanceID", skip_serializing_if = "Option::is_none")]
    pub m_instance_id: Option<String>,
    /// This Licence Confirm; its 128 bits are recorded on chain.
    #[serde(rename = "LicenceConfirmID")]
    pub licence_confirm_id: MessageId,
    /// Time of this message.
    pub licence_confirm_time: DateTime,
    /// Question or answer.
    pub licence_confirm: Exchange<ConfirmRequest, ConfirmResponse>,
    /// Free text, never used for decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descr_metadata: Option<Confidential>,
}

/// The question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct ConfirmRequest {
    /// Item to be used.
    #[serde(rename = "AIHDataID")]
    pub aih_data_id: AihDataId,
    /// Operation intended.
    pub process_type: Operation,
    /// Intended time of execution.
    pub time: ChainTime,
    /// User who asks; absent: the authenticated sender.
    #[serde(rename = "UserID", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Intended usage of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Licence the asker relies on; the chain answers by the current one.
    #[serde(rename = "LicenceID", skip_serializing_if = "Option::is_none")]
    pub licence_id: Option<LicenceId>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct ConfirmResponse {
    /// Whether the operation complies.
    pub status: bool,
    /// Every failing term; empty when it complies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Vec<FailingTerm>>,
    /// Record of the answer on chain; absent in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

impl ConfirmResponse {
    /// The answer a verdict means.
    pub fn new(verdict: Verdict, evidence: Option<Evidence>) -> Self {
        Self { status: verdict.is_permitted(), reasons: Some(verdict.reasons().collect()), evidence }
    }
}
