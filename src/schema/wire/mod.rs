//! The messages as Rust types, spelled exactly as the schemas spell them.
//!
//! One file per message type; the small types they share stand beside them. A label that the schema does not name is
//! refused, an optional label that is absent is absent again when the message is written. Where exactly one of
//! `Request` and `Response` is carried, the type is an [`Exchange`].
//!
//! What identifies or describes a person is held as [`Confidential`] or [`Base64`]: such values go to the wire, but
//! `{:?}` shows no more than their length.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{canonical::canonical, message::MessageType};
use crate::domain::ids::Account;

mod aih_data;
mod aih_data_process;
mod aih_taxonomies;
mod ara_data;
mod audit;
mod blockchain_licence;
mod confidential;
mod de_id_and_anonym;
mod evidence;
mod exchange;
mod federated_learn;
mod header;
mod health_data;
mod identifiers;
mod licence_confirm;
mod ml_model_object;
mod model_licence;
mod parameters;
mod payload;
mod qualifier;
mod register;
mod times;
mod tokens;
mod user_profile;

pub use self::{
    aih_data::{AihData, ModelLicenceOrId},
    aih_data_process::{AihDataProcess, DataOrId, ProcessRequest, ProcessResponse},
    aih_taxonomies::{AihTaxonomies, DataProcessTechnique, DeIdAndAnonymType, Risk, ServiceType},
    ara_data::{AraData, AraFinding},
    audit::{
        Act, ActKind, Audit, AuditRequest, AuditResponse, AuditedItem, CompleteToBlock, EarlierDecision, NonConformity,
        NonConformityKind, NonConformityStatus, Processing, ProcessingStatus,
    },
    blockchain_licence::{
        BlockchainLicence, LicenceRequest, LicenceResponse, LicenceState, LicenceWish, Revocation, RevocationScope,
    },
    confidential::Confidential,
    de_id_and_anonym::{DeIdAndAnonym, DeIdAndAnonymRequest, DeIdAndAnonymResponse},
    evidence::Evidence,
    exchange::Exchange,
    federated_learn::{Aggregation, FederatedLearn, FederatedLearnRequest, FederatedLearnResponse, FrontEnd, Metrics},
    header::Header,
    health_data::{HealthData, HealthObject},
    identifiers::{MessageId, MessageIdError, Proof},
    licence_confirm::{ConfirmRequest, ConfirmResponse, LicenceConfirm},
    ml_model_object::{MlModelObject, MlModelQualifier, ModelFormat},
    model_licence::{
        BackEndLicence, LicensableEndUser, ModelLicence, ModelLicenceData, SignedDocument, ThirdPartyUserLicence,
        ThirdPartyUserLicences,
    },
    parameters::Parameters,
    payload::{Base64, HeldPayload, Payload, PayloadError},
    qualifier::{Attributes, DataFormat, Qualifier},
    register::{Register, RegisterRequest, RegisterResponse},
    times::{ChainTime, DateTime, Interval, LicenceInterval},
    tokens::{Token, Tokens},
    user_profile::{Human, Organisation, UserProfile, UserProfileData},
};

/// A message of the standard.
pub trait Message: Serialize + DeserializeOwned {
    /// Its type.
    const TYPE: MessageType;
}

macro_rules! messages {
    ($($message:ident),+ $(,)?) => {
        $(impl Message for $message {
            const TYPE: MessageType = MessageType::$message;
        })+

        /// Reads a document into the wire type of its message type and writes it again.
        ///
        /// # Errors
        /// When the wire type does not read the document.
        pub fn rewrite(message: MessageType, document: &Value) -> serde_json::Result<Value> {
            use serde::Deserialize;
            match message {
                $(MessageType::$message => serde_json::to_value($message::deserialize(document)?),)+
            }
        }
    };
}

messages! {
    AihData, ModelLicence, BlockchainLicence, LicenceConfirm, AihDataProcess, Audit, Register, UserProfile, Tokens,
    DeIdAndAnonym, FederatedLearn, MlModelObject, AraData, HealthData, AihTaxonomies,
}

/// Whether two documents say the same: equal in canonical form, accounts compared without regard to the spelling of
/// their address (with or without checksum).
pub fn is_same(one: &Value, other: &Value) -> bool {
    canonical(&with_checksums(one)) == canonical(&with_checksums(other))
}

fn with_checksums(document: &Value) -> Value {
    match document {
        Value::String(text) => text.parse().map_or_else(|_| document.clone(), |a: Account| a.to_string().into()),
        Value::Array(items) => items.iter().map(with_checksums).collect(),
        Value::Object(labels) => labels.iter().map(|(label, value)| (label.clone(), with_checksums(value))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => document.clone(),
    }
}
