//! `POST /v1/alerts/{id}/clearance`.

use axum::extract::State;
use uuid::Uuid;

use super::Alert;
use crate::{
    api::{Bearer, Door, Given, Problem, extract::PathId},
    domain::operation::Operation,
};

/// Says that an acknowledged alert needs no attention any more
///
/// The End User may, and a User they named whose licence lets them see what was found. An alert that nobody acknowledged
/// is a conflict. Everybody who was told hears of it. Once more changes nothing.
#[utoipa::path(post, path = "/alerts/{id}/clearance", tag = "alerts", security(("token" = [])),
    params(("id" = String, Path, description = "AlertID")), responses((status = 200, body = ref("#/components/schemas/Alert"))))]
pub async fn clear(State(door): State<Door>, caller: Bearer, PathId(id): PathId<Uuid>) -> Result<Given, Problem> {
    caller.must_open(Operation::AnomalyAndRiskAlerting)?;
    Ok(Given::ok(&Alert::of(&door.aims.clear_alert(caller.user(), id).await?)?))
}
