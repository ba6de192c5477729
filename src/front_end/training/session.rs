//! A Front End takes part in a round: it takes the open request, downloads the model it names, believes it only when its
//! bytes have the digest that an OPERATOR of the Back End signed, trains it on its own recordings, and answers.

use std::path::PathBuf;

use alloy::primitives::{Bytes, hex};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    TrainingError,
    learner::{Recipe, train},
    recordings::all_examples,
};
use crate::{
    aims::federated_learning::round::TRAINABLE,
    chain::node::witness,
    domain::ids::{AihDataId, UserId},
    front_end::client::{Client, ClientError, now},
    mpai_store::models::{
        MOST_MODEL_BYTES,
        blobs::{parse, sha256, spelled},
        network::{Network, Quality},
        seal::{AnswerStatement, ModelStatement},
    },
};

/// A recording of one's own, and the item it is at the Back End.
#[derive(Debug, Clone)]
pub struct Own {
    /// The file.
    pub path: PathBuf,
    /// Its AIH Data ID; licensed for `FederatedLearning`.
    pub item: AihDataId,
}

/// How to take part.
#[derive(Debug, Clone)]
pub struct Part {
    /// A node of the Back End's chain.
    pub rpc: String,
    /// The recordings.
    pub own: Vec<Own>,
    /// One round only; the one with the nearest deadline when not given.
    pub round: Option<Uuid>,
    /// Decides the order of learning.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The round.
    pub round: Uuid,
    /// Its number.
    pub number: u32,
    /// Windows learned from.
    pub samples: usize,
    /// Quality on the own windows before.
    pub before: Quality,
    /// And after.
    pub after: Quality,
}

/// Where the request says what.
struct Asked {
    round: Uuid,
    number: u32,
    model: Uuid,
    recipe: Recipe,
}

fn lacks(what: &'static str) -> TrainingError {
    ClientError::Lacks(what).into()
}

fn urn(value: &Value, pointer: &str) -> Option<Uuid> {
    value.pointer(pointer)?.as_str()?.strip_prefix("urn:uuid:")?.parse().ok()
}

/// Takes part in a round.
///
/// # Errors
/// [`TrainingError`]: no request is open, the model is not to be trusted, nothing is labelled, or the Back End refuses.
pub async fn take_part(client: &Client, part: &Part) -> Result<Taken, TrainingError> {
    let asked = open_request(client, part).await?;
    let mut network = download(client, &part.rpc, asked.model).await?;
    let paths: Vec<PathBuf> = part.own.iter().map(|own| own.path.clone()).collect();
    let examples = all_examples(&paths, &network.declaration)?;
    let before = network.quality(&examples);
    train(&mut network, &examples, &asked.recipe);
    let after = network.quality(&examples);
    let bytes = network.write()?;
    send(client, &asked, part, bytes, (examples.len(), before, after)).await?;
    Ok(Taken { round: asked.round, number: asked.number, samples: examples.len(), before, after })
}

async fn open_request(client: &Client, part: &Part) -> Result<Asked, TrainingError> {
    let answer = client.get("/v1/federated-learn").await?;
    let requests = answer.get("Requests").and_then(Value::as_array).ok_or(lacks("open requests"))?;
    let is_it = |request: &&Value| part.round.is_none_or(|wanted| urn(request, "/FederatedLearnID") == Some(wanted));
    let request = requests.iter().find(is_it).ok_or(TrainingError::Nothing("no request is open"))?;
    let body = request.pointer("/FederatedLearn/Request").ok_or(lacks("a request"))?;
    let usual = Recipe::default();
    Ok(Asked {
        round: urn(request, "/FederatedLearnID").ok_or(lacks("the round's ID"))?,
        number: body
            .get("Round")
            .and_then(Value::as_u64)
            .and_then(|n| u32::try_from(n).ok())
            .ok_or(lacks("a number"))?,
        model: urn(body, "/PreLearnNNModelID").ok_or(lacks("a model"))?,
        recipe: Recipe { seed: part.seed, ..recipe(body.get("Parameters").unwrap_or(&Value::Null), usual)? },
    })
}

/// How a round asks to be trained for; what it does not say is as usual.
///
/// # Errors
/// [`TrainingError::Nothing`] for what is no recipe.
fn recipe(asked: &Value, usual: Recipe) -> Result<Recipe, TrainingError> {
    let refused = || TrainingError::Nothing("the round asks for a training that this Front End does not do");
    let within = |name: &str, usual: f64| match asked.get(name) {
        None => Ok(usual),
        Some(value) => {
            let range = TRAINABLE.iter().find(|(known, _)| *known == name).map(|(_, range)| range);
            value.as_f64().filter(|value| range.is_some_and(|range| range.contains(value))).ok_or_else(refused)
        }
    };
    Ok(Recipe {
        // Within their ranges, so small and whole enough for the casts.
        epochs: within("Epochs", usual.epochs as f64)? as usize,
        learning_rate: within("LearningRate", usual.learning_rate)?,
        batch: within("BatchSize", usual.batch as f64)? as usize,
        ..usual
    })
}

/// Downloads a model and verifies it: digest, signature, and that the signer operates this Back End.
///
/// # Errors
/// [`TrainingError::Untrusted`] when one of these does not hold.
pub async fn download(client: &Client, rpc: &str, model: Uuid) -> Result<Network, TrainingError> {
    let bytes = verified_bytes(client, rpc, model).await?;
    Ok(Network::read(&bytes)?)
}

