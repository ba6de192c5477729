//! **Descriptions**: the free text an End User sends with an item. It may name people and illnesses, so it is sealed under
//! the item's key like what was found in it; nobody searches it (decision 0085).

use super::{AimError, Aims};
use crate::{
    db::{data_items::DataItemRow, data_items::DataItemState},
    store::ItemKey,
};

const PURPOSE: &str = "description";
/// Rows read at once.
const PAGE: u32 = 500;

/// A description as the cellar keeps it.
pub(super) fn sealed(key: &ItemKey, text: Option<&str>) -> Result<Option<String>, AimError> {
    Ok(text.map(|text| key.seal_text(PURPOSE, text)).transpose()?)
}

impl Aims {
    /// What the End User wrote about an item; `None` when nothing, or the item is erased.
    ///
    /// # Errors
    /// When the key or the sealed text does not open.
    pub async fn description_of(&self, item: &DataItemRow) -> Result<Option<String>, AimError> {
        let Some(kept) = item.descr_metadata.as_deref().filter(|_| item.state != DataItemState::Erased) else {
            return Ok(None);
        };
        if !item.descr_is_sealed {
            return Ok(Some(kept.to_owned()));
        }
        Ok(Some(self.item_key(item).await?.open_text(PURPOSE, kept)?.to_string()))
    }

    /// Seals what earlier versions kept in the clear. Gives the number of descriptions. One whose key does not open is
    /// logged and keeps no other from it.
    ///
    /// # Errors
    /// When the cellar fails.
    pub async fn seal_descriptions(&self) -> Result<u64, AimError> {
        let mut done = 0;
        loop {
            let rows = self.database.list_open_descriptions(PAGE).await?;
            let before = done;
            for row in &rows {
                match self.item_key(row).await.and_then(|key| sealed(&key, row.descr_metadata.as_deref())) {
                    // Erased meanwhile, or sealed by another instance: then there is nothing to seal any more.
                    Ok(text) => done += u64::from(self.database.seal_description(row.id, text.as_deref()).await?),
                    Err(error) => tracing::error!(item = %row.hash, %error, "description.not_sealed"),
                }
            }
            // A page of which nothing could be sealed would come again for ever.
            if rows.len() < PAGE as usize || done == before {
                return Ok(done);
            }
        }
    }
}
