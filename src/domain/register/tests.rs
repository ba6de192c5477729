use alloy::primitives::{Address, B256};

use super::{Register, RegisterError};
use crate::domain::{
    licence_event::{Confirmation, LicenceEventKind as Kind, RevocationScope},
    operation::Operation,
    taxonomy::{DataStatus, Usage, UserClass},
    terms::{LicenceTerms, tests::sample},
    verdict::{FailingTerm, Verdict},
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
