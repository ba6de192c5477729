//! One reading of an object, whole or a range of it.
//!
//! 1. The header and first chunk are read: key, item and name are checked.
//! 2. The **last** chunk is opened. Only then is the length true: a shortened or lengthened object is refused before
//!    its first byte is given out, whichever range was asked for.
//! 3. The chunks that hold the range are read in windows and opened one by one, each when asked for.

use std::{ops::Range, sync::Arc};

use async_stream::try_stream;
use bytes::{Bytes, BytesMut};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use object_store::{GetOptions, ObjectStore, ObjectStoreExt, path::Path};
use uuid::Uuid;

use super::{
    error::Error,
    keys::ItemKey,
    layout::{HEADER_BYTES, Layout, SEALED_BYTES, chunk_of},
    objects::object_path,
    sealed::Opener,
};

/// Chunks read from the store at once: 1 MiB, what a reader holds in memory.
const WINDOW_CHUNKS: u64 = 16;

/// An object being read.
#[must_use]
pub struct Opened {
    /// Length of the whole payload, in plain bytes.
    pub length: u64,
    /// The bytes that follow; never beyond `length`.
    pub range: Range<u64>,
    /// The plain bytes of `range`, in pieces of at most 64 KiB. Every piece is genuine; after an error there are none.
    pub bytes: BoxStream<'static, Result<Bytes, Error>>,
}

/// An object whose header and length are proven.
struct Reading {
    store: Arc<dyn ObjectStore>,
    path: Path,
    object: Uuid,
    opener: Opener,
    layout: Layout,
    last_chunk: Bytes,
}

/// Opens an object; see [`super::Objects::get`].
pub(super) async fn open(
    store: Arc<dyn ObjectStore>,
    object: Uuid,
    key: &ItemKey,
    range: Option<Range<u64>>,
) -> Result<Opened, Error> {
    let reading = Reading::begin(store, object, key).await?;
    let length = reading.layout.plain();
    let range = match range {
        None => 0..length,
        Some(Range { start, end }) if start < length && start < end => start..end.min(length),
        Some(_) => return Err(Error::OutOfRange { length }),
    };
    let bytes = if range.is_empty() { stream::empty().boxed() } else { reading.stream(range.clone()) };
    Ok(Opened { length, range, bytes })
}

impl Reading {
    async fn begin(store: Arc<dyn ObjectStore>, object: Uuid, key: &ItemKey) -> Result<Self, Error> {
        let path = object_path(object);
        let (stored, first) = read_first(&*store, object, &path).await?;
        let reason = "no payload seals to its length";
        let layout = Layout::of_stored(stored).ok_or(Error::NotSealed { object, reason })?;
        let opener = Opener::new(&first, key, object)?;
        let mut reading = Self { store, path, object, opener, layout, last_chunk: Bytes::new() };
        let sealed = match layout.last() {
            0 => owned(first.slice(HEADER_BYTES as usize..)),
            last => reading.read(last, last).await?,
        };
        reading.last_chunk = reading.opener.open(layout.last(), true, sealed)?;
        Ok(reading)
    }

    /// Sealed chunks `first` up to and including `last`.
    async fn read(&self, first: u64, last: u64) -> Result<BytesMut, Error> {
        let read = self.store.get_range(&self.path, self.layout.stored_range(first, last)).await;
        Ok(owned(read.map_err(|error| Error::of_store(self.object, "reading chunks", error))?))
    }

    /// `range` is not empty and lies within the object.
    fn stream(self, range: Range<u64>) -> BoxStream<'static, Result<Bytes, Error>> {
        let stream = try_stream! {
            let (mut next, end) = (chunk_of(range.start), chunk_of(range.end - 1) + 1);
            let proven = self.layout.last();
            while next < end.min(proven) {
                let until = (next + WINDOW_CHUNKS).min(end).min(proven);
                let mut window = self.read(next, until - 1).await?;
                for chunk in next..until {
                    let sealed = window.split_to(window.len().min(SEALED_BYTES as usize));
                    let plain = self.opener.open(chunk, false, sealed)?;
                    yield plain.slice(self.layout.within(chunk, &range));
                    tokio::task::consume_budget().await;
                }
                next = until;
            }
            if next < end {
                yield self.last_chunk.slice(self.layout.within(proven, &range));
            }
        };
        stream.boxed()
    }
}

/// Stored length of the object, and its header and first chunk as far as they are there.
async fn read_first(store: &dyn ObjectStore, object: Uuid, path: &Path) -> Result<(u64, Bytes), Error> {
    let failed = |error| Error::of_store(object, "reading a header", error);
    let options = GetOptions::new().with_range(Some(0..HEADER_BYTES + SEALED_BYTES));
    let error = match store.get_opts(path, options).await {
        Ok(found) => return Ok((found.meta.size, found.bytes().await.map_err(failed)?)),
        Err(error) => error,
    };
    // A range of an empty object cannot be had, and stores say so each in their own way: look at the length.
    match store.head(path).await {
        Ok(meta) if meta.size == 0 => Err(Error::NotSealed { object, reason: "shorter than a header" }),
        _ => Err(failed(error)),
    }
}

/// The bytes as a buffer to decrypt in, without a copy where nobody else holds them.
fn owned(bytes: Bytes) -> BytesMut {
    bytes.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]))
}
