//! `GET /v1/de-id-and-anonym/{id}`: a job.

use axum::{extract::State, response::Response};
use uuid::Uuid;

use super::answer;
use crate::{
    api::{Bearer, Door, Problem, extract::PathId},
    db::operations::OperationKind,
};

/// Asks how far a de-identification is, and for its outcome
///
/// Only for whoever asked for it.
#[utoipa::path(get, path = "/de-id-and-anonym/{id}", tag = "data", security(("token" = [])),
    params(("id" = String, Path, description = "OperationID of the job")),
    responses((status = 200, description = "De-ID and Anonym, Response.", body = ref("#/components/schemas/DeIDAndAnonym")),
        (status = 202, description = "Not done yet.", body = ref("#/components/schemas/Job"))))]
pub async fn state(State(door): State<Door>, caller: Bearer, PathId(id): PathId<Uuid>) -> Result<Response, Problem> {
    let operation = door.aims.operation(id).await?;
    let own = operation.requester == caller.user();
    let in_the_back_ends_name = operation.requester.0 == door.aims.back_end().0 && caller.operates();
    if operation.kind != OperationKind::DeIdentify || !(own || in_the_back_ends_name) {
        return Err(Problem::nothing_here());
    }
    answer(&door, &operation).await
}
