//! **The register rebuilt from events alone**: who holds which class, which licence each item has, what was withdrawn.
//!
//! It repeats what the registry contract keeps in storage, so that anyone with the events can judge a request as the
//! contract did, and notice an answer that the rule does not give. An event that does not fit what went before is an
//! error: the contract could not have emitted it, so events are missing, forged or out of order.
//!
//! ```text
//! events in order ─ apply ─▶ Register ─ judge(confirmation, block time) ─▶ the verdict the contract owed
//! ```

use std::{collections::HashMap, sync::Arc};

use alloy::primitives::{Address, B256};

use super::{
    licence_event::{Confirmation, LicenceEventKind as Kind, RevocationScope},
    rule::{self, Request, Requester, Standing},
    taxonomy::DataStatus,
    terms::LicenceTerms,
    user::Registration,
    verdict::Verdict,
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

/// A licence as its events describe it.
#[derive(Debug, Clone)]
pub struct LicenceFacts {
    /// Its terms (a derived licence has its root's).
    pub terms: Arc<LicenceTerms>,
    /// Status of its item.
    pub status: DataStatus,
    /// The licence the End User signed; itself for a root.
    pub root: Address,
    /// The item of that licence.
    pub root_item: B256,
}

/// The licence state of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemFacts {
    /// Its current licence.
    pub licence: Address,
    /// Licence events (issue, change, full revocation) so far.
    pub sequence: u64,
    /// Withdrawn as a whole.
    pub revoked: bool,
    /// The Back End gave up its own right.
    pub renounced: bool,
    /// Derived, not signed.
    pub derived: bool,
}

/// The registry's state.
#[derive(Debug, Clone)]
pub struct Register {
    registry: Address,
    licences: HashMap<Address, LicenceFacts>,
    items: HashMap<B256, ItemFacts>,
    users: HashMap<Address, Registration>,
}

impl Register {
    /// An empty one. `registry` is the account of the Back End itself.
    pub fn new(registry: Address) -> Self {
        Self { registry, licences: HashMap::new(), items: HashMap::new(), users: HashMap::new() }
    }

    /// The registry's account, which is the Back End itself.
    pub fn registry(&self) -> Address {
        self.registry
    }

    /// What the register knows of a user.
    pub fn user(&self, user: Address) -> Registration {
        self.users.get(&user).copied().unwrap_or(Registration::Unknown)
    }

    /// The licence state of an item that has, or had, a licence.
    pub fn item(&self, item: B256) -> Option<&ItemFacts> {
        self.items.get(&item)
    }

    /// A licence that was made.
    pub fn licence(&self, licence: Address) -> Option<&LicenceFacts> {
        self.licences.get(&licence)
    }

    /// The End User of an item, once licensed; it never changes.
    pub fn end_user_of(&self, item: B256) -> Option<Address> {
        let facts = self.items.get(&item)?;
        self.licences.get(&facts.licence).map(|licence| licence.terms.end_user)
    }

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

    /// Whether an item's licence was withdrawn, or fell with its root.
    pub fn has_fallen(&self, item: B256) -> bool {
        self.items.get(&item).is_none_or(|facts| facts.revoked || self.root_has_fallen(facts))
    }

    fn root_of(&self, facts: &ItemFacts) -> Option<(&LicenceFacts, &ItemFacts)> {
        let licence = self.licences.get(&facts.licence)?;
        Some((licence, self.items.get(&licence.root_item)?))
    }

    fn root_has_fallen(&self, facts: &ItemFacts) -> bool {
        facts.derived && self.root_of(facts).is_none_or(|(licence, root)| root.licence != licence.root || root.revoked)
    }

    fn root_is_renounced(&self, facts: &ItemFacts) -> bool {
        facts.derived && self.root_of(facts).is_none_or(|(_, root)| root.renounced)
    }

