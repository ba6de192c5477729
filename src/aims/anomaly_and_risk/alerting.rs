//! **An alerting**: an operation of the Back End's own, asked of the chain like any other.
//!
//! ```text
//! with a processing, in one transaction ┐
//! on arrival ───────────────────────────┴▶ a look says yes ─▶ permit ─▶ observe (child process) ─▶ judge
//!                                                                                                 │
//!             findings sealed ◀──────────────────────────── yes ◀── licence still stands? ◀────────┘
//!             alert, event streams, webhooks: in the same transaction
//! ```
//!
//! Nothing is asked where the answer would be no: nobody wanted anything. A no all the same, because the licence changed
//! in between, means only that nothing is looked for: the processing it was asked with goes its own way. What was found
//! before is not found again: the data does not change, and a finding has a name that only its item's key makes.

use std::collections::HashSet;

use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{
    finding::{Finding, is_alerting},
    judge::judge,
};
use crate::{
    aims::{
        AimError, Aims,
        ai_modules::{
            observations::Observations,
            table,
            task::{self, Task},
        },
        asking::{ProcessRequest, question},
        retrieval::Span,
    },
    db::{
        data_items::DataItemRow,
        findings::NewFinding,
        operation_steps::Failure,
        operations::{NewOperation, OperationKind, Requested},
    },
    domain::{
        ids::{AihDataId, UserId},
        operation::Operation,
        taxonomy::Usage,
    },
    licensing::{
        confirm::Answer,
        permit::{Permit, Purpose, Warrant},
    },
    schema::wire::{AraData, AraFinding, DataFormat, DateTime, Header, Interval, MessageId, Qualifier},
};

/// What alerting is for: the care of whom the data is about. A licence names it in `AIHDataUsage`.
pub const USAGE: Usage = Usage::HealthCare;
/// What findings are sealed and named for.
pub(super) const PURPOSE: &str = "finding";
/// Largest score the schema of ARA Data takes.
const LARGEST_SCORE: f64 = 1e12;

/// A permitted alerting that has not begun.
pub(in crate::aims) struct Alerting {
    id: Uuid,
    permit: Permit,
    task: Task,
}

impl Alerting {
    /// Its operation.
    pub(in crate::aims) fn id(&self) -> Uuid {
        self.id
    }
}

/// An alerting that has begun.
pub(in crate::aims) struct Look {
    id: Uuid,
    pub(in crate::aims) warrant: Warrant,
}

impl Aims {
    /// The alerting that would be asked for beside a request, for a look at the licence. Made for every request, of
    /// whatever item, so that none takes longer than another.
    pub(in crate::aims) async fn wish_for_alerting(
        &self,
        request: &ProcessRequest,
        item: Option<&DataItemRow>,
    ) -> Result<NewOperation, AimError> {
        let wished = self.new_alerting(request.item, item).await;
        wished.inspect_err(|error| tracing::warn!(%error, "alerting.not_asked"))
    }

    /// Notes that alerting will be asked for on an item; `None` when no AIM observes its format. What goes wrong here
    /// is logged and goes no further: it must not keep a processing from being done.
    pub(in crate::aims) async fn announce_alerting(
        &self,
        item: Option<&DataItemRow>,
        wished: Result<NewOperation, AimError>,
    ) -> Option<NewOperation> {
        task_for(item?)?;
        match self.note_wished(wished).await {
            Ok(operation) => Some(operation),
            Err(error) => {
                tracing::warn!(%error, "alerting.not_announced");
                None
            }
        }
    }

    /// What the chain's answer makes of an announced alerting: something to run, or nothing.
    pub(in crate::aims) async fn alerting_of(
        &self,
        item: Option<&DataItemRow>,
        announced: Option<NewOperation>,
        answer: Option<Result<Answer, AimError>>,
    ) -> Option<Alerting> {
        let (operation, task) = (announced?, task_for(item?)?);
        match answer? {
            Ok(Answer::Permitted(permit)) => Some(Alerting { id: operation.id, permit, task }),
            // Recorded in its row and on chain.
            Ok(Answer::Denied(_)) => None,
            Err(error) => {
                self.give_up(operation.id, &error).await;
                None
            }
        }
    }

