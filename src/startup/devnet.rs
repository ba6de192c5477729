//! The devnet: an anvil child process. Started by its own binary, never by npm's launcher, which would outlive us;
//! stopped by SIGTERM, so that it writes its state.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use super::keeper;
use crate::config::anvil::AnvilConfig;

/// How long anvil may take to listen.
const START_TIME: Duration = Duration::from_secs(30);
/// How long anvil may take to write its state and go; longer than its keeper gives it.
const STOP_TIME: Duration = Duration::from_secs(25);

/// Why there is no devnet.
#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    /// The binary is not installed.
    #[error("anvil is not installed (looked for {0}): run ./scripts/setup, or set HBE_ANVIL to its path")]
    Missing(PathBuf),
    /// It cannot be run.
    #[error("anvil cannot be started")]
    Start(#[source] std::io::Error),
    /// It ended before it listened.
    #[error("anvil ended before it listened: {0}")]
    Ended(String),
    /// It did not listen in time.
    #[error("anvil did not listen within {START_TIME:?}")]
    Late,
}

/// A running anvil.
#[derive(Debug)]
pub struct Devnet {
    child: Child,
    address: String,
}

/// Where npm puts the real binary for this machine, below a folder with `node_modules`.
pub fn binary(root: &Path) -> PathBuf {
    if let Some(path) = std::env::var_os("HBE_ANVIL") {
        return path.into();
    }
    let system = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    root.join(format!("node_modules/@foundry-rs/anvil-{system}-{machine}/bin/anvil"))
}

impl Devnet {
    /// Starts anvil and waits until it listens. `home` is where it may leave files of its own.
    ///
    /// # Errors
    /// When it is not installed or does not come up.
    pub async fn start(binary: &Path, config: &AnvilConfig, home: &Path) -> Result<Self, DevnetError> {
        Self::run(Command::new(binary), None, (binary, config, home)).await
    }

    /// As [`Devnet::start`], below a [keeper] that ends anvil however this process ends. `program` is one
    /// that understands [`keeper::COMMAND`]: this very program, mostly.
    ///
    /// # Errors
    /// As [`Devnet::start`].
    pub async fn kept(program: &Path, binary: &Path, config: &AnvilConfig, home: &Path) -> Result<Self, DevnetError> {
        let mut command = Command::new(program);
        command.arg(keeper::COMMAND).arg("--").arg(binary);
        Self::run(command, Some(Stdio::piped()), (binary, config, home)).await
    }

    async fn run(
        mut command: Command,
        stdin: Option<Stdio>,
        (binary, config, home): (&Path, &AnvilConfig, &Path),
    ) -> Result<Self, DevnetError> {
        if !binary.is_file() {
            return Err(DevnetError::Missing(binary.to_owned()));
        }
        let folders = [Some(home), config.cache_path.as_deref(), config.state.as_deref().and_then(Path::parent)];
        for folder in folders.into_iter().flatten() {
            std::fs::create_dir_all(folder).map_err(DevnetError::Start)?;
        }
        let kept = stdin.is_some();
        let mut child = command
            .args(config.flags())
            // A program of somebody else's needs none of our keys.
            .env_clear()
            .env("HOME", home)
            // Kept open by the child's handle, for as long as this process lives.
            .stdin(stdin.unwrap_or_else(Stdio::null))
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            // Ctrl-C in a terminal reaches the whole process group; we stop anvil ourselves, after the server.
            .process_group(0)
            // A keeper is told by its closed pipe. Killed, it could stop nothing, and anvil would stay.
            .kill_on_drop(!kept)
            .spawn()
            .map_err(DevnetError::Start)?;
        let Some(stdout) = child.stdout.take() else { return Err(DevnetError::Ended("no output".to_owned())) };
        let mut lines = BufReader::new(stdout).lines();
        match tokio::time::timeout(START_TIME, listening(&mut lines)).await {
            Ok(Ok(address)) => {
                tokio::spawn(drain(lines));
                Ok(Self { child, address })
            }
            Ok(Err(said)) => Err(DevnetError::Ended(said)),
            Err(_) => Err(DevnetError::Late),
        }
    }

    /// Its HTTP URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its WebSocket URL.
    pub fn ws_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Its process, or its keeper's, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Stops it so that it writes its state. One that is deaf ends when it is dropped.
    pub async fn stop(mut self) {
        let pid = self.child.id().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed()));
        // The child is ours and not yet reaped, so the number is still its own.
        if let Some(pid) = pid
            && rustix::process::kill_process(pid, rustix::process::Signal::TERM).is_ok()
            && tokio::time::timeout(STOP_TIME, self.child.wait()).await.is_err()
        {
            tracing::warn!("devnet.deaf");
        }
    }
}

async fn listening(lines: &mut Lines<BufReader<ChildStdout>>) -> Result<String, String> {
    let mut last = String::new();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(address) = line.strip_prefix("Listening on ") {
            return Ok(address.trim().to_owned());
        }
        if !line.trim().is_empty() {
            last = line;
        }
    }
    Err(last)
}

/// anvil blocks when nobody reads what it prints.
async fn drain(mut lines: Lines<BufReader<ChildStdout>>) {
    while let Ok(Some(_)) = lines.next_line().await {}
}
