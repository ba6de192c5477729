//! The copy of the register: complete, and right again after whatever happens to the chain, the node or the clerk.

use std::{path::Path, time::Duration};

use alloy::{
    network::{EthereumWallet, TransactionBuilder},
    primitives::{B128, Bytes},
    providers::{Provider, ProviderBuilder, ext::AnvilApi},
    rpc::types::TransactionRequest,
};
use health_back_end::{
    chain::node::connect,
    config::anvil::AnvilConfig,
    db::users::UserStanding,
    domain::taxonomy::{DataStatus, UserClass},
    indexer::{IndexerError, KEPT_HEADERS},
    licensing::{derive::Lineage, vigil::Doubt},
    startup::devnet::{Devnet, binary},
};
use tokio_util::sync::CancellationToken;

use crate::{
    environment::{
        Chain, INSTITUTE, PATIENT, REGISTRAR,
        copy::{Copy, permitted, question},
        item, key,
        postgres::TestDatabase,
    },
    items::relay::Relay,
};

const PATIENCE: Duration = Duration::from_secs(120);

async fn a_chain_with_an_institute() -> Chain {
    let chain = Chain::start().await;
    chain.vouch(key(INSTITUTE).address(), UserClass::NonProfitEntity).await;
    chain
}

#[tokio::test]
async fn the_copy_is_what_a_full_scan_gives() {
    let chain = a_chain_with_an_institute().await;
    let gate = chain.licensing().await;
    let copy = Copy::new(&chain).await;
    chain.live(&gate, 8).await;
    copy.indexer().catch_up().await.unwrap();
    copy.is_a_full_scan().await;
    chain.mine(3_000).await;
    chain.live(&gate, 4).await;
    copy.indexer().catch_up().await.unwrap();
    copy.is_a_full_scan().await;
    copy.vigil.pass_for_audit(gate.node().head().await.unwrap().number).unwrap();
    chain.devnet.stop().await;
}

#[tokio::test]
async fn empty_blocks_are_not_kept() {
    let chain = Chain::start().await;
    let copy = Copy::new(&chain).await;
    let indexer = copy.indexer();
    for _ in 0..40 {
        chain.mine(15).await;
        indexer.catch_up().await.unwrap();
    }
    let head = copy.database.find_copied_chain().await.unwrap().unwrap().block.number;
    let mut kept = 0;
    for number in 0..=head - KEPT_HEADERS - 1 {
        kept += usize::from(copy.database.find_block(number).await.unwrap().is_some());
    }
    let with_events = copy.events().await.len();
    assert!(kept <= with_events, "{kept} old headers are kept for {with_events} events");
    chain.devnet.stop().await;
}

#[tokio::test]
async fn reorganisations_of_several_depths_are_followed() {
    let chain = a_chain_with_an_institute().await;
    let gate = chain.licensing().await;
    let copy = Copy::new(&chain).await;
    let indexer = copy.indexer();
    chain.live(&gate, 6).await;
    for depth in [1, 2, 5, 12] {
        chain.mine(3).await;
        indexer.catch_up().await.unwrap();
        copy.is_a_full_scan().await;
        chain.reorganise(depth, Vec::new()).await;
        indexer.catch_up().await.unwrap();
        copy.is_a_full_scan().await;
        chain.mine(1).await;
        chain.reorganise(depth, Vec::new()).await;
        indexer.catch_up().await.unwrap();
        copy.is_a_full_scan().await;
    }
    chain.devnet.stop().await;
}

#[tokio::test]
async fn a_chain_cut_short_is_followed_back() {
    let chain = a_chain_with_an_institute().await;
    let gate = chain.licensing().await;
    let copy = Copy::new(&chain).await;
    let snapshot = chain.provider.anvil_snapshot().await.unwrap();
    chain.live(&gate, 3).await;
    copy.indexer().catch_up().await.unwrap();
    assert!(chain.provider.anvil_revert(snapshot).await.unwrap());
    let indexer = copy.indexer();
    let cautious = indexer.step(false).await.unwrap();
    assert_eq!(cautious, health_back_end::indexer::Step::NodeBehind);
    indexer.catch_up().await.unwrap();
    copy.is_a_full_scan().await;
    chain.devnet.stop().await;
}

