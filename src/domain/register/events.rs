//! **Events taken up**, in order. One that does not fit what went before is an error: the contract could not have emitted
//! it, so events are missing, forged or out of order.

use std::sync::Arc;

use alloy::primitives::{Address, B256};

use super::{ItemFacts, LicenceFacts, Register};
use crate::domain::{
    licence_event::{LicenceEventKind as Kind, RevocationScope},
    taxonomy::DataStatus,
    terms::LicenceTerms,
    user::Registration,
};

/// An event that cannot have followed those before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// A first licence for an item that has one.
    #[error("item {0} was licensed a first time twice")]
    LicensedTwice(B256),
    /// A change, revocation or derivation that does not start from the item's current licence.
    #[error("an event about item {item} starts from licence {named}, which is not its current one")]
    NotCurrent {
        /// The item.
        item: B256,
        /// The licence the event names.
        named: Address,
    },
    /// A sequence number that is not the item's.
    #[error("a licence of item {item} has sequence {found} where {expected} was due")]
    Sequence {
        /// The item.
        item: B256,
        /// Due.
        expected: u64,
        /// In the event.
        found: u64,
    },
    /// A change by another End User, or terms of another item or End User than the event says.
    #[error("the terms of licence {0} are not about its item and End User")]
    OtherTerms(Address),
    /// A derivation that lowers the status, or whose parent had fallen.
    #[error("licence {0} was derived from a parent that did not allow it")]
    Derivation(Address),
    /// A licence contract that is made twice.
    #[error("licence {0} was made twice")]
    MadeTwice(Address),
    /// A withdrawal as a whole by anybody but the End User.
    #[error("licence {0} was withdrawn by somebody else than its End User")]
    WithdrawnByOther(Address),
    /// A withdrawal of what was withdrawn before.
    #[error("licence {0} was withdrawn twice")]
    WithdrawnTwice(Address),
}

impl Register {
    /// Takes up the next event.
    ///
    /// # Errors
    /// When it cannot have followed the events before it.
    pub fn apply(&mut self, event: &Kind) -> Result<(), RegisterError> {
        match event {
            Kind::Issued { aih_data, licence, end_user, sequence, terms, .. } => {
                if self.items.contains_key(aih_data) {
                    return Err(RegisterError::LicensedTwice(*aih_data));
                }
                self.license(*aih_data, *licence, *end_user, (*sequence, 0), terms)
            }
            Kind::Changed { aih_data, licence, previous, sequence, terms, .. } => {
                let item = *self.current(*aih_data, *previous)?;
                let end_user = self.end_user_of(*aih_data).filter(|_| !item.derived);
                let end_user = end_user.ok_or(RegisterError::OtherTerms(*licence))?;
                self.license(*aih_data, *licence, end_user, (*sequence, item.sequence), terms)
            }
            Kind::Derived { aih_data, licence, parent_data, parent, status } => {
                self.derive(*aih_data, *licence, (*parent_data, *parent), *status)
            }
            Kind::Revoked { aih_data, licence, by, scope } => self.revoke((*aih_data, *licence), *by, *scope),
            Kind::UserClassSet { user, class, active, .. } => {
                self.users.insert(*user, Registration::Known { class: *class, active: *active });
                Ok(())
            }
            Kind::Confirmed(_) | Kind::DerivationRefused { .. } => Ok(()),
        }
    }

    fn current(&mut self, item: B256, named: Address) -> Result<&mut ItemFacts, RegisterError> {
        let facts = self.items.get_mut(&item).filter(|facts| facts.licence == named);
        facts.ok_or(RegisterError::NotCurrent { item, named })
    }

    fn license(
        &mut self,
        item: B256,
        licence: Address,
        end_user: Address,
        (found, expected): (u64, u64),
        terms: &LicenceTerms,
    ) -> Result<(), RegisterError> {
        if found != expected {
            return Err(RegisterError::Sequence { item, expected, found });
        }
        if terms.aih_data != item || terms.end_user != end_user {
            return Err(RegisterError::OtherTerms(licence));
        }
        self.must_be_new(licence)?;
        let facts = LicenceFacts {
            terms: Arc::new(terms.clone()),
            status: DataStatus::Identified,
            root: licence,
            root_item: item,
        };
        self.licences.insert(licence, facts);
        let item_facts =
            ItemFacts { licence, sequence: expected + 1, revoked: false, renounced: false, derived: false };
        self.items.insert(item, item_facts);
        Ok(())
    }

    fn derive(
        &mut self,
        item: B256,
        licence: Address,
        (parent_item, parent): (B256, Address),
        status: DataStatus,
    ) -> Result<(), RegisterError> {
        self.current(parent_item, parent)?;
        let above = self.licences.get(&parent).cloned().ok_or(RegisterError::Derivation(licence))?;
        if self.has_fallen(parent_item) || status < above.status {
            return Err(RegisterError::Derivation(licence));
        }
        let sequence = match self.items.get(&item) {
            // A derived licence is only ever put in the place of a derived one that fell with its root.
            Some(old) if old.revoked || !old.derived || !self.has_fallen(item) => {
                return Err(RegisterError::LicensedTwice(item));
            }
            Some(old) => {
                let before = self.licences.get(&old.licence).ok_or(RegisterError::Derivation(licence))?;
                // From the same root as before, and never less de-identified.
                if before.root_item != above.root_item || status < before.status {
                    return Err(RegisterError::Derivation(licence));
                }
                old.sequence
            }
            None => 0,
        };
        self.must_be_new(licence)?;
        self.licences.insert(licence, LicenceFacts { status, ..above });
        let facts = ItemFacts { licence, sequence, revoked: false, renounced: false, derived: true };
        self.items.insert(item, facts);
        Ok(())
    }

    /// The address of a licence follows from its content, so no two acts make the same one.
    fn must_be_new(&self, licence: Address) -> Result<(), RegisterError> {
        if self.licences.contains_key(&licence) { Err(RegisterError::MadeTwice(licence)) } else { Ok(()) }
    }

    fn revoke(
        &mut self,
        (item, licence): (B256, Address),
        by: Address,
        scope: RevocationScope,
    ) -> Result<(), RegisterError> {
        if scope == RevocationScope::Whole && self.end_user_of(item).is_some_and(|end_user| end_user != by) {
            return Err(RegisterError::WithdrawnByOther(licence));
        }
        let facts = self.current(item, licence)?;
        if facts.revoked || (facts.renounced && scope == RevocationScope::BackEnd) {
            return Err(RegisterError::WithdrawnTwice(licence));
        }
        match scope {
            RevocationScope::BackEnd => facts.renounced = true,
            RevocationScope::Whole => {
                facts.revoked = true;
                facts.sequence += 1;
            }
        }
        Ok(())
    }
}
