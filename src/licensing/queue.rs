//! One task owns one operator key and does **group commit**: while transactions are in flight, requests gather; when
//! there is room, all that wait go out together as one `execute` call. A lone request costs one round trip; load is paid
//! by the batch.
//!
//! ```text
//! confirm, derive ─┐                          ┌─▶ in flight ─┐
//! confirm ─────────┼─▶ bounded queue ─▶ batch ┤              ├─▶ answers by confirm ID
//! issue, revoke ───┘   (full: Busy)           └─▶ in flight ─┘   not mined in time: settle, then go on
//! ```
//!
//! Two transactions may be in flight: while the node executes one, the next is encoded and signed. If one is not mined
//! in time nothing new is sent until [`settle`](super::settle) has found out how each ended, in the order of nonces.
//!
//! This is the way in; the task itself is in `clerk`, and how requests become a call and events their answers in `batch`.

use std::time::Duration;

use alloy::primitives::B256;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{clerk::Clerk, ledger::Ledger, vigil::Vigil};
use crate::{
    chain::{
        Refusal,
        convert::ConfirmRequest,
        operator::{Attestor, Call, Mined, Operator},
    },
    domain::{
        licence_event::{Confirmation, Evidence},
        taxonomy::DataStatus,
    },
};

/// Most callers that may wait, each with what they ask together; beyond, they are told to come back.
const MOST_WAITING: usize = 4_096;

/// Why the queue gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// Too many wait already.
    #[error("too many requests wait for the chain")]
    Busy,
    /// The deadline passed; the request may or may not have been recorded, and is refused either way.
    #[error("the chain did not answer before the deadline")]
    Deadline,
    /// The contract refused.
    #[error("the registry refused: {0}")]
    Refused(Refusal),
    /// The transaction failed or its end is not known.
    #[error("the chain gave no answer: {0}")]
    NotRecorded(String),
    /// The Back End is shutting down.
    #[error("this Back End is shutting down")]
    Closed,
}

/// A derivation to be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeriveRequest {
    /// keccak256 of the parent item's ID.
    pub parent: B256,
    /// keccak256 of the new item's ID.
    pub aih_data: B256,
    /// Status of the new item.
    pub status: DataStatus,
}

/// What the queue is asked for.
#[derive(Debug)]
pub(super) enum Work {
    Confirm(ConfirmRequest),
    Derive(DeriveRequest),
    Alone(Call),
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Done {
    Confirmed(Confirmation, Evidence),
    Mined(Mined),
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) deadline: Instant,
    pub(super) reply: oneshot::Sender<Result<Done, QueueError>>,
}

/// The way into the queue; copies share it.
#[derive(Debug, Clone)]
pub struct Queue {
    /// Jobs that arrive together go out together.
    jobs: mpsc::Sender<Vec<Job>>,
    attestor: Attestor,
}

impl Queue {
    /// Starts the task that owns the operator key. It ends when every copy of the queue is gone.
    pub fn start<L: Ledger>(operator: Operator, ledger: L, vigil: Vigil) -> (Self, tokio::task::JoinHandle<()>) {
        let (jobs, waiting) = mpsc::channel(MOST_WAITING);
        let attestor = operator.attestor();
        let clerk = Clerk::new(operator, ledger, vigil);
        (Self { jobs, attestor }, tokio::spawn(clerk.run(waiting)))
    }

    pub(super) async fn ask(&self, work: Work, patience: Duration) -> Result<Done, QueueError> {
        // One answer for one question.
        self.ask_together(vec![work], patience).await.pop().unwrap_or(Err(QueueError::Closed))
    }

    /// Asks for several things together, in one transaction as far as they fit one batch; the answers come in the order of the questions.
    pub(super) async fn ask_together(&self, works: Vec<Work>, patience: Duration) -> Vec<Result<Done, QueueError>> {
        let count = works.len();
        let deadline = Instant::now() + patience;
        let (jobs, answers): (Vec<_>, Vec<_>) = works
            .into_iter()
            .map(|work| {
                let (reply, answer) = oneshot::channel();
                (Job { work, deadline, reply }, answer)
            })
            .unzip();
        let refused = match self.jobs.try_send(jobs) {
            Ok(()) => None,
            Err(mpsc::error::TrySendError::Full(_)) => Some(QueueError::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => Some(QueueError::Closed),
        };
        if let Some(error) = refused {
            return (0..count).map(|_| Err(error.clone())).collect();
        }
        let waits = answers.into_iter().map(|answer| async move {
            match tokio::time::timeout_at(deadline, answer).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err(QueueError::Closed),
                Err(_) => Err(QueueError::Deadline),
            }
        });
        futures_util::future::join_all(waits).await
    }

    /// What signs texts with the operator's key.
    pub(super) fn attestor(&self) -> &Attestor {
        &self.attestor
    }
}
