//! Transactions that are not mined when they should be: the queue finds out how each ended and goes on.

use std::time::Duration;

use alloy::{
    network::{EthereumWallet, TransactionBuilder},
    primitives::{B256, U256},
    providers::{DynProvider, Provider, ProviderBuilder, ext::AnvilApi},
    rpc::types::TransactionRequest,
};
use health_back_end::{
    chain::{node::connect, operator::Operator},
    clock::Clock,
    domain::{ids::AihDataId, taxonomy::UserClass},
    licensing::{
        Licensing,
        confirm::Answer,
        queue::Queue,
        vigil::{Doubt, Vigil},
    },
};
use serde_json::Value;

use super::{relay::Relay, server::until};
use crate::environment::{
    Chain, INSTITUTE, OPERATOR,
    copy::{permitted, question},
    key, ledger,
};

struct Scene {
    chain: Chain,
    gate: Licensing,
    item: AihDataId,
}

impl Scene {
    async fn new() -> Self {
        let chain = Chain::start().await;
        chain.vouch(key(INSTITUTE).address(), UserClass::NonProfitEntity).await;
        let gate = chain.licensing().await;
        let (item, _) = chain.license(&gate).await;
        Self { chain, gate, item }
    }

    async fn confirm(&self) -> Result<Answer, health_back_end::licensing::LicensingError> {
        self.gate.confirm(&question(self.item, key(INSTITUTE).address())).await
    }

    /// The one transaction that waits for a block.
    async fn waiting(&self) -> (B256, u64) {
        let provider = &self.chain.provider;
        until("a transaction waits", async || {
            let content: Value = provider.raw_request("txpool_content".into(), ()).await.unwrap();
            let of_one = content["pending"].as_object()?.values().next()?.as_object()?;
            let transaction = of_one.values().next()?;
            let nonce = transaction["nonce"].as_str()?.trim_start_matches("0x");
            Some((transaction["hash"].as_str()?.parse().ok()?, u64::from_str_radix(nonce, 16).ok()?))
        })
        .await
    }

    async fn goes_on(self) {
        for _ in 0..3 {
            let _ = permitted(&self.gate, &question(self.item, key(INSTITUTE).address())).await;
        }
        self.gate.vigil().pass().unwrap();
        self.chain.devnet.stop().await;
    }
}

/// Longer than the queue waits before it settles.
const LATE: Duration = Duration::from_secs(12);

/// Each has to wait until the queue loses its patience, so they run side by side, each on its own chain.
#[tokio::test]
async fn transactions_that_are_stuck_dropped_or_overtaken_are_settled() {
    tokio::join!(
        a_stuck_transaction_is_waited_for(),
        a_dropped_transaction_is_sent_again(),
        a_transaction_overtaken_by_a_strangers_permits_nothing_and_blocks_nothing(),
        a_chain_without_blocks_while_ours_waits_is_doubted_until_there_is_one(),
    );
}

async fn a_chain_without_blocks_while_ours_waits_is_doubted_until_there_is_one() {
    let chain = Chain::start().await;
    chain.vouch(key(INSTITUTE).address(), UserClass::NonProfitEntity).await;
    let (vigil, clock, node) = (Vigil::new().frozen_after(Duration::from_secs(1)), Clock::system(), chain.node());
    vigil.verify(&node, &clock).await;
    vigil.report_indexed(u64::MAX);
    let operator = Operator::start(node.clone(), key(OPERATOR)).await.unwrap();
    let (queue, _) = Queue::start(operator, ledger::Memory::default(), vigil.clone());
    let gate = Licensing::new(node.clone(), queue, vigil.clone(), clock.clone());
    let (item, _) = chain.license(&gate).await;
    let scene = Scene { chain, gate, item };
    let provider = &scene.chain.provider;
    provider.anvil_set_auto_mine(false).await.unwrap();
    let watching = async {
        until("the chain counts as frozen", async || matches!(vigil.pass(), Err(Doubt::Frozen(_))).then_some(())).await;
        // That the node answers does not end it; nothing that was permitted before is handed out.
        vigil.verify(&node, &clock).await;
        assert!(matches!(vigil.pass(), Err(Doubt::Frozen(_))));
        let look = scene.gate.check(&question(scene.item, key(INSTITUTE).address())).await;
        assert!(look.is_err());
        provider.evm_mine(None).await.unwrap();
    };
    let (_, ()) = tokio::join!(scene.confirm(), watching);
    provider.anvil_set_auto_mine(true).await.unwrap();
    until("it is trusted again", async || vigil.pass().ok()).await;
    scene.goes_on().await;
}

