//! The closed list of message types, with their codes, schema addresses and embedded schemas.

use std::fmt;

macro_rules! message_types {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $name:literal, $label:literal, $path:literal;)+) => {
        /// A type of message of the standard that this Back End reads or writes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum MessageType {
            $($(#[$doc])* $variant,)+
        }

        impl MessageType {
            /// Every type, in the order of this list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The value of `Header`: type code and version, such as `AIH-AHP-V1.0`.
            pub const fn header(self) -> &'static str {
                match self { $(Self::$variant => concat!($code, "-V1.0")),+ }
            }

            /// The type's name as its schema file spells it, such as `AIHDataProcess`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The type's name in running text, such as `AIH Data Process`.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),+ }
            }

            /// The address (`$id`) under which the standard publishes the schema. It is never fetched.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => concat!("https://schemas.mpai.community/", $path, $name, ".json")),+ }
            }

            /// The schema this Back End validates against, as JSON text.
            pub const fn schema_text(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!(concat!(
                        env!("CARGO_MANIFEST_DIR"), "/schemas/", $path, $name, ".json"
                    ))),+
                }
            }
        }
    };
}

message_types! {
    /// Health data with its Model Licence or Licence.
    AihData = "AIH-AHD", "AIHData", "AIH Data", "AIH1/V1.0/data/";
    /// The terms an End User signs.
    ModelLicence = "AIH-MDL", "ModelLicence", "Model Licence", "AIH1/V1.0/data/";
    /// Asks for a Licence to be made, changed or withdrawn.
    BlockchainLicence = "AIH-BCL", "BlockchainLicence", "Blockchain Licence", "AIH1/V1.0/data/";
    /// Asks whether an operation stays within a Licence.
    LicenceConfirm = "AIH-LCF", "LicenceConfirm", "Licence Confirm", "AIH1/V1.0/data/";
    /// Asks for an operation on AIH Data.
    AihDataProcess = "AIH-AHP", "AIHDataProcess", "AIH Data Process", "AIH1/V1.0/data/";
    /// Asks what was done with an End User's AIH Data.
    Audit = "AIH-ADT", "Audit", "Audit", "AIH1/V1.0/data/";
    /// Registers a User for services.
    Register = "AIH-REG", "Register", "Register", "AIH1/V1.0/data/";
    /// Who a User is.
    UserProfile = "AIH-UPR", "UserProfile", "User Profile", "AIH1/V1.0/data/";
    /// Credentials that open services.
    Tokens = "AIH-TKN", "Tokens", "Tokens", "AIH1/V1.0/data/";
    /// Asks for AIH Data to be de-identified or anonymised.
    DeIdAndAnonym = "AIH-DIA", "DeIDAndAnonym", "De-ID and Anonym", "AIH1/V1.0/data/";
    /// Asks a Health Front End to train a model.
    FederatedLearn = "AIH-FDL", "FederatedLearn", "Federated Learn", "AIH1/V1.0/data/";
    /// A machine learning model.
    MlModelObject = "AIP-MLO", "MLModelObject", "ML Model Object", "AIP/V1.0/data/";
    /// An anomaly or risk found.
    AraData = "AIH-ARD", "ARAData", "ARA Data", "AIH1/V1.0/data/";
    /// What a health device delivers.
    HealthData = "AIH-HLD", "HealthData", "Health Data", "AIH1/V1.0/data/";
    /// Words of the taxonomies.
    AihTaxonomies = "AIH-HLT", "AIHTaxonomies", "AIH Taxonomies", "AIH1/V1.0/data/";
}

impl MessageType {
    /// The type a `Header` names, when it is one of the list in the version this Back End speaks.
    pub fn from_header(header: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|t| t.header() == header)
    }

    /// The type with this schema file name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|t| t.name() == name)
    }

    /// The label of the body that holds either `Request` or `Response`, for types that have one.
    pub const fn exchange_label(self) -> Option<&'static str> {
        match self {
            Self::BlockchainLicence => Some("BlockchainLicence"),
            Self::LicenceConfirm => Some("LicenceConfirm"),
            Self::AihDataProcess => Some("AIHDataProcess"),
            Self::Audit => Some("Audit"),
            Self::Register => Some("RegisterData"),
            Self::DeIdAndAnonym => Some("DeIDAndAnonym"),
            Self::FederatedLearn => Some("FederatedLearn"),
            _ => None,
        }
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_names_and_ids_are_unique_and_found_again() {
        for message in MessageType::ALL.iter().copied() {
            assert_eq!(MessageType::from_header(message.header()), Some(message));
            assert_eq!(MessageType::from_name(message.name()), Some(message));
        }
        assert_eq!(MessageType::AihDataProcess.header(), "AIH-AHP-V1.0");
        assert_eq!(MessageType::from_header("AIH-AHP-V1.1"), None);
        assert_eq!(MessageType::from_header("AIH-ADP-V1.0"), None);
    }

    #[test]
    fn each_schema_declares_the_id_it_is_listed_under() {
        for message in MessageType::ALL {
            let schema: serde_json::Value = serde_json::from_str(message.schema_text()).unwrap();
            assert_eq!(schema["$id"], message.id());
            assert_eq!(schema["properties"]["Header"]["const"], message.header());
        }
    }
}
