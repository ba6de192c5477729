//! `POST /v1/webhooks/{id}/ping`.

use axum::{extract::State, http::StatusCode};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    api::{Bearer, Door, Given, Problem, extract::PathId},
    domain::operation::Operation,
    schema::{Resource, ResourceType},
};

/// A message on its way.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Ping {
    /// `webhook-id` of the message.
    #[serde(rename = "DeliveryID")]
    delivery_id: String,
}

impl Resource for Ping {
    const TYPE: ResourceType = ResourceType::WebhookPing;
}

/// Sends a message of the type `community.mpai.aih.webhook.ping` to a webhook of the caller's
#[utoipa::path(post, path = "/webhooks/{id}/ping", tag = "alerts", security(("token" = [])),
    params(("id" = String, Path, description = "WebhookID")), responses((status = 202, body = ref("#/components/schemas/WebhookPing"))))]
pub async fn ping(State(door): State<Door>, caller: Bearer, PathId(id): PathId<Uuid>) -> Result<Given, Problem> {
    caller.must_open(Operation::AnomalyAndRiskAlerting)?;
    let delivery = door.aims.ping_webhook(caller.user(), id).await?;
    Ok(Given::ok(&Ping { delivery_id: delivery.to_string() }).with_status(StatusCode::ACCEPTED))
}
