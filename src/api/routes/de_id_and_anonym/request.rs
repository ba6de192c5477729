//! `POST /v1/de-id-and-anonym`.

use std::time::Duration;

use axum::{extract::State, http::HeaderMap, response::Response};

use super::{
    super::aih_data_process::request::{PATIENCE, refuse, wants_to_wait, who},
    answer,
};
use crate::{
    aims::{aih_data_processing::request::Accepted, de_identification::request::DeIdRequest},
    api::{Bearer, Door, Message, Problem, once::Once},
    domain::{operation::Operation, taxonomy::Usage},
    schema::wire::{self, DeIdAndAnonym},
};

const ROUTE: &str = "POST /v1/de-id-and-anonym";

/// Asks for a de-identified or anonymised copy of an item
///
/// The chain judges the request and records its answer, yes or no. A yes is carried out: 200 with the ID of the copy, its
/// status, its own licence and what was done, or 202 with the place of the job when it takes longer (at once with
/// `Prefer: respond-async`). No status is claimed that is not proved: what cannot be anonymised is refused, or with
/// `De-Identify and Anonymise` pseudonymised. The same message sent again is the same request.
#[utoipa::path(post, path = "/de-id-and-anonym", tag = "data", security(("token" = [])),
    request_body(content = ref("#/components/schemas/DeIDAndAnonym"), description = "De-ID and Anonym, Request."),
    responses((status = 200, description = "De-ID and Anonym, Response.", body = ref("#/components/schemas/DeIDAndAnonym")),
        (status = 202, description = "The job is not done yet; Location says where to ask.",
            body = ref("#/components/schemas/Job"))))]
pub async fn request(
    State(door): State<Door>,
    caller: Bearer,
    once: Once,
    headers: HeaderMap,
    received: Message<DeIdAndAnonym>,
) -> Result<Response, Problem> {
    let digest = received.digest();
    let request = read(&door, &caller, received.message)?;
    let patience = if wants_to_wait(&headers) { PATIENCE } else { Duration::ZERO };
    let work = {
        let door = door.clone();
        async move { de_identify(&door, request, patience).await }
    };
    once.run(&door, caller.user(), ROUTE, digest, work).await
}

async fn de_identify(door: &Door, request: DeIdRequest, patience: Duration) -> Result<Response, Problem> {
    let operation = match door.aims.request_de_identification(request).await? {
        Accepted::Denied(operation) | Accepted::Known(operation) => operation,
        Accepted::Running(id, mut ended) => {
            // Out of patience, out of a job, or the door closes: the row says which.
            tokio::select! {
                _ = tokio::time::timeout(patience, ended.wait_for(|over| *over)) => {}
                () = door.closing() => {}
            }
            door.aims.operation(id).await?
        }
    };
    answer(door, &operation).await
}

fn read(door: &Door, caller: &Bearer, message: DeIdAndAnonym) -> Result<DeIdRequest, Problem> {
    let requester = who(door, caller, message.end_user_id.unwrap_or_else(|| caller.user()), Operation::DeIdAndAnonym)?;
    let id = message.de_id_and_anonym_id;
    let Some(request) = message.de_id_and_anonym.request() else {
        return Err(refuse("/DeIDAndAnonym", "a Request is expected here"));
    };
    let wire::DeIdAndAnonymRequest { aih_data_id, de_id_and_anonym_type, de_id_and_anonym_algo_id, usage, parameters } =
        request;
    Ok(DeIdRequest {
        message_id: id.uuid(),
        requester,
        item: aih_data_id,
        asked: de_id_and_anonym_type,
        algorithm: de_id_and_anonym_algo_id,
        // What is not said to be for something else is for the patient; the chain judges it all the same.
        usage: usage.unwrap_or(Usage::PatientUse),
        parameters: parameters.map(|parameters| parameters.0).unwrap_or_default(),
    })
}
