//! `hfe audit verify`.

use std::path::PathBuf;

use clap::Subcommand;

use super::super::Outcome;
use crate::{
    domain::{
        ids::{BackEndId, UserId},
        window,
    },
    front_end::audit::{Question, check},
    schema,
};

/// Longest Audit Response read, in bytes.
const MOST_BYTES: usize = 256 << 20;

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Check an audit against the chain, straight from a node: every recorded answer is judged again by the licence, and
    /// nothing may be missing from the response or stand in it without standing on the chain.
    Verify(Box<Verify>),
}

#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    /// URL of any node of the chain.
    #[arg(long)]
    rpc_url: String,
    /// Back End ID.
    #[arg(long)]
    back_end: BackEndId,
    /// The End User's account.
    #[arg(long)]
    user: UserId,
    /// The Audit message the Back End answered with, a JSON file; the chain alone when not given.
    #[arg(long)]
    response: Option<PathBuf>,
    /// Begin of the period asked for, RFC 3339 UTC.
    #[arg(long, requires = "until")]
    from: Option<String>,
    /// End of the period asked for, RFC 3339 UTC.
    #[arg(long, requires = "from")]
    until: Option<String>,
}

impl Audit {
    pub(super) async fn run(self) -> Outcome {
        let Self::Verify(verify) = self;
        verify.run().await
    }
}

impl Verify {
    async fn run(self) -> Outcome {
        let response = match &self.response {
            Some(file) => Some(schema::strict::read(&std::fs::read(file)?, MOST_BYTES)?),
            None => None,
        };
        let period = match (&self.from, &self.until) {
            (Some(from), Some(until)) => Some((window::seconds(from)?, window::seconds(until)?)),
            _ => None,
        };
        let report = check(Question {
            rpc: self.rpc_url,
            back_end: self.back_end,
            end_user: self.user,
            period,
            operations: None,
            response,
        })
        .await?;
        println!("{report}");
        Ok(report.holds())
    }
}
