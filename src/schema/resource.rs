//! The closed list of this Back End's own resources: every JSON document that crosses the door and is no message of the
//! standard. Their schemas stand below `schemas/HBE/V1.0/resources/` (AIM metadata where AIF has it) and may refer to those of the standard.

use std::fmt;

macro_rules! resource_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $label:literal, $start:literal + $end:literal, $path:literal;)+) => {
        /// A type of document of this Back End.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ResourceType {
            $($(#[$doc])* $variant,)+
        }

        impl ResourceType {
            /// Every type, in the order of this list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name as its schema file spells it, such as `AlertList`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Its name in running text, such as `Alert List`.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),+ }
            }

            /// The address (`$id`) of its schema; `GET /v1/schemas/{id}` has it.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => concat!($start, $name, $end)),+ }
            }

            /// Its schema, as JSON text.
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

resource_types! {
    /// An alert: that something was found in an item, without what. What was found stands in its findings, for those it is for.
    Alert = "Alert", "Alert", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// A page of alerts the caller was told of.
    AlertList = "AlertList", "Alert List", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// An alert with what was found, as far as it is for the caller.
    AlertFindings = "AlertFindings", "Alert with Findings", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// Whom an End User named to be told of alerts.
    AlertRecipients = "AlertRecipients", "Alert Recipients", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// Names whom to tell of alerts; they take the place of those named before.
    AlertRecipientsRequest = "AlertRecipientsRequest", "Alert Recipients Request", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// An address at which a User wants to be told. Its secret is never shown here.
    Webhook = "Webhook", "Webhook", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// The caller's webhooks.
    WebhookList = "WebhookList", "Webhook List", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// A webhook and what became of the newest messages to it.
    WebhookDeliveries = "WebhookDeliveries", "Webhook with Deliveries", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// Registers an address.
    WebhookRequest = "WebhookRequest", "Webhook Request", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// A new secret. It is not shown again.
    WebhookSecret = "WebhookSecret", "Webhook Secret", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// A message on its way to a webhook.
    WebhookPing = "WebhookPing", "Webhook Ping", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// The body delivered to a webhook: CloudEvents 1.0 in structured mode. Identifiers only; what was found is for those who ask for it with a Token.
    CloudEvent = "CloudEvent", "CloudEvent", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// An event of `GET /v1/events`: the fields `event` and `data` of the stream, as one object.
    Event = "Event", "Event", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// A job that has not ended; its result is a message of the standard.
    Job = "Job", "Job", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// A page of the caller's own items.
    ItemList = "ItemList", "AIH Data List", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// A page of the models and scoring files of the MPAI Store.
    ModelList = "ModelList", "Model List", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// What the caller's Front End is asked to learn.
    FederatedLearnList = "FederatedLearnList", "Federated Learn List", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// How a round stands. An operator sees all of it; an End User the round and their own answers.
    FederatedRound = "FederatedRound", "Round of Federated Learning", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// A text for an account to sign (EIP-4361).
    Challenge = "Challenge", "Challenge", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// Which account wants to prove itself.
    ChallengeRequest = "ChallengeRequest", "Challenge Request", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// What the way back from pseudonyms is needed for.
    MappingRequest = "MappingRequest", "Pseudonym Mapping Request", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// The way back from the pseudonyms of a treated copy.
    PseudonymMapping = "PseudonymMapping", "Pseudonym Mapping", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// The signed report of a treated copy.
    DeIdentificationReport = "DeIdentificationReport", "De-Identification Report", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// Who this Back End is and what it can do.
    ServiceInfo = "ServiceInfo", "Service Info", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// The AIMs of the MPAI Store.
    AimList = "AIMList", "AIM List", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// What an AIM declares of itself to the MPAI Store (AIF V3.0).
    AimMetadata = "AIMMetadata", "AIM Metadata", "https://schemas.mpai.community/AIF/V3.0/data/" + ".json", "AIF/V3.0/data/";
    /// What a Model Licence becomes, and what to sign. Nothing was written.
    LicenceCompilation = "LicenceCompilation", "Licence Compilation", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// What a kind of problem means.
    ProblemKind = "ProblemKind", "Problem Kind", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// A refusal or a failure (RFC 9457). It never holds content of a body.
    Problem = "Problem", "Problem", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// A line of an audit exported as NDJSON: one finding, or the last line that says to which block it is complete.
    AuditLine = "AuditLine", "Audit Line", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
    /// The JSON Schemas of this Back End; `GET /v1/schemas/{id}` has each.
    SchemaList = "SchemaList", "Schema List", "urn:aih:hbe:V1.0:" + "", "HBE/V1.0/resources/";
}

impl ResourceType {
    /// The type with this schema file name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|resource| resource.name() == name)
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// A Rust type whose JSON form is a document of this Back End.
pub trait Resource {
    /// Which.
    const TYPE: ResourceType;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_schema_declares_the_id_and_title_it_is_listed_under() {
        for resource in ResourceType::ALL.iter().copied() {
            let schema: serde_json::Value = serde_json::from_str(resource.schema_text()).unwrap();
            assert_eq!(schema["$id"], resource.id());
            assert!(schema["title"].as_str().unwrap().starts_with(resource.label()));
            assert_eq!(ResourceType::from_name(resource.name()), Some(resource));
        }
    }

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/HBE/V1.0/resources");
        let ours = ResourceType::ALL.iter().filter(|resource| resource.id().starts_with("urn:aih:hbe:")).count();
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), ours);
    }
}
