//! Model Licence (AIH-MDL): the terms under which an End User licenses one item of AIH Data.

use std::fmt;

use alloy::primitives::B256;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use super::{Confidential, Header, LicenceInterval, MessageId};
use crate::domain::{
    ids::{AihDataId, BackEndId, UserId},
    operation::Operation,
    taxonomy::{AnomalyType, DataClass, DataStatus, Usage, UserClass},
};
use crate::schema::canonical;

/// A Model Licence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct ModelLicence {
    /// `AIH-MDL-V1.0`.
    pub header: Header<ModelLicence>,
    /// M-Instance the document belongs to.
    #[serde(rename = "MInstanceID", skip_serializing_if = "Option::is_none")]
    pub m_instance_id: Option<String>,
    /// This Model Licence.
    #[serde(rename = "ModelLicenceID")]
    pub model_licence_id: MessageId,
    /// End User the data refers to, and who signs.
    #[serde(rename = "EndUserID")]
    pub end_user_id: UserId,
    /// The item licensed.
    #[serde(rename = "AIHDataID")]
    pub aih_data_id: AihDataId,
    /// Class of the item.
    #[serde(rename = "AIHDataType")]
    pub aih_data_type: DataClass,
    /// Validity of the whole.
    pub model_licence_time: LicenceInterval,
    /// The terms.
    pub model_licence_data: ModelLicenceData,
    /// Free text, never used for decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descr_metadata: Option<Confidential>,
}

/// The terms; a block that is absent licenses nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct ModelLicenceData {
    /// Terms for the Back End.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_end_licence: Option<BackEndLicence>,
    /// Terms for Third Party Users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub third_party_user_licence: Option<ThirdPartyUserLicences>,
}

/// Terms for the Back End acting on its own initiative.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackEndLicence {
    /// End User producing the Model Licence.
    #[serde(rename = "EndUserID")]
    pub end_user_id: UserId,
    /// Back End the Model Licence is sent to.
    #[serde(rename = "BackendID")]
    pub backend_id: BackEndId,
    /// The item licensed.
    #[serde(rename = "AIHDataID")]
    pub aih_data_id: AihDataId,
    /// Status the data must have reached before it is used.
    #[serde(rename = "AIHDataStatus")]
    pub aih_data_status: DataStatus,
    /// Operations licensed.
    #[serde(rename = "AIHDataProcess")]
    pub aih_data_process: Vec<Operation>,
    /// Usages of results licensed.
    #[serde(rename = "AIHDataUsage")]
    pub aih_data_usage: Vec<Usage>,
}

/// One set of terms for Third Party Users, or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ThirdPartyUserLicences {
    /// As the standard has it.
    One(Box<ThirdPartyUserLicence>),
    /// A list, an extension.
    Several(Vec<ThirdPartyUserLicence>),
}

/// Terms on which the Back End may license Third Party Users.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct ThirdPartyUserLicence {
    /// Back End re-issuing the Model Licence.
    #[serde(rename = "BackendID")]
    pub backend_id: BackEndId,
    /// The one Third Party User licensed; absent: every User of the classes in `user_types`.
    #[serde(rename = "ThirdPartyUserID", skip_serializing_if = "Option::is_none")]
    pub third_party_user_id: Option<UserId>,
    /// End Users that may be licensed, each with their own data classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licensable_end_users: Option<Vec<LicensableEndUser>>,
    /// The item licensed.
    #[serde(rename = "AIHDataID")]
    pub aih_data_id: AihDataId,
    /// Validity of these terms.
    pub time: LicenceInterval,
    /// Classes of Users authorised.
    pub user_types: Vec<UserClass>,
    /// Operations licensed.
    pub process_types: Vec<Operation>,
    /// Types of anomaly whose findings the User receives; absent: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anomaly_types: Option<Vec<AnomalyType>>,
    /// Usages of results licensed.
    pub usage_types: Vec<Usage>,
}

/// An End User that may be licensed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicensableEndUser {
    /// The End User.
    #[serde(rename = "UserID")]
    pub user_id: UserId,
    /// Data classes licensable to this User.
    #[serde(rename = "AIHDataClasses")]
    pub aih_data_classes: Vec<DataClass>,
}

/// A Model Licence inside another message, with the very document that was signed.
///
/// An account has several spellings (with or without checksum) and the hash that goes on chain is that of the
/// document, so the document travels along and is what gets written again. [`crate::schema::into_domain`] takes it from
/// here. `{:?}` leaves the document out: its free text is nobody's business.
#[derive(Clone, PartialEq)]
pub struct SignedDocument {
    document: Value,
    licence: ModelLicence,
}

impl SignedDocument {
    /// The document, exactly as it was received.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The Model Licence it holds.
    pub fn licence(&self) -> &ModelLicence {
        &self.licence
    }

    /// keccak256 of the document in canonical form (RFC 8785).
    pub fn hash(&self) -> B256 {
        canonical::hash(&self.document)
    }
}

impl fmt::Debug for SignedDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SignedDocument").field(&self.licence).finish()
    }
}

impl From<ModelLicence> for SignedDocument {
    fn from(licence: ModelLicence) -> Self {
        // Every label is a fixed text and every value a text or a list of texts: nothing in it fails to serialise.
        let document = serde_json::to_value(&licence).unwrap_or_default();
        Self { document, licence }
    }
}

impl Serialize for SignedDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SignedDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Value::deserialize(deserializer)?;
        let licence = ModelLicence::deserialize(&document).map_err(de::Error::custom)?;
        Ok(Self { document, licence })
    }
}
