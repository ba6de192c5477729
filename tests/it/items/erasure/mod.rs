//! What is left of an item that was erased: nothing that can be read, in any file and in any table; and on chain there
//! never was anything.
//!
//! | File | What |
//! | --- | --- |
//! | [`identifiers`] | every form a name, a number or an ID may have been written in |
//! | [`held`] | everything a node, a disk and a database hold, to be searched |
//! | [`blind`] | what is planted is found, in each place and form: else finding nothing would mean nothing |

mod blind;
mod held;
mod identifiers;

use std::path::Path;

use health_back_end::{chain::node::connect, db::Database, domain::ids::AihDataId};
use reqwest::Method;
use serde_json::json;

use self::{
    held::{Held, find},
    identifiers::Identifier,
};
use super::{
    paper::{self, PARAMETERS, Parcel, follow, licence_in, request, result_item, withdraw},
    reset::begun,
    server::Server,
};
use crate::environment::{
    house::{Client, send},
    premises::{self, Premises, on_postgres},
};

/// Who and what must not be found, in the payload, in the free text and in the profiles.
const PERSON: &str = "Philomena Quastenflosser-Dingsbach";
const MAIL: &str = "philomena.q-d@post.example";
const NUMBER: &str = "QSTPLM71T44F205X";
const NOTE: &str = "seen by Doctor Umbrellastand on the ninth floor";
/// The patient's own profile, and the institute's (`Client::person`, `Client::organisation`).
const PROFILES: [&str; 2] = ["Exampleperson", "Example Institute"];

/// An item with identifiers in it, what was made of it, and the licence of both.
struct Used {
    parcel: Parcel,
    result: AihDataId,
    result_text: Vec<u8>,
    licence: health_back_end::domain::ids::LicenceId,
}

async fn used(server: &Server, patient: &Client, institute: &Client) -> Used {
    let mut recording = paper::ecg();
    let names = format!("{PERSON} {MAIL} {NUMBER}");
    // The EDF header's field for the patient, and on into the field for the recording.
    recording.bytes[8..8 + names.len()].copy_from_slice(names.as_bytes());
    let mut parcel = paper::parcel(patient, &server.back_end, &recording);
    parcel.message["DescrMetadata"] = json!(format!("{NOTE}; {MAIL}"));
    let form = reqwest::multipart::Form::new()
        .part("message", reqwest::multipart::Part::text(parcel.announced(parcel.payload.len()).to_string()))
        .part("payload", reqwest::multipart::Part::bytes(parcel.payload.clone()));
    let sent = patient.request(Method::POST, "/v1/aih-data").header("idempotency-key", "upload").multipart(form);
    let licence = licence_in(&send(sent).await.expect(201).body);
    let message = request(institute, parcel.id, PARAMETERS, "Research");
    let done = follow(institute, institute.post_once("/v1/aih-data-process", "process", &message).await).await;
    let result = result_item(done.expect(200))["AIHDataID"].as_str().unwrap().parse().unwrap();
    let result_text = serde_json::to_vec(&paper::result(&done)).unwrap();
    patient.get(&format!("{}/payload", parcel.path())).await.expect(200);
    Used { parcel, result, result_text, licence }
}

/// What could open the items: their wrapped keys, the names and digests of their objects, and the sealed bytes.
async fn keys_of(folder: &Path, items: [AihDataId; 2]) -> Vec<Identifier> {
    let cellar = Database::connect(&premises::database_url(folder), 1).await.unwrap();
    let mut found = Vec::new();
    for id in items {
        let row = cellar.find_data_item(id).await.unwrap().unwrap();
        let name = row.object_name.unwrap();
        let objects = folder.join("data/objects/objects");
        let object = std::fs::read_dir(objects).unwrap().flatten().find(|file| {
            file.file_name().to_string_lossy().contains(&name) || file.path().to_string_lossy().contains(&name)
        });
        let sealed = std::fs::read(object.unwrap().path()).unwrap();
        found.push(Identifier::Bytes(sealed[200..232].to_vec()));
        found.extend([row.item_key_wrapped.unwrap(), name, row.sha256.unwrap().to_string()].map(Identifier::Text));
    }
    cellar.close().await;
    found
}

