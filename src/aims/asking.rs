//! **An operation**, whichever room it is of: its request noted, looked at, and asked of the chain. What is carried out
//! afterwards is the rooms' own.
//!
//! ```text
//! request ─▶ row `requested` ─▶ a look at the chain ─┬─ cannot be done, and they may know ─▶ refused, nothing recorded
//!                                                    └─▶ the chain judges and records ─▶ row `confirmed` or `denied`
//! ```

use alloy::primitives::B128;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{AimError, Aims, acts::place_of};
use crate::{
    db::{
        data_items::DataItemRow,
        operations::{Answer as Recorded, NewOperation, OperationKind, OperationRow, OperationState, Requested},
    },
    domain::{
        ids::{AihDataId, UserId},
        licence_event::Evidence,
        operation::Operation,
        taxonomy::Usage,
        verdict::{FailingTerm, Verdict},
    },
    licensing::{
        LicensingError,
        confirm::{Answer, Question},
    },
};

/// A request for an operation on an item.
#[derive(Debug, Clone)]
pub struct ProcessRequest {
    /// ID of the message; a reading has none.
    pub message_id: Option<Uuid>,
    /// Who asks; the registry's account is the Back End itself.
    pub requester: UserId,
    /// The item.
    pub item: AihDataId,
    /// What is to be done.
    pub operation: Operation,
    /// Use of the result.
    pub usage: Usage,
    /// Parameters of the operation.
    pub parameters: Map<String, Value>,
}

/// What became of noting a request.
pub(in crate::aims) enum Begun {
    /// It is new, and noted.
    New(NewOperation),
    /// The message was sent before.
    Known(Box<OperationRow>),
}

/// What a look ahead leaves to be asked.
pub(in crate::aims) struct Ahead<T> {
    /// What is to be done. If it cannot be, whoever asks may not know that, and is told what the chain records.
    pub(in crate::aims) plan: Result<T, AimError>,
    /// Whether there would be a yes, and a yes as well for what would be asked beside it.
    pub(in crate::aims) beside: bool,
}

/// How often one message may be tried while the chain gives no answer.
const MOST_ATTEMPTS: u32 = 64;
/// What a failure is called when the chain gave no answer.
pub(in crate::aims) const NO_ANSWER: &str = "chain";
/// Stands between a message's ID and the number of the attempt, from the second on.
const ATTEMPT: char = '#';

impl Aims {
    /// Looks at the chain before it records anything. What cannot be done is refused, when the requester may know of the
    /// item (decision 0034), and its row ends there; and what would be asked beside the operation is worth asking for only
    /// beside a yes, and for a yes (decision 0067). The look is the same for everybody, so that its time tells nothing.
    ///
    /// # Errors
    /// What is wrong with the plan, or why the chain could not be looked at.
    pub(in crate::aims) async fn look_ahead<T>(
        &self,
        operation: &NewOperation,
        beside: Option<&NewOperation>,
        plan: Result<T, AimError>,
    ) -> Result<Ahead<T>, AimError> {
        let refusal = match (self.look(operation, beside).await, plan) {
            (Err(error), _) => error,
            (Ok((verdict, _)), Err(error)) if may_know(verdict) => error,
            (Ok((_, beside)), plan) => return Ok(Ahead { plan, beside }),
        };
        self.give_up(operation.id, &refusal).await;
        Err(refusal)
    }

    /// The answer there would be, and whether both would be a yes.
    async fn look(&self, operation: &NewOperation, beside: Option<&NewOperation>) -> Result<(Verdict, bool), AimError> {
        let asked = question(operation);
        let Some(beside) = beside else { return Ok((self.licensing.check(&asked).await?, false)) };
        let (verdict, other) = self.licensing.check_both(&asked, &question(beside)).await?;
        let verdict = verdict?;
        let other = other.inspect_err(|error| tracing::warn!(%error, kind = ?beside.kind, "operation.not_looked_at"));
        Ok((verdict, verdict.is_permitted() && other.is_ok_and(|other| other.is_permitted())))
    }

    /// Notes the request, or finds what became of it. One that came to nothing because the chain was away or this Back
    /// End was restarted is made once more: to whoever sends it again it is the first.
    pub(in crate::aims) async fn begin(
        &self,
        request: &ProcessRequest,
        kind: OperationKind,
        item: Option<&DataItemRow>,
    ) -> Result<Begun, AimError> {
        for attempt in 0..MOST_ATTEMPTS {
            let mut operation = self.new_operation(request, kind, item).await?;
            operation.message_id = request.message_id.map(|id| attempt_id(id, attempt));
            match self.database.insert_operation(&operation).await? {
                Requested::New => return Ok(Begun::New(operation)),
                Requested::Existing(row) if !is_same(&row, &operation) => {
                    return Err(AimError::Conflict("this message ID was used for another request"));
                }
                Requested::Existing(row) if came_to_nothing(&row) => {}
                Requested::Existing(row) => return Ok(Begun::Known(row)),
            }
        }
        Err(AimError::Conflict("this message was tried too often; ask with a new one"))
    }

