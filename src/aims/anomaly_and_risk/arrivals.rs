//! **What has arrived is looked into**, once, whatever happens meanwhile: that it has to be is written in the transaction
//! that acknowledges the upload, and crossed out when there is nothing more to be found out.
//!
//! ```text
//! upload acknowledged + noted ─▶ a look, at once ──▶ found, or may not, or cannot be read ─▶ crossed out
//!                                     │  ▲
//!                       stopped, killed, no answer: again later, asked of the chain anew
//! ```
//!
//! A look that a stop cut off begins from its first step: a permit does not survive the process that got it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    aims::{AimError, Aims},
    db::{
        arrivals::Arrival,
        data_items::{DataItemRow, DataItemState},
    },
};

/// How often what is due is looked for.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// Arrivals read at once; they are looked into one after the other, for others want children too.
const AT_ONCE: u32 = 20;
/// Pauses between looks that come to nothing: the first, doubled each time, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3_600);
/// Looks begun before one is given up, some two days after the first: what fails that long fails for ever, and each may
/// cost a transaction.
const MOST_ATTEMPTS: u64 = 24;

impl Aims {
    /// Looks into an item whose upload was acknowledged a moment ago.
    pub async fn look_into(&self, item: &DataItemRow) {
        self.look_at(item, 1).await;
    }

    /// Looks into what nobody has looked into yet, again and again until told to stop. With `alone`, whoever was at
    /// something is gone; else it is left to them for a while.
    pub async fn keep_looking(self, alone: bool, stop: CancellationToken) {
        if alone {
            match self.database.free_arrivals(self.clock.micros()).await {
                Ok(0) => {}
                Ok(items) => tracing::info!(items, "arrivals.taken_up"),
                Err(error) => tracing::warn!(%error, "arrivals.not_taken_up"),
            }
        }
        let mut interval = tokio::time::interval(LOOK_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(interval.tick()).await.is_some() {
            if let Some(Err(error)) = stop.run_until_cancelled(self.look_into_what_is_due()).await {
                tracing::warn!(%error, "arrivals.not_looked_into");
            }
        }
    }

    /// What goes wrong with one item is logged and does not keep the others.
    async fn look_into_what_is_due(&self) -> Result<(), AimError> {
        for arrival in self.database.list_due_arrivals(self.clock.micros(), AT_ONCE).await? {
            self.take_up(&arrival).await?;
        }
        Ok(())
    }

    async fn take_up(&self, arrival: &Arrival) -> Result<(), AimError> {
        if !self.database.claim_arrival(arrival, self.clock.micros()).await? {
            return Ok(());
        }
        match self.database.find_data_item(arrival.item).await? {
            Some(item) if item.state == DataItemState::Stored => self.look_at(&item, arrival.attempts + 1).await,
            _ => self.database.remove_arrival(arrival.item).await?,
        }
        Ok(())
    }

    async fn look_at(&self, item: &DataItemRow, attempts: u64) {
        let outcome = self.alert_on_arrival(item).await;
        let noted = match &outcome {
            // A stop is nothing an item can help, however often.
            Err(error) if passes(error) && (attempts < MOST_ATTEMPTS || matches!(error, AimError::Ending)) => {
                tracing::warn!(item = %item.hash, attempts, %error, "arrival.put_off");
                // Microseconds of hours fit.
                let at = self.clock.micros() + pause_after(attempts).as_micros() as i64;
                self.database.postpone_arrival(item.id, at).await
            }
            Err(error) => {
                tracing::info!(item = %item.hash, attempts, %error, "arrival.cannot_be_looked_into");
                self.database.remove_arrival(item.id).await
            }
            Ok(()) => self.database.remove_arrival(item.id).await,
        };
        if let Err(error) = noted {
            tracing::error!(item = %item.hash, %error, "arrival.end_not_noted");
        }
    }
}

/// Whether another look may come to something: nobody has said no, and the payload was not found wanting.
fn passes(error: &AimError) -> bool {
    use AimError::{Busy, Database, Ending, Index, Licensing, Permit, Store, Worker};
    matches!(error, Busy | Ending | Database(_) | Index(_) | Licensing(_) | Permit(_) | Store(_) | Worker(_))
}

fn pause_after(attempts: u64) -> Duration {
    let doubled = 2_u32.checked_pow(u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX));
    doubled.and_then(|times| FIRST_PAUSE.checked_mul(times)).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_ends_no_look_for_good() {
        assert!(passes(&AimError::Ending));
        assert!(!passes(&AimError::Unprocessable(String::new())));
    }

    #[test]
    fn pauses_grow_and_end() {
        assert_eq!([1, 2, 5].map(|attempts| pause_after(attempts).as_secs()), [1, 2, 16]);
        assert_eq!([16, 40, u64::MAX].map(pause_after), [LONGEST_PAUSE; 3]);
        let all: Duration = (1..MOST_ATTEMPTS).map(pause_after).sum();
        assert!(all > Duration::from_secs(2 * 86_400) && all < Duration::from_secs(3 * 86_400), "{all:?}");
    }
}
