//! Anomaly and Risk Alerting through the house: a fast heart, found and told to whom it is for, and to nobody else.
//!
//! | File | What |
//! | --- | --- |
//! | [`asked`] | when the chain is asked at all |
//! | [`told`] | what is found reaches streams, webhooks, results and readers, each as far as it is theirs |
//! | [`arrivals`] | what has arrived is looked into, whatever happens meanwhile |
//! | [`acts`] | naming recipients, acknowledging, clearing |
//! | [`shares`] | on every path findings leave by: the types a licence names, and no others |
//! | [`expiry`] | a licence that has run out |
//! | [`webhooks`] | addresses that are refused, receivers that fail, secrets that are replaced, restarts |
//! | [`delays`] | how long pauses are, and how long an old secret signs |
//! | [`hostile`] | receivers that lie, drip, flood and send elsewhere; names that change their minds |
//! | [`documented`] | the table of rules in docs/alerting.md |
//! | [`cost`] | what alerting adds to the time of a processing |
//!
//! [`receiver`] is the other end of a webhook.

mod acts;
mod arrivals;
mod asked;
mod cost;
mod delays;
mod documented;
mod expiry;
mod hostile;
mod receiver;
mod shares;
mod told;
mod webhooks;

use health_back_end::{
    aims::aih_data_processing::ecg::{
        edf_writer::{self, EdfContents},
        synthetic::SyntheticEcg,
    },
    db::operations::{OperationKind, OperationRow},
    domain::{ids::AihDataId, taxonomy::UserClass},
    front_end::{paperwork, recording::Recording},
};
use serde_json::{Value, json};
use time::macros::datetime;

pub use crate::items::server::until;
use crate::{
    environment::{
        house::{Client, House},
        scene,
    },
    items::paper::{self, Parcel},
};

pub const ALERTING: &str = "AnomalyAndRiskAlerting";

/// A patient, an institute that processes, a caregiver.
pub struct Scene {
    pub house: House,
    pub patient: Client,
    pub institute: Client,
    pub caregiver: Client,
}

/// What the licence of an item says about findings.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// Whether the Back End may look for them.
    pub licensed: bool,
    /// Which the institute receives with its results.
    pub institute: &'a [&'a str],
    /// Which caregivers receive when they look at an alert; `None` without a grant to them.
    pub caregivers: Option<&'a [&'a str]>,
}

pub const LOOKED_FOR: Terms<'static> = Terms { licensed: true, institute: &[], caregivers: None };

impl Scene {
    pub async fn new() -> Self {
        let scene::Scene { house, patient, institute } = scene::Scene::set().await;
        let caregiver = house.third_party(5, UserClass::Caregiver).await;
        Self { house, patient, institute, caregiver }
    }

    /// A recording of the patient's under these terms.
    pub fn parcel(&self, recording: &Recording, terms: Terms<'_>) -> Parcel {
        let back_end = self.house.chain.deployment.back_end();
        let id = paper::new_item();
        let document = licence(&self.patient, &back_end, id, terms);
        paper::sealed(&self.patient, &back_end, id, document, recording)
    }

    /// Uploads a recording and waits until the Back End has looked into it.
    pub async fn uploaded(&self, recording: &Recording, terms: Terms<'_>) -> Parcel {
        let parcel = self.parcel(recording, terms);
        parcel.send_in_parts(&self.patient).await.expect(201);
        until("the item was looked into", async || {
            let operations = self.house.database.list_operations_on_item(parcel.id, None, 100).await.unwrap().rows;
            let looked = |row: &OperationRow| row.kind == OperationKind::Alert && row.finished_at_us.is_some();
            operations.iter().any(looked).then_some(())
        })
        .await;
        parcel
    }

    /// The patient's newest alert.
    pub async fn alert(&self) -> Value {
        let answer = self.patient.get("/v1/alerts").await;
        answer.expect(200).body["Alerts"][0].clone()
    }

    pub async fn name(&self, recipients: &[&Client]) {
        let users: Vec<String> = recipients.iter().map(|client| client.user.to_string()).collect();
        let body = json!({ "Recipients": users });
        crate::environment::house::send(
            self.patient.request(reqwest::Method::PUT, "/v1/alerts/recipients").json(&body),
        )
        .await
        .expect(200);
    }
}

pub fn licence(
    patient: &Client,
    back_end: &health_back_end::domain::ids::BackEndId,
    id: AihDataId,
    terms: Terms<'_>,
) -> Value {
    let mut wish = paper::wish(id);
    if terms.licensed {
        wish.back_end_processes.push(ALERTING.to_owned());
    }
    let mut document = paperwork::write(&wish, &patient.user, back_end);
    let grant = &mut document["ModelLicenceData"]["ThirdPartyUserLicence"];
    if !terms.institute.is_empty() {
        grant["AnomalyTypes"] = json!(terms.institute);
    }
    if let Some(types) = terms.caregivers {
        let mut other = grant.clone();
        other["UserTypes"] = json!(["Caregiver"]);
        other["ProcessTypes"] = json!([ALERTING]);
        other["UsageTypes"] = json!(["Health Care"]);
        other.as_object_mut().unwrap().remove("AnomalyTypes");
        if !types.is_empty() {
            other["AnomalyTypes"] = json!(types);
        }
        *grant = json!([grant.clone(), other]);
    }
    document
}

/// Two minutes at a rate per minute.
pub fn heart(rate: f64) -> Recording {
    heart_of(&[rate])
}

/// A heart that beats at each of these rates for two minutes: when they differ, its level moves, which is an anomaly of
/// another type than being fast.
pub fn heart_of(rates: &[f64]) -> Recording {
    let made = |rate: &f64| SyntheticEcg { mean_heart_rate_bpm: *rate, ..SyntheticEcg::default() }.generate().unwrap();
    let samples_mv: Vec<_> = rates.iter().flat_map(|rate| made(rate).samples_mv).collect();
    let contents = EdfContents {
        start: datetime!(2026-01-01 08:00),
        sampling_rate_hz: 250,
        label: "ECG II",
        samples_mv: &samples_mv,
        beat_times_s: &[],
        beat_text: "N",
    };
    let mut bytes = Vec::new();
    edf_writer::write(&contents, &mut bytes).unwrap();
    let qualifier = json!({"DataClass": "PhysiologicalSignal", "Format": "EDF+"});
    Recording { description: String::new(), qualifier, bytes, true_beats: None }
}
