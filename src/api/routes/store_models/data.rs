//! `GET /v1/store/models/{id}/data`: the bytes of a model, hashed before the first one leaves; its signature must
//! hold too.

use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use crate::{
    aims::federated_learning::library::pieces,
    api::{Bearer, Door, Problem, extract::PathId},
    schema::wire::MessageId,
};

/// Streams the bytes of a model
#[utoipa::path(get, path = "/store/models/{id}/data", tag = "store", security(("token" = [])),
    params(("id" = String, Path, description = "ML Model Object ID")),
    responses((status = 200, description = "The model.", content_type = "application/octet-stream"),
        (status = 404, description = "No such model.")))]
pub async fn data(State(door): State<Door>, _: Bearer, PathId(id): PathId<MessageId>) -> Result<Response, Problem> {
    let row = door.aims.database.find_model(id.uuid()).await?.ok_or_else(Problem::nothing_here)?;
    door.aims.library().must_be_signed(&row)?;
    let blobs = door.aims.models.blobs.clone();
    let file = tokio::task::spawn_blocking(move || blobs.verified(row.digest)).await.map_err(Problem::internal)?;
    let file = file.map_err(Problem::internal)?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, row.length.to_string()),
        (header::CACHE_CONTROL, "private, immutable".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    Ok((headers, Body::from_stream(pieces(file))).into_response())
}
