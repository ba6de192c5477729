//! `POST /v1/register/challenge`: a text for an account to sign, which proves that its holder speaks (EIP-4361).

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    api::{Door, Problem, extract::Plain},
    domain::{ids::UserId, window::rfc3339},
};

/// Which account wants to prove itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeRequest {
    /// CAIP-10 account on this Back End's chain.
    #[serde(rename = "UserID")]
    #[schema(value_type = String, example = "eip155:31337:0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")]
    user_id: UserId,
}

/// What it has to sign.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Challenge {
    /// The EIP-4361 text: sign it byte for byte (EIP-191, `personal_sign`).
    message: String,
    /// Until when, RFC 3339 UTC. Good for one proof.
    expires_at: String,
}

/// Gives a text to sign
#[utoipa::path(post, path = "/register/challenge", tag = "access", request_body = ChallengeRequest,
    responses((status = 200, body = Challenge)))]
pub async fn challenge(State(door): State<Door>, body: Plain<ChallengeRequest>) -> Result<Json<Challenge>, Problem> {
    let challenge = door.access.challenge(body.0.user_id).await?;
    let expires_at = rfc3339(u64::try_from(challenge.expires_at_s).unwrap_or_default());
    Ok(Json(Challenge { message: challenge.message, expires_at }))
}
