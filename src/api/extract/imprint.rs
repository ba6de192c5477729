//! What a payload was that has passed by, without keeping it: known once all of it was read.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
};

use alloy::primitives::B256;
use async_stream::try_stream;
use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

/// SHA-256 of a payload; nothing until it has been read to its end without an error.
#[derive(Debug, Clone, Default)]
pub struct Imprint(Arc<OnceLock<B256>>);

impl Imprint {
    /// The digest, once there is one.
    pub fn get(&self) -> Option<B256> {
        self.0.get().copied()
    }

    /// The same pieces, of which this takes the imprint.
    pub fn of<S, E>(&self, pieces: S) -> Pin<Box<dyn Stream<Item = Result<Bytes, E>> + Send>>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin + 'static,
        E: Send + 'static,
    {
        let (imprint, mut pieces) = (self.clone(), pieces);
        Box::pin(try_stream! {
            let mut hash = Context::new(&SHA256);
            while let Some(piece) = pieces.next().await.transpose()? {
                hash.update(&piece);
                yield piece;
            }
            // Read once, so set once.
            let _ = imprint.0.set(B256::from_slice(hash.finish().as_ref()));
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::api::once::digest;

    #[tokio::test]
    async fn it_is_known_when_all_was_read_and_not_before() {
        let pieces = |end: Result<Bytes, u8>| stream::iter([Ok(Bytes::from_static(b"one")), end]);
        let imprint = Imprint::default();
        let mut whole = imprint.of(pieces(Ok(Bytes::from_static(b" two"))));
        for _ in 0..2 {
            assert_eq!(imprint.get(), None);
            whole.next().await.unwrap().unwrap();
        }
        assert!(whole.next().await.is_none());
        assert_eq!(imprint.get(), Some(digest(b"one two")));
        let broken = Imprint::default();
        let rest: Vec<_> = broken.of(pieces(Err(7))).collect().await;
        assert_eq!((rest.last(), broken.get()), (Some(&Err(7)), None));
    }
}
