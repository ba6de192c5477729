//! A ledger for tests of the gate alone, which need no database.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use alloy::primitives::{Address, B256};
use health_back_end::licensing::ledger::{End, Entry, Ledger, LedgerError};

type Entries = HashMap<B256, (Entry, Option<End>)>;

#[derive(Clone, Default)]
pub struct Memory {
    entries: Arc<Mutex<Entries>>,
}

impl Memory {
    /// Transactions that were replaced, or never mined.
    pub fn replaced(&self) -> usize {
        self.entries.lock().unwrap().values().filter(|(_, end)| *end == Some(End::Replaced)).count()
    }
}

impl Ledger for Memory {
    async fn sent(&self, entry: Entry) -> Result<(), LedgerError> {
        self.entries.lock().unwrap().insert(entry.hash, (entry, None));
        Ok(())
    }

    async fn ended(&self, hash: B256, end: End) -> Result<(), LedgerError> {
        if let Some(entry) = self.entries.lock().unwrap().get_mut(&hash) {
            entry.1 = Some(end);
        }
        Ok(())
    }

    async fn open(&self, operator: Address) -> Result<Vec<Entry>, LedgerError> {
        let entries = self.entries.lock().unwrap();
        let mut open: Vec<Entry> = entries
            .values()
            .filter(|(e, end)| e.operator == operator && end.is_none())
            .map(|(e, _)| e.clone())
            .collect();
        open.sort_by_key(|entry| entry.nonce);
        Ok(open)
    }
}
