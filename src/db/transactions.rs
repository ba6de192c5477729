//! `transactions`: what operator keys signed, kept before it is sent, so that a restart can send it again instead of
//! guessing.
//!
//! ```text
//! insert ─▶ sent ─┬─▶ mined ──(its block vanished)──▶ sent
//!                 ├─▶ replaced   (another one with its nonce was mined)
//!                 └─▶ dropped    (it will never be mined; also from mined, when its chain is gone)
//! ```

use alloy::primitives::{Address, B256, Bytes};
use sqlx::any::AnyRow;

use super::{
    Database, Result, Transition,
    columns::{Columns, Hex, bigint, step_in},
    state::states,
};

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT tx_hash, operator_address, nonce, raw, purpose, state, first_sent_at_us, last_sent_at_us, \
             block_number \
             FROM transactions ",
            $tail
        )
    };
}

states! {
    /// What became of a transaction.
    TransactionState in "transactions" {
        /// Sent, or about to be.
        Sent = "sent",
        /// In a block.
        Mined = "mined",
        /// Another one with its nonce was mined.
        Replaced = "replaced",
        /// It will never be mined.
        Dropped = "dropped",
    }
}

/// A signed transaction about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTransaction {
    /// Hash.
    pub hash: B256,
    /// Sender.
    pub operator: Address,
    /// Nonce.
    pub nonce: u64,
    /// The signed transaction.
    pub raw: Bytes,
    /// What it is for, in a word.
    pub purpose: String,
    /// Microseconds since 1970.
    pub sent_at_us: i64,
}

/// A row of `transactions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionRow {
    /// Hash.
    pub hash: B256,
    /// Sender.
    pub operator: Address,
    /// Nonce.
    pub nonce: u64,
    /// The signed transaction.
    pub raw: Bytes,
    /// What it is for, in a word.
    pub purpose: String,
    /// What became of it.
    pub state: TransactionState,
    /// Microseconds since 1970.
    pub first_sent_at_us: i64,
    /// Microseconds since 1970.
    pub last_sent_at_us: i64,
    /// Where it was mined.
    pub block_number: Option<u64>,
}

impl TransactionRow {
    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "transactions", "tx_hash");
        Ok(Self {
            hash: columns.parsed("tx_hash")?,
            operator: columns.parsed("operator_address")?,
            nonce: columns.unsigned("nonce")?,
            raw: columns.parsed("raw")?,
            purpose: columns.text("purpose")?,
            state: columns.state("state")?,
            first_sent_at_us: columns.integer("first_sent_at_us")?,
            last_sent_at_us: columns.integer("last_sent_at_us")?,
            block_number: columns.optional_unsigned("block_number")?,
        })
    }
}

const STATE: &str = "SELECT state FROM transactions WHERE tx_hash = $1";

