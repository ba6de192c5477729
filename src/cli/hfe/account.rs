//! `hfe account` and `hfe sign-message`, and the key both use.

use std::{
    error::Error,
    io::Read,
    path::{Path, PathBuf},
};

use alloy::{
    primitives::hex,
    signers::{SignerSync, local::PrivateKeySigner},
};

use super::super::Outcome;
use crate::domain::ids::UserId;

/// Longest text signed, in bytes; a challenge has a few hundred.
const MOST_BYTES: u64 = 1 << 16;

#[derive(Debug, clap::Args)]
pub(super) struct Account {
    /// EIP-155 chain id of the Back End.
    #[arg(long, default_value_t = 31_337)]
    chain_id: u64,
}

#[derive(Debug, clap::Args)]
pub(super) struct SignMessage {
    /// The text, byte for byte as it was given out; standard input when it is `-`.
    file: PathBuf,
}

impl Account {
    pub(super) fn run(self) -> Outcome {
        println!("{}", UserId::new(self.chain_id, key()?.address()));
        Ok(true)
    }
}

impl SignMessage {
    pub(super) fn run(self) -> Outcome {
        let text = read(&self.file)?;
        println!("{}", hex::encode_prefixed(key()?.sign_message_sync(&text)?.as_bytes()));
        Ok(true)
    }
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    match file.to_str() {
        Some("-") => std::io::stdin().lock().take(MOST_BYTES).read_to_end(&mut text)?,
        _ => std::fs::File::open(file)?.take(MOST_BYTES).read_to_end(&mut text)?,
    };
    Ok(text)
}

/// The user's key. Keys are never flags: flags show in lists of processes.
pub(super) fn key() -> Result<PrivateKeySigner, Box<dyn Error>> {
    let text = std::env::var("HFE_KEY").map_err(|_| "HFE_KEY holds no key (32 bytes in hex)")?;
    Ok(text.trim().parse().map_err(|_| "HFE_KEY holds no key (32 bytes in hex)")?)
}
