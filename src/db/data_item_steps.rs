//! Making rows of `data_items` and moving them from state to state; the drawing is in [`super::data_items`]. Erasing
//! is in [`super::data_item_erasure`].

use alloy::primitives::Address;

use super::{
    Database, Result, Transition,
    arrivals::insert_arrival,
    columns::{Hex, bigint, step_in, storable},
    data_items::{DataItemState, NewDataItem, ObjectFacts},
};
use crate::domain::{ids::AihDataId, taxonomy::Word};

const STATE: &str = "SELECT state FROM data_items WHERE aih_data_id = $1";

impl Database {
    /// Makes the row of an item before the first byte of its payload is kept: what the object store holds is known.
    ///
    /// # Errors
    /// [`super::DbError::Taken`] for an ID (`DataItem` or `DataItemHash`) or object name in use,
    /// [`super::DbError::Unrelated`] for an unknown owner, [`super::DbError::Nul`] for a description with a NUL.
    pub async fn insert_data_item(&self, item: &NewDataItem) -> Result<()> {
        let descr_metadata = item.descr_metadata.as_deref().map(|text| storable("descr_metadata", text)).transpose()?;
        sqlx::query(
            "INSERT INTO data_items (aih_data_id, hash, owner, data_class, status, qualifier, data_time,
                 descr_metadata, descr_is_sealed, root_id, parent_id, object_name, item_key_wrapped, state, created_at_us,
                 updated_at_us)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $12, 'announced', $13, $13)",
        )
        .bind(item.id.to_string())
        .bind(item.id.hash().hex())
        .bind(item.owner.to_string())
        .bind(item.data_class.word())
        .bind(item.status.word())
        .bind(item.qualifier.to_string())
        .bind(item.data_time.to_string())
        .bind(descr_metadata)
        .bind(item.root.unwrap_or(item.id).to_string())
        .bind(item.parent.map(|parent| parent.to_string()))
        .bind(item.object_name.clone())
        .bind(item.item_key_wrapped.clone())
        .bind(item.created_at_us)
        .execute(&self.writers)
        .await?;
        Ok(())
    }

    /// The chain has the item's licence: `announced → licensed`. Done again with the same licence is `Done`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mark_data_item_licensed(
        &self,
        id: AihDataId,
        licence: Address,
        at_us: i64,
    ) -> Result<Transition<DataItemState>> {
        let update = sqlx::query(
            "UPDATE data_items SET state = 'licensed', licence = $2, updated_at_us = $3
             WHERE aih_data_id = $1 AND (state = 'announced' OR (state = 'licensed' AND licence = $2))",
        )
        .bind(id.to_string())
        .bind(licence.hex())
        .bind(at_us);
        self.step(update, STATE, &id.to_string()).await
    }

    /// Another attempt to store: it writes an object of its own. Only while the item is `licensed` and no other attempt
    /// has named one since; false otherwise.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rename_object(&self, id: AihDataId, (old, new): (&str, &str), at_us: i64) -> Result<bool> {
        let result = sqlx::query(
            "UPDATE data_items SET object_name = $3, updated_at_us = $4
             WHERE aih_data_id = $1 AND object_name = $2 AND state = 'licensed'",
        )
        .bind(id.to_string())
        .bind(old.to_owned())
        .bind(new.to_owned())
        .bind(at_us)
        .execute(&self.writers)
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// The payload lies in the object store under the name the row has, and is acknowledged: `licensed → stored`. Refused
    /// in `licensed` when another attempt has named another object. That somebody has to look into what has arrived is
    /// noted in the same transaction.
    ///
    /// # Errors
    /// When the database fails or a length does not fit.
    pub async fn mark_data_item_stored(
        &self,
        id: AihDataId,
        stored: (&str, &ObjectFacts),
        at_us: i64,
    ) -> Result<Transition<DataItemState>> {
        self.retried(|| self.mark_data_item_stored_once(id, stored, at_us)).await
    }

    async fn mark_data_item_stored_once(
        &self,
        id: AihDataId,
        (object, facts): (&str, &ObjectFacts),
        at_us: i64,
    ) -> Result<Transition<DataItemState>> {
        let update = sqlx::query(
            "UPDATE data_items SET state = 'stored', plain_length = $2, stored_length = $3, sha256 = $4,
                 updated_at_us = $5
             WHERE aih_data_id = $1 AND state = 'licensed' AND object_name = $6",
        )
        .bind(id.to_string())
        .bind(bigint("plain_length", facts.plain_length)?)
        .bind(bigint("stored_length", facts.stored_length)?)
        .bind(facts.sha256.hex())
        .bind(at_us)
        .bind(object.to_owned());
        let mut tx = self.begin().await?;
        let transition = step_in(&mut tx, update, STATE, &id.to_string()).await?;
        if transition.is_done() {
            insert_arrival(&mut tx, id, at_us).await?;
        }
        tx.commit().await?;
        Ok(transition)
    }

    /// Another licence took the place of the one the item was read with: from `licensed` or `stored`, which it stays in.
    /// False when the row has moved on: then the copy of the register was there first, and knows what came after the
    /// change as well. A late write must not bring back a licence that has fallen since.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn change_data_item_licence(
        &self,
        id: AihDataId,
        (previous, licence): (Address, Address),
        at_us: i64,
    ) -> Result<bool> {
        let result = sqlx::query(
            "UPDATE data_items SET licence = $2, fallen_at_us = NULL, updated_at_us = $3
             WHERE aih_data_id = $1 AND state IN ('licensed', 'stored') AND licence = $4 AND licence <> $2",
        )
        .bind(id.to_string())
        .bind(licence.hex())
        .bind(at_us)
        .bind(previous.hex())
        .execute(&self.writers)
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// Undoes an item no licence was issued for: the row goes, with Model Licences signed but never issued. From
    /// `announced`.
    ///
    /// # Errors
    /// [`super::DbError::Unrelated`] when a licence was issued for it after all; otherwise when the database fails.
    pub async fn remove_data_item(&self, id: AihDataId) -> Result<Transition<DataItemState>> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM model_licences WHERE aih_data_id = $1 AND state = 'signed'")
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?;
        let delete =
            sqlx::query("DELETE FROM data_items WHERE aih_data_id = $1 AND state = 'announced'").bind(id.to_string());
        let transition = step_in(&mut tx, delete, STATE, &id.to_string()).await?;
        if transition.is_done() {
            tx.commit().await?;
        }
        Ok(transition)
    }
}
