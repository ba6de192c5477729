//! `POST /v1/webhooks`.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{Secret, location};
use crate::{
    api::{
        Bearer, Door, Given, Problem,
        extract::Plain,
        once::{Once, digest},
    },
    domain::{ids::UserId, operation::Operation},
    schema::{Resource, ResourceType},
};

const ROUTE: &str = "POST /v1/webhooks";

/// Where to be told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// `https`, a public host, port 443 or 8443.
    #[serde(rename = "URL")]
    url: String,
}

impl Resource for Wish {
    const TYPE: ResourceType = ResourceType::WebhookRequest;
}

/// Registers an address at which the caller wants to be told
///
/// What is sent there are CloudEvents in JSON, signed after Standard Webhooks with the secret in this answer, which is
/// not shown again. They name alerts and hold nothing of what was found. An address is tried for about half a day;
/// 410 ends it. At most 8 for each user.
#[utoipa::path(post, path = "/webhooks", tag = "alerts", security(("token" = [])), request_body = ref("#/components/schemas/WebhookRequest"),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key gives the first answer again.")),
    responses((status = 201, body = ref("#/components/schemas/WebhookSecret"))))]
pub async fn register(
    State(door): State<Door>,
    caller: Bearer,
    once: Once,
    Plain(wish): Plain<Wish>,
) -> Result<Response, Problem> {
    caller.must_open(Operation::AnomalyAndRiskAlerting)?;
    let (user, house, digest) = (caller.user(), door.clone(), digest(wish.url.as_bytes()));
    once.run(&door, user, ROUTE, digest, async move { register_for(&house, user, &wish).await }).await
}

async fn register_for(door: &Door, user: UserId, wish: &Wish) -> Result<Response, Problem> {
    let told = door.aims.register_webhook(user, &wish.url).await?;
    let given = Given::ok(&Secret::of(&told)).with_status(StatusCode::CREATED);
    Ok(given.at(&location(told.id)).not_stored().into_response())
}
