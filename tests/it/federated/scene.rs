//! A Back End as a process, an operator, and Front Ends, each with a key, a recording and a licence for training on it.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use alloy::signers::local::PrivateKeySigner;
use health_back_end::{
    aims::aih_data_processing::ecg::synthetic_beats::SyntheticBeats,
    clock::Clock,
    domain::ids::{AihDataId, LicenceId},
    front_end::{
        client::{Address, Client, new_id, now},
        paperwork::{self, Wish},
        recording::{labelled, person},
        training::learner::{Recipe, train},
    },
    mpai_store::models::{examples::Examples, network::Network},
};
use serde_json::{Value, json};
use tokio::process::Command;
use uuid::Uuid;

use crate::{
    environment::{
        Chain, OPERATOR, key,
        premises::{self, Premises},
    },
    items::server::{Server, until},
};

pub struct Scene {
    pub chain: Chain,
    pub server: Option<Server>,
    pub address: Address,
    pub operator: Client,
    pub folder: Premises,
    /// The first model.
    pub model: String,
}

/// A Front End with one recording.
pub struct FrontEnd {
    pub client: Client,
    pub recording: PathBuf,
    pub item: AihDataId,
    pub licence: LicenceId,
}

/// A recording of the synthetic model, with its beats as annotations.
pub fn write_recording(path: &Path, person: &SyntheticBeats) {
    std::fs::write(path, labelled(person).unwrap().bytes).unwrap();
}

/// The model after some epochs on these windows.
pub fn learned(base: &[u8], examples: &Examples) -> Vec<u8> {
    let mut network = Network::read(base).unwrap();
    train(&mut network, examples, &Recipe { epochs: 4, learning_rate: 0.01, ..Recipe::default() });
    network.write().unwrap()
}

/// A registered End User with a recording, uploaded under a licence for these operations of the Back End.
pub async fn enrol(address: &Address, folder: &Path, person: &SyntheticBeats, processes: &[&str]) -> FrontEnd {
    let mut client = Client::new(address, PrivateKeySigner::random()).unwrap();
    let human = json!({ "IfHuman": { "Name": "Ada", "Surname": "Example", "UserType": "End User" } });
    client.register(human, &["Store", "LicenceChange", "FederatedLearning", "Auditing"]).await.unwrap();
    let recording = folder.join(format!("recording-{}.edf", person.seed));
    write_recording(&recording, person);
    let item = AihDataId::from_uuid(Uuid::now_v7());
    let start = Clock::system().seconds() - 3_600;
    let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
    let wish = Wish {
        item,
        data_class: "PhysiologicalSignal".to_owned(),
        start,
        end: start + 86_400,
        status: "Identified".to_owned(),
        back_end_processes: words(processes),
        back_end_usages: words(&["Research"]),
        user_types: Vec::new(),
        processes: Vec::new(),
        usages: Vec::new(),
    };
    let document = paperwork::write(&wish, &client.user(), client.back_end());
    let bytes = std::fs::read(&recording).unwrap();
    let message = json!({
        "Header": "AIH-AHD-V1.0", "AIHDataID": item, "EndUserID": client.user(), "AIHDataTime": now(),
        "AIHData": { "DataLength": bytes.len(), "DataURI": "cid:payload" },
        "AIHDataQualifier": {"DataClass": "PhysiologicalSignal", "Format": "EDF+", "MediaType": "application/edf"},
        "ModelLicence": document,
        "ModelLicenceSignature": paperwork::sign(&document, client.back_end(), 0, client.key()).unwrap(),
    });
    let length = bytes.len() as u64;
    let answer = client.upload(&message, bytes.into(), length).await.unwrap();
    let licence = answer["LicenceID"].as_str().unwrap().parse().unwrap();
    FrontEnd { client, recording, item, licence }
}

impl Scene {
    pub async fn start() -> Self {
        let chain = Chain::start().await;
        let folder = Premises::new().await;
        let rpc = chain.devnet.url();
        let server = Server::start(&chain, &rpc, folder.path()).await;
        let address = Address { url: server.url.clone(), back_end: server.back_end, rpc };
        let mut operator = Client::new(&address, key(OPERATOR)).unwrap();
        operator.log_in(&["FederatedLearning"]).await.unwrap();
        let mut scene = Self { chain, server: Some(server), address, operator, folder, model: String::new() };
        scene.model = scene.add_model().await;
        scene
    }

