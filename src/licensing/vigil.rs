//! The watch: reasons to distrust the chain, or our picture of it. While there is one, nothing is permitted.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{sync::watch, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    chain::{ChainError, node::Node},
    clock::Clock,
};

/// Largest difference between the chain's clock and ours, in seconds.
pub const MOST_SKEW_SECONDS: i64 = 30;
/// How far the index may lag behind the chain, in blocks.
pub const MOST_LAG_BLOCKS: u64 = 64;
/// How long something of ours may wait without any block before the chain counts as frozen. Less than the gate would wait
/// for two answers, and twice what a chain with a block every twelve seconds needs.
const FROZEN_AFTER: Duration = Duration::from_secs(30);
/// How long an answer counts that no restoration is going on, where another instance may begin one.
pub const RESTORING_KNOWN: Duration = Duration::from_secs(20);
/// How often chain id and code are verified.
const VERIFY_INTERVAL: Duration = Duration::from_secs(5);

/// A reason to refuse everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// The node does not answer.
    #[error("the chain does not answer")]
    ChainUnavailable,
    /// The node serves another chain.
    #[error("the node serves another chain than the one this Back End was deployed on")]
    WrongChain,
    /// The registry's code is not ours.
    #[error("the code at the registry's address is not this Back End's contract")]
    ChangedCode,
    /// The clocks disagree.
    #[error("the chain's clock is {0} s away from this Back End's clock")]
    ClockSkew(i64),
    /// The index of chain events lags.
    #[error("the index of chain events is {0} blocks behind the chain")]
    IndexBehind(u64),
    /// The node lags behind what it showed before.
    #[error("the node is {0} blocks behind what the chain has shown before")]
    Stale(u64),
    /// Something of ours waits to be mined, and the chain has shown no block since.
    #[error("the chain has shown no block after block {0}, although a transaction waits for one")]
    Frozen(u64),
    /// The newest block is older than the operator says blocks of this chain may be.
    #[error("the newest block is {0} s old")]
    Old(u64),
    /// Nothing was verified yet.
    #[error("the chain has not been verified yet")]
    NotVerified,
    /// A task that the gate rests on has ended although nobody told it to.
    #[error("a part of this Back End ({0}) has broken down; it must be restarted")]
    BrokenDown(&'static str),
    /// The chain is being given its licences again: a withdrawal may be missing on it.
    #[error("licences are being restored on the chain")]
    Restoring,
    /// Whether licences are being restored was not heard for too long.
    #[error("the database does not say whether licences are being restored on the chain")]
    RestoringUnknown,
}

/// The doubts of now; copies share them.
#[derive(Debug, Clone)]
pub struct Vigil {
    chain: Arc<watch::Sender<Option<Doubt>>>,
    head: Arc<watch::Sender<u64>>,
    indexed: Arc<watch::Sender<u64>>,
    /// Works that a fallen licence must stop soon.
    hurried: Arc<AtomicUsize>,
    /// What has broken down; nothing mends it but a restart.
    broken: Arc<OnceLock<&'static str>>,
    /// The newest block when something of ours had waited too long; a newer one ends the doubt.
    frozen: Arc<watch::Sender<Option<u64>>>,
    frozen_after: Duration,
    /// How old the newest block may be.
    most_block_age: Option<Duration>,
    /// Whether a restoration was going on, and when that was asked; `None` where no other instance can begin one.
    restoring: Arc<watch::Sender<Option<(bool, Instant)>>>,
}

/// While this is held, somebody needs news of the chain soon.
#[derive(Debug)]
pub struct Hurry(Arc<AtomicUsize>);

impl Drop for Hurry {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Vigil {
    fn default() -> Self {
        Self::new()
    }
}

impl Vigil {
    /// Begins in doubt: nothing is verified yet.
    pub fn new() -> Self {
        Self {
            chain: Arc::new(watch::Sender::new(Some(Doubt::NotVerified))),
            head: Arc::new(watch::Sender::new(0)),
            indexed: Arc::new(watch::Sender::new(0)),
            hurried: Arc::new(AtomicUsize::new(0)),
            broken: Arc::default(),
            frozen: Arc::default(),
            frozen_after: FROZEN_AFTER,
            most_block_age: None,
            restoring: Arc::new(watch::Sender::new(None)),
        }
    }

    /// The same, where the newest block may not be older than this: of a chain that makes blocks whether anybody asks or
    /// not. Without it an old block says nothing.
    #[must_use]
    pub fn with_block_age(self, most: Option<Duration>) -> Self {
        Self { most_block_age: most, ..self }
    }

    /// The same, with another patience for a chain that shows no block while something of ours waits.
    #[must_use]
    pub fn frozen_after(self, patience: Duration) -> Self {
        Self { frozen_after: patience, ..self }
    }

    /// Runs a task that the gate rests on. Should it end before it is told to, nothing is permitted any more.
    pub fn resting_on<F>(&self, name: &'static str, stop: CancellationToken, task: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let vigil = self.clone();
        tokio::spawn(async move {
            if breaks_down(name, stop, task).await {
                let _ = vigil.broken.set(name);
            }
        })
    }

