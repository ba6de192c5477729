//! `/v1/de-id-and-anonym`: requests to de-identify items, and the jobs they become; `/v1/aih-data/{id}/de-identification`:
//! what was done to a treated copy, and the way back.

pub mod mapping;
pub mod report;
pub mod request;
pub mod state;

use axum::response::{IntoResponse, Response};

use super::aih_data_process::{confirmation, failed, running, undone, withheld};
use crate::{
    aims::{
        AimError,
        asking::{may_know, message_of},
        de_identification::report::lines,
        retrieval::evidence_of,
    },
    api::{Door, Problem, Reply, evidence},
    db::operations::{OperationRow, OperationState},
    domain::{ids::LicenceId, taxonomy::Word},
    schema::wire::{DateTime, DeIdAndAnonym, DeIdAndAnonymResponse, Exchange, Header, MessageId},
};

/// Most lines of a report inside a message; the schema's limit.
const MOST_LINES: usize = 512;
/// Longest line, in characters; the schema's limit.
const LONGEST_LINE: usize = 512;

/// Where a job stands.
pub fn location(id: uuid::Uuid) -> String {
    format!("/v1/de-id-and-anonym/{id}")
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

/// The treated copy, by its ID; its payload is read like any other item's, with a permit of its own.
async fn done(door: &Door, operation: &OperationRow) -> Result<Response, Problem> {
    let copy = operation.result_id.ok_or(AimError::NotFound)?;
    // What it was made under may have ended since; then nothing of it is told again.
    match door.aims.redelivery_of(operation).await {
        Err(AimError::Withheld(verdict)) => return Err(Problem::denied(verdict, None)),
        Err(error) => return Err(error.into()),
        Ok(_) => {}
    }
    let (item, treatment) = door.aims.treated_copy(copy).await?;
    let chain_id = door.aims.back_end().chain_id();
    let response = DeIdAndAnonymResponse {
        aih_data_id: Some(copy),
        processing_state: true,
        aih_data_status: Some(item.status),
        licence_id: item.licence.map(|licence| LicenceId::new(chain_id, licence)),
        report: Some(lines(&treatment.report, MOST_LINES, LONGEST_LINE)),
        licence_confirm: Some(confirmation(door, operation)?),
        reasons: None,
    };
    Ok(Reply::ok(message(door, operation, response)?).into_response())
}

fn message(door: &Door, operation: &OperationRow, response: DeIdAndAnonymResponse) -> Result<DeIdAndAnonym, Problem> {
    let id = message_of(operation).unwrap_or(operation.id);
    Ok(DeIdAndAnonym {
        header: Header::new(),
        m_instance_id: None,
        de_id_and_anonym_id: MessageId::from_uuid(id),
        de_id_and_anonym_time: DateTime::from_seconds(door.aims.clock.seconds()).map_err(Problem::internal)?,
        end_user_id: Some(operation.requester),
        de_id_and_anonym: Exchange::Response(Box::new(response)),
        descr_metadata: None,
    })
}

/// A recorded no, with the standard's own negative message. To someone no grant names, nothing is there at all.
fn denied(door: &Door, operation: &OperationRow) -> Problem {
    let Some(answer) = operation.answer else { return Problem::internal("a denial without an answer") };
    if !may_know(answer.verdict) {
        return Problem::nothing_here();
    }
    let chain_id = door.aims.back_end().chain_id();
    let found = evidence_of(operation).map(|found| evidence::to_wire(&found, chain_id));
    let negative = confirmation(door, operation).and_then(|confirmation| {
        let response = DeIdAndAnonymResponse {
            aih_data_id: None,
            processing_state: false,
            aih_data_status: None,
            licence_id: None,
            report: None,
            licence_confirm: Some(confirmation),
            reasons: Some(answer.verdict.reasons().map(|term| term.word().to_owned()).collect()),
        };
        message(door, operation, response)
    });
    match negative {
        Ok(message) => Problem::denied(answer.verdict, found).carrying(&message),
        Err(problem) => problem,
    }
}
