//! Where transactions are made durable before anything waits for them.

use std::future::Future;

use alloy::primitives::{Address, B256};

use crate::{
    clock::Clock,
    db::{
        Database, DbError,
        transactions::{NewTransaction, TransactionRow},
    },
};

/// What the column `purpose` says of the gate's transactions.
const PURPOSE: &str = "licensing";

/// A transaction about to be sent.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its hash.
    pub hash: B256,
    /// The operator's address.
    pub operator: Address,
    /// Its nonce.
    pub nonce: u64,
    /// Its bytes.
    pub raw: Vec<u8>,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Mined in this block, whether it did what was asked or not.
    Mined(u64),
    /// Another transaction used its nonce.
    Replaced,
}

/// The ledger could not be written: what is not durable is not waited for.
#[derive(Debug, thiserror::Error)]
#[error("the ledger of transactions cannot be written")]
pub struct LedgerError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// A durable list of transactions sent.
pub trait Ledger: Clone + Send + Sync + 'static {
    /// Notes a transaction before it is waited for.
    fn sent(&self, entry: Entry) -> impl Future<Output = Result<(), LedgerError>> + Send;
    /// Notes how it ended.
    fn ended(&self, hash: B256, end: End) -> impl Future<Output = Result<(), LedgerError>> + Send;
    /// Those whose end is not known, oldest nonce first.
    fn open(&self, operator: Address) -> impl Future<Output = Result<Vec<Entry>, LedgerError>> + Send;
}

/// The ledger of a running Back End: the table `transactions`. Times in it are for people, so they are the system's.
impl Ledger for Database {
    async fn sent(&self, entry: Entry) -> Result<(), LedgerError> {
        let at_us = Clock::system().micros();
        let hash = entry.hash;
        let transaction = NewTransaction {
            hash,
            operator: entry.operator,
            nonce: entry.nonce,
            raw: entry.raw.into(),
            purpose: PURPOSE.to_owned(),
            sent_at_us: at_us,
        };
        if !self.insert_transaction(&transaction).await? {
            // The same bytes once more. Whether the row is still `sent` does not matter: it is there.
            let _ = self.mark_transaction_resent(hash, at_us).await?;
        }
        Ok(())
    }

    async fn ended(&self, hash: B256, end: End) -> Result<(), LedgerError> {
        match end {
            End::Mined(block) => self.mark_transaction_mined(hash, block).await?.required()?,
            // What was mined after all stays mined, and so does what an earlier note replaced.
            End::Replaced => drop(self.mark_transaction_dropped(hash).await?),
        }
        Ok(())
    }

    async fn open(&self, operator: Address) -> Result<Vec<Entry>, LedgerError> {
        Ok(self.list_sent_transactions(operator).await?.into_iter().map(Entry::from).collect())
    }
}

impl From<TransactionRow> for Entry {
    fn from(row: TransactionRow) -> Self {
        Self { hash: row.hash, operator: row.operator, nonce: row.nonce, raw: row.raw.to_vec() }
    }
}

impl From<DbError> for LedgerError {
    fn from(error: DbError) -> Self {
        Self(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::transactions::TransactionState as State;

    const OPERATOR: Address = Address::repeat_byte(7);

    async fn database() -> (Database, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("ledger.db").display());
        (Database::connect(&url, 2).await.unwrap(), folder)
    }

    fn entry(number: u8) -> Entry {
        Entry { hash: B256::repeat_byte(number), operator: OPERATOR, nonce: number.into(), raw: vec![2, number] }
    }

    #[tokio::test]
    async fn what_was_sent_is_open_until_its_end_is_noted() {
        let (ledger, _folder) = database().await;
        for number in [3, 1, 2, 1] {
            ledger.sent(entry(number)).await.unwrap();
        }
        let open = ledger.open(OPERATOR).await.unwrap();
        assert_eq!(open.iter().map(|e| e.nonce).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(open[0].raw, [2, 1]);
        assert!(ledger.open(Address::ZERO).await.unwrap().is_empty());

        ledger.ended(entry(1).hash, End::Mined(9)).await.unwrap();
        ledger.ended(entry(2).hash, End::Replaced).await.unwrap();
        assert_eq!(ledger.open(OPERATOR).await.unwrap().len(), 1);
        let mined = ledger.find_transaction(entry(1).hash).await.unwrap().unwrap();
        assert_eq!((mined.state, mined.block_number), (State::Mined, Some(9)));
    }

    #[tokio::test]
    async fn the_end_of_what_was_never_sent_cannot_be_noted() {
        let (ledger, _folder) = database().await;
        assert!(ledger.ended(entry(1).hash, End::Mined(1)).await.is_err());
    }

    #[tokio::test]
    async fn a_transaction_is_mined_though_it_was_thought_replaced() {
        let (ledger, _folder) = database().await;
        ledger.sent(entry(1)).await.unwrap();
        ledger.ended(entry(1).hash, End::Replaced).await.unwrap();
        ledger.ended(entry(1).hash, End::Mined(5)).await.unwrap();
        ledger.ended(entry(1).hash, End::Replaced).await.unwrap();
        let row = ledger.find_transaction(entry(1).hash).await.unwrap().unwrap();
        assert_eq!((row.state, row.block_number), (State::Mined, Some(5)));
    }
}
