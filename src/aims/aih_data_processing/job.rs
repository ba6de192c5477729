//! **A job**: one permitted operation carried out.
//!
//! ```text
//! permit spent ─▶ payload opened ─▶ AI Module (child process) ─▶ as declared? ─▶ licence still stands? ─ no ─▶ withheld
//!                                                                  │ yes
//!                        new AIH Data ID ─▶ derived licence ─▶ result sealed ─▶ done
//! ```

use futures_util::stream;
use serde_json::{Value, json};
use uuid::Uuid;

use super::restart::interrupted;
use crate::{
    aims::{
        AimError, Aims,
        ai_modules::{self, task::Task, worker::WorkerError},
        anomaly_and_risk::alerting::Alerting,
        asking::NO_ANSWER,
        derivation::Offspring,
        federated_learning::assets::Asset,
        retrieval::Span,
        turns::Turn,
    },
    db::{
        data_items::DataItemRow,
        notices::NewNotice,
        operation_steps::Failure,
        operations::{OperationRow, OperationState},
    },
    domain::{
        ids::AihDataId,
        taxonomy::Word,
        verdict::{FailingTerm, Verdict},
    },
    licensing::{
        confirm::ReleaseError,
        permit::{Permit, Purpose, Warrant},
    },
    mpai_store::{models::ModelError, processing},
    schema::wire::{DataFormat, Qualifier},
    store,
};

/// One permitted operation, as it was asked for.
pub(super) struct Job {
    /// The operation.
    pub id: Uuid,
    /// What was asked for, to be held against the permit.
    pub purpose: Purpose,
    /// What the child process is asked for.
    pub task: Task,
    /// Assets of the MPAI Store it needs; read when there is a place for it.
    pub assets: Vec<Asset>,
    /// One of its requester's.
    pub turn: Turn,
    /// What looks for anomalies in the same item, when the licence lets the Back End.
    pub alerting: Option<Alerting>,
}

impl Aims {
    /// Carries a permitted operation out and notes how it ended.
    pub(super) async fn run_job(&self, mut job: Job, permit: Permit) {
        let requester = permit.grounds().requester;
        let alerting = job.alerting.take();
        let outcome = match (alerting, job.task.with_observations()) {
            (Some(alerting), Some(task)) => {
                let id = alerting.id();
                let both = self.carry_out_with(&job, permit, (alerting, task));
                self.alive(job.id, self.alive(id, both)).await
            }
            (alerting, _) => {
                let alerting = async {
                    if let Some(alerting) = alerting {
                        // How it ended stands in its row; the processing goes its own way.
                        let _ = self.run_alerting(alerting).await;
                    }
                };
                // What is found is handed out with the result, so the result waits for it; nothing else of it does.
                let both = async { tokio::join!(self.carry_out(&job, permit), alerting) };
                self.alive(job.id, both).await.0
            }
        };
        self.conclude(job.id, requester, &outcome).await;
        drop(job.turn);
    }

    /// Notes how an operation ended, and tells who asked for it.
    pub(in crate::aims) async fn conclude(
        &self,
        id: Uuid,
        requester: alloy::primitives::Address,
        outcome: &Result<AihDataId, AimError>,
    ) {
        self.note_end(id, outcome.as_ref().map(|result| Some(*result))).await;
        self.tell_ended(id, requester).await;
    }

    /// Notes how a permitted operation ended.
    pub(in crate::aims) async fn note_end(&self, id: Uuid, outcome: Result<Option<AihDataId>, &AimError>) {
        let noted = match outcome {
            Ok(result) => self.database.finish_operation(id, result, self.clock.micros()).await,
            Err(AimError::Withheld(verdict)) => {
                let failure = Failure { kind: "withheld".to_owned(), text: words_of(*verdict) };
                self.database.withhold_operation(id, &failure, self.clock.micros()).await
            }
            Err(AimError::Ending) => self.database.undo_operation(id, &interrupted(), self.clock.micros()).await,
            Err(error) => self.database.fail_operation(id, &failure(error), self.clock.micros()).await,
        };
        match noted {
            Ok(transition) if transition.is_done() => {}
            Ok(transition) => tracing::error!(operation = %id, ?transition, "operation.end_not_noted"),
            Err(error) => tracing::error!(operation = %id, %error, "operation.end_not_noted"),
        }
    }

    async fn carry_out(&self, job: &Job, permit: Permit) -> Result<AihDataId, AimError> {
        let warrant = self.begin_job(job, permit).await?;
        self.carry_out_alone(job, &warrant).await
    }

