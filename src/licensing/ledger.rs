//! Where transactions are made durable before anything waits for them.

use std::future::Future;

use alloy::primitives::{Address, B256};

/// A transaction about to be sent.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its hash.
    pub hash: B256,
    /// The operator's address.
    pub operator: Address,
    /// Its nonce.
    pub nonce: u64,
    /// Its bytes.
    pub raw: Vec<u8>,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Mined in this block, whether it did what was asked or not.
    Mined(u64),
    /// Another transaction used its nonce.
    Replaced,
}

/// The ledger could not be written: what is not durable is not waited for.
#[derive(Debug, thiserror::Error)]
#[error("the ledger of transactions cannot be written")]
pub struct LedgerError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// A durable list of transactions sent.
pub trait Ledger: Clone + Send + Sync + 'static {
    /// Notes a transaction before it is waited for.
    fn sent(&self, entry: Entry) -> impl Future<Output = Result<(), LedgerError>> + Send;
    /// Notes how it ended.
    fn ended(&self, hash: B256, end: End) -> impl Future<Output = Result<(), LedgerError>> + Send;
    /// Those whose end is not known, oldest nonce first.
    fn open(&self, operator: Address) -> impl Future<Output = Result<Vec<Entry>, LedgerError>> + Send;
}
