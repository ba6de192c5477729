//! `model_licences`: what End Users signed, kept byte for byte, so that a reset chain can be given all of it again.
//!
//! ```text
//! insert ─▶ signed ──issued──▶ issued ─┬─▶ replaced   (another one of the item was issued)
//!             │                        └─▶ revoked    (withdrawn as a whole)
//!             ▼
//!       (row dropped: never issued)
//! ```
//!
//! Of one item at most one row is `issued`; the schema holds that.

use alloy::primitives::{Address, Bytes};
use sqlx::any::AnyRow;

use super::{
    Cursor, Database, Page, Result, Transition,
    columns::{Columns, Hex, bigint, step_in},
    page::fetch_limit,
    state::states,
};
use crate::domain::ids::{AihDataId, BackEndId};

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT licence, aih_data_id, document, signature, sequence, chain_id, registry, state, created_at_us, \
             updated_at_us \
             FROM model_licences ",
            $tail
        )
    };
}

states! {
    /// What became of a signed Model Licence.
    ModelLicenceState in "model_licences" {
        /// Signed; the chain is not known to have it.
        Signed = "signed",
        /// In force.
        Issued = "issued",
        /// A later one of the same item took its place.
        Replaced = "replaced",
        /// Withdrawn.
        Revoked = "revoked",
    }
}

/// A Model Licence with its signature, before it is issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewModelLicence {
    /// Address the licence contract will have.
    pub licence: Address,
    /// The item.
    pub aih_data_id: AihDataId,
    /// The document, canonical JSON (RFC 8785).
    pub document: String,
    /// The End User's EIP-712 signature.
    pub signature: Bytes,
    /// Licence events of the item before it.
    pub sequence: u64,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The `LicenceRegistry` it was signed for.
    pub registry: Address,
    /// Microseconds since 1970.
    pub created_at_us: i64,
}

/// A row of `model_licences`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelLicenceRow {
    /// Address of the licence contract.
    pub licence: Address,
    /// The item.
    pub aih_data_id: AihDataId,
    /// The document, canonical JSON (RFC 8785).
    pub document: String,
    /// The End User's EIP-712 signature.
    pub signature: Bytes,
    /// Licence events of the item before it.
    pub sequence: u64,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The `LicenceRegistry` it was signed for.
    pub registry: Address,
    /// What became of it.
    pub state: ModelLicenceState,
    /// Microseconds since 1970.
    pub created_at_us: i64,
    /// Last change of state, microseconds since 1970.
    pub updated_at_us: i64,
}

impl ModelLicenceRow {
    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "model_licences", "licence");
        Ok(Self {
            licence: columns.parsed("licence")?,
            aih_data_id: columns.parsed("aih_data_id")?,
            document: columns.text("document")?,
            signature: columns.parsed("signature")?,
            sequence: columns.unsigned("sequence")?,
            chain_id: columns.unsigned("chain_id")?,
            registry: columns.parsed("registry")?,
            state: columns.state("state")?,
            created_at_us: columns.integer("created_at_us")?,
            updated_at_us: columns.integer("updated_at_us")?,
        })
    }

    fn read_all(rows: &[AnyRow]) -> Result<Vec<Self>> {
        rows.iter().map(Self::read).collect()
    }
}

/// A place in the order of restoring: items one after the other, each from its first licence on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestoreCursor {
    aih_data_id: AihDataId,
    sequence: u64,
    licence: Address,
}

impl From<&ModelLicenceRow> for RestoreCursor {
    fn from(row: &ModelLicenceRow) -> Self {
        Self { aih_data_id: row.aih_data_id, sequence: row.sequence, licence: row.licence }
    }
}

const STATE: &str = "SELECT state FROM model_licences WHERE licence = $1";

