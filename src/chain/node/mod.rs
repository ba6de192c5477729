//! Reading the chain: one registry on one chain, verified before it is believed.
//!
//! | File | What |
//! | --- | --- |
//! | `mod` | the registry, verified; its blocks |
//! | `connection` | reaching a node, and how long one question to it may take |
//! | `events` | what the register says happened |
//! | `questions` | what the contracts answer |

mod connection;
mod events;
mod questions;

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256, keccak256},
    providers::{DynProvider, Provider},
    rpc::types::Header,
};

pub(super) use self::{connection::in_time, questions::call_error};
pub use self::{
    connection::{chain_id, connect, witness},
    events::LOG_BLOCKS,
};
use super::ChainError;
use crate::domain::ids::BackEndId;

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
}
