//! `POST /v1/aih-data-process`.

use std::time::Duration;

use axum::{extract::State, http::HeaderMap, response::Response};

use super::answer;
use crate::{
    aims::{aih_data_processing::request::Accepted, asking::ProcessRequest},
    api::{Bearer, Door, Kind, Message, Problem, once::Once},
    domain::{ids::UserId, operation::Operation, taxonomy::Usage},
    schema::{
        Violation,
        wire::{self, AihDataProcess, DataOrId},
    },
};

/// How long a request waits for its job before it is told where to ask later.
pub(in crate::api::routes) const PATIENCE: Duration = Duration::from_secs(10);
const ROUTE: &str = "POST /v1/aih-data-process";

/// Asks for an item to be processed
///
/// The chain judges the request and records its answer, yes or no. A yes is carried out: 200 with the result, a new item
/// with a licence of its own, or 202 with the place of the job when it takes longer (at once with
/// `Prefer: respond-async`). A no is a problem of the kind `licence-denied` with every failing term. The same message
/// sent again is the same request.
#[utoipa::path(post, path = "/aih-data-process", tag = "data", security(("token" = [])),
    request_body(content = ref("#/components/schemas/AIHDataProcess"), description = "AIH Data Process, Request."),
    responses((status = 200, description = "AIH Data Process, Response.", body = ref("#/components/schemas/AIHDataProcess")),
        (status = 202, description = "The job is not done yet; Location says where to ask.", body = ref("#/components/schemas/Job"))))]
pub async fn request(
    State(door): State<Door>,
    caller: Bearer,
    once: Once,
    headers: HeaderMap,
    received: Message<AihDataProcess>,
) -> Result<Response, Problem> {
    let digest = received.digest();
    let request = read(&door, &caller, received.message)?;
    let patience = if wants_to_wait(&headers) { PATIENCE } else { Duration::ZERO };
    let work = {
        let door = door.clone();
        async move { process(&door, request, patience).await }
    };
    once.run(&door, caller.user(), ROUTE, digest, work).await
}

async fn process(door: &Door, request: ProcessRequest, patience: Duration) -> Result<Response, Problem> {
    let operation = match door.aims.request_processing(request).await? {
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

fn read(door: &Door, caller: &Bearer, message: AihDataProcess) -> Result<ProcessRequest, Problem> {
    let requester = who(door, caller, message.user_id, Operation::AihDataProcessing)?;
    let id = message.aih_data_process_id;
    let Some(request) = message.aih_data_process.request() else {
        return Err(refuse("/AIHDataProcess", "a Request is expected here"));
    };
    let wire::ProcessRequest { data, processing_type, usage, parameters, .. } = *request;
    let DataOrId::Id(item) = data else {
        return Err(refuse("/AIHDataProcess/Request/AIHData", "upload the item first and name it by AIHDataID"));
    };
    if !processing_type.is_processing_type() {
        return Err(refuse(
            "/AIHDataProcess/Request/ProcessingType",
            "one of the forty AIH Data Processing Types is expected; other services have routes of their own",
        ));
    }
    Ok(ProcessRequest {
        message_id: Some(id.uuid()),
        requester,
        item,
        operation: processing_type,
        // What is not said to be for something else is for the patient; the chain judges it all the same.
        usage: usage.unwrap_or(Usage::PatientUse),
        parameters: parameters.map(|parameters| parameters.0).unwrap_or_default(),
    })
}

/// A user asks for themselves; an operator may ask in the Back End's name.
pub(in crate::api::routes) fn who(
    door: &Door,
    caller: &Bearer,
    named: UserId,
    service: Operation,
) -> Result<UserId, Problem> {
    let back_end = door.aims.back_end();
    if named.0 == back_end.0 {
        caller.must_operate()?;
        return Ok(named);
    }
    caller.must_open(service)?;
    if named == caller.user() {
        Ok(named)
    } else {
        Err(Problem::new(Kind::Forbidden, "UserID must be the account of the Token."))
    }
}

/// Whether the client would wait for the end.
pub(in crate::api::routes) fn wants_to_wait(headers: &HeaderMap) -> bool {
    let prefer = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    !prefer.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case("respond-async"))
}

/// A part of a message that does not fit.
pub(in crate::api::routes) fn refuse(pointer: &str, reason: &str) -> Problem {
    let violation =
        Violation { pointer: pointer.to_owned(), keyword: "refused".to_owned(), message: reason.to_owned() };
    Problem::new(Kind::SchemaViolation, format!("{pointer}: {reason}")).at(vec![violation])
}
