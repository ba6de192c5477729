//! `hbe deploy`.

use super::super::Outcome;
use crate::{chain::node::connect, config::settings::Settings, startup::house::put_registry};

pub(super) async fn run(settings: Settings) -> Outcome {
    let url = settings.rpc_url.as_deref().ok_or("--rpc-url says which chain")?;
    let deployment = put_registry(&settings, &connect(url).await?).await?;
    println!("Back End ID  {}", deployment.back_end());
    println!("code hash    {}", deployment.code_hash);
    println!("since block  {}", deployment.block);
    println!("recorded in  {}", settings.deployments.join(format!("{}.json", deployment.chain_id)).display());
    Ok(true)
}
