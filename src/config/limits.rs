//! What the door takes in and how long it waits, as far as an operator sets it: the table `[limits]` of `hbe.toml`,
//! overruled by `HBE_*`, overruled by flags of `hbe up`. What is not set keeps its default.

use serde::Deserialize;

/// The limits of the door; each is explained where the door defines it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, clap::Args)]
#[serde(deny_unknown_fields, default)]
#[command(next_help_heading = "Limits")]
pub struct LimitSettings {
    /// Requests per second from one address, on average; 0 for no limit, as behind a proxy that limits.
    #[arg(long, env = "HBE_ADDRESS_RATE")]
    pub address_rate: Option<f64>,
    /// Requests per second of one user, on average; 0 for no limit.
    #[arg(long, env = "HBE_USER_RATE")]
    pub user_rate: Option<f64>,
    /// Seconds of rate that may be used at once.
    #[arg(long, env = "HBE_BURST_SECONDS")]
    pub burst_seconds: Option<f64>,
    /// Requests worked on at once.
    #[arg(long, env = "HBE_MOST_REQUESTS")]
    pub most_requests: Option<usize>,
    /// Event streams and exports open at once.
    #[arg(long, env = "HBE_MOST_STREAMS")]
    pub most_streams: Option<usize>,
    /// Messages with their data inside held in memory at once, 64 MiB each while they are read.
    #[arg(long, env = "HBE_MOST_LARGE_BODIES")]
    pub most_large_bodies: Option<usize>,
    /// Connections open at once.
    #[arg(long, env = "HBE_MOST_CONNECTIONS")]
    pub most_connections: Option<usize>,
    /// Bytes of a message without its data.
    #[arg(long, env = "HBE_MOST_MESSAGE_BYTES")]
    pub most_message_bytes: Option<usize>,
    /// Bytes of an item of AIH Data.
    #[arg(long, env = "HBE_MOST_UPLOAD_BYTES")]
    pub most_upload_bytes: Option<u64>,
    /// Seconds in which a quick request is answered.
    #[arg(long, env = "HBE_REQUEST_SECONDS")]
    pub request_seconds: Option<u64>,
    /// Seconds in which a message arrives, and for which an upload or a connection may stand still.
    #[arg(long, env = "HBE_BODY_SECONDS")]
    pub body_seconds: Option<u64>,
    /// Seconds open requests have at a shutdown.
    #[arg(long, env = "HBE_DRAIN_SECONDS")]
    pub drain_seconds: Option<u64>,
}

impl LimitSettings {
    /// These, and where they say nothing the others.
    #[must_use]
    pub fn over(self, other: Self) -> Self {
        Self {
            address_rate: self.address_rate.or(other.address_rate),
            user_rate: self.user_rate.or(other.user_rate),
            burst_seconds: self.burst_seconds.or(other.burst_seconds),
            most_requests: self.most_requests.or(other.most_requests),
            most_streams: self.most_streams.or(other.most_streams),
            most_large_bodies: self.most_large_bodies.or(other.most_large_bodies),
            most_connections: self.most_connections.or(other.most_connections),
            most_message_bytes: self.most_message_bytes.or(other.most_message_bytes),
            most_upload_bytes: self.most_upload_bytes.or(other.most_upload_bytes),
            request_seconds: self.request_seconds.or(other.request_seconds),
            body_seconds: self.body_seconds.or(other.body_seconds),
            drain_seconds: self.drain_seconds.or(other.drain_seconds),
        }
    }
}
