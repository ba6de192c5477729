//! `GET /problems/{kind}`: what a kind of problem means. The `type` of every problem document leads here.

use serde::Serialize;

use crate::{
    api::{Given, Kind, Problem, extract::PathId},
    schema::{Resource, ResourceType},
};

/// A kind of problem.
#[derive(Debug, Serialize)]
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

impl Resource for Explanation {
    const TYPE: ResourceType = ResourceType::ProblemKind;
}

/// Explains a kind of problem
#[utoipa::path(get, path = "/problems/{kind}", tag = "service",
    params(("kind" = String, Path, description = "The last part of `type`.")),
    responses((status = 200, body = ref("#/components/schemas/ProblemKind"))))]
pub async fn problem(PathId(slug): PathId<String>) -> Result<Given, Problem> {
    let kind = Kind::from_slug(&slug).ok_or_else(Problem::nothing_here)?;
    Ok(Given::ok(&Explanation {
        r#type: kind.type_uri(),
        title: kind.title(),
        status: kind.status().as_u16(),
        explanation: kind.explanation(),
    }))
}
