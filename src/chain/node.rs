//! Reading the chain: one registry on one chain, verified before it is believed.

use std::{future::Future, time::Duration};

use alloy::{
    consensus::Transaction as _,
    eips::BlockNumberOrTag,
    network::Ethereum,
    primitives::{Address, B256, Bytes, keccak256},
    providers::{DynProvider, Provider, ProviderBuilder, WsConnect},
    rpc::types::{Filter, Header},
    sol_types::{SolCall, SolEvent},
    transports::TransportResult,
};
use futures_util::{Stream, StreamExt};

use super::{
    ChainError,
    bindings::{IERC1271, LicenceRegistry, Request, licence::Licence},
    convert::ConfirmRequest,
    logs,
};
use crate::domain::{
    ids::BackEndId,
    licence_event::{LicenceEvent, LicenceEventKind},
    taxonomy::{DataStatus, UserClass, Word},
    terms::{Derivation, LicenceTerms},
    user::Registration,
    verdict::Verdict,
};

/// How long one question to the node may take.
const QUESTION_TIME: Duration = Duration::from_secs(10);
/// How soon a lost connection is opened again; the pause grows while that fails.
const RECONNECT_INTERVAL: Duration = Duration::from_millis(500);
/// How many log-bearing blocks one `eth_getLogs` may span.
pub const LOG_BLOCKS: u64 = 1_000;

/// A block header, as far as the house needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// The hash of the block before.
    pub parent_hash: B256,
    /// Seconds since 1970.
    pub timestamp: u64,
}

impl Block {
    fn from_header(header: &Header) -> Self {
        Self { number: header.number, hash: header.hash, parent_hash: header.parent_hash, timestamp: header.timestamp }
    }
}

/// State of a data item's licence in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemState {
    /// Current licence, when the item ever had one.
    pub licence: Option<Address>,
    /// Number of licence events the chain has seen for the item.
    pub sequence: u64,
    /// The whole licence was withdrawn.
    pub revoked: bool,
    /// The Back End gave up its own right.
    pub renounced: bool,
}

/// One registry on one chain.
#[derive(Debug, Clone)]
pub struct Node {
    provider: DynProvider,
    registry: Address,
    chain_id: u64,
    code_hash: B256,
}

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
pub(super) async fn in_time<T>(question: impl Future<Output = TransportResult<T>>) -> Result<T, ChainError> {
    match tokio::time::timeout(QUESTION_TIME, question).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(ChainError::Timeout(QUESTION_TIME)),
    }
}

/// Bounds a call of a contract.
async fn answer<T>(call: impl Future<Output = alloy::contract::Result<T>>) -> Result<T, ChainError> {
    match tokio::time::timeout(QUESTION_TIME, call).await {
        Ok(answer) => answer.map_err(call_error),
        Err(_) => Err(ChainError::Timeout(QUESTION_TIME)),
    }
}

impl Node {
    /// A registry whose chain id and code hash are known from its deployment. Nothing is asked of the node yet;
    /// [`Node::verify`] does.
    pub fn new(provider: DynProvider, back_end: BackEndId, code_hash: B256) -> Self {
        Self { provider, registry: back_end.address(), chain_id: back_end.chain_id(), code_hash }
    }

    /// This Back End's ID.
    pub fn back_end(&self) -> BackEndId {
        BackEndId::new(self.chain_id, self.registry)
    }

    /// The registry's address.
    pub fn registry(&self) -> Address {
        self.registry
    }

