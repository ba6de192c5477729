//! The devnet belongs to its Back End.

use super::server::{Server, anvils_of, until};
use crate::environment::premises::Premises;

#[tokio::test]
async fn a_back_end_that_is_killed_leaves_no_anvil_behind() {
    let folder = Premises::new().await;
    let server = Server::alone(folder.path()).await;
    assert_eq!(anvils_of(folder.path()), 1);
    server.kill().await;
    until("anvil is gone", async || (anvils_of(folder.path()) == 0).then_some(())).await;
    // It was asked to end and wrote its state.
    let state = folder.path().join("data/anvil");
    assert!(std::fs::read_dir(&state).unwrap().count() > 0, "{state:?}");

    // Asked to end, it takes its anvil along in order; and what there was is there again.
    let again = Server::alone(folder.path()).await;
    assert_eq!(anvils_of(folder.path()), 1);
    assert_eq!(again.terminate().await, Some(0));
    assert_eq!(anvils_of(folder.path()), 0);
}
