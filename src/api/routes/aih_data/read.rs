//! `GET /v1/aih-data/{id}`: what an item is, without its payload.

use axum::extract::State;

use super::message_with_findings;
use crate::{
    aims::anomaly_and_risk::reading::Eyes,
    api::{Bearer, Door, Problem, Reply, extract::PathId},
    db::data_items::DataItemState,
    domain::ids::AihDataId,
    domain::operation::Operation,
    schema::wire::AihData,
};

/// Describes an item of the caller's
///
/// The payload has an address of its own, `AIHData.DataURI`. `ARAData` holds what Anomaly and Risk Alerting found.
#[utoipa::path(get, path = "/aih-data/{id}", tag = "data", security(("token" = [])),
    params(("id" = String, Path, description = "AIH Data ID")),
    responses((status = 200, description = "AIH Data.", body = ref("#/components/schemas/AIHData"))))]
pub async fn read(
    State(door): State<Door>,
    caller: Bearer,
    PathId(id): PathId<AihDataId>,
) -> Result<Reply<AihData>, Problem> {
    caller.must_open_any(&[Operation::Store, Operation::Retrieve])?;
    let item = door.aims.own_item(caller.user(), id).await?;
    match item.state {
        DataItemState::Stored => Ok(Reply::ok(message_with_findings(&door, &item, None, Eyes::EndUser).await?)),
        DataItemState::Erased => Err(crate::aims::AimError::Erased.into()),
        DataItemState::Announced | DataItemState::Licensed => Err(Problem::nothing_here()),
    }
}
