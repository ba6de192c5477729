//! The loop that keeps the copy up to date until it is told to stop.
//!
//! | Who says that there is something new | Then |
//! | --- | --- |
//! | the node, by subscription (WebSocket) | look at once |
//! | the gate, which saw its own transaction mined ([`Vigil::heads`](crate::licensing::vigil::Vigil::heads)) | look at once |
//! | nobody | look every now and then, more often while the chain moves, and every half second while works run |
//!
//! A node or a database that is away is asked again after pauses that grow; nothing is lost meanwhile, the lag shows.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{Indexer, IndexerError, Step};

/// Pauses between looks while nobody says anything: the first after news, growing to the longest.
const FIRST_LOOK: Duration = Duration::from_millis(250);
const LONGEST_LOOK: Duration = Duration::from_secs(2);
/// The same with a subscription, in case it fell silent.
const SUBSCRIBED_LOOK: Duration = Duration::from_secs(5);
/// The same while works run that a fallen licence must stop.
const HURRIED_LOOK: Duration = Duration::from_millis(500);
/// Pauses after failures.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long a node may stay below the copy before its shorter chain is believed.
const SHORTER_PATIENCE: Duration = Duration::from_secs(20);

type Announcements = Box<dyn Stream<Item = u64> + Send + Unpin>;

/// What the loop remembers between looks.
struct Looks {
    heads: watch::Receiver<u64>,
    announced: Option<Announcements>,
    /// Whether a subscription was asked for since the last failure; a node that has none is not asked each time.
    subscribed: bool,
    look: Duration,
    pause: Duration,
    shorter_since: Option<Instant>,
}

impl Indexer {
    /// Follows the chain until cancelled. Failures are logged, shown in [`Indexer::status`], and tried again.
    pub async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => tracing::info!("index.stopped"),
            () = self.follow() => {}
        }
    }

    async fn follow(&self) {
        let mut looks = Looks {
            heads: self.vigil.heads(),
            announced: None,
            subscribed: false,
            look: FIRST_LOOK,
            pause: FIRST_PAUSE,
            shorter_since: None,
        };
        let mut verified = false;
        loop {
            let trusted = looks.shorter_since.is_some_and(|since| since.elapsed() >= SHORTER_PATIENCE);
            match self.look(&mut verified, trusted).await {
                Ok(step) => self.after_step(&mut looks, step).await,
                Err(IndexerError::Moved(block)) => {
                    tracing::debug!(block, "index.chain_moved");
                    tokio::time::sleep(FIRST_PAUSE).await;
                }
                Err(error) => {
                    self.trouble(Some(&error));
                    verified = false;
                    (looks.announced, looks.subscribed) = (None, false);
                    tokio::time::sleep(looks.pause).await;
                    looks.pause = (looks.pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Another chain, or another program at the registry's address, is never copied into this register.
    async fn look(&self, verified: &mut bool, trust_shorter: bool) -> Result<Step, IndexerError> {
        if !*verified {
            self.node.verify().await?;
            *verified = true;
        }
        self.step(trust_shorter).await
    }

    async fn after_step(&self, looks: &mut Looks, step: Step) {
        self.trouble(None);
        looks.pause = FIRST_PAUSE;
        match step {
            Step::Moved => {
                looks.shorter_since = None;
                looks.look = FIRST_LOOK;
                return;
            }
            Step::UpToDate => looks.shorter_since = None,
            Step::NodeBehind => {
                looks.shorter_since.get_or_insert_with(Instant::now);
            }
        }
        if !looks.subscribed {
            looks.subscribed = true;
            looks.announced = self.node.announced_blocks().await.map(|blocks| Box::new(blocks) as Announcements);
        }
        self.wait(looks).await;
    }

    async fn wait(&self, looks: &mut Looks) {
        let seen = self.status.borrow().head.max(self.vigil.head());
        let longest = match looks.announced {
            _ if self.vigil.is_hurried() => HURRIED_LOOK,
            Some(_) => SUBSCRIBED_LOOK,
            None => looks.look,
        };
        looks.look = (looks.look * 2).min(LONGEST_LOOK);
        let announced = async {
            match &mut looks.announced {
                Some(blocks) => blocks.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            block = announced => {
                if block.is_none() {
                    (looks.announced, looks.subscribed) = (None, false);
                }
            }
            // Our own reports come this way too; only what we have not seen is news.
            Ok(_) = looks.heads.wait_for(|head| *head > seen) => {}
            () = tokio::time::sleep(longest) => {}
        }
    }

    fn trouble(&self, error: Option<&IndexerError>) {
        let text = error.map(ToString::to_string);
        let changed = self.status.send_if_modified(|status| {
            let changed = status.trouble != text;
            status.trouble.clone_from(&text);
            changed
        });
        match error {
            Some(error @ IndexerError::Undecodable { .. }) => tracing::error!(%error, "index.stopped_before_a_log"),
            Some(error) if changed => tracing::warn!(%error, "index.stuck"),
            None if changed => tracing::info!("index.goes_on"),
            _ => {}
        }
    }
}
