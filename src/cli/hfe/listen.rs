//! `hfe listen`: what concerns the user, as it happens.

use std::path::PathBuf;

use super::{super::Outcome, account::key};
use crate::front_end::{
    client::{Address, Client},
    listening::{Listener, News},
};

#[derive(Debug, clap::Args)]
pub(super) struct Listen {
    /// What `hbe up --ready-file` wrote.
    #[arg(long)]
    ready_file: PathBuf,
    /// Only events of this kind, or of kinds that begin so, such as `alert.` or `federated-learn.`.
    #[arg(long, default_value = "alert.")]
    kind: String,
    /// End after so many events; 0 for never.
    #[arg(long, default_value_t = 0)]
    count: u64,
    /// Go on behind this event; 0 for all that is kept.
    #[arg(long)]
    after: Option<i64>,
}

impl Listen {
    pub(super) async fn run(self) -> Outcome {
        let mut client = Client::new(&Address::read(&self.ready_file)?, key()?)?;
        client.log_in(&["AnomalyAndRiskAlerting", "FederatedLearning"]).await?;
        let mut listener = Listener::open(&client, self.after).await?;
        eprintln!("listening as {}", client.user());
        let mut heard = 0;
        while let Some(news) = listener.next().await? {
            if !news.kind.starts_with(&self.kind) {
                continue;
            }
            tell(&client, &news).await;
            heard += 1;
            if heard == self.count {
                return Ok(true);
            }
        }
        // The Back End closed the stream: the Token ended, or it shuts down.
        Ok(self.count == 0)
    }
}

/// The event, and of an alert what was found, as far as it is this user's.
async fn tell(client: &Client, news: &News) {
    println!("{}  {}  {}", news.id, news.kind, news.data);
    let Some(alert) = news.data.get("AlertID").and_then(|id| id.as_str()) else { return };
    match client.get(&format!("/v1/alerts/{alert}")).await {
        Ok(told) => {
            for finding in told.get("ARAData").and_then(|list| list.as_array()).into_iter().flatten() {
                let word = |pointer| finding.pointer(pointer).and_then(|word| word.as_str()).unwrap_or("–");
                println!(
                    "    {:<7} {:<26} {}",
                    word("/ARAData/RiskType"),
                    word("/ARAData/AnomalyType"),
                    word("/ARAData/Finding")
                );
            }
        }
        Err(error) => println!("    {error}"),
    }
}
