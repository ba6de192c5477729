//! The files of models, each under the SHA-256 of its bytes. A file is written beside its place, made durable, and then
//! moved: what stands under a digest is whole. It is hashed whenever it is read, so a damaged one is never handed out.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use alloy::primitives::{B256, hex};
use aws_lc_rs::digest::{Context, SHA256};

use super::{MOST_MODEL_BYTES, ModelError};

/// Bytes hashed at once.
const PIECE_BYTES: usize = 256 << 10;

/// The folder of the files.
#[derive(Debug, Clone)]
pub struct Blobs {
    folder: PathBuf,
}

/// A file being written.
pub struct Incoming {
    file: tempfile::NamedTempFile,
    hash: Context,
    length: u64,
}

/// SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> B256 {
    B256::from_slice(aws_lc_rs::digest::digest(&SHA256, bytes).as_ref())
}

/// A digest as messages write it.
pub fn spelled(digest: B256) -> String {
    format!("sha256:{}", hex::encode(digest))
}

/// Reads a digest as messages write it.
pub fn parse(text: &str) -> Option<B256> {
    let digits = text.strip_prefix("sha256:").filter(|digits| digits.len() == 64)?;
    hex::decode(digits).ok().map(|bytes| B256::from_slice(&bytes))
}

impl Blobs {
    /// The files in a folder, which is made when it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Where a file lies.
    pub fn path(&self, digest: B256) -> PathBuf {
        self.folder.join(hex::encode(digest))
    }

    /// Begins a file.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn begin(&self) -> Result<Incoming, ModelError> {
        let file = tempfile::Builder::new().prefix("incoming-").tempfile_in(&self.folder)?;
        Ok(Incoming { file, hash: Context::new(&SHA256), length: 0 })
    }

    /// Keeps a whole file; one that is there already is left as it is.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn put(&self, bytes: &[u8]) -> Result<B256, ModelError> {
        let mut incoming = self.begin()?;
        incoming.write(bytes)?;
        self.keep(incoming).map(|(digest, _)| digest)
    }

    /// Keeps a file that was written; gives its digest and length.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn keep(&self, incoming: Incoming) -> Result<(B256, u64), ModelError> {
        let Incoming { file, hash, length } = incoming;
        let digest = B256::from_slice(hash.finish().as_ref());
        file.as_file().sync_all()?;
        file.persist(self.path(digest)).map_err(|error| error.error)?;
        // The name is durable when the folder is.
        File::open(&self.folder)?.sync_all()?;
        Ok((digest, length))
    }

    /// Opens a file whose bytes were just hashed.
    ///
    /// # Errors
    /// [`ModelError::Digest`] when they are not what they were, [`ModelError::File`] when it is not there.
    pub fn verified(&self, digest: B256) -> Result<File, ModelError> {
        let mut file = File::open(self.path(digest))?;
        let (mut hash, mut piece) = (Context::new(&SHA256), vec![0; PIECE_BYTES]);
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                break;
            }
            hash.update(piece.get(..read).unwrap_or_default());
        }
        if hash.finish().as_ref() != digest.as_slice() {
            return Err(ModelError::Digest(spelled(digest)));
        }
        io::Seek::rewind(&mut file)?;
        Ok(file)
    }

    /// Reads a file whole.
    ///
    /// # Errors
    /// As [`Blobs::verified`].
    pub fn read(&self, digest: B256) -> Result<Vec<u8>, ModelError> {
        let mut bytes = Vec::new();
        File::open(self.path(digest))?.take(MOST_MODEL_BYTES + 1).read_to_end(&mut bytes)?;
        if sha256(&bytes) == digest { Ok(bytes) } else { Err(ModelError::Digest(spelled(digest))) }
    }

    /// Removes a file; one that is not there is removed already.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn remove(&self, digest: B256) -> Result<(), ModelError> {
        match fs::remove_file(self.path(digest)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The digests of all files.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn digests(&self) -> Result<Vec<B256>, ModelError> {
        let mut digests = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            digests.extend(hex::decode(&name).ok().filter(|bytes| bytes.len() == 32).map(|b| B256::from_slice(&b)));
        }
        Ok(digests)
    }

    /// Removes what no row knows: files half written when a process was killed, and answers of rounds long over. For the
    /// start, before anybody sends anything. Gives how many.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn sweep(&self, known: impl Fn(B256) -> bool) -> Result<u64, ModelError> {
        let mut removed = 0;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let digest = hex::decode(&name).ok().filter(|bytes| bytes.len() == 32).map(|b| B256::from_slice(&b));
            let is_ours = digest.is_some() || name.starts_with("incoming-");
            if is_ours && digest.is_none_or(|digest| !known(digest)) {
                fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

impl Incoming {
    /// Adds bytes.
    ///
    /// # Errors
    /// [`ModelError::Limit`] beyond [`MOST_MODEL_BYTES`], or when the disk is full.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ModelError> {
        self.length += bytes.len() as u64;
        if self.length > MOST_MODEL_BYTES {
            return Err(ModelError::Limit { what: "bytes of a model", most: MOST_MODEL_BYTES });
        }
        self.hash.update(bytes);
        Ok(self.file.write_all(bytes)?)
    }

    /// Bytes so far.
    pub fn length(&self) -> u64 {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_believed_while_its_bytes_are_what_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        let digest = blobs.put(b"weights").unwrap();
        assert_eq!(blobs.put(b"weights").unwrap(), digest);
        assert_eq!(parse(&spelled(digest)), Some(digest));
        assert_eq!(blobs.read(digest).unwrap(), b"weights");
        let mut text = String::new();
        blobs.verified(digest).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "weights");
        fs::write(blobs.path(digest), b"Weights").unwrap();
        assert!(matches!(blobs.read(digest), Err(ModelError::Digest(_))));
        assert!(matches!(blobs.verified(digest), Err(ModelError::Digest(_))));
        blobs.remove(digest).unwrap();
        blobs.remove(digest).unwrap();
        assert!(matches!(blobs.read(digest), Err(ModelError::File(_))));
    }

    #[test]
    fn a_sweep_leaves_what_is_known_and_what_is_not_ours() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        let (one, two) = (blobs.put(b"one").unwrap(), blobs.put(b"two").unwrap());
        fs::write(folder.path().join("incoming-xyz"), b"half").unwrap();
        fs::write(folder.path().join("README"), b"not ours").unwrap();
        assert_eq!(blobs.sweep(|digest| digest == one).unwrap(), 2);
        assert!(blobs.read(one).is_ok() && blobs.read(two).is_err() && folder.path().join("README").exists());
    }

    #[test]
    fn a_model_without_end_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut incoming = Blobs::open(folder.path()).unwrap().begin().unwrap();
        incoming.length = MOST_MODEL_BYTES - 1;
        incoming.write(b"x").unwrap();
        assert!(matches!(incoming.write(b"x"), Err(ModelError::Limit { .. })));
    }
}