impl Database {
    /// Keeps a signed Model Licence before it is sent to the chain. The same content has the same address, so a second
    /// time finds the first row: false, nothing written.
    ///
    /// # Errors
    /// [`super::DbError::Unrelated`] for an unknown item.
    pub async fn insert_model_licence(&self, licence: &NewModelLicence) -> Result<bool> {
        let result = sqlx::query(
            "INSERT INTO model_licences (licence, aih_data_id, document, signature, sequence, chain_id, registry,
                 state, created_at_us, updated_at_us)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'signed', $8, $8) ON CONFLICT (licence) DO NOTHING",
        )
        .bind(licence.licence.hex())
        .bind(licence.aih_data_id.to_string())
        .bind(licence.document.clone())
        .bind(licence.signature.hex())
        .bind(bigint("sequence", licence.sequence)?)
        .bind(bigint("chain_id", licence.chain_id)?)
        .bind(licence.registry.hex())
        .bind(licence.created_at_us)
        .execute(&self.writers)
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// The chain has it: `signed → issued`, and in the same transaction the one in force before becomes `replaced`.
    /// Already `issued` is `Done`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mark_model_licence_issued(
        &self,
        licence: Address,
        at_us: i64,
    ) -> Result<Transition<ModelLicenceState>> {
        self.retried(|| self.issue_once(licence, at_us)).await
    }

    async fn issue_once(&self, licence: Address, at_us: i64) -> Result<Transition<ModelLicenceState>> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "UPDATE model_licences SET state = 'replaced', updated_at_us = $2
             WHERE state = 'issued' AND licence <> $1
                 AND aih_data_id = (SELECT aih_data_id FROM model_licences WHERE licence = $1 AND state = 'signed')",
        )
        .bind(licence.hex())
        .bind(at_us)
        .execute(&mut *tx)
        .await?;
        let update = sqlx::query(
            "UPDATE model_licences SET state = 'issued', updated_at_us = $2
             WHERE licence = $1 AND state IN ('signed', 'issued')",
        )
        .bind(licence.hex())
        .bind(at_us);
        let transition = step_in(&mut tx, update, STATE, &licence.hex()).await?;
        tx.commit().await?;
        Ok(transition)
    }

    /// Forgets one that the chain never took. From `signed`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_model_licence(&self, licence: Address) -> Result<Transition<ModelLicenceState>> {
        let delete =
            sqlx::query("DELETE FROM model_licences WHERE licence = $1 AND state = 'signed'").bind(licence.hex());
        self.step(delete, STATE, &licence.hex()).await
    }

    /// The Model Licence that became this licence contract.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_model_licence(&self, licence: Address) -> Result<Option<ModelLicenceRow>> {
        let row = sqlx::query(select!("WHERE licence = $1")).bind(licence.hex()).fetch_optional(&self.readers).await?;
        row.as_ref().map(ModelLicenceRow::read).transpose()
    }

    /// The Model Licence in force for an item.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_model_licence_in_force(&self, item: AihDataId) -> Result<Option<ModelLicenceRow>> {
        let row = sqlx::query(select!("WHERE aih_data_id = $1 AND state = 'issued'"))
            .bind(item.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(ModelLicenceRow::read).transpose()
    }

    /// Every Model Licence of an item in the order of signing, at most 1000.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_model_licences_of(&self, item: AihDataId) -> Result<Vec<ModelLicenceRow>> {
        let rows = sqlx::query(select!("WHERE aih_data_id = $1 ORDER BY aih_data_id, sequence, licence LIMIT 1000"))
            .bind(item.to_string())
            .fetch_all(&self.readers)
            .await?;
        ModelLicenceRow::read_all(&rows)
    }

    /// Everything the chain ever took, in the order in which an empty chain must be given it: per item by sequence.
    /// Continue with `RestoreCursor::from` the last row; an empty answer is the end.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_model_licences_to_restore(
        &self,
        after: Option<&RestoreCursor>,
        limit: u32,
    ) -> Result<Vec<ModelLicenceRow>> {
        let (item, sequence, licence) = match after {
            Some(last) => (last.aih_data_id.to_string(), bigint("sequence", last.sequence)?, last.licence.hex()),
            None => (String::new(), -1, String::new()),
        };
        let rows = sqlx::query(select!(
            "WHERE (aih_data_id, sequence, licence) > ($1, $2, $3) AND state <> 'signed'
             ORDER BY aih_data_id, sequence, licence LIMIT $4"
        ))
        .bind(item)
        .bind(sequence)
        .bind(licence)
        .bind(fetch_limit(limit) - 1)
        .fetch_all(&self.readers)
        .await?;
        ModelLicenceRow::read_all(&rows)
    }

    /// The registry of a kept licence that is not of this one, when there is such a licence.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_foreign_licence(&self, ours: BackEndId) -> Result<Option<BackEndId>> {
        let mut after = None;
        loop {
            let page = self.list_model_licences_to_restore(after.as_ref(), 1_000).await?;
            let Some(last) = page.last() else { return Ok(None) };
            after = Some(RestoreCursor::from(last));
            let mut registries = page.iter().map(|row| BackEndId::new(row.chain_id, row.registry));
            if let Some(foreign) = registries.find(|registry| *registry != ours) {
                return Ok(Some(foreign));
            }
        }
    }

    /// Signed and last touched before a time, and not known to be issued: a restart asks the chain about them.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_unfinished_model_licences(
        &self,
        untouched_since_us: i64,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<ModelLicenceRow>> {
        let after = Cursor::lowest(after);
        let query = sqlx::query(select!(
            "WHERE state = 'signed'
                 AND updated_at_us < $1 AND (updated_at_us, licence) > ($2, $3)
             ORDER BY updated_at_us, licence LIMIT $4"
        ))
        .bind(untouched_since_us);
        let cursor = |row: &ModelLicenceRow| Cursor::new(row.updated_at_us, row.licence.hex());
        self.list_page(query, (after, limit), ModelLicenceRow::read, cursor).await
    }
}