async fn a_stuck_transaction_is_waited_for() {
    let scene = Scene::new().await;
    let provider = &scene.chain.provider;
    provider.anvil_set_auto_mine(false).await.unwrap();
    let mining = async {
        scene.waiting().await;
        tokio::time::sleep(LATE).await;
        provider.evm_mine(None).await.unwrap();
    };
    let asked = question(scene.item, key(INSTITUTE).address());
    let (answer, ()) = tokio::join!(scene.gate.confirm_within(&asked, Duration::from_secs(60)), mining);
    assert!(matches!(answer.unwrap(), Answer::Permitted(_)));
    provider.anvil_set_auto_mine(true).await.unwrap();
    scene.goes_on().await;
}

async fn a_dropped_transaction_is_sent_again() {
    let scene = Scene::new().await;
    let provider = &scene.chain.provider;
    provider.anvil_set_auto_mine(false).await.unwrap();
    let dropping = async {
        let (hash, _) = scene.waiting().await;
        provider.anvil_drop_transaction(hash).await.unwrap();
        provider.anvil_set_auto_mine(true).await.unwrap();
    };
    let (answer, ()) = tokio::join!(scene.confirm(), dropping);
    assert!(matches!(answer.unwrap(), Answer::Permitted(_)));
    scene.goes_on().await;
}

async fn a_transaction_overtaken_by_a_strangers_permits_nothing_and_blocks_nothing() {
    let scene = Scene::new().await;
    let provider = &scene.chain.provider;
    provider.anvil_set_auto_mine(false).await.unwrap();
    let overtaking = async {
        let (_, nonce) = scene.waiting().await;
        overtake(provider, nonce).await;
        provider.evm_mine(None).await.unwrap();
        provider.anvil_set_auto_mine(true).await.unwrap();
    };
    let (answer, ()) = tokio::join!(scene.confirm(), overtaking);
    let error = answer.unwrap_err().to_string();
    assert!(error.contains("took the place"), "{error}");
    scene.goes_on().await;
}

/// Somebody else who has the operator's key sends another transaction under this nonce, for a higher price.
async fn overtake(provider: &DynProvider, nonce: u64) {
    let wallet = EthereumWallet::from(key(OPERATOR));
    let sender = ProviderBuilder::new().disable_recommended_fillers().wallet(wallet).connect_provider(provider.clone());
    let transaction = TransactionRequest::default()
        .with_to(key(OPERATOR).address())
        .with_value(U256::ONE)
        .with_nonce(nonce)
        .with_chain_id(31337)
        .with_gas_limit(21_000)
        .with_max_fee_per_gas(100_000_000_000)
        .with_max_priority_fee_per_gas(50_000_000_000);
    let _ = sender.send_transaction(transaction).await.unwrap();
}

/// An outage so long that the queue gives its transactions up: with `HBE_SLOW` only, as it takes minutes.
#[tokio::test]
async fn after_a_long_outage_no_missing_nonce_blocks_the_queue() {
    if std::env::var_os("HBE_SLOW").is_none() {
        eprintln!("SKIPPED: an outage of two minutes is tried with HBE_SLOW=1 only");
        return;
    }
    let scene = Scene::new().await;
    let relay = Relay::to(scene.chain.devnet.url().trim_start_matches("http://")).await;
    let node = scene.chain.deployment.node(connect(&relay.http_url()).await.unwrap());
    let (vigil, clock) = (Vigil::new(), Clock::system());
    vigil.verify(&node, &clock).await;
    vigil.report_indexed(u64::MAX);
    let operator = Operator::start(node.clone(), key(OPERATOR)).await.unwrap();
    let (queue, _) = Queue::start(operator, ledger::Memory::default(), vigil.clone());
    let gate = Licensing::new(node.clone(), queue, vigil.clone(), clock.clone());
    let ask = || question(scene.item, key(INSTITUTE).address());
    let _ = permitted(&gate, &ask()).await;

    relay.cut();
    let (first, second) = (ask(), ask());
    let late = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        gate.confirm(&second).await
    };
    let (first, second) = tokio::join!(gate.confirm(&first), late);
    assert!(first.is_err() && second.is_err());
    tokio::time::sleep(Duration::from_secs(150)).await;
    relay.lead_to(scene.chain.devnet.url().trim_start_matches("http://"));
    until("the doubt is gone", async || {
        vigil.verify(&node, &clock).await;
        gate.vigil().pass().ok()
    })
    .await;
    until("the queue goes on", async || {
        vigil.verify(&node, &clock).await;
        match gate.confirm_within(&ask(), Duration::from_secs(20)).await {
            Ok(Answer::Permitted(_)) => Some(()),
            _ => None,
        }
    })
    .await;
    scene.chain.devnet.stop().await;
}
