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

use std::{collections::HashMap, time::Duration};

use alloy::{primitives::B256, sol_types::SolCall};
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    ledger::{End, Entry, Ledger},
    settle,
    vigil::Vigil,
};
use crate::{
    chain::{
        ChainError, Refusal,
        bindings::{Derivation, LicenceRegistry, Request},
        convert::ConfirmRequest,
        operator::{Attestor, Call, Mined, Operator, Signed},
    },
    domain::{
        licence_event::{ConfirmId, Confirmation, Evidence, LicenceEvent, LicenceEventKind as Kind},
        taxonomy::{DataStatus, Word},
    },
};

/// Most requests that may wait; beyond, callers are told to come back.
const MOST_WAITING: usize = 4_096;
/// Most confirmations and derivations in one transaction: a quarter of anvil's block gas limit of 30 million.
const MOST_IN_BATCH: usize = 512;
/// Most derivations in one transaction.
const MOST_DERIVATIONS: usize = 32;
/// Transactions in flight at once.
const MOST_IN_FLIGHT: usize = 2;
/// How long a transaction may take before the queue stops and settles it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before the chain is asked again where it stands.
const RESUME_PAUSE: Duration = Duration::from_millis(500);

/// How long nothing must be in flight before ends are noted.
const QUIET: Duration = Duration::from_millis(250);
/// Ends noted at the latest when there are so many.
const MOST_ENDS: usize = 64;

const BASE_GAS: u64 = 60_000;
const CONFIRM_GAS: u64 = 20_000;
const DERIVATION_GAS: u64 = 200_000;

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
    work: Work,
    deadline: Instant,
    reply: oneshot::Sender<Result<Done, QueueError>>,
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
        let clerk = Clerk { operator, ledger, vigil, ends: Vec::new() };
        (Self { jobs, attestor }, tokio::spawn(clerk.run(waiting)))
    }

    pub(super) async fn ask(&self, work: Work, patience: Duration) -> Result<Done, QueueError> {
        // One answer for one question.
        self.ask_together(vec![work], patience).await.pop().unwrap_or(Err(QueueError::Closed))
    }

    /// Asks for several things in one transaction; the answers come in the order of the questions.
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

    /// Requests waiting now.
    pub fn waiting(&self) -> usize {
        MOST_WAITING - self.jobs.capacity()
    }
}

/// Transactions in flight with the jobs they serve.
pub(super) struct Batch {
    pub(super) signed: Signed,
    jobs: Vec<Job>,
}

struct Clerk<L> {
    operator: Operator,
    ledger: L,
    vigil: Vigil,
    /// Ends of transactions not noted yet.
    ends: Vec<(B256, End)>,
}

impl<L: Ledger> Clerk<L> {
    async fn run(mut self, mut waiting: mpsc::Receiver<Vec<Job>>) {
        let mut in_flight = FuturesUnordered::new();
        let (mut arrived, mut gathered) = (Vec::new(), Vec::new());
        let mut unsettled: Vec<Batch> = Vec::new();
        loop {
            if in_flight.is_empty() && !unsettled.is_empty() {
                self.settle(std::mem::take(&mut unsettled)).await;
            }
            let room = MOST_IN_BATCH.saturating_sub(gathered.len());
            let may_send = room > 0 && in_flight.len() < MOST_IN_FLIGHT && unsettled.is_empty();
            tokio::select! {
                biased;
                Some((batch, outcome)) = in_flight.next() => {
                    if let Some(batch) = self.conclude(batch, outcome) {
                        unsettled.push(batch);
                    }
                }
                count = waiting.recv_many(&mut arrived, room), if may_send => {
                    if count == 0 && gathered.is_empty() {
                        break;
                    }
                    gathered.extend(arrived.drain(..).flatten());
                }
                () = tokio::time::sleep(QUIET), if !self.ends.is_empty() && in_flight.is_empty() => self.note_ends(),
            }
            if self.ends.len() >= MOST_ENDS {
                self.note_ends();
            }
            while in_flight.len() < MOST_IN_FLIGHT && unsettled.is_empty() && !gathered.is_empty() {
                if let Some(batch) = self.next_batch(&mut gathered) {
                    in_flight.push(self.send(batch));
                }
            }
        }
        while let Some((batch, outcome)) = in_flight.next().await {
            unsettled.extend(self.conclude(batch, outcome));
        }
        for (hash, end) in std::mem::take(&mut self.ends) {
            if let Err(error) = self.ledger.ended(hash, end).await {
                tracing::warn!(transaction = %hash, %error, "transaction.end_not_noted");
            }
        }
    }

