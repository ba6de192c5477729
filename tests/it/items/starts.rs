//! Starts that must not succeed, and leave everything as it was.

use std::os::unix::fs::PermissionsExt;

use super::{
    paper,
    server::{Server, anvils_of, until},
};
use crate::environment::{
    Chain, PATIENT,
    premises::{self, Premises},
};

#[tokio::test]
async fn a_second_back_end_on_the_same_folder_is_refused_and_the_first_goes_on() {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    let server = Server::start(&chain, &chain.devnet.url(), folder.path()).await;
    let patient = server.end_user(PATIENT).await;
    let node = chain.devnet.url();
    for command in [&["up", "--listen", "127.0.0.1:0"][..], &["chain", "restore"]] {
        let arguments = [command, &["--rpc-url", &node]].concat();
        let second = Server::command(folder.path(), &arguments).await;
        let said = String::from_utf8_lossy(&second.stderr);
        assert!(!second.status.success() && said.contains("another Back End runs on this data folder"), "{said}");
    }
    paper::parcel(&patient, &server.back_end, &paper::ecg()).send_in_parts(&patient).await.expect(201);
    assert_eq!(server.terminate().await, Some(0));
    // Its end gives the folder free.
    let again = Server::start(&chain, &chain.devnet.url(), folder.path()).await;
    assert_eq!(again.terminate().await, Some(0));
    chain.devnet.stop().await;
}

#[tokio::test]
async fn another_root_key_than_the_datas_is_refused() {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    let server = Server::start(&chain, &chain.devnet.url(), folder.path()).await;
    server.end_user(PATIENT).await;
    assert_eq!(server.terminate().await, Some(0));
    let file = folder.path().join("data/root.key");
    let right = std::fs::read(&file).unwrap();
    let start = ["up", "--listen", "127.0.0.1:0", "--rpc-url", &chain.devnet.url()];

    // Lost: no new one is made in its place.
    std::fs::remove_file(&file).unwrap();
    let lost = Server::command(folder.path(), &start).await;
    assert!(!lost.status.success() && !file.exists(), "{}", String::from_utf8_lossy(&lost.stderr));
    // Another one.
    let other = [("HBE_ROOT_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")];
    let other = Server::command_with(folder.path(), &start, &other).await;
    let said = String::from_utf8_lossy(&other.stderr);
    assert!(!other.status.success() && said.contains("not the one this data was sealed under"), "{said}");

    std::fs::write(&file, right).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let server = Server::start(&chain, &chain.devnet.url(), folder.path()).await;
    server.again(PATIENT).await;
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}

#[tokio::test]
async fn a_start_that_fails_leaves_no_anvil_behind_and_its_files_are_for_the_owner_alone() {
    let folder = Premises::new().await;
    let server = Server::alone(folder.path()).await;
    assert_eq!(server.terminate().await, Some(0));
    let data = folder.path().join("data");
    let mut held = vec![(data.clone(), 0o700), (data.join("root.key"), 0o600), (data.join("tokens.key"), 0o600)];
    // A database server has no file here.
    if !premises::on_postgres() {
        held.push((data.join("hbe.db"), 0o600));
    }
    for (path, mode) in held {
        let found = std::fs::metadata(&path).map(|about| about.permissions().mode() & 0o777);
        assert!(found.as_ref().is_ok_and(|found| *found == mode), "{}: {found:?}", path.display());
    }
    // A root key that others may read ends the start after anvil was started.
    std::fs::set_permissions(data.join("root.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let failed = Server::command(folder.path(), &["up", "--listen", "127.0.0.1:0"]).await;
    let said = String::from_utf8_lossy(&failed.stderr);
    assert!(!failed.status.success() && said.contains("0644"), "{said}");
    until("anvil is gone", async || (anvils_of(folder.path()) == 0).then_some(())).await;
}

#[tokio::test]
async fn the_operators_limits_are_kept_and_those_that_cannot_be_are_refused() {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    let bad = Server::command(folder.path(), &["up", "--listen", "127.0.0.1:0", "--user-rate=-1"]).await;
    let said = String::from_utf8_lossy(&bad.stderr);
    assert!(!bad.status.success() && said.contains("the limit user_rate must be"), "{said}");
    for (variable, value) in [("HBE_USER_RATE", "nan"), ("HBE_BODY_SECONDS", "0"), ("HBE_MOST_REQUESTS", "many")] {
        let arguments = ["up", "--listen", "127.0.0.1:0", "--rpc-url", &chain.devnet.url()];
        let bad = Server::command_with(folder.path(), &arguments, &[(variable, value)]).await;
        let said = String::from_utf8_lossy(&bad.stderr);
        let name = variable.trim_start_matches("HBE_").to_lowercase();
        assert!(!bad.status.success() && said.replace('-', "_").contains(&name), "{variable}: {said}");
    }
    assert!(!folder.path().join("data").exists(), "refused before anything was begun");
    std::fs::write(folder.path().join("hbe.toml"), "[limits]\naddress_rate = 0.01\nburst_seconds = 500\n").unwrap();
    let server = Server::start(&chain, &chain.devnet.url(), folder.path()).await;
    let nobody = server.stranger(PATIENT);
    for _ in 0..5 {
        nobody.get("/v1/service-info").await.expect(200);
    }
    nobody.get("/v1/service-info").await.expect(429).problem("rate-limited");
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}
