//! The store against itself on a real disk; child processes where a process must die, starve or be measured.

mod bucket;
mod crash;
mod disk_full;
mod keys;
mod memory;
mod objects;
mod ranges;
mod speed;
mod sweeping;
mod tampering;
mod unruly;

use std::{
    convert::Infallible,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    process::Command,
};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt, stream};
use uuid::Uuid;

use super::{Error, ItemKey, Objects, Stored};

const ITEM: &str = "urn:uuid:6f1f3f3e-5d0c-4f6e-9b7e-0d9f4a1c2b3d";
const MIB: usize = 1024 * 1024;
const NO_LIMIT: u64 = u64::MAX;
/// Tells a child process which folder to work in; without it a child test has nothing to do.
const FOLDER: &str = "HBE_STORE_TEST_FOLDER";

/// An empty store on disk, gone with the folder.
fn scratch() -> (tempfile::TempDir, Objects) {
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::local(&folder.path().join("store")).unwrap();
    (folder, objects)
}

fn item_key() -> ItemKey {
    ItemKey::generate(ITEM).unwrap()
}

/// Bytes without a short period, so that no two chunks are alike.
fn payload(length: usize) -> Vec<u8> {
    (0..length as u64).map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}

/// A payload arriving in pieces of `size` bytes.
fn pieces(bytes: &[u8], size: usize) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + use<> {
    let pieces: Vec<_> = bytes.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces)
}

async fn put(objects: &Objects, name: Uuid, key: &ItemKey, bytes: &[u8]) -> Result<Stored, Error> {
    objects.put(name, key, pieces(bytes, 10_007), NO_LIMIT).await
}

async fn read(objects: &Objects, name: Uuid, key: &ItemKey, range: Option<Range<u64>>) -> Result<Vec<u8>, Error> {
    let opened = objects.get(name, key, range).await?;
    let bytes: Vec<Bytes> = opened.bytes.try_collect().await?;
    Ok(bytes.concat())
}

/// Every file below a folder, hidden upload files included.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// The arguments that make this test binary run one ignored test of this module, and nothing else.
fn child_arguments(test: &str) -> [String; 5] {
    let path = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
    [path, "--exact".into(), "--ignored".into(), "--nocapture".into(), "--test-threads=1".into()]
}

fn child(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(child_arguments(test)).env(FOLDER, folder);
    command
}

/// The folder a parent test gave this process.
fn given_folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