    /// Takes the jobs that go out together: one that goes alone, or all up to the next that does.
    fn next_batch(&mut self, gathered: &mut Vec<Job>) -> Option<Batch> {
        gathered.retain(|job| !job.reply.is_closed() && job.deadline > Instant::now());
        let alone = matches!(gathered.first()?.work, Work::Alone(_));
        let jobs: Vec<Job> =
            if alone { vec![gathered.remove(0)] } else { gathered.drain(..together(gathered)).collect() };
        match self.operator.sign(call(&jobs)) {
            Ok(signed) => Some(Batch { signed, jobs }),
            Err(error) => {
                refuse(jobs, &error);
                None
            }
        }
    }

    /// Makes the transaction durable and sends it; both are done before anyone is answered. In a task of its own,
    /// because reading a receipt with hundreds of events would keep the next batch from being signed.
    fn send(&self, batch: Batch) -> impl Future<Output = (Batch, Result<Mined, ChainError>)> + use<L> {
        let (transmitter, ledger, operator) =
            (self.operator.transmitter(), self.ledger.clone(), self.operator.address());
        let signed = batch.signed.clone();
        let sending = tokio::spawn(async move {
            let entry = Entry { hash: signed.hash, operator, nonce: signed.nonce, raw: signed.raw.to_vec() };
            let (noted, mined) = tokio::join!(ledger.sent(entry), transmitter.send(&signed, PATIENCE));
            match noted {
                Ok(()) => mined,
                // Not durable, so nobody is answered by it; settling finds out what became of it.
                Err(error) => {
                    tracing::error!(transaction = %signed.hash, %error, "transaction.not_noted");
                    Err(ChainError::Pending(signed.hash))
                }
            }
        });
        async move {
            // A task that broke off leaves a transaction whose end is not known.
            let outcome = sending.await.unwrap_or_else(|_| Err(ChainError::Pending(batch.signed.hash)));
            (batch, outcome)
        }
    }

    /// Answers the jobs of a batch whose end is known; gives the batch back when it is not.
    fn conclude(&mut self, batch: Batch, outcome: Result<Mined, ChainError>) -> Option<Batch> {
        self.vigil.note_transaction(outcome.as_ref().map(|_| ()));
        match outcome {
            Ok(mined) => {
                self.ends.push((batch.signed.hash, End::Mined(mined.block)));
                self.vigil.report_head(mined.block);
                answer(batch.jobs, &mined);
                None
            }
            Err(error @ (ChainError::Refused(_) | ChainError::Failed(_))) => {
                self.ends.push((batch.signed.hash, End::Mined(0)));
                refuse(batch.jobs, &error);
                None
            }
            Err(error) => {
                tracing::warn!(transaction = %batch.signed.hash, jobs = batch.jobs.len(), %error, "transaction.unsettled");
                Some(batch)
            }
        }
    }

    /// The end is bookkeeping for restarts: nobody waits for it, and a lost note is found again at the next start. Ends
    /// are noted together in a quiet moment, because the database has one writer and the next hash needs it at once.
    fn note_ends(&mut self) {
        let ends = std::mem::take(&mut self.ends);
        let ledger = self.ledger.clone();
        tokio::spawn(async move {
            for (hash, end) in ends {
                if let Err(error) = ledger.ended(hash, end).await {
                    tracing::warn!(transaction = %hash, %error, "transaction.end_not_noted");
                }
            }
        });
    }

    async fn settle(&mut self, mut batches: Vec<Batch>) {
        batches.sort_by_key(|batch| batch.signed.nonce);
        for batch in batches {
            let waits = || batch.jobs.iter().any(|job| !job.reply.is_closed());
            let outcome = settle::settle(&mut self.operator, &self.ledger, &batch.signed, waits).await;
            self.vigil.note_transaction(outcome.as_ref().map(|_| ()));
            match outcome {
                Ok(mined) => answer(batch.jobs, &mined),
                Err(error) => refuse(batch.jobs, &error),
            }
        }
        self.resume().await;
    }

