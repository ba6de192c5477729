//! Works that are caught in the middle: begun, and their child process stopped, so that they stay begun. What then happens
//! to them is the same whatever they are.

use std::path::Path;

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
}

pub fn is_alive(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

/// Uploads a parcel, asks for something to be done with it, and catches it.
pub async fn catch_at(
    server: &Server,
    (patient, institute): (&Client, &Client),
    parcel: Parcel,
    (path, message): (&str, Value),
) -> Caught {
    let licence = licence_in(&parcel.send_in_parts(patient).await.expect(201).body);
    let later = institute.request(Method::POST, path).header("prefer", "respond-async");
    let told = send(later.json(&message)).await;
    let place = told.expect(202).header("location").to_owned();
    assert!(place.starts_with(path), "{place}");
    let child = until("its child runs", async || server.children().first().copied()).await;
    kill_process(child, Signal::STOP).unwrap();
    assert_eq!(institute.get(&place).await.expect(202).body["State"], "running");
    Caught { parcel, licence, message, place, child }
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
        assert_eq!(patient.items().await.len(), 1);
    }

    /// The Back End killed meanwhile, the next one takes it back.
    pub async fn is_undone_when_killed(&self, server: Server, chain: &Chain, folder: &Path) -> Server {
        server.kill().await;
        // Let go, it finds nobody to talk to and ends by itself.
        let _ = kill_process(self.child, Signal::CONT);
        until("its child is gone", async || (!is_alive(self.child)).then_some(())).await;
        let server = Server::start(chain, &chain.devnet.ws_url(), folder).await;
        server.again(INSTITUTE).await.get(&self.place).await.expect(503).problem("unavailable");
        assert_eq!(server.again(PATIENT).await.items().await.len(), 1, "nothing half-made can be seen");
        server
    }
}
