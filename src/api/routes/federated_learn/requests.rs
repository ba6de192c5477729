//! `GET /v1/federated-learn`: what this Back End asks of the caller's Front End; `GET /v1/federated-learn/{id}`: one round's
//! message to it: the request while it takes answers, the response with the new model afterwards.

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;

use crate::{
    api::{Bearer, Door, Given, Problem, Reply, extract::PathId, problem::outgoing},
    domain::operation::Operation,
    schema::{
        Resource, ResourceType,
        wire::{FederatedLearn, MessageId},
    },
};

/// Open requests.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Requests {
    /// Federated Learn messages, the nearest deadline first.
    requests: Vec<Value>,
}

impl Resource for Requests {
    const TYPE: ResourceType = ResourceType::FederatedLearnList;
}

/// Lists what the caller's Front End is asked to learn
#[utoipa::path(get, path = "/federated-learn", tag = "federated-learning", security(("token" = [])),
    responses((status = 200, body = ref("#/components/schemas/FederatedLearnList"))))]
pub async fn requests(State(door): State<Door>, bearer: Bearer) -> Result<Given, Problem> {
    bearer.must_open(Operation::FederatedLearning)?;
    let mut requests = Vec::new();
    for message in door.aims.open_requests(bearer.user()).await? {
        requests.push(outgoing(&message)?);
    }
    Ok(Given::ok(&Requests { requests }))
}

/// Gives a round's message to the caller's Front End: request, or response with the new model
#[utoipa::path(get, path = "/federated-learn/{id}", tag = "federated-learning", security(("token" = [])),
    params(("id" = String, Path, description = "FederatedLearnID")),
    responses((status = 200, body = ref("#/components/schemas/FederatedLearn"), description = "Federated Learn."),
        (status = 409, description = "It is being aggregated, or ended without a model.")))]
pub async fn message(
    State(door): State<Door>,
    bearer: Bearer,
    PathId(id): PathId<MessageId>,
) -> Result<Reply<FederatedLearn>, Problem> {
    bearer.must_open(Operation::FederatedLearning)?;
    let round = door.aims.round_for(id.uuid(), bearer.user()).await?;
    Ok(Reply::ok(door.aims.round_message(&round).await?))
}
