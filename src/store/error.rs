//! Why the store refuses. Each variant is something a caller can act on; causes stay inside as sources.

use std::{error::Error as StdError, io, path::PathBuf};

use uuid::Uuid;

/// A cause of any type, kept for the log.
pub(super) type Cause = Box<dyn StdError + Send + Sync>;

/// Why an operation of the store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The payload is larger than the caller allows, or than the format can hold. Nothing was kept.
    #[error("the payload is larger than {limit_bytes} bytes")]
    TooLarge {
        /// Largest payload allowed, in plain bytes.
        limit_bytes: u64,
    },
    /// The medium has no room: disk, quota or file-size limit. Nothing was kept.
    #[error("no room left on the object store")]
    DiskFull(#[source] Cause),
    /// There is no object of this name.
    #[error("object {object} is missing")]
    Missing {
        /// Name of the object.
        object: Uuid,
    },
    /// An object of this name is there already; it was not touched.
    #[error("object {object} exists already")]
    Exists {
        /// Name of the object.
        object: Uuid,
    },
    /// The asked range holds no byte of the object (HTTP 416).
    #[error("the range is empty or starts beyond the {length} bytes of the object")]
    OutOfRange {
        /// Length of the whole payload, in plain bytes.
        length: u64,
    },
    /// The object is not in the sealed format, or is cut too short to be.
    #[error("object {object} is not a sealed object: {reason}")]
    NotSealed {
        /// Name of the object.
        object: Uuid,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A chunk is not what was sealed at its place: altered, moved, cut off or exchanged.
    #[error("object {object} is corrupt at chunk {chunk}")]
    Corrupt {
        /// Name of the object.
        object: Uuid,
        /// Number of the first chunk found wrong, from 0.
        chunk: u64,
    },
    /// The key does not fit: another key, another owner or object than it was made for, or an altered header.
    #[error("the key does not open this {what}")]
    WrongKey {
        /// What should have been opened.
        what: &'static str,
    },
    /// A key text is not of the right form.
    #[error("malformed key: {0}")]
    MalformedKey(&'static str),
    /// There is no root key file and making one was not allowed.
    #[error("no root key file at {}", .0.display())]
    KeyFileAbsent(PathBuf),
    /// The root key file can be read by others than its owner.
    #[error("root key file {} has mode {mode:04o}: others than the owner may use it, want 0600", path.display())]
    KeyFileExposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The root key file cannot be read or made.
    #[error("root key file {}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The caller's own stream of bytes failed; nothing was kept.
    #[error("the incoming payload broke off")]
    Input(#[source] Cause),
    /// The cryptographic library refused (no randomness, or a length beyond its limits).
    #[error("cryptography failed while {0}")]
    Crypto(&'static str),
    /// Anything else the object store or the system reports.
    #[error("object store failed while {doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What was reported.
        source: Cause,
    },
}

impl Error {
    /// Sorts a failure of the object store about one object into the variant that says what to do.
    pub(super) fn of_store(object: Uuid, doing: &'static str, source: object_store::Error) -> Self {
        match source {
            object_store::Error::NotFound { .. } => Self::Missing { object },
            object_store::Error::AlreadyExists { .. } => Self::Exists { object },
            other => Self::of_io(doing, other.into()),
        }
    }

    /// Sorts any other failure: want of room is its own variant.
    pub(super) fn of_io(doing: &'static str, source: Cause) -> Self {
        if is_no_room(&*source) { Self::DiskFull(source) } else { Self::Io { doing, source } }
    }
}

/// Looks through all sources for a system error that means "no room": ENOSPC, EDQUOT or EFBIG.
fn is_no_room(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
            if matches!(io.kind(), StorageFull | QuotaExceeded | FileTooLarge) {
                return true;
            }
        }
        next = error.source();
    }
    false
}
