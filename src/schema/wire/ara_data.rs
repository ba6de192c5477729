//! ARA Data (AIH-ARD): an anomaly or risk found in AIH Data.

use serde::{Deserialize, Serialize};

use super::{Confidential, DateTime, Header, Interval, MessageId, Risk};
use crate::domain::{ids::AihDataId, taxonomy::AnomalyType};

/// An anomaly or risk found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct AraData {
    /// `AIH-ARD-V1.0`.
    pub header: Header<AraData>,
    /// M-Instance the message belongs to.
    #[serde(rename = "MInstanceID", skip_serializing_if = "Option::is_none")]
    pub m_instance_id: Option<String>,
    /// This finding.
    #[serde(rename = "ARADataID")]
    pub ara_data_id: MessageId,
    /// Time of this finding.
    #[serde(rename = "ARADataTime", skip_serializing_if = "Option::is_none")]
    pub ara_data_time: Option<DateTime>,
    /// The finding.
    #[serde(rename = "ARAData")]
    pub ara_data: AraFinding,
    /// Free text, never used for decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descr_metadata: Option<Confidential>,
}

/// An anomaly, a risk, or both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct AraFinding {
    /// Item it was found in.
    #[serde(rename = "AIHDataID")]
    pub aih_data_id: AihDataId,
    /// Type of the anomaly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anomaly_type: Option<AnomalyType>,
    /// Colour of the risk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_type: Option<Risk>,
    /// The finding in plain words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<Confidential>,
    /// Part of the recording it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding_time: Option<Interval>,
    /// Rule or statistic that found it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Strength of the finding in the unit of its method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
}
