//! A second client, written by others: ethers 2 reads our events and our licences' code from a real chain, and computes
//! what End Users sign and where licences stand. All of it must be what our own client, built on alloy, says.
//!
//! `cargo test --features ethers-check --test ethers_check`. ethers is no part of any shipped binary; see
//! `tests/shipped_tree.rs`.

#[path = "it/environment/mod.rs"]
#[allow(dead_code, reason = "the other tests use the rest of it")]
mod environment;

use std::sync::Arc;

use alloy::signers::SignerSync;
use environment::{Chain, INSTITUTE, PATIENT, item, key, offer};
use ethers::{
    abi::{Token, encode},
    providers::{Http, Middleware, Provider},
    types::{
        Address, H256, U256,
        transaction::eip712::{Eip712, TypedData},
    },
    utils::{get_create2_address, keccak256},
};
use health_back_end::{
    chain::typed_data,
    domain::{
        ids::{AihDataId, LicenceId},
        taxonomy::{DataStatus, UserClass, Word},
        terms::{Grant, LicenceTerms, MOST_GRANTS, Offer},
    },
    licensing::{
        Licensing,
        confirm::{Answer, Question},
        derive::Lineage,
    },
};

/// What ethers makes of the ABI.
mod abi {
    ethers::contract::abigen!(Registry, "$OUT_DIR/abi/LicenceRegistry.json");
}
use abi::{Registry, RegistryEvents, Terms};

const GRANT_TYPE: &str = "Grant(address user,uint8 userClasses,uint8 dataClasses,uint64 operations,uint8 usages,\
    uint8 anomalies,uint40 start,uint40 end)";
const TERMS_TYPE: &str = "Terms(bytes32 aihData,bytes32 modelLicence,address endUser,uint8 dataClass,uint40 start,\
    uint40 end,uint8 requiredStatus,uint64 operations,uint8 usages,uint64 sequence,Grant[] grants)";
const REVOCATION_TYPE: &str = "Revocation(bytes32 aihData,address licence)";
const DOMAIN_TYPE: &str = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";

/// The registry as ethers sees it.
fn registry(chain: &Chain) -> Registry<Provider<Http>> {
    let provider = Provider::<Http>::try_from(chain.devnet.url()).unwrap();
    Registry::new(address(chain.deployment.registry), Arc::new(provider))
}

fn address(ours: alloy::primitives::Address) -> Address {
    Address::from_slice(ours.as_slice())
}

fn word(ours: alloy::primitives::B256) -> H256 {
    H256::from_slice(ours.as_slice())
}

/// An offer with as many grants as fit, by account and by class.
fn rich(item: AihDataId) -> Offer {
    let mut offer = offer(item);
    let by_class = offer.terms.grants[0].clone();
    for n in 1..MOST_GRANTS {
        let user = (n % 2 == 1).then(|| alloy::primitives::Address::repeat_byte(n as u8));
        offer.terms.grants.push(Grant { user, ..by_class.clone() });
    }
    offer
}

// ---------------------------------------------------------------- hashes by hand

fn hash_of_grant(grant: &Grant) -> H256 {
    let tokens = [
        Token::FixedBytes(keccak256(GRANT_TYPE).to_vec()),
        Token::Address(grant.user.map(address).unwrap_or_default()),
        Token::Uint(grant.user_classes.bits().into()),
        Token::Uint(grant.data_classes.bits().into()),
        Token::Uint(grant.operations.bits().into()),
        Token::Uint(grant.usages.bits().into()),
        Token::Uint(grant.anomalies.bits().into()),
        Token::Uint(grant.window.start().into()),
        Token::Uint(grant.window.end().into()),
    ];
    keccak256(encode(&tokens)).into()
}

fn hash_of_terms(offer: &Offer) -> H256 {
    let terms = &offer.terms;
    let grants: Vec<u8> = terms.grants.iter().flat_map(|grant| hash_of_grant(grant).0).collect();
    let tokens = [
        Token::FixedBytes(keccak256(format!("{TERMS_TYPE}{GRANT_TYPE}")).to_vec()),
        Token::FixedBytes(terms.aih_data.to_vec()),
        Token::FixedBytes(terms.model_licence.to_vec()),
        Token::Address(address(terms.end_user)),
        Token::Uint(terms.data_class.code().into()),
        Token::Uint(terms.window.start().into()),
        Token::Uint(terms.window.end().into()),
        Token::Uint(terms.required_status.code().into()),
        Token::Uint(terms.operations.bits().into()),
        Token::Uint(terms.usages.bits().into()),
        Token::Uint(offer.sequence.into()),
        Token::FixedBytes(keccak256(grants).to_vec()),
    ];
    keccak256(encode(&tokens)).into()
}

