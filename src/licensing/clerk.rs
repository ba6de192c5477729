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
    ChainError, Refusal,
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

/// A transaction in flight with the jobs it serves.
pub(super) struct Batch {
    pub(super) signed: Signed,
    jobs: Vec<Job>,
    /// Why the node did not take it, where it said so.
    declined: Option<Refusal>,
}

impl Batch {
    fn is_alone(&self) -> bool {
        matches!(self.jobs[..], [Job { work: Work::Alone(_), .. }])
    }
}

/// What waits to be sent: what goes alone, and what goes out together. Of the first kind one is in flight at most, so that
/// however many there are, the other place is for confirmations; and while none is, its turn comes first.
#[derive(Default)]
struct Waiting {
    alone: Vec<Job>,
    together: Vec<Job>,
}

impl Waiting {
    fn len(&self) -> usize {
        self.alone.len() + self.together.len()
    }

    fn take_in(&mut self, jobs: impl Iterator<Item = Job>) {
        for job in jobs {
            match job.work {
                Work::Alone(_) => self.alone.push(job),
                Work::Confirm(_) | Work::Derive(_) => self.together.push(job),
            }
        }
    }

    /// The jobs of the next transaction. Of what goes alone a withdrawal comes first: uploads must not keep it waiting until
    /// it is too late.
    fn next(&mut self, alone_in_flight: bool) -> Option<Vec<Job>> {
        drop_late(&mut self.alone);
        drop_late(&mut self.together);
        if !alone_in_flight && !self.alone.is_empty() {
            let place = self.alone.iter().position(is_withdrawal).unwrap_or_default();
            return Some(vec![self.alone.remove(place)]);
        }
        let count = together(&self.together).min(MOST_IN_BATCH);
        (count > 0).then(|| self.together.drain(..count).collect())
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
    /// Whether a transaction that carries one call alone is in flight.
    alone_in_flight: bool,
}

impl<L: Ledger> Clerk<L> {
    pub(super) fn new(operator: Operator, ledger: L, vigil: Vigil) -> Self {
        Self { operator, ledger, vigil, ends: Vec::new(), priced: Instant::now(), alone_in_flight: false }
    }

