//! **Works that run** on licensed data, so that a licence that falls stops them: within moments of the block, not when
//! they are done.
//!
//! ```text
//! withdrawal or change in a block ─▶ clerk marks the items it fells ─▶ the watch looks at what runs ─▶ stop
//!                                                                       (child killed, nothing kept, `withheld`)
//! ```
//!
//! What decides is the item's row: fallen, or under another licence than the work was permitted by. The rows change in the
//! transaction that copies the event, whoever sent it to the chain and whichever instance copied it. A work is entered
//! before it opens its payload, which looks at the row too ([`Aims::open`]), so none slips through between. Of the Back
//! End's own works the chain is asked as well, because it can be given up what third parties keep.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{AimError, Aims};
use crate::{
    db::{data_items::DataItemRow, operations::NewOperation},
    domain::verdict::{FailingTerm, Verdict},
    licensing::{
        permit::{Grounds, Permit, Purpose, Warrant},
        vigil::Hurry,
    },
};

/// The works of this process; copies share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Running {
    works: Arc<Mutex<HashMap<u64, Entry>>>,
    entered: Arc<AtomicU64>,
    /// Cancelled when the house is taken down: all works end.
    ending: CancellationToken,
}

#[derive(Debug, Clone)]
struct Entry {
    grounds: Grounds,
    stop: CancellationToken,
}

/// A work that is entered; leaves when dropped.
struct Entered {
    running: Running,
    number: u64,
    stop: CancellationToken,
}

/// A work under way: while it is held, the chain is looked at more often, and it is told when its licence falls.
pub(super) struct Work {
    entered: Entered,
    _hurry: Hurry,
}

impl Work {
    /// Ends when the licence has fallen, or the house is taken down.
    pub(super) async fn fallen(&self) {
        self.entered.stop.cancelled().await;
    }
}

impl Running {
    fn enter(&self, grounds: Grounds) -> Entered {
        let number = self.entered.fetch_add(1, Ordering::Relaxed);
        let stop = self.ending.child_token();
        // A panic elsewhere leaves the list as good as it was.
        let mut works = self.works.lock().unwrap_or_else(PoisonError::into_inner);
        works.insert(number, Entry { grounds, stop: stop.clone() });
        Entered { running: self.clone(), number, stop }
    }

    fn all(&self) -> Vec<Entry> {
        self.works.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.running.works.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

/// What the rows know of a licence that fell: what the chain would say to anyone but its End User.
pub(super) fn revoked() -> AimError {
    let verdict: Verdict = [FailingTerm::Revoked].into_iter().collect();
    AimError::Withheld(verdict)
}

impl Aims {
    /// Notes that data is about to be touched, when, and up to which block this house knew the chain then.
    pub(super) async fn note_start(&self, operation: Uuid) -> Result<(), AimError> {
        let (at_us, head) = (self.clock.micros(), self.licensing.vigil().head());
        self.database.start_operation(operation, at_us, head).await?.required()?;
        Ok(())
    }

    /// Spends the permit of an operation and notes that it begins.
    pub(in crate::aims) async fn begin_permitted(
        &self,
        permit: Permit,
        operation: &NewOperation,
    ) -> Result<Warrant, AimError> {
        let warrant = self.spend(permit, operation)?;
        self.note_start(operation.id).await?;
        Ok(warrant)
    }

    /// Spends the permit of an operation. Permits of a batch are all spent before anything else is waited for: they do not
    /// last.
    pub(in crate::aims) fn spend(&self, permit: Permit, operation: &NewOperation) -> Result<Warrant, AimError> {
        let purpose = Purpose {
            item: operation.aih_data_id,
            operation: operation.operation,
            requester: operation.requester.address(),
        };
        Ok(permit.spend(&purpose, self.clock.seconds())?)
    }

    /// Does a permitted work on an item for as long as the licence it is permitted by stands; the work is dropped where it
    /// stands when the licence falls, which ends its child process.
    ///
    /// # Errors
    /// [`AimError::Withheld`] when the licence fell meanwhile; otherwise what the work says.
    pub(in crate::aims) async fn while_licensed<T>(
        &self,
        warrant: &Warrant,
        work: impl Future<Output = Result<T, AimError>>,
    ) -> Result<T, AimError> {
        let entered = self.enter(warrant);
        tokio::select! {
            () = entered.fallen() => Err(self.why_stopped(warrant).await),
            outcome = work => outcome,
        }
    }

    /// Ends all works, and lets none begin: part of a shutdown. Their children are killed, nothing of them is kept, and who
    /// asked may ask again.
    pub fn end_works(&self) {
        self.running.ending.cancel();
    }

    /// Enters a work on these grounds.
    pub(super) fn enter(&self, warrant: &Warrant) -> Work {
        Work { entered: self.running.enter(*warrant.grounds()), _hurry: self.licensing.vigil().hurry() }
    }

    /// Another licence that would permit the same is another licence: what ran under the old one is not handed out.
    async fn why_stopped(&self, warrant: &Warrant) -> AimError {
        if self.running.ending.is_cancelled() {
            return AimError::Ending;
        }
        match self.release(warrant).await {
            Err(withheld @ AimError::Withheld(_)) => withheld,
            _ => revoked(),
        }
    }

    /// Whether an item may still be used on these grounds, as far as its row knows. The End User is bound by no licence of
    /// their own.
    pub(super) fn has_fallen(item: &DataItemRow, grounds: &Grounds) -> bool {
        let other = item.licence != Some(grounds.licence);
        grounds.requester != item.owner.address() && (item.fallen_at_us.is_some() || other)
    }

    /// Looks at what runs whenever the copy of the register has grown, and stops what is not licensed any more.
    pub async fn keep_watch(self, stop: CancellationToken) {
        let mut indexed = self.licensing.vigil().indexed();
        while let Some(Ok(())) = stop.run_until_cancelled(indexed.changed()).await {
            indexed.mark_unchanged();
            for work in self.running.all() {
                match self.must_stop(&work.grounds).await {
                    Ok(false) => {}
                    Ok(true) => {
                        tracing::info!(item = %work.grounds.item.hash(), "work.stopped");
                        work.stop.cancel();
                    }
                    // What cannot be looked at is looked at again before its result is released.
                    Err(error) => tracing::warn!(%error, "work.not_looked_at"),
                }
            }
        }
    }

    async fn must_stop(&self, grounds: &Grounds) -> Result<bool, AimError> {
        let item = self.database.find_data_item(grounds.item).await?;
        if item.is_none_or(|item| Self::has_fallen(&item, grounds)) {
            return Ok(true);
        }
        if grounds.requester != self.back_end().address() {
            return Ok(false);
        }
        Ok(!self.licensing.still_permits(grounds).await?)
    }
}
