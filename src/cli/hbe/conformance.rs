//! `hbe conformance [FILE|DIR]`.

use std::path::PathBuf;

use super::super::Outcome;
use crate::schema::conformance;

#[derive(Debug, clap::Args)]
pub(super) struct Conformance {
    /// A message, or a folder of messages; the examples of schemas/ when not given.
    path: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

impl Conformance {
    pub(super) fn run(self) -> Outcome {
        let path = self.path.unwrap_or_else(|| conformance::EXAMPLES.into());
        let report = conformance::check(&path)?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report.to_json())?);
        } else {
            println!("{report}");
        }
        Ok(report.conforms())
    }
}
