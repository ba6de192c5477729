//! A bound on what the reader of multipart bodies holds back. It looks for boundaries and part headers in all that has
//! arrived and not been read yet, and has no limit of its own: a body that never shows a boundary would fill the memory.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{body::Body, extract::Request};
use bytes::Bytes;
use futures_util::StreamExt;

/// Most bytes that may have arrived and not been read as content of a part: several reads of a connection, and far more
/// than boundaries and headers take.
const MOST_HELD_BYTES: u64 = 4 << 20;

/// Counts what is held back.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<AtomicU64>);

impl Meter {
    /// Breaks the body of a request off when too much of it is held back.
    pub fn watch(&self, request: Request) -> Request {
        let meter = self.clone();
        request.map(|body| Body::from_stream(body.into_data_stream().map(move |piece| meter.arrived(piece))))
    }

    /// This much was read as content of a part.
    pub fn read(&self, bytes: usize) {
        self.0.fetch_sub(bytes as u64, Ordering::Relaxed);
    }

    fn arrived(&self, piece: Result<Bytes, axum::Error>) -> Result<Bytes, axum::Error> {
        let piece = piece?;
        let held = self.0.fetch_add(piece.len() as u64, Ordering::Relaxed) + piece.len() as u64;
        if held > MOST_HELD_BYTES {
            return Err(axum::Error::new(io::Error::other("too much of the body belongs to no part")));
        }
        Ok(piece)
    }
}
