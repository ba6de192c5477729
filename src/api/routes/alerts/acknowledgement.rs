//! `POST /v1/alerts/{id}/acknowledgement`.

use axum::{Json, extract::State};
use uuid::Uuid;

use super::Alert;
use crate::{
    api::{Bearer, Door, Problem, extract::PathId},
    domain::operation::Operation,
};

/// Says that somebody looks after an alert
///
/// The End User may, and whoever they named and was told. Everybody who was told hears of it. Once more changes nothing.
#[utoipa::path(post, path = "/alerts/{id}/acknowledgement", tag = "alerts", security(("token" = [])),
    params(("id" = String, Path, description = "AlertID")), responses((status = 200, body = Alert)))]
pub async fn acknowledge(
    State(door): State<Door>,
    caller: Bearer,
    PathId(id): PathId<Uuid>,
) -> Result<Json<Alert>, Problem> {
    caller.must_open(Operation::AnomalyAndRiskAlerting)?;
    Ok(Json(Alert::of(&door.aims.acknowledge_alert(caller.user(), id).await?)?))
}
