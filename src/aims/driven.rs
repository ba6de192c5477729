//! Streams that read the cellar while somebody takes what they give.
//!
//! A body is asked for its next piece only when the client has taken the last. Were it asked by the connection's own task, a
//! client that stops reading would leave it in the middle of a query, with a connection of the database in its hands that
//! nobody else can have: sixteen such clients and nothing is answered, and a shutdown waits for each. So such a stream is
//! driven by a task of its own, which stands still only between two pieces, where it holds nothing.

use futures_util::{Stream, StreamExt, pin_mut};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Pieces read ahead of whoever takes them.
const AHEAD: usize = 64;

/// Drives a stream until its end, or until nobody takes its pieces any more.
pub fn driven<T: Send + 'static>(stream: impl Stream<Item = T> + Send + 'static) -> ReceiverStream<T> {
    let (pieces, taken) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        pin_mut!(stream);
        loop {
            let piece = tokio::select! {
                piece = stream.next() => piece,
                () = pieces.closed() => return,
            };
            let Some(piece) = piece else { return };
            if pieces.send(piece).await.is_err() {
                return;
            }
        }
    });
    ReceiverStream::new(taken)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    /// Counts the pieces somebody has begun to make and not yet given.
    fn counted(begun: &Arc<AtomicUsize>) -> impl Stream<Item = usize> + use<> {
        let begun = Arc::clone(begun);
        async_stream::stream! {
            for piece in 0..1_000 {
                begun.fetch_add(1, Ordering::Relaxed);
                // Where a query would wait for its answer.
                tokio::task::yield_now().await;
                begun.fetch_sub(1, Ordering::Relaxed);
                yield piece;
            }
        }
    }

    #[tokio::test]
    async fn what_nobody_takes_stands_still_between_two_pieces() {
        let begun = Arc::new(AtomicUsize::new(0));
        let mut pieces = driven(counted(&begun));
        assert_eq!(pieces.next().await, Some(0));
        // Left alone, it goes on as far as it may.
        for _ in 0..10 * AHEAD {
            tokio::task::yield_now().await;
        }
        assert_eq!(begun.load(Ordering::Relaxed), 0);
        assert_eq!(pieces.collect::<Vec<_>>().await, (1..1_000).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn it_ends_with_whoever_takes_it() {
        let begun = Arc::new(AtomicUsize::new(0));
        let held = Arc::clone(&begun);
        let pieces = driven(async_stream::stream! {
            yield 0;
            let _held = held;
            std::future::pending::<()>().await;
        });
        drop(pieces);
        while Arc::strong_count(&begun) > 1 {
            tokio::task::yield_now().await;
        }
    }
}
