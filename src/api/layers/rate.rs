//! How often one address or one user asks: a bucket each, which fills steadily and is emptied by requests.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    api::{Door, Kind, Limits, Problem, serve::Peer},
    domain::ids::UserId,
};

/// Buckets remembered at once. A stranger with many addresses makes the oldest full ones forgotten, not the house full.
const MOST_BUCKETS: usize = 50_000;

/// The buckets of a door.
#[derive(Debug)]
pub struct Rates {
    addresses: Buckets<IpAddr>,
    users: Buckets<UserId>,
}

impl Rates {
    /// Empty, with these limits.
    pub fn new(limits: &Limits) -> Self {
        Self {
            addresses: Buckets::new(limits.address_rate, limits.burst_seconds),
            users: Buckets::new(limits.user_rate, limits.burst_seconds),
        }
    }

    /// Counts a request of a user.
    ///
    /// # Errors
    /// [`Kind::RateLimited`].
    pub fn user(&self, user: UserId) -> Result<(), Problem> {
        self.users.take(user, Instant::now()).map_err(too_often)
    }
}

/// Counts a request of an address. Without one (a router without a listener) nothing is counted.
pub async fn limit(State(door): State<Door>, request: Request, next: Next) -> Response {
    let address = request.extensions().get::<ConnectInfo<Peer>>().map(|ConnectInfo(Peer(peer))| peer.ip());
    let counted = address.map_or(Ok(()), |address| door.rates.addresses.take(network(address), Instant::now()));
    match counted {
        Ok(()) => next.run(request).await,
        Err(seconds) => too_often(seconds).into_response(),
    }
}

/// One household has a whole /64 of IPv6 addresses. On a socket for both families an IPv4 address comes as one of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn too_often(seconds: f64) -> Problem {
    // At least a second: the header has whole ones.
    Problem::new(Kind::RateLimited, "This sender asks too often.").retry_after(seconds.ceil().max(1.0) as u64)
}

#[derive(Debug)]
struct Buckets<K> {
    /// Requests per second; zero for no limit.
    rate: f64,
    /// Requests that may come at once.
    size: f64,
    levels: Mutex<HashMap<K, Level>>,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    requests_left: f64,
    at: Instant,
}

impl<K: Hash + Eq> Buckets<K> {
    fn new(rate: f64, burst_seconds: f64) -> Self {
        Self { rate, size: (rate * burst_seconds).max(1.0), levels: Mutex::new(HashMap::new()) }
    }

    /// Takes one request out of a bucket, or says in how many seconds there will be one.
    fn take(&self, key: K, now: Instant) -> Result<(), f64> {
        if self.rate <= 0.0 {
            return Ok(());
        }
        let mut levels = self.lock();
        if levels.len() >= MOST_BUCKETS {
            levels.retain(|_, level| self.filled(level, now) < self.size);
            // All of them busy: then forgetting is the lesser evil.
            if levels.len() >= MOST_BUCKETS {
                levels.clear();
            }
        }
        let level = levels.entry(key).or_insert(Level { requests_left: self.size, at: now });
        let left = self.filled(level, now);
        *level = Level { requests_left: left, at: now };
        if left < 1.0 {
            return Err((1.0 - left) / self.rate);
        }
        level.requests_left = left - 1.0;
        Ok(())
    }

    fn filled(&self, level: &Level, now: Instant) -> f64 {
        let seconds = now.saturating_duration_since(level.at).as_secs_f64();
        (level.requests_left + seconds * self.rate).min(self.size)
    }

    /// A panic elsewhere leaves at worst one level unwritten.
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Level>> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let buckets = Buckets::new(2.0, 2.0);
        let start = Instant::now();
        for _ in 0..4 {
            assert_eq!(buckets.take(1, start), Ok(()));
        }
        assert_eq!(buckets.take(1, start), Err(0.5));
        assert_eq!(buckets.take(2, start), Ok(()), "another sender has another bucket");
        assert_eq!(buckets.take(1, start + Duration::from_millis(500)), Ok(()));
        assert!(buckets.take(1, start + Duration::from_millis(500)).is_err());
    }

    #[test]
    fn zero_is_no_limit_and_a_crowd_is_forgotten() {
        let free = Buckets::new(0.0, 1.0);
        let now = Instant::now();
        assert!((0..1_000).all(|_| free.take(1, now).is_ok()));
        let crowded = Buckets::new(1.0, 1.0);
        for n in 0..=MOST_BUCKETS {
            let _ = crowded.take(n, now);
        }
        assert!(crowded.lock().len() <= MOST_BUCKETS);
    }

    #[test]
    fn a_household_is_one_sender() {
        let (one, other) = ("2001:db8::1".parse().unwrap(), "2001:db8::ffff".parse().unwrap());
        assert_eq!(network(one), network(other));
        assert_ne!(network("2001:db8:0:1::1".parse().unwrap()), network(one));
    }
}
