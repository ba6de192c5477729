//! `POST /v1/webhooks/{id}/secret`.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::Secret;
use crate::{
    api::{Bearer, Door, Problem, extract::PathId},
    domain::operation::Operation,
};

/// Gives a webhook of the caller's a new secret
///
/// For a day every message is signed with the new secret and the one before, so that none is lost meanwhile.
#[utoipa::path(post, path = "/webhooks/{id}/secret", tag = "alerts", security(("token" = [])),
    params(("id" = String, Path, description = "WebhookID")), responses((status = 200, body = Secret)))]
pub async fn rotate(State(door): State<Door>, caller: Bearer, PathId(id): PathId<Uuid>) -> Result<Response, Problem> {
    caller.must_open(Operation::AnomalyAndRiskAlerting)?;
    let told = door.aims.rotate_webhook(caller.user(), id).await?;
    let mut response = Json(Secret::of(&told)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
