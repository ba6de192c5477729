//! `GET /v1/webhooks` and `GET /v1/webhooks/{id}`.

use axum::extract::State;
use serde::Serialize;
use uuid::Uuid;

use super::{Shown, time};
use crate::{
    api::{Bearer, Door, Given, Problem, extract::PathId},
    db::deliveries::DeliveryRow,
    domain::operation::Operation,
    schema::{Resource, ResourceType},
};

/// The caller's webhooks.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Webhooks {
    /// Oldest first, without secrets.
    webhooks: Vec<Shown>,
}

/// A webhook with what was sent to it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Told {
    /// The webhook.
    webhook: Shown,
    /// The newest deliveries.
    deliveries: Vec<Delivery>,
}

/// A delivery.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Delivery {
    /// `webhook-id` of the message.
    #[serde(rename = "DeliveryID")]
    delivery_id: String,
    /// `waiting`, `delivered` or `given_up`.
    state: String,
    /// Attempts so far.
    attempts: u64,
    /// What the last attempt came to, when it came to nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// RFC 3339.
    created_at: String,
    /// When it is tried next, while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<String>,
}

fn delivery(row: &DeliveryRow) -> Result<Delivery, Problem> {
    Ok(Delivery {
        delivery_id: row.id.to_string(),
        state: row.state.to_string(),
        attempts: row.attempts,
        reason: row.reason.clone(),
        created_at: time(row.created_at_us)?,
        next_attempt_at: row.ended_at_us.is_none().then(|| time(row.next_attempt_at_us)).transpose()?,
    })
}

impl Resource for Webhooks {
    const TYPE: ResourceType = ResourceType::WebhookList;
}

impl Resource for Told {
    const TYPE: ResourceType = ResourceType::WebhookDeliveries;
}

/// Lists the caller's webhooks
#[utoipa::path(get, path = "/webhooks", tag = "alerts", security(("token" = [])),
    responses((status = 200, body = ref("#/components/schemas/WebhookList"))))]
pub async fn list(State(door): State<Door>, caller: Bearer) -> Result<Given, Problem> {
    caller.must_open(Operation::AnomalyAndRiskAlerting)?;
    let webhooks = door.aims.webhooks_of(caller.user()).await?;
    Ok(Given::ok(&Webhooks { webhooks: webhooks.iter().map(Shown::of).collect::<Result<_, _>>()? }))
}

/// Shows a webhook of the caller's and what became of the newest deliveries
#[utoipa::path(get, path = "/webhooks/{id}", tag = "alerts", security(("token" = [])),
    params(("id" = String, Path, description = "WebhookID")), responses((status = 200, body = ref("#/components/schemas/WebhookDeliveries"))))]
pub async fn read(State(door): State<Door>, caller: Bearer, PathId(id): PathId<Uuid>) -> Result<Given, Problem> {
    caller.must_open(Operation::AnomalyAndRiskAlerting)?;
    let (webhook, deliveries) = door.aims.webhook_of(caller.user(), id).await?;
    let deliveries = deliveries.iter().map(delivery).collect::<Result<_, _>>()?;
    Ok(Given::ok(&Told { webhook: Shown::of(&webhook)?, deliveries }))
}
