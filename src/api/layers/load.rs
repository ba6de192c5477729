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
    api::{Door, Kind, Problem},
    domain::ids::UserId,
};

/// Seats for requests and for event streams.
#[derive(Debug, Clone)]
pub struct Load {
    requests: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    /// Streams of each user who has any.
    places: Arc<Mutex<HashMap<UserId, usize>>>,
    /// All seats, for requests and for streams.
    most: (usize, usize),
}

/// Most event streams and exports of one user.
pub const MOST_STREAMS_OF_ONE: usize = 8;
/// Addresses that must answer when nothing else does.
const ALWAYS: [&str; 3] = ["/livez", "/readyz", "/metrics"];

impl Load {
    /// So many seats of each kind.
    pub fn new(requests: usize, streams: usize) -> Self {
        Self {
            requests: Arc::new(Semaphore::new(requests)),
            streams: Arc::new(Semaphore::new(streams)),
            places: Arc::default(),
            most: (requests, streams),
        }
    }

    /// Seats taken now, by requests and by streams.
    pub fn taken(&self) -> (usize, usize) {
        let (requests, streams) = self.most;
        (requests - self.requests.available_permits(), streams - self.streams.available_permits())
    }

    /// A seat for an event stream, given back when dropped.
    ///
    /// # Errors
    /// [`Kind::Busy`] when all are taken.
    pub fn stream(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.streams).try_acquire_owned().map_err(|_| busy())
    }
}

/// One of the streams a user may have, given back when dropped.
#[derive(Debug)]
pub struct Place {
    load: Load,
    user: UserId,
}

impl Load {
    /// A place among the streams of one user, beside the seat: nobody takes all of them.
    ///
    /// # Errors
    /// [`Kind::Busy`] when the user has [`MOST_STREAMS_OF_ONE`].
    pub fn place_of(&self, user: UserId) -> Result<Place, Problem> {
        // A panic elsewhere leaves the count as good as it was.
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = places.entry(user).or_default();
        if *taken >= MOST_STREAMS_OF_ONE {
            let detail = format!("At most {MOST_STREAMS_OF_ONE} streams of one user at once.");
            return Err(Problem::new(Kind::Busy, detail).retry_after(1));
        }
        *taken += 1;
        Ok(Place { load: self.clone(), user })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.load.places.lock().unwrap_or_else(PoisonError::into_inner);
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
