//! The task behind the [queue](super::queue): it owns the operator's key and nonce, gathers what waits, sends it, and
//! settles what was not mined in time.

use std::time::Duration;

use alloy::{primitives::B256, sol_types::SolCall};
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{sync::mpsc, time::Instant};

use super::{
    batch::{answer, call, refuse, together},
    ledger::{End, Entry, Ledger},
    queue::{Job, QueueError, Work},
    settle,
    vigil::Vigil,
};
use crate::chain::{
    ChainError,
    bindings::LicenceRegistry,
    operator::{Mined, Operator, Signed},
};

/// Most confirmations and derivations in one transaction: a third of anvil's block gas limit of 30 million, and
/// half of it with as many derivations as go along.
const MOST_IN_BATCH: usize = 512;
/// Transactions in flight at once.
const MOST_IN_FLIGHT: usize = 2;
/// How long a transaction may take before the queue stops and settles it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before the chain is asked again where it stands.
const RESUME_PAUSE: Duration = Duration::from_millis(500);
/// How long nothing must be in flight before ends are noted.
const QUIET: Duration = Duration::from_millis(250);
/// How old the price of gas may be that a transaction is signed with.
const PRICE_AGE: Duration = Duration::from_secs(60);
/// Ends noted at the latest when there are so many.
const MOST_ENDS: usize = 64;

/// Transactions in flight with the jobs they serve.
pub(super) struct Batch {
    pub(super) signed: Signed,
    jobs: Vec<Job>,
}

impl Batch {
    fn is_alone(&self) -> bool {
        matches!(self.jobs[..], [Job { work: Work::Alone(_), .. }])
    }
}

/// The task that owns the operator key.
pub(super) struct Clerk<L> {
    operator: Operator,
    ledger: L,
    vigil: Vigil,
    /// Ends of transactions not noted yet.
    ends: Vec<(B256, End)>,
    /// When the price of gas was last asked for.
    priced: Instant,
    /// Transactions in flight that carry one call alone.
    alone_in_flight: usize,
}

impl<L: Ledger> Clerk<L> {
    pub(super) fn new(operator: Operator, ledger: L, vigil: Vigil) -> Self {
        Self { operator, ledger, vigil, ends: Vec::new(), priced: Instant::now(), alone_in_flight: 0 }
    }

