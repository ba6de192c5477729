//! How much is done at once. Beyond, a request is turned away at once: a queue would only make everybody late.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api::{Door, Kind, Problem};

/// Seats for requests and for event streams.
#[derive(Debug, Clone)]
pub struct Load {
    requests: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    /// All seats, for requests and for streams.
    most: (usize, usize),
}

/// Addresses that must answer when nothing else does.
const ALWAYS: [&str; 3] = ["/livez", "/readyz", "/metrics"];

impl Load {
    /// So many seats of each kind.
    pub fn new(requests: usize, streams: usize) -> Self {
        Self {
            requests: Arc::new(Semaphore::new(requests)),
            streams: Arc::new(Semaphore::new(streams)),
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
