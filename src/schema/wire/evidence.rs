//! Where on the chain an answer is recorded, so that anyone can look it up without trusting the Back End.

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};

use crate::domain::ids::LicenceId;

/// `Evidence`: the place of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Licence judged by; the zero address when the item has none.
    #[serde(rename = "LicenceID")]
    pub licence_id: LicenceId,
    /// EIP-155 chain id.
    #[serde(rename = "ChainID")]
    pub chain_id: u64,
    /// Transaction that recorded it.
    #[serde(rename = "TransactionHash")]
    pub transaction_hash: B256,
    /// Number of the block of that transaction.
    #[serde(rename = "BlockNumber")]
    pub block_number: u64,
    /// Hash of that block.
    #[serde(rename = "BlockHash")]
    pub block_hash: B256,
    /// Index of the event among the logs of the block.
    #[serde(rename = "LogIndex")]
    pub log_index: u32,
}