    /// Takes back an alerting whose processing is not done after all.
    pub(in crate::aims) async fn abandon_alerting(&self, alerting: Option<Alerting>) {
        let Some(alerting) = alerting else { return };
        let text = "the processing it belonged to was not done".to_owned();
        let failure = Failure { kind: "abandoned".to_owned(), text };
        if let Err(error) = self.database.undo_operation(alerting.id, &failure, self.clock.micros()).await {
            tracing::error!(operation = %alerting.id, %error, "operation.end_not_noted");
        }
    }

    /// Carries an alerting out and notes how it ended.
    pub(in crate::aims) async fn run_alerting(&self, alerting: Alerting) -> Result<(), AimError> {
        let id = alerting.id;
        let outcome = self.alive(id, self.look_for_anomalies(alerting)).await;
        self.note_end(id, outcome.as_ref().map(|()| None)).await;
        outcome
    }

    /// Looks into an item that has arrived, when its licence lets the Back End.
    ///
    /// # Errors
    /// When there is no answer whether it may, or the look came to nothing.
    pub(super) async fn alert_on_arrival(&self, item: &DataItemRow) -> Result<(), AimError> {
        let Some(task) = task_for(item) else { return Ok(()) };
        let operation = self.new_alerting(item.id, Some(item)).await?;
        if !self.licensing.check(&question(&operation)).await?.is_permitted() {
            return Ok(());
        }
        let _ = self.database.insert_operation(&operation).await?;
        match self.ask(&operation).await {
            Ok(Answer::Permitted(permit)) => self.run_alerting(Alerting { id: operation.id, permit, task }).await,
            Ok(Answer::Denied(_)) => Ok(()),
            Err(error) => {
                self.give_up(operation.id, &error).await;
                Err(error)
            }
        }
    }

    async fn note_wished(&self, wished: Result<NewOperation, AimError>) -> Result<NewOperation, AimError> {
        let operation = wished?;
        match self.database.insert_operation(&operation).await? {
            Requested::New => Ok(operation),
            Requested::Existing(_) => Err(AimError::Conflict("this alerting is recorded already")),
        }
    }

    async fn new_alerting(&self, id: AihDataId, item: Option<&DataItemRow>) -> Result<NewOperation, AimError> {
        let back_end = self.back_end();
        let request = ProcessRequest {
            message_id: None,
            requester: UserId::new(back_end.chain_id(), back_end.address()),
            item: id,
            operation: Operation::AnomalyAndRiskAlerting,
            usage: USAGE,
            parameters: serde_json::Map::new(),
        };
        self.new_operation(&request, OperationKind::Alert, item).await
    }

    async fn look_for_anomalies(&self, alerting: Alerting) -> Result<(), AimError> {
        let task = alerting.task.clone();
        let look = self.begin_look(alerting).await?;
        let work = async {
            let (item, opened) = self.open(&look.warrant, Span::Whole).await?;
            // In the turn of whose item it is: one user's many items keep nobody else's waiting.
            let payload = (opened.length, opened.bytes);
            let observed = self.worker.run(item.owner.address(), &task, &[], payload).await?;
            Ok((item, observed))
        };
        let (item, observed) = self.while_licensed(&look.warrant, work).await?;
        self.judge_and_keep(&look, &item, observed).await
    }

    /// Spends the permit and notes that the look has begun.
    pub(in crate::aims) async fn begin_look(&self, alerting: Alerting) -> Result<Look, AimError> {
        let Alerting { id, permit, .. } = alerting;
        let purpose = Purpose {
            item: permit.grounds().item,
            operation: Operation::AnomalyAndRiskAlerting,
            requester: self.back_end().address(),
        };
        let warrant = permit.spend(&purpose, self.clock.seconds())?;
        self.note_start(id).await?;
        Ok(Look { id, warrant })
    }

