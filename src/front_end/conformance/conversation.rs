//! What a Back End produces, heard in one conversation with it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Kit, KitError, refusal};
use crate::{
    clock::Clock,
    domain::{
        ids::{AihDataId, LicenceId},
        window,
    },
    front_end::{
        client::{new_id, now},
        paperwork::{self, Wish},
        recording::{self, Recording},
    },
    schema::{
        MessageType,
        conformance::{Direction, Examined, Expectation, Part},
    },
};

const HOUR: u64 = 3_600;
/// All services of the standard.
const SERVICES: [&str; 5] = ["Store", "Auditing", "DeIDAndAnonym", "AIHDataProcessing", "LicenceChange"];

/// The item the kit brought in.
pub(super) struct Place {
    pub(super) item: AihDataId,
    pub(super) licence: LicenceId,
    /// The Model Licence.
    pub(super) document: Value,
    /// Its signature.
    pub(super) signature: Value,
}

impl Place {
    /// For a Back End that keeps nothing.
    #[cfg(test)]
    pub(super) fn nowhere() -> Self {
        Self {
            item: AihDataId::from_uuid(Uuid::nil()),
            licence: LicenceId::new(31337, alloy::primitives::Address::ZERO),
            document: Value::Null,
            signature: Value::Null,
        }
    }

    /// Where its licence is withdrawn.
    pub(super) fn revocation(&self) -> String {
        format!("/v1/licences/{}/revocation", self.licence)
    }
}

impl Kit {
    /// Registers, uploads, and has everything done that the Back End produces messages for.
    pub(super) async fn converse(&mut self) -> Result<Place, KitError> {
        let person = json!({ "IfHuman": { "Name": "Conformance", "Surname": "Test", "UserType": "End User" } });
        let registered = self.client.register(person, &SERVICES).await?;
        self.produced(MessageType::Register, "POST /v1/register", &registered);
        // Our own addition: a Back End that does not know this service goes on with the first Token.
        let _ = self.client.log_in(&[SERVICES.as_slice(), &["FederatedLearning"]].concat()).await;
        let place = self.upload(&wish(), recording::synthetic()?).await?;
        let read = self.client.get(&format!("/v1/aih-data/{}", place.item)).await?;
        self.produced(MessageType::AihData, "GET /v1/aih-data/{id}", &read);
        let licence = self.client.get(&format!("/v1/licences/{}", place.licence)).await?;
        self.produced(MessageType::BlockchainLicence, "GET /v1/licences/{id}", &licence);
        let processed =
            self.client.process(&place.item.to_string(), "PhysiologicalEventDetection", "Patient Use").await?;
        self.produced(MessageType::AihDataProcess, "POST /v1/aih-data-process", &processed);
        for (message, path, body) in self.requests(&place) {
            self.ask(message, path, &body).await?;
        }
        self.rounds().await?;
        self.models().await?;
        Ok(place)
    }

    /// Licenses and uploads a recording.
    pub(super) async fn upload(&mut self, wish: &Wish, recording: Recording) -> Result<Place, KitError> {
        let item = wish.item;
        let (user, back_end) = (self.client.user(), *self.client.back_end());
        let document = paperwork::write(wish, &user, &back_end);
        let signature = json!(paperwork::sign(&document, &back_end, 0, self.client.key())?);
        let message = json!({
            "Header": "AIH-AHD-V1.0",
            "AIHDataID": item,
            "EndUserID": user,
            "AIHDataTime": now(),
            "AIHData": { "DataLength": recording.bytes.len(), "DataURI": "cid:payload" },
            "AIHDataQualifier": recording.qualifier,
            "ModelLicence": document,
            "ModelLicenceSignature": signature,
        });
        let length = recording.bytes.len() as u64;
        let stored = self.client.upload(&message, recording.bytes.into(), length).await?;
        self.produced(MessageType::AihData, "POST /v1/aih-data", &stored);
        let licence = stored["LicenceID"].as_str().and_then(|id| id.parse().ok());
        Ok(Place { item, licence: licence.ok_or(KitError::Lacks("a Licence ID"))?, document, signature })
    }

