//! **Erasing**: all keys first, in one transaction; then what may wait for a node or a disk.
//!
//! ```text
//! keys and first answers destroyed ─▶ act noted ─▶ object deleted ─▶ the row forgets the object's name
//! ```
//!
//! The row remembers the object's name until all is done, so whatever a crash cuts off is gone on with: by the next start,
//! by the same request again, or within half a minute by any instance.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::Duration,
};

use alloy::primitives::B256;
use uuid::Uuid;

use super::{
    AimError, Aims,
    auditing::{event_evidence, event_kind},
};
use crate::{
    db::{
        chain_events::ChainEventRow,
        data_items::{DataItemRow, DataItemState, Eraser},
        operation_acts::Done,
    },
    domain::{ids::AihDataId, licence_event::Evidence},
    store,
};

/// How often the database is asked to scrub its files, and how long between.
const SCRUBS: u32 = 100;
const SCRUB_PAUSE: Duration = Duration::from_millis(50);
/// Rows read at once.
const PAGE: u32 = 500;

/// Where the licences of items fell, as the chain shows it; each is asked for once.
type Fallen = HashMap<B256, Option<Evidence>>;

impl Aims {
    /// Destroys the key of an item, and of everything derived from it when it is the one the End User licensed; then
    /// frees the space. The rows stay for the audit. Gives the number of items erased.
    ///
    /// # Errors
    /// When the cellar fails. A failure to free the space is logged only, and tried again later: without the key the
    /// bytes are noise.
    pub async fn destroy(&self, item: &DataItemRow) -> Result<u64, AimError> {
        self.destroy_for(item, Eraser::EndUser).await
    }

    /// As [`Aims::destroy`], by the Back End itself: of something it made and nobody was told of.
    ///
    /// # Errors
    /// As [`Aims::destroy`].
    pub(super) async fn destroy_own(&self, item: &DataItemRow) -> Result<u64, AimError> {
        self.destroy_for(item, Eraser::BackEnd).await
    }

    async fn destroy_for(&self, item: &DataItemRow, by: Eraser) -> Result<u64, AimError> {
        let gone = self.database.erase_family(item.id, by, self.clock.micros()).await?;
        if item.state == DataItemState::Announced && item.parent.is_none() {
            self.database.remove_data_item(item.id).await?.required()?;
        }
        self.scrub().await;
        if self.finish_erased(Some(item.id)).await? > 0 {
            self.scrub().await;
        }
        Ok(gone.len() as u64)
    }

    /// Goes on with erasures that were cut off after their keys were destroyed. Gives the number of items finished.
    ///
    /// # Errors
    /// When the cellar fails. Where only the object cannot be deleted, the item is left for the next time.
    pub async fn finish_erasures(&self) -> Result<u64, AimError> {
        let finished = self.finish_erased(None).await?;
        if finished > 0 {
            self.scrub().await;
        }
        Ok(finished)
    }

    async fn finish_erased(&self, of: Option<AihDataId>) -> Result<u64, AimError> {
        let (mut finished, mut after) = (0, None);
        loop {
            let rows = self.database.list_unfinished_erasures(of, after, PAGE).await?;
            let Some(last) = rows.last() else { return Ok(finished) };
            after = Some(last.id);
            let (mut done, mut fallen) = (Vec::new(), Fallen::new());
            for row in &rows {
                match self.finish_erased_one(row, of, &mut fallen).await {
                    Ok(()) => done.push(row.id),
                    Err(error) => tracing::warn!(item = %row.hash, %error, "erasure.not_finished"),
                }
            }
            self.database.finish_erasures(&done).await?;
            finished += done.len() as u64;
        }
    }

    async fn finish_erased_one(
        &self,
        row: &DataItemRow,
        of: Option<AihDataId>,
        fallen: &mut Fallen,
    ) -> Result<(), AimError> {
        // What was never licensed is no item the audit knows of.
        if row.licence.is_some() {
            let by = match row.erased_by {
                Some(Eraser::BackEnd) => self.back_end().address(),
                Some(Eraser::EndUser) | None => row.owner.address(),
            };
            let grounds = (row.licence, self.fallen(row, of, fallen).await);
            self.try_note(Done::Erase, row, by, grounds, row.updated_at_us).await?;
        }
        let Some(object) = row.object_name.as_deref().and_then(|name| Uuid::parse_str(name).ok()) else {
            return Ok(());
        };
        match self.objects.delete(object).await {
            Ok(()) | Err(store::Error::Missing { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Where the act stands by which an item's licence fell: its own withdrawal, which the copy of the register holds,
    /// else what became of the root. The chain is not asked once per item of thousands, but about the one that was asked
    /// for and about each root.
    async fn fallen(&self, row: &DataItemRow, of: Option<AihDataId>, known: &mut Fallen) -> Option<Evidence> {
        if row.parent.is_some()
            && let Some(own) = self.fallen_in_copy(row).await
        {
            return Some(own);
        }
        let asked = if of == Some(row.id) { row.hash } else { row.root.hash() };
        let on_chain = match known.entry(asked) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => *entry.insert(self.fallen_on_chain(asked, row).await),
        };
        match on_chain {
            None if row.parent.is_none() => self.fallen_in_copy(row).await,
            found => found,
        }
    }

    async fn fallen_in_copy(&self, row: &DataItemRow) -> Option<Evidence> {
        let events = self.database.list_licence_events_of_item(row.hash, None, PAGE).await.unwrap_or_default();
        let ended = |event: &&ChainEventRow| event_kind(event).is_ok_and(|kind| kind.ends_licence());
        events.iter().rev().find(ended).map(event_evidence)
    }

    /// Where the chain is away, or was reset, the erasure is noted without what it rests on.
    async fn fallen_on_chain(&self, asked: B256, row: &DataItemRow) -> Option<Evidence> {
        self.licensing.fallen(asked, row.root.hash()).await.unwrap_or_else(|error| {
            tracing::warn!(item = %row.hash, %error, "act.without_evidence");
            None
        })
    }

    /// Has the database remove what erased rows have left in its files. Readers may be in the way for a moment.
    pub async fn scrub(&self) {
        for _ in 0..SCRUBS {
            match self.database.scrub().await {
                Ok(true) => return,
                Ok(false) => tokio::time::sleep(SCRUB_PAUSE).await,
                Err(error) => return tracing::error!(%error, "erasure.not_scrubbed"),
            }
        }
        tracing::error!("erasure.not_scrubbed");
    }
}