    async fn begin_job(&self, job: &Job, permit: Permit) -> Result<Warrant, AimError> {
        let warrant = permit.spend(&job.purpose, self.clock.seconds())?;
        self.note_start(job.id).await?;
        Ok(warrant)
    }

    async fn carry_out_alone(&self, job: &Job, warrant: &Warrant) -> Result<AihDataId, AimError> {
        let work = async {
            // The place first: what waits holds no model in memory.
            let place = self.worker.place(warrant.grounds().requester).await;
            let attachments = self.read_assets(&job.assets).await?;
            let (item, opened) = self.open(warrant, Span::Whole).await?;
            let payload = (opened.length, opened.bytes);
            let result = self.worker.run_in(place, &job.task, &attachments, payload).await?;
            Ok((item, result))
        };
        let (item, result) = self.while_licensed(warrant, work).await?;
        let result = as_declared(&job.task, result).await?;
        self.release(warrant).await?;
        self.keep_result(warrant, &item, &result).await
    }

    /// Carries an operation out and looks for anomalies in one reading of the payload: two operations with a permit each,
    /// in one child process. Notes how the look ended, whatever becomes of the operation.
    async fn carry_out_with(
        &self,
        job: &Job,
        permit: Permit,
        (alerting, task): (Alerting, Task),
    ) -> Result<AihDataId, AimError> {
        let id = alerting.id();
        let warrant = match self.begin_job(job, permit).await {
            Ok(warrant) => warrant,
            Err(error) => {
                self.abandon_alerting(Some(alerting)).await;
                return Err(error);
            }
        };
        let look = match self.begin_look(alerting).await {
            Ok(look) => look,
            Err(error) => {
                self.note_end(id, Err(&error)).await;
                return self.carry_out_alone(job, &warrant).await;
            }
        };
        let work = async {
            let place = self.worker.place(warrant.grounds().requester).await;
            let attachments = self.read_assets(&job.assets).await?;
            let (item, opened) = self.open(&warrant, Span::Whole).await?;
            let payload = (opened.length, opened.bytes);
            let both = self.worker.run_both_in(place, &task, &attachments, payload).await?;
            Ok((item, both))
        };
        let outcome = self.while_licensed(&warrant, self.while_licensed(&look.warrant, work)).await;
        let (item, both) = match outcome {
            Ok(done) => done,
            // The right to look has fallen, and the right to process has not: that goes on alone.
            Err(error @ AimError::Withheld(_)) if self.release(&warrant).await.is_ok() => {
                self.note_end(id, Err(&error)).await;
                return self.carry_out_alone(job, &warrant).await;
            }
            Err(error) => {
                self.note_end(id, Err(&error)).await;
                return Err(error);
            }
        };
        let looked = async {
            let observed = both.observed.map_err(AimError::Unprocessable)?;
            self.judge_and_keep(&look, &item, observed).await
        };
        let processed = async {
            let result = both.result.map_err(AimError::Unprocessable)?;
            let result = as_declared(&job.task, result).await?;
            self.release(&warrant).await?;
            self.keep_result(&warrant, &item, &result).await
        };
        let (looked, processed) = tokio::join!(looked, processed);
        self.note_end(id, looked.as_ref().map(|()| None)).await;
        processed
    }

    /// Asks again whether a result may leave the house.
    ///
    /// # Errors
    /// [`AimError::Withheld`] when the chain says no by now.
    pub(in crate::aims) async fn release(&self, warrant: &Warrant) -> Result<(), AimError> {
        self.licensing.release(warrant).await.map_err(|error| match error {
            ReleaseError::Withheld(verdict) => AimError::Withheld(verdict),
            ReleaseError::Unknown(error) => error.into(),
        })
    }

    /// A result is an item of its own: new ID, licence derived from its parent's, sealed under the same End User.
    async fn keep_result(
        &self,
        warrant: &Warrant,
        parent: &DataItemRow,
        result: &Value,
    ) -> Result<AihDataId, AimError> {
        let qualifier = Qualifier {
            data_class: parent.data_class,
            format: DataFormat::Json,
            media_type: Some("application/json".to_owned()),
            attributes: None,
        };
        let offspring = Offspring { status: parent.status, qualifier };
        let (row, permit) = self.license_derived(parent, &offspring, warrant).await?;
        let bytes = serde_json::to_vec(result).map_err(|error| AimError::Worker(error.to_string()))?;
        let payload = stream::iter([Ok::<_, std::io::Error>(bytes.into())]);
        self.keep(permit, &row, payload).await?;
        Ok(row.id)
    }