    /// The chain's id.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    pub(super) fn provider(&self) -> &DynProvider {
        &self.provider
    }

    fn contract(&self) -> LicenceRegistry::LicenceRegistryInstance<&DynProvider, Ethereum> {
        LicenceRegistry::new(self.registry, &self.provider)
    }

    /// Checks that the node serves our chain and that our registry is there.
    ///
    /// # Errors
    /// [`ChainError::WrongChain`], [`ChainError::ChangedCode`], or that the node does not answer.
    pub async fn verify(&self) -> Result<(), ChainError> {
        let found = in_time(async { self.provider.get_chain_id().await }).await?;
        if found != self.chain_id {
            return Err(ChainError::WrongChain { expected: self.chain_id, found });
        }
        let code = in_time(async { self.provider.get_code_at(self.registry).await }).await?;
        let found = keccak256(&code);
        if found != self.code_hash {
            return Err(ChainError::ChangedCode { address: self.registry, expected: self.code_hash, found });
        }
        Ok(())
    }

    /// The newest block.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn head(&self) -> Result<Block, ChainError> {
        self.block_at(BlockNumberOrTag::Latest)
            .await?
            .ok_or_else(|| ChainError::Contradiction("a chain without a newest block".to_owned()))
    }

    /// The block with this hash, as long as the node has it.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn block_with_hash(&self, hash: B256) -> Result<Option<Block>, ChainError> {
        let block = in_time(async { self.provider.get_block_by_hash(hash).await }).await?;
        Ok(block.map(|block| Block::from_header(&block.header)))
    }

    /// The block with this number on the chain as it is now.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn block(&self, number: u64) -> Result<Option<Block>, ChainError> {
        self.block_at(BlockNumberOrTag::Number(number)).await
    }

    async fn block_at(&self, tag: BlockNumberOrTag) -> Result<Option<Block>, ChainError> {
        let block = in_time(async { self.provider.get_block_by_number(tag).await }).await?;
        Ok(block.map(|block| Block::from_header(&block.header)))
    }

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

    /// The licence events of one item (not the answers about it), in order. A node that does not search its whole chain
    /// at once is asked piece by piece, from the newest block back, until the item's first event.
    ///
    /// # Errors
    /// As [`Node::events`].
    pub async fn licence_events_of(&self, aih_data: B256) -> Result<Vec<LicenceEvent>, ChainError> {
        let first = |found: &[LicenceEvent]| {
            found.iter().any(|e| matches!(e.kind, LicenceEventKind::Issued { .. } | LicenceEventKind::Derived { .. }))
        };
        match self.licence_events_in(aih_data, 0, None).await {
            Err(error) if error.is_too_much() => {}
            outcome => return outcome,
        }
        let (mut above, mut found) = (self.head().await?.number + 1, Vec::new());
        while above > 0 && !first(&found) {
            let from = above.saturating_sub(LOG_BLOCKS);
            let mut earlier = self.licence_events_in(aih_data, from, Some(above - 1)).await?;
            earlier.append(&mut found);
            (found, above) = (earlier, from);
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

    /// The registry's answer without recording it.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn check(&self, request: &ConfirmRequest) -> Result<Verdict, ChainError> {
        let bits = answer(async { self.contract().check(Request::from(request)).call().await }).await?;
        Verdict::from_bits(bits).map_err(|b| ChainError::Contradiction(format!("verdict with unknown terms {b:#x}")))
    }

    /// The licence state of a data item.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn item(&self, aih_data: B256) -> Result<ItemState, ChainError> {
        let item = answer(async { self.contract().itemOf(aih_data).call().await }).await?;
        Ok(ItemState {
            licence: (item.licence != Address::ZERO).then_some(item.licence),
            sequence: item.sequence,
            revoked: item.state == 2,
            renounced: item.state == 1,
        })
    }

    /// What the registry knows of a user.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn user(&self, user: Address) -> Result<Registration, ChainError> {
        let known = answer(async { self.contract().userClassOf(user).call().await }).await?;
        if !known.known {
            return Ok(Registration::Unknown);
        }
        let class = UserClass::from_code(known.class)
            .ok_or_else(|| ChainError::Contradiction(format!("unknown user class {}", known.class)))?;
        Ok(Registration::Known { class, active: known.active })
    }

    /// Whether a licence, and the root it derives from, is current and not withdrawn.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn stands(&self, licence: Address) -> Result<bool, ChainError> {
        answer(async { self.contract().standing(licence).call().await }).await
    }

    /// Whether an address is a licence of this registry.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn is_licence(&self, address: Address) -> Result<bool, ChainError> {
        answer(async { self.contract().isLicence(address).call().await }).await
    }

    /// The terms a licence contract carries in its code, and for a derived licence where it comes from.
    ///
    /// # Errors
    /// When the node does not answer, or the address holds no licence.
    pub async fn terms(&self, licence: Address) -> Result<(LicenceTerms, Option<Derivation>), ChainError> {
        let code = in_time(async { self.provider.get_code_at(licence).await }).await?;
        // A minimal clone is 45 bytes of program; the immutable arguments follow.
        const CLONE_BYTES: usize = 45;
        let arguments =
            code.get(CLONE_BYTES..).ok_or_else(|| ChainError::Contradiction(format!("{licence} is no licence")))?;
        LicenceTerms::unpack_code(arguments).map_err(|e| ChainError::Contradiction(e.to_string()))
    }

    /// The address an offer becomes or became.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn predict(&self, offer: &crate::domain::terms::Offer) -> Result<Address, ChainError> {
        answer(async { self.contract().predict(offer.into()).call().await }).await
    }

    /// The address an item would get if it were derived now, tried without sending anything; `None` when the contract
    /// refuses. Only an operator may derive, so one is named.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn would_derive(
        &self,
        operator: Address,
        (parent, item): (B256, B256),
        status: DataStatus,
    ) -> Result<Option<Address>, ChainError> {
        let contract = self.contract();
        match answer(async { contract.derive(parent, item, status.code()).from(operator).call().await }).await {
            Ok(address) => Ok(Some(address)),
            Err(ChainError::Refused(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether an account holds the OPERATOR role.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn is_operator(&self, account: Address) -> Result<bool, ChainError> {
        let role = answer(async { self.contract().OPERATOR_ROLE().call().await }).await?;
        answer(async { self.contract().hasRole(role, account).call().await }).await
    }

    /// Whether a smart account accepts a signature of this hash (ERC-1271). An account without code accepts none.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn accepts_signature(&self, account: Address, hash: B256, signature: Bytes) -> Result<bool, ChainError> {
        let code = in_time(async { self.provider.get_code_at(account).await }).await?;
        if code.is_empty() {
            return Ok(false);
        }
        let asked = IERC1271::new(account, &self.provider);
        match answer(async { asked.isValidSignature(hash, signature).call().await }).await {
            Ok(magic) => Ok(magic == IERC1271::isValidSignatureCall::SELECTOR),
            // It reverted, or answered what no such account answers.
            Err(ChainError::Refused(_) | ChainError::Contradiction(_)) => Ok(false),
            // It ran into an error that carries no revert data: the node answered, and it was no yes.
            Err(ChainError::Unavailable(error)) if error.as_error_resp().is_some() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A handle on the licence contract itself.
    pub fn licence(&self, address: Address) -> Licence::LicenceInstance<&DynProvider, Ethereum> {
        Licence::new(address, &self.provider)
    }
}

/// A failed call: the transport's fault, or the contract's refusal.
pub(super) fn call_error(error: alloy::contract::Error) -> ChainError {
    match error {
        alloy::contract::Error::TransportError(error) => error.into(),
        other => ChainError::Contradiction(other.to_string()),
    }
}
