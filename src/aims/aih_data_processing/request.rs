//! **A request to process.** The same message of the same requester is the same operation, however often it is sent.
//!
//! ```text
//! message ─▶ operation row (requested) ─▶ confirm on chain ─┬─ no ──▶ denied, with reasons
//!                                                           └─ yes ─▶ job ─▶ result
//! ```

use alloy::primitives::B128;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use super::job::{Job, NO_ANSWER};
use crate::{
    aims::{
        AimError, Aims,
        acts::place_of,
        ai_modules::task::{Purpose as TaskPurpose, Task},
        federated_learning::assets::Asset,
        turns::Turn,
    },
    db::{
        data_items::{DataItemRow, DataItemState},
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
        permit::{Permit, Purpose},
    },
    mpai_store::processing,
    schema::wire::Qualifier,
};

/// A request to process an item.
#[derive(Debug, Clone)]
pub struct ProcessRequest {
    /// ID of the message; a reading has none.
    pub message_id: Option<Uuid>,
    /// Who asks; the registry's account is the Back End itself.
    pub requester: UserId,
    /// The item.
    pub item: AihDataId,
    /// Processing type.
    pub operation: Operation,
    /// Use of the result.
    pub usage: Usage,
    /// Parameters of the operation.
    pub parameters: Map<String, Value>,
}

/// What became of a request.
#[derive(Debug)]
pub enum Accepted {
    /// A job runs; it tells when it has ended.
    Running(Uuid, Ended),
    /// The chain recorded a no.
    Denied(OperationRow),
    /// The message was sent before; this is where its operation stands.
    Known(OperationRow),
}

/// What a request is after the chain has answered.
enum Ready {
    Permitted(Box<Job>, Permit),
    Denied(Box<OperationRow>),
}

/// What became of noting a request.
pub(in crate::aims) enum Begun {
    /// It is new, and noted.
    New(NewOperation),
    /// The message was sent before.
    Known(Box<OperationRow>),
}

/// How often one message may be tried while the chain gives no answer.
const MOST_ATTEMPTS: u32 = 64;
/// Stands between a message's ID and the number of the attempt, from the second on.
const ATTEMPT: char = '#';

/// Turns true when a job has ended.
pub type Ended = watch::Receiver<bool>;

impl Aims {
    /// Asks the chain and, on a yes, starts the job.
    ///
    /// # Errors
    /// When no module performs this, the message ID was used for something else, or the chain gives no answer.
    pub async fn request_processing(&self, request: ProcessRequest) -> Result<Accepted, AimError> {
        let turn = self.turns.take(request.requester.address())?;
        let item = self.database.find_data_item(request.item).await?;
        let operation = match self.begin(&request, OperationKind::Process, item.as_ref()).await? {
            Begun::New(operation) => operation,
            Begun::Known(row) => return Ok(Accepted::Known(*row)),
        };
        let task = match item.as_ref().map_or(Err(AimError::NotFound), |item| task_for(item, &request)) {
            Ok(task) => self.assets_of(&task).await.map(|assets| (task, assets)),
            Err(error) => Err(error),
        };
        let wished = self.wish_for_alerting(&request, item.as_ref()).await;
        let is_wished = match self.look_ahead(&operation, &wished, task.is_err()).await {
            Ok(is_wished) => is_wished,
            Err(error) => {
                let error = error.or(task.err()).unwrap_or(AimError::NotFound);
                self.give_up(operation.id, &error).await;
                return Err(error);
            }
        };
        // Anomaly and Risk Alerting is asked for in the same transaction; its answer concerns nobody but itself.
        let announced = if is_wished { self.announce_alerting(item.as_ref(), wished).await } else { None };
        let asked: Vec<&NewOperation> = std::iter::once(&operation).chain(announced.as_ref()).collect();
        let mut answers = self.ask_together(&asked).await.into_iter();
        // As many answers as questions, and one question at least.
        let answer = answers.next().unwrap_or(Err(AimError::NotFound));
        let alerting = self.alerting_of(item.as_ref(), announced, answers.next()).await;
        match self.prepare(&request, (&operation, turn), task, answer).await {
            Ok(Ready::Denied(row)) => {
                self.abandon_alerting(alerting).await;
                Ok(Accepted::Denied(*row))
            }
            Ok(Ready::Permitted(job, permit)) => Ok(self.start_job(Job { alerting, ..*job }, permit)),
            Err(error) => {
                self.abandon_alerting(alerting).await;
                Err(error)
            }
        }
    }

