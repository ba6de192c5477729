//! `DELETE /v1/aih-data/{id}`: erasure.

use axum::{extract::State, http::StatusCode};

use crate::{
    api::{Bearer, Door, Kind, Problem, extract::PathId},
    domain::ids::AihDataId,
    domain::operation::Operation,
};

/// Erases an item of the caller's
///
/// The item's key is destroyed, and those of everything derived from it: nothing of it can be decrypted any more, from
/// any copy. The record of what was done with it stays. The licence must be withdrawn first, which only the End User's
/// signature can do.
#[utoipa::path(delete, path = "/aih-data/{id}", tag = "data", security(("token" = [])),
    params(("id" = String, Path, description = "AIH Data ID")),
    responses((status = 204, description = "Erased, now or before.")))]
pub async fn erase(
    State(door): State<Door>,
    caller: Bearer,
    PathId(id): PathId<AihDataId>,
) -> Result<StatusCode, Problem> {
    // A Token for reading alone destroys nothing.
    caller.must_open(Operation::Store)?;
    let item = door.aims.own_item(caller.user(), id).await?;
    if door.aims.is_licensed(&item).await? {
        return Err(Problem::new(
            Kind::Conflict,
            "The licence of this item still stands. Withdraw it first: POST /v1/licences/{LicenceID}/revocation.",
        ));
    }
    // Neither a client that hangs up nor a time limit cuts an erasure off.
    let aims = door.aims.clone();
    tokio::spawn(async move { aims.destroy(&item).await }).await.map_err(Problem::internal)??;
    Ok(StatusCode::NO_CONTENT)
}
