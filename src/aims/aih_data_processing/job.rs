//! **A job**: one permitted operation carried out.
//!
//! ```text
//! permit spent ─▶ payload opened ─▶ AI Module (child process) ─▶ licence still stands? ─ no ─▶ withheld
//!                                                                  │ yes
//!                        new AIH Data ID ─▶ derived licence ─▶ result sealed ─▶ done
//! ```

use futures_util::stream;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    aims::{
        AimError, Aims,
        ai_modules::{
            task::{Attachment, Task},
            worker::WorkerError,
        },
        retrieval::Span,
    },
    db::{
        data_items::{DataItemRow, NewDataItem},
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
        Refusal,
        confirm::ReleaseError,
        derive::Lineage,
        permit::{Permit, Purpose, Warrant},
    },
    schema::wire::{DataFormat, DateTime, Qualifier},
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
    /// Assets of the MPAI Store it needs.
    pub attachments: Vec<Attachment>,
}

/// What a failure is called when the chain gave no answer.
pub(super) const NO_ANSWER: &str = "chain";

impl Aims {
    /// Carries a permitted operation out and notes how it ended.
    pub(super) async fn run_job(&self, job: Job, permit: Permit) {
        let (id, requester) = (job.id, permit.grounds().requester);
        let outcome = self.carry_out(&job, permit).await;
        let noted = match &outcome {
            Ok(result) => self.database.finish_operation(id, Some(*result), self.clock.micros()).await,
            Err(AimError::Withheld(verdict)) => {
                let failure = Failure { kind: "withheld".to_owned(), text: words_of(*verdict) };
                self.database.withhold_operation(id, &failure, self.clock.micros()).await
            }
            Err(error) => self.database.fail_operation(id, &failure(error), self.clock.micros()).await,
        };
        match noted {
            Ok(transition) if transition.is_done() => {}
            Ok(transition) => tracing::error!(operation = %id, ?transition, "operation.end_not_noted"),
            Err(error) => tracing::error!(operation = %id, %error, "operation.end_not_noted"),
        }
        self.tell_ended(id, requester).await;
    }

    async fn carry_out(&self, job: &Job, permit: Permit) -> Result<AihDataId, AimError> {
        let warrant = permit.spend(&job.purpose, self.clock.seconds())?;
        self.database.start_operation(job.id, self.clock.micros()).await?.required()?;
        let (item, opened) = self.open(&warrant, Span::Whole).await?;
        let result = self.worker.run(&job.task, &job.attachments, opened.length, opened.bytes).await?;
        self.release(&warrant).await?;
        self.keep_result(&warrant, &item, &result).await
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
        let id = AihDataId::from_uuid(Uuid::now_v7());
        self.database.insert_data_item(&self.derived_row(id, parent).await?).await?;
        let lineage =
            Lineage { parent: parent.id, item: id, status: parent.status, requester: warrant.grounds().requester };
        let derived = match self.licensing.derive(&lineage).await {
            Ok(derived) => derived,
            Err(error) => {
                // One whose end is unknown may stand on chain by now; its row waits for [`Aims::settle_derivations`].
                if error.refusal().is_some() {
                    self.database.remove_data_item(id).await?.required()?;
                }
                return Err(match error.refusal() {
                    Some(Refusal::ParentNotStanding) => AimError::Withheld(revoked()),
                    _ => error.into(),
                });
            }
        };
        let licence = derived.licence.address();
        self.database.mark_data_item_licensed(id, licence, self.clock.micros()).await?.required()?;
        let row = self.database.find_data_item(id).await?.ok_or(AimError::NotFound)?;
        let bytes = serde_json::to_vec(result).map_err(|error| AimError::Worker(error.to_string()))?;
        let payload = stream::iter([Ok::<_, std::io::Error>(bytes.into())]);
        self.keep(derived.permit, &row, payload).await?;
        Ok(id)
    }

    async fn derived_row(&self, id: AihDataId, parent: &DataItemRow) -> Result<NewDataItem, AimError> {
        let now = DateTime::from_seconds(self.clock.seconds()).map_err(|error| AimError::Worker(error.to_string()))?;
        let qualifier = Qualifier {
            data_class: parent.data_class,
            format: DataFormat::Json,
            media_type: Some("application/json".to_owned()),
            attributes: None,
        };
        Ok(NewDataItem {
            id,
            owner: parent.owner,
            data_class: parent.data_class,
            status: parent.status,
            qualifier: json!(qualifier),
            data_time: json!(now),
            descr_metadata: None,
            root: Some(parent.root),
            parent: Some(parent.id),
            object_name: Uuid::new_v4().to_string(),
            item_key_wrapped: self.new_item_key(id, parent.owner).await?.as_str().to_owned(),
            created_at_us: self.clock.micros(),
        })
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

/// The contract refused to derive because the parent's licence fell: what the chain would say to anyone.
fn revoked() -> Verdict {
    [FailingTerm::Revoked].into_iter().collect()
}

fn failure(error: &AimError) -> Failure {
    let kind = match error {
        AimError::NotFound => "not-found",
        AimError::Refused { .. } | AimError::Parameters(_) | AimError::Terms { .. } => "refused",
        AimError::Conflict(_) => "conflict",
        AimError::Erased => "erased",
        AimError::NoModule => "no-module",
        AimError::Unprocessable(_) => "unprocessable",
        AimError::Withheld(_) => "withheld",
        AimError::Permit(_) => "permit",
        AimError::Licensing(_) => NO_ANSWER,
        AimError::TooMany(_) => "too-many",
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
