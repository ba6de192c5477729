//! Works that are caught in the middle: begun, and their child process stopped, so that they stay begun. What then happens
//! to them is the same whatever they are.

use std::{path::Path, time::Duration};

use health_back_end::domain::ids::LicenceId;
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{
    paper::{Parcel, follow, licence_in, reasons, withdraw},
    server::{Server, until},
};
use crate::environment::{
    Chain, INSTITUTE, PATIENT,
    house::{Client, send},
};

pub struct Caught {
    pub parcel: Parcel,
    pub licence: LicenceId,
    pub message: Value,
    pub place: String,
    pub child: Pid,
    /// Items the patient had when it was caught: the parcel, and what works made that were over before.
    pub items: usize,
}

fn stat(pid: Pid) -> String {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default()
}

pub fn is_alive(pid: Pid) -> bool {
    let stat = stat(pid);
    !stat.is_empty() && !stat.contains(") Z ")
}

/// Stops a child; whether it stands still now, and is not over instead.
async fn stop(child: Pid) -> bool {
    let _ = kill_process(child, Signal::STOP);
    until("the child stands still or is over", async || {
        if stat(child).contains(") T ") { Some(true) } else { (!is_alive(child)).then_some(false) }
    })
    .await
}

/// Uploads a parcel, asks for something to be done with it, and catches it. On a busy machine a work may be over before it
/// was seen: then another is begun, by another message.
pub async fn catch_at(
    server: &Server,
    (patient, institute): (&Client, &Client),
    parcel: Parcel,
    (path, message): (&str, impl Fn() -> Value),
) -> Caught {
    const MOST_TRIES: usize = 10;
    let licence = licence_in(&parcel.send_in_parts(patient).await.expect(201).body);
    for _ in 0..MOST_TRIES {
        let message = message();
        let later = institute.request(Method::POST, path).header("prefer", "respond-async");
        let told = send(later.json(&message)).await;
        let place = told.expect(202).header("location").to_owned();
        assert!(place.starts_with(path), "{place}");
        let child = until("its child runs, or it is over", async || match server.children().first() {
            Some(child) => Some(Some(*child)),
            None => (institute.get(&place).await.status != 202).then_some(None),
        })
        .await;
        if let Some(child) = child
            && stop(child).await
        {
            assert_eq!(institute.get(&place).await.expect(202).body["State"], "running");
            let items = patient.items().await.len();
            return Caught { parcel, licence, message, place, child, items };
        }
    }
    panic!("{MOST_TRIES} works were over before they were seen");
}

/// Measures something that must take less than a time. A busy machine may be slow once; a house that is slow is so each
/// time.
pub async fn within(at_most: Duration, what: &str, measure: impl AsyncFn() -> Duration) {
    const TRIES: usize = 3;
    for attempt in 1..=TRIES {
        let took = measure().await;
        println!("{what} after {took:.0?}, try {attempt} of {TRIES}; at most {at_most:?} are allowed");
        if took < at_most {
            return;
        }
    }
    panic!("{what} after more than {at_most:?}, each of {TRIES} times");
}

impl Caught {
    /// Its licence withdrawn meanwhile, nothing comes of it that anybody could read.
    pub async fn is_withheld_when_withdrawn(&self, server: &Server) {
        let (patient, institute) = (server.again(PATIENT).await, server.again(INSTITUTE).await);
        withdraw(&patient, &server.back_end, self.parcel.id, self.licence).await;
        // The house has ended it already, or finds out when it is done.
        let _ = kill_process(self.child, Signal::CONT);
        let answer = follow(&institute, institute.get(&self.place).await).await;
        answer.expect(403).problem("licence-denied");
        assert_eq!(reasons(&answer), ["Revoked"]);
        assert_eq!(patient.items().await.len(), self.items);
    }

    /// The Back End killed meanwhile, the next one takes it back.
    pub async fn is_undone_when_killed(&self, server: Server, chain: &Chain, folder: &Path) -> Server {
        server.kill().await;
        // Let go, it finds nobody to talk to and ends by itself.
        let _ = kill_process(self.child, Signal::CONT);
        until("its child is gone", async || (!is_alive(self.child)).then_some(())).await;
        let server = Server::start(chain, &chain.devnet.ws_url(), folder).await;
        server.again(INSTITUTE).await.get(&self.place).await.expect(503).problem("unavailable");
        assert_eq!(server.again(PATIENT).await.items().await.len(), self.items, "nothing half-made can be seen");
        server
    }
}