    /// Runs a task on which no permission rests. That it ended before it was told to is logged as an error.
    pub fn watched<F>(name: &'static str, stop: CancellationToken, task: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        tokio::spawn(async move {
            let _ = breaks_down(name, stop, task).await;
        })
    }

    /// Says that news of the chain are needed soon, for as long as the answer is held.
    #[must_use = "it counts only while it is held"]
    pub fn hurry(&self) -> Hurry {
        self.hurried.fetch_add(1, Ordering::Relaxed);
        Hurry(Arc::clone(&self.hurried))
    }

    /// Whether somebody needs news of the chain soon.
    pub fn is_hurried(&self) -> bool {
        self.hurried.load(Ordering::Relaxed) > 0
    }

    /// Changes whenever the index reports how far it is.
    pub fn indexed(&self) -> watch::Receiver<u64> {
        self.indexed.subscribe()
    }

    /// Passes when there is no reason to refuse.
    ///
    /// # Errors
    /// The doubt.
    pub fn pass(&self) -> Result<(), Doubt> {
        if let Some(name) = self.broken.get() {
            return Err(Doubt::BrokenDown(name));
        }
        self.pass_restoring()?;
        if let Some(doubt) = *self.chain.borrow() {
            return Err(doubt);
        }
        if let Some(block) = *self.frozen.borrow()
            && self.head() <= block
        {
            return Err(Doubt::Frozen(block));
        }
        match self.lag() {
            lag if lag > MOST_LAG_BLOCKS => Err(Doubt::IndexBehind(lag)),
            _ => Ok(()),
        }
    }

    /// Passes unless the chain may be another than ours, or the contract on it: for what is done in every other doubt,
    /// because it only takes rights away.
    ///
    /// # Errors
    /// The doubt.
    pub fn pass_if_ours(&self) -> Result<(), Doubt> {
        // A register of which half is there would deny a licence that it is about to get again.
        self.pass_restoring()?;
        match *self.chain.borrow() {
            Some(doubt @ (Doubt::WrongChain | Doubt::ChangedCode | Doubt::NotVerified)) => Err(doubt),
            _ => Ok(()),
        }
    }

    fn pass_restoring(&self) -> Result<(), Doubt> {
        match *self.restoring.borrow() {
            Some((true, _)) => Err(Doubt::Restoring),
            Some((false, asked)) if asked.elapsed() > RESTORING_KNOWN => Err(Doubt::RestoringUnknown),
            _ => Ok(()),
        }
    }

    /// Says whether a restoration is going on, and when that was asked. From then on it must be said again and again.
    pub fn report_restoring(&self, restoring: bool, asked: Instant) {
        let before = self.restoring.send_replace(Some((restoring, asked)));
        if before.is_some_and(|(was, _)| was != restoring) {
            tracing::warn!(restoring, "restoring.noticed");
        }
    }

    /// Passes when the index holds everything up to the newest block seen; an audit asks this.
    ///
    /// # Errors
    /// The doubt.
    pub fn pass_for_audit(&self, needed_block: u64) -> Result<(), Doubt> {
        self.pass()?;
        match needed_block.saturating_sub(*self.indexed.borrow()) {
            0 => Ok(()),
            lag => Err(Doubt::IndexBehind(lag)),
        }
    }

    /// Blocks the index is behind the newest block seen.
    pub fn lag(&self) -> u64 {
        self.head.borrow().saturating_sub(*self.indexed.borrow())
    }

    /// The indexer reports how far it is.
    pub fn report_indexed(&self, block: u64) {
        self.indexed.send_replace(block);
    }

    /// Whoever sees a newer block reports it. An older one is news of a node that is behind, not of the chain.
    pub fn report_head(&self, block: u64) {
        self.head.send_if_modified(|head| {
            let newer = block > *head;
            *head = block.max(*head);
            newer
        });
    }

    /// Something of ours waits, and `before` has been the newest block for so long. With no newer one by now the node, or
    /// its chain, stands still: it may not know of a withdrawal that others have mined long since.
    pub fn report_waiting(&self, waited: Duration, before: u64, head: u64) {
        self.report_head(head);
        if waited < self.frozen_after || head > before {
            return;
        }
        if self.frozen.send_replace(Some(head)) != Some(head) {
            tracing::warn!(block = head, waited_seconds = waited.as_secs(), "chain.frozen");
        }
    }

    /// Nothing of ours waits any more: that no block comes says nothing again.
    pub fn report_settled(&self) {
        self.frozen.send_replace(None);
    }

    /// The clerk found that the chain became shorter.
    pub fn report_shorter(&self, block: u64) {
        self.head.send_if_modified(|head| std::mem::replace(head, block) != block);
    }

    /// Changes whenever somebody reports another newest block.
    pub fn heads(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// Waits until the index holds a block, at most for `patience`.
    ///
    /// # Errors
    /// [`Doubt::IndexBehind`] when it does not by then.
    pub async fn indexed_up_to(&self, block: u64, patience: Duration) -> Result<(), Doubt> {
        let mut indexed = self.indexed.subscribe();
        match tokio::time::timeout(patience, indexed.wait_for(|reached| *reached >= block)).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Doubt::IndexBehind(block.saturating_sub(*self.indexed.borrow()))),
        }
    }

    /// Notes what a transaction showed. One that was mined proves that the chain answers, and nothing else: whether it is
    /// the right chain, with our code and a clock like ours, only [`Vigil::verify`] finds out.
    pub fn note_transaction(&self, outcome: Result<(), &ChainError>) {
        let unavailable = *self.chain.borrow() == Some(Doubt::ChainUnavailable);
        if outcome.is_err() || unavailable {
            self.note(outcome);
        }
    }

    /// Newest block anybody has seen.
    pub fn head(&self) -> u64 {
        *self.head.borrow()
    }

    /// Notes what an exchange with the chain showed.
    pub fn note(&self, outcome: Result<(), &ChainError>) {
        let doubt = match outcome {
            Ok(()) => None,
            Err(error) => match doubt_of(error) {
                Some(doubt) => Some(doubt),
                // The contract refused something: the chain itself is in order.
                None => return,
            },
        };
        let changed = self.chain.send_if_modified(|now| {
            // That the node was silent for a moment does not settle what was wrong before; only a verification does.
            let next = match (*now, doubt) {
                (Some(graver), Some(Doubt::ChainUnavailable)) => Some(graver),
                _ => doubt,
            };
            std::mem::replace(now, next) != next
        });
        if changed {
            match doubt {
                Some(doubt) => tracing::warn!(%doubt, "chain.doubted"),
                None => tracing::info!("chain.verified"),
            }
        }
    }

    /// Compares a block's time with ours.
    ///
    /// # Errors
    /// [`Doubt::ClockSkew`] beyond [`MOST_SKEW_SECONDS`].
    pub fn judge_clock(block_time: u64, clock: &Clock) -> Result<(), Doubt> {
        let skew = i64::try_from(block_time).unwrap_or(i64::MAX).saturating_sub(clock.micros() / 1_000_000);
        if skew.abs() > MOST_SKEW_SECONDS { Err(Doubt::ClockSkew(skew)) } else { Ok(()) }
    }

    /// Verifies chain, code and clock once, and notes the outcome.
    pub async fn verify(&self, node: &Node, clock: &Clock) {
        let outcome = verify(node, clock, self.most_block_age).await;
        if let Ok(head) = &outcome {
            self.report_head(*head);
        }
        self.note(outcome.as_ref().map(|_| ()));
    }

    /// Verifies again and again until cancelled.
    pub async fn keep(self, node: Node, clock: Clock) {
        let mut interval = tokio::time::interval(VERIFY_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            self.verify(&node, &clock).await;
        }
    }
}