    /// The verdict the rule gives on a recorded request, at `now` in seconds since 1970.
    pub fn judge(&self, asked: &Confirmation, now: u64) -> Verdict {
        let requester = if asked.user == self.registry {
            Requester::BackEnd
        } else {
            Requester::User { address: asked.user, registration: self.user(asked.user) }
        };
        let request = Request { requester, operation: asked.operation, usage: asked.usage, at: asked.at };
        let found = self.items.get(&asked.aih_data);
        let licence = found.and_then(|facts| Some((facts, self.licences.get(&facts.licence)?)));
        let standing = licence.map(|(facts, licence)| Standing {
            terms: &licence.terms,
            status: licence.status,
            revoked: facts.revoked || self.root_has_fallen(facts),
            renounced: facts.renounced || self.root_is_renounced(facts),
        });
        rule::judge(standing.as_ref(), &request, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        operation::Operation,
        taxonomy::{Usage, UserClass},
        terms::tests::sample,
        verdict::FailingTerm,
    };

    const REGISTRY: Address = Address::repeat_byte(0xee);
    const ROOT: Address = Address::repeat_byte(0x10);
    const CHILD: Address = Address::repeat_byte(0x11);
    const CHILD_ITEM: B256 = B256::repeat_byte(0x21);

    fn issued(licence: Address, sequence: u64) -> Kind {
        let terms = sample();
        let (aih_data, end_user, model_licence) = (terms.aih_data, terms.end_user, terms.model_licence);
        match sequence {
            0 => Kind::Issued { aih_data, licence, end_user, model_licence, sequence, terms },
            _ => Kind::Changed { aih_data, licence, previous: ROOT, model_licence, sequence, terms },
        }
    }

    fn derived() -> Kind {
        let (parent_data, status) = (sample().aih_data, DataStatus::Pseudonymised);
        Kind::Derived { aih_data: CHILD_ITEM, licence: CHILD, parent_data, parent: ROOT, status }
    }

    fn revoked(item: B256, licence: Address, scope: RevocationScope) -> Kind {
        Kind::Revoked { aih_data: item, licence, by: sample().end_user, scope }
    }

    fn register(events: &[Kind]) -> Register {
        let mut register = Register::new(REGISTRY);
        events.iter().for_each(|event| register.apply(event).unwrap());
        register
    }

    fn asked(item: B256, user: Address) -> Confirmation {
        Confirmation {
            aih_data: item,
            licence: Address::ZERO,
            user,
            confirm_id: [0; 16],
            operation: Operation::PhysiologicalEventDetection,
            usage: Usage::HealthCare,
            at: 1_500,
            verdict: Verdict::PERMITTED,
        }
    }

    fn back_end(register: &Register, item: B256) -> Vec<FailingTerm> {
        register.judge(&asked(item, REGISTRY), 1_500).reasons().collect()
    }

    #[test]
    fn a_derived_licence_falls_with_its_root() {
        let item = sample().aih_data;
        let mut register = register(&[issued(ROOT, 0), derived()]);
        assert_eq!(back_end(&register, CHILD_ITEM), []);
        register.apply(&revoked(item, ROOT, RevocationScope::Whole)).unwrap();
        assert_eq!(back_end(&register, CHILD_ITEM), [FailingTerm::Revoked]);
        register.apply(&issued(Address::repeat_byte(0x12), 2)).unwrap();
        assert_eq!(back_end(&register, item), []);
        assert_eq!(back_end(&register, CHILD_ITEM), [FailingTerm::Revoked]);
    }

    #[test]
    fn what_the_back_end_gives_up_binds_it_alone() {
        let item = sample().aih_data;
        let institute = Address::repeat_byte(9);
        let class = Kind::UserClassSet { user: institute, class: UserClass::NonProfitEntity, active: true, by: ROOT };
        let register = register(&[class, issued(ROOT, 0), derived(), revoked(item, ROOT, RevocationScope::BackEnd)]);
        assert_eq!(back_end(&register, item), [FailingTerm::Revoked]);
        assert_eq!(back_end(&register, CHILD_ITEM), [FailingTerm::Revoked]);
        let research = Confirmation {
            operation: Operation::PhysiologicalParameterQuantification,
            usage: Usage::Research,
            ..asked(item, institute)
        };
        assert!(register.judge(&research, 1_500).is_permitted());
    }

    #[test]
    fn unlicensed_and_unknown_are_refused() {
        let register = Register::new(REGISTRY);
        assert_eq!(back_end(&register, CHILD_ITEM), [FailingTerm::NoLicence]);
        let verdict = register.judge(&asked(CHILD_ITEM, ROOT), 1_500);
        assert!(verdict.has(FailingTerm::NoLicence) && verdict.has(FailingTerm::UserInactive));
    }

    #[test]
    fn events_that_cannot_follow_are_errors() {
        let item = sample().aih_data;
        let whole = || revoked(item, ROOT, RevocationScope::Whole);
        for (before, event) in [
            (vec![issued(ROOT, 0)], issued(ROOT, 0)),
            (vec![], issued(ROOT, 1)),
            (vec![issued(ROOT, 0)], issued(CHILD, 2)),
            (vec![], derived()),
            (vec![issued(ROOT, 0), whole()], derived()),
            (vec![issued(ROOT, 0), derived()], derived()),
            (vec![], whole()),
            (vec![issued(ROOT, 0), whole()], whole()),
        ] {
            assert!(register(&before).apply(&event).is_err(), "{event:?} after {before:?}");
        }
    }

    #[test]
    fn what_the_contract_cannot_emit_is_refused() {
        let item = sample().aih_data;
        // A result that fell is derived anew: from the same root, and never less de-identified.
        let again = |licence, parent_data, parent, status| Kind::Derived {
            aih_data: CHILD_ITEM,
            licence,
            parent_data,
            parent,
            status,
        };
        let (second, grandchild) = (Address::repeat_byte(0x12), Address::repeat_byte(0x13));
        let changed = [issued(ROOT, 0), derived(), issued(second, 1)];
        let mut fresh = register(&changed);
        fresh.apply(&again(grandchild, item, second, DataStatus::Pseudonymised)).unwrap();
        let lower = register(&changed).apply(&again(grandchild, item, second, DataStatus::Identified));
        assert_eq!(lower, Err(RegisterError::Derivation(grandchild)));
        let elsewhere = B256::repeat_byte(0x77);
        let terms = LicenceTerms { aih_data: elsewhere, ..sample() };
        let (end_user, model_licence) = (terms.end_user, terms.model_licence);
        let stranger = Kind::Issued {
            aih_data: elsewhere,
            licence: Address::repeat_byte(0x30),
            end_user,
            model_licence,
            sequence: 0,
            terms,
        };
        let mut with_other = register(&changed);
        with_other.apply(&stranger).unwrap();
        let moved = again(grandchild, elsewhere, Address::repeat_byte(0x30), DataStatus::Anonymised);
        assert_eq!(with_other.apply(&moved), Err(RegisterError::Derivation(grandchild)));

        // One address is one licence.
        let twice = again(second, item, second, DataStatus::Pseudonymised);
        assert_eq!(register(&changed).apply(&twice), Err(RegisterError::MadeTwice(second)));
        assert_eq!(register(&[issued(ROOT, 0)]).apply(&issued(ROOT, 1)), Err(RegisterError::MadeTwice(ROOT)));

        // Only the End User withdraws the whole; giving up is an operator's.
        let by_other = Kind::Revoked { aih_data: item, licence: ROOT, by: REGISTRY, scope: RevocationScope::Whole };
        assert_eq!(register(&[issued(ROOT, 0)]).apply(&by_other), Err(RegisterError::WithdrawnByOther(ROOT)));
        let given_up = Kind::Revoked { aih_data: item, licence: ROOT, by: REGISTRY, scope: RevocationScope::BackEnd };
        register(&[issued(ROOT, 0), given_up]);
    }
}
