//! `POST /v1/alerts/{id}/acknowledgement`.

use axum::extract::State;
use uuid::Uuid;

use super::Alert;
use crate::{
    api::{Bearer, Door, Given, Problem, extract::PathId},
    domain::operation::Operation,
};

/// Says that somebody looks after an alert
///
/// The End User may, and whoever they named and was told. Everybody who was told hears of it. Once more changes nothing.
#[utoipa::path(post, path = "/alerts/{id}/acknowledgement", tag = "alerts", security(("token" = [])),
    params(("id" = String, Path, description = "AlertID")), responses((status = 200, body = ref("#/components/schemas/Alert"))))]
pub async fn acknowledge(State(door): State<Door>, caller: Bearer, PathId(id): PathId<Uuid>) -> Result<Given, Problem> {
    caller.must_open(Operation::AnomalyAndRiskAlerting)?;
    Ok(Given::ok(&Alert::of(&door.aims.acknowledge_alert(caller.user(), id).await?)?))
}
