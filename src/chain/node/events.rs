//! What the register says happened, in the chain's order.

use alloy::{
    consensus::Transaction as _,
    primitives::{B256, Bytes},
    providers::Provider,
    rpc::types::Filter,
    sol_types::{SolCall, SolEvent},
};
use futures_util::{Stream, StreamExt};

use super::{Node, in_time};
use crate::{
    chain::{ChainError, bindings::LicenceRegistry, logs},
    domain::licence_event::{LicenceEvent, LicenceEventKind},
};

/// How many log-bearing blocks one `eth_getLogs` may span.
pub const LOG_BLOCKS: u64 = 1_000;

impl Node {
    /// The register's events in a range of blocks, both ends included, in order.
    ///
    /// # Errors
    /// When the node does not answer, or a log is not one our contract emits.
    pub async fn events(&self, from: u64, to: u64) -> Result<Vec<LicenceEvent>, ChainError> {
        let filter = Filter::new().address(self.registry).from_block(from).to_block(to);
        let mut found = in_time(async { self.provider.get_logs(&filter).await }).await?;
        found.sort_by_key(|log| (log.block_number, log.log_index));
        found.iter().filter_map(|log| logs::decode(log).transpose()).collect()
    }

    /// The register's events in one block, named by its hash: a node that does not have that block says so, instead of
    /// giving the logs of another or none.
    ///
    /// # Errors
    /// As [`Node::events`].
    pub async fn events_of_block(&self, hash: B256) -> Result<Vec<LicenceEvent>, ChainError> {
        let filter = Filter::new().address(self.registry).at_block_hash(hash);
        let mut found = in_time(async { self.provider.get_logs(&filter).await }).await?;
        found.sort_by_key(|log| log.log_index);
        found.iter().filter_map(|log| logs::decode(log).transpose()).collect()
    }

    /// The licence events of one item (not the answers about it) from a block on, in order. A node that does not search so
    /// much at once is asked piece by piece, from the newest block back, until the item's first event.
    ///
    /// # Errors
    /// As [`Node::events`].
    pub async fn licence_events_of(&self, aih_data: B256, from: u64) -> Result<Vec<LicenceEvent>, ChainError> {
        let first = |found: &[LicenceEvent]| {
            found.iter().any(|e| matches!(e.kind, LicenceEventKind::Issued { .. } | LicenceEventKind::Derived { .. }))
        };
        match self.licence_events_in(aih_data, from, None).await {
            Err(error) if error.is_too_much() => {}
            outcome => return outcome,
        }
        let (mut above, mut found) = (self.head().await?.number + 1, Vec::new());
        while above > from && !first(&found) {
            let piece = above.saturating_sub(LOG_BLOCKS).max(from);
            let mut earlier = self.licence_events_in(aih_data, piece, Some(above - 1)).await?;
            earlier.append(&mut found);
            (found, above) = (earlier, piece);
        }
        Ok(found)
    }

    async fn licence_events_in(
        &self,
        aih_data: B256,
        from: u64,
        to: Option<u64>,
    ) -> Result<Vec<LicenceEvent>, ChainError> {
        let kinds = vec![
            LicenceRegistry::LicenceIssued::SIGNATURE_HASH,
            LicenceRegistry::LicenceDerived::SIGNATURE_HASH,
            LicenceRegistry::LicenceChanged::SIGNATURE_HASH,
            LicenceRegistry::LicenceRevoked::SIGNATURE_HASH,
        ];
        let filter = Filter::new().address(self.registry).event_signature(kinds).topic1(aih_data).from_block(from);
        let filter = match to {
            Some(to) => filter.to_block(to),
            None => filter,
        };
        let mut found = in_time(async { self.provider.get_logs(&filter).await }).await?;
        found.sort_by_key(|log| (log.block_number, log.log_index));
        found.iter().filter_map(|log| logs::decode(log).transpose()).collect()
    }

    /// The End User's signature that a withdrawal was sent with, when it was sent to the registry itself and with one:
    /// whoever sent it.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn signature_of_withdrawal(&self, transaction: B256) -> Result<Option<Bytes>, ChainError> {
        let found = in_time(async { self.provider.get_transaction_by_hash(transaction).await }).await?;
        let Some(found) = found.filter(|found| found.to() == Some(self.registry)) else { return Ok(None) };
        let call = LicenceRegistry::revokeCall::abi_decode(found.input()).ok();
        Ok(call.map(|call| call.signature).filter(|signature| !signature.is_empty()))
    }

    /// New blocks as the node announces them; `None` when the connection cannot (HTTP). The stream ends with the
    /// connection.
    pub async fn announced_blocks(&self) -> Option<impl Stream<Item = u64> + Send + Unpin + 'static> {
        let subscription = in_time(async { self.provider.subscribe_blocks().await }).await.ok()?;
        Some(subscription.into_stream().map(|header| header.number))
    }
}
