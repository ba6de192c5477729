//! What events of the registry change beside its copy. Written in the transaction that moves the cursor: an event that
//! is here has had its effect, and one that is gone has lost it.

use alloy::primitives::{Address, B128, B256, Bytes};
use sqlx::AnyConnection;

use super::{
    Database, Result, State,
    columns::{Columns, Hex, bigint},
    operations::Evidence,
    revocations::{RevocationScope, revoke_model_licence},
};
use crate::domain::{ids::UserId, taxonomy::Word, user::Registration};

/// The effects of a range of blocks, or of taking one back.
#[derive(Debug, Clone, Default)]
pub struct ChainEffects {
    /// What the registry says of users from now on; users this Back End does not know are passed over.
    pub classes: Vec<(UserId, Registration)>,
    /// What became of licences, in the chain's order.
    pub licences: Vec<LicenceEffect>,
    /// Where the answers to these Licence Confirms stand from now on.
    pub evidence: Vec<(B128, Evidence)>,
    /// Microseconds since 1970.
    pub at_us: i64,
}

/// What an event does to the rows of the item it is about; items this house does not know are passed over.
#[derive(Debug, Clone)]
pub enum LicenceEffect {
    /// Another licence took the place of one; whatever derives from the old one fell.
    Changed {
        /// Hash of the item's ID.
        item: B256,
        /// The licence in force.
        licence: Address,
        /// The one before.
        previous: Address,
    },
    /// A licence was withdrawn, or the Back End gave up its own right.
    Withdrawn {
        /// Hash of the item's ID.
        item: B256,
        /// The licence.
        licence: Address,
        /// How much of it.
        scope: RevocationScope,
        /// By whom.
        by: Address,
        /// The End User's signature it was sent with.
        signature: Option<Bytes>,
    },
    /// A result was licensed, once more after its licence had fallen.
    Derived {
        /// Hash of the item's ID.
        item: B256,
        /// The licence in force.
        licence: Address,
    },
    /// A reorganisation took back what had become of an item's licence: this one stands again.
    Reinstated {
        /// Hash of the item's ID.
        item: B256,
        /// The licence in force.
        licence: Address,
        /// Hashes of those derived from it that were withdrawn by themselves, and still are.
        still_fallen: Vec<B256>,
    },
}

impl ChainEffects {
    pub(super) async fn apply(&self, connection: &mut AnyConnection) -> Result<()> {
        for effect in &self.licences {
            effect.apply(connection, self.at_us).await?;
        }
        for (user, registration) in &self.classes {
            set_class(connection, *user, *registration, self.at_us).await?;
        }
        for (confirm_id, evidence) in &self.evidence {
            move_evidence(connection, *confirm_id, evidence, self.at_us).await?;
        }
        Ok(())
    }
}

impl LicenceEffect {
    async fn apply(&self, connection: &mut AnyConnection, at_us: i64) -> Result<()> {
        match self {
            Self::Changed { item, licence, previous } => {
                replace_model_licence(connection, *licence, *previous, at_us).await?;
                relicense(connection, *item, *licence, at_us).await?;
                fell_descendants(connection, *item, at_us).await
            }
            Self::Withdrawn { item, licence, scope, by, signature } => {
                keep_withdrawal(connection, (*item, *licence), (*scope, *by, signature.as_ref()), at_us).await?;
                if *scope == RevocationScope::Licence {
                    revoke_model_licence(connection, *licence, at_us).await?;
                    fell(connection, *item, at_us).await?;
                    fell_descendants(connection, *item, at_us).await?;
                }
                Ok(())
            }
            Self::Derived { item, licence } => relicense(connection, *item, *licence, at_us).await,
            Self::Reinstated { item, licence, still_fallen } => {
                reinstate(connection, *item, *licence, at_us).await?;
                for derived in still_fallen {
                    fell(connection, *derived, at_us).await?;
                }
                Ok(())
            }
        }
    }
}