    /// Requests whose answers the tables name.
    fn requests(&self, place: &Place) -> [(MessageType, &'static str, Value); 3] {
        let (user, time) = (self.client.user(), Clock::system().seconds());
        let confirm = json!({
            "Header": "AIH-LCF-V1.0", "LicenceConfirmID": new_id(), "LicenceConfirmTime": now(),
            "LicenceConfirm": { "Request": {
                "AIHDataID": place.item, "ProcessType": "PhysiologicalEventDetection", "Time": now(),
                "UserID": user, "Usage": "Patient Use",
            } },
        });
        let treat = json!({
            "Header": "AIH-DIA-V1.0", "DeIDAndAnonymID": new_id(), "DeIDAndAnonymTime": now(), "EndUserID": user,
            "DeIDAndAnonym": { "Request": { "AIHDataID": place.item, "DeIDAndAnonymType": "De-Identify" } },
        });
        let period = json!({ "StartTime": window::rfc3339(time - HOUR), "EndTime": window::rfc3339(time + HOUR) });
        let audit = json!({
            "Header": "AIH-ADT-V1.0", "AuditID": new_id(), "AuditTime": now(),
            "Audit": { "Request": { "UserID": user, "AuditPeriod": period } },
        });
        [
            (MessageType::LicenceConfirm, "/v1/licence-confirm", confirm),
            (MessageType::DeIdAndAnonym, "/v1/de-id-and-anonym", treat),
            (MessageType::Audit, "/v1/audit", audit),
        ]
    }

    /// Sends a request of the kit's own, whose answer must be a valid message; a refusal goes against expectation.
    async fn ask(&mut self, message: MessageType, path: &str, body: &Value) -> Result<(), KitError> {
        let (status, answer) = self.send(Method::POST, path, body.to_string().into_bytes()).await?;
        let what = format!("POST {path}");
        match status.is_success() {
            true => self.produced(message, &what, &answer),
            false => self.examined.push(Examined {
                file: what,
                message: Some(message),
                part: Part::Response,
                direction: Some(Direction::Produces),
                expectation: Expectation::Accept,
                refusal: Some(refusal(status, &answer)),
            }),
        }
        Ok(())
    }

    /// What Front Ends are asked to learn, where a round is open.
    async fn rounds(&mut self) -> Result<(), KitError> {
        let (status, answer) = self.send(Method::GET, "/v1/federated-learn", Vec::new()).await?;
        if status == StatusCode::OK {
            for request in answer["Requests"].as_array().into_iter().flatten() {
                self.produced(MessageType::FederatedLearn, "GET /v1/federated-learn", request);
            }
        }
        Ok(())
    }

    /// The models of the Store, where there are any, and of each that was learned the response of its round.
    async fn models(&mut self) -> Result<(), KitError> {
        let (status, answer) = self.send(Method::GET, "/v1/store/models", Vec::new()).await?;
        if status == StatusCode::OK {
            let models = answer.as_array().or_else(|| answer["Models"].as_array()).cloned().unwrap_or_default();
            for model in &models {
                self.produced(MessageType::MlModelObject, "GET /v1/store/models", model);
                if let Some(round) = model["MLModelQualifier"]["FederatedLearnID"].as_str() {
                    let path = format!("/v1/federated-learn/{round}");
                    let (status, answer) = self.send(Method::GET, &path, Vec::new()).await?;
                    if status == StatusCode::OK {
                        self.produced(MessageType::FederatedLearn, "GET /v1/federated-learn/{id}", &answer);
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes back what the kit licensed.
    pub(super) async fn withdraw(&mut self, place: &Place) -> Result<(), KitError> {
        let (back_end, licence) = (*self.client.back_end(), place.licence);
        let signature = paperwork::sign_withdrawal(&place.item, licence.address(), &back_end, self.client.key())?;
        let body = json!({
            "Header": "AIH-BCL-V1.0",
            "BlockchainLicenceID": new_id(),
            "BlockchainLicenceTime": now(),
            "BlockchainLicence": { "Request": {
                "AIHDataID": place.item,
                "Revocation": { "LicenceID": licence, "Scope": "WholeLicence", "Signature": signature },
            } },
        });
        self.ask(MessageType::BlockchainLicence, &place.revocation(), &body).await
    }
}

/// A licence of the kit's for a new item.
pub(super) fn wish() -> Wish {
    let start = Clock::system().seconds() - HOUR;
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
    Wish {
        item: AihDataId::from_uuid(Uuid::now_v7()),
        data_class: "PhysiologicalSignal".to_owned(),
        start,
        end: start + 24 * HOUR,
        status: "Identified".to_owned(),
        back_end_processes: words(&["AIHDataProcessing", "DeIDAndAnonym"]),
        back_end_usages: words(&["Health Care"]),
        user_types: Vec::new(),
        processes: Vec::new(),
        usages: Vec::new(),
    }
}
