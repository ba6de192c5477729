//! Where the root key comes from: base64 text (an environment value) or a file holding the same text.
//!
//! The file must be regular and closed to everyone but its owner. Its mode is read from the opened file, not from the
//! path, so it cannot be exchanged in between. A file is only made when the operator allows it (a devnet's first
//! start), and then complete or not at all: written aside, synced, and put in place without replacing anything.

use std::{
    fs::{File, Permissions},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use zeroize::Zeroizing;

use super::{
    error::Error,
    keys::{RootKey, Secret},
};

/// Longest file looked at, in bytes; a key with its line end takes 45.
const LONGEST_FILE: u64 = 256;
const OTHERS: u32 = 0o077;

impl RootKey {
    /// A root key from base64 text of 32 bytes; white space around it is ignored.
    ///
    /// # Errors
    /// [`Error::MalformedKey`] when the text is anything else.
    pub fn from_base64(text: &str) -> Result<Self, Error> {
        let bytes = BASE64.decode(text.trim()).map_err(|_| Error::MalformedKey("root key is not base64"))?;
        let bytes = Zeroizing::new(bytes);
        let secret = Secret::copy_of(&bytes).ok_or(Error::MalformedKey("root key is not 32 bytes"))?;
        Ok(Self(secret))
    }

    /// The root key in a file.
    ///
    /// # Errors
    /// [`Error::KeyFileAbsent`], [`Error::KeyFileExposed`] when the group or others have any right to it,
    /// [`Error::MalformedKey`], or [`Error::KeyFile`].
    pub fn load(path: &Path) -> Result<Self, Error> {
        let failed = |source: io::Error| Error::KeyFile { path: path.to_owned(), source };
        let file = File::open(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::KeyFileAbsent(path.to_owned()),
            _ => failed(source),
        })?;
        let about = file.metadata().map_err(failed)?;
        if !about.is_file() {
            return Err(Error::MalformedKey("root key file is not a regular file"));
        }
        let mode = about.permissions().mode() & 0o7777;
        if mode & OTHERS != 0 {
            return Err(Error::KeyFileExposed { path: path.to_owned(), mode });
        }
        let mut text = Zeroizing::new(String::with_capacity(LONGEST_FILE as usize));
        file.take(LONGEST_FILE).read_to_string(&mut text).map_err(failed)?;
        Self::from_base64(&text)
    }

    /// The root key in a file, made there (mode 0600) when there is no file yet. For a first start the operator has
    /// allowed; a root key made over existing data opens none of it, so a start over such data tries it first.
    ///
    /// # Errors
    /// As [`RootKey::load`], without [`Error::KeyFileAbsent`].
    pub fn load_or_create(path: &Path) -> Result<Self, Error> {
        match Self::load(path) {
            Err(Error::KeyFileAbsent(_)) => {}
            other => return other,
        }
        let key = Self(Secret::random()?);
        match key.write_new(path) {
            Ok(()) => Ok(key),
            // Another process was first: its key is the key.
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => Self::load(path),
            Err(source) => Err(Error::KeyFile { path: path.to_owned(), source }),
        }
    }

    fn write_new(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o600)).tempfile_in(folder)?;
        let mut text = Zeroizing::new(BASE64.encode(self.0.bytes()));
        text.push('\n');
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path)?;
        File::open(folder)?.sync_all()
    }
}
