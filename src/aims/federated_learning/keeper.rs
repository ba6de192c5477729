//! The task that ends rounds when they are due: enough answers, or the deadline. It works on one round after the other, and
//! its first look is what resumes, after a restart, a round that was being aggregated.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    aims::{AimError, Aims},
    db::federated_rounds::{RoundRow, RoundState},
};

const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// How long a round that was interrupted is left alone, in microseconds.
const PAUSE_US: i64 = 10_000_000;

impl Aims {
    /// Ends rounds again and again until told to stop. A round that another instance aggregates is left to it until
    /// nothing has been heard of it for `quiet`.
    pub async fn keep_rounds(self, quiet: Duration, stop: CancellationToken) {
        let mut mine = HashMap::new();
        loop {
            // Cut off anywhere, as by a kill: the next start goes on from the row.
            match stop.run_until_cancelled(self.end_due_rounds(quiet, &mut mine)).await {
                None => return,
                Some(Ok(())) => {}
                Some(Err(error)) => tracing::warn!(%error, "federated_learning.rounds_not_looked_at"),
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Removes model files that belong to nothing any more. For the start, before anybody sends anything.
    ///
    /// # Errors
    /// When the cellar or the disk fails.
    pub async fn sweep_models(&self) -> Result<u64, AimError> {
        let mut known = HashSet::new();
        for digest in self.models.blobs.digests()? {
            if self.database.is_model_file_in_use(digest).await? {
                known.insert(digest);
            }
        }
        Ok(self.models.blobs.sweep(|digest| known.contains(&digest))?)
    }

    /// Ends every round that is due. `mine` are those this instance has begun to end, and until when each is left alone.
    ///
    /// # Errors
    /// When the cellar fails; what goes wrong with one round is logged and does not keep the others.
    pub async fn end_due_rounds(&self, quiet: Duration, mine: &mut HashMap<Uuid, i64>) -> Result<(), AimError> {
        for round in self.database.list_unfinished_rounds().await? {
            if !self.is_due(&round, quiet, mine).await? {
                continue;
            }
            mine.insert(round.id, 0);
            if let Err(error) = self.end_round(&round).await {
                mine.insert(round.id, self.clock.micros() + PAUSE_US);
                tracing::warn!(round = %round.id, %error, "federated_learning.round_not_ended");
            }
        }
        Ok(())
    }

    async fn is_due(&self, round: &RoundRow, quiet: Duration, mine: &HashMap<Uuid, i64>) -> Result<bool, AimError> {
        let now_us = self.clock.micros();
        if mine.get(&round.id).is_some_and(|until| now_us < *until) {
            return Ok(false);
        }
        if round.state == RoundState::Aggregating {
            let quiet_us = i64::try_from(quiet.as_micros()).unwrap_or(i64::MAX);
            return Ok(mine.contains_key(&round.id) || round.updated_at_us < now_us.saturating_sub(quiet_us));
        }
        if self.clock.seconds().cast_signed() >= round.deadline_s {
            return Ok(true);
        }
        Ok(self.database.count_answers(round.id).await? >= u64::from(round.most))
    }
}
