//! `hbe up`.

use std::{error::Error, path::PathBuf};

use serde_json::json;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use super::{super::Outcome, limits::limits};
use crate::{
    api::{self, Door, Limits},
    config::{limits::LimitSettings, settings::Settings},
    startup::{house::House, keys::DEVNET},
};

#[derive(Debug, clap::Args)]
pub(super) struct Up {
    /// Write {"URL","BackEndID","RPC"} to this file once requests are answered.
    #[arg(long)]
    ready_file: Option<PathBuf>,
    #[command(flatten)]
    limits: LimitSettings,
}

impl Up {
    pub(super) async fn run(self, settings: Settings) -> Outcome {
        // What cannot be kept is refused before anything is begun.
        let limits = limits(&self.limits.over(settings.limits))?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let stop = CancellationToken::new();
        let told = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            told.cancel();
        });
        let program = std::env::current_exe()?;
        // Told to stop before it stands: what was begun is found by the next start.
        let house = tokio::select! {
            house = House::build(&settings, &program) => house?,
            () = stop.cancelled() => return Ok(true),
        };
        let served = self.serve((&settings, limits), &house, stop).await;
        house.close().await;
        served.map(|()| true)
    }

    async fn serve(
        self,
        (settings, limits): (&Settings, Limits),
        house: &House,
        stop: CancellationToken,
    ) -> Result<(), Box<dyn Error>> {
        let listener = TcpListener::bind(settings.listen).await?;
        let url = settings.public_url.clone().unwrap_or(format!("http://{}", listener.local_addr()?));
        let access = house.access(url.parse()?).await?;
        let tidying = tokio::spawn(access.clone().keep_tidy());
        let door = Door::new(house.aims.clone(), access, limits);
        banner(house, &url);
        if let Some(path) = &self.ready_file {
            let ready = json!({ "URL": url, "BackEndID": house.aims.back_end(), "RPC": house.rpc_url });
            std::fs::write(path, ready.to_string())?;
        }
        api::serve(listener, door, stop.cancelled_owned()).await?;
        tidying.abort();
        Ok(())
    }
}

fn banner(house: &House, url: &str) {
    println!("Health Back End  {url}  (documentation: {url}/docs)");
    println!("Back End ID      {}", house.aims.back_end());
    println!("chain            {}", place(&house.rpc_url));
    if house.deployment.chain_id == DEVNET {
        println!("DEVNET: the chain's keys are public and its contents worthless. Keep no real health data here.");
    }
}

/// Scheme and host: the rest of a node's address often holds a key.
fn place(url: &str) -> String {
    reqwest::Url::parse(url).map_or_else(|_| "named by --rpc-url".to_owned(), |url| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    #[test]
    fn of_a_node_s_address_only_the_place_is_shown() {
        assert_eq!(super::place("https://user:word@node.example/v3/KEY?key=KEY"), "https://node.example");
        assert_eq!(super::place("http://127.0.0.1:8545"), "http://127.0.0.1:8545");
        assert!(!super::place("KEY").contains("KEY"));
    }
}