    /// Takes up the chain's own count of nonces. Until it is known nothing is sent: a transaction after a missing nonce
    /// would never be mined, nor would any after it.
    async fn resume(&mut self) {
        while let Err(error) = self.operator.resume().await {
            self.vigil.note_transaction(Err(&error));
            tokio::time::sleep(RESUME_PAUSE).await;
        }
    }
}

/// How many jobs at the front go out together.
fn together(jobs: &[Job]) -> usize {
    let mut derivations = 0;
    jobs.iter()
        .take_while(|job| {
            derivations += usize::from(matches!(job.work, Work::Derive(_)));
            !matches!(job.work, Work::Alone(_)) && derivations <= MOST_DERIVATIONS
        })
        .count()
}

fn call(jobs: &[Job]) -> Call {
    if let [Job { work: Work::Alone(call), .. }] = jobs {
        return call.clone();
    }
    let mut requests = Vec::new();
    let mut derivations = Vec::new();
    for job in jobs {
        match &job.work {
            Work::Confirm(request) => requests.push(Request::from(request)),
            Work::Derive(d) => {
                derivations.push(Derivation { parent: d.parent, aihData: d.aih_data, status: d.status.code() })
            }
            Work::Alone(_) => {}
        }
    }
    execute(requests, derivations)
}

/// The call that records confirmations and derivations.
pub fn execute(requests: Vec<Request>, derivations: Vec<Derivation>) -> Call {
    let gas_limit = BASE_GAS + CONFIRM_GAS * requests.len() as u64 + DERIVATION_GAS * derivations.len() as u64;
    let data = if derivations.is_empty() {
        LicenceRegistry::confirmCall { requests }.abi_encode()
    } else {
        LicenceRegistry::executeCall { requests, derivations }.abi_encode()
    };
    Call { data: data.into(), gas_limit }
}

fn answer(jobs: Vec<Job>, mined: &Mined) {
    let mut recorded: HashMap<ConfirmId, (Confirmation, Evidence)> =
        mined.events.iter().filter_map(|event| confirmation(event, mined)).collect();
    for job in jobs {
        let outcome = match &job.work {
            Work::Confirm(request) => match recorded.remove(&request.confirm_id) {
                Some((confirmation, evidence)) => Ok(Done::Confirmed(confirmation, evidence)),
                None => Err(QueueError::NotRecorded("the transaction holds no answer to this request".to_owned())),
            },
            Work::Derive(derivation) => Ok(Done::Mined(about(mined, derivation.aih_data))),
            Work::Alone(_) => Ok(Done::Mined(mined.clone())),
        };
        // A caller that has gone away needs no answer.
        let _ = job.reply.send(outcome);
    }
}

/// A mined batch as it concerns one item: hundreds of others are none of its business.
fn about(mined: &Mined, aih_data: B256) -> Mined {
    let events = mined.events.iter().filter(|event| event.kind.aih_data() == Some(aih_data));
    Mined {
        transaction: mined.transaction,
        block: mined.block,
        block_hash: mined.block_hash,
        block_time: mined.block_time,
        gas_used: mined.gas_used,
        events: events.cloned().collect(),
    }
}

fn confirmation(event: &LicenceEvent, mined: &Mined) -> Option<(ConfirmId, (Confirmation, Evidence))> {
    match &event.kind {
        Kind::Confirmed(confirmation) => Some((confirmation.confirm_id, (*confirmation, evidence(event, mined)))),
        _ => None,
    }
}

/// Where an event of a mined transaction stands.
pub(super) fn evidence(event: &LicenceEvent, mined: &Mined) -> Evidence {
    Evidence {
        licence: event.kind.licence(),
        transaction: mined.transaction,
        position: event.position,
        block_hash: mined.block_hash,
        block_time: mined.block_time,
    }
}

fn refuse(jobs: Vec<Job>, error: &ChainError) {
    let outcome = match error {
        ChainError::Refused(refusal) => QueueError::Refused(refusal.clone()),
        other => QueueError::NotRecorded(other.to_string()),
    };
    for job in jobs {
        // A caller that has gone away needs no answer.
        let _ = job.reply.send(Err(outcome.clone()));
    }
}
