//! Putting the registry on a chain again: what is there already is left as it is, and what a broken attempt left out is
//! made up for.

use std::path::Path;

use alloy::providers::{DynProvider, Provider};
use health_back_end::{
    chain::{
        bindings::LicenceRegistry,
        deploy::{Deployment, Roles, deploy},
        node::connect,
    },
    config::anvil::AnvilConfig,
    startup::devnet::{Devnet, binary},
};

use crate::environment::{ADMIN, OPERATOR, REGISTRAR, key};

/// An empty chain.
async fn empty(folder: &Path) -> (Devnet, DynProvider) {
    let config = AnvilConfig {
        port: 0,
        state: None,
        state_interval: None,
        cache_path: Some(folder.join("cache")),
        ..AnvilConfig::read(Path::new("anvil.toml")).unwrap()
    };
    let devnet = Devnet::start(&binary(Path::new(".")), &config, folder).await.unwrap();
    let provider = connect(&devnet.url()).await.unwrap();
    (devnet, provider)
}

fn roles() -> Roles {
    Roles {
        admin: key(ADMIN),
        operators: vec![key(OPERATOR).address()],
        registrars: vec![key(REGISTRAR).address()],
        admin_delay_seconds: 0,
    }
}

/// Transactions sent by the admin so far.
async fn sent(provider: &DynProvider) -> u64 {
    provider.get_transaction_count(key(ADMIN).address()).await.unwrap()
}

async fn have_their_roles(provider: &DynProvider, deployment: &Deployment) -> [bool; 2] {
    let registry = LicenceRegistry::new(deployment.registry, provider);
    let (operator, registrar) =
        (registry.OPERATOR_ROLE().call().await.unwrap(), registry.REGISTRAR_ROLE().call().await.unwrap());
    [
        registry.hasRole(operator, key(OPERATOR).address()).call().await.unwrap(),
        registry.hasRole(registrar, key(REGISTRAR).address()).call().await.unwrap(),
    ]
}

#[tokio::test]
async fn deploying_again_sends_nothing_and_finds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (devnet, provider) = empty(folder.path()).await;
    let first = deploy(&provider, &roles()).await.unwrap();
    assert_eq!((sent(&provider).await, have_their_roles(&provider, &first).await), (3, [true, true]));
    let block = provider.get_block_number().await.unwrap();
    for _ in 0..2 {
        assert_eq!(deploy(&provider, &roles()).await.unwrap(), first);
    }
    assert_eq!((sent(&provider).await, provider.get_block_number().await.unwrap()), (3, block));
    devnet.stop().await;
}

#[tokio::test]
async fn what_a_broken_deployment_left_out_is_made_up_for() {
    let folder = tempfile::tempdir().unwrap();
    let (devnet, provider) = empty(folder.path()).await;
    // Broken off behind the registry, and behind the first role.
    let bare = Roles { operators: Vec::new(), registrars: Vec::new(), ..roles() };
    let first = deploy(&provider, &bare).await.unwrap();
    assert_eq!((sent(&provider).await, have_their_roles(&provider, &first).await), (1, [false, false]));
    let half = Roles { registrars: Vec::new(), ..roles() };
    assert_eq!(deploy(&provider, &half).await.unwrap(), first);
    assert_eq!((sent(&provider).await, have_their_roles(&provider, &first).await), (2, [true, false]));
    assert_eq!(deploy(&provider, &roles()).await.unwrap(), first);
    assert_eq!((sent(&provider).await, have_their_roles(&provider, &first).await), (3, [true, true]));
    devnet.stop().await;
}
