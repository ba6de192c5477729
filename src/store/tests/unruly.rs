//! Moments no real disk can be brought to at will: parts that linger, a completion that fails, a publication during
//! which the caller leaves. A real store stands behind; only these moments are arranged.

use std::{
    fmt, io,
    path::Path as FilePath,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::{StreamExt, TryStreamExt, future::BoxFuture, stream, stream::BoxStream};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result, UploadPart, local::LocalFileSystem, memory::InMemory, path::Path,
};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{MIB, NO_LIMIT, files, item_key, payload, pieces, put};
use crate::store::{Error, Objects, place::Place};

#[derive(Debug, Default)]
struct Moments {
    parts_now: AtomicUsize,
    parts_at_most: AtomicUsize,
    aborted: AtomicUsize,
    /// A completion fails with this, and the upload is lost to us.
    failing_completion: Mutex<Option<io::ErrorKind>>,
    /// When set, a copy is done, announces itself, and returns only when told.
    lingering_copy: Mutex<Option<(Arc<Notify>, Arc<Notify>)>>,
}

#[derive(Debug)]
struct Unruly {
    inner: Arc<dyn ObjectStore>,
    moments: Arc<Moments>,
}

impl fmt::Display for Unruly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unruly({})", self.inner)
    }
}

/// The trait is written with `async_trait`, which this crate does without; hence the lifetimes.
impl ObjectStore for Unruly {
    fn put_opts<'a, 'b, 'r>(
        &'a self,
        at: &'b Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Pin<Box<dyn Future<Output = Result<PutResult>> + Send + 'r>>
    where
        'a: 'r,
        'b: 'r,
        Self: 'r,
    {
        self.inner.put_opts(at, payload, options)
    }

    fn put_multipart_opts<'a, 'b, 'r>(
        &'a self,
        at: &'b Path,
        options: PutMultipartOptions,
    ) -> BoxFuture<'r, Result<Box<dyn MultipartUpload>>>
    where
        'a: 'r,
        'b: 'r,
        Self: 'r,
    {
        Box::pin(async move {
            let inner = Some(self.inner.put_multipart_opts(at, options).await?);
            Ok(Box::new(UnrulyUpload { inner, moments: Arc::clone(&self.moments) }) as Box<dyn MultipartUpload>)
        })
    }

    fn get_opts<'a, 'b, 'r>(&'a self, at: &'b Path, options: GetOptions) -> BoxFuture<'r, Result<GetResult>>
    where
        'a: 'r,
        'b: 'r,
        Self: 'r,
    {
        self.inner.get_opts(at, options)
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_delimiter<'a, 'b, 'r>(&'a self, prefix: Option<&'b Path>) -> BoxFuture<'r, Result<ListResult>>
    where
        'a: 'r,
        'b: 'r,
        Self: 'r,
    {
        self.inner.list_with_delimiter(prefix)
    }

    fn copy_opts<'a, 'b, 'c, 'r>(
        &'a self,
        from: &'b Path,
        to: &'c Path,
        options: CopyOptions,
    ) -> BoxFuture<'r, Result<()>>
    where
        'a: 'r,
        'b: 'r,
        'c: 'r,
        Self: 'r,
    {
        let lingering = self.moments.lingering_copy.lock().unwrap().clone();
        Box::pin(async move {
            self.inner.copy_opts(from, to, options).await?;
            if let Some((done, go_on)) = lingering {
                done.notify_one();
                go_on.notified().await;
            }
            Ok(())
        })
    }
}

#[derive(Debug)]
struct UnrulyUpload {
    inner: Option<Box<dyn MultipartUpload>>,
    moments: Arc<Moments>,
}

impl UnrulyUpload {
    fn lost(kind: io::ErrorKind) -> object_store::Error {
        object_store::Error::Generic { store: "Unruly", source: Box::new(io::Error::from(kind)) }
    }
}

