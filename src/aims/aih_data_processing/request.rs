//! **A request to process.** The same message of the same requester is the same operation, however often it is sent.
//!
//! ```text
//! message ─▶ operation row (requested) ─▶ confirm on chain ─┬─ no ──▶ denied, with reasons
//!                                                           └─ yes ─▶ job ─▶ result
//! ```

use tokio::sync::watch;
use uuid::Uuid;

use super::job::Job;
use crate::{
    aims::{
        AimError, Aims,
        ai_modules::task::{Purpose as TaskPurpose, Task},
        asking::{Ahead, Begun, ProcessRequest},
        federated_learning::assets::Asset,
        turns::Turn,
    },
    db::{
        data_items::{DataItemRow, DataItemState},
        operations::{NewOperation, OperationKind, OperationRow},
    },
    licensing::{
        confirm::Answer,
        permit::{Permit, Purpose},
    },
    mpai_store::processing,
    schema::wire::Qualifier,
};

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
        let Ahead { plan: task, beside } = self.look_ahead(&operation, wished.as_ref().ok(), task).await?;
        // Anomaly and Risk Alerting is asked for in the same transaction; its answer concerns nobody but itself.
        let announced = if beside { self.announce_alerting(item.as_ref(), wished).await } else { None };
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
