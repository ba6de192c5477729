//! What an operator sets: `hbe.toml`, overruled by `HBE_*` environment variables, overruled by flags; and `anvil.toml`
//! for the devnet. Keys and passwords are never flags.

pub mod anvil;
pub mod limits;
pub mod settings;

use std::path::PathBuf;

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{path} is malformed: {source}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Box<toml::de::Error>,
    },
}
