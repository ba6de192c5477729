//! Blockchain Licence (AIH-BCL): asks for a Licence to be made, changed or withdrawn, or carries its ID and state.

use alloy::primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};

use super::{Confidential, DateTime, Evidence, Exchange, Header, MessageId, SignedDocument};
use crate::domain::{
    ids::{AihDataId, LicenceId},
    taxonomy::DataStatus,
};

/// Asks for a Licence to be made, changed or withdrawn, or carries its ID and state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct BlockchainLicence {
    /// `AIH-BCL-V1.0`.
    pub header: Header<BlockchainLicence>,
    /// M-Instance the message belongs to.
    #[serde(rename = "MInstanceID", skip_serializing_if = "Option::is_none")]
    pub m_instance_id: Option<String>,
    /// This message, not the Licence.
    #[serde(rename = "BlockchainLicenceID")]
    pub blockchain_licence_id: MessageId,
    /// Time of this message.
    pub blockchain_licence_time: DateTime,
    /// Request or response.
    pub blockchain_licence: Exchange<LicenceRequest, Box<LicenceResponse>>,
    /// Free text, never used for decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descr_metadata: Option<Confidential>,
}

/// What is wished for one item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RequestLabels", into = "RequestLabels")]
pub struct LicenceRequest {
    /// The item.
    pub aih_data_id: AihDataId,
    /// A Licence, or its withdrawal.
    pub wish: LicenceWish,
}

/// A Licence, or its withdrawal.
#[derive(Debug, Clone, PartialEq)]
pub enum LicenceWish {
    /// A Model Licence to make a Licence of, or to change to.
    Licence {
        /// The Model Licence.
        model_licence: Box<SignedDocument>,
        /// EIP-712 signature of the compiled Model Licence by the End User.
        signature: Option<Bytes>,
        /// Number of licence events of the item that the signature was made for; 0 for a first Licence.
        sequence: Option<u64>,
    },
    /// Withdrawal.
    Revocation(Revocation),
}

/// Withdrawal of a Licence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Revocation {
    /// Licence to withdraw.
    #[serde(rename = "LicenceID")]
    pub licence_id: LicenceId,
    /// How much of it.
    pub scope: RevocationScope,
    /// EIP-712 signature of the revocation by the End User; needed for the whole licence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Bytes>,
}

/// How much of a Licence is withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RevocationScope {
    /// Nobody is licensed any more.
    WholeLicence,
    /// The Back End gives up its own right only.
    BackEndRight,
}

/// The Licence and its state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct LicenceResponse {
    /// Licence made; present when `licence_status` is true.
    #[serde(rename = "BlockchainLicenceID", skip_serializing_if = "Option::is_none")]
    pub blockchain_licence_id: Option<LicenceId>,
    /// Whether the Licence exists on chain.
    pub licence_status: bool,
    /// The item licensed.
    #[serde(rename = "AIHDataID", skip_serializing_if = "Option::is_none")]
    pub aih_data_id: Option<AihDataId>,
    /// State of the Licence on chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<LicenceState>,
    /// Number of licence events of the item so far; to be used in the next signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// keccak256 of the Model Licence in canonical form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_licence_hash: Option<B256>,
    /// Licence this one was derived from.
    #[serde(rename = "ParentLicenceID", skip_serializing_if = "Option::is_none")]
    pub parent_licence_id: Option<LicenceId>,
    /// Signed Licence at the root of the derivation.
    #[serde(rename = "RootLicenceID", skip_serializing_if = "Option::is_none")]
    pub root_licence_id: Option<LicenceId>,
    /// Status of the data the Licence is for.
    #[serde(rename = "AIHDataStatus", skip_serializing_if = "Option::is_none")]
    pub aih_data_status: Option<DataStatus>,
    /// The terms in plain words, one sentence each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plain_language: Option<Vec<String>>,
    /// Where issue, change or revocation is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Why the creation failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Vec<String>>,
}

/// State of a Licence on chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LicenceState {
    /// In force.
    Active,
    /// In force for third parties only.
    BackEndRenounced,
    /// No longer the current one of its item, or its root is not.
    Superseded,
    /// Withdrawn.
    Revoked,
}

/// The request as it stands on the wire.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct RequestLabels {
    #[serde(rename = "AIHDataID")]
    aih_data_id: AihDataId,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_licence: Option<Box<SignedDocument>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_licence_signature: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation: Option<Revocation>,
}

impl TryFrom<RequestLabels> for LicenceRequest {
    type Error = &'static str;

    fn try_from(labels: RequestLabels) -> Result<Self, Self::Error> {
        let RequestLabels { aih_data_id, model_licence, model_licence_signature: signature, sequence, revocation } =
            labels;
        let wish = match (model_licence, revocation) {
            (Some(model_licence), None) => LicenceWish::Licence { model_licence, signature, sequence },
            (None, Some(revocation)) if signature.is_none() && sequence.is_none() => {
                LicenceWish::Revocation(revocation)
            }
            _ => return Err("not exactly one of ModelLicence and Revocation with their own labels"),
        };
        Ok(Self { aih_data_id, wish })
    }
}

impl From<LicenceRequest> for RequestLabels {
    fn from(request: LicenceRequest) -> Self {
        let (model_licence, model_licence_signature, sequence, revocation) = match request.wish {
            LicenceWish::Licence { model_licence, signature, sequence } => {
                (Some(model_licence), signature, sequence, None)
            }
            LicenceWish::Revocation(revocation) => (None, None, None, Some(revocation)),
        };
        Self { aih_data_id: request.aih_data_id, model_licence, model_licence_signature, sequence, revocation }
    }
}
