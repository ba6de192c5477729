//! A process killed in the middle of an upload (SIGKILL: nothing in it runs any more).

use std::{
    collections::HashSet,
    io::{self, Read, Write},
    process::Stdio,
    time::SystemTime,
};

use bytes::Bytes;
use futures_util::stream;
use uuid::Uuid;

use super::{MIB, NO_LIMIT, child, files, given_folder, item_key, payload, read, runtime};
use crate::store::{Error, Objects, Swept};

const NAME: Uuid = Uuid::from_u128(0x8a7c_55d0_1f5b_4a9e_9d37_3c52_5f2a_11ee);

/// Uploads what comes down a pipe until it ends, which it does not.
#[test]
#[ignore = "the child process of `a_kill_half_way_leaves_nothing_readable_and_nothing_at_all_after_the_sweep`"]
fn child_uploads() {
    let Some(folder) = given_folder() else { return };
    let objects = Objects::local(&folder).unwrap();
    let input = stream::unfold(io::stdin(), |mut pipe| async {
        let mut buffer = vec![0; MIB];
        let length = pipe.read(&mut buffer).unwrap();
        buffer.truncate(length);
        (length > 0).then(|| (Ok::<_, io::Error>(Bytes::from(buffer)), pipe))
    });
    runtime().block_on(objects.put(NAME, &item_key(), input, NO_LIMIT)).unwrap();
}

#[tokio::test]
async fn a_kill_half_way_leaves_nothing_readable_and_nothing_at_all_after_the_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let mut uploader =
        child("crash::child_uploads", folder.path()).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    // The child holds at most three parts of 8 MiB in memory: when it has taken 40 MiB, some are on the disk.
    uploader.stdin.as_mut().unwrap().write_all(&payload(40 * MIB)).unwrap();
    uploader.kill().unwrap();
    uploader.wait().unwrap();

    let left = files(folder.path());
    assert!(left.iter().any(|file| file.metadata().unwrap().len() > 0), "the child had written nothing: {left:?}");
    let objects = Objects::local(folder.path()).unwrap();
    assert!(matches!(read(&objects, NAME, &item_key(), None).await, Err(Error::Missing { .. })));

    let swept = objects.sweep(&HashSet::new(), SystemTime::now()).await.unwrap();
    assert_eq!(swept, Swept { removed: left.len() as u64, ..Swept::default() });
    assert_eq!(files(folder.path()), Vec::<std::path::PathBuf>::new());
}
