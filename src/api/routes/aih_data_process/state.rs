//! `GET /v1/aih-data-process/{id}`: a job.

use axum::{extract::State, response::Response};
use uuid::Uuid;

use super::answer;
use crate::{
    api::{Bearer, Door, Problem, extract::PathId},
    db::operations::OperationKind,
};

/// Asks how far a job is, and for its result
///
/// Only for whoever asked for it. Before a result is handed out the licence is asked again.
#[utoipa::path(get, path = "/aih-data-process/{id}", tag = "data", security(("token" = [])),
    params(("id" = String, Path, description = "OperationID of the job")),
    responses((status = 200, description = "AIH Data Process, Response.", body = ref("#/components/schemas/AIHDataProcess")),
        (status = 202, description = "Not done yet.", body = ref("#/components/schemas/Job"))))]
pub async fn state(State(door): State<Door>, caller: Bearer, PathId(id): PathId<Uuid>) -> Result<Response, Problem> {
    let operation = door.aims.operation(id).await?;
    let own = operation.requester == caller.user();
    let in_the_back_ends_name = operation.requester.0 == door.aims.back_end().0 && caller.operates();
    if operation.kind != OperationKind::Process || !(own || in_the_back_ends_name) {
        return Err(Problem::nothing_here());
    }
    answer(&door, &operation).await
}
