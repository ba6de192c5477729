//! What a Front End sends, made by hand so that it can be spoilt.

use health_back_end::{
    domain::ids::BackEndId,
    front_end::{
        client::{ClientError, new_id},
        paperwork,
        training::session::answer_message,
    },
    mpai_store::models::{blobs::sha256, layout::Layout, network::Network, seal::AnswerStatement},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::scene::FrontEnd;

pub const TRAINING: &[&str] = &["FederatedLearning"];

/// An answer, to be spoilt.
#[derive(Clone)]
pub struct Draft {
    pub statement: AnswerStatement,
    pub bytes: Vec<u8>,
}

/// A round to be answered, and the model it starts from.
#[derive(Clone)]
pub struct Asked {
    pub back_end: BackEndId,
    pub round: String,
    pub number: u32,
    pub base: String,
}

pub fn uuid(urn: &str) -> Uuid {
    urn["urn:uuid:".len()..].parse().unwrap()
}

impl Asked {
    pub fn draft(&self, front_end: &FrontEnd, bytes: Vec<u8>) -> Draft {
        let statement = AnswerStatement {
            back_end: self.back_end,
            round: uuid(&self.round),
            number: self.number,
            base: uuid(&self.base),
            digest: sha256(&bytes),
            samples: 50,
            items: vec![front_end.item],
        };
        Draft { statement, bytes }
    }

    /// A whole and honest answer.
    pub async fn answer(&self, front_end: &FrontEnd, bytes: Vec<u8>) {
        send(front_end, &self.draft(front_end, bytes)).await.unwrap();
    }
}

impl Draft {
    /// The message, signed by the Front End.
    pub fn message(&self, front_end: &FrontEnd) -> Value {
        let signature = self.statement.sign(front_end.client.key()).unwrap();
        answer_message(front_end.client.user(), &self.statement, &signature, self.bytes.len(), None)
    }
}

pub async fn send(front_end: &FrontEnd, draft: &Draft) -> Result<Value, ClientError> {
    front_end.client.answer_round(&draft.message(front_end), draft.bytes.clone()).await
}

/// A network moved a little, so that it is an update.
pub fn moved(base: &[u8], by: f64) -> Vec<u8> {
    let mut network = Network::read(base).unwrap();
    network.hidden.weights.iter_mut().for_each(|weight| *weight += by * 0.01);
    network.output.biases.iter_mut().for_each(|bias| *bias += by * 0.001);
    network.write().unwrap()
}

/// From one network so many times as far as to another.
pub fn along(base: &[u8], learned: &[u8], times: f64) -> Vec<u8> {
    let (base, mut network) = (Network::read(base).unwrap(), Network::read(learned).unwrap());
    for (own, base) in [(&mut network.hidden, &base.hidden), (&mut network.output, &base.output)] {
        for (own, base) in [(&mut own.weights, &base.weights), (&mut own.biases, &base.biases)] {
            own.iter_mut().zip(base).for_each(|(own, base)| *own = base + times * (*own - base));
        }
    }
    network.write().unwrap()
}

pub fn with_first(base: &[u8], value: f32) -> Vec<u8> {
    let layout = Layout::read(base).unwrap();
    let (mut bytes, at) = (base.to_vec(), layout.tensors[0].offset as usize);
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    bytes
}

#[track_caller]
pub fn refused(outcome: Result<Value, ClientError>, status: u16) -> String {
    match outcome {
        Err(ClientError::Problem { status: found, problem }) => {
            assert_eq!(found.as_u16(), status, "{problem}");
            problem["detail"].as_str().unwrap().to_owned()
        }
        other => panic!("not refused: {other:?}"),
    }
}

/// The End User withdraws the licence of the item.
pub async fn withdraw(front_end: &FrontEnd) {
    let FrontEnd { client, item, licence, .. } = front_end;
    let signature = paperwork::sign_withdrawal(item, licence.address(), client.back_end(), client.key()).unwrap();
    let body = json!({
        "Header": "AIH-BCL-V1.0", "BlockchainLicenceID": new_id(), "BlockchainLicenceTime": "2026-03-01T09:00:00Z",
        "BlockchainLicence": {"Request": {"AIHDataID": item, "Revocation": {
            "LicenceID": licence, "Scope": "WholeLicence", "Signature": signature,
        }}},
    });
    client.post(&format!("/v1/licences/{licence}/revocation"), &body).await.unwrap();
}

/// What became of a Front End's answer, as the operator reads it: state and reason.
#[track_caller]
pub fn outcome(round: &Value, front_end: &FrontEnd) -> (String, String) {
    let id = front_end.client.user().to_string();
    let all = round["Participants"].as_array().unwrap();
    let own = all.iter().find(|answer| answer["HFEID"] == id.as_str()).unwrap_or_else(|| panic!("{round}"));
    let text = |name: &str| own[name].as_str().unwrap_or_default().to_owned();
    (text("State"), text("Reason"))
}
