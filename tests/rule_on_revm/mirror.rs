//! What the registry should hold after a history of acts, kept beside it in plain Rust.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, B256, Bytes},
    signers::{SignerSync, local::PrivateKeySigner},
};
use health_back_end::{
    chain::{bindings::LicenceRegistry, typed_data},
    domain::{
        rule::{Requester, Standing},
        taxonomy::{DataStatus, UserClass, Word},
        terms::{LicenceTerms, Offer},
        user::Registration,
    },
};
use rand::{Rng, rngs::StdRng};

use crate::registry::{OPERATOR, Registry};

/// A licence as it was made.
#[derive(Debug, Clone)]
pub struct Licence {
    pub address: Address,
    pub terms: LicenceTerms,
    pub status: DataStatus,
    /// Item and licence it derives from, when it is derived.
    root: Option<(usize, Address)>,
}

/// An item of AIH Data.
#[derive(Debug, Clone)]
pub struct Item {
    pub hash: B256,
    pub licence: Option<Licence>,
    sequence: u64,
    revoked: bool,
    renounced: bool,
}

/// The registry and its mirror.
pub struct World {
    pub registry: Registry,
    pub items: Vec<Item>,
    /// Licences that another took the place of.
    pub replaced: Vec<(Address, LicenceTerms, DataStatus)>,
    pub end_users: Vec<PrivateKeySigner>,
    /// Everyone who may ask, but the Back End.
    pub users: BTreeMap<Address, Registration>,
}

impl World {
    /// Nobody has licensed anything; users of every class, in good standing and suspended, and strangers.
    pub fn new(rng: &mut StdRng) -> Self {
        let end_users = (0..5).map(|_| PrivateKeySigner::from_bytes(&B256::from(rng.random::<[u8; 32]>())).unwrap());
        let mut world = Self {
            registry: Registry::deploy(),
            items: Vec::new(),
            replaced: Vec::new(),
            end_users: end_users.collect(),
            users: BTreeMap::from([(Address::ZERO, Registration::Unknown)]),
        };
        for (place, key) in world.end_users.clone().iter().enumerate() {
            match place {
                0 => world.users.insert(key.address(), Registration::Unknown).map_or((), drop),
                1 => world.register(key.address(), UserClass::EndUser, false),
                2 => world.register(key.address(), UserClass::Caregiver, true),
                _ => world.register(key.address(), UserClass::EndUser, true),
            }
        }
        for class in UserClass::ALL {
            // Twice as many in good standing: they are who a licence is for.
            for active in [true, true, false] {
                world.register(Address::from(rng.random::<[u8; 20]>()), *class, active);
            }
        }
        for _ in 0..2 {
            world.users.insert(Address::from(rng.random::<[u8; 20]>()), Registration::Unknown);
        }
        world
    }

    fn register(&mut self, user: Address, class: UserClass, active: bool) {
        if class == UserClass::Caregiver {
            // A class can be corrected.
            self.registry.set_user_class(user, UserClass::ProfitEntity, !active);
        }
        self.registry.set_user_class(user, class, active);
        self.users.insert(user, Registration::Known { class, active });
    }

    /// The requester behind an address.
    pub fn requester(&self, address: Address) -> Requester {
        if address == self.registry.address {
            return Requester::BackEnd;
        }
        let registration = self.users.get(&address).copied().unwrap_or(Registration::Unknown);
        Requester::User { address, registration }
    }

    /// A new item nobody has licensed.
    pub fn add_item(&mut self, hash: B256) -> usize {
        self.items.push(Item { hash, licence: None, sequence: 0, revoked: false, renounced: false });
        self.items.len() - 1
    }

