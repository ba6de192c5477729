//! `DELETE /v1/webhooks/{id}`.

use axum::{extract::State, http::StatusCode};
use uuid::Uuid;

use crate::{
    api::{Bearer, Door, Problem, extract::PathId},
    domain::operation::Operation,
};

/// Removes a webhook of the caller's, with what waits for it
#[utoipa::path(delete, path = "/webhooks/{id}", tag = "alerts", security(("token" = [])),
    params(("id" = String, Path, description = "WebhookID")), responses((status = 204, description = "Removed.")))]
pub async fn remove(State(door): State<Door>, caller: Bearer, PathId(id): PathId<Uuid>) -> Result<StatusCode, Problem> {
    caller.must_open(Operation::AnomalyAndRiskAlerting)?;
    door.aims.remove_webhook(caller.user(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
