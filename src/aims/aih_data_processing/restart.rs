//! **After a restart** whatever was begun and not ended is taken back: a permit does not survive the process that got
//! it, so nothing half-done can go on unasked. Who asked sees `undone` and may ask again.

use std::{
    collections::HashSet,
    pin::pin,
    time::{Duration, SystemTime},
};

use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::super::{AimError, Aims};
use crate::{
    db::{
        data_items::{DataItemRow, DataItemState},
        operation_steps::Failure,
        operations::OperationRow,
    },
    licensing::LicensingError,
    store::Swept,
};

/// Rows read at once.
const PAGE: u32 = 500;
/// How often derivations without a known end are looked for.
const SETTLE_INTERVAL: Duration = Duration::from_secs(30);
/// How long nothing must have happened to an operation before anybody takes it back: a job gives a sign of life every
/// [`SIGN_INTERVAL`].
pub const WORK_QUIET: Duration = Duration::from_secs(15 * 60);
/// How often work that goes on says so.
const SIGN_INTERVAL: Duration = Duration::from_secs(60);
/// How long nothing must have happened to one: several times what the gate waits for the chain.
const SETTLE_QUIET: Duration = Duration::from_secs(120);

/// What a restart took back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TakenBack {
    /// Operations.
    pub operations: u64,
    /// Items whose result or upload never became readable.
    pub items: u64,
}

impl Aims {
    /// Takes back what no living instance has touched for a while; with `quiet` zero, everything unfinished.
    ///
    /// # Errors
    /// When the cellar fails.
    pub async fn take_back(&self, quiet: Duration) -> Result<TakenBack, AimError> {
        // A quiet time of centuries would not fit; then nothing is old enough.
        let quiet_us = i64::try_from(quiet.as_micros()).unwrap_or(i64::MAX);
        let before = self.clock.micros().saturating_sub(quiet_us);
        Ok(TakenBack {
            operations: self.take_back_operations(before).await?,
            items: self.take_back_items(before).await?,
        })
    }

    /// Removes what killed uploads left in the store, and compares its objects with the cellar's names. What does not
    /// agree is reported and left alone: a mistake of ours must not cost a payload. For the start, before uploads begin;
    /// what another instance wrote within `quiet` may still be under way.
    ///
    /// # Errors
    /// When the cellar or the store fails.
    pub async fn sweep(&self, quiet: Duration) -> Result<Swept, AimError> {
        let stale_before = SystemTime::now().checked_sub(quiet).unwrap_or(SystemTime::UNIX_EPOCH);
        let mut known = HashSet::new();
        let mut names = pin!(self.database.object_names());
        while let Some(name) = names.next().await.transpose()? {
            known.extend(Uuid::parse_str(&name).ok());
        }
        let swept = self.objects.sweep(&known, stale_before).await?;
        for object in &swept.orphans {
            tracing::warn!(%object, "sweep.orphan");
        }
        for name in &swept.strangers {
            tracing::warn!(name, "sweep.stranger");
        }
        Ok(swept)
    }

    async fn take_back_operations(&self, before_us: i64) -> Result<u64, AimError> {
        let failure = interrupted();
        let (mut undone, mut after) = (0, None);
        loop {
            let page = self.database.list_unfinished_operations(before_us, after.as_ref(), PAGE).await?;
            for row in &page.rows {
                // It may have woken up and ended meanwhile: then what it made is somebody's.
                if !self.database.claim_operation(row.id, row.updated_at_us).await? {
                    continue;
                }
                // What it made goes first: nobody was told of it.
                self.take_back_result(row).await?;
                undone +=
                    u64::from(self.database.undo_operation(row.id, &failure, self.clock.micros()).await?.is_done());
            }
            after = page.next;
            if after.is_none() {
                return Ok(undone);
            }
        }
    }

    /// A result that was kept, of an operation whose end nobody noted. One that was only announced is settled with the
    /// other derivations.
    async fn take_back_result(&self, operation: &OperationRow) -> Result<(), AimError> {
        let Some(result) = operation.result_id else { return Ok(()) };
        match self.database.find_data_item(result).await? {
            Some(item) if matches!(item.state, DataItemState::Licensed | DataItemState::Stored) => {
                self.destroy_own(&item).await.map(|_| ())
            }
            _ => Ok(()),
        }
    }

