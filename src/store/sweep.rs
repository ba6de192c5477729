//! What a crash leaves behind, and what the database and the store do not agree on.
//!
//! A process that is killed cannot clean up. Its unfinished uploads are never readable, but they take space; a start
//! removes them. It also compares names: an object nobody knows is reported, not removed, since a wrong or empty list
//! of names must not cost a payload. The caller deletes what it is sure of.
//!
//! Several Back Ends may share a store, so only what was last written before `stale_before` counts. With a store of
//! one's own that is the moment of the start; with a shared one, a start minus the longest upload.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path as FilePath, PathBuf},
    time::SystemTime,
};

use futures_util::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use uuid::Uuid;

use super::{
    error::{Cause, Error},
    objects::{OBJECTS, Objects, STAGING},
};

/// What a sweep found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Unfinished uploads removed.
    pub removed: u64,
    /// Stale objects whose names are not known.
    pub orphans: Vec<Uuid>,
    /// Known names without an object.
    pub missing: Vec<Uuid>,
    /// Things among the objects whose names are none of ours; left alone.
    pub strangers: Vec<String>,
}

impl Objects {
    /// Removes unfinished uploads last written before `stale_before` and compares the objects with the `known` names.
    /// For the start, before uploads begin.
    ///
    /// # Errors
    /// [`Error::Io`] when the store cannot be listed or something cannot be removed.
    pub async fn sweep(&self, known: &HashSet<Uuid>, stale_before: SystemTime) -> Result<Swept, Error> {
        let store = &*self.place.store;
        let mut removed = remove_staged(store, stale_before).await?;
        if let Some(root) = self.place.local_root.clone() {
            let hidden = tokio::task::spawn_blocking(move || remove_hidden(&root, stale_before)).await;
            let hidden = hidden.map_err(|crash| failed(crash.into()))?;
            removed += hidden.map_err(|error| failed(error.into()))?;
        }
        Ok(Swept { removed, ..compare(store, known, stale_before).await? })
    }
}

fn failed(cause: Cause) -> Error {
    Error::of_io("sweeping", cause)
}

/// Uploads that were completed but not yet published.
async fn remove_staged(store: &dyn ObjectStore, stale_before: SystemTime) -> Result<u64, Error> {
    let mut listed = store.list(Some(&Path::from(STAGING)));
    let mut removed = 0;
    while let Some(found) = listed.try_next().await.map_err(|error| failed(error.into()))? {
        if SystemTime::from(found.last_modified) < stale_before {
            store.delete(&found.location).await.map_err(|error| failed(error.into()))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Files `<name>#<digits>`, in which the local file system gathers an upload, and which it neither lists nor touches.
fn remove_hidden(root: &FilePath, stale_before: SystemTime) -> io::Result<u64> {
    let mut removed = 0;
    for folder in [STAGING, OBJECTS] {
        for file in hidden_files(&root.join(folder))? {
            let written = match fs::symlink_metadata(&file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                about => about?.modified()?,
            };
            if written < stale_before {
                fs::remove_file(file)?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

fn hidden_files(folder: &FilePath) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let suffix = name.to_str().and_then(|name| name.rsplit_once('#')).map(|(_, suffix)| suffix);
        if suffix.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())) {
            files.push(entry.path());
        }
    }
    Ok(files)
}

/// Compares the objects with the known names.
async fn compare(store: &dyn ObjectStore, known: &HashSet<Uuid>, stale_before: SystemTime) -> Result<Swept, Error> {
    let mut swept = Swept::default();
    let mut absent = known.clone();
    let mut listed = store.list(Some(&Path::from(OBJECTS)));
    while let Some(found) = listed.try_next().await.map_err(|error| failed(error.into()))? {
        match found.location.filename().and_then(name_of) {
            Some(name) if absent.remove(&name) => {}
            Some(name) if SystemTime::from(found.last_modified) < stale_before => swept.orphans.push(name),
            Some(_) => {}
            None => swept.strangers.push(found.location.to_string()),
        }
    }
    swept.orphans.sort_unstable();
    swept.missing = absent.into_iter().collect();
    swept.missing.sort_unstable();
    Ok(swept)
}

/// The object name a file name stands for, in the one spelling we write.
fn name_of(file: &str) -> Option<Uuid> {
    file.parse().ok().filter(|name: &Uuid| name.to_string() == file)
}
