//! `GET /v1/alerts/{id}`: an alert with what was found.

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::Alert;
use crate::{
    api::{Bearer, Door, Given, Problem, extract::PathId, once::to_the_end, problem::outgoing},
    domain::operation::Operation,
    schema::{Resource, ResourceType},
};

/// An alert with what was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Told {
    /// The alert.
    alert: Alert,
    /// ARA Data messages, the gravest first; those the caller's licence names, for the End User all.
    #[serde(rename = "ARAData")]
    ara_data: Vec<Value>,
}

impl Resource for Told {
    const TYPE: ResourceType = ResourceType::AlertFindings;
}

/// Shows an alert and what was found
///
/// The End User sees all of it. For a User they name, the chain is asked for `AnomalyAndRiskAlerting` with the usage
/// `Health Care` in that User's name, which it records; what was found is shown as far as the `AnomalyTypes` of a grant
/// that permits it say. Without such a grant the alert stands alone.
#[utoipa::path(get, path = "/alerts/{id}", tag = "alerts", security(("token" = [])),
    params(("id" = String, Path, description = "AlertID")), responses((status = 200, body = ref("#/components/schemas/AlertFindings"))))]
pub async fn read(State(door): State<Door>, caller: Bearer, PathId(id): PathId<Uuid>) -> Result<Given, Problem> {
    caller.must_open(Operation::AnomalyAndRiskAlerting)?;
    let (aims, user) = (door.aims.clone(), caller.user());
    // Whoever hangs up leaves no operation that nobody ends.
    let seen = to_the_end(async move { Ok(aims.see_alert(user, id).await?) }).await?;
    let ara_data = seen.findings.iter().map(outgoing).collect::<Result<_, _>>()?;
    Ok(Given::ok(&Told { alert: Alert::of(&seen.row)?, ara_data }))
}
