//! `hbe store …`: the operator's hand in the MPAI Store. Works on the data folder, beside a Back End that runs on it.

use std::path::{Path, PathBuf};

use alloy::primitives::B256;
use clap::Subcommand;

use super::super::Outcome;
use crate::{
    aims::{ai_modules::worker::Worker, federated_learning::library::Library},
    chain::{
        deploy::Deployment,
        node::{chain_id, connect},
    },
    clock::Clock,
    config::settings::Settings,
    mpai_store::models::{MOST_MODEL_BYTES, ModelError, shelf::Shelf},
    startup::keys::{DEVNET, Office},
};

#[derive(Debug, Subcommand)]
pub(super) enum Store {
    /// Add a model (safetensors), signed with the OPERATOR's key. It begins a lineage; rounds of federated learning make
    /// its successors, when held-out data is given to judge them by.
    AddModel {
        /// The model.
        file: PathBuf,
        /// For people.
        #[arg(long, default_value = "beat-classifier")]
        name: String,
        /// Held-out data: labelled windows, as `hfe model windows` writes them.
        #[arg(long)]
        held_out: Option<PathBuf>,
    },
    /// List the models.
    Models,
}

impl Store {
    pub(super) async fn run(self, settings: Settings) -> Outcome {
        let id = match &settings.rpc_url {
            Some(url) => chain_id(&connect(url).await?).await?,
            None => DEVNET,
        };
        let deployment =
            Deployment::load(&settings.deployments, id)?.ok_or("no registry is recorded for this chain")?;
        let shelf = Shelf::open(&settings.data.join("models"), Office::Operator.key(id)?)?;
        let database = crate::startup::house::database(&settings).await?;
        let worker = Worker::new(std::env::current_exe()?);
        let now_us = Clock::system().micros();
        let library =
            Library { database: &database, shelf: &shelf, worker: &worker, back_end: deployment.back_end(), now_us };
        match self {
            Self::AddModel { file, name, held_out } => {
                let model = take_in(&shelf, &file)?;
                let held_out = held_out.map(|file| take_in(&shelf, &file)).transpose()?;
                let (row, score) = library.add(&name, model, held_out).await?;
                println!("urn:uuid:{}", row.id);
                if let Some(score) = score {
                    eprintln!("held-out data: {} windows, accuracy {:.4}", score.examples, score.accuracy);
                }
            }
            Self::Models => {
                for row in database.list_models(None, 1_000).await?.rows {
                    println!(
                        "urn:uuid:{}  {}  version {}  {}  {} bytes",
                        row.id, row.name, row.version, row.format, row.length
                    );
                }
            }
        }
        database.close().await;
        Ok(true)
    }
}

fn take_in(shelf: &Shelf, file: &Path) -> Result<B256, ModelError> {
    let length = std::fs::metadata(file)?.len();
    if length > MOST_MODEL_BYTES {
        return Err(ModelError::Limit { what: "bytes of a model", most: MOST_MODEL_BYTES });
    }
    shelf.blobs.put(&std::fs::read(file)?)
}
