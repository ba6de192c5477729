//! What nodes say to whoever sends, and where past acts are looked up.

use std::time::{Duration, Instant};

use health_back_end::{
    chain::{
        ChainError,
        node::connect,
        operator::{Call, Operator},
    },
    clock::Clock,
    domain::taxonomy::UserClass,
    licensing::{
        Licensing, LicensingError,
        confirm::Answer,
        queue::{Queue, QueueError},
        vigil::Vigil,
    },
};
use serde_json::json;

use super::grumbler::{Grumble, Grumbler};
use crate::environment::{
    Chain, INSTITUTE, OPERATOR,
    copy::{Copy, question},
    key, ledger,
};

/// A reason that no error of ours decodes, as a node gives it that runs a transaction before it takes it.
fn reverted() -> serde_json::Value {
    json!({"code": 3, "message": "execution reverted", "data": "0x01020304"})
}

async fn gate(chain: &Chain, url: &str, ledger: ledger::Memory) -> Licensing {
    let node = chain.deployment.node(connect(url).await.unwrap());
    let (vigil, clock) = (Vigil::new(), Clock::system());
    vigil.verify(&node, &clock).await;
    vigil.report_indexed(u64::MAX);
    let operator = Operator::start(node.clone(), key(OPERATOR)).await.unwrap();
    let (queue, _) = Queue::start(operator, ledger, vigil.clone());
    Licensing::new(node, queue, vigil, clock)
}

async fn scene() -> (Chain, Licensing) {
    let chain = Chain::start().await;
    chain.vouch(key(INSTITUTE).address(), UserClass::NonProfitEntity).await;
    let gate = chain.licensing().await;
    (chain, gate)
}

#[tokio::test]
async fn a_transaction_that_a_node_declines_is_no_failed_one_and_its_nonce_is_used_for_the_next() {
    let (chain, direct) = scene().await;
    let (item, _) = chain.license(&direct).await;
    drop(direct);
    let grumbler = Grumbler::before(&chain.devnet.url(), vec![Grumble::Declines(reverted())]).await;
    let memory = ledger::Memory::default();
    let gate = gate(&chain, &grumbler.url, memory.clone()).await;
    let asked = question(item, key(INSTITUTE).address());
    let refused = gate.confirm(&asked).await.unwrap_err();
    assert!(
        matches!(refused, LicensingError::Queue(QueueError::Refused(_)) | LicensingError::Refused(_)),
        "{refused:?}"
    );
    let begun = Instant::now();
    let answer = gate.confirm(&question(item, key(INSTITUTE).address())).await.unwrap();
    assert!(matches!(answer, Answer::Permitted(_)));
    // Not only after a nonce that is missing was noticed.
    assert!(begun.elapsed() < Duration::from_secs(19), "{:?}", begun.elapsed());
    assert_eq!(memory.replaced(), 1, "nothing was mined of the first");
    chain.devnet.stop().await;
}

#[tokio::test]
async fn a_node_that_has_a_transaction_and_no_receipt_yet_is_asked_again() {
    let (chain, _gate) = scene().await;
    for code in [4, 5, 6] {
        let says = json!({"code": code, "message": "not included in time", "data": format!("0x{}", "ab".repeat(32))});
        let grumbler = Grumbler::before(&chain.devnet.url(), vec![Grumble::TakesAndSays(says)]).await;
        let node = chain.deployment.node(connect(&grumbler.url).await.unwrap());
        let mut operator = Operator::start(node, key(OPERATOR)).await.unwrap();
        let call = health_back_end::licensing::batch::execute(Vec::new(), Vec::new());
        let signed = operator.sign(Call { gas_limit: 200_000, ..call }).unwrap();
        let mined = operator.transmitter().send(&signed, Duration::from_secs(9)).await.unwrap();
        assert_eq!(mined.transaction, signed.hash);
    }
    // What is no code of those is what it was.
    let says = json!({"code": -32_000, "message": "out of order"});
    let grumbler = Grumbler::before(&chain.devnet.url(), vec![Grumble::Declines(says)]).await;
    let node = chain.deployment.node(connect(&grumbler.url).await.unwrap());
    let mut operator = Operator::start(node, key(OPERATOR)).await.unwrap();
    let signed = operator.sign(Call { data: alloy::primitives::Bytes::new(), gas_limit: 100_000 }).unwrap();
    let error = operator.transmitter().send(&signed, Duration::from_secs(9)).await.unwrap_err();
    assert!(matches!(error, ChainError::Unavailable(_)), "{error}");
    chain.devnet.stop().await;
}

#[tokio::test]
async fn where_a_past_act_stands_is_read_in_the_copy_and_of_the_chain_only_what_is_newer() {
    let (chain, direct) = scene().await;
    let copy = Copy::new(&chain).await;
    let (first, licence) = chain.license(&direct).await;
    chain.mine(3).await;
    copy.indexer().catch_up().await.unwrap();
    let block = copy.database.find_copied_chain().await.unwrap().unwrap().block.number;
    let grumbler = Grumbler::before(&chain.devnet.url(), Vec::new()).await;
    let gate = gate(&chain, &grumbler.url, ledger::Memory::default()).await.remembering(copy.database.clone());
    grumbler.asked("");
    assert_eq!(gate.made(first.hash(), licence).await.unwrap(), direct.made(first.hash(), licence).await.unwrap());
    assert_eq!(grumbler.asked("eth_getLogs"), Vec::<serde_json::Value>::new(), "the copy has all there is");

    // Made and withdrawn since: only what is newer is searched.
    let (second, other) = chain.license(&direct).await;
    direct.revoke(first, &chain.sign_withdrawal(first, licence)).await.unwrap();
    assert_eq!(gate.made(second.hash(), other).await.unwrap(), direct.made(second.hash(), other).await.unwrap());
    let fallen = gate.fallen(first.hash(), first.hash()).await.unwrap();
    assert_eq!(fallen, direct.fallen(first.hash(), first.hash()).await.unwrap());
    assert!(fallen.is_some());
    for question in grumbler.asked("eth_getLogs") {
        let from = question["params"][0]["fromBlock"].as_str().unwrap().trim_start_matches("0x").to_owned();
        assert_eq!(u64::from_str_radix(&from, 16).unwrap(), block + 1, "{question}");
    }

    // A copy that the chain contradicts is not believed.
    copy.indexer().catch_up().await.unwrap();
    chain.reorganise(1, Vec::new()).await;
    assert_eq!(gate.fallen(first.hash(), first.hash()).await.unwrap(), None);
    chain.devnet.stop().await;
}
