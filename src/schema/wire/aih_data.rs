//! AIH Data (AIH-AHD): health data with the Model Licence it travels under, or the Licence made of it.

use alloy::primitives::Bytes;
use serde::{Deserialize, Serialize};

use super::{AraData, Confidential, DateTime, Header, MessageId, Payload, Qualifier, SignedDocument};
use crate::domain::{
    ids::{AihDataId, LicenceId, UserId},
    taxonomy::DataStatus,
};

/// An item of AIH Data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct AihData {
    /// `AIH-AHD-V1.0`.
    pub header: Header<AihData>,
    /// M-Instance the message belongs to.
    #[serde(rename = "MInstanceID", skip_serializing_if = "Option::is_none")]
    pub m_instance_id: Option<String>,
    /// This item; processed data always has a new ID.
    #[serde(rename = "AIHDataID")]
    pub aih_data_id: AihDataId,
    /// End User who produced it.
    #[serde(rename = "EndUserID")]
    pub end_user_id: UserId,
    /// When the data was measured or derived.
    #[serde(rename = "AIHDataTime")]
    pub aih_data_time: DateTime,
    /// The data itself.
    #[serde(rename = "AIHData")]
    pub aih_data: Payload,
    /// What kind of data it is.
    #[serde(rename = "AIHDataQualifier")]
    pub aih_data_qualifier: Qualifier,
    /// Model Licence the End User set; on upload the document, later often its ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_licence: Option<ModelLicenceOrId>,
    /// EIP-712 signature of the compiled Model Licence by the End User.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_licence_signature: Option<Bytes>,
    /// Licence the chain made; present once the data is in the Back End.
    #[serde(rename = "LicenceID", skip_serializing_if = "Option::is_none")]
    pub licence_id: Option<LicenceId>,
    /// Item this one was derived from.
    #[serde(rename = "ParentAIHDataID", skip_serializing_if = "Option::is_none")]
    pub parent_aih_data_id: Option<AihDataId>,
    /// How far it is de-identified; absent on upload: identified.
    #[serde(rename = "AIHDataStatus", skip_serializing_if = "Option::is_none")]
    pub aih_data_status: Option<DataStatus>,
    /// Anomalies and risks found in it.
    #[serde(rename = "ARAData", skip_serializing_if = "Option::is_none")]
    pub ara_data: Option<Vec<AraData>>,
    /// Free text, never used for decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descr_metadata: Option<Confidential>,
}

/// A Model Licence, or the ID of one the reader has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ModelLicenceOrId {
    /// The ID.
    Id(MessageId),
    /// The document.
    Document(Box<SignedDocument>),
}

impl ModelLicenceOrId {
    /// The document, when it is here.
    pub fn document(&self) -> Option<&SignedDocument> {
        match self {
            Self::Id(_) => None,
            Self::Document(document) => Some(document),
        }
    }
}