fn hash_of_revocation(item: AihDataId, licence: Address) -> H256 {
    let tokens = [
        Token::FixedBytes(keccak256(REVOCATION_TYPE).to_vec()),
        Token::FixedBytes(item.hash().to_vec()),
        Token::Address(licence),
    ];
    keccak256(encode(&tokens)).into()
}

/// What is signed: a struct's hash in the registry's domain.
fn signing_hash(chain: &Chain, struct_hash: H256) -> H256 {
    let domain = [
        Token::FixedBytes(keccak256(DOMAIN_TYPE).to_vec()),
        Token::FixedBytes(keccak256("AIH Health Back End").to_vec()),
        Token::FixedBytes(keccak256("1").to_vec()),
        Token::Uint(U256::from(chain.deployment.chain_id)),
        Token::Address(address(chain.deployment.registry)),
    ];
    let separator = keccak256(encode(&domain));
    keccak256([&[0x19, 0x01], separator.as_slice(), struct_hash.as_bytes()].concat()).into()
}

/// As ethers hashes the JSON that a wallet would be shown.
fn hash_of_json(json: serde_json::Value) -> H256 {
    let typed: TypedData = serde_json::from_value(json).unwrap();
    typed.encode_eip712().unwrap().into()
}

// ---------------------------------------------------------------- packed terms and licence code by hand

/// Packs terms field by field, as the specification of the packed form reads.
fn pack(terms: &LicenceTerms) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut put = |value: u64, bytes: usize| packed.extend_from_slice(&value.to_be_bytes()[8 - bytes..]);
    let mut head = [terms.aih_data.as_slice(), terms.model_licence.as_slice(), terms.end_user.as_slice()].concat();
    put(terms.data_class.code().into(), 1);
    put(terms.window.start(), 5);
    put(terms.window.end(), 5);
    put(terms.required_status.code().into(), 1);
    put(terms.operations.bits(), 8);
    put(terms.usages.bits(), 1);
    put(terms.grants.len() as u64, 1);
    head.append(&mut packed);
    for grant in &terms.grants {
        head.extend_from_slice(grant.user.unwrap_or_default().as_slice());
        head.extend([grant.user_classes.bits() as u8, grant.data_classes.bits() as u8]);
        head.extend_from_slice(&grant.operations.bits().to_be_bytes());
        head.extend([grant.usages.bits() as u8, grant.anomalies.bits() as u8]);
        head.extend_from_slice(&grant.window.start().to_be_bytes()[3..]);
        head.extend_from_slice(&grant.window.end().to_be_bytes()[3..]);
    }
    head
}

/// The program of a minimal clone with immutable arguments (EIP-1167 and what follows it).
fn runtime_code(implementation: Address, arguments: &[u8]) -> Vec<u8> {
    let front = hex("363d3d373d3d3d363d73");
    let back = hex("5af43d82803e903d91602b57fd5bf3");
    [front.as_slice(), implementation.as_bytes(), &back, arguments].concat()
}

/// What deploys it: returns all that follows these ten bytes.
fn init_code(implementation: Address, arguments: &[u8]) -> Vec<u8> {
    let code = runtime_code(implementation, arguments);
    let size = u16::try_from(code.len()).unwrap().to_be_bytes();
    [&[0x61], size.as_slice(), &hex("3d81600a3d39f3"), &code].concat()
}

fn hex(digits: &str) -> Vec<u8> {
    alloy::primitives::hex::decode(digits).unwrap()
}

// ---------------------------------------------------------------- the checks

#[tokio::test]
async fn ethers_hashes_what_end_users_sign_as_we_do() {
    let chain = Chain::start().await;
    let back_end = chain.deployment.back_end();
    let contract = registry(&chain);
    for (offer, sequence) in [(offer(item()), 0), (rich(item()), 0), (rich(item()), u64::MAX)] {
        let offer = Offer { sequence, ..offer };
        let by_hand = signing_hash(&chain, hash_of_terms(&offer));
        assert_eq!(by_hand, word(typed_data::offer_hash(&offer, &back_end)));
        assert_eq!(by_hand, hash_of_json(typed_data::offer_typed_data(&offer, &back_end)));
        assert_eq!(by_hand.0, contract.hash_terms(terms_of(&offer)).call().await.unwrap());
    }
    let (item, licence) = (item(), alloy::primitives::Address::repeat_byte(0x5a));
    let by_hand = signing_hash(&chain, hash_of_revocation(item, address(licence)));
    assert_eq!(by_hand, word(typed_data::revocation_hash(item.hash(), licence, &back_end)));
    assert_eq!(by_hand, hash_of_json(typed_data::revocation_typed_data(item.hash(), licence, &back_end)));
    assert_eq!(by_hand.0, contract.hash_revocation(item.hash().0, address(licence)).call().await.unwrap());
    chain.devnet.stop().await;
}