async fn replace_model_licence(
    connection: &mut AnyConnection,
    licence: Address,
    previous: Address,
    at_us: i64,
) -> Result<()> {
    sqlx::query(
        "UPDATE model_licences SET state = 'replaced', updated_at_us = $2 WHERE licence = $1 AND state = 'issued'",
    )
    .bind(previous.hex())
    .bind(at_us)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE model_licences SET state = 'issued', updated_at_us = $2 WHERE licence = $1 AND state = 'signed'",
    )
    .bind(licence.hex())
    .bind(at_us)
    .execute(connection)
    .await?;
    Ok(())
}

async fn relicense(connection: &mut AnyConnection, item: B256, licence: Address, at_us: i64) -> Result<()> {
    sqlx::query(
        "UPDATE data_items SET licence = $2, fallen_at_us = NULL, updated_at_us = $3
         WHERE hash = $1 AND state IN ('licensed', 'stored')",
    )
    .bind(item.hex())
    .bind(licence.hex())
    .bind(at_us)
    .execute(connection)
    .await?;
    Ok(())
}

async fn fell(connection: &mut AnyConnection, item: B256, at_us: i64) -> Result<()> {
    sqlx::query("UPDATE data_items SET fallen_at_us = $2 WHERE hash = $1 AND fallen_at_us IS NULL")
        .bind(item.hex())
        .bind(at_us)
        .execute(connection)
        .await?;
    Ok(())
}

/// Everything derived from a root; of a derived item nothing.
async fn fell_descendants(connection: &mut AnyConnection, root: B256, at_us: i64) -> Result<()> {
    sqlx::query(
        "UPDATE data_items SET fallen_at_us = $2
         WHERE root_id = (SELECT aih_data_id FROM data_items WHERE hash = $1) AND hash <> $1
             AND fallen_at_us IS NULL",
    )
    .bind(root.hex())
    .bind(at_us)
    .execute(connection)
    .await?;
    Ok(())
}

/// The item has this licence again, and what derives from it has not fallen with it.
async fn reinstate(connection: &mut AnyConnection, item: B256, licence: Address, at_us: i64) -> Result<()> {
    sqlx::query(
        "UPDATE model_licences SET state = 'issued', updated_at_us = $2 WHERE licence = $1 AND state <> 'issued'",
    )
    .bind(licence.hex())
    .bind(at_us)
    .execute(&mut *connection)
    .await?;
    // The one that had taken its place is signed, and not issued any more.
    sqlx::query(
        "UPDATE model_licences SET state = 'signed', updated_at_us = $3 WHERE licence <> $2 AND state = 'issued'
             AND aih_data_id = (SELECT aih_data_id FROM data_items WHERE hash = $1)",
    )
    .bind(item.hex())
    .bind(licence.hex())
    .bind(at_us)
    .execute(&mut *connection)
    .await?;
    relicense(connection, item, licence, at_us).await?;
    sqlx::query(
        "UPDATE data_items SET fallen_at_us = NULL WHERE root_id = (SELECT aih_data_id FROM data_items WHERE hash = $1)",
    )
    .bind(item.hex())
    .execute(connection)
    .await?;
    Ok(())
}

async fn keep_withdrawal(
    connection: &mut AnyConnection,
    (item, licence): (B256, Address),
    (scope, by, signature): (RevocationScope, Address, Option<&Bytes>),
    at_us: i64,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO revocations (licence, scope, aih_data_id, signature, revoked_by, revoked_at_us)
         SELECT $2, $3, aih_data_id, $4, $5, $6 FROM data_items WHERE hash = $1
         ON CONFLICT (licence, scope) DO NOTHING",
    )
    .bind(item.hex())
    .bind(licence.hex())
    .bind(scope.word())
    .bind(signature.map(Hex::hex))
    .bind(by.hex())
    .bind(at_us)
    .execute(connection)
    .await?;
    Ok(())
}