#[tokio::test]
async fn evidence_notices_and_classes_follow_a_reorganisation() {
    let chain = a_chain_with_an_institute().await;
    let gate = chain.licensing().await;
    let copy = Copy::new(&chain).await;
    let (patient, institute, caregiver) = (key(PATIENT).address(), key(INSTITUTE).address(), key(REGISTRAR).address());
    for (user, class) in
        [(patient, UserClass::EndUser), (institute, UserClass::NonProfitEntity), (caregiver, UserClass::Caregiver)]
    {
        copy.register(user, class).await;
    }
    let (item, licence) = chain.license(&gate).await;
    copy.keep(item, patient, licence, None).await;
    let (stays, vanishes) = (question(item, institute), question(item, institute));
    let first = permitted(&gate, &stays).await;
    let second = permitted(&gate, &vanishes).await;
    chain.vouch(caregiver, UserClass::Caregiver).await;
    let (stays_id, vanishes_id) =
        (copy.record(&stays, &first, |_| ()).await, copy.record(&vanishes, &second, |_| ()).await);
    let indexer = copy.indexer();
    indexer.catch_up().await.unwrap();
    let standing = |user| async move { copy_standing(&user).await };
    async fn copy_standing((copy, user): &(&Copy, alloy::primitives::Address)) -> UserStanding {
        copy.database.find_user(copy.user(*user)).await.unwrap().unwrap().standing
    }
    assert_eq!(standing((&copy, institute)).await, UserStanding::Active);
    assert_eq!(standing((&copy, caregiver)).await, UserStanding::Active);
    let told = copy.database.list_notices(copy.user(institute), 0, 100).await.unwrap();
    assert_eq!(told.iter().filter(|notice| notice.kind == "decision").count(), 2);

    // The first answer comes back two blocks later; the second and the caregiver's class do not.
    let head = gate.node().head().await.unwrap().number;
    let depth = head - first.position.block + 1;
    chain.reorganise(depth, vec![(first.transaction, 2)]).await;
    indexer.catch_up().await.unwrap();
    copy.is_a_full_scan().await;

    let moved = copy.database.find_operation(stays_id).await.unwrap().unwrap().answer.unwrap().evidence;
    assert_eq!(moved.block_number, first.position.block + 2);
    let stands = copy.database.find_event_by_confirm_id(B128::from(stays.confirm_id)).await.unwrap().unwrap();
    assert_eq!((moved.block_hash, moved.log_index), (stands.block_hash, stands.log_index));
    assert_ne!(moved.block_hash, first.block_hash);
    let gone = copy.database.find_operation(vanishes_id).await.unwrap().unwrap().answer.unwrap().evidence;
    assert_eq!(gone.block_hash, second.block_hash);
    assert_eq!(copy.database.find_event_by_confirm_id(B128::from(vanishes.confirm_id)).await.unwrap(), None);
    assert_eq!(standing((&copy, institute)).await, UserStanding::Active);
    assert_eq!(standing((&copy, caregiver)).await, UserStanding::Pending);
    let later = copy.database.list_notices(copy.user(patient), told.last().unwrap().seq, 100).await.unwrap();
    let kinds: Vec<_> = later.iter().map(|notice| notice.kind.as_str()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "register.corrected").count(), 1, "{kinds:?}");
    assert_eq!(kinds.last(), Some(&"decision"));
    chain.devnet.stop().await;
}

#[tokio::test]
async fn two_clerks_share_one_sqlite_database() {
    let chain = a_chain_with_an_institute().await;
    let copy = Copy::new(&chain).await;
    two_clerks(chain, copy).await;
}

