//! Messages about items, as a Front End writes them.

use std::path::PathBuf;

use health_back_end::{
    clock::Clock,
    domain::ids::{AihDataId, BackEndId, LicenceId},
    front_end::{
        paperwork::{self, Wish},
        recording::{self, Recording},
    },
};
use reqwest::{Method, multipart};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::environment::house::{Answer, Client, send, urn};

pub const EVENTS: &str = "PhysiologicalEventDetection";
pub const PARAMETERS: &str = "PhysiologicalParameterQuantification";
pub const STATE: &str = "PhysiologicalStateClassification";

/// An item to be uploaded.
#[derive(Clone)]
pub struct Parcel {
    pub id: AihDataId,
    /// The message without `AIHData`.
    pub message: Value,
    pub payload: Vec<u8>,
}

/// A recording with known beats.
pub fn ecg() -> Recording {
    recording::synthetic().unwrap()
}

/// The MIT-BIH record, where the real recordings are.
pub fn real_ecg() -> Option<Recording> {
    let folder = std::env::var_os("HBE_SAMPLES");
    if folder.is_none() {
        eprintln!("SKIPPED: HBE_SAMPLES is not set, so the real recording is not tried");
    }
    Some(recording::from_file(&PathBuf::from(folder?).join("ecg/100.hea")).unwrap())
}

/// Non-profit entities may do the three kinds of processing for research; the Back End may find beats. For a day.
pub fn wish(item: AihDataId) -> Wish {
    let start = Clock::system().seconds() - 3_600;
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
    Wish {
        item,
        data_class: "PhysiologicalSignal".to_owned(),
        start,
        end: start + 86_400,
        status: "Identified".to_owned(),
        back_end_processes: words(&[EVENTS]),
        back_end_usages: words(&["Health Care"]),
        user_types: words(&["Non-Profit Entity"]),
        processes: words(&[EVENTS, PARAMETERS, STATE]),
        usages: words(&["Research"]),
    }
}

pub fn new_item() -> AihDataId {
    AihDataId::from_uuid(Uuid::now_v7())
}

/// A recording of a client's under a licence for a day.
pub fn parcel(client: &Client, back_end: &BackEndId, recording: &Recording) -> Parcel {
    let id = new_item();
    let document = paperwork::write(&wish(id), &client.user, back_end);
    sealed(client, back_end, id, document, recording)
}

/// A recording under any Model Licence, signed by the client.
pub fn sealed(client: &Client, back_end: &BackEndId, id: AihDataId, document: Value, recording: &Recording) -> Parcel {
    let signature = paperwork::sign(&document, back_end, 0, &client.signer).unwrap();
    let message = json!({
        "Header": "AIH-AHD-V1.0", "AIHDataID": id, "EndUserID": client.user, "AIHDataTime": "2026-02-03T22:00:00Z",
        "AIHDataQualifier": recording.qualifier, "ModelLicence": document, "ModelLicenceSignature": signature,
    });
    Parcel { id, message, payload: recording.bytes.clone() }
}

/// Some bytes that are no recording, as a table.
pub fn table(client: &Client, back_end: &BackEndId, bytes: &[u8]) -> Parcel {
    let qualifier = json!({"DataClass": "PhysiologicalSignal", "Format": "CSV", "MediaType": "text/csv"});
    let recording = Recording { description: String::new(), qualifier, bytes: bytes.to_vec(), true_beats: None };
    parcel(client, back_end, &recording)
}

impl Parcel {
    /// The message with the payload inside.
    pub fn inline(&self) -> Value {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let mut message = self.message.clone();
        message["AIHData"] = json!({"Data": STANDARD.encode(&self.payload)});
        message
    }

    /// The message that the payload follows.
    pub fn announced(&self, length: usize) -> Value {
        let mut message = self.message.clone();
        message["AIHData"] = json!({"DataLength": length, "DataURI": "cid:payload"});
        message
    }

    pub async fn send_inline(&self, client: &Client) -> Answer {
        client.post("/v1/aih-data", &self.inline()).await
    }

    pub async fn send_in_parts(&self, client: &Client) -> Answer {
        let payload = multipart::Part::bytes(self.payload.clone());
        let form = multipart::Form::new()
            .part("message", multipart::Part::text(self.announced(self.payload.len()).to_string()))
            .part("payload", payload);
        send(client.request(Method::POST, "/v1/aih-data").multipart(form)).await
    }

    pub fn path(&self) -> String {
        format!("/v1/aih-data/{}", self.id)
    }
}

/// The licence in an answer about an item.
pub fn licence_in(body: &Value) -> LicenceId {
    body["LicenceID"].as_str().unwrap().parse().unwrap()
}

/// A request to process.
pub fn request(client: &Client, item: AihDataId, operation: &str, usage: &str) -> Value {
    json!({
        "Header": "AIH-AHP-V1.0", "AIHDataProcessID": urn(), "AIHDataProcessTime": "2026-03-01T09:00:00Z",
        "UserID": client.user,
        "AIHDataProcess": {"Request": {"AIHDataID": item, "ProcessingType": operation, "Usage": usage}},
    })
}

/// Asks and waits for the end, whatever it is.
pub async fn process(client: &Client, message: &Value) -> Answer {
    follow(client, client.post("/v1/aih-data-process", message).await).await
}

/// Follows a job to its end.
pub async fn follow(client: &Client, mut answer: Answer) -> Answer {
    let mut place = None;
    while answer.status == 202 {
        let given = answer.header("location").to_owned();
        let place = place.get_or_insert(given).clone();
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        answer = client.get(&place).await;
    }
    answer
}

/// The item in the answer of a finished process.
pub fn result_item(answer: &Answer) -> &Value {
    &answer.body["AIHDataProcess"]["Response"]["AIHData"]
}

/// What the AI Module said.
pub fn result(answer: &Answer) -> Value {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let data = result_item(answer)["AIHData"]["Data"].as_str().expect("a result inside the message");
    serde_json::from_slice(&STANDARD.decode(data).unwrap()).unwrap()
}

/// A withdrawal of the whole licence, signed by the client.
pub fn withdrawal(client: &Client, back_end: &BackEndId, item: AihDataId, licence: LicenceId) -> Value {
    let signature = paperwork::sign_withdrawal(&item, licence.address(), back_end, &client.signer).unwrap();
    json!({
        "Header": "AIH-BCL-V1.0", "BlockchainLicenceID": urn(), "BlockchainLicenceTime": "2026-03-01T09:00:00Z",
        "BlockchainLicence": {"Request": {"AIHDataID": item, "Revocation": {
            "LicenceID": licence, "Scope": "WholeLicence", "Signature": signature,
        }}},
    })
}

/// Withdraws a licence.
pub async fn withdraw(client: &Client, back_end: &BackEndId, item: AihDataId, licence: LicenceId) {
    let message = withdrawal(client, back_end, item, licence);
    client.post(&format!("/v1/licences/{licence}/revocation"), &message).await.expect(200);
}

/// The terms a denial names.
pub fn reasons(answer: &Answer) -> Vec<String> {
    let reasons = answer.body["reasons"].as_array().unwrap();
    reasons.iter().map(|reason| reason["term"].as_str().unwrap().to_owned()).collect()
}
