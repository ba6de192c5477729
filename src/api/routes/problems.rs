//! `GET /problems/{kind}`: what a kind of problem means. The `type` of every problem document leads here.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::{Kind, Problem, extract::PathId};

/// A kind of problem.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explanation {
    /// The `type` of its documents.
    r#type: &'static str,
    /// Their `title`.
    title: &'static str,
    /// Their `status`.
    status: u16,
    /// What it means and what a client can do about it.
    explanation: &'static str,
}

/// Explains a kind of problem
#[utoipa::path(get, path = "/problems/{kind}", tag = "service",
    params(("kind" = String, Path, description = "The last part of `type`.")),
    responses((status = 200, body = Explanation)))]
pub async fn problem(PathId(slug): PathId<String>) -> Result<Json<Explanation>, Problem> {
    let kind = Kind::from_slug(&slug).ok_or_else(Problem::nothing_here)?;
    Ok(Json(Explanation {
        r#type: kind.type_uri(),
        title: kind.title(),
        status: kind.status().as_u16(),
        explanation: kind.explanation(),
    }))
}
