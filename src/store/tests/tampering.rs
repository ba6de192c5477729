//! Whoever can write to the disk can destroy an object, and nothing more: every change is refused by name.

use std::{fs, path::PathBuf};

use uuid::Uuid;

use super::{item_key, payload, put, read, scratch};
use crate::store::{
    Error, ItemKey, Objects,
    layout::{CHUNK_BYTES, HEADER_BYTES, SEALED_BYTES},
};

const HEADER: usize = HEADER_BYTES as usize;
const SEALED: usize = SEALED_BYTES as usize;
const LENGTH: usize = 3 * CHUNK_BYTES as usize + 1000;

/// An object of four chunks, and its stored bytes.
struct Victim {
    _folder: tempfile::TempDir,
    objects: Objects,
    name: Uuid,
    key: ItemKey,
    file: PathBuf,
    stored: Vec<u8>,
}

async fn victim() -> Victim {
    let (folder, objects) = scratch();
    let (name, key) = (Uuid::new_v4(), item_key());
    put(&objects, name, &key, &payload(LENGTH)).await.unwrap();
    let file = folder.path().join(format!("store/objects/{name}"));
    let stored = fs::read(&file).unwrap();
    Victim { _folder: folder, objects, name, key, file, stored }
}

impl Victim {
    /// What reading everything gives once the file holds `stored`.
    async fn with(&self, stored: &[u8]) -> Result<Vec<u8>, Error> {
        fs::write(&self.file, stored).unwrap();
        read(&self.objects, self.name, &self.key, None).await
    }

    /// What opening gives, before any byte is read, when only the first byte is asked for.
    async fn opening(&self) -> Option<Error> {
        self.objects.get(self.name, &self.key, Some(0..1)).await.err()
    }

    fn chunk(&self, number: usize) -> &[u8] {
        let start = HEADER + number * SEALED;
        &self.stored[start..(start + SEALED).min(self.stored.len())]
    }

    /// The object rebuilt from its header and the given chunks.
    fn of_chunks(&self, chunks: &[&[u8]]) -> Vec<u8> {
        [&self.stored[..HEADER], &chunks.concat()].concat()
    }
}

fn is_corrupt(result: &Result<Vec<u8>, Error>, at: u64) -> bool {
    matches!(result, Err(Error::Corrupt { chunk, .. }) if *chunk == at)
}

#[tokio::test]
async fn every_altered_header_byte_is_refused_before_a_byte_is_given() {
    let victim = victim().await;
    for at in 0..HEADER {
        let mut stored = victim.stored.clone();
        stored[at] ^= 0x80;
        let read = victim.with(&stored).await;
        let named = match at {
            0..12 => matches!(read, Err(Error::NotSealed { .. })),
            _ => matches!(read, Err(Error::WrongKey { .. })),
        };
        assert!(named, "byte {at}: {read:?}");
        assert!(victim.opening().await.is_some());
    }
}

#[tokio::test]
async fn an_altered_chunk_is_named() {
    let victim = victim().await;
    for chunk in 0..4 {
        let length = victim.chunk(chunk).len();
        for at in [0, length / 2, length - 17, length - 16, length - 1] {
            let mut stored = victim.stored.clone();
            stored[HEADER + chunk * SEALED + at] ^= 1;
            let read = victim.with(&stored).await;
            assert!(is_corrupt(&read, chunk as u64), "chunk {chunk} byte {at}: {read:?}");
        }
    }
}

#[tokio::test]
async fn chunks_before_an_altered_one_can_still_be_read() {
    let victim = victim().await;
    let mut stored = victim.stored.clone();
    stored[HEADER + SEALED] ^= 1;
    assert!(is_corrupt(&victim.with(&stored).await, 1));
    let first = read(&victim.objects, victim.name, &victim.key, Some(0..CHUNK_BYTES)).await.unwrap();
    assert!(first == payload(LENGTH)[..CHUNK_BYTES as usize]);
}

#[tokio::test]
async fn a_cut_object_is_refused_at_once_whatever_is_asked_for() {
    let victim = victim().await;
    let whole = victim.stored.len();
    let edges = (0..4).flat_map(|n| [0, 1, 15, 16, 17].map(|more| HEADER + n * SEALED + more));
    for length in [0, 1, HEADER - 1].into_iter().chain(edges).chain([whole - 16, whole - 1]) {
        let read = victim.with(&victim.stored[..length]).await;
        assert!(matches!(read, Err(Error::NotSealed { .. } | Error::Corrupt { .. })), "{length}: {read:?}");
        assert!(victim.opening().await.is_some(), "{length}");
    }
}

#[tokio::test]
async fn appended_bytes_are_refused_at_once() {
    let victim = victim().await;
    let first = victim.chunk(0).to_vec();
    for more in [&[0][..], &[0; 16], &[0; SEALED], &first] {
        let read = victim.with(&[&victim.stored, more].concat()).await;
        assert!(matches!(read, Err(Error::NotSealed { .. } | Error::Corrupt { .. })), "{read:?}");
        assert!(victim.opening().await.is_some());
    }
}

#[tokio::test]
async fn moved_repeated_and_missing_chunks_are_refused() {
    let victim = victim().await;
    let [a, b, c, d] = [0, 1, 2, 3].map(|n| victim.chunk(n));
    let cases: [(&[&[u8]], u64); 6] = [
        (&[b, a, c, d], 0),
        (&[a, c, b, d], 1),
        (&[a, a, c, d], 1),
        (&[b, c, d], 2), // the last chunk carries its number
        (&[a, b, d], 2),
        (&[a, b, c], 2), // the last one left was not sealed as the last
    ];
    for (chunks, at) in cases {
        let read = victim.with(&victim.of_chunks(chunks)).await;
        assert!(is_corrupt(&read, at), "{read:?}");
    }
}

#[tokio::test]
async fn chunks_and_headers_of_another_object_are_refused_even_under_the_same_key() {
    let victim = victim().await;
    let twin = Uuid::new_v4();
    put(&victim.objects, twin, &victim.key, &payload(LENGTH)).await.unwrap();
    let other = fs::read(victim.file.with_file_name(twin.to_string())).unwrap();
    let [a, b, c, d] = [0, 1, 2, 3].map(|n| victim.chunk(n));
    let foreign = &other[HEADER + SEALED..HEADER + 2 * SEALED];
    assert!(is_corrupt(&victim.with(&victim.of_chunks(&[a, foreign, c, d])).await, 1));
    let header_swapped = [&other[..HEADER], a, b, c, d].concat();
    assert!(matches!(victim.with(&header_swapped).await, Err(Error::WrongKey { .. })));
    assert!(matches!(victim.with(&other).await, Err(Error::WrongKey { .. })), "a whole object under another name");
    assert!(victim.with(&victim.stored).await.unwrap() == payload(LENGTH), "the untouched object opens");
}

#[tokio::test]
async fn the_object_of_another_item_is_refused() {
    let victim = victim().await;
    let theirs = ItemKey::generate("urn:uuid:3b1f8b0e-1111-4222-8333-444455556666").unwrap();
    let twin = Uuid::new_v4();
    put(&victim.objects, twin, &theirs, &payload(LENGTH)).await.unwrap();
    let other = fs::read(victim.file.with_file_name(twin.to_string())).unwrap();
    assert!(matches!(victim.with(&other).await, Err(Error::WrongKey { .. })));
}
