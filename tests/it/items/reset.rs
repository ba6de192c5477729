//! A chain that was reset, and restored.

use std::path::Path;

use alloy::providers::ext::AnvilApi;
use health_back_end::{
    chain::node::connect,
    config::anvil::AnvilConfig,
    db::Database,
    domain::{
        ids::{AihDataId, LicenceId},
        taxonomy::UserClass,
    },
    startup::devnet::{Devnet, binary},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    acts::audit,
    doubt::Pool,
    paper::{self, PARAMETERS, Parcel, licence_in, process, reasons, request, result_item, withdraw},
    server::{Server, until},
};
use crate::environment::{
    INSTITUTE, PATIENT,
    house::{Client, send},
    passing,
    premises::{self, Premises},
};

/// A Back End with a chain of its own, a patient and an institute.
pub(super) async fn begun(folder: &Path) -> (Server, Client, Client) {
    let server = Server::alone(folder).await;
    let patient = server.end_user(PATIENT).await;
    let institute = institute(&server, folder).await;
    (server, patient, institute)
}

async fn institute(server: &Server, folder: &Path) -> Client {
    let client = server.stranger(INSTITUTE);
    let services = crate::environment::house::ALL_SERVICES;
    client.register(&client.organisation("Non-Profit Entity"), &services).await.expect(202);
    let class = UserClass::NonProfitEntity.to_string();
    let user = client.user.to_string();
    let done = Server::command(folder, &["users", "approve", &user, &class, "--rpc-url", &server.rpc_url]).await;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    server.again(INSTITUTE).await
}

pub(super) struct Used {
    pub(super) parcel: Parcel,
    pub(super) licence: LicenceId,
    pub(super) result: AihDataId,
}

pub(super) async fn used(server: &Server, patient: &Client, institute: &Client) -> Used {
    let parcel = paper::parcel(patient, &server.back_end, &paper::ecg());
    let licence = licence_in(&parcel.send_in_parts(patient).await.expect(201).body);
    let done = process(institute, &request(institute, parcel.id, PARAMETERS, "Research")).await;
    let result = result_item(done.expect(200))["AIHDataID"].as_str().unwrap().parse().unwrap();
    Used { parcel, licence, result }
}

/// What the chain says of a licence, and what it would answer.
pub(super) async fn standing(client: &Client, licence: &str) -> Value {
    let answer = client.get(&format!("/v1/licences/{licence}")).await;
    let response = &answer.expect(200).body["BlockchainLicence"]["Response"];
    json!([response["State"], response["RootLicenceID"], response["ParentLicenceID"], response["ModelLicenceHash"]])
}

pub(super) async fn licence_of(client: &Client, item: AihDataId) -> String {
    let answer = client.get(&format!("/v1/aih-data/{item}")).await;
    answer.expect(200).body["LicenceID"].as_str().unwrap().to_owned()
}

pub(super) fn wipe(folder: &Path) {
    let config = std::fs::read_to_string(folder.join("anvil.toml")).unwrap();
    for line in config.lines().filter(|line| line.starts_with("state =") || line.starts_with("cache_path")) {
        let path = line.split('"').nth(1).unwrap();
        let path = folder.join("data").join(path.strip_prefix("var/").unwrap());
        let _ = std::fs::remove_file(&path);
        let _ = std::fs::remove_dir_all(&path);
    }
}

#[tokio::test]
async fn a_reset_chain_is_restored_with_the_same_licences_and_verdicts() {
    let place = Premises::new().await;
    let folder = place.path();
    let (server, patient, institute) = begun(folder).await;
    let (kept, withdrawn) = (used(&server, &patient, &institute).await, used(&server, &patient, &institute).await);
    withdraw(&patient, &server.back_end, withdrawn.parcel.id, withdrawn.licence).await;
    // Licensed again after a withdrawal: a longer history.
    let again = used(&server, &patient, &institute).await;
    withdraw(&patient, &server.back_end, again.parcel.id, again.licence).await;
    let document =
        health_back_end::front_end::paperwork::write(&paper::wish(again.parcel.id), &patient.user, &server.back_end);
    let signature =
        health_back_end::front_end::paperwork::sign(&document, &server.back_end, 2, &patient.signer).unwrap();
    let wish = json!({
        "Header": "AIH-BCL-V1.0", "BlockchainLicenceID": crate::environment::house::urn(),
        "BlockchainLicenceTime": "2026-03-01T09:00:00Z",
        "BlockchainLicence": {"Request": {
            "AIHDataID": again.parcel.id, "ModelLicence": document, "ModelLicenceSignature": signature, "Sequence": 2,
        }},
    });
    send(patient.request(Method::PUT, &format!("/v1/licences/{}", again.licence)).json(&wish)).await.expect(200);
    let mut before = Vec::new();
    for item in [kept.parcel.id, kept.result, withdrawn.parcel.id, withdrawn.result, again.parcel.id, again.result] {
        let licence = licence_of(&patient, item).await;
        before.push((item, standing(&patient, &licence).await, licence));
    }
    // It ends in order, so that nothing writes after the wipe.
    assert_eq!(server.terminate().await, Some(0));
    wipe(folder);
    // Started on the empty chain first, as an operator who has not read the manual would: the clerk sees it empty.
    let empty = Server::alone(folder).await;
    empty.stranger(PATIENT).get("/v1/service-info").await.expect(200);
    assert_eq!(empty.terminate().await, Some(0));
    for _ in 0..2 {
        let done = Server::command(folder, &["chain", "restore"]).await;
        let (said, wrong) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{said}\n{wrong}");
        println!("{said}");
        assert!(said.contains("licences          4") && said.contains("derived licences  3"), "{said}");
    }

    let server = Server::alone(folder).await;
    let (patient, institute) = (server.again(PATIENT).await, server.again(INSTITUTE).await);
    for (item, state, licence) in before {
        assert_eq!(licence_of(&patient, item).await, licence);
        assert_eq!(standing(&patient, &licence).await, state, "{item}");
    }
    let ask = async |item| process(&institute, &request(&institute, item, PARAMETERS, "Research")).await;
    ask(kept.parcel.id).await.expect(200);
    ask(again.parcel.id).await.expect(200);
    assert_eq!(reasons(ask(withdrawn.parcel.id).await.expect(403)), ["Revoked"]);
    for item in [withdrawn.result, again.result] {
        let read = institute.get(&format!("/v1/aih-data/{item}/payload?usage=Research")).await;
        assert_eq!(reasons(read.expect(403)), ["Revoked", "Process"], "{item}");
    }
    let payload = patient.get(&format!("{}/payload", kept.parcel.path())).await;
    assert_eq!(payload.expect(200).bytes, kept.parcel.payload);
    assert_eq!(server.terminate().await, Some(0));
}