#[track_caller]
fn nowhere(held: &[Held], identifiers: &[Identifier]) {
    for identifier in identifiers {
        assert_eq!(find(held, identifier), Vec::<String>::new(), "{identifier:?}");
    }
}

#[track_caller]
fn somewhere(held: &[Held], identifiers: &[Identifier]) {
    for identifier in identifiers {
        assert!(!find(held, identifier).is_empty(), "looked for and not there before: {identifier:?}");
    }
}

#[tokio::test]
async fn of_an_erased_item_nothing_can_be_read_anywhere_and_the_chain_never_held_any() {
    let premises = Premises::new().await;
    let folder = premises.path();
    let (server, patient, institute) = begun(folder).await;
    let used = used(&server, &patient, &institute).await;
    let (item, result) = (used.parcel.id, used.result);
    let keys = keys_of(folder, [item, result]).await;
    let mut before = held::in_files(folder);
    if on_postgres() {
        before.extend(held::in_rows(&mut held::server(&premises::database_url(folder)).await).await);
    }
    somewhere(&before, &keys);

    withdraw(&patient, &server.back_end, item, used.licence).await;
    send(patient.request(Method::DELETE, &used.parcel.path())).await.expect(204);
    patient.get(&format!("{}/payload", used.parcel.path())).await.expect(410);

    let named = [PERSON, MAIL, NUMBER, NOTE].into_iter().chain(PROFILES).map(Identifier::text);
    let middle = used.parcel.payload.len() / 2;
    let pieces = [used.parcel.payload[middle..middle + 24].to_vec(), used.result_text[..40].to_vec()];
    let secrets: Vec<_> = named.chain(pieces.map(Identifier::Bytes)).chain(keys.iter().cloned()).collect();
    let ids = [item, result].map(|id| Identifier::Uuid(id.to_string()[9..].parse().unwrap()));

    // Over the node's own interface, while it serves.
    let chain = held::on_chain(&connect(&server.rpc_url).await.unwrap()).await;
    let bytes: usize = chain.iter().map(Held::len).sum();
    println!("the chain holds {} pieces, {bytes} bytes; {} identifiers looked for", chain.len(), secrets.len() + 2);
    nowhere(&chain, &secrets);
    nowhere(&chain, &ids);
    // The hash of the ID and the licence's address are there: the scan does find what is on chain.
    let present = [item.hash().to_vec(), used.licence.address().to_vec()].map(Identifier::Bytes);
    somewhere(&chain, &present);
    assert_eq!(server.terminate().await, Some(0));

    let everything = held::in_files(folder);
    assert!(everything.iter().any(|file| file.place.ends_with("/log")) && everything.len() > 5);
    nowhere(&everything, &secrets);
    let of_anvil: Vec<_> = everything.into_iter().filter(|file| file.place.contains("/anvil/")).collect();
    assert!(of_anvil.iter().map(Held::len).sum::<usize>() > 100_000, "anvil's state is among the files");
    nowhere(&of_anvil, &ids);
    somewhere(&of_anvil, &present);
    if on_postgres() {
        on_the_server(folder, &secrets, &keys, &ids).await;
    } else {
        // The audit stays: the register of the house knows the item by name.
        somewhere(&held::in_files(folder), &ids);
    }
}

/// What a PostgreSQL server keeps: no row holds anything, and no page of a table once the table was written anew. Its own
/// journal (WAL) and what an operator archives of it are not looked at: see decision 0037.
async fn on_the_server(folder: &Path, secrets: &[Identifier], keys: &[Identifier], ids: &[Identifier]) {
    let mut server = held::server(&premises::database_url(folder)).await;
    let rows = held::in_rows(&mut server).await;
    nowhere(&rows, secrets);
    somewhere(&rows, ids);
    let pages = held::in_pages(&mut server).await;
    let dead: usize = keys.iter().filter(|key| !find(&pages, key).is_empty()).count();
    println!(
        "PostgreSQL: {dead} of {} keys, names and digests still lie in dead space of pages after VACUUM",
        keys.len()
    );
    sqlx::query("VACUUM FULL").execute(&mut server).await.unwrap();
    nowhere(&held::in_pages(&mut server).await, secrets);
}
