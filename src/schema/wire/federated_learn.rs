//! Federated Learn (AIH-FDL): asks a Health Front End to train a model, or carries the trained model.

use std::fmt;

use alloy::primitives::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Confidential, DateTime, Exchange, Header, MessageId, MlModelObject, Parameters};
use crate::domain::ids::{AihDataId, UserId};

/// Asks for training on a Front End's own data, or carries the trained model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct FederatedLearn {
    /// `AIH-FDL-V1.0`.
    pub header: Header<FederatedLearn>,
    /// M-Instance the message belongs to.
    #[serde(rename = "MInstanceID", skip_serializing_if = "Option::is_none")]
    pub m_instance_id: Option<String>,
    /// The round; all its messages repeat it.
    #[serde(rename = "FederatedLearnID")]
    pub federated_learn_id: MessageId,
    /// Time of this message.
    pub federated_learn_time: DateTime,
    /// End User of the Front End that answers.
    #[serde(rename = "EndUserID", skip_serializing_if = "Option::is_none")]
    pub end_user_id: Option<UserId>,
    /// Request or response.
    pub federated_learn: Exchange<FederatedLearnRequest, Box<FederatedLearnResponse>>,
    /// Free text, never used for decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descr_metadata: Option<Confidential>,
}

/// What is to be learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct FederatedLearnRequest {
    /// Front End asked.
    #[serde(rename = "HFEID")]
    pub hfe_id: FrontEnd,
    /// Model to start from.
    #[serde(rename = "PreLearnNNModelID")]
    pub pre_learn_nn_model_id: MessageId,
    /// Number of the round, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round: Option<u32>,
    /// Answers after this are not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<DateTime>,
    /// Fewest answers with which the round makes a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_responses: Option<u32>,
    /// So many answers end the round before its deadline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_responses: Option<u32>,
    /// How answers are combined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregation: Option<Aggregation>,
    /// Parameters of local training and of differential privacy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
}

/// The Front End asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrontEnd {
    /// `*`: all whose licences allow it.
    Any,
    /// The Front End of one End User.
    Of(UserId),
}

impl fmt::Display for FrontEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Of(user) => user.fmt(f),
        }
    }
}

impl Serialize for FrontEnd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FrontEnd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "*" { Ok(Self::Any) } else { text.parse().map(Self::Of).map_err(de::Error::custom) }
    }
}

/// How answers are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Aggregation {
    /// Mean weighted by sample counts.
    WeightedMean,
    /// Mean without the extremes.
    TrimmedMean,
    /// Median of each parameter.
    Median,
    /// The answer nearest to its neighbours.
    Krum,
    /// The mean of the answers nearest to their neighbours.
    MultiKrum,
}

/// What was learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct FederatedLearnResponse {
    /// The model after learning.
    #[serde(rename = "PostLearnNNModel")]
    pub post_learn_nn_model: MlModelObject,
    /// Items it was trained on; each must be licensed for it.
    #[serde(rename = "AIHDataIDs", skip_serializing_if = "Option::is_none")]
    pub aih_data_ids: Option<Vec<AihDataId>>,
    /// Samples trained on: the weight of this answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_count: Option<u64>,
    /// Number of the round answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round: Option<u32>,
    /// EIP-191 signature of the answer by the Front End's account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Bytes>,
    /// Quality on the Front End's own held-out data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
}

/// Quality on held-out data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Metrics {
    /// Loss before training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_before: Option<f64>,
    /// Loss after training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_after: Option<f64>,
    /// Fraction of right answers after training, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
}
