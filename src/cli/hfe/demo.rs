//! `hfe demo`.

use std::path::PathBuf;

use super::super::Outcome;
use crate::front_end::demo;

#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// What `hbe up --ready-file` wrote.
    #[arg(long)]
    ready_file: PathBuf,
    /// A WFDB header (.hea) or an EDF file to use as the recording.
    #[arg(long)]
    sample: Option<PathBuf>,
}

impl Demo {
    pub(super) async fn run(self) -> Outcome {
        Ok(demo::walk(&self.ready_file, self.sample).await?)
    }
}
