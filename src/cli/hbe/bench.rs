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
    /// Seconds and memory of every rule of federated learning, over a hundred models of ten million numbers.
    Aggregation {
        /// Fewer and smaller models: seconds instead of minutes, and megabytes of disk instead of gigabytes.
        #[arg(long)]
        quick: bool,
    },
}

impl Bench {
    pub(super) async fn run(self, settings: Settings) -> Outcome {
        match self {
            Self::Confirm { quick } => {
                let report = bench::confirm(&bench::Options::new(binary(&settings.tools), quick)).await?;
                println!("{report}");
                // Goals are told and depend on the machine; what does not is the exit code.
                return Ok(report.holds());
            }
            Self::Aggregation { quick } => {
                let measuring = tokio::task::spawn_blocking(move || bench::aggregation(&bench::Size::new(quick)));
                println!("{}", measuring.await??);
            }
        }
        Ok(true)
    }
}
