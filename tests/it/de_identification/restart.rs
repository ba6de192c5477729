//! De-identifications that the end of the process, or of the licence, cuts off.

use health_back_end::domain::{ids::LicenceId, taxonomy::UserClass};
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::cohort::{PATH, copy_of, parcel, people, request, treat, under_pseudonyms, wish};
use crate::{
    environment::{Chain, INSTITUTE, PATIENT, house::send, premises::Premises},
    items::{
        paper::{Parcel, follow, licence_in, new_item, reasons, withdraw},
        server::{Server, until},
    },
};

struct Caught {
    parcel: Parcel,
    licence: LicenceId,
    message: Value,
    place: String,
    child: Pid,
}

/// Begins a de-identification and stops its child, so that it stays begun.
async fn catch(chain: &Chain, server: &Server) -> Caught {
    let patient = server.end_user(PATIENT).await;
    let institute = server.third_party(chain, INSTITUTE, UserClass::NonProfitEntity).await;
    let wish = wish(new_item(), &["DeIDAndAnonym"]);
    let parcel = parcel(&patient, &server.back_end, &wish, "CSV", people(20_000).into_bytes());
    let licence = licence_in(&parcel.send_in_parts(&patient).await.expect(201).body);
    let message = request(&institute, parcel.id, "De-Identify", under_pseudonyms());
    let later = institute.request(Method::POST, PATH).header("prefer", "respond-async");
    let told = send(later.json(&message)).await;
    let place = told.expect(202).header("location").to_owned();
    assert!(place.starts_with(PATH), "{place}");
    let child = until("its child runs", async || server.children().first().copied()).await;
    kill_process(child, Signal::STOP).unwrap();
    assert_eq!(institute.get(&place).await.expect(202).body["State"], "running");
    Caught { parcel, licence, message, place, child }
}

#[tokio::test]
async fn what_a_kill_cut_off_is_undone_and_done_when_asked_again() {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let caught = catch(&chain, &server).await;
    server.kill().await;
    // Let go, it finds nobody to talk to and ends by itself.
    let _ = kill_process(caught.child, Signal::CONT);

    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let (patient, institute) = (server.again(PATIENT).await, server.again(INSTITUTE).await);
    institute.get(&caught.place).await.expect(503).problem("unavailable");
    let listed = async || patient.get("/v1/aih-data").await.expect(200).body["AIHData"].as_array().unwrap().len();
    assert_eq!(listed().await, 1, "nothing half-made can be seen");
    let done = treat(&institute, &caught.message).await;
    let report = format!("/v1/aih-data/{}/de-identification", copy_of(done.expect(200)));
    institute.get(&report).await.expect(200);
    assert_eq!(listed().await, 2);
    institute.get(&caught.place).await.expect(503);
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}

#[tokio::test]
async fn what_was_made_of_a_licence_withdrawn_meanwhile_is_withheld() {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let caught = catch(&chain, &server).await;
    let (patient, institute) = (server.again(PATIENT).await, server.again(INSTITUTE).await);
    withdraw(&patient, &server.back_end, caught.parcel.id, caught.licence).await;
    let _ = kill_process(caught.child, Signal::CONT);
    let answer = follow(&institute, institute.get(&caught.place).await).await;
    answer.expect(403).problem("licence-denied");
    assert_eq!(reasons(&answer), ["Revoked"]);
    let listed = patient.get("/v1/aih-data").await;
    assert_eq!(listed.expect(200).body["AIHData"].as_array().unwrap().len(), 1);
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}
