//! `hbe chain …`: the chain behind the Back End.

use clap::Subcommand;

use super::super::Outcome;
use crate::{config::settings::Settings, startup::restore::restore};

#[derive(Debug, Subcommand)]
pub(super) enum Chain {
    /// Give a chain that was reset its register again: users, signed licences, derivations and withdrawals, in their
    /// order, so that the same Licence IDs come back. Run it before the Back End is started on that chain, and again if
    /// it broke off; what is there already is left as it is.
    Restore,
}

impl Chain {
    pub(super) async fn run(self, settings: Settings) -> Outcome {
        let Self::Restore = self;
        let outcome = restore(&settings, &std::env::current_exe()?).await?;
        let licences = outcome.licences;
        println!("users             {}", outcome.users);
        println!("licences          {}", licences.licences);
        println!("derived licences  {}", licences.derived);
        println!("withdrawals       {}", licences.withdrawals);
        for item in &licences.left {
            println!(
                "left unlicensed   {item}  (withdrawn by its End User directly, which nobody can repeat, or derived from nothing restored)"
            );
        }
        Ok(true)
    }
}