async fn breaks_down(name: &'static str, stop: CancellationToken, task: impl Future<Output = ()>) -> bool {
    let panicked = AssertUnwindSafe(task).catch_unwind().await.is_err();
    let broken = panicked || !stop.is_cancelled();
    if broken {
        tracing::error!(name, panicked, "task.broken_down");
    }
    broken
}

async fn verify(node: &Node, clock: &Clock, most_age: Option<Duration>) -> Result<u64, ChainError> {
    node.verify().await?;
    let head = node.head().await?;
    judge_head(head.timestamp, clock, most_age)?;
    Ok(head.number)
}

/// A quiet chain's newest block is old, which says nothing unless the operator says so; one from the future says that a
/// clock is wrong.
fn judge_head(block_time: u64, clock: &Clock, most_age: Option<Duration>) -> Result<(), ChainError> {
    let ahead = i64::try_from(block_time).unwrap_or(i64::MAX).saturating_sub(clock.micros() / 1_000_000);
    if ahead > MOST_SKEW_SECONDS {
        return Err(ChainError::ClockSkew { seconds: ahead });
    }
    let seconds = ahead.min(0).unsigned_abs();
    if most_age.is_some_and(|most| seconds > most.as_secs()) {
        return Err(ChainError::Old { seconds });
    }
    Ok(())
}

fn doubt_of(error: &ChainError) -> Option<Doubt> {
    match error {
        ChainError::Unavailable(_) | ChainError::Timeout(_) => Some(Doubt::ChainUnavailable),
        ChainError::WrongChain { .. } => Some(Doubt::WrongChain),
        ChainError::ChangedCode { .. } | ChainError::Contradiction(_) => Some(Doubt::ChangedCode),
        ChainError::ClockSkew { seconds } => Some(Doubt::ClockSkew(*seconds)),
        ChainError::Old { seconds } => Some(Doubt::Old(*seconds)),
        ChainError::Refused(_)
        | ChainError::Declined(_)
        | ChainError::Failed(_)
        | ChainError::Pending(_)
        | ChainError::Overtaken(_)
        | ChainError::Signer(_) => None,
    }
}

#[cfg(test)]
mod tests;
