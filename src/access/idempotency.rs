//! First answers to requests with an `Idempotency-Key`. An answer may carry health data, so it is kept sealed under the
//! root key, bound to its own request; after [`super::ANSWERS_KEPT`] it is forgotten.

use alloy::primitives::B256;

pub use crate::db::idempotency::{Begun, IdempotencyKey as Key, KeptResponse};

use super::{Access, AccessError};
use crate::store::RootKey;

const PURPOSE: &str = "idempotent-answer";

impl Access {
    /// Asks what a request with this key and body is; of several at once exactly one is fresh.
    ///
    /// # Errors
    /// When the database fails, or a kept answer does not open.
    pub async fn begin(&self, root: &RootKey, key: &Key, body: B256) -> Result<Begun, AccessError> {
        match self.inner.database.begin_idempotent(key, body, self.inner.clock.micros()).await? {
            Begun::SameDone(kept) => {
                let sealed = String::from_utf8_lossy(&kept.body);
                let body = root.open_bytes(PURPOSE, &owner(key), &sealed)?.to_vec();
                Ok(Begun::SameDone(KeptResponse { body, ..kept }))
            }
            other => Ok(other),
        }
    }

    /// Keeps the answer.
    ///
    /// # Errors
    /// When the database fails or the answer cannot be sealed.
    pub async fn finish(&self, root: &RootKey, key: &Key, response: KeptResponse) -> Result<bool, AccessError> {
        let body = root.seal_bytes(PURPOSE, &owner(key), &response.body)?.into_bytes();
        Ok(self.inner.database.finish_idempotent(key, &KeptResponse { body, ..response }).await?)
    }

    /// A sign of life of a request that is being worked on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn touch(&self, key: &Key) -> Result<bool, AccessError> {
        Ok(self.inner.database.touch_idempotent(key, self.inner.clock.micros()).await?)
    }

    /// Gives up a request that has no answer worth keeping.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn abandon(&self, key: &Key) -> Result<bool, AccessError> {
        Ok(self.inner.database.abandon_idempotent(key).await?)
    }
}

/// Neither an account nor a route contains a NUL.
fn owner(key: &Key) -> String {
    format!("{}\0{}\0{}", key.user, key.route, key.key)
}