#[tokio::test]
async fn another_registry_is_not_restored_into() {
    let place = Premises::new().await;
    let folder = place.path();
    let server = Server::alone(folder).await;
    let patient = server.end_user(PATIENT).await;
    let parcel = paper::table(&patient, &server.back_end, b"time,pulse\n");
    parcel.send_inline(&patient).await.expect(201);
    assert_eq!(server.terminate().await, Some(0));
    wipe(folder);
    // Another admin has another registry.
    let admin = "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a";
    let done = Server::command_with(folder, &["chain", "restore"], &[("HBE_ADMIN_KEY", admin)]).await;
    let wrong = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success() && wrong.contains("nothing was written"), "{wrong}");
}

pub(super) async fn restore(folder: &Path) -> String {
    let done = Server::command(folder, &["chain", "restore"]).await;
    let (said, wrong) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}\n{wrong}");
    said.into_owned()
}

/// Killed at its very last step, a restoration may be done all the same.
async fn nothing_starts_on_what_is_half_restored(folder: &Path, rpc_url: &str) {
    let cellar = Database::connect(&premises::database_url(folder), 1).await.unwrap();
    let half = cellar.is_restoring().await.unwrap();
    cellar.close().await;
    if half {
        let up = Server::command(folder, &["up", "--listen", "127.0.0.1:0", "--rpc-url", rpc_url]).await;
        let wrong = String::from_utf8_lossy(&up.stderr);
        assert!(!up.status.success() && wrong.contains("run `hbe chain restore` again"), "{wrong}");
    }
}

#[tokio::test]
async fn a_restoration_that_is_killed_again_and_again_comes_to_the_same_end() {
    let premises = Premises::new().await;
    let folder = premises.path();
    let (server, patient, institute) = begun(folder).await;
    let mut items = Vec::new();
    for n in 0..4 {
        let used = used(&server, &patient, &institute).await;
        if n % 2 == 1 {
            withdraw(&patient, &server.back_end, used.parcel.id, used.licence).await;
        }
        items.push(used);
    }
    let mut before = Vec::new();
    for item in items.iter().flat_map(|used| [used.parcel.id, used.result]) {
        let licence = licence_of(&patient, item).await;
        before.push((item, standing(&patient, &licence).await, licence));
    }
    assert_eq!(server.terminate().await, Some(0));
    wipe(folder);

    // A chain of its own, so that it lives on while the restoration is killed: after each further transaction, until one
    // attempt comes through.
    let anvil = AnvilConfig { cache_path: Some(folder.join("another-cache")), ..passing(folder) };
    let devnet = Devnet::start(&binary(Path::new(".")), &anvil, folder).await.unwrap();
    let node = connect(&devnet.url()).await.unwrap();
    let deployed = Server::command(folder, &["deploy", "--rpc-url", &devnet.url()]).await;
    assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
    // It mines only when the test says so, and each attempt waits for what it sent: one transaction for each kill.
    node.anvil_set_auto_mine(false).await.unwrap();
    let (mut kills, mut ended) = (0, false);
    while !ended {
        let mut attempt = Server::begin(folder, &["chain", "restore", "--rpc-url", &devnet.url()]);
        ended = until("it sends something, or is done", async || {
            if let Some(status) = attempt.try_wait().unwrap() {
                assert!(status.success());
                return Some(true);
            }
            (node.txpool_count().await > 0).then_some(false)
        })
        .await;
        if !ended {
            // Killed first, so that it sends nothing further: what is mined was sent by an attempt that never hears of it.
            attempt.kill().await.unwrap();
            node.evm_mine(None).await.unwrap();
            kills += 1;
            nothing_starts_on_what_is_half_restored(folder, &devnet.url()).await;
        }
    }
    println!("killed {kills} times");
    node.anvil_set_auto_mine(true).await.unwrap();
    // Users, licences, derivations and withdrawals are each a transaction.
    assert!(kills >= 8, "{kills}");

    let server = Server::on(folder, &devnet.url()).await;
    let patient = server.again(PATIENT).await;
    for (item, state, licence) in before {
        assert_eq!(licence_of(&patient, item).await, licence);
        assert_eq!(standing(&patient, &licence).await, state, "{item}");
    }
    let after = audit(&patient).await;
    assert_eq!(after.non_conformities, Some(vec![]));
    assert!(after.earlier_chain.is_some());
    assert_eq!(server.terminate().await, Some(0));
    devnet.stop().await;
}
