//! `GET /v1/schemas/{id}`: one JSON Schema, by its `$id`.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

use super::all;
use crate::api::{Problem, extract::PathId};

/// Gives a JSON Schema (draft 2020-12)
#[utoipa::path(get, path = "/schemas/{id}", tag = "service",
    params(("id" = String, Path, description = "Its `$id`, percent-encoded where it holds a slash.")),
    responses((status = 200, body = String, content_type = "application/schema+json", description = "The schema."),
        (status = 404, description = "No such schema.")))]
pub async fn read(PathId(id): PathId<String>) -> Result<Response, Problem> {
    let (_, text) = all().find(|(known, _)| *known == id).ok_or_else(Problem::nothing_here)?;
    Ok(([(header::CONTENT_TYPE, "application/schema+json")], text).into_response())
}
