//! `hbe store …`: the operator's hand in the MPAI Store. Works on the data folder, beside a Back End that runs on it.

use std::path::{Path, PathBuf};

use alloy::primitives::B256;
use clap::Subcommand;

use super::super::Outcome;
use crate::{
    aims::{
        ai_modules::worker::Worker,
        federated_learning::library::{Founder, Library},
    },
    chain::{
        deploy::Deployment,
        node::{chain_id, connect},
    },
    clock::Clock,
    config::settings::Settings,
    mpai_store::models::{MOST_MODEL_BYTES, ModelError, shelf::Shelf},
    schema::wire::ModelFormat,
    startup::keys::{DEVNET, Office},
};

/// Rows read at once.
const PAGE: u32 = 1_000;

#[derive(Debug, Subcommand)]
pub(super) enum Store {
    /// Add a model, signed with the OPERATOR's key. A safetensors model begins a lineage; rounds of federated learning make
    /// its successors, when held-out data is given to judge them by. A file named *.onnx is taken as an ONNX graph.
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
    /// Add the weights of a polygenic score: a scoring file of the PGS Catalog (format 2.0, unpacked), signed with the
    /// OPERATOR's key.
    AddWeights {
        /// The scoring file.
        file: PathBuf,
        /// For people; the file's own pgs_id when not given.
        #[arg(long)]
        name: Option<String>,
    },
    /// List models and scoring files, the newest first.
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
                let is_graph = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"));
                let format = if is_graph { ModelFormat::Onnx } else { ModelFormat::Safetensors };
                let digest = take_in(&shelf, &file)?;
                let held_out = held_out.map(|file| take_in(&shelf, &file)).transpose()?;
                add(&library, &Founder { name: Some(&name), format, digest, held_out }).await?;
            }
            Self::AddWeights { file, name } => {
                let (name, format, digest) = (name.as_deref(), ModelFormat::PgsCatalog, take_in(&shelf, &file)?);
                add(&library, &Founder { name, format, digest, held_out: None }).await?;
            }
            Self::Models => list(&library).await?,
        }
        database.close().await;
        Ok(true)
    }
}

async fn add(library: &Library<'_>, founder: &Founder<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let added = library.add(founder).await;
    if added.is_err() {
        // What was taken in and refused is nobody's; the Back End beside this command may know the same bytes.
        for digest in [Some(founder.digest), founder.held_out].into_iter().flatten() {
            if !library.database.is_model_file_in_use(digest).await? {
                library.shelf.blobs.remove(digest)?;
            }
        }
    }
    let (row, score) = added?;
    println!("urn:uuid:{}", row.id);
    if let Some(score) = score {
        eprintln!("held-out data: {} windows, accuracy {:.4}", score.examples, score.accuracy);
    }
    Ok(())
}

async fn list(library: &Library<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let mut after = None;
    loop {
        let page = library.database.list_models(after.as_ref(), PAGE).await?;
        for row in page.rows {
            println!(
                "urn:uuid:{}  {}  version {}  {}  {} bytes",
                row.id, row.name, row.version, row.format, row.length
            );
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

fn take_in(shelf: &Shelf, file: &Path) -> Result<B256, ModelError> {
    let length = std::fs::metadata(file)?.len();
    if length > MOST_MODEL_BYTES {
        return Err(ModelError::Limit { what: "bytes of a model", most: MOST_MODEL_BYTES });
    }
    shelf.blobs.put(&std::fs::read(file)?)
}
