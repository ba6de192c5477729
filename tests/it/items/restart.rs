//! Jobs that the end of the process cuts off.

use std::time::{Duration, Instant};

use health_back_end::{
    aims::aih_data_processing::ecg::{
        edf_writer::{self, EdfContents},
        synthetic::SyntheticEcg,
    },
    domain::{ids::BackEndId, taxonomy::UserClass},
    front_end::recording::Recording,
};
use serde_json::json;
use time::macros::datetime;

use super::{
    caught::{Caught, catch_at, is_alive},
    paper::{self, PARAMETERS, Parcel, process, request},
    server::{Server, until},
};
use crate::environment::{Chain, INSTITUTE, PATIENT, house::Client, premises::Premises};

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
    let item = parcel.id;
    let message = || request(&institute, item, PARAMETERS, "Research");
    catch_at(server, (&patient, &institute), parcel, ("/v1/aih-data-process", message)).await
}

async fn undone_and_done_again(institute: &Client, caught: &Caught) {
    let answer = institute.get(&caught.place).await;
    answer.expect(503).problem("unavailable");
    // The message is the same request still, and now it is carried out.
    let done = process(institute, &caught.message).await;
    assert_eq!(done.expect(200).body["AIHDataProcessID"], caught.message["AIHDataProcessID"]);
    institute.get(&caught.place).await.expect(503);
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
    // It was ended, not waited for; a machine that is busy may take its time all the same.
    assert!(begun.elapsed() < Duration::from_secs(60));
    until("its child is gone", async || (!is_alive(caught.child)).then_some(())).await;

    // Undone by the end itself: the next start finds nothing to take back.
    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    let last = log.lines().rev().find(|line| line.contains("restart.taken_back")).unwrap();
    assert!(last.contains("operations: 0"), "{last}");
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
    caught.is_withheld_when_withdrawn(&server).await;
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}

#[tokio::test]
async fn what_a_kill_cut_off_is_undone_at_the_next_start() {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let caught = catch(&chain, &server).await;
    let server = caught.is_undone_when_killed(server, &chain, folder.path()).await;
    undone_and_done_again(&server.again(INSTITUTE).await, &caught).await;
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}
