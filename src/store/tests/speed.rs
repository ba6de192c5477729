//! How fast, and what takes the time. Figures, not assertions: run with `--ignored --nocapture store::tests::speed`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use object_store::local::LocalFileSystem;
use uuid::Uuid;

use super::{MIB, NO_LIMIT, item_key, runtime};
use crate::store::{
    Objects,
    sealed::{Opener, Sealer},
};

const PAYLOAD_MIB: usize = 256;
const PIECE: usize = MIB / 16;

fn say(what: &str, took: Duration) {
    println!("{what:<44} {:>8.0} MB/s", (PAYLOAD_MIB * MIB) as f64 / took.as_secs_f64() / 1e6);
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    say(what, start.elapsed());
    done
}

#[test]
#[ignore = "a measurement"]
fn format_alone() {
    let (key, name, piece) = (item_key(), Uuid::new_v4(), Bytes::from(vec![7; PIECE]));
    let (mut sealer, header) = Sealer::new(&key, name).unwrap();
    let chunks: Vec<BytesMut> = timed("seal", || {
        let mut chunks = Vec::new();
        for _ in 0..PAYLOAD_MIB * MIB / PIECE {
            let mut piece = piece.clone();
            while !piece.is_empty() {
                chunks.extend(sealer.push(&mut piece).unwrap());
            }
        }
        chunks.push(sealer.finish().unwrap());
        chunks.into_iter().map(|chunk| chunk.try_into_mut().unwrap()).collect()
    });
    let (opener, last) = (Opener::new(&header, &key, name).unwrap(), chunks.len() as u64 - 1);
    timed("open", || {
        for (number, chunk) in (0..).zip(chunks) {
            opener.open(number, number == last, chunk).unwrap();
        }
    });
    timed("SHA-256", || {
        for _ in 0..PAYLOAD_MIB * MIB / PIECE {
            std::hint::black_box(digest(&SHA256, &piece));
        }
    });
}

async fn through(what: &str, objects: Objects) {
    let (name, key, piece) = (Uuid::new_v4(), item_key(), Bytes::from(vec![7; PIECE]));
    let input = stream::iter(0..PAYLOAD_MIB * MIB / PIECE).map(|_| Ok::<_, std::io::Error>(piece.clone()));
    let start = Instant::now();
    objects.put(name, &key, input, NO_LIMIT).await.unwrap();
    say(&format!("put, {what}"), start.elapsed());
    let start = Instant::now();
    let mut opened = objects.get(name, &key, None).await.unwrap();
    while let Some(bytes) = opened.bytes.next().await {
        bytes.unwrap();
    }
    say(&format!("get, {what}"), start.elapsed());
}

#[test]
#[ignore = "a measurement"]
fn on_disk() {
    runtime().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        through("synced (the default)", Objects::local(&folder.path().join("synced")).unwrap()).await;
        let unsynced = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
        through("not synced", Objects::over(Arc::new(unsynced))).await;
    });
}

#[test]
#[ignore = "a measurement"]
fn small_objects() {
    const HOW_MANY: u32 = 500;
    runtime().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let (objects, key) = (Objects::local(folder.path()).unwrap(), item_key());
        let start = Instant::now();
        for _ in 0..HOW_MANY {
            super::put(&objects, Uuid::new_v4(), &key, &[7; 2000]).await.unwrap();
        }
        println!("put of 2 kB, synced, one after another: {:?} each", start.elapsed() / HOW_MANY);
    });
}