impl Database {
    /// Keeps a transaction before it is sent. The same one again changes nothing: false.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_transaction(&self, transaction: &NewTransaction) -> Result<bool> {
        let result = sqlx::query(
            "INSERT INTO transactions (tx_hash, operator_address, nonce, raw, purpose, state, first_sent_at_us,
                 last_sent_at_us)
             VALUES ($1, $2, $3, $4, $5, 'sent', $6, $6) ON CONFLICT (tx_hash) DO NOTHING",
        )
        .bind(transaction.hash.hex())
        .bind(transaction.operator.hex())
        .bind(bigint("nonce", transaction.nonce)?)
        .bind(transaction.raw.hex())
        .bind(transaction.purpose.clone())
        .bind(transaction.sent_at_us)
        .execute(&self.writers)
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// It was sent once more; it stays `sent`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mark_transaction_resent(&self, hash: B256, at_us: i64) -> Result<Transition<TransactionState>> {
        let update = sqlx::query("UPDATE transactions SET last_sent_at_us = $2 WHERE tx_hash = $1 AND state = 'sent'")
            .bind(hash.hex())
            .bind(at_us);
        self.step(update, STATE, &hash.hex()).await
    }

    /// It is in a block: `sent → mined` (also from `dropped` and `replaced`, should the chain have thought otherwise),
    /// and in the same transaction its rivals for the nonce become `replaced`. Mined elsewhere moves the block number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mark_transaction_mined(&self, hash: B256, block_number: u64) -> Result<Transition<TransactionState>> {
        self.retried(|| self.mined_once(hash, block_number)).await
    }

    async fn mined_once(&self, hash: B256, block_number: u64) -> Result<Transition<TransactionState>> {
        let mut tx = self.begin().await?;
        let update = sqlx::query("UPDATE transactions SET state = 'mined', block_number = $2 WHERE tx_hash = $1")
            .bind(hash.hex())
            .bind(bigint("block_number", block_number)?);
        let transition = step_in(&mut tx, update, STATE, &hash.hex()).await?;
        sqlx::query(
            "UPDATE transactions SET state = 'replaced'
             WHERE state = 'sent' AND tx_hash <> $1
                 AND operator_address = (SELECT operator_address FROM transactions WHERE tx_hash = $1)
                 AND nonce = (SELECT nonce FROM transactions WHERE tx_hash = $1)",
        )
        .bind(hash.hex())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(transition)
    }

    /// It will never be mined: `sent → dropped`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mark_transaction_dropped(&self, hash: B256) -> Result<Transition<TransactionState>> {
        let update = sqlx::query("UPDATE transactions SET state = 'dropped' WHERE tx_hash = $1 AND state = 'sent'")
            .bind(hash.hex());
        self.step(update, STATE, &hash.hex()).await
    }

    /// Blocks above this one vanished: what was mined there is `sent` again; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unmine_transactions_above(&self, block_number: u64) -> Result<u64> {
        let result = sqlx::query(
            "UPDATE transactions SET state = 'sent', block_number = NULL
             WHERE block_number IS NOT NULL AND block_number > $1",
        )
        .bind(bigint("block_number", block_number)?)
        .execute(&self.writers)
        .await?;
        Ok(result.rows_affected())
    }

    /// The chain they were sent to is gone: whatever was sent or mined is `dropped`; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn drop_transactions(&self) -> Result<u64> {
        // Two statements, each served by its index.
        let sent = sqlx::query("UPDATE transactions SET state = 'dropped' WHERE state = 'sent'");
        let mined = sqlx::query(
            "UPDATE transactions SET state = 'dropped', block_number = NULL WHERE block_number IS NOT NULL",
        );
        let mut tx = self.begin().await?;
        let dropped = sent.execute(&mut *tx).await?.rows_affected() + mined.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(dropped)
    }

    /// The transaction with this hash.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_transaction(&self, hash: B256) -> Result<Option<TransactionRow>> {
        let row = sqlx::query(select!("WHERE tx_hash = $1")).bind(hash.hex()).fetch_optional(&self.readers).await?;
        row.as_ref().map(TransactionRow::read).transpose()
    }

    /// What an operator key has sent and nobody has settled, by nonce, at most 1000: for recovery at a restart.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_sent_transactions(&self, operator: Address) -> Result<Vec<TransactionRow>> {
        let rows = sqlx::query(select!(
            "WHERE operator_address = $1 AND state = 'sent'
             ORDER BY operator_address, nonce, tx_hash LIMIT 1000"
        ))
        .bind(operator.hex())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(TransactionRow::read).collect()
    }

    /// Forgets settled transactions last sent before a time; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge_transactions(&self, sent_before_us: i64) -> Result<u64> {
        let result = sqlx::query("DELETE FROM transactions WHERE last_sent_at_us < $1 AND state <> 'sent'")
            .bind(sent_before_us)
            .execute(&self.writers)
            .await?;
        Ok(result.rows_affected())
    }
}
