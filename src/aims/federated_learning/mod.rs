//! **Health Federated Learning** (AIH-HFL): a new model from models that Front Ends trained on data that never leaves them.
//!
//! ```text
//! operator ─ opens a round ─▶ request ─▶ Front Ends: download, verify, train ─▶ answers, signed, bound to the round
//!                                                                                   │ child process: layout, finite
//!   Store ◀─ promoted, signed ◀─ held-out check ◀─ aggregation ◀─ licences confirmed ┘ in the round's own batches
//! ```
//!
//! | File | What |
//! | --- | --- |
//! | [`round`] | a round is opened; its settings |
//! | [`answer`] | an answer arrives, is checked, is kept |
//! | [`close`] | a round ends: licences, aggregation, promotion |
//! | `licences` | the licences behind the answers, confirmed in the round's own batches |
//! | [`keeper`] | the task that ends rounds when they are due, and goes on after a restart |
//! | [`aggregation`] | the rules |
//! | [`accountant`] | the privacy budget |
//! | [`library`] | models of the Store: added, read |
//! | [`upload`] | a model or scoring file arrives from an operator |
//! | [`assets`] | what an AI Module needs of the Store |
//! | [`module`] | what a child process does with a model file |
//! | [`message`] | rounds and models as messages of the standard |
//!
//! A model enters only if every item behind it confirms for `FederatedLearning`, asked by the Back End itself, recorded on
//! chain in the round's own batches of up to 512 items, and asked once more before the result stands in the Store.

pub mod accountant;
pub mod aggregation;
pub mod answer;
pub mod assets;
pub mod close;
pub mod keeper;
pub mod library;
mod licences;
pub mod message;
pub mod module;
pub mod round;
pub mod upload;

use super::AimError;

/// Does what takes a while, such as hashing a model, where it keeps no request waiting.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, AimError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| AimError::Worker(error.to_string()))
}