impl MultipartUpload for UnrulyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (part, moments) = (self.inner.as_mut().unwrap().put_part(data), Arc::clone(&self.moments));
        Box::pin(async move {
            let now = moments.parts_now.fetch_add(1, SeqCst) + 1;
            moments.parts_at_most.fetch_max(now, SeqCst);
            for _ in 0..10_000 {
                tokio::task::yield_now().await;
            }
            moments.parts_now.fetch_sub(1, SeqCst);
            part.await
        })
    }

    fn complete<'a, 'r>(&'a mut self) -> BoxFuture<'r, Result<PutResult>>
    where
        'a: 'r,
        Self: 'r,
    {
        Box::pin(async move {
            if let Some(kind) = *self.moments.failing_completion.lock().unwrap() {
                // Forgotten, not dropped: dropping would clean up, which a failed completion on disk does not.
                std::mem::forget(self.inner.take());
                return Err(Self::lost(kind));
            }
            self.inner.as_mut().unwrap().complete().await
        })
    }

    fn abort<'a, 'r>(&'a mut self) -> BoxFuture<'r, Result<()>>
    where
        'a: 'r,
        Self: 'r,
    {
        Box::pin(async move {
            self.moments.aborted.fetch_add(1, SeqCst);
            match &mut self.inner {
                Some(inner) => inner.abort().await,
                None => Err(Self::lost(io::ErrorKind::NotFound)),
            }
        })
    }
}

/// Objects in memory behind an unruly store, the store itself, and its moments.
fn in_memory() -> (Objects, Arc<dyn ObjectStore>, Arc<Moments>) {
    let (inner, moments): (Arc<dyn ObjectStore>, _) = (Arc::new(InMemory::new()), Arc::new(Moments::default()));
    let unruly = Unruly { inner: Arc::clone(&inner), moments: Arc::clone(&moments) };
    (Objects::over(Arc::new(unruly)), inner, moments)
}

async fn everything_in(store: &dyn ObjectStore) -> Vec<ObjectMeta> {
    store.list(None).try_collect().await.unwrap()
}

async fn eventually(condition: impl AsyncFn() -> bool) {
    let met = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), met).await.unwrap();
}

#[tokio::test]
async fn a_slow_store_holds_up_the_input_instead_of_filling_memory() {
    let (objects, _store, moments) = in_memory();
    put(&objects, Uuid::new_v4(), &item_key(), &payload(60 * MIB)).await.unwrap();
    assert_eq!(moments.parts_at_most.load(SeqCst), 2);
}

#[tokio::test]
async fn a_put_given_up_ends_its_upload_where_the_store_does_not_do_so_itself() {
    let (objects, _store, moments) = in_memory();
    let key = item_key();
    let (started, here) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let signal = Arc::clone(&started);
    let endless = pieces(&payload(20 * MIB), MIB).chain(stream::once(async move {
        signal.notify_one();
        here.notified().await;
        unreachable!("nobody notifies")
    }));
    tokio::select! {
        _ = objects.put(Uuid::new_v4(), &key, endless, NO_LIMIT) => unreachable!("the input never ends"),
        () = started.notified() => {}
    }
    eventually(async || moments.aborted.load(SeqCst) == 1).await;
}

#[tokio::test]
async fn a_put_given_up_while_it_is_published_is_taken_back() {
    let (objects, store, moments) = in_memory();
    let (done, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    *moments.lingering_copy.lock().unwrap() = Some((Arc::clone(&done), Arc::clone(&go_on)));
    let (name, key, bytes) = (Uuid::new_v4(), item_key(), payload(9 * MIB));
    tokio::select! {
        _ = put(&objects, name, &key, &bytes) => unreachable!("the copy lingers"),
        () = done.notified() => {}
    }
    assert!(objects.contains(name).await.unwrap());
    go_on.notify_one();
    eventually(async || everything_in(&*store).await.is_empty()).await;
}

/// A disk may find out only when it syncs that it has no room.
fn on_disk_failing_at_the_end(folder: &FilePath, kind: io::ErrorKind) -> Objects {
    let moments = Moments { failing_completion: Mutex::new(Some(kind)), ..Moments::default() };
    let inner = Arc::new(LocalFileSystem::new_with_prefix(folder).unwrap());
    let store = Arc::new(Unruly { inner, moments: Arc::new(moments) });
    Objects { place: Place { store, local_root: Some(folder.to_owned()) } }
}

#[tokio::test]
async fn want_of_room_found_out_at_the_very_end_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
        let objects = on_disk_failing_at_the_end(folder.path(), kind);
        let refused = put(&objects, Uuid::new_v4(), &item_key(), &payload(9 * MIB)).await;
        assert!(matches!(refused, Err(Error::DiskFull(_))), "{refused:?}");
        assert_eq!(files(folder.path()).len(), 0);
    }
}

#[tokio::test]
async fn another_failure_is_not_taken_for_want_of_room() {
    let folder = tempfile::tempdir().unwrap();
    let objects = on_disk_failing_at_the_end(folder.path(), io::ErrorKind::TimedOut);
    let refused = put(&objects, Uuid::new_v4(), &item_key(), &payload(9 * MIB)).await;
    assert!(matches!(refused, Err(Error::Io { .. })), "{refused:?}");
    assert_eq!(files(folder.path()).len(), 0);
}
