//! `anvil.toml`: the devnet as a file. anvil reads flags only; [`AnvilConfig::flags`] turns one into the other.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ConfigError;

/// The devnet.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnvilConfig {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Address to listen on.
    #[serde(default = "loopback")]
    pub host: String,
    /// Port to listen on; 0 takes a free one.
    #[serde(default)]
    pub port: u16,
    /// EVM version.
    #[serde(default = "prague")]
    pub hardfork: String,
    /// Number of funded accounts.
    #[serde(default = "ten")]
    pub accounts: u32,
    /// Ether per account.
    pub balance: Option<u64>,
    /// Seed words of the accounts.
    pub mnemonic: Option<String>,
    /// Order of transactions in a block.
    pub order: Option<String>,
    /// Base fee, wei.
    pub base_fee: Option<u64>,
    /// Gas price, wei.
    pub gas_price: Option<u64>,
    /// Seconds between blocks; without it each transaction is mined at once.
    pub block_time: Option<u64>,
    /// File that keeps the chain between runs.
    pub state: Option<PathBuf>,
    /// Seconds between writes of that file.
    pub state_interval: Option<u64>,
    /// Folder for old states.
    pub cache_path: Option<PathBuf>,
    /// Old states kept in memory instead of the folder.
    pub prune_history: Option<u32>,
    /// Path of an IPC socket.
    pub ipc: Option<PathBuf>,
}

fn loopback() -> String {
    "127.0.0.1".to_owned()
}

fn prague() -> String {
    "prague".to_owned()
}

fn ten() -> u32 {
    10
}

impl AnvilConfig {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is missing, malformed, or holds a key this reader does not know.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        toml::from_str(&text)
            .map_err(|source| ConfigError::Malformed { path: path.to_owned(), source: Box::new(source) })
    }

    /// The same devnet with its files below another folder, where they are named relative to `var`.
    #[must_use]
    pub fn within(mut self, data: &Path) -> Self {
        for path in [&mut self.state, &mut self.cache_path, &mut self.ipc].into_iter().flatten() {
            if let Ok(inner) = path.strip_prefix("var") {
                *path = data.join(inner);
            }
        }
        self
    }

    /// The flags anvil understands.
    pub fn flags(&self) -> Vec<String> {
        let mut flags = Flags(Vec::new());
        flags.put("--chain-id", Some(self.chain_id));
        flags.put("--host", Some(&self.host));
        flags.put("--port", Some(self.port));
        flags.put("--hardfork", Some(&self.hardfork));
        flags.put("--accounts", Some(self.accounts));
        flags.put("--balance", self.balance);
        flags.put("--mnemonic", self.mnemonic.as_ref());
        flags.put("--order", self.order.as_ref());
        flags.put("--block-base-fee-per-gas", self.base_fee);
        flags.put("--gas-price", self.gas_price);
        flags.put("--block-time", self.block_time);
        flags.put("--state", self.state.as_ref().map(|p| p.display()));
        flags.put("--state-interval", self.state_interval);
        flags.put("--cache-path", self.cache_path.as_ref().map(|p| p.display()));
        flags.put("--prune-history", self.prune_history);
        flags.put("--ipc", self.ipc.as_ref().map(|p| p.display()));
        flags.0
    }
}

struct Flags(Vec<String>);

impl Flags {
    fn put(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.0.extend([name.to_owned(), value.to_string()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_at_the_top_level_is_understood() {
        let config = AnvilConfig::read(Path::new("anvil.toml")).unwrap();
        let flags = config.flags().join(" ");
        assert!(flags.starts_with("--chain-id 31337 --host 127.0.0.1 --port 8545 --hardfork prague"), "{flags}");
        assert!(!flags.contains("--block-time"));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(toml::from_str::<AnvilConfig>("chain_id = 1\nblocktime = 2").is_err());
    }
}
