//! A Back End in the test's own process: its clock is the test's, and a round ends when the test says so. It can be held up
//! in the middle of an aggregation: the held-out data is then a pipe, and whoever judges by it waits until the test writes.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use health_back_end::{
    aims::{AimError, Aims, aih_data_processing::ecg::synthetic_beats::SyntheticBeats},
    front_end::{
        client::{Address, Client, new_id},
        recording::person,
        training::{learner::fresh, recordings::all_examples, session::verified_bytes},
    },
    mpai_store::models::{declaration::Declaration, examples::Examples, network::Network},
};
use rustix::fs::{CWD, FileType, Mode, OFlags};
use serde_json::{Value, json};

use super::{
    answers::{Asked, uuid},
    scene::{FrontEnd, enrol, learned, round_message, write_recording},
};
use crate::{
    environment::{OPERATOR, house::House, key},
    items::server::until,
};

/// Seconds a recording that is only uploaded lasts.
const SHORT_S: f64 = 10.0;

pub struct Stage {
    pub house: House,
    pub address: Address,
    pub operator: Client,
    pub held_out: Examples,
    /// The model the next round starts from.
    pub model: String,
    folder: tempfile::TempDir,
}

impl Stage {
    pub async fn start() -> Self {
        let house = House::start().await;
        let folder = tempfile::tempdir().unwrap();
        let back_end = house.chain.deployment.back_end();
        let address = Address { url: house.url.clone(), back_end, rpc: house.chain.devnet.url() };
        let mut operator = Client::new(&address, key(OPERATOR)).unwrap();
        operator.log_in(&["FederatedLearning"]).await.unwrap();
        let declared = Declaration::beat_classifier(8);
        let path = folder.path().join("held-out.edf");
        write_recording(&path, &person(900));
        let held_out = all_examples(&[path], &declared).unwrap();
        let aims = &house.door.aims;
        let blobs = &aims.models.blobs;
        let digests = (blobs.put(&fresh(declared, 1).write().unwrap()), blobs.put(&held_out.write().unwrap()));
        let (digest, held_out_digest) = (digests.0.unwrap(), digests.1.unwrap());
        let format = health_back_end::schema::wire::ModelFormat::Safetensors;
        let founder = health_back_end::aims::federated_learning::library::Founder {
            name: Some("beats"),
            format,
            digest,
            held_out: Some(held_out_digest),
        };
        let (row, _) = aims.library().add(&founder).await.unwrap();
        let model = format!("urn:uuid:{}", row.id);
        Self { house, address, operator, held_out, model, folder }
    }

    pub fn aims(&self) -> &Aims {
        &self.house.door.aims
    }

    pub async fn front_end(&self, seed: u64, processes: &[&str]) -> FrontEnd {
        let person = SyntheticBeats { duration_s: SHORT_S, ..person(seed) };
        enrol(&self.address, self.folder.path(), &person, processes).await
    }

    /// Opens a round from the newest model.
    pub async fn open(&self, more: Value) -> Asked {
        let mut request = json!({"HFEID": "*", "PreLearnNNModelID": self.model});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let round = new_id();
        let told = self.operator.post("/v1/federated-learn/rounds", &round_message(&round, request)).await.unwrap();
        let number = told["FederatedLearn"]["Request"]["Round"].as_u64().unwrap() as u32;
        Asked { back_end: self.address.back_end, round, number, base: self.model.clone() }
    }

    pub async fn round(&self, asked: &Asked) -> Value {
        self.operator.get(&format!("/v1/federated-learn/rounds/{}", asked.round)).await.unwrap()
    }

    /// Ends what is due, as the keeper of rounds does after a start.
    pub async fn end(&self) -> Result<(), AimError> {
        end(self.aims()).await
    }

