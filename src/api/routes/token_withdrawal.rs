//! `DELETE /v1/tokens/{id}`: a Token opens nothing any more, from this moment.

use axum::{extract::State, http::StatusCode};

use crate::{
    api::{Bearer, Door, Problem, extract::PathId},
    schema::wire::MessageId,
};

/// Withdraws a Token of the caller
#[utoipa::path(delete, path = "/tokens/{id}", tag = "access", security(("token" = [])),
    params(("id" = String, Path, description = "`TokenID`.")),
    responses((status = 204, description = "Withdrawn.")))]
pub async fn withdraw_token(
    State(door): State<Door>,
    bearer: Bearer,
    PathId(id): PathId<MessageId>,
) -> Result<StatusCode, Problem> {
    match door.access.withdraw(bearer.user(), id.uuid()).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::nothing_here()),
    }
}