    /// Works until nobody holds a way into the queue any more.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Vec<Job>>) {
        let mut in_flight = FuturesUnordered::new();
        let (mut arrived, mut waiting) = (Vec::new(), Waiting::default());
        let mut unsettled: Vec<Batch> = Vec::new();
        loop {
            if in_flight.is_empty() && !unsettled.is_empty() {
                self.settle(std::mem::take(&mut unsettled)).await;
            }
            if in_flight.is_empty() && waiting.len() > 0 {
                self.refresh_price().await;
            }
            // Before the wait: after it, whatever still waits has something in flight to wait for.
            while in_flight.len() < MOST_IN_FLIGHT && unsettled.is_empty() {
                let Some(jobs) = waiting.next(self.alone_in_flight) else { break };
                if let Some(batch) = self.sign(jobs) {
                    in_flight.push(self.send(batch));
                }
            }
            let room = MOST_IN_BATCH.saturating_sub(waiting.len());
            let may_send = room > 0 && in_flight.len() < MOST_IN_FLIGHT && unsettled.is_empty();
            tokio::select! {
                biased;
                Some((batch, outcome)) = in_flight.next() => {
                    if let Some(batch) = self.conclude(batch, outcome) {
                        unsettled.push(batch);
                    }
                }
                count = queue.recv_many(&mut arrived, room), if may_send => {
                    if count == 0 && waiting.len() == 0 {
                        break;
                    }
                    waiting.take_in(arrived.drain(..).flatten());
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

    fn sign(&mut self, jobs: Vec<Job>) -> Option<Batch> {
        match self.operator.sign(call(&jobs)) {
            Ok(signed) => {
                let batch = Batch { signed, jobs, declined: None };
                self.alone_in_flight |= batch.is_alone();
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
    fn conclude(&mut self, mut batch: Batch, outcome: Result<Mined, ChainError>) -> Option<Batch> {
        self.vigil.note_transaction(outcome.as_ref().map(|_| ()));
        self.alone_in_flight &= !batch.is_alone();
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
                if let ChainError::Declined(why) = error {
                    batch.declined = Some(why);
                }
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
            let outcome = match batch.declined {
                Some(why) => settle::declined(&self.operator, &self.ledger, &batch.signed, why).await,
                None => settle::settle(&mut self.operator, (&self.ledger, &self.vigil), &batch.signed, waits).await,
            };
            self.vigil.note_transaction(outcome.as_ref().map(|_| ()));
            match outcome {
                Ok(mined) => answer(batch.jobs, &mined),
                Err(error) => refuse(batch.jobs, &error),
            }
        }
        self.vigil.report_settled();
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
fn drop_late(jobs: &mut Vec<Job>) {
    let now = Instant::now();
    for job in jobs.extract_if(.., |job| job.reply.is_closed() || job.deadline <= now) {
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
    use crate::{
        chain::operator::Call,
        domain::taxonomy::DataStatus,
        licensing::queue::{DeriveRequest, Done},
    };

    /// Jobs of both kinds, and who waits for them.
    fn jobs(kinds: &str) -> (Vec<Job>, Vec<oneshot::Receiver<Result<Done, QueueError>>>) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let job = |kind| {
            let (reply, answer) = oneshot::channel();
            let work = match kind {
                'a' => Work::Alone(Call { data: Default::default(), gas_limit: 0 }),
                _ => Work::Derive(DeriveRequest {
                    parent: B256::ZERO,
                    aih_data: B256::ZERO,
                    status: DataStatus::Identified,
                }),
            };
            (Job { work, deadline, reply }, answer)
        };
        kinds.chars().map(job).unzip()
    }

    #[test]
    fn of_what_goes_alone_one_is_in_flight_and_the_other_place_is_for_the_rest() {
        let mut waiting = Waiting::default();
        let (jobs, answers) = jobs("aaata");
        waiting.take_in(jobs.into_iter());
        assert_eq!(waiting.len(), 5);
        let is_alone = |jobs: &[Job]| matches!(jobs, [Job { work: Work::Alone(_), .. }]);
        assert!(is_alone(&waiting.next(false).unwrap()));
        let rest = waiting.next(true).unwrap();
        assert!(!is_alone(&rest) && rest.len() == 1);
        assert!(waiting.next(true).is_none(), "the others wait for the one in flight");
        assert!(is_alone(&waiting.next(false).unwrap()));
        drop(answers);
        assert!(waiting.next(false).is_none(), "nobody waits for them any more");
        assert_eq!(waiting.len(), 0);
    }

    fn alone(selector: [u8; 4], deadline: Instant) -> (Job, oneshot::Receiver<Result<Done, QueueError>>) {
        let (reply, answer) = oneshot::channel();
        let call = Call { data: Bytes::copy_from_slice(&[&selector[..], &[0; 32]].concat()), gas_limit: 1 };
        (Job { work: Work::Alone(call), deadline, reply }, answer)
    }

    #[test]
    fn a_withdrawal_is_known_among_what_goes_alone() {
        let later = Instant::now() + PATIENCE;
        let (issue, _) = alone(LicenceRegistry::issueCall::SELECTOR, later);
        let (withdrawal, _) = alone(LicenceRegistry::revokeCall::SELECTOR, later);
        assert_eq!([issue, withdrawal].iter().position(is_withdrawal), Some(1));
    }

    #[test]
    fn who_waited_too_long_is_told_so() {
        let (late, mut told) = alone([0; 4], Instant::now());
        let (in_time, _waits) = alone([0; 4], Instant::now() + PATIENCE);
        let (left, _) = alone([0; 4], Instant::now() + PATIENCE);
        let mut gathered = vec![late, in_time, left];
        drop_late(&mut gathered);
        assert_eq!(gathered.len(), 1);
        assert!(matches!(told.try_recv(), Ok(Err(QueueError::Deadline))));
    }
}
