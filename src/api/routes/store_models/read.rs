//! `GET /v1/store/models/{id}`: one model, as an ML Model Object with its provenance and signature.

use axum::extract::State;

use crate::{
    aims::federated_learning::message,
    api::{Bearer, Door, Problem, Reply, extract::PathId},
    schema::wire::{MessageId, MlModelObject},
};

/// Gives a model's ML Model Object
///
/// `MLModelQualifier` holds its digest, the Back End's signature over that, its parent, the round that made it, and, for an
/// operator, the licences of all data behind it; `MLModelData` says where its bytes are.
#[utoipa::path(get, path = "/store/models/{id}", tag = "store", security(("token" = [])),
    params(("id" = String, Path, description = "ML Model Object ID")),
    responses((status = 200, body = ref("#/components/schemas/MLModelObject"), description = "ML Model Object."), (status = 404, description = "No such model.")))]
pub async fn read(
    State(door): State<Door>,
    bearer: Bearer,
    PathId(id): PathId<MessageId>,
) -> Result<Reply<MlModelObject>, Problem> {
    let row = door.aims.database.find_model(id.uuid()).await?.ok_or_else(Problem::nothing_here)?;
    Ok(Reply::ok(message::model(&row, bearer.operates())?))
}