    /// `hfe model new`, `hfe model windows`, `hbe store add-model`.
    async fn add_model(&self) -> String {
        let at = |name: &str| self.folder.path().join(name);
        let held_out: Vec<PathBuf> = (0..3).map(|n| at(&format!("held-out-{n}.edf"))).collect();
        for (n, path) in held_out.iter().enumerate() {
            write_recording(path, &SyntheticBeats { duration_s: 120.0, ..person(900 + n as u64) });
        }
        let (model, windows) = (at("model.safetensors"), at("held-out.safetensors"));
        self.hfe(&["model", "new"], |command| command.arg(&model).args(["--hidden", "12"])).await;
        self.hfe(&["model", "windows"], |command| command.arg(&windows).args(&held_out)).await;
        let mut command = Command::new(env!("CARGO_BIN_EXE_hbe"));
        command.args(["store", "add-model"]).arg(&model).arg("--held-out").arg(&windows);
        command.arg("--data").arg(at("data")).arg("--deployments").arg(at("deployments"));
        command.args(["--rpc-url", &self.address.rpc]).envs(premises::environment(self.folder.path()));
        output(command).await.trim().to_owned()
    }

    async fn hfe(&self, arguments: &[&str], more: impl FnOnce(&mut Command) -> &mut Command) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hfe"));
        command.args(arguments);
        more(&mut command);
        output(command).await
    }

    /// As [`enrol`]; the person is the one of this number.
    pub async fn front_end(&self, seed: u64, processes: &[&str]) -> FrontEnd {
        enrol(&self.address, self.folder.path(), &person(seed), processes).await
    }

    /// A model that learned from the held-out data itself, and so is sure to be judged better.
    pub fn learned(&self, base: &[u8]) -> Vec<u8> {
        let windows = std::fs::read(self.folder.path().join("held-out.safetensors")).unwrap();
        learned(base, &Examples::read(&windows).unwrap())
    }

    /// Opens a round for all; gives its ID.
    pub async fn open(&self, request: Value) -> String {
        let id = new_id();
        let message = round_message(&id, request);
        self.operator.post("/v1/federated-learn/rounds", &message).await.unwrap();
        id
    }

    pub async fn round(&self, id: &str) -> Value {
        self.operator.get(&format!("/v1/federated-learn/rounds/{id}")).await.unwrap()
    }

    /// Waits for the end of a round.
    pub async fn ended(&self, id: &str) -> Value {
        until("the round has ended", async || {
            let round = self.round(id).await;
            ["promoted", "rejected", "expired"].iter().any(|end| round["State"] == *end).then_some(round)
        })
        .await
    }

    /// `hfe train` as a process of its own.
    pub async fn train(&self, front_end: &FrontEnd, seed: u64) -> String {
        let key = alloy::hex::encode_prefixed(front_end.client.key().to_bytes());
        self.hfe(&["train"], |command| {
            let Address { url, back_end, rpc } = &self.address;
            command.args(["--url", url, "--back-end", &back_end.to_string(), "--rpc", rpc]);
            command.arg("--recording").arg(format!("{}={}", front_end.recording.display(), front_end.item));
            command.args(["--seed", &seed.to_string()]).env("HFE_KEY", key)
        })
        .await
    }

    /// Kills the Back End as a power failure would, and starts another on its files.
    pub async fn restart(&mut self) {
        self.server.take().unwrap().kill().await;
        let server = Server::start(&self.chain, &self.address.rpc, self.folder.path()).await;
        self.address.url = server.url.clone();
        self.server = Some(server);
        self.operator = Client::new(&self.address, key(OPERATOR)).unwrap();
        self.operator.log_in(&["FederatedLearning"]).await.unwrap();
    }

    /// A Front End that comes back.
    pub async fn again(&self, front_end: &FrontEnd) -> Client {
        let mut client = Client::new(&self.address, front_end.client.key().clone()).unwrap();
        client.log_in(&["FederatedLearning"]).await.unwrap();
        client
    }

    pub async fn stop(mut self) {
        if let Some(server) = self.server.take() {
            assert_eq!(server.terminate().await, Some(0));
        }
        self.chain.devnet.stop().await;
    }
}

/// A Federated Learn message with a Request.
pub fn round_message(id: &str, request: Value) -> Value {
    json!({
        "Header": "AIH-FDL-V1.0", "FederatedLearnID": id, "FederatedLearnTime": now(),
        "FederatedLearn": {"Request": request},
    })
}

async fn output(mut command: Command) -> String {
    let done = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{out}\n{err}");
    out.into_owned()
}
