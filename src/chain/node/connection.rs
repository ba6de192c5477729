//! Reaching a node by URL, and bounding every question to it.

use std::{future::Future, time::Duration};

use alloy::{
    primitives::keccak256,
    providers::{DynProvider, Provider, ProviderBuilder, WsConnect},
    transports::TransportResult,
};

use super::{Node, call_error};
use crate::{chain::ChainError, domain::ids::BackEndId};

/// How long one question to the node may take.
const QUESTION_TIME: Duration = Duration::from_secs(10);
/// How soon a lost connection is opened again; the pause grows while that fails.
const RECONNECT_INTERVAL: Duration = Duration::from_millis(500);

/// Opens a connection by URL (`http`, `https`, `ws`, `wss`). What writes wants HTTP: alloy's WebSocket client leaves
/// Nagle's algorithm on, and transactions then wait some 40 ms for nothing.
///
/// # Errors
/// When nothing answers there.
pub async fn connect(url: &str) -> Result<DynProvider, ChainError> {
    let builder = ProviderBuilder::new().disable_recommended_fillers();
    if url.starts_with("ws:") || url.starts_with("wss:") {
        // By default a connection that was away for long is given up, and with it every question from then on.
        let lasting = WsConnect::new(url).with_max_retries(u32::MAX).with_retry_interval(RECONNECT_INTERVAL);
        return Ok(in_time(builder.connect_ws(lasting)).await?.erased());
    }
    Ok(in_time(builder.connect(url)).await?.erased())
}

/// A reader for someone who does not run the Back End: takes the registry as it stands on the node's chain.
///
/// # Errors
/// When the node serves another chain, has no code at the registry's address, or does not answer.
pub async fn witness(url: &str, back_end: BackEndId) -> Result<Node, ChainError> {
    let provider = connect(url).await?;
    let found = chain_id(&provider).await?;
    if found != back_end.chain_id() {
        return Err(ChainError::WrongChain { expected: back_end.chain_id(), found });
    }
    let code = in_time(async { provider.get_code_at(back_end.address()).await }).await?;
    if code.is_empty() {
        return Err(ChainError::Contradiction(format!("there is no registry at {}", back_end.address())));
    }
    Ok(Node::new(provider, back_end, keccak256(&code)))
}

/// The id of the chain a node serves.
///
/// # Errors
/// When it does not answer.
pub async fn chain_id(provider: &DynProvider) -> Result<u64, ChainError> {
    in_time(async { provider.get_chain_id().await }).await
}

/// Bounds a question to the node.
pub(in crate::chain) async fn in_time<T>(question: impl Future<Output = TransportResult<T>>) -> Result<T, ChainError> {
    match tokio::time::timeout(QUESTION_TIME, question).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(ChainError::Timeout(QUESTION_TIME)),
    }
}

/// Bounds a call of a contract.
pub(super) async fn answer<T>(call: impl Future<Output = alloy::contract::Result<T>>) -> Result<T, ChainError> {
    match tokio::time::timeout(QUESTION_TIME, call).await {
        Ok(answer) => answer.map_err(call_error),
        Err(_) => Err(ChainError::Timeout(QUESTION_TIME)),
    }
}
