//! User Profile (AIH-UPR): who a User is. Held by the Back End only, never on chain.

use serde::{Deserialize, Serialize};

use super::{Confidential, DateTime, Header, MessageId};
use crate::domain::{ids::UserId, taxonomy::UserClass};

/// Who a User is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct UserProfile {
    /// `AIH-UPR-V1.0`.
    pub header: Header<UserProfile>,
    /// M-Instance the message belongs to.
    #[serde(rename = "MInstanceID", skip_serializing_if = "Option::is_none")]
    pub m_instance_id: Option<String>,
    /// This profile.
    #[serde(rename = "UserProfileID")]
    pub user_profile_id: MessageId,
    /// Time of this profile.
    pub user_profile_time: DateTime,
    /// Account of the User.
    #[serde(rename = "UserID")]
    pub user_id: UserId,
    /// The individual or organisation.
    pub user_profile_data: UserProfileData,
    /// Free text, never used for decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descr_metadata: Option<Confidential>,
}

/// An individual or an organisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum UserProfileData {
    /// An individual.
    IfHuman(Human),
    /// An organisation.
    IfOrganisation(Organisation),
}

impl UserProfileData {
    /// The class the User claims; a registrar vouches for it.
    pub fn claimed_class(&self) -> Option<UserClass> {
        match self {
            Self::IfHuman(human) => human.user_type,
            Self::IfOrganisation(organisation) => Some(organisation.r#type),
        }
    }
}

/// An individual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Human {
    /// Given name.
    pub name: Confidential,
    /// Family name.
    pub surname: Confidential,
    /// Date of birth, `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthday: Option<Confidential>,
    /// Postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Confidential>,
    /// Nationality, ISO 3166-1 alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Confidential>,
    /// Class the User claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_type: Option<UserClass>,
}

/// An organisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Organisation {
    /// Name.
    pub name: Confidential,
    /// Code in the business register.
    pub code: Confidential,
    /// Postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Confidential>,
    /// Country of registration, ISO 3166-1 alpha-2.
    pub country: Confidential,
    /// Class the organisation claims.
    pub r#type: UserClass,
}
