//! Registry logs to domain events. A log that does not decode, or holds a word this Back End does not know, is an error:
//! skipping it would make the register look complete when it is not.

use alloy::{
    primitives::{Log as PrimitiveLog, aliases::U40},
    rpc::types::Log,
    sol_types::SolEventInterface,
};

use super::{
    ChainError,
    bindings::LicenceRegistry::{self, LicenceRegistryEvents as Event},
};
use crate::domain::{
    licence_event::{Confirmation, LicenceEvent, LicenceEventKind as Kind, Position, RevocationScope},
    taxonomy::Word,
    terms::LicenceTerms,
    verdict::Verdict,
};

/// Decodes a log of the registry. `None` for events that are not of the register (roles and the like).
///
/// # Errors
/// [`ChainError::Contradiction`] when the log is not one the contract can emit.
pub fn decode(log: &Log) -> Result<Option<LicenceEvent>, ChainError> {
    let kind = match decode_kind(&log.inner)? {
        Some(kind) => kind,
        None => return Ok(None),
    };
    let missing = || ChainError::Contradiction("a log without its place in the chain".to_owned());
    Ok(Some(LicenceEvent {
        position: Position {
            block: log.block_number.ok_or_else(missing)?,
            log_index: log.log_index.ok_or_else(missing)?,
        },
        block_hash: log.block_hash.ok_or_else(missing)?,
        transaction: log.transaction_hash.ok_or_else(missing)?,
        kind,
    }))
}

/// Decodes what happened from the log's topics and data alone.
///
/// # Errors
/// [`ChainError::Contradiction`] when the log is not one the contract can emit.
pub fn decode_kind(log: &PrimitiveLog) -> Result<Option<Kind>, ChainError> {
    let event = Event::decode_log(log).map_err(|e| ChainError::Contradiction(format!("undecodable log: {e}")))?;
    Ok(Some(match event.data {
        Event::LicenceIssued(e) => Kind::Issued {
            aih_data: e.aihData,
            licence: e.licence,
            end_user: e.endUser,
            model_licence: e.modelLicence,
            sequence: e.sequence,
            terms: unpack(&e.terms)?,
        },
        Event::LicenceChanged(e) => Kind::Changed {
            aih_data: e.aihData,
            licence: e.licence,
            previous: e.previous,
            model_licence: e.modelLicence,
            sequence: e.sequence,
            terms: unpack(&e.terms)?,
        },
        Event::LicenceDerived(e) => Kind::Derived {
            aih_data: e.aihData,
            licence: e.licence,
            parent_data: e.parentData,
            parent: e.parent,
            status: word(e.status)?,
        },
        Event::LicenceRevoked(e) => {
            Kind::Revoked { aih_data: e.aihData, licence: e.licence, by: e.by, scope: scope(e.scope)? }
        }
        Event::UserClassSet(e) => {
            Kind::UserClassSet { user: e.user, class: word(e.class)?, active: e.active, by: e.by }
        }
        Event::LicenceConfirmed(e) => Kind::Confirmed(confirmation(&e)?),
        Event::DerivationRefused(e) => Kind::DerivationRefused {
            aih_data: e.aihData,
            parent_data: e.parentData,
            status: e.status,
            reason: e.reason.0,
        },
        _ => return Ok(None),
    }))
}

fn confirmation(event: &LicenceRegistry::LicenceConfirmed) -> Result<Confirmation, ChainError> {
    Ok(Confirmation {
        aih_data: event.aihData,
        licence: event.licence,
        user: event.user,
        confirm_id: event.confirmId.0,
        operation: word(event.operation)?,
        usage: word(event.usage)?,
        at: seconds(event.at),
        verdict: Verdict::from_bits(event.verdict)
            .map_err(|bits| ChainError::Contradiction(format!("verdict with unknown terms {bits:#x}")))?,
    })
}

fn unpack(packed: &[u8]) -> Result<LicenceTerms, ChainError> {
    LicenceTerms::unpack(packed).map_err(|e| ChainError::Contradiction(e.to_string()))
}

fn word<W: Word>(code: u8) -> Result<W, ChainError> {
    W::from_code(code).ok_or_else(|| ChainError::Contradiction(format!("unknown {} {code}", W::LIST)))
}

fn scope(code: u8) -> Result<RevocationScope, ChainError> {
    match code {
        1 => Ok(RevocationScope::BackEnd),
        2 => Ok(RevocationScope::Whole),
        other => Err(ChainError::Contradiction(format!("unknown revocation scope {other}"))),
    }
}

fn seconds(value: U40) -> u64 {
    value.to::<u64>()
}
