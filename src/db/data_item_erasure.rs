//! **Erasing** items: the rows stay, with class, status, lineage and licence, for the audit; keys and everything that
//! describes the payload go.

use sqlx::{Any, Transaction};

use super::{
    Database, Result, State,
    columns::Columns,
    connect::Kind,
    data_items::{DataItemRow, Eraser, family_with_keys},
};
use crate::domain::ids::AihDataId;

impl Database {
    /// Erases an item and, of a root, everything derived from it, all in one transaction: nothing can leave half of a
    /// family readable. What was done to it, to copies made from it, and found in it goes with it: it leads back to what
    /// was there. Gives the rows as they were; none when all had been erased before.
    ///
    /// With the End User's erasing go the first answers that may describe it, or hold a result; those still in work are
    /// given, and not kept. What the Back End erases of its own no answer tells of.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erase_family(&self, id: AihDataId, by: Eraser, at_us: i64) -> Result<Vec<DataItemRow>> {
        self.retried(|| async {
            let mut tx = self.begin().await?;
            // Takes the rows, so that what is read next is what goes.
            sqlx::query("UPDATE data_items SET hash = hash WHERE aih_data_id = $1 OR root_id = $1")
                .bind(id.to_string())
                .execute(&mut *tx)
                .await?;
            let family = family_with_keys(&mut tx, id).await?;
            let stands = sqlx::query("SELECT state FROM data_items WHERE aih_data_id = $1 AND state <> 'erased'")
                .bind(id.to_string())
                .fetch_optional(&mut *tx)
                .await?
                .is_some();
            if !family.is_empty() {
                erase_rows(&mut tx, id, by, at_us).await?;
                execute_all(&mut tx, &TRACES, id).await?;
            }
            // Once: who asks again must not undo what others are at.
            if by == Eraser::EndUser && (stands || !family.is_empty()) {
                execute_all(&mut tx, &ANSWERS, id).await?;
            }
            tx.commit().await?;
            Ok(family)
        })
        .await
    }

    /// The acts are noted and the objects deleted: nothing is left to do for these.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_erasures(&self, done: &[AihDataId]) -> Result<()> {
        let mut tx = self.begin().await?;
        let finish = ["UPDATE data_items SET object_name = NULL WHERE aih_data_id = $1 AND state = 'erased'"];
        for id in done {
            execute_all(&mut tx, &finish, *id).await?;
        }
        tx.commit().await?;
        Ok(())
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

/// What leads back to what was in an item.
const TRACES: [&str; 3] = [
    "DELETE FROM treatments WHERE aih_data_id IN
         (SELECT aih_data_id FROM data_items WHERE aih_data_id = $1 OR root_id = $1)",
    "DELETE FROM treatments WHERE parent_id IN
         (SELECT aih_data_id FROM data_items WHERE aih_data_id = $1 OR root_id = $1)",
    "DELETE FROM findings WHERE aih_data_id IN
         (SELECT aih_data_id FROM data_items WHERE aih_data_id = $1 OR root_id = $1)",
];

/// First answers to its End User, and to whoever asked for something of it.
const ANSWERS: [&str; 2] = [
    "DELETE FROM idempotency WHERE user_address IN (SELECT owner FROM data_items WHERE aih_data_id = $1)",
    "DELETE FROM idempotency WHERE user_address IN
         (SELECT requester FROM operations WHERE aih_data_id IN
             (SELECT aih_data_id FROM data_items WHERE aih_data_id = $1 OR root_id = $1))",
];

/// What is left of the qualifier is its class, which the row says as well. The object's name stays until the object is
/// deleted: see [`Database::finish_erasures`].
async fn erase_rows(tx: &mut Transaction<'static, Any>, id: AihDataId, by: Eraser, at_us: i64) -> Result<()> {
    sqlx::query(
        "UPDATE data_items SET state = 'erased', item_key_wrapped = NULL, sha256 = NULL, descr_metadata = NULL,
             data_time = 'null', erased_by = $5, updated_at_us = $2, qualifier = $3 || data_class || $4
         WHERE (aih_data_id = $1 OR root_id = $1)
             AND (state IN ('licensed', 'stored') OR (state = 'announced' AND parent_id IS NOT NULL))",
    )
    .bind(id.to_string())
    .bind(at_us)
    .bind("{\"DataClass\":\"")
    .bind("\"}")
    .bind(by.word())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn execute_all(tx: &mut Transaction<'static, Any>, statements: &[&'static str], id: AihDataId) -> Result<()> {
    for statement in statements {
        sqlx::query(*statement).bind(id.to_string()).execute(&mut **tx).await?;
    }
    Ok(())
}