/// The bytes of a model, verified as [`download`] does.
///
/// # Errors
/// As [`download`].
pub async fn verified_bytes(client: &Client, rpc: &str, model: Uuid) -> Result<Vec<u8>, TrainingError> {
    let message = client.get(&format!("/v1/store/models/urn:uuid:{model}")).await?;
    let qualifier = message.get("MLModelQualifier").ok_or(lacks("the model's qualifier"))?;
    let text = |label: &str| qualifier.get(label).and_then(Value::as_str);
    let digest = text("Digest").and_then(parse).ok_or(TrainingError::Untrusted("its message has no digest"))?;
    let signer: UserId = text("SignedBy")
        .and_then(|account| account.parse().ok())
        .ok_or(TrainingError::Untrusted("its message names no signer"))?;
    let signature: Bytes = text("Signature")
        .and_then(|signature| signature.parse().ok())
        .ok_or(TrainingError::Untrusted("its message has no signature"))?;
    let data = message.pointer("/MLModelData/0").ok_or(lacks("the model's place"))?;
    // A place at the Back End itself: the Token goes nowhere else.
    let place = data.get("DataURI").and_then(Value::as_str).filter(|place| place.starts_with('/'));
    let length = data.get("DataLength").and_then(Value::as_u64).filter(|length| *length <= MOST_MODEL_BYTES);
    let (place, length) = place.zip(length).ok_or(lacks("the model's place and length"))?;
    let bytes = client.bytes_up_to(place, length).await?;
    if sha256(&bytes) != digest {
        return Err(TrainingError::Untrusted("its bytes do not have the digest of its message"));
    }
    let statement = ModelStatement { back_end: *client.back_end(), model, digest };
    if statement.verify(&signature, signer.address()).is_err() {
        return Err(TrainingError::Untrusted("its signature does not hold"));
    }
    let node = witness(rpc, *client.back_end()).await?;
    match node.is_operator(signer.address()).await? {
        true => Ok(bytes),
        false => Err(TrainingError::Untrusted("who signed it does not operate this Back End")),
    }
}

async fn send(
    client: &Client,
    asked: &Asked,
    part: &Part,
    bytes: Vec<u8>,
    (samples, before, after): (usize, Quality, Quality),
) -> Result<(), TrainingError> {
    let statement = AnswerStatement {
        back_end: *client.back_end(),
        round: asked.round,
        number: asked.number,
        base: asked.model,
        digest: sha256(&bytes),
        samples: samples as u64,
        items: part.own.iter().map(|own| own.item).collect(),
    };
    let signature = statement.sign(client.key())?;
    let metrics = json!({ "LossBefore": before.loss, "LossAfter": after.loss, "Accuracy": after.accuracy });
    let message = answer_message(client.user(), &statement, &signature, bytes.len(), Some(metrics));
    client.answer_round(&message, bytes).await?;
    Ok(())
}

/// The message of an answer whose model follows in the same multipart body.
pub fn answer_message(
    user: UserId,
    statement: &AnswerStatement,
    signature: &[u8],
    length: usize,
    metrics: Option<Value>,
) -> Value {
    let mut response = json!({
        "PostLearnNNModel": {
            "Header": "AIP-MLO-V1.0",
            "MLModelObjectID": crate::front_end::client::new_id(),
            "MLModelObjectTime": now(),
            "MLModelData": [{ "DataLength": length, "DataURI": "cid:payload" }],
            "MLModelQualifier": {
                "Format": "safetensors",
                "Digest": spelled(statement.digest),
                "ParentMLModelObjectID": format!("urn:uuid:{}", statement.base),
            },
        },
        "AIHDataIDs": statement.items,
        "SampleCount": statement.samples,
        "Round": statement.number,
        "Signature": hex::encode_prefixed(signature),
    });
    if let (Some(body), Some(metrics)) = (response.as_object_mut(), metrics) {
        body.insert("Metrics".to_owned(), metrics);
    }
    json!({
        "Header": "AIH-FDL-V1.0",
        "FederatedLearnID": format!("urn:uuid:{}", statement.round),
        "FederatedLearnTime": now(),
        "EndUserID": user,
        "FederatedLearn": { "Response": response },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_round_does_not_keep_a_front_end_for_ever() {
        let usual = Recipe::default();
        let read = |asked: Value| recipe(&asked, Recipe::default());
        let same = read(json!({})).unwrap();
        assert_eq!((same.epochs, same.learning_rate, same.batch), (usual.epochs, usual.learning_rate, usual.batch));
        let asked = read(json!({"Epochs": 3, "LearningRate": 0.5, "BatchSize": 7})).unwrap();
        assert_eq!((asked.epochs, asked.learning_rate, asked.batch), (3, 0.5, 7));
        for bad in [
            json!({"Epochs": 1e18}),
            json!({"Epochs": 0}),
            json!({"Epochs": -1}),
            json!({"Epochs": "3"}),
            json!({"LearningRate": 0}),
            json!({"LearningRate": 1e300}),
            json!({"BatchSize": 1e18}),
            json!({"BatchSize": 0}),
        ] {
            assert!(matches!(read(bad.clone()), Err(TrainingError::Nothing(_))), "{bad}");
        }
    }
}
