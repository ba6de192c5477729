//! Conformance testing of a *running* Back End, anybody's, by its URL: `hbe conformance --url`.
//!
//! | File | What is tested |
//! | --- | --- |
//! | [`conversation`] | what it produces: the kit registers as an End User it made up, licenses and uploads a recording, has it processed, de-identified and audited, withdraws; every answer must validate |
//! | [`alert`] | that it finds a fast heart, and says so in ARA Data |
//! | [`vectors`] | what it receives: every vector is sent to the address for its type. An invalid one must be refused for its form, with a problem document that says so; a valid one must not be refused as malformed or as violating its schema, and nothing may end in a 5xx |
//! | [`blockchain`] | what it and the Blockchain exchange, read from a node of its chain when one is named |
//!
//! Without a node, the rows of the tables that the Blockchain has a part in stay "not exercised" unless a door shows them;
//! and so does a Federated Learn Response where no round has ended with a model. The kit leaves behind what any End User
//! would: an account, and two withdrawn items.

mod alert;
mod blockchain;
mod conversation;
mod vectors;

use std::path::Path;

use alloy::signers::local::PrivateKeySigner;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{
    client::{Address, Client, ClientError, new_id},
    paperwork::PaperError,
    recording::RecordingError,
};
use crate::{
    chain::ChainError,
    schema::{
        MessageType,
        conformance::{ConformanceError, Direction, Examined, Expectation, Refusal, Report},
    },
};

/// Why the test could not be made.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each names its part")]
pub enum KitError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Paper(#[from] PaperError),
    #[error(transparent)]
    Recording(#[from] RecordingError),
    #[error(transparent)]
    Vectors(#[from] ConformanceError),
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error("the Back End's answer lacks {0}")]
    Lacks(&'static str),
}

/// Tests a running Back End with the vectors below a folder, and reads from a node of its chain when one is named.
///
/// # Errors
/// When the Back End or the node cannot be reached, or refuses what an End User may do. What does not conform is no error.
pub async fn test(url: &str, rpc: Option<&str>, examples: &Path) -> Result<Report, KitError> {
    let mut kit = Kit { client: meet(url).await?, examined: Vec::new(), left_out: Vec::new() };
    let place = kit.converse().await?;
    let alerted = kit.alert().await?;
    kit.send_vectors(examples, &place).await?;
    for place in alerted.iter().chain([&place]) {
        kit.withdraw(place).await?;
    }
    if let Some(rpc) = rpc {
        kit.read_chain(rpc, &place).await?;
    }
    Ok(Report { examined: kit.examined, left_out: kit.left_out })
}

/// An End User nobody knows yet, at the Back End of this address.
async fn meet(url: &str) -> Result<Client, KitError> {
    let info = Client::look(url, "/v1/service-info").await?;
    let back_end =
        info["BackEndID"].as_str().and_then(|id| id.parse().ok()).ok_or(KitError::Lacks("its Back End ID"))?;
    let address = Address { url: url.to_owned(), back_end, rpc: String::new() };
    Ok(Client::new(&address, PrivateKeySigner::random())?)
}

/// The test as far as it has come.
struct Kit {
    client: Client,
    examined: Vec<Examined>,
    left_out: Vec<String>,
}

impl Kit {
    /// Notes an answer of 2xx that must be a valid message.
    fn produced(&mut self, message: MessageType, what: &str, answer: &Value) {
        let bytes = answer.to_string();
        let examined = Examined::new(what.to_owned(), bytes.as_bytes(), Expectation::Accept, Some(message));
        self.examined.push(Examined { direction: Some(Direction::Produces), ..examined });
    }

    /// Sends a body and reads whatever comes.
    async fn send(&self, method: Method, path: &str, body: Vec<u8>) -> Result<(StatusCode, Value), KitError> {
        Ok(self.client.exchange(method, path, body).await?)
    }
}

/// How a refusal looks: a problem document, whose kind says whether it is about form.
fn refusal(status: StatusCode, answer: &Value) -> Refusal {
    let kind = answer["type"].as_str().and_then(|kind| kind.rsplit('/').next()).unwrap_or_default().to_owned();
    let document = answer["status"] == status.as_u16() && answer["title"].is_string() && !kind.is_empty();
    match status.is_client_error() && document {
        true => Refusal::Answered { status: status.as_u16(), kind },
        false if status.is_server_error() => Refusal::Broken(format!("answered with {status}")),
        false => Refusal::Broken(format!("answered with {status} and no problem document (RFC 9457)")),
    }
}