/// Our offer in the types that ethers generated from the ABI.
fn terms_of(offer: &Offer) -> Terms {
    let terms = &offer.terms;
    let grants = terms.grants.iter().map(|grant| abi::Grant {
        user: grant.user.map(address).unwrap_or_default(),
        user_classes: grant.user_classes.byte(),
        data_classes: grant.data_classes.byte(),
        operations: grant.operations.bits(),
        usages: grant.usages.byte(),
        anomalies: grant.anomalies.byte(),
        start: grant.window.start(),
        end: grant.window.end(),
    });
    Terms {
        aih_data: terms.aih_data.0,
        model_licence: terms.model_licence.0,
        end_user: address(terms.end_user),
        data_class: terms.data_class.code(),
        start: terms.window.start(),
        end: terms.window.end(),
        required_status: terms.required_status.code(),
        operations: terms.operations.bits(),
        usages: terms.usages.byte(),
        sequence: offer.sequence,
        grants: grants.collect(),
    }
}

#[tokio::test]
async fn ethers_finds_licences_where_we_do() {
    let chain = Chain::start().await;
    let gate = chain.licensing().await;
    let contract = registry(&chain);
    let implementation = contract.implementation().call().await.unwrap();
    let (parent, derived) = (item(), item());
    let offer = rich(parent);
    let root = gate.issue(parent, &offer, &chain.sign(&offer)).await.unwrap().licence;

    let arguments = pack(&offer.terms);
    let init = init_code(implementation, &arguments);
    let expected = get_create2_address(contract.address(), hash_of_terms(&offer), init);
    assert_eq!(address(root.address()), expected);
    assert_eq!(contract.predict(terms_of(&offer)).call().await.unwrap(), expected);
    let code = contract.client().get_code(expected, None).await.unwrap();
    assert_eq!(code.as_ref(), runtime_code(implementation, &arguments));

    let found = derive(&gate, parent, derived).await;
    let salt = [
        Token::Address(expected),
        Token::FixedBytes(derived.hash().to_vec()),
        Token::Uint(DataStatus::Pseudonymised.code().into()),
    ];
    let trailer = [&[1], derived.hash().as_slice(), expected.as_bytes(), expected.as_bytes()].concat();
    let init = init_code(implementation, &[arguments, trailer].concat());
    assert_eq!(address(found.address()), get_create2_address(contract.address(), keccak256(encode(&salt)), init));
    chain.devnet.stop().await;
}

async fn derive(gate: &Licensing, parent: AihDataId, item: AihDataId) -> LicenceId {
    let lineage = Lineage { parent, item, status: DataStatus::Pseudonymised, requester: key(INSTITUTE).address() };
    gate.derive(&lineage).await.unwrap().licence
}

#[tokio::test]
async fn ethers_reads_the_events_we_read() {
    let chain = Chain::start().await;
    chain.vouch(key(INSTITUTE).address(), UserClass::NonProfitEntity).await;
    let gate = chain.licensing().await;
    let contract = registry(&chain);
    let (first, second, derived) = (item(), item(), item());
    for (item, offer) in [(first, offer(first)), (second, rich(second))] {
        let _ = gate.issue(item, &offer, &chain.sign(&offer)).await.unwrap();
        compare_issued(&contract, item, &offer).await;
    }
    let licence = derive(&gate, second, derived).await;
    compare_derived(&contract, second, derived, licence).await;
    compare_confirmed(&contract, &gate, first).await;

    let changed = Offer { sequence: 1, ..rich(first) };
    let previous = contract.licence_of(first.hash().0).call().await.unwrap();
    let licence = gate.change(first, &changed, &chain.sign(&changed)).await.unwrap().licence;
    let events = contract.licence_changed_filter().from_block(0).query().await.unwrap();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((event.licence, event.previous, event.sequence), (address(licence.address()), previous, 1));
    assert_eq!(event.terms.as_ref(), pack(&changed.terms));

    gate.revoke(first, &chain.sign_withdrawal(first, licence.address())).await.unwrap();
    gate.renounce(second).await.unwrap();
    let events = contract.licence_revoked_filter().from_block(0).query().await.unwrap();
    let told: Vec<_> = events.iter().map(|event| (event.aih_data, event.by, event.scope)).collect();
    let operator = address(key(environment::OPERATOR).address());
    let patient = address(key(PATIENT).address());
    assert_eq!(told, [(first.hash().0, patient, 2), (second.hash().0, operator, 1)]);
    let ours = gate.node().events(0, gate.node().head().await.unwrap().number).await.unwrap();
    let theirs = contract.events().from_block(0).query().await.unwrap();
    // Roles given at deployment are no events of the register.
    assert_eq!(ours.len(), theirs.iter().filter(|event| is_of_the_register(event)).count());
    chain.devnet.stop().await;
}

