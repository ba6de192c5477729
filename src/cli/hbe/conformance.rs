//! `hbe conformance [FILE|DIR] [--url URL [--rpc URL]]`.

use std::path::PathBuf;

use super::super::{Outcome, on_runtime};
use crate::{
    front_end,
    schema::conformance::{
        self, Report,
        resources::{self, ResourceReport},
    },
};

#[derive(Debug, clap::Args)]
pub(super) struct Conformance {
    /// A message, or a folder of messages; the examples of schemas/ when not given, with those of this Back End's own
    /// documents, which have a table of their own.
    path: Option<PathBuf>,
    /// Test the running Back End at this address too, anybody's: send it every vector, and hear what it produces.
    #[arg(long)]
    url: Option<String>,
    /// A node of that Back End's chain, to read there what it and the Blockchain exchanged.
    #[arg(long, requires = "url")]
    rpc: Option<String>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

impl Conformance {
    pub(super) fn run(self) -> Outcome {
        let path = self.path.unwrap_or_else(|| conformance::EXAMPLES.into());
        let mut reports = vec![("the schemas".to_owned(), conformance::check(&path)?)];
        if let Some(url) = self.url {
            let report = std::cell::RefCell::new(None);
            on_runtime(async {
                *report.borrow_mut() = Some(front_end::conformance::test(&url, self.rpc.as_deref(), &path).await?);
                Ok(true)
            })?;
            reports.extend(report.into_inner().map(|report| (url, report)));
        }
        let own = path.join(resources::FOLDER);
        let own = if own.is_dir() { Some(resources::check(&own)?) } else { None };
        match self.json {
            true => print_json(&reports, own.as_ref())?,
            false => {
                reports.iter().for_each(|(what, report)| println!("Against {what}\n{report}"));
                own.iter().for_each(|report| println!("{report}"));
            }
        }
        Ok(reports.iter().all(|(_, report)| report.conforms()) && own.is_none_or(|own| own.conforms()))
    }
}

fn print_json(reports: &[(String, Report)], own: Option<&ResourceReport>) -> Result<(), serde_json::Error> {
    let mut reports: Vec<_> = reports
        .iter()
        .map(|(what, report)| serde_json::json!({ "against": what, "report": report.to_json() }))
        .collect();
    reports.extend(
        own.map(|own| serde_json::json!({ "against": "the schemas of this Back End", "report": own.to_json() })),
    );
    println!("{}", serde_json::to_string_pretty(&reports)?);
    Ok(())
}
