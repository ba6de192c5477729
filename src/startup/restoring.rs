//! What several instances owe a restoration: none permits anything that has not seen, a moment ago, that no restoration
//! is going on (decision 0092).

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    db::Database,
    licensing::{
        ACT_TIME,
        vigil::{RESTORING_KNOWN, Vigil},
    },
};

/// How often an instance asks.
const ASKED_EVERY: Duration = Duration::from_secs(2);
/// How long a restoration waits after it has said that it begins: until no instance that runs permits anything, nor has
/// anything under way that it permitted before, and a little.
pub(super) const HEARD_OF: Duration = Duration::from_secs(RESTORING_KNOWN.as_secs() + ACT_TIME.as_secs() + 5);

/// Asks again and again until told to stop. A database that does not answer leaves the vigil without an answer, which
/// becomes a doubt by itself.
pub(super) async fn keep_asking(database: Database, vigil: Vigil, stop: CancellationToken) {
    let mut interval = tokio::time::interval(ASKED_EVERY);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(interval.tick()).await.is_some() {
        // Counted from before the question: what is said meanwhile counts as unheard.
        let asked = tokio::time::Instant::now();
        match stop.run_until_cancelled(database.is_restoring()).await {
            Some(Ok(restoring)) => vigil.report_restoring(restoring, asked),
            Some(Err(error)) => tracing::warn!(%error, "restoring.unknown"),
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::licensing::vigil::Doubt;

    async fn until(vigil: &Vigil, wanted: Result<(), Doubt>) {
        let waited = tokio::time::timeout(Duration::from_secs(120), async {
            while vigil.pass() != wanted {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("never {wanted:?}"));
    }

    #[tokio::test]
    async fn an_instance_hears_of_a_restoration_and_of_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("hbe.sqlite").display());
        let database = Database::connect(&url, 2).await.unwrap();
        let (vigil, stop) = (Vigil::new(), CancellationToken::new());
        vigil.note(Ok(()));
        let asking = tokio::spawn(keep_asking(database.clone(), vigil.clone(), stop.clone()));
        database.begin_restoration(1).await.unwrap();
        until(&vigil, Err(Doubt::Restoring)).await;
        database.end_restoration(2, true).await.unwrap();
        until(&vigil, Ok(())).await;
        stop.cancel();
        asking.await.unwrap();
    }
}