    /// What the chain's answer makes of a request.
    async fn prepare(
        &self,
        request: &ProcessRequest,
        (operation, turn): (&NewOperation, Turn),
        task: Result<(Task, Vec<Asset>), AimError>,
        answer: Result<Answer, AimError>,
    ) -> Result<Ready, AimError> {
        let permit = match answer {
            Ok(Answer::Permitted(permit)) => permit,
            Ok(Answer::Denied(_)) => return Ok(Ready::Denied(Box::new(self.operation(operation.id).await?))),
            Err(error) => {
                self.give_up(operation.id, &error).await;
                return Err(error);
            }
        };
        let (task, assets) = match task {
            Ok(prepared) => prepared,
            Err(error) => {
                self.give_up(operation.id, &error).await;
                return Err(error);
            }
        };
        let purpose =
            Purpose { item: request.item, operation: request.operation, requester: request.requester.address() };
        let job = Job { id: operation.id, purpose, task, assets, turn, alerting: None };
        Ok(Ready::Permitted(Box::new(job), permit))
    }

    /// Looks at the chain before it records anything. What cannot be done is refused, when the requester may know of the
    /// item (decision 0034); and alerting is worth asking for only beside a yes, and for a yes (decision 0067). The look
    /// is the same for everybody, so that its time tells nothing.
    async fn look_ahead(
        &self,
        operation: &NewOperation,
        alerting: &Result<NewOperation, AimError>,
        impossible: bool,
    ) -> Result<bool, Option<AimError>> {
        let asked = question(operation);
        let other = alerting.as_ref().map_or(asked, question);
        let seen = self.licensing.check_both(&asked, &other).await.map_err(|error| Some(AimError::from(error)))?;
        let verdict = seen.0.map_err(|error| Some(AimError::from(error)))?;
        if impossible && may_know(verdict) {
            return Err(None);
        }
        let alerting = alerting.as_ref().is_ok_and(|_| match seen.1 {
            Ok(verdict) => verdict.is_permitted(),
            Err(error) => {
                tracing::warn!(%error, "alerting.not_asked");
                false
            }
        });
        Ok(alerting && verdict.is_permitted())
    }

    /// The same where nothing but the operation itself is asked for.
    pub(in crate::aims) async fn refuse_early(
        &self,
        operation: &NewOperation,
        impossible: bool,
    ) -> Result<(), Option<AimError>> {
        let seen = self.licensing.check(&question(operation)).await;
        let verdict = seen.map_err(|error| Some(AimError::from(error)))?;
        if impossible && may_know(verdict) { Err(None) } else { Ok(()) }
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

    fn start_job(&self, job: Job, permit: Permit) -> Accepted {
        let (ended, seen) = watch::channel(false);
        let (aims, id) = (self.clone(), job.id);
        tokio::spawn(async move {
            aims.run_job(job, permit).await;
            ended.send_replace(true);
        });
        Accepted::Running(id, seen)
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

/// Where the parameters stand in the message.
const PARAMETERS: &str = "/AIHDataProcess/Request/Parameters";

fn task_for(item: &DataItemRow, request: &ProcessRequest) -> Result<Task, AimError> {
    if item.state == DataItemState::Erased {
        return Err(AimError::Erased);
    }
    let qualifier: Qualifier = serde_json::from_value(item.qualifier.clone()).map_err(|_| AimError::NoModule)?;
    let mut parameters = request.parameters.clone();
    let named = parameters.remove(processing::AIM_PARAMETER);
    let named = named.map(|name| name.as_str().map(str::to_owned).ok_or(AimError::NoModule)).transpose()?;
    let found = processing::find(request.operation, item.data_class, qualifier.format, named.as_deref())
        .ok_or(AimError::NoModule)?;
    found.check(&parameters, PARAMETERS).map_err(AimError::Parameters)?;
    let purpose = TaskPurpose::Process { aim: found.aim.aim_name.clone(), operation: found.operation };
    Ok(Task { purpose, data_class: item.data_class, format: qualifier.format, parameters })
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
