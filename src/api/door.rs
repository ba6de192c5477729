//! What every route stands on.

use std::{ops::Deref, sync::Arc, time::Duration};

use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

use super::{
    Problem,
    bell::Bell,
    layers::{load::Load, metrics, rate::Rates},
};
use crate::{access::Access, aims::Aims, schema::wire::DateTime};

/// What the door takes in and how long it waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Largest JSON message, in bytes; AIH Data has a limit of its own.
    pub most_message_bytes: usize,
    /// Largest AIH Data, message and payload, in bytes.
    pub most_upload_bytes: u64,
    /// How long a request of the quick kind may take.
    pub request_time: Duration,
    /// How long a JSON message may take to arrive, and how long an upload or a connection may stand still.
    pub body_time: Duration,
    /// Requests worked on at once; beyond, callers are told to come back.
    pub most_requests: usize,
    /// Event streams open at once.
    pub most_streams: usize,
    /// Messages larger than [`Limits::most_message_bytes`] in memory at once: of each, with its data inside, some four
    /// copies while it is read, at most 64 MiB together.
    pub most_large_bodies: usize,
    /// Connections open at once; beyond, they wait to be accepted.
    pub most_connections: usize,
    /// Requests per second from one address, on average; zero for no limit (behind a proxy that limits).
    pub address_rate: f64,
    /// Requests per second of one user, on average; zero for no limit.
    pub user_rate: f64,
    /// Seconds of rate that may be used at once.
    pub burst_seconds: f64,
    /// How long open requests may take to end at a shutdown.
    pub drain_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            most_message_bytes: 1 << 20,
            most_upload_bytes: 1 << 30,
            request_time: Duration::from_secs(30),
            body_time: Duration::from_secs(20),
            most_requests: 512,
            most_streams: 1_024,
            most_large_bodies: 8,
            most_connections: 4_096,
            address_rate: 200.0,
            user_rate: 100.0,
            burst_seconds: 4.0,
            drain_time: Duration::from_secs(20),
        }
    }
}

/// The parts of a door.
pub struct Parts {
    /// The rooms behind it.
    pub aims: Aims,
    /// Who may come in.
    pub access: Access,
    /// What it takes in.
    pub limits: Limits,
    /// Requests being worked on.
    pub load: Load,
    /// How often who asks.
    pub rates: Rates,
    /// Tells event streams that there is news.
    pub bell: Bell,
    /// Text for `/metrics`.
    pub metrics: PrometheusHandle,
    closing: CancellationToken,
}

/// The state of every route. Copies are cheap.
#[derive(Clone)]
pub struct Door(Arc<Parts>);

impl Door {
    /// A door before these rooms.
    pub fn new(aims: Aims, access: Access, limits: Limits) -> Self {
        let load = Load::new(&limits);
        let (rates, metrics) = (Rates::new(&limits), metrics::handle().clone());
        Self(Arc::new(Parts {
            aims,
            access,
            limits,
            load,
            rates,
            bell: Bell::default(),
            metrics,
            closing: CancellationToken::new(),
        }))
    }

    /// The present, as messages carry it.
    ///
    /// # Errors
    /// An internal problem when the clock stands after the year 9999.
    pub fn now(&self) -> Result<DateTime, Problem> {
        DateTime::from_seconds(self.0.aims.clock.seconds()).map_err(Problem::internal)
    }

    /// Tells long answers (event streams) to end; part of a shutdown.
    pub fn close(&self) {
        self.0.closing.cancel();
    }

    /// Resolves when the door closes.
    pub async fn closing(&self) {
        self.0.closing.cancelled().await;
    }

    /// Whether the door closes.
    pub fn is_closing(&self) -> bool {
        self.0.closing.is_cancelled()
    }
}

impl Deref for Door {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
