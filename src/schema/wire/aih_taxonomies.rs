//! AIH Taxonomies (AIH-HLT), and the word lists that only messages use. Those that decide about licences are domain
//! types.

use serde::{Deserialize, Serialize};

use super::{Confidential, Header};
use crate::domain::{
    operation::Operation,
    taxonomy::{AnomalyType, DataClass, DataStatus, Usage, UserClass},
};

/// One word per taxonomy, so that a set of words can be checked by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct AihTaxonomies {
    /// The header, which this type alone may omit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header<AihTaxonomies>>,
    /// M-Instance the message belongs to.
    #[serde(rename = "MInstanceID", skip_serializing_if = "Option::is_none")]
    pub m_instance_id: Option<String>,
    /// Class of data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_class: Option<DataClass>,
    /// Class of User.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_user: Option<UserClass>,
    /// How far data is de-identified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_status: Option<DataStatus>,
    /// Use made of a result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_usage: Option<Usage>,
    /// Technique of de-identification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_process_technique: Option<DataProcessTechnique>,
    /// Type of anomaly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_anomaly: Option<AnomalyType>,
    /// Colour of a risk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// Service of the Back End: one of the five of the standard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_types: Option<Operation>,
    /// Processing type: one of the forty of the standard.
    #[serde(rename = "AIHDataProcessingType", skip_serializing_if = "Option::is_none")]
    pub aih_data_processing_type: Option<Operation>,
    /// Free text, never used for decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descr_metadata: Option<Confidential>,
}

/// Colour of a risk, from most to least urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Risk {
    /// Most urgent.
    Red,
    /// Urgent.
    Orange,
    /// To be watched.
    Yellow,
    /// Nothing of note.
    Green,
    /// Information.
    Blue,
}

/// Technique of de-identification or anonymisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DataProcessTechnique {
    /// Part of a value is hidden.
    #[serde(rename = "Data Masking")]
    DataMasking,
    /// Values are given in groups only.
    #[serde(rename = "Data Aggregation")]
    DataAggregation,
    /// Values are made coarser.
    Generalisation,
    /// Noise is added.
    Perturbation,
    /// Values are replaced by tokens.
    Tokenisation,
    /// Values are replaced by digests.
    Hashing,
    /// Identifiers are taken out.
    #[serde(rename = "Removal of Identifiers")]
    RemovalOfIdentifiers,
    /// Every record looks like at least k - 1 others.
    #[serde(rename = "K Anonymity")]
    KAnonymity,
    /// Every group of like records has at least l sensitive values.
    #[serde(rename = "L Diversity")]
    LDiversity,
    /// A result hardly depends on any one record.
    #[serde(rename = "Differential Privacy")]
    DifferentialPrivacy,
    /// Records are made up with the statistics of the real ones.
    #[serde(rename = "Synthetic Data Generation")]
    SyntheticDataGeneration,
    /// Computing on encrypted values.
    #[serde(rename = "Homomorphic Encryption")]
    HomomorphicEncryption,
}

impl DataProcessTechnique {
    /// All twelve, in the standard's order.
    pub const ALL: &'static [Self] = &[
        Self::DataMasking,
        Self::DataAggregation,
        Self::Generalisation,
        Self::Perturbation,
        Self::Tokenisation,
        Self::Hashing,
        Self::RemovalOfIdentifiers,
        Self::KAnonymity,
        Self::LDiversity,
        Self::DifferentialPrivacy,
        Self::SyntheticDataGeneration,
        Self::HomomorphicEncryption,
    ];
}

/// Kind of de-identification asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DeIdAndAnonymType {
    /// To pseudonymised data.
    #[serde(rename = "De-Identify")]
    DeIdentify,
    /// To anonymised data.
    Anonymise,
    /// Both, in this order.
    #[serde(rename = "De-Identify and Anonymise")]
    Both,
}

macro_rules! service_types {
    ($($variant:ident),+) => {
        /// A service that a token opens: the standard's five and three of this Back End.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ServiceType {
            $(#[doc = concat!("[`Operation::", stringify!($variant), "`]")] $variant,)+
        }

        impl ServiceType {
            /// Every service.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
        }

        impl From<ServiceType> for Operation {
            fn from(service: ServiceType) -> Self {
                match service { $(ServiceType::$variant => Self::$variant),+ }
            }
        }
    };
}

service_types! {
    Store, Auditing, DeIdAndAnonym, AihDataProcessing, LicenceChange, Retrieve, AnomalyAndRiskAlerting, FederatedLearning
}

impl ServiceType {
    /// The service that opens an operation, when it is more than one processing type.
    pub fn from_operation(operation: Operation) -> Option<Self> {
        Self::ALL.iter().copied().find(|service| Operation::from(*service) == operation)
    }
}

impl Serialize for ServiceType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Operation::from(*self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ServiceType {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_operation(Operation::deserialize(deserializer)?)
            .ok_or_else(|| serde::de::Error::custom("an operation that is not a service"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_operations_above_the_processing_types() {
        for service in ServiceType::ALL.iter().copied() {
            assert!(!Operation::from(service).is_processing_type());
            assert_eq!(ServiceType::from_operation(service.into()), Some(service));
        }
        assert_eq!(ServiceType::ALL.len(), 8);
        assert!(serde_json::from_str::<ServiceType>("\"HealthStateDetection\"").is_err());
    }
}
