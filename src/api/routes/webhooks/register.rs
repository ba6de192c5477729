//! `POST /v1/webhooks`.

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Secret, location};
use crate::{
    api::{
        Bearer, Door, Problem,
        extract::Plain,
        once::{Once, digest},
    },
    domain::{ids::UserId, operation::Operation},
};

const ROUTE: &str = "POST /v1/webhooks";

/// Where to be told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// `https`, a public host, port 443 or 8443.
    #[serde(rename = "URL")]
    url: String,
}

/// Registers an address at which the caller wants to be told
///
/// What is sent there are CloudEvents in JSON, signed after Standard Webhooks with the secret in this answer, which is
/// not shown again. They name alerts and hold nothing of what was found. An address is tried for about half a day;
/// 410 ends it. At most 8 for each user.
#[utoipa::path(post, path = "/webhooks", tag = "alerts", security(("token" = [])), request_body = Wish,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key gives the first answer again.")),
    responses((status = 201, body = Secret)))]
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
    let mut response = (StatusCode::CREATED, Secret::of(&told)).into_response();
    // A path with a UUID in it is a header value.
    if let Ok(place) = HeaderValue::from_str(&location(told.id)) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}
