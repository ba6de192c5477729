//! The main job, walked in the open by a separate client over HTTP, with the chain read on the side as a witness.

use std::{
    fmt::Display,
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::signers::local::PrivateKeySigner;
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    audit::AuditError,
    client::{Address, Client, ClientError},
    demo_all::{self, More},
    demo_steps,
    paperwork::PaperError,
    recording::{self, Recording, RecordingError},
    training::TrainingError,
};
use crate::{
    chain::{ChainError, node::connect},
    startup::keys::{KeyError, development_key},
};

/// The development account that plays the research institute; the demo's Back End vouches for it in advance.
const INSTITUTE: u32 = 4;
/// The development account of the demo's operator.
const OPERATOR: u32 = 1;

/// Why the walk could not be walked.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each names its part")]
pub enum DemoError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Paper(#[from] PaperError),
    #[error(transparent)]
    Recording(#[from] RecordingError),
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error(transparent)]
    Audit(#[from] AuditError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Training(#[from] TrainingError),
    #[error("an answer lacks {0}")]
    Lacks(&'static str),
}

/// Who takes part.
pub(super) struct Cast {
    pub(super) patient: Client,
    pub(super) institute: Client,
    pub(super) operator: Client,
    pub(super) provider: alloy::providers::DynProvider,
    pub(super) rpc: String,
    pub(super) url: String,
    pub(super) recording: Recording,
    pub(super) story: Story,
}

/// Walks the main job, and on through every SubAIM when asked. True when every expectation held.
///
/// # Errors
/// When a step could not be taken at all.
pub async fn walk(ready_file: &Path, sample: Option<PathBuf>, more: Option<More>) -> Result<bool, DemoError> {
    let address = Address::read(ready_file)?;
    let recording = match sample.or_else(real_record) {
        Some(path) => recording::from_file(&path)?,
        None => recording::synthetic()?,
    };
    let mut cast = Cast {
        // The patient is new every time; nothing but this process knows the key.
        patient: Client::new(&address, PrivateKeySigner::random())?,
        institute: Client::new(&address, development_key(INSTITUTE)?)?,
        operator: Client::new(&address, development_key(OPERATOR)?)?,
        provider: connect(&address.rpc).await?,
        rpc: address.rpc.clone(),
        url: address.url.clone(),
        recording,
        story: Story::default(),
    };
    demo_steps::register(&mut cast).await?;
    let item = demo_steps::upload(&mut cast).await?;
    demo_steps::permitted(&mut cast, &item).await?;
    demo_steps::denied(&mut cast, &item).await?;
    demo_steps::back_end_processes(&mut cast, &item).await?;
    demo_steps::withdraw(&mut cast, &item).await?;
    demo_steps::denied_after_withdrawal(&mut cast, &item).await?;
    demo_steps::audit(&mut cast, &item).await?;
    if let Some(more) = more {
        demo_all::walk(&mut cast, &more).await?;
    }
    Ok(cast.story.end())
}

/// The MIT-BIH record, when the environment says where the real recordings are.
fn real_record() -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("HBE_SAMPLES")?).join("ecg/100.hea");
    path.exists().then_some(path)
}

/// What is told, and what was expected.
#[derive(Debug, Default)]
pub(super) struct Story {
    steps: u32,
    broken: Vec<String>,
}

impl Story {
    /// A new step.
    pub(super) fn step(&mut self, title: &str) {
        self.steps += 1;
        println!("\n\x1b[1m{}. {title}\x1b[0m", self.steps);
    }

    /// A line of the step.
    pub(super) fn tell(&self, what: impl Display) {
        println!("   {what}");
    }

    /// A fact with its name.
    pub(super) fn fact(&self, name: &str, value: impl Display) {
        println!("   {name:<18} {value}");
    }

    /// Something that must hold.
    pub(super) fn expect(&mut self, held: bool, what: &str) {
        println!("   {} {what}", if held { "\x1b[32m✓\x1b[0m" } else { "\x1b[31m✗ EXPECTED:\x1b[0m" });
        if !held {
            self.broken.push(what.to_owned());
        }
    }

    fn end(self) -> bool {
        println!();
        if self.broken.is_empty() {
            println!("\x1b[1mEvery expectation held.\x1b[0m");
        } else {
            println!("\x1b[1m{} expectations did not hold:\x1b[0m {}", self.broken.len(), self.broken.join("; "));
        }
        self.broken.is_empty()
    }
}

/// Shows that something goes on while it takes its time; shows nothing where nobody looks at a terminal.
pub(super) fn waiting(what: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(what.to_owned());
    if let Ok(style) = ProgressStyle::with_template("   {spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
