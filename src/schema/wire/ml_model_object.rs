//! ML Model Object (AIP-MLO): a machine learning model, or a reference to it.

use alloy::primitives::Bytes;
use serde::{Deserialize, Serialize};

use super::{Confidential, DateTime, Header, HeldPayload, MessageId};
use crate::domain::{
    ids::{LicenceId, UserId},
    operation::Operation,
    taxonomy::DataClass,
};

/// A machine learning model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct MlModelObject {
    /// `AIP-MLO-V1.0`.
    pub header: Header<MlModelObject>,
    /// M-Instance the message belongs to.
    #[serde(rename = "MInstanceID", skip_serializing_if = "Option::is_none")]
    pub m_instance_id: Option<String>,
    /// The model.
    #[serde(rename = "MLModelObjectID")]
    pub ml_model_object_id: MessageId,
    /// Time of the model.
    #[serde(rename = "MLModelObjectTime", skip_serializing_if = "Option::is_none")]
    pub ml_model_object_time: Option<DateTime>,
    /// Its parts.
    #[serde(rename = "MLModelData")]
    pub ml_model_data: Vec<HeldPayload>,
    /// What kind of model it is.
    #[serde(rename = "MLModelQualifier", skip_serializing_if = "Option::is_none")]
    pub ml_model_qualifier: Option<MlModelQualifier>,
    /// Free text, never used for decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descr_metadata: Option<Confidential>,
}

/// What kind of model it is, and what is known of its training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct MlModelQualifier {
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What it does, in one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Type of model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_type: Option<String>,
    /// Exchange format of the parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<ModelFormat>,
    /// Number of trainable parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_count: Option<u64>,
    /// SHA-256 of the concatenated parts: `sha256:` and 64 lower-case hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Processing types it performs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing_types: Option<Vec<Operation>>,
    /// Classes of data it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_data_classes: Option<Vec<DataClass>>,
    /// Model it was trained from.
    #[serde(rename = "ParentMLModelObjectID", skip_serializing_if = "Option::is_none")]
    pub parent_ml_model_object_id: Option<MessageId>,
    /// Federated learning round that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round: Option<u32>,
    /// Samples it was trained on in that round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_count: Option<u64>,
    /// Round that made it.
    #[serde(rename = "FederatedLearnID", skip_serializing_if = "Option::is_none")]
    pub federated_learn_id: Option<MessageId>,
    /// Licences of the data behind it, of all its rounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licences: Option<Vec<LicenceId>>,
    /// Account of the Back End that signed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<UserId>,
    /// EIP-191 signature of the model by that account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Bytes>,
}

/// Exchange format of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelFormat {
    /// Tensors by name.
    #[serde(rename = "safetensors")]
    Safetensors,
    /// Open Neural Network Exchange.
    #[serde(rename = "ONNX")]
    Onnx,
    /// Neural Network Exchange Format.
    #[serde(rename = "NNEF")]
    Nnef,
    /// JSON.
    #[serde(rename = "JSON")]
    Json,
    /// Scoring file of the PGS Catalog.
    #[serde(rename = "PGSCatalog")]
    PgsCatalog,
}
