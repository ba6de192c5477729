//! **Erasing** items: the rows stay, with class, status, lineage and licence, for the audit; keys and everything that
//! describes the payload go.

use sqlx::{Any, Transaction};

use super::{
    Database, Result, Transition,
    columns::{Columns, Statement, step_in},
    connect::Kind,
    data_item_steps::STATE,
    data_items::{DataItemRow, DataItemState, family_with_payload},
};
use crate::domain::ids::AihDataId;

impl Database {
    /// Destroys the item key and what describes the payload: from `licensed` or `stored` to `erased`. The object may be
    /// deleted afterwards; the sweep does not know its name any more. What was done to it, to copies made from it, and
    /// found in it goes in the same transaction: it leads back to what was there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erase_data_item(&self, id: AihDataId, at_us: i64) -> Result<Transition<DataItemState>> {
        self.retried(|| async {
            let mut tx = self.begin().await?;
            let update = erasing(
                "UPDATE data_items SET state = 'erased', item_key_wrapped = NULL, object_name = NULL, sha256 = NULL,
                     descr_metadata = NULL, data_time = 'null', updated_at_us = $2, qualifier = $3 || data_class || $4
                 WHERE aih_data_id = $1 AND state IN ('licensed', 'stored')",
                (id, at_us),
            );
            let transition = step_in(&mut tx, update, STATE, &id.to_string()).await?;
            if transition.is_done() {
                let traces = [
                    "DELETE FROM treatments WHERE aih_data_id = $1 OR parent_id = $1",
                    "DELETE FROM findings WHERE aih_data_id = $1",
                ];
                execute_all(&mut tx, &traces, id).await?;
            }
            tx.commit().await?;
            Ok(transition)
        })
        .await
    }

    /// Erases an item and, of a root, everything derived from it, all in one transaction: nothing can leave half of a
    /// family readable. Gives the rows as they were; none when all had been erased before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erase_family(&self, id: AihDataId, at_us: i64) -> Result<Vec<DataItemRow>> {
        self.retried(|| async {
            let mut tx = self.begin().await?;
            // Takes the rows, so that what is read next is what goes.
            sqlx::query("UPDATE data_items SET updated_at_us = $2 WHERE aih_data_id = $1 OR root_id = $1")
                .bind(id.to_string())
                .bind(at_us)
                .execute(&mut *tx)
                .await?;
            let family = family_with_payload(&mut tx, id).await?;
            if !family.is_empty() {
                let update = erasing(
                    "UPDATE data_items SET state = 'erased', item_key_wrapped = NULL, object_name = NULL, sha256 = NULL,
                         descr_metadata = NULL, data_time = 'null', updated_at_us = $2, qualifier = $3 || data_class || $4
                     WHERE (aih_data_id = $1 OR root_id = $1) AND state IN ('licensed', 'stored')",
                    (id, at_us),
                );
                update.execute(&mut *tx).await?;
                let traces = [
                    "DELETE FROM treatments WHERE aih_data_id IN
                         (SELECT aih_data_id FROM data_items WHERE aih_data_id = $1 OR root_id = $1)",
                    "DELETE FROM treatments WHERE parent_id IN
                         (SELECT aih_data_id FROM data_items WHERE aih_data_id = $1 OR root_id = $1)",
                    "DELETE FROM findings WHERE aih_data_id IN
                         (SELECT aih_data_id FROM data_items WHERE aih_data_id = $1 OR root_id = $1)",
                ];
                execute_all(&mut tx, &traces, id).await?;
            }
            tx.commit().await?;
            Ok(family)
        })
        .await
    }

    /// Removes what deleted and overwritten rows have left in the database's own files. After this, SQLite's hold no
    /// trace of them: deleted bytes are overwritten (`secure_delete`), and the journal with their old pages is emptied
    /// here. PostgreSQL drops the dead rows; their bytes lie in its files until the pages are written anew, and its own
    /// journal keeps them as long as it is kept (decision 0037). False when readers were in the way; try again later.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn scrub(&self) -> Result<bool> {
        match self.kind {
            Kind::Sqlite => {
                let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&self.writers).await?;
                Ok(Columns::new(&row, "journal", "busy").integer("busy")? == 0)
            }
            Kind::Postgres => {
                for statement in ["VACUUM data_items", "VACUUM idempotency"] {
                    sqlx::query(statement).execute(&self.writers).await?;
                }
                Ok(true)
            }
        }
    }
}

/// What is left of the qualifier is its class, which the row says as well.
fn erasing(update: &'static str, (id, at_us): (AihDataId, i64)) -> Statement {
    sqlx::query(update).bind(id.to_string()).bind(at_us).bind("{\"DataClass\":\"").bind("\"}")
}

async fn execute_all(tx: &mut Transaction<'static, Any>, statements: &[&'static str], id: AihDataId) -> Result<()> {
    for statement in statements {
        sqlx::query(*statement).bind(id.to_string()).execute(&mut **tx).await?;
    }
    Ok(())
}
