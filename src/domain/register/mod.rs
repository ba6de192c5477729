//! **The register rebuilt from events alone**: who holds which class, which licence each item has, what was withdrawn.
//!
//! It repeats what the registry contract keeps in storage, so that anyone with the events can judge a request as the
//! contract did, and notice an answer that the rule does not give. Events are taken up in `events`; here the register is
//! asked.
//!
//! ```text
//! events in order ─ apply ─▶ Register ─ judge(confirmation, block time) ─▶ the verdict the contract owed
//! ```

mod events;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use alloy::primitives::{Address, B256};

pub use events::RegisterError;

use super::{
    licence_event::Confirmation,
    rule::{self, Request, Requester, Standing},
    taxonomy::DataStatus,
    terms::LicenceTerms,
    user::Registration,
    verdict::Verdict,
};

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
