//! The Model Licence as the End User means it: parsed, every word known, not yet bound to a Back End.

use alloy::primitives::B256;

use super::{
    ids::{AihDataId, BackEndId, UserId},
    operation::Operation,
    taxonomy::{AnomalyType, DataClass, DataStatus, Usage, UserClass, WordSet},
    window::Window,
};

/// A Model Licence (AIH-MDL).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelLicence {
    /// `ModelLicenceID`.
    pub id: String,
    /// keccak256 of the document in canonical form (RFC 8785).
    pub hash: B256,
    /// `EndUserID`.
    pub end_user: UserId,
    /// `AIHDataID`.
    pub aih_data: AihDataId,
    /// `AIHDataType`.
    pub data_class: DataClass,
    /// `ModelLicenceTime`.
    pub window: Window,
    /// `BackEndLicence`; absent licenses the Back End nothing.
    pub back_end: Option<BackEndLicence>,
    /// `ThirdPartyUserLicence`, one or several; none licenses third parties nothing.
    pub third_parties: Vec<ThirdPartyUserLicence>,
}

/// `BackEndLicence`: what the Back End may do on its own initiative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackEndLicence {
    /// `EndUserID`.
    pub end_user: UserId,
    /// `BackendID`.
    pub back_end: BackEndId,
    /// `AIHDataID`.
    pub aih_data: AihDataId,
    /// `AIHDataStatus`.
    pub status: DataStatus,
    /// `AIHDataProcess`.
    pub processes: Vec<Operation>,
    /// `AIHDataUsage`.
    pub usages: WordSet<Usage>,
}

/// `ThirdPartyUserLicence`: what the Back End may sub-license.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThirdPartyUserLicence {
    /// Where the block stands in the document, as a JSON pointer.
    pub pointer: String,
    /// `BackendID`.
    pub back_end: BackEndId,
    /// `ThirdPartyUserID`.
    pub third_party: Option<UserId>,
    /// `LicensableEndUsers[]`.
    pub licensable_end_users: Vec<LicensableEndUser>,
    /// `AIHDataID`.
    pub aih_data: AihDataId,
    /// `Time`.
    pub window: Window,
    /// `UserTypes`.
    pub user_types: WordSet<UserClass>,
    /// `ProcessTypes`.
    pub processes: Vec<Operation>,
    /// `AnomalyTypes`.
    pub anomalies: WordSet<AnomalyType>,
    /// `UsageTypes`.
    pub usages: WordSet<Usage>,
}

/// An entry of `LicensableEndUsers[]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicensableEndUser {
    /// `UserID`.
    pub user: UserId,
    /// `AIHDataClasses[]`.
    pub data_classes: WordSet<DataClass>,
}
