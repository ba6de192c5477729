//! **After a restart** whatever was begun and not ended is taken back: a permit does not survive the process that got
//! it, so nothing half-done can go on unasked. Who asked sees `undone` and may ask again.

use std::{
    collections::HashSet,
    pin::pin,
    time::{Duration, SystemTime},
};

use futures_util::StreamExt;
use uuid::Uuid;

use super::super::{AimError, Aims};
use crate::{
    db::{
        data_items::{DataItemRow, DataItemState},
        operation_steps::Failure,
    },
    store::Swept,
};

/// Rows read at once.
const PAGE: u32 = 500;

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

    /// Removes what killed uploads left on the disk, and compares its objects with the cellar's names. What does not
    /// agree is reported and left alone: a mistake of ours must not cost a payload. For the start, before uploads begin.
    ///
    /// # Errors
    /// When the cellar or the store fails.
    pub async fn sweep(&self) -> Result<Swept, AimError> {
        let begun = SystemTime::now();
        let mut known = HashSet::new();
        let mut names = pin!(self.database.object_names());
        while let Some(name) = names.next().await.transpose()? {
            known.extend(Uuid::parse_str(&name).ok());
        }
        let swept = self.objects.sweep(&known, begun).await?;
        for object in &swept.orphans {
            tracing::warn!(%object, "sweep.orphan");
        }
        for name in &swept.strangers {
            tracing::warn!(name, "sweep.stranger");
        }
        Ok(swept)
    }

    async fn take_back_operations(&self, before_us: i64) -> Result<u64, AimError> {
        let failure =
            Failure { kind: "interrupted".to_owned(), text: "the Back End was restarted before it ended".to_owned() };
        let (mut undone, mut after) = (0, None);
        loop {
            let page = self.database.list_unfinished_operations(before_us, after.as_ref(), PAGE).await?;
            for row in &page.rows {
                undone +=
                    u64::from(self.database.undo_operation(row.id, &failure, self.clock.micros()).await?.is_done());
            }
            after = page.next;
            if after.is_none() {
                return Ok(undone);
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
            (DataItemState::Licensed, Some(_)) => {
                self.database.erase_data_item(row.id, self.clock.micros()).await?.is_done()
            }
            (DataItemState::Licensed | DataItemState::Stored | DataItemState::Erased, _) => false,
        })
    }
}
