//! `revocations`: withdrawals, kept for good: a chain that is restored must hear of them again, or data would become
//! usable that its owner has withdrawn.

use alloy::primitives::{Address, Bytes};
use sqlx::{AnyConnection, any::AnyRow};

use super::{
    Database, Result, State,
    columns::{Columns, Hex},
    state::states,
};
use crate::domain::ids::AihDataId;

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT licence, scope, aih_data_id, signature, revoked_by, revoked_at_us \
             FROM revocations ",
            $tail
        )
    };
}

states! {
    /// How much was withdrawn.
    RevocationScope in "revocations" {
        /// The whole licence, by the End User.
        Licence = "licence",
        /// The Back End's own right only, given up by itself.
        BackEnd = "back_end",
    }
}

/// A withdrawal; the rows are never changed, so this is also the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The licence withdrawn; may be a derived one.
    pub licence: Address,
    /// How much of it.
    pub scope: RevocationScope,
    /// Its item.
    pub aih_data_id: AihDataId,
    /// The End User's EIP-712 signature; `None` when it was sent without one.
    pub signature: Option<Bytes>,
    /// Who withdrew it.
    pub revoked_by: Address,
    /// Microseconds since 1970.
    pub revoked_at_us: i64,
}

impl Revocation {
    fn read_all(rows: &[AnyRow]) -> Result<Vec<Self>> {
        rows.iter().map(Self::read).collect()
    }

    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "revocations", "licence");
        Ok(Self {
            licence: columns.parsed("licence")?,
            scope: columns.state("scope")?,
            aih_data_id: columns.parsed("aih_data_id")?,
            signature: columns.optional_parsed("signature")?,
            revoked_by: columns.parsed("revoked_by")?,
            revoked_at_us: columns.integer("revoked_at_us")?,
        })
    }
}

/// A Model Licence withdrawn as a whole: `issued → revoked`.
pub(super) async fn revoke_model_licence(connection: &mut AnyConnection, licence: Address, at_us: i64) -> Result<()> {
    sqlx::query(
        "UPDATE model_licences SET state = 'revoked', updated_at_us = $2 WHERE licence = $1 AND state = 'issued'",
    )
    .bind(licence.hex())
    .bind(at_us)
    .execute(connection)
    .await?;
    Ok(())
}

impl Database {
    /// Records a withdrawal; one of the whole licence also moves its Model Licence from `issued` to `revoked`, in the
    /// same transaction. A second time finds the first: false, and nothing changes but a signature that was missing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_revocation(&self, revocation: &Revocation) -> Result<bool> {
        let mut tx = self.begin().await?;
        let inserted = sqlx::query(
            "INSERT INTO revocations (licence, scope, aih_data_id, signature, revoked_by, revoked_at_us)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (licence, scope) DO NOTHING",
        )
        .bind(revocation.licence.hex())
        .bind(revocation.scope.word())
        .bind(revocation.aih_data_id.to_string())
        .bind(revocation.signature.as_ref().map(Hex::hex))
        .bind(revocation.revoked_by.hex())
        .bind(revocation.revoked_at_us)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if inserted == 0
            && let Some(signature) = &revocation.signature
        {
            // The clerk may have seen the event before us, and not its signature.
            sqlx::query(
                "UPDATE revocations SET signature = $3 WHERE licence = $1 AND scope = $2 AND signature IS NULL",
            )
            .bind(revocation.licence.hex())
            .bind(revocation.scope.word())
            .bind(signature.hex())
            .execute(&mut *tx)
            .await?;
        }
        if revocation.scope == RevocationScope::Licence {
            revoke_model_licence(&mut tx, revocation.licence, revocation.revoked_at_us).await?;
        }
        tx.commit().await?;
        Ok(inserted == 1)
    }

    /// Withdrawals of one licence: at most two, one of each scope.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_revocations_of(&self, licence: Address) -> Result<Vec<Revocation>> {
        let rows = sqlx::query(select!("WHERE licence = $1 ORDER BY scope"))
            .bind(licence.hex())
            .fetch_all(&self.readers)
            .await?;
        Revocation::read_all(&rows)
    }

    /// Withdrawals that concern one item, at most 1000.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_revocations_of_item(&self, item: AihDataId) -> Result<Vec<Revocation>> {
        let rows = sqlx::query(select!("WHERE aih_data_id = $1 ORDER BY aih_data_id, licence, scope LIMIT 1000"))
            .bind(item.to_string())
            .fetch_all(&self.readers)
            .await?;
        Revocation::read_all(&rows)
    }
}
