//! A reset chain, and what restoring it must not do: vouch for what somebody only asked for, lift a suspension, license a
//! result by what came after it.

use std::path::Path;

use health_back_end::{
    db::{Database, users::UserStanding},
    front_end::paperwork,
};
use reqwest::Method;
use serde_json::json;
use sqlx::{Connection, Executor};

use super::{
    paper,
    reset::{begun, licence_of, standing, used, wipe},
    server::{Server, until},
};
use crate::environment::{
    INSTITUTE, PATIENT,
    house::{ALL_SERVICES, Client, send, urn},
    premises::{Premises, database_url},
};

async fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let done = Server::command(folder, arguments).await;
    let (said, wrong) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}\n{wrong}");
    said.into_owned()
}

async fn shown(folder: &Path, server: &Server, client: &Client) -> String {
    succeed(folder, &["users", "show", &client.user.to_string(), "--rpc-url", &server.rpc_url]).await
}

/// Waits until the clerk has copied a standing.
async fn copied(folder: &Path, client: &Client, standing: UserStanding) {
    let cellar = Database::connect(&database_url(folder), 1).await.unwrap();
    until("the clerk has copied a standing", async || {
        let row = cellar.find_user(client.user).await.unwrap().unwrap();
        (row.standing == standing).then_some(())
    })
    .await;
    cellar.close().await;
}

#[tokio::test]
async fn a_restoration_gives_the_class_that_was_vouched_for_and_lifts_no_suspension() {
    let place = Premises::new().await;
    let folder = place.path();
    let server = Server::alone(folder).await;
    let (another, suspended) = (server.stranger(INSTITUTE), server.stranger(INSTITUTE + 1));
    another.register(&another.organisation("Clinical Entity"), &ALL_SERVICES).await.expect(202);
    suspended.register(&suspended.organisation("Non-Profit Entity"), &ALL_SERVICES).await.expect(202);
    let rpc = server.rpc_url.clone();
    let (one, two) = (another.user.to_string(), suspended.user.to_string());
    // Vouched for as something else than asked for.
    succeed(folder, &["users", "approve", &one, "Caregiver", "--rpc-url", &rpc]).await;
    succeed(folder, &["users", "approve", &two, "Non-Profit Entity", "--rpc-url", &rpc]).await;
    succeed(folder, &["users", "suspend", &two, "--rpc-url", &rpc]).await;
    copied(folder, &another, UserStanding::Active).await;
    copied(folder, &suspended, UserStanding::Suspended).await;
    let before = [shown(folder, &server, &another).await, shown(folder, &server, &suspended).await];
    assert!(before[0].contains("Caregiver") && before[1].contains("suspended"), "{before:?}");
    assert_eq!(server.terminate().await, Some(0));
    wipe(folder);

    // Started on the empty chain first: the clerk takes class and standing out of the rows.
    let empty = Server::alone(folder).await;
    copied(folder, &another, UserStanding::Pending).await;
    copied(folder, &suspended, UserStanding::Pending).await;
    assert_eq!(empty.terminate().await, Some(0));
    succeed(folder, &["chain", "restore"]).await;

    let server = Server::alone(folder).await;
    let after = [shown(folder, &server, &another).await, shown(folder, &server, &suspended).await];
    assert_eq!(after, before);
    server.stranger(INSTITUTE + 1).renew(&ALL_SERVICES).await.expect(403);
    assert_eq!(server.terminate().await, Some(0));
}

#[tokio::test]
async fn a_result_is_restored_under_the_licence_it_was_made_under_whenever_the_next_one_was_kept() {
    let place = Premises::new().await;
    let folder = place.path();
    let (server, patient, institute) = begun(folder).await;
    let old = used(&server, &patient, &institute).await;
    let document = paperwork::write(&paper::wish(old.parcel.id), &patient.user, &server.back_end);
    let signature = paperwork::sign(&document, &server.back_end, 1, &patient.signer).unwrap();
    let change = json!({
        "Header": "AIH-BCL-V1.0", "BlockchainLicenceID": urn(),
        "BlockchainLicenceTime": "2026-03-01T09:00:00Z",
        "BlockchainLicence": {"Request": {
            "AIHDataID": old.parcel.id, "ModelLicence": document, "ModelLicenceSignature": signature, "Sequence": 1,
        }},
    });
    send(patient.request(Method::PUT, &format!("/v1/licences/{}", old.licence)).json(&change)).await.expect(200);
    let mut before = Vec::new();
    for item in [old.parcel.id, old.result] {
        let licence = licence_of(&patient, item).await;
        before.push((item, standing(&patient, &licence).await, licence));
    }
    assert_eq!(server.terminate().await, Some(0));
    // As a change leaves it that was tried while the chain was away, and mined long after the result was made.
    sqlx::any::install_default_drivers();
    let mut raw = sqlx::AnyConnection::connect(&database_url(folder)).await.unwrap();
    let kept_early = "UPDATE model_licences SET created_at_us = (SELECT MIN(created_at_us) + 1 FROM model_licences)
         WHERE sequence = 1";
    assert_eq!(raw.execute(kept_early).await.unwrap().rows_affected(), 1);
    raw.close().await.unwrap();
    wipe(folder);

    for _ in 0..2 {
        let said = succeed(folder, &["chain", "restore"]).await;
        assert!(said.contains("licences          2") && said.contains("derived licences  1"), "{said}");
        assert!(!said.contains("left unlicensed"), "{said}");
    }
    let server = Server::alone(folder).await;
    let patient = server.again(PATIENT).await;
    for (item, state, licence) in before {
        assert_eq!(licence_of(&patient, item).await, licence, "{item}");
        assert_eq!(standing(&patient, &licence).await, state, "{item}");
    }
    assert_eq!(server.terminate().await, Some(0));
}
