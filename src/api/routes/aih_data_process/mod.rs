//! `/v1/aih-data-process`: requests to process items, and the jobs they become.

pub mod request;
pub mod state;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::TryStreamExt;
use serde::Serialize;
use uuid::Uuid;

use super::aih_data;
use crate::{
    aims::{
        AimError,
        aih_data_processing::job::withheld_for,
        asking::{may_know, message_of},
        retrieval::evidence_of,
    },
    api::{Door, Given, Kind, Problem, Reply, evidence, once::AskedAnew},
    db::operations::{OperationRow, OperationState},
    schema::wire::{
        AihDataProcess, ConfirmResponse, DataOrId, DateTime, Exchange, Header, LicenceConfirm, MessageId,
        ProcessResponse,
    },
    schema::{Resource, ResourceType},
};

/// Largest result handed out inside a message, in bytes; a larger one has an address.
const MOST_INLINE_BYTES: u64 = 4 << 20;

/// A job that has not ended.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Job {
    /// The job.
    #[serde(rename = "OperationID")]
    operation_id: String,
    /// How far it is: requested, confirmed or running.
    state: String,
    /// 0 to 1.
    progress: f64,
}

impl Resource for Job {
    const TYPE: ResourceType = ResourceType::Job;
}

/// Where a job stands.
pub fn location(id: Uuid) -> String {
    format!("/v1/aih-data-process/{id}")
}

/// An operation as whoever asked for it gets to see it.
async fn answer(door: &Door, operation: &OperationRow) -> Result<Response, Problem> {
    match operation.state {
        OperationState::Requested | OperationState::Confirmed | OperationState::Running => {
            Ok(running(operation, &location(operation.id)))
        }
        OperationState::Done => done(door, operation).await,
        OperationState::Denied => Err(denied(door, operation)),
        OperationState::Withheld => Err(withheld(operation)),
        OperationState::Failed => Err(failed(operation)),
        OperationState::Undone => Err(undone()),
    }
}

/// A restart took it back.
pub(super) fn undone() -> Problem {
    Problem::new(Kind::Unavailable, "The Back End was restarted before this ended. Send the message again.")
}

/// Not ended yet, and where to ask.
pub(super) fn running(operation: &OperationRow, place: &str) -> Response {
    let job = Job {
        operation_id: operation.id.to_string(),
        state: operation.state.to_string(),
        progress: operation.progress,
    };
    let soon = HeaderValue::from_static("1");
    let given = Given::ok(&job).with_status(StatusCode::ACCEPTED).at(place);
    given.with_header(header::RETRY_AFTER, soon).into_response()
}

async fn done(door: &Door, operation: &OperationRow) -> Result<Response, Problem> {
    let (item, opened) = match door.aims.result_of(operation).await {
        Err(AimError::Withheld(verdict)) => return Err(Problem::denied(verdict, None)),
        outcome => outcome?,
    };
    let payload = match opened.length {
        0..=MOST_INLINE_BYTES => Some(
            opened
                .bytes
                .try_fold(Vec::new(), |mut all, piece| async move {
                    all.extend_from_slice(&piece);
                    Ok(all)
                })
                .await?,
        ),
        _ => None,
    };
    let eyes = door.aims.eyes_of(operation.requester, &item, operation.operation, operation.usage).await?;
    let data = aih_data::message_with_findings(door, &item, payload, eyes).await?;
    let message = message(
        door,
        operation,
        ProcessResponse {
            data: Some(DataOrId::Data(Box::new(data))),
            processing_status: true,
            licence_confirm: Some(confirmation(door, operation)?),
            reasons: None,
        },
    )?;
    let mut response = Reply::ok(message).into_response();
    response.extensions_mut().insert(AskedAnew);
    Ok(response)
}

fn message(door: &Door, operation: &OperationRow, response: ProcessResponse) -> Result<AihDataProcess, Problem> {
    let id = message_of(operation).unwrap_or(operation.id);
    Ok(AihDataProcess {
        header: Header::new(),
        m_instance_id: None,
        aih_data_process_id: MessageId::from_uuid(id),
        aih_data_process_time: Some(DateTime::from_seconds(door.aims.clock.seconds()).map_err(Problem::internal)?),
        user_id: operation.requester,
        aih_data_process: Exchange::Response(Box::new(response)),
        descr_metadata: None,
    })
}

/// What the chain answered, as the standard's message.
pub(super) fn confirmation(door: &Door, operation: &OperationRow) -> Result<LicenceConfirm, Problem> {
    let chain_id = door.aims.back_end().chain_id();
    let evidence = evidence_of(operation).map(|found| evidence::to_wire(&found, chain_id));
    // A missing answer is never told as a yes.
    let answer = operation.answer.ok_or_else(|| Problem::internal("an operation without a recorded answer"))?;
    let (verdict, at) = (answer.verdict, answer.evidence.confirmed_at_s);
    Ok(LicenceConfirm {
        header: Header::new(),
        m_instance_id: None,
        licence_confirm_id: MessageId::from_uuid(Uuid::from_bytes(operation.confirm_id.unwrap_or_default().0)),
        licence_confirm_time: DateTime::from_seconds(at.cast_unsigned()).map_err(Problem::internal)?,
        licence_confirm: Exchange::Response(ConfirmResponse::new(verdict, evidence)),
        descr_metadata: None,
    })
}

/// A recorded no, with the standard's own negative message. To someone no grant names, nothing is there at all.
pub(super) fn denied(door: &Door, operation: &OperationRow) -> Problem {
    let Some(answer) = operation.answer else { return Problem::internal("a denial without an answer") };
    if !may_know(answer.verdict) {
        return Problem::nothing_here();
    }
    let chain_id = door.aims.back_end().chain_id();
    let evidence = evidence_of(operation).map(|found| evidence::to_wire(&found, chain_id));
    let problem = Problem::denied(answer.verdict, evidence);
    match confirmation(door, operation) {
        Ok(confirmation) => problem.carrying(&confirmation),
        Err(problem) => problem,
    }
}

/// Executed, but kept back: the terms that failed by then. That was a look at the chain and not a record on it, so there
/// is no evidence to show.
pub(super) fn withheld(operation: &OperationRow) -> Problem {
    Problem::denied(withheld_for(operation), None)
}

/// It ended by an error.
pub(super) fn failed(operation: &OperationRow) -> Problem {
    let text = operation.error_text.clone().unwrap_or_default();
    match operation.error_kind.as_deref() {
        Some("not-found") => Problem::nothing_here(),
        Some("erased") => AimError::Erased.into(),
        Some("refused" | "no-module" | "unprocessable" | "conflict") => Problem::new(Kind::Unprocessable, text),
        Some("chain" | "permit") => Problem::new(Kind::ChainUnavailable, text),
        _ => Problem::internal(format!("operation {} failed", operation.id)),
    }
}