    /// Notes that nothing came of an operation.
    pub(in crate::aims) async fn give_up(&self, id: Uuid, error: &AimError) {
        let failure = failure(error);
        let now = self.clock.micros();
        match self.database.fail_operation(id, &failure, now).await {
            Ok(_) => {}
            Err(error) => tracing::error!(operation = %id, %error, "operation.end_not_noted"),
        }
    }

    /// Puts the end of a job on the requester's event stream: identifiers only.
    async fn tell_ended(&self, id: Uuid, requester: alloy::primitives::Address) {
        let row = match self.database.find_operation(id).await {
            Ok(Some(row)) => row,
            Ok(None) => return,
            Err(error) => return tracing::error!(operation = %id, %error, "notice.not_written"),
        };
        let notice = NewNotice {
            user: crate::domain::ids::UserId::new(self.back_end().chain_id(), requester),
            kind: "operation.ended".to_owned(),
            data: ended(&row),
            created_at_us: self.clock.micros(),
        };
        if let Err(error) = self.database.insert_notices(&[notice]).await {
            tracing::error!(operation = %id, %error, "notice.not_written");
        }
    }
}

/// A result that is what its AIM declares it gives. Whatever is not, is not kept: somebody would rest on it.
async fn as_declared(task: &Task, result: Value) -> Result<Value, AimError> {
    let ai_modules::task::Purpose::Process { aim, operation } = &task.purpose else {
        return Err(AimError::Worker("a result of something that is no processing".to_owned()));
    };
    let (aim, operation) = (aim.clone(), *operation);
    // Results may have megabytes; other requests go on meanwhile.
    let checking = tokio::task::spawn_blocking(move || {
        processing::check_result(&aim, operation, &result).map(|()| result).map_err(|error| error.to_string())
    });
    checking.await.map_err(|error| AimError::Worker(error.to_string()))?.map_err(AimError::Worker)
}

fn ended(row: &OperationRow) -> Value {
    json!({
        "OperationID": row.id,
        "AIHDataID": row.aih_data_id,
        "State": row.state.to_string(),
        "ResultID": row.result_id.filter(|_| row.state == OperationState::Done),
    })
}

/// The terms that failed when a result was withheld, as the operation's row keeps them.
fn words_of(verdict: Verdict) -> String {
    verdict.reasons().map(Word::word).collect::<Vec<_>>().join(",")
}

/// The terms that failed when the result of an operation was withheld.
pub fn withheld_for(operation: &OperationRow) -> Verdict {
    let words = operation.error_text.as_deref().unwrap_or_default();
    words.split(',').filter_map(FailingTerm::from_word).collect()
}

fn failure(error: &AimError) -> Failure {
    let kind = match error {
        AimError::NotFound => "not-found",
        AimError::Refused { .. } | AimError::Parameters(_) | AimError::Terms { .. } => "refused",
        AimError::Conflict(_) => "conflict",
        AimError::Target(_) | AimError::NotCovered => "refused",
        AimError::Erased => "erased",
        AimError::NoModule | AimError::NotOffered(_) => "no-module",
        AimError::Unprocessable(_) => "unprocessable",
        AimError::Withheld(_) => "withheld",
        AimError::Model(ModelError::File(_)) => "internal",
        AimError::Model(_) => "unprocessable",
        AimError::Permit(_) => "permit",
        AimError::Licensing(_) => NO_ANSWER,
        AimError::TooMany(_) => "too-many",
        AimError::Busy => "busy",
        AimError::Ending => "interrupted",
        // What lies outside the payload was asked for; nothing is broken.
        AimError::Store(store::Error::OutOfRange { .. }) => "refused",
        AimError::Store(_) | AimError::Database(_) | AimError::Worker(_) | AimError::Index(_) => "internal",
    };
    // Causes of internal failures stay in the log; the requester reads the kind.
    let text = match error {
        AimError::Store(_) | AimError::Database(_) | AimError::Worker(_) | AimError::Index(_) => {
            "an internal error".to_owned()
        }
        other => other.to_string(),
    };
    if kind == "internal" {
        tracing::error!(%error, "operation.failed");
    }
    Failure { kind: kind.to_owned(), text }
}

impl From<WorkerError> for AimError {
    fn from(error: WorkerError) -> Self {
        match error {
            WorkerError::Refused(why) => Self::Unprocessable(why),
            WorkerError::Died | WorkerError::TooLarge => Self::Unprocessable(error.to_string()),
            WorkerError::Payload(_) | WorkerError::Start(_) => Self::Worker(error.to_string()),
        }
    }
}
