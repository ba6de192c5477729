//! One upload: nothing to be seen until it is complete, nothing left if it is not.
//!
//! ```text
//!   gathering ──publish──> put, create-only ─────────────────────────────────────────> published ──keep──> done
//!       │ a part is full
//!       v
//!   parts ─────publish──> complete at staging/<fresh> ──copy, create-only──> objects/<name> ──┘
//!       └── discard, or drop: parts aborted, staging removed, a published object nobody waited for deleted
//! ```
//!
//! A multipart upload may replace what is there, hence the detour: it completes under a fresh staging name, and only a
//! create-only copy (a hard link on disk) brings it to its own. Payloads below one part need no detour.
//!
//! The last step runs in its own task. If the caller gives up in the middle of it, the task still ends, and its result,
//! unwanted, is dropped, which cleans up. So cancelling a `put` at any moment leaves nothing.

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use tokio::{runtime::Handle, task::JoinSet};
use uuid::Uuid;

use super::{
    error::Error,
    objects::{object_path, staging_path},
    place::Place,
};

/// Stored bytes per part but the last, all alike as some stores require; S3 wants at least 5 MiB and allows 10,000
/// parts, and copies at most 5 GiB at once, which bounds an object there.
pub(super) const PART_BYTES: usize = 8 * 1024 * 1024;
/// Parts on their way while the next one fills.
const PARTS_IN_FLIGHT: usize = 2;

/// An upload under way. Dropping it discards it.
pub(super) struct Upload {
    gathered: Vec<Bytes>,
    gathered_bytes: usize,
    /// Taken once there is nothing left to clean up, or somebody is doing it.
    traces: Option<Traces>,
}

/// What an upload has left in the store so far.
struct Traces {
    place: Place,
    object: Uuid,
    staging: Uuid,
    parts: Option<Parts>,
    published: bool,
}

struct Parts {
    upload: Box<dyn MultipartUpload>,
    in_flight: JoinSet<object_store::Result<()>>,
}

impl Upload {
    /// Nothing is written before the first part is full, or the upload is published.
    pub(super) fn new(place: Place, object: Uuid) -> Self {
        let traces = Traces { place, object, staging: Uuid::new_v4(), parts: None, published: false };
        Self { gathered: Vec::new(), gathered_bytes: 0, traces: Some(traces) }
    }

    /// Appends stored bytes; waits when too many parts are on their way.
    pub(super) async fn push(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.gathered_bytes += bytes.len();
        self.gathered.push(bytes);
        while self.gathered_bytes >= PART_BYTES {
            let part = self.cut_part();
            self.traces()?.send(part).await?;
        }
        Ok(())
    }

    /// Exactly one part off the front of what is gathered; pieces are far shorter than a part.
    fn cut_part(&mut self) -> PutPayload {
        let excess = self.gathered_bytes - PART_BYTES;
        let mut part = std::mem::take(&mut self.gathered);
        if let Some(last) = part.last_mut().filter(|_| excess > 0) {
            self.gathered.push(last.split_off(last.len() - excess));
        }
        self.gathered_bytes = excess;
        part.into_iter().collect()
    }

    /// Makes the object visible under its name, or discards everything. To be run as a task of its own; the caller
    /// that gets the result calls [`Upload::keep`].
    pub(super) async fn publish(mut self) -> Result<Self, Error> {
        let rest = std::mem::take(&mut self.gathered).into_iter().collect();
        let done = match self.traces() {
            Ok(traces) => traces.publish(rest).await,
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => Ok(self),
            Err(error) => {
                self.discard().await;
                Err(error)
            }
        }
    }

    /// The object is wanted: it stays.
    pub(super) fn keep(mut self) {
        self.traces = None;
    }

    /// Removes every trace, and returns when that is done.
    pub(super) async fn discard(mut self) {
        if let Some(traces) = self.traces.take() {
            traces.clear().await;
        }
    }

    fn traces(&mut self) -> Result<&mut Traces, Error> {
        let ended = || Error::Io { doing: "uploading", source: "the upload has ended".into() };
        self.traces.as_mut().ok_or_else(ended)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(traces) = self.traces.take().filter(|traces| traces.published || traces.parts.is_some()) else {
            return;
        };
        // Without a runtime the process is ending; the next start's sweep finds what is left.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(traces.clear());
        }
    }
}

impl Traces {
    fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.place.store
    }

    fn failed(&self, doing: &'static str) -> impl Fn(object_store::Error) -> Error + use<> {
        let object = self.object;
        move |error| Error::of_store(object, doing, error)
    }

    async fn send(&mut self, part: PutPayload) -> Result<(), Error> {
        if self.parts.is_none() {
            let begun = self.store().put_multipart(&staging_path(self.staging)).await;
            let upload = begun.map_err(self.failed("beginning an upload"))?;
            self.parts = Some(Parts { upload, in_flight: JoinSet::new() });
        }
        let failed = self.failed("uploading a part");
        if let Some(parts) = &mut self.parts {
            parts.settle(PARTS_IN_FLIGHT - 1, &failed).await?;
            parts.in_flight.spawn(parts.upload.put_part(part));
        }
        Ok(())
    }

    async fn publish(&mut self, rest: PutPayload) -> Result<(), Error> {
        let object = object_path(self.object);
        if self.parts.is_none() {
            let put = self.store().put_opts(&object, rest, PutMode::Create.into()).await;
            put.map_err(self.failed("putting an object"))?;
        } else {
            if rest.content_length() > 0 {
                self.send(rest).await?;
            }
            self.complete().await?;
            let copied = self.store().copy_if_not_exists(&staging_path(self.staging), &object).await;
            copied.map_err(self.failed("publishing an object"))?;
        }
        self.published = true;
        if self.parts.is_some() {
            self.place.remove(&staging_path(self.staging)).await;
        }
        Ok(())
    }

    /// All parts arrived and joined, under the staging name.
    async fn complete(&mut self) -> Result<(), Error> {
        let failed = self.failed("completing an upload");
        if let Some(parts) = &mut self.parts {
            parts.settle(0, &failed).await?;
            parts.upload.complete().await.map_err(failed)?;
        }
        Ok(())
    }

    /// Only what surely is ours is removed: an object of this name that we did not publish is somebody else's.
    async fn clear(mut self) {
        if let Some(mut parts) = self.parts.take() {
            while parts.in_flight.join_next().await.is_some() {}
            // A failed completion can no longer be aborted, and on disk leaves its file to us.
            let _ = parts.upload.abort().await;
            if let Some(file) = self.staged_file() {
                let _ = tokio::fs::remove_file(file).await;
            }
            self.place.remove(&staging_path(self.staging)).await;
        }
        if self.published {
            self.place.remove(&object_path(self.object)).await;
        }
    }

    /// Where the local file system gathers our parts: `#1`, as nobody else uses our staging name.
    fn staged_file(&self) -> Option<PathBuf> {
        let root = self.place.local_root.as_ref()?;
        Some(root.join(format!("{}#1", staging_path(self.staging))))
    }
}

impl Parts {
    /// Waits until at most `most` parts are on their way.
    async fn settle(&mut self, most: usize, failed: impl Fn(object_store::Error) -> Error) -> Result<(), Error> {
        while self.in_flight.len() > most {
            match self.in_flight.join_next().await {
                Some(Ok(sent)) => sent.map_err(&failed)?,
                Some(Err(crash)) => return Err(Error::of_io("uploading a part", crash.into())),
                None => break,
            }
        }
        Ok(())
    }
}
