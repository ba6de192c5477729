//! Five Front Ends train a beat classifier, each on its own recording, one of them the patient's; the model is then used.

use std::{path::Path, time::Duration};

use alloy::signers::local::PrivateKeySigner;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{More, upload, wish, words};
use crate::{
    domain::ids::AihDataId,
    front_end::{
        client::{Address, Client, new_id, now},
        demo::{Cast, DemoError, waiting},
        demo_steps::{result_of, text},
        recording,
        training::session::{Own, Part, take_part},
    },
};

const FRONT_ENDS: u64 = 5;
/// Seed of the recording the model is used on; nobody learned from it.
const UNSEEN: u64 = 77;
const TRAINING: &str = "FederatedLearning";

pub(super) async fn walk(cast: &mut Cast, more: &More) -> Result<(), DemoError> {
    cast.story.step("Federated Learning: five Front Ends train a model, each on its own recording");
    let address = Address { url: cast.url.clone(), back_end: *cast.patient.back_end(), rpc: cast.rpc.clone() };
    let bar = waiting("recording, licensing, training …");
    let mut others = Vec::new();
    for seed in 2..=FRONT_ENDS {
        others.push(front_end(&address, &more.folder, seed).await?);
    }
    let own = licensed_recording(&cast.patient, &more.folder, 1).await?;
    let round = open(cast, &more.model).await?;
    let part = |own, seed| Part { rpc: cast.rpc.clone(), own: vec![own], round: Some(round), seed };
    take_part(&cast.patient, &part(own, 1)).await?;
    for (seed, (client, own)) in (2..).zip(others) {
        take_part(&client, &part(own, seed)).await?;
    }
    let ended = ended(cast, &round).await?;
    bar.finish_and_clear();
    let accuracy = |place: usize| ended["HeldOutAccuracy"][place].as_f64().unwrap_or_default();
    cast.story.fact("round", format!("{}: {}", urn(round), text(&ended, "/State")?));
    cast.story.fact("accuracy", format!("{:.3} before, {:.3} after, on held-out beats", accuracy(0), accuracy(1)));
    cast.story.expect(ended["State"] == "promoted", "the five answers made a better model");
    use_model(cast, &ended).await
}

/// Another End User.
async fn front_end(address: &Address, folder: &Path, seed: u64) -> Result<(Client, Own), DemoError> {
    let mut client = Client::new(address, PrivateKeySigner::random())?;
    let human = json!({ "IfHuman": { "Name": "Front", "Surname": "End", "UserType": "End User" } });
    client.register(human, &["Store", TRAINING]).await?;
    let own = licensed_recording(&client, folder, seed).await?;
    Ok((client, own))
}

/// A recording of somebody's, uploaded under a licence for training on it.
async fn licensed_recording(client: &Client, folder: &Path, seed: u64) -> Result<Own, DemoError> {
    let recording = recording::labelled(&recording::person(seed))?;
    let path = folder.join(format!("front-end-{seed}.edf"));
    std::fs::write(&path, &recording.bytes).map_err(|error| DemoError::Client(error.into()))?;
    let mut wish = wish("PhysiologicalSignal");
    wish.back_end_processes = words(&[TRAINING]);
    wish.back_end_usages = words(&["Research"]);
    let stored = upload(client, &wish, recording.qualifier, recording.bytes).await?;
    Ok(Own { path, item: stored.id })
}

async fn open(cast: &Cast, model: &str) -> Result<Uuid, DemoError> {
    let round = Uuid::now_v7();
    let request =
        json!({ "HFEID": "*", "PreLearnNNModelID": model, "MinimumResponses": 3, "MaximumResponses": FRONT_ENDS });
    let message = json!({
        "Header": "AIH-FDL-V1.0", "FederatedLearnID": urn(round), "FederatedLearnTime": now(),
        "FederatedLearn": { "Request": request },
    });
    cast.operator.post("/v1/federated-learn/rounds", &message).await?;
    Ok(round)
}

async fn ended(cast: &Cast, round: &Uuid) -> Result<Value, DemoError> {
    let path = format!("/v1/federated-learn/rounds/{}", urn(*round));
    loop {
        let state = cast.operator.get(&path).await?;
        if ["promoted", "rejected", "expired"].iter().any(|end| state["State"] == *end) {
            return Ok(state);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The Back End names the beats of a recording of the patient's by the new model.
async fn use_model(cast: &mut Cast, round: &Value) -> Result<(), DemoError> {
    let mut wish = wish("PhysiologicalSignal");
    wish.back_end_processes = words(&["PhysiologicalStateClassification"]);
    wish.back_end_usages = words(&["Health Care"]);
    let recording = recording::labelled(&recording::person(UNSEEN))?;
    let beats = recording.true_beats.as_ref().map_or(0, Vec::len);
    let item = upload(&cast.patient, &wish, recording.qualifier, recording.bytes).await?;
    let onnx = onnx_of(cast, text(round, "/PostLearnNNModelID")?).await?;
    let body = request(&cast.operator.back_end().to_string(), item.id, &onnx);
    let answer = cast.operator.ask_and_wait(&body).await?;
    let result = result_of(&answer)?;
    cast.story.fact("model used", text(&result, "/MLModelObjectID")?);
    for class in result["Classes"].as_array().into_iter().flatten() {
        cast.story.fact(&format!("beats {}", class["Class"].as_str().unwrap_or_default()), &class["Count"]);
    }
    let named = result["BeatCount"].as_u64().unwrap_or_default();
    cast.story.fact("beats", format!("{named} named, {beats} there are"));
    let is_whole = result["MLModelObjectID"] == json!(onnx) && named * 10 >= beats as u64 * 9;
    cast.story.expect(is_whole, "the new model names the beats of a recording it has not seen");
    Ok(())
}

/// The ONNX file beside a model.
async fn onnx_of(cast: &Cast, model: &str) -> Result<String, DemoError> {
    let listed = cast.operator.get("/v1/store/models").await?;
    let models = listed["Models"].as_array().cloned().unwrap_or_default();
    let is_it = |entry: &&Value| {
        let qualifier = &entry["MLModelQualifier"];
        qualifier["Format"] == "ONNX" && qualifier["ParentMLModelObjectID"] == model
    };
    let found = models.iter().find(is_it).and_then(|entry| entry["MLModelObjectID"].as_str());
    found.map(str::to_owned).ok_or(DemoError::Lacks("an ONNX file of the model"))
}

fn request(back_end: &str, item: AihDataId, model: &str) -> Value {
    json!({
        "Header": "AIH-AHP-V1.0", "AIHDataProcessID": new_id(), "AIHDataProcessTime": now(), "UserID": back_end,
        "AIHDataProcess": { "Request": {
            "AIHDataID": item, "ProcessingType": "PhysiologicalStateClassification", "Usage": "Health Care",
            "Parameters": { "AIMName": "AIP-NNB-V1.0", "Model": model },
        } },
    })
}

fn urn(id: Uuid) -> String {
    format!("urn:uuid:{id}")
}
