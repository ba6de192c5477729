//! `POST /v1/webhooks/{id}/ping`.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    api::{Bearer, Door, Problem, extract::PathId},
    domain::operation::Operation,
};

/// A message on its way.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Ping {
    /// `webhook-id` of the message.
    #[serde(rename = "DeliveryID")]
    delivery_id: String,
}

/// Sends a message of the type `community.mpai.aih.webhook.ping` to a webhook of the caller's
#[utoipa::path(post, path = "/webhooks/{id}/ping", tag = "alerts", security(("token" = [])),
    params(("id" = String, Path, description = "WebhookID")), responses((status = 202, body = Ping)))]
pub async fn ping(
    State(door): State<Door>,
    caller: Bearer,
    PathId(id): PathId<Uuid>,
) -> Result<(StatusCode, Json<Ping>), Problem> {
    caller.must_open(Operation::AnomalyAndRiskAlerting)?;
    let delivery = door.aims.ping_webhook(caller.user(), id).await?;
    Ok((StatusCode::ACCEPTED, Json(Ping { delivery_id: delivery.to_string() })))
}
