//! `challenges`: texts that an account must sign to prove itself; each is good for one proof, for a short time.

use super::{
    Database, Result,
    columns::{Columns, is_storable, storable},
};
use crate::domain::ids::UserId;

/// A challenge given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChallenge {
    /// Random; also stands in the message.
    pub nonce: String,
    /// The account that must sign.
    pub address: UserId,
    /// EIP-4361 text.
    pub message: String,
    /// First second since 1970 at which it is worthless.
    pub expires_at_s: i64,
}

/// A challenge taken: whoever holds this is the only one who ever will.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenChallenge {
    /// The account that must have signed.
    pub address: UserId,
    /// The text it must have signed.
    pub message: String,
}

impl Database {
    /// Remembers a challenge.
    ///
    /// # Errors
    /// [`super::DbError::Taken`] when the nonce was given out before, [`super::DbError::Nul`] for a text with a NUL.
    pub async fn insert_challenge(&self, challenge: &NewChallenge) -> Result<()> {
        sqlx::query("INSERT INTO challenges (nonce, address, message, expires_at_s) VALUES ($1, $2, $3, $4)")
            .bind(storable("nonce", &challenge.nonce)?)
            .bind(challenge.address.to_string())
            .bind(storable("message", &challenge.message)?)
            .bind(challenge.expires_at_s)
            .execute(&self.writers)
            .await?;
        Ok(())
    }

    /// A challenge that could be taken now: known, not used, not expired. Looked at before anything is asked about whoever
    /// claims to have signed it.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_challenge(&self, nonce: &str, now_s: i64) -> Result<Option<TakenChallenge>> {
        if !is_storable(nonce) {
            return Ok(None);
        }
        let row = sqlx::query(
            "SELECT nonce, address, message FROM challenges
             WHERE nonce = $1 AND used_at_s IS NULL AND expires_at_s > $2",
        )
        .bind(nonce)
        .bind(now_s)
        .fetch_optional(&self.readers)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let columns = Columns::new(&row, "challenges", "nonce");
        Ok(Some(TakenChallenge { address: columns.parsed("address")?, message: columns.text("message")? }))
    }

    /// Uses a challenge up. `None` when it is unknown, used or expired; of several callers at most one receives it.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn take_challenge(&self, nonce: &str, now_s: i64) -> Result<Option<TakenChallenge>> {
        if !is_storable(nonce) {
            return Ok(None);
        }
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "UPDATE challenges SET used_at_s = $2 WHERE nonce = $1 AND used_at_s IS NULL AND expires_at_s > $2
             RETURNING nonce, address, message",
        )
        .bind(nonce)
        .bind(now_s)
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        let Some(row) = row else { return Ok(None) };
        let columns = Columns::new(&row, "challenges", "nonce");
        Ok(Some(TakenChallenge { address: columns.parsed("address")?, message: columns.text("message")? }))
    }

    /// Forgets challenges that expired before this second since 1970; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge_challenges(&self, expired_before_s: i64) -> Result<u64> {
        let result = sqlx::query("DELETE FROM challenges WHERE expires_at_s < $1")
            .bind(expired_before_s)
            .execute(&self.writers)
            .await?;
        Ok(result.rows_affected())
    }
}
