//! Objects: sealed payloads under random names, on any `object_store`.
//!
//! ```text
//!   objects/<uuid>    complete objects, written once, never changed
//!   staging/<uuid>    uploads under way; on disk with a suffix `#1` while parts arrive
//! ```
//!
//! On disk every object is synced, with its folder, before `put` returns. Removal is not synced: an object deleted just
//! before a power failure may be back after it, without a key and reported as an orphan by the next sweep. Which stores
//! there are, and what they must offer, is told in `place`.

use std::{ops::Range, pin::pin, sync::Arc};

use aws_lc_rs::digest;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use uuid::Uuid;

use super::{
    download::{self, Opened},
    error::{Cause, Error},
    keys::{ItemKey, hex},
    place::Place,
    sealed::Sealer,
    upload::Upload,
};

pub(super) const OBJECTS: &str = "objects";
pub(super) const STAGING: &str = "staging";

/// Where a complete object lies.
pub(super) fn object_path(object: Uuid) -> Path {
    Path::from_iter([OBJECTS.to_owned(), object.to_string()])
}

/// Where an upload lies between completion and publication.
pub(super) fn staging_path(staging: Uuid) -> Path {
    Path::from_iter([STAGING.to_owned(), staging.to_string()])
}

/// What was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Length of the payload, in plain bytes.
    pub plain_length: u64,
    /// Length of the object, in stored bytes.
    pub stored_length: u64,
    /// SHA-256 of the payload, in lower-case hexadecimal. It is of the *plain* bytes: where a payload can be guessed
    /// the hash confirms the guess, so treat it like the payload.
    pub sha256_hex: String,
}

/// Encrypted objects. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Objects {
    pub(super) place: Place,
}

impl Objects {
    /// Objects in a folder of this machine, made (mode 0700) when absent.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be made or reached, [`Error::DiskFull`].
    pub fn local(folder: &std::path::Path) -> Result<Self, Error> {
        Ok(Self { place: Place::folder(folder)? })
    }

    /// Objects in a bucket, `s3://bucket` or `s3://bucket/prefix`; credentials, region and endpoint from `AWS_*`.
    ///
    /// # Errors
    /// [`Error::Io`] when the URL is not of this form, or the settings do not suffice to sign a request.
    pub fn at(url: &str) -> Result<Self, Error> {
        Ok(Self { place: Place::bucket(url)? })
    }

    /// Objects in any other store.
    pub fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self { place: Place { store, local_root: None } }
    }

    /// Seals a payload and stores it under a name of its own, in one pass, with at most some 25 MiB in memory.
    ///
    /// `name` is random, made for this object and never derived from the item. Nothing can be read before this returns;
    /// if it fails, or is cancelled, nothing is left in a folder; a bucket may keep what it did not say it took
    /// (`place.rs`).
    ///
    /// # Errors
    /// [`Error::Exists`]: objects are never replaced. [`Error::TooLarge`] as soon as the payload exceeds
    /// `limit_bytes` (plain bytes). [`Error::DiskFull`]. [`Error::Input`] when `payload` itself fails.
    pub async fn put<S, E>(&self, name: Uuid, key: &ItemKey, payload: S, limit_bytes: u64) -> Result<Stored, Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Cause>,
    {
        // Only a courtesy before a long upload: what counts is the create-only publication.
        if self.contains(name).await? {
            return Err(Error::Exists { object: name });
        }
        let mut upload = Upload::new(self.place.clone(), name);
        let stored = match fill(&mut upload, name, key, payload, limit_bytes).await {
            Ok(stored) => stored,
            Err(error) => {
                upload.discard().await;
                return Err(error);
            }
        };
        let published = tokio::spawn(upload.publish()).await;
        published.map_err(|crash| Error::of_io("publishing an object", crash.into()))??.keep();
        Ok(stored)
    }

    /// Opens an object, whole or the range of plain bytes asked for (its end may lie beyond the object's).
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::WrongKey`], [`Error::OutOfRange`]; [`Error::NotSealed`] or [`Error::Corrupt`] when
    /// the object was cut or lengthened. Errors of single chunks come in the stream.
    pub async fn get(&self, name: Uuid, key: &ItemKey, range: Option<Range<u64>>) -> Result<Opened, Error> {
        download::open(Arc::clone(&self.place.store), name, key, range).await
    }

    /// Whether a complete object of this name is there.
    ///
    /// # Errors
    /// [`Error::Io`] when the store cannot tell.
    pub async fn contains(&self, name: Uuid) -> Result<bool, Error> {
        match self.place.store.head(&object_path(name)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(Error::of_store(name, "looking for an object", error)),
        }
    }

    /// Frees the space of an object. Erasure does not wait for this: it is done once the wrapped item key is deleted.
    /// Readers that have begun find it [`Error::Missing`] at their next window.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is none (not on S3, where deleting nothing succeeds), so a retry may take it for
    /// done; [`Error::Io`].
    pub async fn delete(&self, name: Uuid) -> Result<(), Error> {
        let deleted = self.place.store.delete(&object_path(name)).await;
        deleted.map_err(|error| Error::of_store(name, "deleting an object", error))
    }
}

/// Seals `payload` into `upload`.
async fn fill<S, E>(
    upload: &mut Upload,
    name: Uuid,
    key: &ItemKey,
    payload: S,
    limit_bytes: u64,
) -> Result<Stored, Error>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Cause>,
{
    let mut payload = pin!(payload);
    let (mut sealer, header) = Sealer::new(key, name)?;
    let mut hash = digest::Context::new(&digest::SHA256);
    let (mut plain_length, mut stored_length) = (0, header.len() as u64);
    upload.push(header).await?;
    while let Some(piece) = payload.next().await {
        let mut piece = piece.map_err(|error| Error::Input(error.into()))?;
        plain_length += piece.len() as u64;
        if plain_length > limit_bytes {
            return Err(Error::TooLarge { limit_bytes });
        }
        while !piece.is_empty() {
            let before = piece.clone();
            let sealed = sealer.push(&mut piece)?;
            hash.update(&before[..before.len() - piece.len()]);
            if let Some(chunk) = sealed {
                stored_length += chunk.len() as u64;
                upload.push(chunk).await?;
            }
            tokio::task::consume_budget().await;
        }
    }
    let last = sealer.finish()?;
    stored_length += last.len() as u64;
    upload.push(last).await?;
    Ok(Stored { plain_length, stored_length, sha256_hex: hex(hash.finish().as_ref()) })
}
