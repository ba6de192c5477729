//! `GET /v1/service-info`: who this Back End is and what it can do.

use axum::extract::State;
use serde::Serialize;

use crate::{
    access::services,
    aims::de_identification::techniques::{self, Algorithm, Offer},
    api::{Door, Given},
    domain::{
        operation::Operation,
        taxonomy::{UserClass, Word},
    },
    mpai_store::processing::{self, Declaration},
    schema::{MessageType, Resource, ResourceType},
};

/// Who this Back End is and what it can do.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ServiceInfo {
    /// `eip155:<chain id>:<address of LicenceRegistry>`.
    #[serde(rename = "BackEndID")]
    back_end_id: String,
    /// Version of this program.
    version: &'static str,
    /// EIP-155 chain id.
    #[serde(rename = "ChainID")]
    chain_id: u64,
    /// Contract that judges and records.
    registry: String,
    /// Headers of the messages it reads and writes.
    messages: Vec<&'static str>,
    /// Services for which Tokens are given, and the classes of User they are open to.
    services: Vec<Service>,
    /// What can be asked for by AIH Data Process: the processing AIMs as they declare themselves. A processing type on a
    /// class and format that none of them names is answered `unprocessable`.
    processing: &'static [Declaration],
    /// What can be asked for by De-ID and Anonym.
    #[serde(rename = "DeIDAndAnonym")]
    de_id_and_anonym: Treatments,
    /// Largest JSON message, in bytes.
    most_message_bytes: usize,
    /// Largest AIH Data, in bytes.
    most_upload_bytes: u64,
    /// Why nothing is permitted at present; absent when all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    doubt: Option<String>,
}

/// What can be asked for by De-ID and Anonym.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Treatments {
    /// The algorithms, each with the formats it treats, the format it gives where that is another, the techniques it
    /// applies, the parameters it takes besides `Recipient`, whether it can prove `Anonymised`, and the rules it follows.
    algorithms: &'static [Algorithm],
    /// The twelve techniques of the taxonomy: offered by which algorithms, or why each of the others is refused.
    techniques: Vec<Offer>,
}

/// A service.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Service {
    /// Its word.
    service: &'static str,
    /// Classes of User it is open to.
    open_to: Vec<&'static str>,
}

impl Resource for ServiceInfo {
    const TYPE: ResourceType = ResourceType::ServiceInfo;
}

/// Says who this Back End is and what it can do
#[utoipa::path(get, path = "/service-info", tag = "service", responses((status = 200, body = ref("#/components/schemas/ServiceInfo"))))]
pub async fn service_info(State(door): State<Door>) -> Given {
    let back_end = door.aims.back_end();
    Given::ok(&ServiceInfo {
        back_end_id: back_end.to_string(),
        version: env!("CARGO_PKG_VERSION"),
        chain_id: back_end.chain_id(),
        registry: back_end.address().to_checksum(None),
        messages: MessageType::ALL.iter().map(|message| message.header()).collect(),
        services: Operation::ALL.iter().copied().filter(|o| services::is_service(*o)).map(Service::of).collect(),
        processing: processing::all(),
        de_id_and_anonym: Treatments { algorithms: techniques::ALGORITHMS, techniques: techniques::offers() },
        most_message_bytes: door.limits.most_message_bytes,
        most_upload_bytes: door.limits.most_upload_bytes,
        doubt: door.aims.licensing.vigil().pass().err().map(|doubt| doubt.to_string()),
    })
}

impl Service {
    fn of(service: Operation) -> Self {
        let open = |class: &&UserClass| services::is_open_to(service, **class);
        Self {
            service: service.word(),
            open_to: UserClass::ALL.iter().filter(open).map(|class| class.word()).collect(),
        }
    }
}
