//! `hfe demo`.

use std::path::PathBuf;

use super::super::Outcome;
use crate::front_end::{demo, demo_all::More};

#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// What `hbe up --ready-file` wrote.
    #[arg(long)]
    ready_file: PathBuf,
    /// A WFDB header (.hea) or an EDF file to use as the recording.
    #[arg(long)]
    sample: Option<PathBuf>,
    /// Go on through every SubAIM: the ML Model Object ID of the first model of a lineage, with held-out data.
    #[arg(long, requires = "folder")]
    all: Option<String>,
    /// Where the Front Ends keep their recordings.
    #[arg(long)]
    folder: Option<PathBuf>,
}

impl Demo {
    pub(super) async fn run(self) -> Outcome {
        let more = self.all.zip(self.folder).map(|(model, folder)| More { model, folder });
        Ok(demo::walk(&self.ready_file, self.sample, more).await?)
    }
}
