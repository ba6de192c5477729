//! `treatments`: what was done to each treated copy, and the sealed way back. A row goes with the copy, and with the item
//! the copy was made from ([`Database::erase_data_item`]).

use serde_json::Value;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::{Database, Result, columns::Columns};
use crate::domain::ids::{AihDataId, UserId};

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT aih_data_id, parent_id, operation_id, recipient, report, mapping_sealed, created_at_us \
             FROM treatments ",
            $tail
        )
    };
}

/// A treated copy; the rows are never changed, so this is also the row.
#[derive(Debug, Clone, PartialEq)]
pub struct TreatmentRow {
    /// The treated copy.
    pub item: AihDataId,
    /// The item it was made from.
    pub parent: AihDataId,
    /// The operation it came of.
    pub operation_id: Uuid,
    /// Whose pseudonyms it holds.
    pub recipient: UserId,
    /// The report and its signature.
    pub report: Value,
    /// Original and pseudonym, sealed.
    pub mapping_sealed: String,
    /// Microseconds since 1970.
    pub created_at_us: i64,
}

impl TreatmentRow {
    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "treatments", "aih_data_id");
        Ok(Self {
            item: columns.parsed("aih_data_id")?,
            parent: columns.parsed("parent_id")?,
            operation_id: columns.parsed("operation_id")?,
            recipient: columns.parsed("recipient")?,
            report: columns.json("report")?,
            mapping_sealed: columns.text("mapping_sealed")?,
            created_at_us: columns.integer("created_at_us")?,
        })
    }
}

impl Database {
    /// Keeps what was done to a copy, before the copy can be read.
    ///
    /// # Errors
    /// [`super::DbError::Taken`] for a copy or operation that has one, [`super::DbError::Unrelated`] for an unknown copy.
    pub async fn insert_treatment(&self, treatment: &TreatmentRow) -> Result<()> {
        sqlx::query(
            "INSERT INTO treatments (aih_data_id, parent_id, operation_id, recipient, report, mapping_sealed,
                 created_at_us)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(treatment.item.to_string())
        .bind(treatment.parent.to_string())
        .bind(treatment.operation_id.to_string())
        .bind(treatment.recipient.to_string())
        .bind(treatment.report.to_string())
        .bind(treatment.mapping_sealed.clone())
        .bind(treatment.created_at_us)
        .execute(&self.writers)
        .await?;
        Ok(())
    }

    /// What was done to this copy; `None` when it is none, or is erased.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_treatment(&self, item: AihDataId) -> Result<Option<TreatmentRow>> {
        let row =
            sqlx::query(select!("WHERE aih_data_id = $1")).bind(item.to_string()).fetch_optional(&self.readers).await?;
        row.as_ref().map(TreatmentRow::read).transpose()
    }
}
