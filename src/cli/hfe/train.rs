//! `hfe train`, `hfe model …`: a Front End's part in federated learning, and what it gets from the MPAI Store and, as an
//! operator, puts into it.

use std::path::PathBuf;

use clap::Subcommand;
use uuid::Uuid;

use super::{super::Outcome, account::key};
use crate::{
    domain::ids::{AihDataId, BackEndId},
    front_end::{
        client::{Address, Client},
        publication::Publication,
        training::{
            learner,
            recordings::all_examples,
            session::{Own, Part, take_part, verified_bytes},
        },
    },
    mpai_store::models::declaration::Declaration,
    schema::wire::{MessageId, ModelFormat},
};

/// Where the Back End is: the file `hbe up --ready-file` writes, or its three parts.
#[derive(Debug, clap::Args)]
pub(super) struct Where {
    /// The file that `hbe up --ready-file` wrote.
    #[arg(long, conflicts_with_all = ["url", "back_end", "rpc"])]
    ready_file: Option<PathBuf>,
    /// Base URL of the Back End.
    #[arg(long, requires_all = ["back_end", "rpc"])]
    url: Option<String>,
    /// Its ID.
    #[arg(long)]
    back_end: Option<BackEndId>,
    /// A node of its chain.
    #[arg(long)]
    rpc: Option<String>,
}

/// Take the open request of a Back End, train its model on recordings of your own, and answer. The key is in HFE_KEY.
#[derive(Debug, clap::Args)]
pub(super) struct Train {
    #[command(flatten)]
    at: Where,
    /// A recording and the AIH Data ID it has at the Back End, FILE=urn:uuid:…; several times for several.
    #[arg(long = "recording", required = true, value_parser = own)]
    recordings: Vec<Own>,
    /// One round only (its UUID); the one with the nearest deadline when not given.
    #[arg(long)]
    round: Option<Uuid>,
    /// Decides the order of learning.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Subcommand)]
pub(super) enum Model {
    /// Write a beat classifier that has learned nothing.
    New {
        /// Where to.
        file: PathBuf,
        /// Neurons of its hidden layer.
        #[arg(long, default_value_t = 24)]
        hidden: usize,
        /// Decides its weights.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Write labelled windows of recordings, by which a Back End judges beat classifiers.
    Windows {
        /// Where to.
        file: PathBuf,
        /// Recordings: .edf with annotations, or .hea with an .atr file beside it.
        #[arg(required = true)]
        recordings: Vec<PathBuf>,
    },
    /// Download a model or a scoring file of a Store. It is written only when its bytes have the digest that an OPERATOR of
    /// the Back End signed. The key is in HFE_KEY.
    Get {
        #[command(flatten)]
        at: Where,
        /// Its ML Model Object ID, urn:uuid:….
        id: MessageId,
        /// Where to.
        file: PathBuf,
    },
    /// Put a model or a scoring file into a Store, signed with the OPERATOR's key in HFE_KEY; prints its ID.
    Put {
        #[command(flatten)]
        at: Where,
        /// The file.
        file: PathBuf,
        /// For people.
        #[arg(long)]
        name: String,
        /// safetensors, ONNX or PGSCatalog.
        #[arg(long, value_parser = format)]
        format: ModelFormat,
        /// The model it is the next version of, urn:uuid:….
        #[arg(long)]
        parent: Option<MessageId>,
    },
}

fn format(text: &str) -> Result<ModelFormat, String> {
    serde_json::from_value(text.into()).map_err(|_| "safetensors, ONNX or PGSCatalog".to_owned())
}

fn own(text: &str) -> Result<Own, String> {
    let (path, item) = text.rsplit_once('=').ok_or("a recording is given as FILE=urn:uuid:…")?;
    let item: AihDataId = item.parse().map_err(|error| format!("{error}"))?;
    Ok(Own { path: path.into(), item })
}

impl Where {
    fn address(self) -> Result<Address, Box<dyn std::error::Error>> {
        match (self.ready_file, self.url, self.back_end, self.rpc) {
            (Some(file), ..) => Ok(Address::read(&file)?),
            (None, Some(url), Some(back_end), Some(rpc)) => Ok(Address { url, back_end, rpc }),
            _ => Err("--ready-file, or --url, --back-end and --rpc, say where the Back End is".into()),
        }
    }
}

impl Train {
    pub(super) async fn run(self) -> Outcome {
        let address = self.at.address()?;
        let mut client = Client::new(&address, key()?)?;
        client.log_in(&["FederatedLearning"]).await?;
        let part = Part { rpc: address.rpc, own: self.recordings, round: self.round, seed: self.seed };
        let taken = take_part(&client, &part).await?;
        println!(
            "round {} ({}): {} windows, loss {:.4} before and {:.4} after, accuracy {:.4} and {:.4}; the answer is kept",
            taken.number,
            taken.round,
            taken.samples,
            taken.before.loss,
            taken.after.loss,
            taken.before.accuracy,
            taken.after.accuracy
        );
        Ok(true)
    }
}

async fn member(at: Where, service: &str) -> Result<(Client, String), Box<dyn std::error::Error>> {
    let address = at.address()?;
    let mut client = Client::new(&address, key()?)?;
    client.log_in(&[service]).await?;
    Ok((client, address.rpc))
}

impl Model {
    pub(super) async fn run(self) -> Outcome {
        match self {
            Self::New { file, hidden, seed } => {
                std::fs::write(&file, learner::fresh(Declaration::beat_classifier(hidden), seed).write()?)?;
            }
            Self::Windows { file, recordings } => {
                let examples = all_examples(&recordings, &Declaration::beat_classifier(1))?;
                println!("{} windows", examples.len());
                std::fs::write(&file, examples.write()?)?;
            }
            Self::Get { at, id, file } => {
                let (client, rpc) = member(at, "Retrieve").await?;
                let bytes = verified_bytes(&client, &rpc, id.uuid()).await?;
                std::fs::write(&file, &bytes)?;
                println!("{} bytes, as an operator of {} signed them", bytes.len(), client.back_end());
            }
            Self::Put { at, file, name, format, parent } => {
                let (client, _) = member(at, "FederatedLearning").await?;
                let (id, bytes) = (Uuid::now_v7(), std::fs::read(&file)?);
                let parent = parent.map(|id| id.uuid());
                let publication = Publication { id, name: &name, format, parent, bytes: &bytes };
                let message = publication.message(client.back_end(), client.key())?;
                client.put_model(&message, bytes).await?;
                println!("urn:uuid:{id}");
            }
        }
        Ok(true)
    }
}
