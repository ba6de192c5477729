//! `hfe sample FILE`.

use std::path::PathBuf;

use super::super::Outcome;
use crate::front_end::recording;

#[derive(Debug, clap::Args)]
pub(super) struct Sample {
    /// Where to write it.
    file: PathBuf,
    /// With beats of three kinds, labelled: another person for every number.
    #[arg(long)]
    labelled: Option<u64>,
}

impl Sample {
    pub(super) fn run(self) -> Outcome {
        let recording =
            self.labelled.map_or_else(recording::synthetic, |seed| recording::labelled(&recording::person(seed)))?;
        std::fs::write(&self.file, &recording.bytes)?;
        println!("{}: {}", self.file.display(), recording.description);
        Ok(true)
    }
}
