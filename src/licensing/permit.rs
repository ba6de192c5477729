//! A [`Permit`] is proof that the chain recorded a yes. Only this module's siblings (the acts of the gate) can make
//! one, it cannot be copied, and every operation on data consumes one: an unconfirmed operation does not compile.
//!
//! Making one elsewhere does not compile:
//!
//! ```compile_fail
//! use health_back_end::licensing::permit::Permit;
//! fn forge(grounds: health_back_end::licensing::permit::Grounds) -> Permit {
//!     Permit { grounds }
//! }
//! ```
//!
//! ```compile_fail
//! use health_back_end::licensing::permit::{Grounds, Permit};
//! fn forge(grounds: Grounds) -> Permit {
//!     Permit::new(grounds)
//! }
//! ```
//!
//! nor does copying one, or spending it twice:
//!
//! ```compile_fail
//! use health_back_end::licensing::permit::Permit;
//! fn copy(permit: &Permit) -> Permit {
//!     permit.clone()
//! }
//! ```
//!
//! ```compile_fail
//! use health_back_end::licensing::permit::{Permit, Purpose};
//! fn twice(permit: Permit, purpose: &Purpose) {
//!     let _ = permit.spend(purpose, 0);
//!     let _ = permit.spend(purpose, 0);
//! }
//! ```
//!
//! whereas this, which differs from the last by one line, does:
//!
//! ```
//! use health_back_end::licensing::permit::{Permit, Purpose};
//! fn once(permit: Permit, purpose: &Purpose) {
//!     let _ = permit.spend(purpose, 0);
//! }
//! ```

use alloy::primitives::Address;

use crate::domain::{
    ids::AihDataId,
    licence_event::{ConfirmId, Evidence},
    operation::Operation,
    taxonomy::Usage,
};

/// How long a permit can be spent after the block that recorded it, in seconds.
pub const PERMIT_SECONDS: u64 = 60;

/// What exactly is permitted, and where that is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grounds {
    /// The item.
    pub item: AihDataId,
    /// The operation.
    pub operation: Operation,
    /// The use of the result.
    pub usage: Usage,
    /// Who asked; the registry's address is the Back End itself.
    pub requester: Address,
    /// Which Licence Confirm; zero for the permit to store that an issue or a derivation gives.
    pub confirm_id: ConfirmId,
    /// The licence.
    pub licence: Address,
    /// Where it is recorded.
    pub evidence: Evidence,
    /// Chain time from which the permit counts, seconds since 1970: that of the evidence, or later when what was
    /// recorded before was found to stand still.
    pub since: u64,
}

/// What someone is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose {
    /// To which item.
    pub item: AihDataId,
    /// Doing what.
    pub operation: Operation,
    /// For whom.
    pub requester: Address,
}

/// A permit does not cover what it was presented for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PermitError {
    /// It is for another item.
    #[error("the permit is for another item")]
    OtherItem,
    /// It is for another operation.
    #[error("the permit is for another operation")]
    OtherOperation,
    /// It is for another requester.
    #[error("the permit is for another requester")]
    OtherRequester,
    /// It is too old.
    #[error("the permit has expired")]
    Expired,
}

/// Proof of a recorded yes; used once.
#[derive(Debug)]
#[must_use = "a permit that is not spent permits nothing"]
pub struct Permit {
    grounds: Grounds,
}

/// A permit being used: what the rooms that hold data ask to see.
#[derive(Debug)]
pub struct Warrant {
    grounds: Grounds,
}

impl Permit {
    pub(super) fn new(grounds: Grounds) -> Self {
        Self { grounds }
    }

    /// What it permits.
    pub fn grounds(&self) -> &Grounds {
        &self.grounds
    }

    /// Uses the permit up, at `now` in seconds since 1970.
    ///
    /// # Errors
    /// When it is for something else, or too old. It is used up all the same.
    pub fn spend(self, purpose: &Purpose, now: u64) -> Result<Warrant, PermitError> {
        let grounds = self.grounds;
        if grounds.item != purpose.item {
            return Err(PermitError::OtherItem);
        }
        if grounds.operation != purpose.operation {
            return Err(PermitError::OtherOperation);
        }
        if grounds.requester != purpose.requester {
            return Err(PermitError::OtherRequester);
        }
        if now > grounds.since.saturating_add(PERMIT_SECONDS) {
            return Err(PermitError::Expired);
        }
        Ok(Warrant { grounds })
    }
}

impl Warrant {
    pub(super) fn new(grounds: Grounds) -> Self {
        Self { grounds }
    }

    /// What it permits.
    pub fn grounds(&self) -> &Grounds {
        &self.grounds
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;
    use uuid::Uuid;

    use super::*;
    use crate::domain::licence_event::Position;

    fn permit() -> (Permit, Purpose) {
        let purpose = Purpose {
            item: AihDataId::from_uuid(Uuid::from_u128(1)),
            operation: Operation::PhysiologicalEventDetection,
            requester: Address::repeat_byte(1),
        };
        let evidence = Evidence {
            licence: Some(Address::repeat_byte(2)),
            transaction: B256::ZERO,
            position: Position { block: 1, log_index: 0 },
            block_hash: B256::ZERO,
            block_time: 1_000,
        };
        let grounds = Grounds {
            item: purpose.item,
            operation: purpose.operation,
            usage: Usage::Research,
            requester: purpose.requester,
            confirm_id: [1; 16],
            licence: Address::repeat_byte(2),
            evidence,
            since: 1_000,
        };
        (Permit::new(grounds), purpose)
    }

    #[test]
    fn it_is_spent_for_what_it_is_for() {
        let (permit, purpose) = permit();
        assert_eq!(permit.spend(&purpose, 1_060).unwrap().grounds().item, purpose.item);
    }

    #[test]
    fn it_fails_for_anything_else() {
        let other_item = Purpose { item: AihDataId::from_uuid(Uuid::from_u128(2)), ..permit().1 };
        assert_eq!(permit().0.spend(&other_item, 1_000).unwrap_err(), PermitError::OtherItem);
        let other_operation = Purpose { operation: Operation::Retrieve, ..permit().1 };
        assert_eq!(permit().0.spend(&other_operation, 1_000).unwrap_err(), PermitError::OtherOperation);
        let other_requester = Purpose { requester: Address::ZERO, ..permit().1 };
        assert_eq!(permit().0.spend(&other_requester, 1_000).unwrap_err(), PermitError::OtherRequester);
        let (permit, purpose) = permit();
        assert_eq!(permit.spend(&purpose, 1_061).unwrap_err(), PermitError::Expired);
    }
}