async fn compare_issued(contract: &Registry<Provider<Http>>, item: AihDataId, offer: &Offer) {
    let filter = contract.licence_issued_filter().from_block(0).topic1(word(item.hash()));
    let events = filter.query().await.unwrap();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(event.licence, contract.licence_of(item.hash().0).call().await.unwrap());
    assert_eq!(event.end_user, address(offer.terms.end_user));
    assert_eq!(event.model_licence, offer.terms.model_licence.0);
    assert_eq!(event.sequence, 0);
    assert_eq!(event.terms.as_ref(), pack(&offer.terms));
    assert_eq!(contract.terms_of(event.licence).call().await.unwrap(), terms_of(offer));
}

async fn compare_derived(
    contract: &Registry<Provider<Http>>,
    parent: AihDataId,
    derived: AihDataId,
    licence: LicenceId,
) {
    let events = contract.licence_derived_filter().from_block(0).query().await.unwrap();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((event.aih_data, event.parent_data), (derived.hash().0, parent.hash().0));
    assert_eq!(event.licence, address(licence.address()));
    assert_eq!(event.parent, contract.licence_of(parent.hash().0).call().await.unwrap());
    assert_eq!(event.status, DataStatus::Pseudonymised.code());
}

/// A yes and a no, told by the gate and read by ethers.
async fn compare_confirmed(contract: &Registry<Provider<Http>>, gate: &Licensing, item: AihDataId) {
    use health_back_end::domain::{operation::Operation, taxonomy::Usage};
    for operation in [Operation::PhysiologicalParameterQuantification, Operation::Retrieve] {
        let question = Question {
            item,
            requester: key(INSTITUTE).address(),
            operation,
            usage: Usage::Research,
            at: health_back_end::clock::Clock::system().seconds(),
            confirm_id: rand::random(),
        };
        let (verdict, evidence) = match gate.confirm(&question).await.unwrap() {
            Answer::Permitted(permit) => (0, permit.grounds().evidence),
            Answer::Denied(denial) => (denial.verdict.bits(), denial.evidence),
        };
        let filter = contract.licence_confirmed_filter().from_block(evidence.position.block);
        let events = filter.query_with_meta().await.unwrap();
        let (event, meta) = events.iter().find(|(event, _)| event.confirm_id == question.confirm_id).unwrap();
        assert_eq!((event.aih_data, event.user), (item.hash().0, address(question.requester)));
        assert_eq!(Some(event.licence), evidence.licence.map(address));
        assert_eq!((event.operation, event.usage, event.at), (operation.code(), question.usage.code(), question.at));
        assert_eq!(event.verdict, verdict);
        assert_eq!(meta.transaction_hash, word(evidence.transaction));
        assert_eq!(meta.block_number.as_u64(), evidence.position.block);
        assert_eq!(meta.log_index.as_u64(), evidence.position.log_index);
    }
}

fn is_of_the_register(event: &RegistryEvents) -> bool {
    use RegistryEvents as E;
    matches!(
        event,
        E::LicenceIssuedFilter(_)
            | E::LicenceDerivedFilter(_)
            | E::LicenceChangedFilter(_)
            | E::LicenceRevokedFilter(_)
            | E::LicenceConfirmedFilter(_)
            | E::UserClassSetFilter(_)
            | E::DerivationRefusedFilter(_)
    )
}

#[tokio::test]
async fn ethers_recovers_the_signer_of_what_we_sign() {
    let chain = Chain::start().await;
    let offer = rich(item());
    let hash = typed_data::offer_hash(&offer, &chain.deployment.back_end());
    let signature = key(PATIENT).sign_hash_sync(&hash).unwrap();
    let theirs = ethers::types::Signature::try_from(signature.as_bytes().as_slice()).unwrap();
    assert_eq!(theirs.recover(signing_hash(&chain, hash_of_terms(&offer))).unwrap(), address(key(PATIENT).address()));
    chain.devnet.stop().await;
}