    /// The row of an operation that must be there.
    ///
    /// # Errors
    /// [`AimError::NotFound`].
    pub async fn operation(&self, id: Uuid) -> Result<OperationRow, AimError> {
        self.database.find_operation(id).await?.ok_or(AimError::NotFound)
    }

    pub(in crate::aims) async fn new_operation(
        &self,
        request: &ProcessRequest,
        kind: OperationKind,
        item: Option<&DataItemRow>,
    ) -> Result<NewOperation, AimError> {
        let user = self.database.find_user(request.requester).await?;
        let id = Uuid::now_v7();
        Ok(NewOperation {
            id,
            kind,
            message_id: request.message_id.map(|id| id.to_string()),
            requester: request.requester,
            user_class: user.and_then(|user| user.user_class),
            aih_data_id: request.item,
            owner: item.map(|item| item.owner),
            operation: request.operation,
            usage: request.usage,
            intended_at_s: self.clock.seconds().cast_signed(),
            parameters: json!(request.parameters),
            confirm_id: Some(B128::from(id.into_bytes())),
            created_at_us: self.clock.micros(),
        })
    }

    /// Has the chain judge an operation and notes the answer in its row, before anyone acts on it.
    pub(in crate::aims) async fn ask(&self, operation: &NewOperation) -> Result<Answer, AimError> {
        // One answer for one operation.
        self.ask_together(&[operation]).await.pop().unwrap_or(Err(AimError::NotFound))
    }

    /// Has the chain judge operations in one transaction; the answers come in their order.
    pub(in crate::aims) async fn ask_together(&self, operations: &[&NewOperation]) -> Vec<Result<Answer, AimError>> {
        let questions: Vec<Question> = operations.iter().map(|operation| question(operation)).collect();
        let answers = self.licensing.confirm_together(&questions).await;
        let noted = operations.iter().zip(answers).map(|(operation, answer)| self.note_answer(operation, answer));
        futures_util::future::join_all(noted).await
    }

    async fn note_answer(
        &self,
        operation: &NewOperation,
        answer: Result<Answer, LicensingError>,
    ) -> Result<Answer, AimError> {
        let answer = answer?;
        let (verdict, evidence) = match &answer {
            Answer::Permitted(permit) => (Verdict::PERMITTED, permit.grounds().evidence),
            Answer::Denied(denial) => (denial.verdict, denial.evidence),
        };
        let recorded = recorded(verdict, &evidence);
        self.database.answer_operation(operation.id, &recorded, self.clock.micros()).await?.required()?;
        Ok(answer)
    }
}

/// What the chain is asked about an operation.
pub(in crate::aims) fn question(operation: &NewOperation) -> Question {
    Question {
        item: operation.aih_data_id,
        requester: operation.requester.address(),
        operation: operation.operation,
        usage: operation.usage,
        at: operation.intended_at_s.cast_unsigned(),
        confirm_id: operation.id.into_bytes(),
    }
}

fn recorded(verdict: Verdict, evidence: &Evidence) -> Recorded {
    Recorded { verdict, licence: evidence.licence, evidence: place_of(evidence) }
}

fn attempt_id(message: Uuid, attempt: u32) -> String {
    match attempt {
        0 => message.to_string(),
        later => format!("{message}{ATTEMPT}{}", later + 1),
    }
}

/// The ID of the message an operation was asked for with.
pub fn message_of(operation: &OperationRow) -> Option<Uuid> {
    let id = operation.message_id.as_deref()?;
    Uuid::parse_str(id.split_once(ATTEMPT).map_or(id, |(message, _)| message)).ok()
}

/// The chain never answered, or a restart took it back: nothing was given to anyone.
fn came_to_nothing(row: &OperationRow) -> bool {
    match row.state {
        OperationState::Undone => true,
        OperationState::Failed => row.answer.is_none() && row.error_kind.as_deref() == Some(NO_ANSWER),
        _ => false,
    }
}

fn is_same(row: &OperationRow, new: &NewOperation) -> bool {
    row.kind == new.kind
        && row.aih_data_id == new.aih_data_id
        && row.operation == new.operation
        && row.usage == new.usage
        && row.parameters == new.parameters
}

/// Whether a refused requester may learn that the item exists: only when a grant names them. To everyone else a foreign
/// item and an unknown one look the same.
pub fn may_know(verdict: Verdict) -> bool {
    !verdict.has(FailingTerm::NoLicence) && !verdict.has(FailingTerm::NotLicensed)
}
