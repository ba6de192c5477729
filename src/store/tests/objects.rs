//! Putting, getting, deleting, and every way a put can fail.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::memory::InMemory;
use uuid::Uuid;

use super::{MIB, NO_LIMIT, files, item_key, payload, pieces, put, read, scratch};
use crate::store::{
    Error, ItemKey, Objects,
    keys::hex,
    layout::{CHUNK_BYTES, HEADER_BYTES, TAG_BYTES},
    upload::PART_BYTES,
};

const CHUNK: usize = CHUNK_BYTES as usize;

/// Chunk edges, then part edges: the payload whose object is exactly one part, one byte less and more, and three parts.
fn sizes() -> Vec<usize> {
    let one_part = PART_BYTES - HEADER_BYTES as usize - (PART_BYTES / (CHUNK + 16) + 1) * TAG_BYTES as usize;
    let edges = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 5 * CHUNK + 17];
    [&edges[..], &[one_part - 1, one_part, one_part + 1, 17 * MIB + 3]].concat()
}

pub(super) async fn round_trips(objects: &Objects) {
    let key = item_key();
    for size in sizes() {
        let (name, bytes) = (Uuid::new_v4(), payload(size));
        let stored = put(objects, name, &key, &bytes).await.unwrap();
        let chunks = size.div_ceil(CHUNK).max(1) as u64;
        assert_eq!(stored.plain_length, size as u64);
        assert_eq!(stored.stored_length, HEADER_BYTES + size as u64 + chunks * TAG_BYTES);
        assert_eq!(stored.sha256_hex, hex(digest(&SHA256, &bytes).as_ref()));
        let opened = objects.get(name, &key, None).await.unwrap();
        assert_eq!((opened.length, opened.range), (size as u64, 0..size as u64));
        let back: Vec<Bytes> = opened.bytes.try_collect().await.unwrap();
        assert!(back.concat() == bytes, "{size} bytes came back different");
    }
}

#[tokio::test]
async fn payloads_of_all_sizes_come_back_from_disk() {
    let (folder, objects) = scratch();
    round_trips(&objects).await;
    assert_eq!(files(folder.path()).len(), sizes().len(), "something besides the objects was left");
}

#[tokio::test]
async fn payloads_of_all_sizes_come_back_from_another_kind_of_store() {
    round_trips(&Objects::over(Arc::new(InMemory::new()))).await;
}

#[tokio::test]
async fn the_stored_length_is_the_length_on_disk_and_holds_no_plain_text() {
    let (folder, objects) = scratch();
    let bytes = b"a very recognisable diagnosis ".repeat(5000);
    let stored = put(&objects, Uuid::new_v4(), &item_key(), &bytes).await.unwrap();
    let on_disk = std::fs::read(&files(folder.path())[0]).unwrap();
    assert_eq!(on_disk.len() as u64, stored.stored_length);
    assert!(!on_disk.windows(12).any(|window| window == b"recognisable"));
}

#[tokio::test]
async fn the_same_payload_twice_shares_no_stored_chunk() {
    let (folder, objects) = scratch();
    let (key, bytes) = (item_key(), payload(1000));
    put(&objects, Uuid::new_v4(), &key, &bytes).await.unwrap();
    put(&objects, Uuid::new_v4(), &key, &bytes).await.unwrap();
    let [one, two] = [0, 1].map(|n| std::fs::read(&files(folder.path())[n]).unwrap());
    assert_ne!(one[HEADER_BYTES as usize..], two[HEADER_BYTES as usize..]);
}

#[tokio::test]
async fn another_key_item_or_name_opens_nothing() {
    let (_folder, objects) = scratch();
    let (name, key) = (Uuid::new_v4(), item_key());
    put(&objects, name, &key, b"payload").await.unwrap();
    let refused = read(&objects, name, &item_key(), None).await;
    assert!(matches!(refused, Err(Error::WrongKey { what: "object" })));
    let refused = read(&objects, name, &ItemKey::generate("urn:uuid:other").unwrap(), Some(0..1)).await;
    assert!(matches!(refused, Err(Error::WrongKey { .. })));
    let absent = Uuid::new_v4();
    assert!(matches!(read(&objects, absent, &key, None).await, Err(Error::Missing { object }) if object == absent));
}