#[tokio::test]
async fn two_clerks_share_one_postgresql_database() {
    let Some(database) = TestDatabase::create().await else { return };
    let chain = a_chain_with_an_institute().await;
    let copy = Copy::at(chain.node(), chain.deployment.block, &database.url()).await;
    let kept = copy.database.clone();
    two_clerks(chain, copy).await;
    kept.close().await;
}

/// Two at work while things happen; both stop in the middle; two others go on, on a chain that was reorganised.
async fn two_clerks(chain: Chain, copy: Copy) {
    let gate = chain.licensing().await;
    chain.live(&gate, 5).await;
    let clerks = || {
        let stop = CancellationToken::new();
        let clerks = [(); 2].map(|()| tokio::spawn(copy.indexer().run(stop.clone())));
        (stop, clerks)
    };
    let (stop, [one, other]) = clerks();
    chain.live(&gate, 5).await;
    stop.cancel();
    one.await.unwrap();
    other.await.unwrap();

    chain.live(&gate, 3).await;
    chain.reorganise(4, Vec::new()).await;
    let (stop, [one, other]) = clerks();
    let head = gate.node().head().await.unwrap();
    let arrived = async {
        while copy.database.find_copied_chain().await.unwrap().is_none_or(|cursor| cursor.block.hash != head.hash) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, arrived).await.unwrap();
    stop.cancel();
    one.await.unwrap();
    other.await.unwrap();
    copy.is_a_full_scan().await;
    let notices = copy.database.list_notices(copy.user(key(PATIENT).address()), 0, 1_000).await.unwrap();
    assert!(notices.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    chain.devnet.stop().await;
}

#[tokio::test]
async fn a_node_that_goes_away_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let config = AnvilConfig {
        port: 0,
        state: Some(folder.path().join("state.json")),
        state_interval: None,
        cache_path: Some(folder.path().join("cache")),
        ..AnvilConfig::read(Path::new("anvil.toml")).unwrap()
    };
    let chain = Chain::with(&config, folder.path()).await;
    chain.vouch(key(INSTITUTE).address(), UserClass::NonProfitEntity).await;
    let place = |devnet: &Devnet| devnet.url().trim_start_matches("http://").to_owned();
    let relay = Relay::to(&place(&chain.devnet)).await;
    let provider = connect(&relay.http_url()).await.unwrap();
    let node = chain.deployment.node(provider);
    let copy = Copy::new(&chain).await;
    let stop = CancellationToken::new();
    let indexer = copy.indexer_on(node.clone());
    let mut status = indexer.status();
    let clerk = tokio::spawn(indexer.run(stop.clone()));
    copy.vigil.indexed_up_to(node.head().await.unwrap().number, PATIENCE).await.unwrap();
    let Chain { devnet, deployment, .. } = chain;
    devnet.stop().await;
    tokio::time::timeout(PATIENCE, status.wait_for(|status| status.trouble.is_some())).await.unwrap().unwrap();

    // It comes back with what it had.
    let devnet = Devnet::start(&binary(Path::new(".")), &config, folder.path()).await.unwrap();
    relay.lead_to(&place(&devnet));
    let provider = connect(&devnet.ws_url()).await.unwrap();
    let chain = Chain::resume(devnet, provider, deployment);
    chain.vouch(key(PATIENT).address(), UserClass::EndUser).await;
    let head = node.head().await.unwrap().number;
    copy.vigil.indexed_up_to(head, PATIENCE).await.unwrap();
    tokio::time::timeout(PATIENCE, status.wait_for(|status| status.trouble.is_none())).await.unwrap().unwrap();
    stop.cancel();
    clerk.await.unwrap();
    assert_eq!(copy.events().await.len(), 2);
    chain.devnet.stop().await;
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_never_skipped() {
    let chain = a_chain_with_an_institute().await;
    let gate = chain.licensing().await;
    let copy = Copy::new(&chain).await;
    chain.live(&gate, 2).await;
    let registry = chain.deployment.registry;
    let code = chain.provider.get_code_at(registry).await.unwrap();
    // LOG1 with a topic that is none of ours: PUSH1 7, PUSH1 0, PUSH1 0, LOG1.
    chain.provider.anvil_set_code(registry, Bytes::from_static(&[0x60, 7, 0x5f, 0x5f, 0xa1])).await.unwrap();
    let wallet = EthereumWallet::from(key(REGISTRAR));
    let sender = ProviderBuilder::new().wallet(wallet).connect_provider(chain.provider.clone());
    let call = TransactionRequest::default().with_to(registry);
    let strange = sender.send_transaction(call).await.unwrap().get_receipt().await.unwrap().block_number.unwrap();
    chain.provider.anvil_set_code(registry, code).await.unwrap();
    chain.live(&gate, 2).await;
    // Read near the head, and as part of a range.
    for blocks in [0, 200] {
        chain.mine(blocks).await;
        let copy = Copy::new(&chain).await;
        let error = copy.indexer().catch_up().await.unwrap_err();
        assert!(matches!(error, IndexerError::Undecodable { block, .. } if block == strange), "{error}");
        let cursor = copy.database.find_copied_chain().await.unwrap().unwrap();
        assert_eq!(cursor.block.number, strange - 1);
        let head = gate.node().head().await.unwrap().number;
        assert!(matches!(copy.vigil.pass_for_audit(head), Err(Doubt::IndexBehind(_))));
    }
    drop(copy);
    chain.devnet.stop().await;
}

#[tokio::test]
async fn the_copy_of_another_register_is_not_overwritten() {
    let chain = Chain::start().await;
    let copy = Copy::new(&chain).await;
    copy.indexer().catch_up().await.unwrap();
    let other = Chain::start_with_admin(REGISTRAR).await;
    let error = copy.indexer_on(other.node()).catch_up().await.unwrap_err();
    assert!(matches!(error, IndexerError::OtherRegister { found } if found.registry == chain.deployment.registry));
    other.devnet.stop().await;
    chain.devnet.stop().await;
}

#[tokio::test]
async fn what_was_withdrawn_by_itself_stays_so_when_a_withdrawal_of_its_root_is_taken_back() {
    let chain = a_chain_with_an_institute().await;
    let (gate, copy) = (chain.licensing().await, Copy::new(&chain).await);
    let patient = key(PATIENT).address();
    copy.register(patient, UserClass::EndUser).await;
    let (root, licence) = chain.license(&gate).await;
    copy.keep(root, patient, licence, None).await;
    let derive = async || {
        let requester = key(INSTITUTE).address();
        let lineage = Lineage { parent: root, item: item(), status: DataStatus::Identified, requester };
        let licence = gate.derive(&lineage).await.unwrap().licence.address();
        copy.keep(lineage.item, patient, licence, Some(root)).await;
        (lineage.item, licence)
    };
    let ((withdrawn, its), (renounced, _), (other, _)) = (derive().await, derive().await, derive().await);
    gate.revoke(withdrawn, &chain.sign_withdrawal(withdrawn, its)).await.unwrap();
    gate.renounce(renounced).await.unwrap();
    let indexer = copy.indexer();
    indexer.catch_up().await.unwrap();
    let fallen = async |id| copy.database.find_data_item(id).await.unwrap().unwrap().fallen_at_us.is_some();
    assert!(fallen(withdrawn).await && !fallen(renounced).await && !fallen(other).await);
    gate.revoke(root, &chain.sign_withdrawal(root, licence)).await.unwrap();
    indexer.catch_up().await.unwrap();
    assert!(fallen(root).await && fallen(withdrawn).await && fallen(renounced).await && fallen(other).await);

    chain.reorganise(1, Vec::new()).await;
    indexer.catch_up().await.unwrap();
    assert!(!fallen(root).await && !fallen(other).await, "the withdrawal of the root is gone");
    assert!(!fallen(renounced).await, "others may still use what the Back End gave up");
    assert!(fallen(withdrawn).await, "its own withdrawal lies below the fork");
    chain.devnet.stop().await;
}