async fn set_class(connection: &mut AnyConnection, user: UserId, registration: Registration, at_us: i64) -> Result<()> {
    let update = match registration {
        Registration::Known { class, active } => sqlx::query(
            "UPDATE users SET user_class = $2, standing = $3, approved_at_us = COALESCE(approved_at_us, $4),
                 vouched_class = $2, vouched_active = $5
             WHERE address = $1",
        )
        .bind(user.to_string())
        .bind(class.word())
        .bind(if active { "active" } else { "suspended" })
        .bind(at_us)
        .bind(i64::from(active)),
        // Only a reorganisation takes a class back to nothing. What was vouched for stays, to be restored.
        Registration::Unknown => {
            sqlx::query("UPDATE users SET user_class = NULL, standing = 'pending' WHERE address = $1")
                .bind(user.to_string())
        }
    };
    update.execute(&mut *connection).await?;
    if let Registration::Known { active: false, .. } = registration {
        sqlx::query("UPDATE tokens SET revoked_at_s = $2 WHERE user_address = $1 AND revoked_at_s IS NULL")
            .bind(user.to_string())
            .bind(at_us.div_euclid(1_000_000))
            .execute(connection)
            .await?;
    }
    Ok(())
}

async fn move_evidence(
    connection: &mut AnyConnection,
    confirm_id: B128,
    evidence: &Evidence,
    at_us: i64,
) -> Result<()> {
    sqlx::query(
        "UPDATE operations SET tx_hash = $2, block_number = $3, block_hash = $4, log_index = $5, confirmed_at_s = $6,
             updated_at_us = $7
         WHERE confirm_id = $1 AND verdict IS NOT NULL",
    )
    .bind(confirm_id.hex())
    .bind(evidence.tx_hash.hex())
    .bind(bigint("block_number", evidence.block_number)?)
    .bind(evidence.block_hash.hex())
    .bind(bigint("log_index", evidence.log_index)?)
    .bind(evidence.confirmed_at_s)
    .bind(at_us)
    .execute(connection)
    .await?;
    Ok(())
}

impl Database {
    /// Those derived from an item that are marked as fallen and of whose own licence the copy holds a withdrawal, each with
    /// that licence. Whether it was the whole licence, and still is, the registry says.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_withdrawn_of_family(&self, root: B256) -> Result<Vec<(B256, Address)>> {
        let rows = sqlx::query(
            "SELECT d.aih_data_id, d.hash, d.licence FROM data_items d
             WHERE d.root_id = (SELECT aih_data_id FROM data_items WHERE hash = $1) AND d.hash <> $1
                 AND d.fallen_at_us IS NOT NULL AND d.licence IS NOT NULL
                 AND EXISTS (SELECT 1 FROM chain_events e WHERE e.aih_data = d.hash AND e.licence = d.licence
                     AND e.event IN ('LicenceIssued', 'LicenceDerived', 'LicenceChanged', 'LicenceRevoked')
                     AND e.event = 'LicenceRevoked')",
        )
        .bind(root.hex())
        .fetch_all(&self.readers)
        .await?;
        let read = |row| {
            let columns = Columns::new(row, "data_items", "aih_data_id");
            Ok((columns.parsed("hash")?, columns.parsed("licence")?))
        };
        rows.iter().map(read).collect()
    }

    /// Forgets blocks in `[from, below)` that no event stands in: headers that only served to notice a reorganisation,
    /// now too deep for one. Returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_empty_blocks(&self, from: u64, below: u64) -> Result<u64> {
        let result = sqlx::query(
            "DELETE FROM chain_blocks WHERE number >= $1 AND number < $2
                 AND NOT EXISTS (SELECT 1 FROM chain_events e WHERE e.block_number = chain_blocks.number)",
        )
        .bind(bigint("block_number", from)?)
        .bind(bigint("block_number", below)?)
        .execute(&self.writers)
        .await?;
        Ok(result.rows_affected())
    }
}
