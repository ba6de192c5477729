//! The key that signs Tokens: ECDSA on P-256 (ES256), made at the first start, kept in a file of mode 0600. Losing it
//! costs nobody more than a new challenge; whoever has it can speak for everybody, so the file is treated like the root
//! key's.

use std::{
    fs::{File, Permissions},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{DecodingKey, EncodingKey};
use zeroize::Zeroizing;

/// Longest file looked at, in bytes.
const LONGEST_FILE: u64 = 1_024;
const OTHERS: u32 = 0o077;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("signing key file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others than its owner can read it.
    #[error("signing key file {} has mode {mode:04o}: others than the owner may use it, want 0600", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It does not hold a key.
    #[error("signing key file {} does not hold an ES256 key", .0.display())]
    Malformed(PathBuf),
    /// The cryptographic library refused.
    #[error("cryptography failed while {0}")]
    Crypto(&'static str),
    /// A Token cannot be signed.
    #[error("a Token cannot be signed")]
    Sign(#[from] jsonwebtoken::errors::Error),
}

/// The key, for signing and checking.
pub struct SigningKey {
    pub(super) encoding: EncodingKey,
    pub(super) decoding: DecodingKey,
    /// Names the key in a Token's header.
    pub(super) id: String,
}

impl SigningKey {
    /// A new key that lives as long as this process.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] when the system gives no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        Self::from_pkcs8(&new_pkcs8()?).ok_or(KeyError::Crypto("taking up a new key"))
    }

    /// The key in a file, made there when there is none yet.
    ///
    /// # Errors
    /// [`KeyError::Exposed`] when the group or others have any right to it, [`KeyError::Malformed`], or
    /// [`KeyError::File`].
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        match Self::load(path) {
            Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            other => return other,
        }
        let pkcs8 = new_pkcs8()?;
        match write_new(path, &pkcs8) {
            Ok(()) => {}
            // Another process was first: its key is the key.
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(KeyError::File { path: path.to_owned(), source }),
        }
        Self::load(path)
    }

    fn load(path: &Path) -> Result<Self, KeyError> {
        let failed = |source: io::Error| KeyError::File { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        let mode = about.permissions().mode() & 0o7777;
        if mode & OTHERS != 0 {
            return Err(KeyError::Exposed { path: path.to_owned(), mode });
        }
        let mut text = Zeroizing::new(String::with_capacity(LONGEST_FILE as usize));
        file.take(LONGEST_FILE).read_to_string(&mut text).map_err(failed)?;
        let pkcs8 = BASE64.decode(text.trim()).map(Zeroizing::new).ok();
        pkcs8.and_then(|bytes| Self::from_pkcs8(&bytes)).ok_or_else(|| KeyError::Malformed(path.to_owned()))
    }

    fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).ok()?;
        let public = pair.public_key().as_ref();
        Some(Self {
            encoding: EncodingKey::from_ec_der(pkcs8),
            // The verifier takes the uncompressed point.
            decoding: DecodingKey::from_ec_der(public),
            id: URL_SAFE_NO_PAD.encode(&digest(&SHA256, public).as_ref()[..12]),
        })
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.id)
    }
}

fn new_pkcs8() -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let pair =
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| KeyError::Crypto("making a key"))?;
    let document = pair.to_pkcs8v1().map_err(|_| KeyError::Crypto("writing a key"))?;
    Ok(Zeroizing::new(document.as_ref().to_vec()))
}

/// Complete or not at all, and never over another file.
fn write_new(path: &Path, pkcs8: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o600)).tempfile_in(folder)?;
    let mut text = Zeroizing::new(BASE64.encode(pkcs8));
    text.push('\n');
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.key");
        let made = SigningKey::load_or_create(&path).unwrap();
        assert_eq!(SigningKey::load_or_create(&path).unwrap().id, made.id);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(SigningKey::load_or_create(&path), Err(KeyError::Exposed { mode: 0o640, .. })));
    }

    #[test]
    fn another_file_is_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.key");
        std::fs::write(&path, "bm90IGEga2V5\n").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(SigningKey::load_or_create(&path), Err(KeyError::Malformed(_))));
    }
}
