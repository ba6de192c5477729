//! The doorkeeper: who somebody is, which services are open to them, and what was answered before.
//!
//! ```text
//! challenge ─▶ signature ─▶ proof ─┬─▶ registration ─▶ class on chain ─┬─▶ Token ─▶ Caller
//!  (EIP-4361, single use)          └─▶ renewal ───────▶ class on chain ─┘  (JWT, minutes)
//! ```
//!
//! | File | What |
//! | --- | --- |
//! | [`proof`] | challenges, and proofs that an account is held |
//! | [`registration`] | new users; their keys and sealed profiles |
//! | [`services`] | which class of user may ask for which service |
//! | [`tokens`] | Tokens given, checked, withdrawn |
//! | [`signing_key`] | the key that signs Tokens |
//! | [`idempotency`] | first answers, sealed |
//!
//! The class of a user is what the chain says, each time anew: neither a profile nor a row of ours makes anybody a clinic.

mod error;
pub mod idempotency;
pub mod proof;
pub mod registration;
pub mod services;
pub mod signing_key;
pub mod tokens;

use std::{sync::Arc, time::Duration};

pub use error::{AccessError, ProofRefused, TokenRefused};
pub use proof::Origin;
pub use services::Scope;
pub use signing_key::SigningKey;
pub use tokens::Caller;

use crate::{clock::Clock, db::Database, domain::ids::BackEndId, licensing::Licensing};

/// How long first answers are kept.
pub const ANSWERS_KEPT: Duration = Duration::from_secs(24 * 3_600);
/// How long notices are kept.
pub const NOTICES_KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);
/// How long settled transactions are kept, to be found when something has to be explained.
pub const TRANSACTIONS_KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);
/// How long nothing must have been heard of a request under a key before it is released: one in work says so every
/// minute.
pub const REQUEST_QUIET: Duration = Duration::from_secs(15 * 60);
const TIDY_INTERVAL: Duration = Duration::from_secs(600);

/// The doorkeeper of one Back End. Copies are cheap.
#[derive(Clone)]
pub struct Access {
    inner: Arc<Inner>,
}

struct Inner {
    licensing: Licensing,
    database: Database,
    clock: Clock,
    key: SigningKey,
    origin: Origin,
}

impl Access {
    /// A doorkeeper who signs Tokens with `key` and is reached under `origin`.
    pub fn new(licensing: Licensing, database: Database, clock: Clock, key: SigningKey, origin: Origin) -> Self {
        Self { inner: Arc::new(Inner { licensing, database, clock, key, origin }) }
    }

    /// Where this Back End is reached.
    pub fn origin(&self) -> &Origin {
        &self.inner.origin
    }

    fn back_end(&self) -> BackEndId {
        self.inner.licensing.node().back_end()
    }

    fn now_s(&self) -> i64 {
        self.inner.clock.micros() / 1_000_000
    }

    /// At a start, before the door opens: releases requests that nobody works on any more. `begun_before_us` is the
    /// present for a single instance, else a time longer ago than any request may last; microseconds since 1970.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recover(&self, begun_before_us: i64) -> Result<u64, AccessError> {
        Ok(self.inner.database.release_idempotent(begun_before_us).await?)
    }

    /// Forgets what is worthless: expired challenges and Tokens, old answers, notices and transactions, keys of requests
    /// that nobody works on any more.
    ///
    /// # Errors
    /// The first failure of the database; what can be forgotten then is.
    pub async fn tidy(&self) -> Result<(), AccessError> {
        let (now_us, now_s) = (self.inner.clock.micros(), self.now_s());
        let before = |kept: Duration| now_us.saturating_sub(i64::try_from(kept.as_micros()).unwrap_or(i64::MAX));
        let database = &self.inner.database;
        // One that fails, and perhaps always does, keeps none of the others from its work.
        let tidied = [
            database.purge_challenges(now_s).await,
            database.purge_tokens(now_s - tokens::LEEWAY_SECONDS).await,
            database.purge_idempotent(before(ANSWERS_KEPT)).await,
            database.purge_notices(before(NOTICES_KEPT)).await,
            // What another instance left when it was killed, perhaps just before this one started.
            database.release_idempotent(before(REQUEST_QUIET)).await,
            database.purge_transactions(before(TRANSACTIONS_KEPT)).await,
        ];
        tidied.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(())
    }

    /// Tidies again and again until cancelled.
    pub async fn keep_tidy(self) {
        let mut interval = tokio::time::interval(TIDY_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            if let Err(error) = self.tidy().await {
                tracing::warn!(%error, "access.not_tidied");
            }
        }
    }
}
