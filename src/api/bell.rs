//! Tells event streams that there is news. Notices are written by the rooms and the indexer, of this instance and of
//! others, into one table; one task per door looks at its last number while anybody listens.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use super::Door;

const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// The task that looks owns the sender; when it has ended, the next listener starts another.
type Weak = std::sync::Weak<watch::Sender<i64>>;

/// The bell of a door.
#[derive(Debug, Clone, Default)]
pub struct Bell {
    ringing: Arc<Mutex<Weak>>,
}

impl Bell {
    /// Changes whenever there are new notices, for anybody.
    pub fn listen(&self, door: &Door) -> watch::Receiver<i64> {
        // A panic elsewhere leaves the reference as it was.
        let mut ringing = self.ringing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = ringing.upgrade() {
            return sender.subscribe();
        }
        let sender = Arc::new(watch::Sender::new(0));
        *ringing = Arc::downgrade(&sender);
        let receiver = sender.subscribe();
        tokio::spawn(look(door.clone(), sender));
        receiver
    }
}

/// Ends when nobody listens any more, or the door closes.
async fn look(door: Door, sender: Arc<watch::Sender<i64>>) {
    let mut interval = tokio::time::interval(LOOK_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = interval.tick() => {}
            () = door.closing() => return,
        }
        if sender.receiver_count() == 0 {
            return;
        }
        match door.aims.database.last_notice_seq().await {
            Ok(last) => {
                sender.send_if_modified(|seen| std::mem::replace(seen, last) != last);
            }
            Err(error) => tracing::warn!(%error, "notices.not_read"),
        }
    }
}
