//! Audit (AIH-ADT): asks what was done with an End User's AIH Data, or carries the answer.

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};

use super::{ChainTime, Confidential, DateTime, Evidence, Exchange, Header, Interval, MessageId};
use crate::domain::{
    ids::{AihDataId, LicenceId, UserId},
    operation::Operation,
    taxonomy::{Usage, UserClass},
    verdict::FailingTerm,
};

/// Asks what was done with an End User's AIH Data in a period, or carries the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Audit {
    /// `AIH-ADT-V1.0`.
    pub header: Header<Audit>,
    /// M-Instance the message belongs to.
    #[serde(rename = "MInstanceID", skip_serializing_if = "Option::is_none")]
    pub m_instance_id: Option<String>,
    /// The audit request; the response repeats it.
    #[serde(rename = "AuditID")]
    pub audit_id: MessageId,
    /// Time of this message.
    pub audit_time: DateTime,
    /// Request or response.
    pub audit: Exchange<AuditRequest, AuditResponse>,
    /// Free text, never used for decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descr_metadata: Option<Confidential>,
}

/// What is to be audited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct AuditRequest {
    /// User for whom the audit is asked.
    #[serde(rename = "UserID")]
    pub user_id: UserId,
    /// Period audited.
    pub audit_period: Interval,
    /// Operations looked for; absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing_types: Option<Vec<Operation>>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct AuditResponse {
    /// One entry per item with decisions in the period.
    #[serde(rename = "AIHData")]
    pub aih_data: Vec<AuditedItem>,
    /// What was recorded on a chain that was reset and restored since; only this Back End's copy tells of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earlier_chain: Option<Vec<EarlierDecision>>,
    /// Operations not covered by a recorded yes; empty is a clean bill up to `complete_to_block`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub non_conformities: Option<Vec<NonConformity>>,
    /// Block up to which the answer is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete_to_block: Option<CompleteToBlock>,
}

/// Decisions about one item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct AuditedItem {
    /// The item.
    #[serde(rename = "AIHDataID")]
    pub aih_data_id: AihDataId,
    /// Decisions, oldest first.
    pub processing_types: Vec<Processing>,
    /// What was done with it without a Licence Confirm, oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acts: Option<Vec<Act>>,
}

/// Something done with an item on its End User's signature, or as the last step of a permitted operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Act {
    /// What.
    #[serde(rename = "Act")]
    pub kind: ActKind,
    /// When.
    pub act_time: DateTime,
    /// The item.
    #[serde(rename = "AIHDataID")]
    pub aih_data_id: AihDataId,
    /// Whether it was carried out.
    pub status: ProcessingStatus,
    /// By whom, or at whose wish.
    #[serde(rename = "UserID", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The licence made, or withdrawn.
    #[serde(rename = "LicenceID", skip_serializing_if = "Option::is_none")]
    pub licence_id: Option<LicenceId>,
    /// What it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActKind {
    /// A licence was issued and the payload stored.
    Store,
    /// A result got its licence and was stored.
    Derive,
    /// A licence took the place of another.
    ChangeLicence,
    /// A licence, or the Back End's own right, was withdrawn.
    RevokeLicence,
    /// The item's key was destroyed.
    Erase,
    /// The way back from the pseudonyms of a treated copy was opened, by the recorded yes to a `Retrieve` of the item.
    Unseal,
}

/// One decision about an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Processing {
    /// Operation asked for.
    pub processing_type: Operation,
    /// When it was executed or refused.
    pub process_time: DateTime,
    /// Item affected.
    #[serde(rename = "AIHDataID")]
    pub aih_data_id: AihDataId,
    /// What came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<ProcessingStatus>,
    /// Requesting User.
    #[serde(rename = "UserID", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Class of the requesting User; absent for the Back End itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_type: Option<UserClass>,
    /// Usage asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Intended time of execution that was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intended_time: Option<ChainTime>,
    /// Failing terms of a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Vec<FailingTerm>>,
    /// The Licence Confirm that asked.
    #[serde(rename = "LicenceConfirmID", skip_serializing_if = "Option::is_none")]
    pub licence_confirm_id: Option<MessageId>,
    /// Licence it was judged by.
    #[serde(rename = "LicenceID", skip_serializing_if = "Option::is_none")]
    pub licence_id: Option<LicenceId>,
    /// The round of federated learning it was asked for in.
    #[serde(rename = "FederatedLearnID", skip_serializing_if = "Option::is_none")]
    pub federated_learn_id: Option<MessageId>,
    /// Where the answer is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// What came of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProcessingStatus {
    /// Carried out under a recorded yes.
    Executed,
    /// Recorded no.
    Denied,
    /// Recorded yes, not carried out.
    Permitted,
}

/// A decision, or an act, recorded on a chain that was reset and restored since. No node can be asked for it any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct EarlierDecision {
    /// Operation asked for.
    pub processing_type: Operation,
    /// When it was recorded.
    pub process_time: DateTime,
    /// Item affected.
    #[serde(rename = "AIHDataID")]
    pub aih_data_id: AihDataId,
    /// What came of it.
    pub status: ProcessingStatus,
    /// When the chain of now was restored.
    pub restored_time: DateTime,
    /// Requesting User.
    #[serde(rename = "UserID", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Usage asked for; absent for an act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Failing terms of a denial; absent for an act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Vec<FailingTerm>>,
    /// The Licence Confirm that asked; absent for an act.
    #[serde(rename = "LicenceConfirmID", skip_serializing_if = "Option::is_none")]
    pub licence_confirm_id: Option<MessageId>,
    /// Licence it was judged by, or that was made or withdrawn.
    #[serde(rename = "LicenceID", skip_serializing_if = "Option::is_none")]
    pub licence_id: Option<LicenceId>,
    /// Where it stood on the chain that is gone.
    pub evidence: Evidence,
}

/// An operation that was not covered by a recorded yes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct NonConformity {
    /// In which way.
    pub kind: NonConformityKind,
    /// Item affected.
    #[serde(rename = "AIHDataID")]
    pub aih_data_id: AihDataId,
    /// Infringing operation.
    pub processing_type: Operation,
    /// When it was executed.
    pub process_time: DateTime,
    /// Requesting User.
    #[serde(rename = "UserID", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Processing status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<NonConformityStatus>,
    /// Licence that was current, if any.
    #[serde(rename = "LicenceID", skip_serializing_if = "Option::is_none")]
    pub licence_id: Option<LicenceId>,
    /// The Licence Confirm that comes nearest, if any.
    #[serde(rename = "LicenceConfirmID", skip_serializing_if = "Option::is_none")]
    pub licence_confirm_id: Option<MessageId>,
    /// Recorded answer that comes nearest, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// In which way an operation was not covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NonConformityKind {
    /// Executed with no earlier recorded yes.
    NoConfirmation,
    /// Executed after a recorded no.
    Denied,
    /// Executed before the validity.
    NotYetValid,
    /// Executed after the validity.
    AfterExpiry,
    /// Executed after the revocation.
    AfterRevocation,
    /// The recorded yes was for another User, operation, usage or item.
    TermsDiffer,
    /// The Back End's own record of the answer is not what the chain holds.
    EvidenceDiffers,
}

/// Processing status of a non-conformity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NonConformityStatus {
    /// Carried out.
    Executed,
    /// Refused.
    Denied,
}

/// A block up to which an answer is complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct CompleteToBlock {
    /// Its number.
    pub block_number: u64,
    /// Its hash.
    pub block_hash: B256,
}
