//! How much is done at once. Beyond, a request is turned away at once: a queue would only make everybody late.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    api::{Door, Kind, Limits, Problem},
    domain::ids::UserId,
};

/// Seats for requests, for event streams and for large bodies.
#[derive(Debug, Clone)]
pub struct Load {
    requests: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    large_bodies: Arc<Semaphore>,
    streams_of: Places,
    large_bodies_of: Places,
    /// All seats: for requests, for streams, for large bodies.
    most: (usize, usize, usize),
}

/// Most event streams and exports of one user.
pub const MOST_STREAMS_OF_ONE: usize = 8;
/// Addresses that must answer when nothing else does.
const ALWAYS: [&str; 3] = ["/livez", "/readyz", "/metrics"];

impl Load {
    /// As many seats of each kind as the limits say.
    pub fn new(limits: &Limits) -> Self {
        let most = (limits.most_requests, limits.most_streams, limits.most_large_bodies);
        Self {
            requests: Arc::new(Semaphore::new(most.0)),
            streams: Arc::new(Semaphore::new(most.1)),
            large_bodies: Arc::new(Semaphore::new(most.2)),
            streams_of: Places::default(),
            large_bodies_of: Places::default(),
            most,
        }
    }

    /// Seats taken now, by requests and by streams.
    pub fn taken(&self) -> (usize, usize) {
        let (requests, streams, _) = self.most;
        (requests - self.requests.available_permits(), streams - self.streams.available_permits())
    }

    /// Large bodies in memory now.
    pub fn large_bodies(&self) -> usize {
        self.most.2 - self.large_bodies.available_permits()
    }

    /// A seat for an event stream, given back when dropped.
    ///
    /// # Errors
    /// [`Kind::Busy`] when all are taken.
    pub fn stream(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.streams).try_acquire_owned().map_err(|_| busy())
    }

    /// A place among the streams of one user, beside the seat: nobody takes all of them.
    ///
    /// # Errors
    /// [`Kind::Busy`] when the user has [`MOST_STREAMS_OF_ONE`].
    pub fn place_of(&self, user: UserId) -> Result<Place, Problem> {
        self.streams_of.take(user, MOST_STREAMS_OF_ONE, "streams")
    }

    /// A seat for a body that is held whole in memory, given back when dropped. One user has at most half of them, so that
    /// nobody keeps all others out by sending slowly.
    ///
    /// # Errors
    /// [`Kind::Busy`] when all are taken, or all that one user may have.
    pub fn large_body(&self, user: UserId) -> Result<LargeBody, Problem> {
        let place = self.large_bodies_of.take(user, self.most.2.div_ceil(2), "large messages")?;
        let seat = Arc::clone(&self.large_bodies).try_acquire_owned().map_err(|_| busy())?;
        Ok(LargeBody { _seat: seat, _place: place })
    }
}

/// A seat for a large body.
#[derive(Debug)]
pub struct LargeBody {
    _seat: OwnedSemaphorePermit,
    _place: Place,
}

/// How many of something each user has who has any.
#[derive(Debug, Clone, Default)]
struct Places(Arc<Mutex<HashMap<UserId, usize>>>);

impl Places {
    fn take(&self, user: UserId, most: usize, what: &str) -> Result<Place, Problem> {
        // A panic elsewhere leaves the count as good as it was.
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = places.get(&user).copied().unwrap_or_default();
        if taken >= most {
            let detail = format!("At most {most} {what} of one user at once.");
            return Err(Problem::new(Kind::Busy, detail).retry_after(1));
        }
        places.insert(user, taken + 1);
        Ok(Place { places: self.clone(), user })
    }
}

/// One of the things a user may have so many of, given back when dropped.
#[derive(Debug)]
pub struct Place {
    places: Places,
    user: UserId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = places.get_mut(&self.user) {
            *taken -= 1;
            if *taken == 0 {
                places.remove(&self.user);
            }
        }
    }
}

fn busy() -> Problem {
    Problem::new(Kind::Busy, "This Back End works on as much as it can.").retry_after(1)
}

/// Takes a seat for the time until the answer's head is ready.
pub async fn shed(State(door): State<Door>, request: Request, next: Next) -> Response {
    if ALWAYS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    match Arc::clone(&door.load.requests).try_acquire_owned() {
        Ok(_seat) => next.run(request).await,
        Err(_) => busy().into_response(),
    }
}
