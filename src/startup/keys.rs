//! The chain keys of a Back End. On the devnet (chain 31337) they are anvil's public development keys, with a banner;
//! elsewhere they come from a keystore file or from the environment, never from flags, and a public key is refused.

use std::{env, path::PathBuf};

use alloy::signers::local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};

/// The chain id of the devnet, and the only one on which anvil's keys are accepted.
pub const DEVNET: u64 = 31_337;
/// anvil's seed words, known to everybody.
const DEVELOPMENT_WORDS: &str = "test test test test test test test test test test test junk";

/// Which key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Office {
    /// Deploys and gives roles.
    Admin,
    /// Submits, confirms, derives.
    Operator,
    /// Vouches for classes of users.
    Registrar,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Nothing names one.
    #[error("no {0} key: set {1}_KEY, or {1}_KEYSTORE with {1}_PASSWORD_FILE")]
    Missing(&'static str, &'static str),
    /// What is named is none.
    #[error("{0} is not a private key of 32 bytes in hex")]
    Malformed(String),
    /// The keystore cannot be opened.
    #[error("the keystore {path} cannot be opened")]
    Keystore {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: alloy::signers::local::LocalSignerError,
    },
    /// The password file cannot be read.
    #[error("the password file {path} cannot be read")]
    Password {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A key everybody knows, on a chain that matters.
    #[error("the {0} key is one of anvil's public development keys; these are for chain {DEVNET} only")]
    Public(&'static str),
    /// The words give no key.
    #[error("the development words give no key")]
    Words(#[source] alloy::signers::local::LocalSignerError),
}

impl Office {
    fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Registrar => "registrar",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Admin => "HBE_ADMIN",
            Self::Operator => "HBE_OPERATOR",
            Self::Registrar => "HBE_REGISTRAR",
        }
    }

    fn development_index(self) -> u32 {
        match self {
            Self::Admin => 0,
            Self::Operator => 1,
            Self::Registrar => 2,
        }
    }

    /// The key of this office on a chain.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn key(self, chain_id: u64) -> Result<PrivateKeySigner, KeyError> {
        let Some(key) = self.configured()? else {
            return match chain_id {
                DEVNET => development_key(self.development_index()),
                _ => Err(KeyError::Missing(self.name(), self.prefix())),
            };
        };
        if chain_id != DEVNET && is_public(&key)? {
            return Err(KeyError::Public(self.name()));
        }
        Ok(key)
    }

    fn configured(self) -> Result<Option<PrivateKeySigner>, KeyError> {
        let prefix = self.prefix();
        if let Ok(text) = env::var(format!("{prefix}_KEY")) {
            let key = text.trim().parse().map_err(|_| KeyError::Malformed(format!("{prefix}_KEY")))?;
            return Ok(Some(key));
        }
        let Some(path) = env::var_os(format!("{prefix}_KEYSTORE")).map(PathBuf::from) else { return Ok(None) };
        let file = PathBuf::from(env::var_os(format!("{prefix}_PASSWORD_FILE")).unwrap_or_default());
        let password = std::fs::read_to_string(&file).map_err(|source| KeyError::Password { path: file, source })?;
        match PrivateKeySigner::decrypt_keystore(&path, password.trim_end_matches(['\r', '\n'])) {
            Ok(key) => Ok(Some(key)),
            Err(source) => Err(KeyError::Keystore { path, source }),
        }
    }
}

/// anvil's public development key with this index.
///
/// # Errors
/// Never, as long as the words are what they are.
pub fn development_key(index: u32) -> Result<PrivateKeySigner, KeyError> {
    MnemonicBuilder::<English>::default()
        .phrase(DEVELOPMENT_WORDS)
        .index(index)
        .and_then(|builder| builder.build())
        .map_err(KeyError::Words)
}

/// anvil shows ten of them to everybody.
fn is_public(key: &PrivateKeySigner) -> Result<bool, KeyError> {
    for index in 0..10 {
        if development_key(index)?.address() == key.address() {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn development_keys_are_for_the_devnet() {
        let key = Office::Operator.key(DEVNET).unwrap();
        assert_eq!(key.address(), alloy::primitives::address!("70997970c51812dc3a010c7d01b50e0d17dc79c8"));
        assert!(is_public(&key).unwrap());
        assert!(matches!(Office::Operator.key(1), Err(KeyError::Missing("operator", "HBE_OPERATOR"))));
    }
}