    /// Works until nobody holds a way into the queue any more.
    pub(super) async fn run(mut self, mut waiting: mpsc::Receiver<Vec<Job>>) {
        let mut in_flight = FuturesUnordered::new();
        let (mut arrived, mut gathered) = (Vec::new(), Vec::new());
        let mut unsettled: Vec<Batch> = Vec::new();
        loop {
            if in_flight.is_empty() && !unsettled.is_empty() {
                self.settle(std::mem::take(&mut unsettled)).await;
            }
            if in_flight.is_empty() && !gathered.is_empty() {
                self.refresh_price().await;
            }
            // Before the wait: after it, whatever is still gathered has something in flight to wait for.
            while in_flight.len() < MOST_IN_FLIGHT && unsettled.is_empty() {
                let Some(jobs) = self.next_jobs(&mut gathered) else { break };
                if let Some(batch) = self.sign(jobs) {
                    in_flight.push(self.send(batch));
                }
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

    /// Takes the jobs that go out together: one that goes alone, or all up to the next that does. Of those that go alone
    /// one is in flight at most, so that however many there are, the other place is for confirmations; and of those a
    /// withdrawal comes first: uploads must not keep it waiting until it is too late.
    fn next_jobs(&self, gathered: &mut Vec<Job>) -> Option<Vec<Job>> {
        drop_late(gathered);
        if self.alone_in_flight == 0
            && let Some(at) = gathered.iter().position(is_withdrawal)
        {
            return Some(vec![gathered.remove(at)]);
        }
        let is_alone = |job: &Job| matches!(job.work, Work::Alone(_));
        if !gathered.first().is_some_and(is_alone) {
            let count = together(gathered).min(MOST_IN_BATCH);
            return (count > 0).then(|| gathered.drain(..count).collect());
        }
        if self.alone_in_flight == 0 {
            return Some(vec![gathered.remove(0)]);
        }
        let first = gathered.iter().position(|job| !is_alone(job))?;
        let count = together(&gathered[first..]).min(MOST_IN_BATCH);
        Some(gathered.drain(first..first + count).collect())
    }

    fn sign(&mut self, jobs: Vec<Job>) -> Option<Batch> {
        match self.operator.sign(call(&jobs)) {
            Ok(signed) => {
                let batch = Batch { signed, jobs };
                self.alone_in_flight += usize::from(batch.is_alone());
                Some(batch)
            }
            Err(error) => {
                refuse(jobs, &error);
                None
            }
        }
    }

    /// The price of gas moves; a transaction signed with that of yesterday may be stuck.
    async fn refresh_price(&mut self) {
        if self.priced.elapsed() < PRICE_AGE {
            return;
        }
        // Where the node does not say, the transaction goes out at the old price, and is settled if need be.
        if let Err(error) = self.operator.refresh_fee().await {
            tracing::warn!(%error, "operator.price_unknown");
        }
        self.priced = Instant::now();
    }

    /// Sends the transaction and makes it durable meanwhile; only when it is durable is its answer waited for, and nobody
    /// is answered before (decision 0033). In a task of its own, because reading a receipt with hundreds of events would
    /// keep the next batch from being signed.
    fn send(&self, batch: Batch) -> impl Future<Output = (Batch, Result<Mined, ChainError>)> + use<L> {
        let (transmitter, ledger, operator) =
            (self.operator.transmitter(), self.ledger.clone(), self.operator.address());
        let signed = batch.signed.clone();
        let hash = signed.hash;
        let entry = Entry { hash, operator, nonce: signed.nonce, raw: signed.raw.to_vec() };
        let sending = tokio::spawn(async move { transmitter.send(&signed, PATIENCE).await });
        let noting = tokio::spawn(async move { ledger.sent(entry).await });
        async move {
            let outcome = match noting.await {
                // A task that broke off leaves a transaction whose end is not known.
                Ok(Ok(())) => sending.await.unwrap_or(Err(ChainError::Pending(hash))),
                // Not durable, so nobody is answered by its being sent. Settling finds out what became of it: one that is
                // mined then needs no ledger to be found again, and is answered.
                Ok(Err(error)) => {
                    tracing::error!(transaction = %hash, %error, "transaction.not_noted");
                    let _ = sending.await;
                    Err(ChainError::Pending(hash))
                }
                Err(_) => Err(ChainError::Pending(hash)),
            };
            (batch, outcome)
        }
    }

    /// Answers the jobs of a batch whose end is known; gives the batch back when it is not.
    fn conclude(&mut self, batch: Batch, outcome: Result<Mined, ChainError>) -> Option<Batch> {
        self.vigil.note_transaction(outcome.as_ref().map(|_| ()));
        self.alone_in_flight -= usize::from(batch.is_alone());
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

/// Lets go of jobs nobody waits for any more. Who waited until the deadline is told that it passed.
fn drop_late(gathered: &mut Vec<Job>) {
    let now = Instant::now();
    for job in gathered.extract_if(.., |job| job.reply.is_closed() || job.deadline <= now) {
        let _ = job.reply.send(Err(QueueError::Deadline));
    }
}

fn is_withdrawal(job: &Job) -> bool {
    matches!(&job.work, Work::Alone(call) if call.data.starts_with(&LicenceRegistry::revokeCall::SELECTOR))
}

#[cfg(test)]
mod tests {
    use alloy::primitives::Bytes;
    use tokio::sync::oneshot;

    use super::*;
    use crate::{chain::operator::Call, licensing::queue::Done};

    fn job(selector: [u8; 4], deadline: Instant) -> (Job, oneshot::Receiver<Result<Done, QueueError>>) {
        let (reply, answer) = oneshot::channel();
        let call = Call { data: Bytes::copy_from_slice(&[&selector[..], &[0; 32]].concat()), gas_limit: 1 };
        (Job { work: Work::Alone(call), deadline, reply }, answer)
    }

    #[test]
    fn a_withdrawal_is_known_among_what_goes_alone() {
        let later = Instant::now() + PATIENCE;
        let (issue, _) = job(LicenceRegistry::issueCall::SELECTOR, later);
        let (withdrawal, _) = job(LicenceRegistry::revokeCall::SELECTOR, later);
        assert_eq!([issue, withdrawal].iter().position(is_withdrawal), Some(1));
    }

    #[test]
    fn who_waited_too_long_is_told_so() {
        let (late, mut told) = job([0; 4], Instant::now());
        let (in_time, _waits) = job([0; 4], Instant::now() + PATIENCE);
        let (left, _) = job([0; 4], Instant::now() + PATIENCE);
        let mut gathered = vec![late, in_time, left];
        drop_late(&mut gathered);
        assert_eq!(gathered.len(), 1);
        assert!(matches!(told.try_recv(), Ok(Err(QueueError::Deadline))));
    }
}
