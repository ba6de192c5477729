//! The rooms: the SubAIMs of the Health Back End. Storage and AIH Data Processing are files and a folder here as well. Each operation on data takes a `Permit`; none imports the chain.
//!
//! | AIM | File |
//! | --- | --- |
//! | Auditing (AIH-ADT) | [`auditing`] |
//! | Anomaly and Risk Alerting (AIH-ARA) | [`anomaly_and_risk`] |
//! | De-Identification and Anonymisation (AIH-DIA) | [`de_identification`] |
//! | Health Federated Learning (AIH-HFL) | [`federated_learning`] |
//!
//! What they share: an operation is noted, looked at and asked of the chain in [`asking`]; payloads are kept in [`storage`]
//! and handed out in [`retrieval`]. Every work on a payload runs inside `Aims::while_licensed`, so that a licence that falls
//! stops it.

mod acts;
pub mod ai_modules;
pub mod aih_data_processing;
pub mod anomaly_and_risk;
pub mod asking;
pub mod auditing;
pub mod de_identification;
mod derivation;
mod descriptions;
pub mod driven;
pub mod erasure;
mod error;
pub mod federated_learning;
pub mod licence_change;
pub mod licence_withdrawal;
pub mod restore;
pub mod retrieval;
mod running;
pub mod storage;
mod turns;

use std::sync::Arc;

pub use error::AimError;

use crate::{
    clock::Clock,
    db::Database,
    domain::ids::BackEndId,
    licensing::Licensing,
    mpai_store::models::shelf::Shelf,
    store::{Objects, RootKey},
};

/// What the rooms share. Copies are cheap.
#[derive(Clone)]
pub struct Aims {
    shared: Arc<Shared>,
    running: running::Running,
    turns: turns::Turns,
}

/// What stands between the rooms.
pub struct Shared {
    /// The gate.
    pub licensing: Licensing,
    /// The cellar.
    pub database: Database,
    /// The sealed objects.
    pub objects: Objects,
    /// What wraps every End User's key.
    pub root_key: RootKey,
    /// The models of the MPAI Store.
    pub models: Shelf,
    /// Where AI Modules run.
    pub worker: ai_modules::worker::Worker,
    /// What Anomaly and Risk Alerting looks for.
    pub rules: anomaly_and_risk::rules::Rules,
    /// Which hosts webhooks may point to.
    pub targets: anomaly_and_risk::webhooks::target::Targets,
    /// Sends what waits for webhooks.
    pub courier: anomaly_and_risk::webhooks::courier::Courier,
    /// The time.
    pub clock: Clock,
}

impl Aims {
    /// The rooms of one Back End.
    pub fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared), running: running::Running::default(), turns: turns::Turns::default() }
    }

    /// This Back End's ID.
    pub fn back_end(&self) -> BackEndId {
        self.shared.licensing.node().back_end()
    }
}

impl std::ops::Deref for Aims {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}
