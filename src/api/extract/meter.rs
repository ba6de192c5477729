//! What is read of a multipart body, and what is not.
//!
//! The reader of such bodies looks for boundaries and part headers in all that has arrived and not been read yet, and has
//! no limit of its own: it takes in whatever a fast sender sends before it hands anything out, and a body that never shows a
//! boundary would fill the memory. The meter makes it pause, and bounds what is held back.
//!
//! A refusal may come long before the body's end. A connection closed then is reset, and the sender may never see why:
//! so some of the rest is read and thrown away first.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream},
    extract::Request,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

/// Most bytes that may have arrived and not been read as content of a part: several reads of a connection, and far more
/// than boundaries and headers take.
const MOST_HELD_BYTES: u64 = 4 << 20;
/// Bytes after which the reader has to look at what it has before it gets more.
const PAUSE_BYTES: u64 = 256 << 10;
/// Most bytes read and thrown away after the answer is known.
const MOST_DISCARDED_BYTES: usize = 32 << 20;
/// How long that may take.
const DISCARD_TIME: Duration = Duration::from_secs(2);

/// Counts what is held back of a body, and keeps hold of the rest.
#[derive(Clone)]
pub struct Meter {
    held: Arc<AtomicU64>,
    since_pause: Arc<AtomicU64>,
    body: Arc<Mutex<BodyDataStream>>,
}

impl Meter {
    /// Puts a meter into a request.
    pub fn install(request: Request) -> (Self, Request) {
        let (head, body) = request.into_parts();
        let meter = Self {
            held: Arc::default(),
            since_pause: Arc::default(),
            body: Arc::new(Mutex::new(body.into_data_stream())),
        };
        let metered = meter.clone();
        let body = Body::from_stream(stream::poll_fn(move |cx| metered.poll_metered(cx)));
        (meter, Request::from_parts(head, body))
    }

    /// This much was read as content of a part.
    pub fn read(&self, bytes: usize) {
        self.held.fetch_sub(bytes as u64, Ordering::Relaxed);
    }

    /// Reads on, for a while, when nobody else does any more.
    pub async fn discard_rest(&self) {
        let mut left = MOST_DISCARDED_BYTES;
        let mut rest = stream::poll_fn(|cx| self.poll(cx));
        let reading = async {
            while let Some(Ok(piece)) = rest.next().await
                && piece.len() <= left
            {
                left -= piece.len();
            }
        };
        // Late or not, the answer goes out now.
        let _ = tokio::time::timeout(DISCARD_TIME, reading).await;
    }

    fn poll_metered(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
        if self.since_pause.load(Ordering::Relaxed) >= PAUSE_BYTES {
            self.since_pause.store(0, Ordering::Relaxed);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.poll(cx).map(|piece| piece.map(|piece| self.arrived(piece)))
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
        // A panic elsewhere leaves the stream as it was.
        let mut body = self.body.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *body).poll_next(cx)
    }

    fn arrived(&self, piece: Result<Bytes, axum::Error>) -> Result<Bytes, axum::Error> {
        let piece = piece?;
        self.since_pause.fetch_add(piece.len() as u64, Ordering::Relaxed);
        let held = self.held.fetch_add(piece.len() as u64, Ordering::Relaxed) + piece.len() as u64;
        if held > MOST_HELD_BYTES {
            return Err(axum::Error::new(io::Error::other("too much of the body belongs to no part")));
        }
        Ok(piece)
    }
}
