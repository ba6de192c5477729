//! The devnet belongs to its Back End.

use std::net::{SocketAddr, TcpStream};

use super::server::{Server, until};
use crate::environment::premises::Premises;

fn address(server: &Server) -> SocketAddr {
    server.rpc_url.trim_start_matches("http://").parse().unwrap()
}

#[tokio::test]
async fn a_back_end_that_is_killed_leaves_no_anvil_behind() {
    let folder = Premises::new().await;
    let server = Server::alone(folder.path()).await;
    let node = address(&server);
    assert!(TcpStream::connect(node).is_ok());
    server.kill().await;
    until("anvil is gone", async || TcpStream::connect(node).is_err().then_some(())).await;
    // It was asked to end and wrote its state.
    let state = folder.path().join("data/anvil");
    assert!(std::fs::read_dir(&state).unwrap().count() > 0, "{state:?}");

    // Asked to end, it takes its anvil along in order; and what there was is there again.
    let again = Server::alone(folder.path()).await;
    let node = address(&again);
    assert_eq!(again.terminate().await, Some(0));
    assert!(TcpStream::connect(node).is_err());
}
