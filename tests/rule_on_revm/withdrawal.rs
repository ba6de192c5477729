//! Withdrawing costs the same whatever hangs below: the gas of one transaction over 1, 100 and 10,000 derived items, and
//! that all of them fall with it.

use alloy::{
    primitives::{Address, B256, keccak256},
    signers::{SignerSync, local::PrivateKeySigner},
};
use health_back_end::{
    chain::{
        bindings::{Derivation, LicenceRegistry},
        typed_data,
    },
    domain::{
        ids::AihDataId,
        operation::Operation,
        taxonomy::{DataClass, DataStatus, Usage, WordSet},
        terms::{LicenceTerms, Offer},
        window::Window,
    },
};
use uuid::Uuid;

use crate::registry::{OPERATOR, Registry};

/// What a withdrawal may cost, in gas.
const GOAL: u64 = 45_000;
/// Derivations in one call, well below a block's gas.
const AT_ONCE: usize = 100;

fn item(number: u128) -> AihDataId {
    AihDataId::from_uuid(Uuid::from_u128(0x4000_8000_0000_0000_0000 + number))
}

struct Family {
    registry: Registry,
    root: AihDataId,
    licence: Address,
    end_user: PrivateKeySigner,
    children: Vec<B256>,
}

impl Family {
    fn of(children: usize) -> Self {
        let mut registry = Registry::deploy();
        let (end_user, root) = (PrivateKeySigner::random(), item(0));
        let terms = LicenceTerms {
            aih_data: root.hash(),
            model_licence: B256::repeat_byte(1),
            end_user: end_user.address(),
            data_class: DataClass::PhysiologicalSignal,
            window: Window::new(0, 4_000_000_000).unwrap(),
            required_status: DataStatus::Identified,
            operations: [Operation::PhysiologicalEventDetection].into_iter().collect(),
            usages: WordSet::from_iter([Usage::HealthCare]),
            grants: Vec::new(),
        };
        let offer = Offer { terms, sequence: 0 };
        let hash = typed_data::offer_hash(&offer, &registry.back_end());
        let signature = end_user.sign_hash_sync(&hash).unwrap().as_bytes().to_vec().into();
        let licence = registry
            .act(OPERATOR, &LicenceRegistry::issueCall { terms: (&offer).into(), signature })
            .expect("the licence is issued");
        let children: Vec<B256> = (1..=children).map(|number| item(number as u128).hash()).collect();
        for some in children.chunks(AT_ONCE) {
            let derivations =
                some.iter().map(|child| Derivation { parent: root.hash(), aihData: *child, status: 0 }).collect();
            registry
                .act(OPERATOR, &LicenceRegistry::executeCall { requests: Vec::new(), derivations })
                .expect("the results are licensed");
        }
        Self { registry, root, licence, end_user, children }
    }

    fn stands(&mut self, item: B256) -> bool {
        let licence = self.registry.ask(OPERATOR, &LicenceRegistry::licenceOfCall { aihData: item }, 1).unwrap().0;
        self.registry.ask(OPERATOR, &LicenceRegistry::standingCall { licence }, 1).unwrap().0
    }

    fn withdraw(&mut self) -> u64 {
        let hash = typed_data::revocation_hash(self.root.hash(), self.licence, &self.registry.back_end());
        let signature = self.end_user.sign_hash_sync(&hash).unwrap().as_bytes().to_vec().into();
        let call = LicenceRegistry::revokeCall { aihData: self.root.hash(), signature };
        self.registry.act_for_gas(OPERATOR, &call).expect("the licence is withdrawn")
    }
}

#[test]
fn a_withdrawal_costs_the_same_over_one_and_over_ten_thousand_derived_items() {
    let costs: Vec<u64> = [1, 100, 10_000]
        .into_iter()
        .map(|count| {
            let mut family = Family::of(count);
            // The first, one in the middle and the last stand before and have fallen after.
            let looked_at: Vec<B256> = [0, count / 2, count - 1].map(|place| family.children[place]).to_vec();
            assert!(looked_at.iter().all(|child| family.stands(*child)));
            let gas = family.withdraw();
            assert!(looked_at.iter().all(|child| !family.stands(*child)));
            println!("withdrawal over {count:>6} derived items: {gas} gas");
            gas
        })
        .collect();
    // The signature's bytes differ: a zero byte of call data costs less than another.
    let spread = costs.iter().max().unwrap() - costs.iter().min().unwrap();
    assert!(spread <= 65 * 12, "{costs:?}");
    assert!(costs.iter().all(|gas| *gas <= GOAL), "{costs:?}");
}

#[test]
fn an_unknown_item_cannot_be_withdrawn() {
    let mut family = Family::of(1);
    let call = LicenceRegistry::revokeCall { aihData: keccak256("another"), signature: Vec::new().into() };
    assert!(family.registry.act_for_gas(OPERATOR, &call).is_err());
}
