//! Streaming holds a few parts in memory, however large the payload. Measured in a process of its own.

use std::fs;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use uuid::Uuid;

use super::{MIB, NO_LIMIT, child, given_folder, item_key, runtime};
use crate::store::Objects;

/// What a put and a get of any size may add.
const MOST_MIB: usize = 64;

/// Payload in MiB: 256, or with `HBE_SLOW` set 1024.
fn payload_mib() -> usize {
    if std::env::var_os("HBE_SLOW").is_some() { 1024 } else { 256 }
}

/// One field of `/proc/self/status`, in MiB: `VmRSS` is the resident memory, `VmHWM` its highest value so far.
fn resident_mib(field: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
}

#[test]
#[ignore = "the child process of `a_large_payload_passes_through_little_memory`"]
fn child_streams() {
    let Some(folder) = given_folder() else { return };
    runtime().block_on(async {
        let (objects, name, key) = (Objects::local(&folder).unwrap(), Uuid::new_v4(), item_key());
        let before = resident_mib("VmRSS");
        let input = stream::iter(0..payload_mib() * 16).map(|n| Ok::<_, Error>(Bytes::from(vec![n as u8; MIB / 16])));
        let stored = objects.put(name, &key, input, NO_LIMIT).await.unwrap();
        let after_put = resident_mib("VmHWM");
        let mut opened = objects.get(name, &key, None).await.unwrap();
        let mut length = 0;
        while let Some(bytes) = opened.bytes.next().await {
            length += bytes.unwrap().len();
        }
        assert_eq!((length, stored.plain_length), (payload_mib() * MIB, (payload_mib() * MIB) as u64));
        let after_get = resident_mib("VmHWM");
        println!("{} MiB: put added {} MiB, put and get {} MiB", payload_mib(), after_put - before, after_get - before);
        assert!(after_get - before <= MOST_MIB);
    });
}

type Error = std::convert::Infallible;

#[test]
fn a_large_payload_passes_through_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let output = child("memory::child_streams", folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    assert!(output.status.success() && said.contains("put added"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
