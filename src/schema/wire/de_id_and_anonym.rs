//! De-ID and Anonym (AIH-DIA): asks for de-identification, or carries the ID of the treated copy.

use serde::{Deserialize, Serialize};

use super::{Confidential, DateTime, DeIdAndAnonymType, Exchange, Header, LicenceConfirm, MessageId, Parameters};
use crate::domain::{
    ids::{AihDataId, LicenceId, UserId},
    taxonomy::{DataStatus, Usage},
};

/// Asks for de-identification, or carries the ID of the treated copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct DeIdAndAnonym {
    /// `AIH-DIA-V1.0`.
    pub header: Header<DeIdAndAnonym>,
    /// M-Instance the message belongs to.
    #[serde(rename = "MInstanceID", skip_serializing_if = "Option::is_none")]
    pub m_instance_id: Option<String>,
    /// The request; the response repeats it.
    #[serde(rename = "DeIDAndAnonymID")]
    pub de_id_and_anonym_id: MessageId,
    /// Time of this message.
    #[serde(rename = "DeIDAndAnonymTime")]
    pub de_id_and_anonym_time: DateTime,
    /// End User who asks.
    #[serde(rename = "EndUserID", skip_serializing_if = "Option::is_none")]
    pub end_user_id: Option<UserId>,
    /// Request or response.
    #[serde(rename = "DeIDAndAnonym")]
    pub de_id_and_anonym: Exchange<DeIdAndAnonymRequest, Box<DeIdAndAnonymResponse>>,
    /// Free text, never used for decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descr_metadata: Option<Confidential>,
}

/// What is to be treated, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct DeIdAndAnonymRequest {
    /// Item to treat.
    #[serde(rename = "AIHDataID")]
    pub aih_data_id: AihDataId,
    /// Kind of treatment.
    #[serde(rename = "DeIDAndAnonymType")]
    pub de_id_and_anonym_type: DeIdAndAnonymType,
    /// Technique or AI Module; absent: chosen by format.
    #[serde(rename = "DeIDAndAnonymAlgoID", skip_serializing_if = "Option::is_none")]
    pub de_id_and_anonym_algo_id: Option<String>,
    /// Intended usage of the treated copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Parameters of the algorithm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
}

/// The treated copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct DeIdAndAnonymResponse {
    /// New ID of the treated copy; present when `processing_state` is true.
    #[serde(rename = "AIHDataID", skip_serializing_if = "Option::is_none")]
    pub aih_data_id: Option<AihDataId>,
    /// Whether it was done.
    pub processing_state: bool,
    /// Status proved for the treated copy.
    #[serde(rename = "AIHDataStatus", skip_serializing_if = "Option::is_none")]
    pub aih_data_status: Option<DataStatus>,
    /// Derived Licence of the treated copy.
    #[serde(rename = "LicenceID", skip_serializing_if = "Option::is_none")]
    pub licence_id: Option<LicenceId>,
    /// What was done, one line per step; never the values removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Vec<String>>,
    /// The confirmation it relied on or was refused by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence_confirm: Option<LicenceConfirm>,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Vec<String>>,
}
