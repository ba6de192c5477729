//! What a child process does with a model file: nobody else reads one that came from outside.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    aims::aih_data_processing::{nn, omics::weights},
    mpai_store::models::{declaration::Declaration, examples::Examples, layout::Layout, network::Network, onnx},
};

/// Name of the attachment with held-out data.
pub const EXAMPLES: &str = "Examples";

/// What is asked about a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelTask {
    /// Its layout; refused when a number is not finite.
    Inspect,
    /// How well it does on the attached held-out data.
    Score,
    /// The same network as ONNX.
    Export,
    /// What an ONNX graph holds; refused when it does not run as it declares.
    Graph,
    /// What a scoring file says of itself; refused when it is no sum of weighted alleles.
    Weights,
}

/// Answer to [`ModelTask::Score`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Score {
    /// Fraction of windows of which the model names the class.
    pub accuracy: f64,
    /// The same, as the mean over the classes.
    pub balanced_accuracy: f64,
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// How many windows there are.
    pub examples: u64,
}

/// Runs in the child.
///
/// # Errors
/// What is wrong with the model, in words.
pub fn run(task: ModelTask, payload: &[u8], attachments: &BTreeMap<String, Vec<u8>>) -> Result<Value, String> {
    let text = |error: crate::mpai_store::models::ModelError| error.to_string();
    match task {
        ModelTask::Inspect => {
            let layout = Layout::read(payload).map_err(text)?;
            if layout.declaration.as_deref().is_some_and(|declared| !declared.is_empty()) {
                Declaration::of(&layout).map_err(text)?;
            }
            serde_json::to_value(layout).map_err(|error| error.to_string())
        }
        ModelTask::Score => {
            let network = Network::read(payload).map_err(text)?;
            let examples = attachments.get(EXAMPLES).ok_or("there is no held-out data")?;
            score(&network, &Examples::read(examples).map_err(text)?)
        }
        ModelTask::Graph => serde_json::to_value(nn::graph::examine(payload)?).map_err(|error| error.to_string()),
        ModelTask::Weights => serde_json::to_value(weights::examine(payload)?).map_err(|error| error.to_string()),
        ModelTask::Export => Ok(json!(STANDARD.encode(onnx::encode(&Network::read(payload).map_err(text)?)))),
    }
}

fn score(network: &Network, examples: &Examples) -> Result<Value, String> {
    let fits = examples.inputs() == network.declaration.inputs()
        && examples.greatest_label() < network.declaration.classes.len();
    if !fits {
        return Err("the held-out data does not have the inputs and classes of the model".to_owned());
    }
    let quality = network.quality(examples);
    let score = Score {
        accuracy: quality.accuracy,
        balanced_accuracy: quality.balanced_accuracy,
        loss: quality.loss,
        examples: examples.len() as u64,
    };
    serde_json::to_value(score).map_err(|error| error.to_string())
}