    /// Ends the round and gives it as it is then; the model it made is the next round's.
    pub async fn ended(&mut self, asked: &Asked) -> Value {
        self.end().await.unwrap();
        let round = self.round(asked).await;
        // What interrupts an end is logged only; the round then stays where it was.
        assert_ne!(round["State"], "aggregating", "{round}");
        if let Some(model) = round["PostLearnNNModelID"].as_str() {
            self.model = model.to_owned();
        }
        round
    }

    /// Lets time pass, on the clock and on the chain.
    pub async fn pass(&self, seconds: u64) {
        self.house.pass(seconds).await;
    }

    /// What somebody's own recording teaches the model.
    pub fn learned_by(&self, base: &[u8], seed: u64) -> Vec<u8> {
        let path = self.folder.path().join(format!("own-{seed}.edf"));
        write_recording(&path, &SyntheticBeats { duration_s: 60.0, ..person(seed) });
        learned(base, &all_examples(&[path], &Network::read(base).unwrap().declaration).unwrap())
    }

    /// The bytes of the model the next round starts from.
    pub async fn base(&self) -> Vec<u8> {
        verified_bytes(&self.operator, &self.address.rpc, uuid(&self.model)).await.unwrap()
    }

    /// A model that learned from the held-out data itself, and so is sure to be judged better.
    pub async fn learned(&self) -> Vec<u8> {
        learned(&self.base().await, &self.held_out)
    }

    pub fn accuracy(&self, model: &[u8]) -> f64 {
        Network::read(model).unwrap().quality(&self.held_out).accuracy
    }

    /// The models a reader of the Store finds, the newest first.
    pub async fn models(&self) -> Vec<Value> {
        self.operator.get("/v1/store/models").await.unwrap()["Models"].as_array().unwrap().clone()
    }

    /// Files of models there are: those of the Store, the held-out data, answers of rounds under way, and what should not
    /// be there.
    pub fn files(&self) -> usize {
        self.aims().models.blobs.digests().unwrap().len()
    }

    /// Holds up whoever judges a model of this Back End.
    pub async fn hold_up(&self) -> Hold {
        let lineage = self.aims().database.find_model(uuid(&self.model)).await.unwrap().unwrap().lineage;
        let digest = self.aims().database.find_evaluation_set(lineage).await.unwrap().unwrap().digest;
        Hold::at(self.aims().models.blobs.path(digest))
    }

    pub async fn stop(self) {
        self.house.stop().await;
    }
}

pub async fn end(aims: &Aims) -> Result<(), AimError> {
    aims.end_due_rounds(Duration::ZERO, &mut std::collections::HashMap::new()).await
}

/// A file that became a pipe.
pub struct Hold {
    path: PathBuf,
    bytes: Vec<u8>,
}

/// A pipe somebody reads from.
pub struct Held {
    pipe: File,
    hold: Hold,
}

impl Hold {
    pub fn at(path: PathBuf) -> Self {
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        Self { path, bytes }
    }

    /// Waits until somebody reads.
    pub async fn reached(self) -> Held {
        let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
        // A pipe nobody reads from cannot be opened for writing without waiting.
        let open = |path: &Path| OpenOptions::new().write(true).custom_flags(nonblocking).open(path).ok();
        let pipe = until("somebody reads the held-out data", async || open(&self.path)).await;
        // From here on writing waits for the reader. Opening anew would wait as well, for ever if that one were gone.
        rustix::fs::fcntl_setfl(&pipe, OFlags::empty()).unwrap();
        Held { pipe, hold: self }
    }

    fn restore(&self) {
        fs::remove_file(&self.path).unwrap();
        fs::write(&self.path, &self.bytes).unwrap();
    }
}

impl Held {
    /// The reader goes on; the next one finds the file.
    pub async fn release(mut self) {
        self.hold.restore();
        let bytes = self.hold.bytes.clone();
        tokio::task::spawn_blocking(move || self.pipe.write_all(&bytes).unwrap()).await.unwrap();
    }

    /// Whoever reads next finds the file; who reads now waits on.
    pub fn restore(&self) {
        self.hold.restore();
    }
}
