//! `hbe bench …`.

use clap::Subcommand;

use super::super::Outcome;
use crate::{bench, config::settings::Settings, startup::devnet::binary};

#[derive(Debug, Subcommand)]
pub(super) enum Bench {
    /// Recorded Licence Confirms per second, against one transaction each and against the chain's own ceiling.
    Confirm {
        /// Shorter cells: seconds instead of minutes.
        #[arg(long)]
        quick: bool,
    },
}

impl Bench {
    pub(super) async fn run(self, settings: Settings) -> Outcome {
        let Self::Confirm { quick } = self;
        let report = bench::confirm(&bench::Options::new(binary(&settings.tools), quick)).await?;
        println!("{report}");
        Ok(true)
    }
}
