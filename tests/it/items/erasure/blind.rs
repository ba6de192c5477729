//! The scan of a chain finds what is planted: in call data, in a topic, in the data of a log, in code, in storage, and in
//! storage that was overwritten since.

use alloy::{
    hex,
    network::{EthereumWallet, TransactionBuilder},
    primitives::{Bytes, U256, keccak256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::TransactionRequest,
};
use uuid::Uuid;

use super::{
    held::{find, on_chain},
    identifiers::Identifier,
};
use crate::environment::{Chain, PATIENT, key};

/// Right-padded to a word, as contracts hold short texts.
fn word(bytes: &[u8]) -> [u8; 32] {
    let mut word = [0; 32];
    word[..bytes.len()].copy_from_slice(bytes);
    word
}

/// Creation code of a contract that stores two words in a slot, one after the other, logs two, and leaves one as its code.
fn contract(first: [u8; 32], second: [u8; 32], topic: [u8; 32], data: [u8; 32], code: [u8; 32]) -> Bytes {
    let push = |word: [u8; 32]| format!("7f{}", hex::encode(word));
    let store = |word| format!("{}600155", push(word));
    let remember = |word| format!("{}600052", push(word));
    let log = format!("{}{}60206000a1", remember(data), push(topic));
    let program = format!("{}{}{log}{}60206000f3", store(first), store(second), remember(code));
    hex::decode(program).unwrap().into()
}

#[tokio::test]
async fn the_scan_finds_what_is_planted_in_every_place_and_form() {
    let chain = Chain::start().await;
    let wallet = EthereumWallet::from(key(PATIENT));
    let sender: DynProvider = ProviderBuilder::new().wallet(wallet).connect_provider(chain.provider.clone()).erased();
    let (overwritten, stored) = (Uuid::from_u128(0x1122_3344_5566), Uuid::now_v7());
    let topic = "Philomena Quastenflosser";
    let utf16: Vec<u8> = "Umbrellastand".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let code = contract(
        word(overwritten.as_bytes()),
        word(stored.as_bytes()),
        keccak256(topic).0,
        word(&utf16),
        word(b"philomena@post.example"),
    );
    let sent = sender.send_transaction(TransactionRequest::default().into_create().input(code.into())).await.unwrap();
    let made = sent.get_receipt().await.unwrap();
    assert!(made.status());
    // A payment to anybody whose call data is hex of base64.
    let letter = Bytes::from_static(b"data:QWdhdGhhIEJsYWNrd29vZC1KZW5raW5z");
    let to = TransactionRequest::default().to(key(0).address()).value(U256::from(1)).input(letter.into());
    assert!(sender.send_transaction(to).await.unwrap().get_receipt().await.unwrap().status());

    let held = on_chain(&chain.provider).await;
    let contract = format!("{:#x}", made.contract_address.unwrap());
    for (identifier, places) in [
        (Identifier::text("Agatha Blackwood-Jenkins"), vec!["input"]),
        (Identifier::text(topic), vec!["topics"]),
        (Identifier::text("Umbrellastand"), vec!["data"]),
        (Identifier::text("philomena@post.example"), vec!["code of", "wrote post"]),
        (Identifier::Uuid(stored), vec!["storage of", "wrote post"]),
        // Written over in the same transaction, it is in no state; the call data that did it shows it.
        (Identifier::Uuid(overwritten), vec!["input"]),
    ] {
        let found = find(&held, &identifier);
        for place in places {
            assert!(found.iter().any(|found| found.contains(place)), "{identifier:?} not in {place}: {found:?}");
        }
    }
    assert!(find(&held, &Identifier::Uuid(stored)).iter().any(|place| place.contains(&contract)));
    assert_eq!(find(&held, &Identifier::text("Nobody Atall")), Vec::<String>::new());
    chain.devnet.stop().await;
}
