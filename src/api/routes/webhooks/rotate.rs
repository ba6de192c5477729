//! `POST /v1/webhooks/{id}/secret`.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::Secret;
use crate::{
    api::{
        Bearer, Door, Given, Problem,
        extract::PathId,
        once::{Once, digest},
    },
    domain::{ids::UserId, operation::Operation},
};

const ROUTE: &str = "POST /v1/webhooks/{id}/secret";

/// Gives a webhook of the caller's a new secret
///
/// Sent again under the same `Idempotency-Key` it gives the same secret: a second rotation would drop the one before the
/// first, which a receiver may still have. For a day every message is signed with the new secret and the one before, so that none is lost meanwhile.
#[utoipa::path(post, path = "/webhooks/{id}/secret", tag = "alerts", security(("token" = [])),
    params(
        ("id" = String, Path, description = "WebhookID"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key gives the first answer again.")
    ),
    responses((status = 200, body = ref("#/components/schemas/WebhookSecret"))))]
pub async fn rotate(
    State(door): State<Door>,
    caller: Bearer,
    once: Once,
    PathId(id): PathId<Uuid>,
) -> Result<Response, Problem> {
    caller.must_open(Operation::AnomalyAndRiskAlerting)?;
    let (user, house) = (caller.user(), door.clone());
    once.run(&door, user, ROUTE, digest(id.as_bytes()), async move { rotate_for(&house, user, id).await }).await
}

async fn rotate_for(door: &Door, user: UserId, id: Uuid) -> Result<Response, Problem> {
    let told = door.aims.rotate_webhook(user, id).await?;
    Ok(Given::ok(&Secret::of(&told)).not_stored().into_response())
}
