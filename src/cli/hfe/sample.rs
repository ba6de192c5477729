//! `hfe sample FILE`.

use std::path::PathBuf;

use super::super::Outcome;
use crate::front_end::recording;

#[derive(Debug, clap::Args)]
pub(super) struct Sample {
    /// Where to write it.
    file: PathBuf,
}

impl Sample {
    pub(super) fn run(self) -> Outcome {
        let recording = recording::synthetic()?;
        std::fs::write(&self.file, &recording.bytes)?;
        println!("{}: {}", self.file.display(), recording.description);
        Ok(true)
    }
}