#[tokio::test]
async fn an_object_is_never_replaced() {
    let (folder, objects) = scratch();
    let (name, key) = (Uuid::new_v4(), item_key());
    put(&objects, name, &key, b"first").await.unwrap();
    for size in [10, 20 * MIB] {
        let again = put(&objects, name, &key, &payload(size)).await;
        assert!(matches!(again, Err(Error::Exists { object }) if object == name));
    }
    assert_eq!(read(&objects, name, &key, None).await.unwrap(), b"first");
    assert_eq!(files(folder.path()).len(), 1);
}

#[tokio::test]
async fn of_puts_at_the_same_moment_one_wins_and_the_others_leave_nothing() {
    for size in [100, 9 * MIB] {
        let (folder, objects) = scratch();
        let (name, key) = (Uuid::new_v4(), item_key());
        let bytes = payload(size);
        let puts = stream::iter(0..4).map(|_| put(&objects, name, &key, &bytes)).buffer_unordered(4);
        let results: Vec<_> = puts.collect().await;
        let refused = results.iter().filter(|result| matches!(result, Err(Error::Exists { .. }))).count();
        assert_eq!((results.iter().filter(|result| result.is_ok()).count(), refused), (1, 3));
        assert!(read(&objects, name, &key, None).await.unwrap() == bytes);
        assert_eq!(files(folder.path()).len(), 1);
    }
}

#[tokio::test]
async fn a_payload_may_reach_its_limit_and_not_pass_it() {
    let (folder, objects) = scratch();
    let key = item_key();
    for size in [0, 10, 20 * MIB] {
        let (bytes, limit) = (payload(size + 1), size as u64);
        let refused = objects.put(Uuid::new_v4(), &key, pieces(&bytes, 100_000), limit).await;
        assert!(matches!(refused, Err(Error::TooLarge { limit_bytes }) if limit_bytes == limit));
    }
    assert_eq!(files(folder.path()).len(), 0);
    objects.put(Uuid::new_v4(), &key, pieces(&payload(10), 3), 10).await.unwrap();
}

#[tokio::test]
async fn an_input_that_breaks_off_leaves_nothing() {
    let (folder, objects) = scratch();
    for size in [10, 20 * MIB] {
        let name = Uuid::new_v4();
        let broken = stream::once(async { Err(io::Error::other("the client went away")) });
        let input = pieces(&payload(size), MIB).map_err(|never: Infallible| match never {}).chain(broken);
        let refused = objects.put(name, &item_key(), input, NO_LIMIT).await;
        assert!(matches!(refused, Err(Error::Input(cause)) if cause.to_string() == "the client went away"));
        assert_eq!(files(folder.path()).len(), 0);
        assert!(!objects.contains(name).await.unwrap());
    }
}

#[tokio::test]
async fn a_put_given_up_half_way_leaves_nothing() {
    let (folder, objects) = scratch();
    let (name, key) = (Uuid::new_v4(), item_key());
    let (arrived, mut all_arrived) = tokio::sync::mpsc::channel::<()>(1);
    let endless = pieces(&payload(20 * MIB), MIB).chain(stream::once(async move {
        drop(arrived);
        std::future::pending().await
    }));
    tokio::select! {
        _ = objects.put(name, &key, endless, NO_LIMIT) => unreachable!("the input never ends"),
        _ = all_arrived.recv() => {}
    }
    let cleaned = async {
        while !files(folder.path()).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), cleaned).await.unwrap();
    assert!(!objects.contains(name).await.unwrap());
}

#[tokio::test]
async fn a_deleted_object_is_missing() {
    let (folder, objects) = scratch();
    let (name, key) = (Uuid::new_v4(), item_key());
    put(&objects, name, &key, b"payload").await.unwrap();
    objects.delete(name).await.unwrap();
    assert!(matches!(read(&objects, name, &key, None).await, Err(Error::Missing { .. })));
    assert!(matches!(objects.delete(name).await, Err(Error::Missing { .. })));
    assert_eq!(files(folder.path()).len(), 0);
}

#[tokio::test]
async fn a_reader_that_has_begun_reports_an_object_deleted_under_it() {
    let (_folder, objects) = scratch();
    let (name, key) = (Uuid::new_v4(), item_key());
    put(&objects, name, &key, &payload(5 * MIB)).await.unwrap();
    let opened = objects.get(name, &key, None).await.unwrap();
    objects.delete(name).await.unwrap();
    let read: Result<Vec<Bytes>, Error> = opened.bytes.try_collect().await;
    assert!(matches!(read, Err(Error::Missing { .. })));
}
