//! Audits: complete, honest about what was not covered, and checkable from outside.
//!
//! | File | What |
//! | --- | --- |
//! | [`told`] | what an audit tells, to whom, in which forms |
//! | [`uncovered`] | what the house did without a recorded yes is listed |
//! | [`outside`] | audits and answers checked with a node and nothing else |

mod outside;
mod told;
mod uncovered;

use health_back_end::{
    domain::{ids::AihDataId, licence_event::Evidence, taxonomy::UserClass},
    licensing::{Licensing, confirm::Question},
    schema::{
        self,
        wire::{Audit, AuditResponse, Exchange, NonConformityKind as Kind},
    },
    verify::{Finding, Verification, verify},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::environment::{
    INSTITUTE, PATIENT,
    copy::{Copy, permitted, question},
    house::{Client, House, urn},
    key,
};

/// Another End User.
const NEIGHBOUR: usize = 5;

/// A house with a patient, an institute, a licensed item and a clerk at work.
struct Scene {
    house: House,
    copy: Copy,
    gate: Licensing,
    patient: Client,
    item: AihDataId,
    licence: alloy::primitives::Address,
    stop: CancellationToken,
    clerk: JoinHandle<()>,
}

impl Scene {
    async fn set() -> Self {
        let house = House::start().await;
        let patient = house.end_user(PATIENT).await;
        house.chain.vouch(key(INSTITUTE).address(), UserClass::NonProfitEntity).await;
        let copy = Copy::of(&house);
        let gate = house.door.aims.licensing.clone();
        let (item, licence) = house.chain.license(&gate).await;
        copy.keep(item, key(PATIENT).address(), licence, None).await;
        let stop = CancellationToken::new();
        let clerk = tokio::spawn(copy.indexer().run(stop.clone()));
        Self { house, copy, gate, patient, item, licence, stop, clerk }
    }

    async fn strike(self) {
        self.stop.cancel();
        self.clerk.await.unwrap();
        self.house.stop().await;
    }

    fn asked(&self) -> Question {
        question(self.item, key(INSTITUTE).address())
    }

    /// Executes an operation as the house says, `after_s` seconds from now.
    async fn start(&self, id: uuid::Uuid, after_s: i64) {
        let at = self.copy.clock.micros() + after_s * 1_000_000;
        self.copy.database.start_operation(id, at, self.gate.vigil().head()).await.unwrap().required().unwrap();
    }

    /// A permitted and executed operation.
    async fn process(&self) -> (Question, Evidence) {
        let asked = self.asked();
        let evidence = permitted(&self.gate, &asked).await;
        let id = self.copy.record(&asked, &evidence, |_| ()).await;
        self.start(id, 0).await;
        (asked, evidence)
    }

    async fn audit(&self) -> AuditResponse {
        let answer = self.patient.post("/v1/audit", &message(&self.patient.user.to_string())).await;
        answer.expect(200);
        response(&answer.bytes)
    }

    async fn verified(&self, response: &AuditResponse) -> Vec<Finding> {
        let asked = Verification {
            end_user: self.patient.user,
            period: None,
            operations: None,
            response: Some(response.clone()),
            first_block: 0,
        };
        let report = verify(&self.house.chain.node(), &asked).await.unwrap();
        assert_eq!(report.holds(), report.to_string().ends_with("Everything agrees with the chain."));
        report.findings
    }
}

fn message(user: &str) -> Value {
    json!({
        "Header": "AIH-ADT-V1.0",
        "AuditID": urn(),
        "AuditTime": "2026-03-01T09:00:00Z",
        "Audit": {"Request": {
            "UserID": user,
            "AuditPeriod": {"StartTime": "2020-01-01T00:00:00Z", "EndTime": "2099-01-01T00:00:00Z"},
        }},
    })
}

fn response(bytes: &[u8]) -> AuditResponse {
    let audit = schema::read::<Audit>(bytes, 1 << 24).unwrap().message.audit;
    let Exchange::Response(response) = audit else { panic!("no response") };
    response
}

fn kinds(response: &AuditResponse) -> Vec<Kind> {
    response.non_conformities.iter().flatten().map(|fault| fault.kind).collect()
}
