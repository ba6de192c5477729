//! What events of the registry change beside its copy. Written in the transaction that moves the cursor: an event that
//! is here has had its effect, and one that is gone has lost it.

use alloy::primitives::B128;
use sqlx::AnyConnection;

use super::{
    Database, Result,
    columns::{Hex, bigint},
    operations::Evidence,
};
use crate::domain::{ids::UserId, taxonomy::Word, user::Registration};

/// The effects of a range of blocks, or of taking one back.
#[derive(Debug, Clone, Default)]
pub struct ChainEffects {
    /// What the registry says of users from now on; users this Back End does not know are passed over.
    pub classes: Vec<(UserId, Registration)>,
    /// Where the answers to these Licence Confirms stand from now on.
    pub evidence: Vec<(B128, Evidence)>,
    /// Microseconds since 1970.
    pub at_us: i64,
}

impl ChainEffects {
    pub(super) async fn apply(&self, connection: &mut AnyConnection) -> Result<()> {
        for (user, registration) in &self.classes {
            set_class(connection, *user, *registration, self.at_us).await?;
        }
        for (confirm_id, evidence) in &self.evidence {
            move_evidence(connection, *confirm_id, evidence, self.at_us).await?;
        }
        Ok(())
    }
}

async fn set_class(connection: &mut AnyConnection, user: UserId, registration: Registration, at_us: i64) -> Result<()> {
    let update = match registration {
        Registration::Known { class, active } => sqlx::query(
            "UPDATE users SET user_class = $2, standing = $3, approved_at_us = COALESCE(approved_at_us, $4)
             WHERE address = $1",
        )
        .bind(user.to_string())
        .bind(class.word())
        .bind(if active { "active" } else { "suspended" })
        .bind(at_us),
        // Only a reorganisation takes a class back to nothing.
        Registration::Unknown => {
            sqlx::query("UPDATE users SET user_class = NULL, standing = 'pending' WHERE address = $1")
                .bind(user.to_string())
        }
    };
    update.execute(connection).await?;
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
