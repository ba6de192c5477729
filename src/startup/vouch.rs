//! Vouching: a REGISTRAR gives a third party their class on chain.

use std::time::Duration;

use alloy::{
    network::EthereumWallet,
    providers::{DynProvider, Provider, ProviderBuilder},
};

use super::{house::StartError, keys::Office};
use crate::{
    aims::Aims,
    chain::{ChainError, bindings::LicenceRegistry},
    config::settings::Vouched,
    domain::{
        ids::{BackEndId, UserId},
        taxonomy::{UserClass, Word},
        user::Registration,
    },
};

/// How long the node may take to accept a transaction.
const SENDING: Duration = Duration::from_secs(30);
/// How long the chain may take to mine it.
const MINING: Duration = Duration::from_secs(120);

/// Vouches for a user, or suspends them, with the REGISTRAR's key. Gives the transaction's hash.
///
/// # Errors
/// When there is no REGISTRAR key or the chain refuses.
pub async fn set_class(
    provider: &DynProvider,
    back_end: &BackEndId,
    user: UserId,
    class: UserClass,
    active: bool,
) -> Result<alloy::primitives::B256, StartError> {
    let key = Office::Registrar.key(back_end.chain_id())?;
    let writer = ProviderBuilder::new().wallet(EthereumWallet::from(key)).connect_provider(provider.clone());
    let registry = LicenceRegistry::new(back_end.address(), writer.erased());
    let call = registry.setUserClass(user.address(), class.code(), active);
    // A node that accepts and never answers must not hold up a start.
    let sent = tokio::time::timeout(SENDING, call.send()).await.map_err(|_| ChainError::Timeout(SENDING))?;
    let pending = sent.map_err(|error| ChainError::Contradiction(error.to_string()))?;
    let hash = *pending.tx_hash();
    let mined = tokio::time::timeout(MINING, pending.get_receipt()).await.map_err(|_| ChainError::Pending(hash))?;
    let receipt = mined.map_err(|_| ChainError::Pending(hash))?;
    if receipt.status() { Ok(hash) } else { Err(ChainError::Failed(hash).into()) }
}

/// Vouches for those the devnet's settings name, where it was not done before.
pub(super) async fn in_advance(aims: &Aims, provider: &DynProvider, vouched: &[Vouched]) -> Result<(), StartError> {
    for Vouched { user, class } in vouched {
        if aims.licensing.node().user(user.address()).await? == Registration::Unknown {
            let _ = set_class(provider, &aims.back_end(), *user, *class, true).await?;
            tracing::info!(%user, %class, "user.vouched_in_advance");
        }
    }
    Ok(())
}
