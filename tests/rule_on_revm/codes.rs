//! One table of codes in Rust, one in Solidity: these tests compare them, through the contract where it can be asked
//! and in the text of `Codes.sol` for the rest.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, aliases::U40};
use health_back_end::{
    chain::bindings::{Grant, LicenceRegistry, Terms},
    domain::{
        operation::Operation,
        taxonomy::{AnomalyType, DataClass, DataStatus, Usage, UserClass, Word, WordSet},
        verdict::FailingTerm,
    },
};

use crate::registry::Registry;

/// Terms the contract takes, with everything in one grant.
fn valid() -> Terms {
    let (start, end) = (U40::from(1), U40::from(2));
    let grant = Grant {
        user: Address::repeat_byte(1),
        userClasses: 1,
        dataClasses: 1,
        operations: 1,
        usages: 1,
        anomalies: 1,
        start,
        end,
    };
    Terms {
        aihData: B256::repeat_byte(1),
        modelLicence: B256::repeat_byte(2),
        endUser: Address::repeat_byte(3),
        dataClass: 0,
        start,
        end,
        requiredStatus: 0,
        operations: 1,
        usages: 1,
        sequence: 0,
        grants: vec![grant],
    }
}

/// The contract must take a code or a bit exactly when the list has a word for it.
fn compare<W: Word>(registry: &mut Registry, codes: impl Iterator<Item = u8>, place: impl Fn(&mut Terms, u8)) {
    for code in codes {
        let mut terms = valid();
        place(&mut terms, code);
        let taken = registry.ask(Address::ZERO, &LicenceRegistry::predictCall { terms }, 0).is_ok();
        assert_eq!(taken, W::from_code(code).is_some(), "{} {code}", W::LIST);
    }
}

#[test]
fn the_contract_knows_the_same_words() {
    let mut registry = Registry::deploy();
    let r = &mut registry;
    compare::<Operation>(r, 0..64, |terms, code| terms.operations |= 1 << code);
    compare::<Operation>(r, 0..64, |terms, code| terms.grants[0].operations |= 1 << code);
    compare::<DataClass>(r, 0..=255, |terms, code| terms.dataClass = code);
    compare::<DataClass>(r, 0..8, |terms, code| terms.grants[0].dataClasses |= 1 << code);
    compare::<UserClass>(r, 0..8, |terms, code| terms.grants[0].userClasses |= 1 << code);
    compare::<Usage>(r, 0..8, |terms, code| terms.usages |= 1 << code);
    compare::<Usage>(r, 0..8, |terms, code| terms.grants[0].usages |= 1 << code);
    compare::<AnomalyType>(r, 0..8, |terms, code| terms.grants[0].anomalies |= 1 << code);
    compare::<DataStatus>(r, 0..=255, |terms, code| terms.requiredStatus = code);
}

#[test]
fn the_contract_registers_the_same_classes_of_users() {
    let mut registry = Registry::deploy();
    for class in UserClass::ALL {
        let user = Address::repeat_byte(0x10 + class.code());
        registry.set_user_class(user, *class, true);
        let ask = LicenceRegistry::userClassOfCall { user };
        let (found, _) = registry.ask(Address::ZERO, &ask, 0).unwrap();
        assert_eq!((found.known, found.class, found.active), (true, class.code(), true));
    }
}

#[test]
fn the_text_of_the_contract_has_the_same_numbers() {
    let constants = constants();
    let mut expected: BTreeMap<String, u64> = BTreeMap::from([
        ("OPERATIONS".into(), WordSet::<Operation>::all().bits()),
        ("OPERATION_DE_ID_AND_ANONYM".into(), Operation::DeIdAndAnonym.code().into()),
        ("DATA_CLASSES".into(), WordSet::<DataClass>::all().bits()),
        ("LAST_DATA_CLASS".into(), last::<DataClass>()),
        ("USER_CLASSES".into(), WordSet::<UserClass>::all().bits()),
        ("LAST_USER_CLASS".into(), last::<UserClass>()),
        ("USER_CLASS_END_USER".into(), UserClass::EndUser.code().into()),
        ("USAGES".into(), WordSet::<Usage>::all().bits()),
        ("LAST_USAGE".into(), last::<Usage>()),
        ("USAGE_PSEUDONYMISED".into(), Usage::Pseudonymised.code().into()),
        ("USAGE_ANONYMISED".into(), Usage::Anonymised.code().into()),
        (
            "USAGES_BY_NAME".into(),
            WordSet::<Usage>::all().without(Usage::Pseudonymised).without(Usage::Anonymised).bits(),
        ),
        ("ANOMALIES".into(), WordSet::<AnomalyType>::all().bits()),
        ("STATE_ACTIVE".into(), 0),
        ("STATE_BACK_END_RENOUNCED".into(), 1),
        ("STATE_REVOKED".into(), 2),
        ("SCOPE_BACK_END".into(), 1),
        ("SCOPE_WHOLE".into(), 2),
    ]);
    for status in DataStatus::ALL {
        expected.insert(format!("STATUS_{}", screaming(status.word())), status.code().into());
    }
    for term in FailingTerm::ALL {
        expected.insert(screaming(term.word()), 1 << term.code());
    }
    assert_eq!(constants, expected);
}

/// `uint8 internal constant NAME = value;` of `Codes.sol`; a value is a number or `1 << number`.
fn constants() -> BTreeMap<String, u64> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/contracts/src/libraries/Codes.sol");
    let text = std::fs::read_to_string(path).unwrap();
    let declarations = text.lines().filter_map(|line| line.split_once(" internal constant "));
    declarations
        .map(|(_, declaration)| {
            let (name, value) = declaration.trim_end_matches(';').split_once(" = ").unwrap();
            let value = match value.split_once(" << ") {
                Some((one, shift)) => number(one) << number(shift),
                None => number(value),
            };
            (name.to_owned(), value)
        })
        .collect()
}

fn number(text: &str) -> u64 {
    let digits = text.replace('_', "");
    match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    }
    .unwrap_or_else(|_| panic!("`{text}` is no number this test reads"))
}

fn last<W: Word>() -> u64 {
    W::ALL.last().unwrap().code().into()
}

/// `NotYetValid` as `NOT_YET_VALID`.
fn screaming(word: &str) -> String {
    let mut out = String::new();
    for letter in word.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}
