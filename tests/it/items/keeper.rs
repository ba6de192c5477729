//! The devnet belongs to its Back End.

use alloy::providers::{Provider, ext::AnvilApi};
use health_back_end::chain::node::connect;

use super::server::{Server, anvils_of, until};
use crate::environment::premises::Premises;

#[tokio::test]
async fn a_back_end_that_is_killed_leaves_no_anvil_behind() {
    let folder = Premises::new().await;
    let server = Server::alone(folder.path()).await;
    assert_eq!(anvils_of(folder.path()), 1);
    // A block that no earlier state can hold.
    let node = connect(&server.rpc_url).await.unwrap();
    node.evm_mine(None).await.unwrap();
    let last = node.get_block_by_number(Default::default()).await.unwrap().unwrap().header;
    drop(node);
    server.kill().await;
    until("anvil is gone", async || (anvils_of(folder.path()) == 0).then_some(())).await;

    // It was asked to end and wrote its state: what there was is there again.
    let again = Server::alone(folder.path()).await;
    assert_eq!(anvils_of(folder.path()), 1);
    let node = connect(&again.rpc_url).await.unwrap();
    let found = node.get_block_by_number(last.number.into()).await.unwrap().map(|block| block.header.hash);
    assert_eq!(found, Some(last.hash), "block {}", last.number);
    drop(node);
    // Asked to end, it takes its anvil along in order.
    assert_eq!(again.terminate().await, Some(0));
    assert_eq!(anvils_of(folder.path()), 0);
}
