//! What is left when something is gone: an erased item, a reset chain.

use std::path::{Path, PathBuf};

use health_back_end::domain::{
    ids::{AihDataId, LicenceId},
    taxonomy::UserClass,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    paper::{self, PARAMETERS, Parcel, licence_in, process, reasons, request, result_item, withdraw},
    server::Server,
};
use crate::environment::{
    INSTITUTE, PATIENT,
    house::{Client, send},
};

pub(super) async fn institute(server: &Server, folder: &Path) -> Client {
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
    pub parcel: Parcel,
    pub licence: LicenceId,
    pub result: AihDataId,
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
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let server = Server::alone(folder).await;
    let patient = server.end_user(PATIENT).await;
    let institute = institute(&server, folder).await;
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
    let place = tempfile::tempdir().unwrap();
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

/// One character for each byte, because searching texts is fast.
fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push((path.clone(), text(&std::fs::read(&path).unwrap_or_default()))),
        }
    }
    found
}

/// In how many files a text stands: as it is, in hex, or in hex of capitals.
fn places(files: &[(PathBuf, String)], needle: &[u8]) -> Vec<PathBuf> {
    let hex = alloy::hex::encode(needle);
    let forms = [text(needle), hex.clone(), hex.to_uppercase()];
    let with = files.iter().filter(|(_, content)| forms.iter().any(|form| content.contains(form)));
    with.map(|(path, _)| path.clone()).collect()
}

#[tokio::test]
async fn of_an_erased_item_nothing_can_be_read_anywhere_and_the_chain_never_held_any() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let server = Server::alone(folder).await;
    let patient = server.end_user(PATIENT).await;
    let institute = institute(&server, folder).await;
    const PERSON: &str = "Philomena Quastenflosser-Dingsbach";
    const NOTE: &str = "seen by Doctor Umbrellastand on the ninth floor";
    let mut recording = paper::ecg();
    recording.bytes[8..8 + PERSON.len()].copy_from_slice(PERSON.as_bytes());
    let mut parcel = paper::parcel(&patient, &server.back_end, &recording);
    parcel.message["DescrMetadata"] = json!(NOTE);
    let form = reqwest::multipart::Form::new()
        .part("message", reqwest::multipart::Part::text(parcel.announced(parcel.payload.len()).to_string()))
        .part("payload", reqwest::multipart::Part::bytes(parcel.payload.clone()));
    let sent = patient.request(Method::POST, "/v1/aih-data").header("idempotency-key", "upload").multipart(form);
    let licence = licence_in(&send(sent).await.expect(201).body);
    let message = request(&institute, parcel.id, PARAMETERS, "Research");
    let keyed = institute.post_once("/v1/aih-data-process", "process", &message).await;
    let done = paper::follow(&institute, keyed).await;
    let result: AihDataId = result_item(done.expect(200))["AIHDataID"].as_str().unwrap().parse().unwrap();
    let result_text = serde_json::to_vec(&paper::result(&done)).unwrap();
    patient.get(&format!("{}/payload", parcel.path())).await.expect(200);

    // What could open it: the wrapped keys of both items, and the sealed bytes.
    let database = folder.join("data/hbe.db");
    let cellar = health_back_end::db::Database::connect(&format!("sqlite://{}", database.display()), 1).await.unwrap();
    let mut secrets = Vec::new();
    for id in [parcel.id, result] {
        let row = cellar.find_data_item(id).await.unwrap().unwrap();
        let object = files(&folder.join("data/objects")).into_iter();
        let name = row.object_name.clone().unwrap();
        let sealed = object.filter(|(path, _)| path.to_string_lossy().contains(&name)).map(|(_, bytes)| bytes);
        let piece = |content: String| content.chars().skip(200).take(32).map(|c| c as u8).collect::<Vec<_>>();
        secrets.extend(sealed.map(piece));
        secrets.extend([row.item_key_wrapped.unwrap(), name, row.sha256.unwrap().to_string()].map(String::into_bytes));
    }
    cellar.close().await;
    assert_eq!(secrets.len(), 8);
    let everything = files(folder);
    for secret in &secrets {
        assert!(!places(&everything, secret).is_empty(), "what is looked for is there before");
    }

    withdraw(&patient, &server.back_end, parcel.id, licence).await;
    send(patient.request(Method::DELETE, &parcel.path())).await.expect(204);
    patient.get(&format!("{}/payload", parcel.path())).await.expect(410);
    assert_eq!(server.terminate().await, Some(0));

    let everything = files(folder);
    assert!(everything.iter().any(|(path, _)| path.ends_with("log")) && everything.len() > 5);
    let middle = parcel.payload.len() / 2;
    secrets.extend([PERSON.as_bytes().to_vec(), NOTE.as_bytes().to_vec()]);
    secrets.extend([parcel.payload[middle..middle + 24].to_vec(), result_text[..40].to_vec()]);
    for secret in &secrets {
        assert_eq!(places(&everything, secret), Vec::<PathBuf>::new(), "{}", String::from_utf8_lossy(secret));
    }
    // The audit stays: the register of the house knows the item by name. The chain never did.
    assert!(!places(&everything, parcel.id.to_string().as_bytes()).is_empty());
    let chain: Vec<_> =
        everything.into_iter().filter(|(path, _)| path.components().any(|part| part.as_os_str() == "anvil")).collect();
    assert!(chain.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > 100_000, "anvil's state is among the files");
    for id in [parcel.id, result] {
        let text = id.to_string();
        let uuid = text.trim_start_matches("urn:uuid:");
        for form in
            [text.clone().into_bytes(), uuid.as_bytes().to_vec(), alloy::hex::decode(uuid.replace('-', "")).unwrap()]
        {
            assert_eq!(places(&chain, &form), Vec::<PathBuf>::new(), "{text}");
        }
    }
    let licence = alloy::hex::encode(licence.address());
    assert!(!places(&chain, licence.as_bytes()).is_empty(), "the scan finds what is on chain");
}
