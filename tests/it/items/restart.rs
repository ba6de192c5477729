//! Jobs that the end of the process cuts off.

use std::time::{Duration, Instant};

use health_back_end::{
    aims::aih_data_processing::ecg::{
        edf_writer::{self, EdfContents},
        synthetic::SyntheticEcg,
    },
    domain::{
        ids::{BackEndId, LicenceId},
        taxonomy::UserClass,
    },
    front_end::recording::Recording,
};
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use time::macros::datetime;

use super::{
    paper::{self, PARAMETERS, Parcel, follow, licence_in, process, reasons, request, withdraw},
    server::{Server, until},
};
use crate::environment::{
    Chain, INSTITUTE, PATIENT,
    house::{Client, send},
    premises::Premises,
};

/// An hour of ECG: a job long enough to be caught at it.
pub(super) fn an_hour() -> Recording {
    let made = SyntheticEcg { duration_s: 60.0, ..SyntheticEcg::default() }.generate().unwrap();
    let contents = EdfContents {
        start: datetime!(2026-01-01 08:00),
        sampling_rate_hz: 250,
        label: "ECG II",
        samples_mv: &made.samples_mv.repeat(60),
        beat_times_s: &[],
        beat_text: "N",
    };
    let mut bytes = Vec::new();
    edf_writer::write(&contents, &mut bytes).unwrap();
    let qualifier = json!({"DataClass": "PhysiologicalSignal", "Format": "EDF+"});
    Recording { description: String::new(), qualifier, bytes, true_beats: None }
}

pub(super) struct Caught {
    pub(super) parcel: Parcel,
    pub(super) licence: LicenceId,
    message: Value,
    pub(super) place: String,
    pub(super) child: Pid,
}

/// Begins a job and stops its child, so that it stays begun.
pub(super) async fn catch(chain: &Chain, server: &Server) -> Caught {
    catch_with(chain, server, paper::parcel).await
}

/// The same, on an item under a licence of the test's.
pub(super) async fn catch_with(
    chain: &Chain,
    server: &Server,
    parcel: impl Fn(&Client, &BackEndId, &Recording) -> Parcel,
) -> Caught {
    let patient = server.end_user(PATIENT).await;
    let institute = server.third_party(chain, INSTITUTE, UserClass::NonProfitEntity).await;
    let parcel = parcel(&patient, &server.back_end, &an_hour());
    let licence = licence_in(&parcel.send_in_parts(&patient).await.expect(201).body);
    let message = request(&institute, parcel.id, PARAMETERS, "Research");
    let later = institute.request(Method::POST, "/v1/aih-data-process").header("prefer", "respond-async");
    let told = send(later.json(&message)).await;
    let place = told.expect(202).header("location").to_owned();
    let child = until("its child runs", async || server.children().first().copied()).await;
    kill_process(child, Signal::STOP).unwrap();
    assert_eq!(institute.get(&place).await.expect(202).body["State"], "running");
    Caught { parcel, licence, message, place, child }
}

async fn undone_and_done_again(institute: &Client, caught: &Caught) {
    let answer = institute.get(&caught.place).await;
    answer.expect(503).problem("unavailable");
    // The message is the same request still, and now it is carried out.
    let done = process(institute, &caught.message).await;
    assert_eq!(done.expect(200).body["AIHDataProcessID"], caught.message["AIHDataProcessID"]);
    institute.get(&caught.place).await.expect(503);
}

pub(super) fn is_alive(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[tokio::test]
async fn asked_to_end_while_a_job_runs_it_ends_in_order() {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let caught = catch(&chain, &server).await;
    let begun = Instant::now();
    assert_eq!(server.terminate().await, Some(0));
    println!("ended {:.1?} after SIGTERM, with a job that would never have ended", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(35));
    until("its child is gone", async || (!is_alive(caught.child)).then_some(())).await;

    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    undone_and_done_again(&server.again(INSTITUTE).await, &caught).await;
    let begun = Instant::now();
    assert_eq!(server.terminate().await, Some(0));
    println!("ended {:.1?} after SIGTERM with nothing to do", begun.elapsed());
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
    // The house has ended it already, or finds out when it is done.
    let _ = kill_process(caught.child, Signal::CONT);
    let answer = follow(&institute, institute.get(&caught.place).await).await;
    answer.expect(403).problem("licence-denied");
    assert_eq!(reasons(&answer), ["Revoked"]);
    // Nothing was made of it that anybody could read.
    let listed = patient.get("/v1/aih-data").await;
    assert_eq!(listed.expect(200).body["AIHData"].as_array().unwrap().len(), 1);
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}

#[tokio::test]
async fn what_a_kill_cut_off_is_undone_at_the_next_start() {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let caught = catch(&chain, &server).await;
    server.kill().await;
    // Let go, it finds nobody to talk to and ends by itself.
    let _ = kill_process(caught.child, Signal::CONT);
    until("its child is gone", async || (!is_alive(caught.child)).then_some(())).await;

    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    undone_and_done_again(&server.again(INSTITUTE).await, &caught).await;
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}