    /// Judges what was measured in an item, and keeps what is found if the licence still stands.
    pub(in crate::aims) async fn judge_and_keep(
        &self,
        look: &Look,
        item: &DataItemRow,
        observed: Value,
    ) -> Result<(), AimError> {
        let measured_at: Option<DateTime> = serde_json::from_value(item.data_time.clone()).ok();
        let aims = self.clone();
        let at = measured_at.as_ref().map(DateTime::at);
        // A day of heart beats is sorted many times: not in a thread that others wait for.
        let (findings, start) = tokio::task::spawn_blocking(move || {
            let observations = serde_json::from_value::<Observations>(observed)?;
            let findings = judge(&aims.rules, &observations, at);
            Ok::<_, serde_json::Error>((findings, observations.start))
        })
        .await
        .map_err(|error| AimError::Worker(error.to_string()))?
        .map_err(|_| AimError::Worker("observations that are none".to_owned()))?;
        self.release(&look.warrant).await?;
        // Where the data says when it begins, the item's own time is that of a record made later.
        let start = match start {
            Some(text) => OffsetDateTime::parse(&text, &Rfc3339).ok().and_then(|start| DateTime::new(start).ok()),
            None => measured_at,
        };
        self.keep_findings(&look.warrant, item, look.id, (&findings, start.as_ref())).await
    }

    async fn keep_findings(
        &self,
        _: &Warrant,
        item: &DataItemRow,
        operation: Uuid,
        (findings, start): (&[Finding], Option<&DateTime>),
    ) -> Result<(), AimError> {
        let key = self.item_key(item).await?;
        let known: HashSet<Uuid> = self.database.list_findings(item.id).await?.iter().map(|row| row.id).collect();
        let (mut rows, mut news) = (Vec::new(), Vec::new());
        for finding in findings {
            let id = uuid::Builder::from_custom_bytes(key.name_text(PURPOSE, &finding.key())?).into_uuid();
            if known.contains(&id) {
                continue;
            }
            let message = serde_json::to_string(&self.message(id, item, finding, start)?);
            let message = message.map_err(|error| AimError::Worker(error.to_string()))?;
            rows.push(NewFinding {
                id,
                item: item.id,
                operation,
                is_alerting: is_alerting(finding.risk),
                sealed: key.seal_text(PURPOSE, &message)?,
                created_at_us: self.clock.micros(),
            });
            news.extend(is_alerting(finding.risk).then_some(finding));
        }
        let telling = if news.is_empty() { None } else { Some(self.telling(item, &news).await?) };
        if self.database.insert_findings(&rows, telling.as_ref()).await? {
            self.courier.wake();
        }
        Ok(())
    }

    /// A finding as the standard's message.
    fn message(
        &self,
        id: Uuid,
        item: &DataItemRow,
        finding: &Finding,
        start: Option<&DateTime>,
    ) -> Result<AraData, AimError> {
        let now = DateTime::from_seconds(self.clock.seconds()).map_err(|error| AimError::Worker(error.to_string()))?;
        Ok(AraData {
            header: Header::new(),
            m_instance_id: None,
            ara_data_id: MessageId::from_uuid(id),
            ara_data_time: Some(now),
            ara_data: AraFinding {
                aih_data_id: item.id,
                anomaly_type: finding.anomaly,
                risk_type: Some(finding.risk),
                finding: Some(finding.text.clone().into()),
                finding_time: finding.span.zip(start).and_then(|(span, start)| interval(start, span)),
                method: Some(finding.rule.clone()),
                score: finding.score.filter(|score| score.abs() <= LARGEST_SCORE),
            },
            descr_metadata: None,
        })
    }
}

/// When, counted from a start; a single instant becomes the millisecond behind it, because an interval is not empty.
fn interval(start: &DateTime, (from, to): (f64, f64)) -> Option<Interval> {
    let at = |seconds: f64| {
        let milliseconds = time::Duration::milliseconds((seconds * 1e3).round() as i64);
        start.at().checked_add(milliseconds)
    };
    let (from, to) = (at(from)?, at(to)?);
    let to = if to > from { to } else { from.checked_add(time::Duration::milliseconds(1))? };
    Some(Interval { start_time: DateTime::new(from).ok()?, end_time: DateTime::new(to).ok()? })
}

/// What the child process is asked for; `None` when no AIM observes this format.
fn task_for(item: &DataItemRow) -> Option<Task> {
    let format: DataFormat = serde_json::from_value::<Qualifier>(item.qualifier.clone()).ok()?.format;
    table::observer(item.data_class, format)?;
    let parameters = serde_json::Map::new();
    Some(Task { purpose: task::Purpose::Observe, data_class: item.data_class, format, parameters })
}