    /// How the item's licence stands.
    pub fn standing(&self, item: usize) -> Option<Standing<'_>> {
        let item = &self.items[item];
        let licence = item.licence.as_ref()?;
        let (mut revoked, mut renounced) = (item.revoked, item.renounced);
        if let Some((root, address)) = licence.root {
            let root = &self.items[root];
            revoked |= root.revoked || root.licence.as_ref().is_none_or(|current| current.address != address);
            renounced |= root.renounced;
        }
        Some(Standing { terms: &licence.terms, status: licence.status, revoked, renounced })
    }

    pub fn stands(&self, item: usize) -> bool {
        self.standing(item).is_some_and(|standing| !standing.revoked)
    }

    pub fn is_root(&self, item: usize) -> bool {
        self.items[item].licence.as_ref().is_some_and(|licence| licence.root.is_none())
    }

    pub fn is_revoked(&self, item: usize) -> bool {
        self.items[item].revoked
    }

    /// Issues the first licence of an item, or changes it when there is one.
    pub fn license(&mut self, item: usize, terms: LicenceTerms) {
        let offer = Offer { terms, sequence: self.items[item].sequence };
        let signature = self.sign(offer.terms.end_user, typed_data::offer_hash(&offer, &self.registry.back_end()));
        let terms = LicenceRegistry::Terms::from(&offer);
        let address = if self.items[item].licence.is_none() {
            self.registry.act(OPERATOR, &LicenceRegistry::issueCall { terms, signature })
        } else {
            self.registry.act(OPERATOR, &LicenceRegistry::changeCall { terms, signature })
        };
        let address = address.expect("the registry licenses");
        let licence = Licence { address, terms: offer.terms, status: DataStatus::Identified, root: None };
        self.put(item, licence);
        let item = &mut self.items[item];
        item.sequence += 1;
        (item.revoked, item.renounced) = (false, false);
    }

    /// The End User withdraws, by a relayed signature or in person.
    pub fn revoke(&mut self, item: usize, relayed: bool) {
        let aih_data = self.items[item].hash;
        let licence = self.items[item].licence.as_ref().expect("there is a licence");
        let (end_user, address) = (licence.terms.end_user, licence.address);
        let outcome = if relayed {
            let hash = typed_data::revocation_hash(aih_data, address, &self.registry.back_end());
            let signature = self.sign(end_user, hash);
            self.registry.act(OPERATOR, &LicenceRegistry::revokeCall { aihData: aih_data, signature })
        } else {
            let call = LicenceRegistry::revokeCall { aihData: aih_data, signature: Bytes::new() };
            self.registry.act(end_user, &call)
        };
        outcome.expect("the registry revokes");
        self.items[item].revoked = true;
        self.items[item].sequence += 1;
    }

    /// The Back End gives up its own right, unless it has.
    pub fn renounce(&mut self, item: usize) {
        if !self.items[item].renounced && !self.items[item].revoked {
            let call = LicenceRegistry::revokeCall { aihData: self.items[item].hash, signature: Bytes::new() };
            self.registry.act(OPERATOR, &call).expect("the registry records it");
            self.items[item].renounced = true;
        }
    }

    /// Derives the licence of `item`, which is new or has fallen with its root, from a parent that stands.
    pub fn derive(&mut self, parent: usize, item: usize, status: DataStatus) {
        let call = LicenceRegistry::deriveCall {
            parent: self.items[parent].hash,
            newData: self.items[item].hash,
            newStatus: status.code(),
        };
        let address = self.registry.act(OPERATOR, &call).expect("the registry derives");
        let renounced = self.items[parent].renounced;
        let from = self.items[parent].licence.as_ref().expect("the parent has a licence");
        let root = from.root.unwrap_or((parent, from.address));
        let licence = Licence { address, terms: from.terms.clone(), status, root: Some(root) };
        self.put(item, licence);
        self.items[item].renounced = renounced;
    }

    /// The root item of a derived licence.
    pub fn root_of(&self, item: usize) -> Option<usize> {
        Some(self.items[item].licence.as_ref()?.root?.0)
    }

    fn put(&mut self, item: usize, licence: Licence) {
        if let Some(old) = self.items[item].licence.replace(licence) {
            self.replaced.push((old.address, old.terms, old.status));
        }
    }

    fn sign(&self, end_user: Address, hash: B256) -> Bytes {
        let key = self.end_users.iter().find(|key| key.address() == end_user).expect("an End User of this world");
        key.sign_hash_sync(&hash).unwrap().as_bytes().to_vec().into()
    }
}
