//! The Back End's settings: `hbe.toml`, overruled by `HBE_*`, overruled by flags. Every setting has a default, so that
//! `hbe up` works with none of them.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{ConfigError, limits::LimitSettings};
use crate::domain::{ids::UserId, taxonomy::UserClass};

/// What an operator may set. Keys and passwords are not among these: they come from the environment or from files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the HTTP door stands.
    pub listen: SocketAddr,
    /// Where users reach the door, such as `https://back-end.example`; the listening address when not set.
    pub public_url: Option<String>,
    /// Folder for the database, the objects and the keys of the embedded default.
    pub data: PathBuf,
    /// `sqlite://…` or `postgres://…`; a SQLite file in `data` when not set.
    pub database_url: Option<String>,
    /// Where payloads lie: `s3://bucket` or `s3://bucket/prefix`, credentials and endpoint from the usual `AWS_*`
    /// variables; the folder `objects` in `data` when not set.
    pub objects_url: Option<String>,
    /// No other instance uses the database: a start takes back at once what was begun and not ended. Of a SQLite file that
    /// is always so; on a server, without this, what another instance may be at is left alone for a while.
    pub sole_instance: bool,
    /// The node's URL; anvil is started when not set.
    pub rpc_url: Option<String>,
    /// Seconds: how old the newest block may be, on a chain that makes blocks whether anybody asks or not. When not set an
    /// old block says nothing, as on the devnet.
    pub most_block_age: Option<u64>,
    /// Folder of `<chain id>.json`, which says where the registry stands.
    pub deployments: PathBuf,
    /// The devnet's description.
    pub anvil: PathBuf,
    /// Folder with `node_modules`, where anvil is installed.
    pub tools: PathBuf,
    /// Networks (such as `10.0.0.0/8`) to whose hosts webhooks may point although they are not public; plain `http` and
    /// any port may be used there.
    pub webhook_networks: Vec<String>,
    /// Users the REGISTRAR vouches for at start; devnet only.
    pub vouched: Vec<Vouched>,
    /// What the door takes in.
    pub limits: LimitSettings,
}

/// A user vouched for in advance.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vouched {
    /// Their account.
    pub user: UserId,
    /// Their class.
    pub class: UserClass,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            data: "var".into(),
            database_url: None,
            objects_url: None,
            sole_instance: false,
            rpc_url: None,
            most_block_age: None,
            deployments: "deployments".into(),
            anvil: "anvil.toml".into(),
            tools: ".".into(),
            webhook_networks: Vec::new(),
            vouched: Vec::new(),
            limits: LimitSettings::default(),
        }
    }
}

/// Values given by environment or flag; each overrules the file.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Overrides {
    /// Where the HTTP door stands.
    #[arg(long, env = "HBE_LISTEN", global = true)]
    pub listen: Option<SocketAddr>,
    /// Folder for the database, the objects and the keys of the embedded default.
    #[arg(long, env = "HBE_DATA", global = true)]
    pub data: Option<PathBuf>,
    /// sqlite://… or postgres://…
    #[arg(long, env = "HBE_DATABASE_URL", hide_env_values = true, global = true)]
    pub database_url: Option<String>,
    /// s3://bucket or s3://bucket/prefix; credentials and endpoint come from AWS_* variables.
    #[arg(long, env = "HBE_OBJECTS_URL", global = true)]
    pub objects_url: Option<String>,
    /// No other instance uses the database: take back at once what was begun and not ended.
    #[arg(long, env = "HBE_SOLE_INSTANCE", global = true)]
    pub sole_instance: Option<bool>,
    /// The node's URL; anvil is started when not set.
    #[arg(long, env = "HBE_RPC_URL", hide_env_values = true, global = true)]
    pub rpc_url: Option<String>,
    /// Seconds: how old the newest block may be, on a chain that makes blocks whether anybody asks or not.
    #[arg(long, env = "HBE_MOST_BLOCK_AGE", global = true)]
    pub most_block_age: Option<u64>,
    /// Folder of <chain id>.json.
    #[arg(long, env = "HBE_DEPLOYMENTS", global = true)]
    pub deployments: Option<PathBuf>,
    /// The devnet's description.
    #[arg(long, env = "HBE_ANVIL_TOML", global = true)]
    pub anvil: Option<PathBuf>,
    /// Folder with node_modules, where anvil is installed.
    #[arg(long, env = "HBE_TOOLS", global = true)]
    pub tools: Option<PathBuf>,
}

impl Settings {
    /// Reads a file, or the defaults when none is named and `hbe.toml` is not there, and applies the overrides.
    ///
    /// # Errors
    /// When a named file is missing, or one is malformed or holds an unknown key.
    pub fn load(file: Option<&Path>, overrides: Overrides) -> Result<Self, ConfigError> {
        let mut settings = match file {
            Some(path) => Self::read(path)?,
            None if Path::new("hbe.toml").exists() => Self::read(Path::new("hbe.toml"))?,
            None => Self::default(),
        };
        settings.apply(overrides);
        Ok(settings)
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        toml::from_str(&text)
            .map_err(|source| ConfigError::Malformed { path: path.to_owned(), source: Box::new(source) })
    }

    fn apply(&mut self, overrides: Overrides) {
        let Overrides {
            listen,
            data,
            database_url,
            objects_url,
            sole_instance,
            rpc_url,
            most_block_age,
            deployments,
            anvil,
            tools,
        } = overrides;
        self.listen = listen.unwrap_or(self.listen);
        self.data = data.unwrap_or_else(|| std::mem::take(&mut self.data));
        self.database_url = database_url.or(self.database_url.take());
        self.objects_url = objects_url.or(self.objects_url.take());
        self.sole_instance = sole_instance.unwrap_or(self.sole_instance);
        self.rpc_url = rpc_url.or(self.rpc_url.take());
        self.most_block_age = most_block_age.or(self.most_block_age);
        self.deployments = deployments.unwrap_or_else(|| std::mem::take(&mut self.deployments));
        self.anvil = anvil.unwrap_or_else(|| std::mem::take(&mut self.anvil));
        self.tools = tools.unwrap_or_else(|| std::mem::take(&mut self.tools));
    }

    /// Whether no other instance uses the database.
    pub fn is_alone(&self) -> bool {
        self.sole_instance || self.database().starts_with("sqlite:")
    }

    /// The database's URL, the default included.
    pub fn database(&self) -> String {
        self.database_url.clone().unwrap_or_else(|| format!("sqlite://{}?mode=rwc", self.data.join("hbe.db").display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_win_over_the_file_and_the_file_over_defaults() {
        let mut settings: Settings = toml::from_str("data = 'there'\nlisten = '127.0.0.1:1'").unwrap();
        settings.apply(Overrides { listen: Some(([127, 0, 0, 1], 2).into()), ..Overrides::default() });
        assert_eq!((settings.listen.port(), settings.data.as_path()), (2, Path::new("there")));
        assert_eq!(settings.database(), "sqlite://there/hbe.db?mode=rwc");
        assert_eq!(settings.tools, Path::new("."));
    }

    #[test]
    fn unknown_keys_and_words_are_refused() {
        assert!(toml::from_str::<Settings>("operator_key = '0x00'").is_err());
        let stranger =
            "vouched = [{ user = 'eip155:31337:0x70997970C51812dc3A010C7d01b50e0D17dc79C8', class = 'King' }]";
        assert!(toml::from_str::<Settings>(stranger).is_err());
    }
}
