//! Evidence as the standard's messages carry it.

use alloy::primitives::Address;

use crate::{
    domain::{ids::LicenceId, licence_event::Evidence},
    schema::wire,
};

/// The place of an event on a chain, as messages carry it. An item without a licence has the zero address.
pub fn to_wire(evidence: &Evidence, chain_id: u64) -> wire::Evidence {
    wire::Evidence {
        licence_id: LicenceId::new(chain_id, evidence.licence.unwrap_or(Address::ZERO)),
        chain_id,
        transaction_hash: evidence.transaction,
        block_number: evidence.position.block,
        block_hash: evidence.block_hash,
        // A block holds far fewer logs than 32 bits count.
        log_index: u32::try_from(evidence.position.log_index).unwrap_or(u32::MAX),
    }
}
