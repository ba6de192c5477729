//! AIH Data Process (AIH-AHP): asks for an operation on AIH Data, or carries its result.

use serde::{Deserialize, Serialize};

use super::{AihData, Confidential, DateTime, Exchange, Header, LicenceConfirm, MessageId, Parameters, Tokens};
use crate::domain::{
    ids::{AihDataId, UserId},
    operation::Operation,
    taxonomy::Usage,
};

/// Asks for an operation, or carries its result. Also the store request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct AihDataProcess {
    /// `AIH-AHP-V1.0`.
    pub header: Header<AihDataProcess>,
    /// M-Instance the message belongs to.
    #[serde(rename = "MInstanceID", skip_serializing_if = "Option::is_none")]
    pub m_instance_id: Option<String>,
    /// The request; the response repeats it.
    #[serde(rename = "AIHDataProcessID")]
    pub aih_data_process_id: MessageId,
    /// Time of this message.
    #[serde(rename = "AIHDataProcessTime", skip_serializing_if = "Option::is_none")]
    pub aih_data_process_time: Option<DateTime>,
    /// The requesting User.
    #[serde(rename = "UserID")]
    pub user_id: UserId,
    /// Request or response.
    #[serde(rename = "AIHDataProcess")]
    pub aih_data_process: Exchange<Box<ProcessRequest>, Box<ProcessResponse>>,
    /// Free text, never used for decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descr_metadata: Option<Confidential>,
}

/// The data an operation is asked for or has made: the data itself, or its ID.
#[derive(Debug, Clone, PartialEq)]
pub enum DataOrId {
    /// `AIHData`.
    Data(Box<AihData>),
    /// `AIHDataID`.
    Id(AihDataId),
}

impl DataOrId {
    /// The item's ID, either way.
    pub fn id(&self) -> AihDataId {
        match self {
            Self::Data(data) => data.aih_data_id,
            Self::Id(id) => *id,
        }
    }

    fn from_labels(data: Option<Box<AihData>>, id: Option<AihDataId>) -> Result<Option<Self>, &'static str> {
        match (data, id) {
            (Some(_), Some(_)) => Err("AIHData and AIHDataID stand together"),
            (Some(data), None) => Ok(Some(Self::Data(data))),
            (None, id) => Ok(id.map(Self::Id)),
        }
    }

    fn into_labels(self) -> (Option<Box<AihData>>, Option<AihDataId>) {
        match self {
            Self::Data(data) => (Some(data), None),
            Self::Id(id) => (None, Some(id)),
        }
    }
}

/// Asks for an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RequestLabels", into = "RequestLabels")]
pub struct ProcessRequest {
    /// The data to process.
    pub data: DataOrId,
    /// Operation asked for.
    pub processing_type: Operation,
    /// The requesting User's Tokens; HTTP carries the token that counts.
    pub tokens: Option<Tokens>,
    /// Intended usage of the result.
    pub usage: Option<Usage>,
    /// Parameters of the operation.
    pub parameters: Option<Parameters>,
}

/// Carries the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ResponseLabels", into = "ResponseLabels")]
pub struct ProcessResponse {
    /// The result, when there is one.
    pub data: Option<DataOrId>,
    /// Whether it was done.
    pub processing_status: bool,
    /// The confirmation the operation relied on or was refused by.
    pub licence_confirm: Option<LicenceConfirm>,
    /// Why it was not done.
    pub reasons: Option<Vec<String>>,
}

/// The request as it stands on the wire.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RequestLabels {
    #[serde(rename = "AIHData", skip_serializing_if = "Option::is_none")]
    aih_data: Option<Box<AihData>>,
    #[serde(rename = "AIHDataID", skip_serializing_if = "Option::is_none")]
    aih_data_id: Option<AihDataId>,
    processing_type: Operation,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<Tokens>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Parameters>,
}

/// The response as it stands on the wire.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ResponseLabels {
    #[serde(rename = "AIHData", skip_serializing_if = "Option::is_none")]
    aih_data: Option<Box<AihData>>,
    #[serde(rename = "AIHDataID", skip_serializing_if = "Option::is_none")]
    aih_data_id: Option<AihDataId>,
    processing_status: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    licence_confirm: Option<LicenceConfirm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<Vec<String>>,
}

impl TryFrom<RequestLabels> for ProcessRequest {
    type Error = &'static str;

    fn try_from(labels: RequestLabels) -> Result<Self, Self::Error> {
        let RequestLabels { aih_data, aih_data_id, processing_type, tokens, usage, parameters } = labels;
        let data = DataOrId::from_labels(aih_data, aih_data_id)?.ok_or("neither AIHData nor AIHDataID")?;
        Ok(Self { data, processing_type, tokens, usage, parameters })
    }
}

impl From<ProcessRequest> for RequestLabels {
    fn from(request: ProcessRequest) -> Self {
        let ProcessRequest { data, processing_type, tokens, usage, parameters } = request;
        let (aih_data, aih_data_id) = data.into_labels();
        Self { aih_data, aih_data_id, processing_type, tokens, usage, parameters }
    }
}

impl TryFrom<ResponseLabels> for ProcessResponse {
    type Error = &'static str;

    fn try_from(labels: ResponseLabels) -> Result<Self, Self::Error> {
        let ResponseLabels { aih_data, aih_data_id, processing_status, licence_confirm, reasons } = labels;
        let data = DataOrId::from_labels(aih_data, aih_data_id)?;
        Ok(Self { data, processing_status, licence_confirm, reasons })
    }
}

impl From<ProcessResponse> for ResponseLabels {
    fn from(response: ProcessResponse) -> Self {
        let ProcessResponse { data, processing_status, licence_confirm, reasons } = response;
        let (aih_data, aih_data_id) = data.map_or((None, None), DataOrId::into_labels);
        Self { aih_data, aih_data_id, processing_status, licence_confirm, reasons }
    }
}