    /// Works, and gives a sign of life of an operation as long as that takes, so that no other instance takes it back.
    pub(in crate::aims) async fn alive<T>(&self, id: Uuid, work: impl Future<Output = T>) -> T {
        let signs = async {
            loop {
                tokio::time::sleep(SIGN_INTERVAL).await;
                // Nothing is known of how far it is; nothing is said to go back either.
                if let Err(error) = self.database.progress_operation(id, 0.0, self.clock.micros()).await {
                    tracing::warn!(operation = %id, %error, "operation.no_sign_of_life");
                }
            }
        };
        // Side by side: work that holds a connection goes on while the sign waits for one.
        tokio::select! {
            done = work => done,
            never = signs => never,
        }
    }

    /// Settles derived items whose derivation ended nobody knows how, so that they do not wait for the next start. What
    /// would have been kept under them is lost: one that the chain licensed is erased, any other forgotten. Gives their
    /// number.
    ///
    /// # Errors
    /// When chain or cellar do not answer.
    pub async fn settle_derivations(&self, quiet: Duration) -> Result<u64, AimError> {
        let quiet_us = i64::try_from(quiet.as_micros()).unwrap_or(i64::MAX);
        let before = self.clock.micros().saturating_sub(quiet_us);
        let (mut settled, mut after) = (0, None);
        loop {
            let page = self.database.list_unfinished_derived_items(before, after.as_ref(), PAGE).await?;
            for row in &page.rows {
                let on_chain = self.licensing.node().item(row.hash).await.map_err(LicensingError::from)?;
                let Some(licence) = on_chain.licence.filter(|_| row.state == DataItemState::Announced) else {
                    settled += u64::from(self.take_back_item(row).await?);
                    continue;
                };
                if self.database.mark_data_item_licensed(row.id, licence, self.clock.micros()).await?.is_done() {
                    let row = DataItemRow { state: DataItemState::Licensed, licence: Some(licence), ..row.clone() };
                    settled += u64::from(self.take_back_item(&row).await?);
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(settled);
            }
        }
    }

    /// Settles again and again until told to stop, and takes back what another instance left when it was killed: the
    /// start after that may have come too early to know.
    pub async fn keep_settled(self, stop: CancellationToken) {
        let mut interval = tokio::time::interval(SETTLE_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(interval.tick()).await.is_some() {
            match self.settle_derivations(SETTLE_QUIET).await {
                Ok(0) => {}
                Ok(items) => tracing::info!(items, "derivations.settled"),
                Err(error) => tracing::warn!(%error, "derivations.not_settled"),
            }
            if let Err(error) = self.finish_erasures().await {
                tracing::warn!(%error, "erasures.not_finished");
            }
            let before = self.clock.micros().saturating_sub(WORK_QUIET.as_micros() as i64);
            match self.take_back_operations(before).await {
                Ok(0) => {}
                Ok(operations) => tracing::info!(operations, "operations.taken_back"),
                Err(error) => tracing::warn!(%error, "operations.not_taken_back"),
            }
        }
    }

    async fn take_back_items(&self, before_us: i64) -> Result<u64, AimError> {
        let (mut taken, mut after) = (0, None);
        loop {
            let page = self.database.list_unfinished_data_items(before_us, after.as_ref(), PAGE).await?;
            for row in &page.rows {
                taken += u64::from(self.take_back_item(row).await?);
            }
            after = page.next;
            if after.is_none() {
                return Ok(taken);
            }
        }
    }

    /// An upload keeps its licence and waits for its payload; what there is of the payload was never acknowledged. A
    /// result nobody received is erased.
    async fn take_back_item(&self, row: &DataItemRow) -> Result<bool, AimError> {
        if let Some(object) = row.object_name.as_deref().and_then(|name| Uuid::parse_str(name).ok())
            && self.objects.contains(object).await?
        {
            self.objects.delete(object).await?;
        }
        Ok(match (row.state, row.parent) {
            (DataItemState::Announced, _) => self.database.remove_data_item(row.id).await?.is_done(),
            (DataItemState::Licensed, Some(_)) => self.destroy_own(row).await? > 0,
            (DataItemState::Licensed | DataItemState::Stored | DataItemState::Erased, _) => false,
        })
    }
}

/// What is noted of an operation that the end of the process cut off.
pub(super) fn interrupted() -> Failure {
    Failure { kind: "interrupted".to_owned(), text: "the Back End was restarted before it ended".to_owned() }
}
