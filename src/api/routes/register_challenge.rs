//! `POST /v1/register/challenge`: a text for an account to sign, which proves that its holder speaks (EIP-4361).

use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::{
    api::{Door, Given, Problem, extract::Plain},
    domain::{ids::UserId, window::rfc3339},
    schema::{Resource, ResourceType},
};

/// Which account wants to prove itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengeRequest {
    /// CAIP-10 account on this Back End's chain.
    #[serde(rename = "UserID")]
    user_id: UserId,
}

/// What it has to sign.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Challenge {
    /// The EIP-4361 text: sign it byte for byte (EIP-191, `personal_sign`).
    message: String,
    /// Until when, RFC 3339 UTC. Good for one proof.
    expires_at: String,
}

impl Resource for ChallengeRequest {
    const TYPE: ResourceType = ResourceType::ChallengeRequest;
}

impl Resource for Challenge {
    const TYPE: ResourceType = ResourceType::Challenge;
}

/// Gives a text to sign
#[utoipa::path(post, path = "/register/challenge", tag = "access", request_body = ref("#/components/schemas/ChallengeRequest"),
    responses((status = 200, body = ref("#/components/schemas/Challenge"))))]
pub async fn challenge(State(door): State<Door>, body: Plain<ChallengeRequest>) -> Result<Given, Problem> {
    let challenge = door.access.challenge(body.0.user_id).await?;
    let expires_at = rfc3339(u64::try_from(challenge.expires_at_s).unwrap_or_default());
    Ok(Given::ok(&Challenge { message: challenge.message, expires_at }))
}
