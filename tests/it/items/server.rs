//! The Back End as its users run it: `hbe up` in a process of its own, which can be killed.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use health_back_end::{
    domain::{ids::BackEndId, ids::UserId, taxonomy::UserClass},
    front_end::client::Address,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::environment::{
    Chain,
    house::{ALL_SERVICES, Client},
    key, premises,
};

/// How long a start or an end may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running Back End.
pub struct Server {
    child: Child,
    pub url: String,
    pub back_end: BackEndId,
    /// The node it uses.
    pub rpc_url: String,
    folder: PathBuf,
}

impl Server {
    /// On a chain that is there already, with its files in a folder that outlives it.
    pub async fn start(chain: &Chain, rpc_url: &str, folder: &Path) -> Self {
        Self::start_with(chain, rpc_url, folder, &[]).await
    }

    /// The same, with something else in its environment.
    pub async fn start_with(chain: &Chain, rpc_url: &str, folder: &Path, environment: &[(&str, &str)]) -> Self {
        chain.deployment.save(&folder.join("deployments")).unwrap();
        Self::launch_with(folder, &["--rpc-url", rpc_url], environment).await
    }

    /// On a chain whose registry the folder already tells of.
    pub async fn on(folder: &Path, rpc_url: &str) -> Self {
        Self::launch(folder, &["--rpc-url", rpc_url]).await
    }

    /// With an anvil of its own, which keeps its state in the folder.
    pub async fn alone(folder: &Path) -> Self {
        let config = std::fs::read_to_string("anvil.toml").unwrap();
        let anywhere: Vec<_> = config.lines().filter(|line| !line.starts_with("port")).collect();
        std::fs::write(folder.join("anvil.toml"), format!("port = 0\n{}", anywhere.join("\n"))).unwrap();
        let anvil = folder.join("anvil.toml");
        Self::launch(folder, &["--anvil", anvil.to_str().unwrap()]).await
    }

    /// Another command of the program, on the files of a server.
    pub async fn command(folder: &Path, arguments: &[&str]) -> std::process::Output {
        Self::command_with(folder, arguments, &[]).await
    }

    /// A command that is begun, to be killed.
    pub fn begin(folder: &Path, arguments: &[&str]) -> Child {
        let mut command = Self::prepare(folder, arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap()
    }

    pub async fn command_with(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> std::process::Output {
        Self::prepare(folder, arguments).envs(environment.iter().copied()).output().await.unwrap()
    }

    fn prepare(folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hbe"));
        command.args(arguments).arg("--data").arg(folder.join("data"));
        command.arg("--deployments").arg(folder.join("deployments"));
        command.arg("--anvil").arg(folder.join("anvil.toml"));
        command.envs(premises::environment(folder));
        command
    }

    async fn launch(folder: &Path, arguments: &[&str]) -> Self {
        Self::launch_with(folder, arguments, &[]).await
    }

    async fn launch_with(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let ready = folder.join("ready");
        let _ = std::fs::remove_file(&ready);
        let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
        // Writing beyond a limit of file size ends a program that does not ask to be told by an error.
        let mut child = Command::new("sh")
            .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_hbe"), "up"])
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .arg("--data")
            .arg(folder.join("data"))
            .arg("--deployments")
            .arg(folder.join("deployments"))
            .arg("--ready-file")
            .arg(&ready)
            .args(settings(folder))
            .envs(premises::environment(folder))
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let address = until("the Back End stands", async || {
            assert!(child.try_wait().unwrap().is_none(), "ended:\n{}", text(&folder.join("log")));
            Address::read(&ready).ok()
        })
        .await;
        let told: Value = serde_json::from_slice(&std::fs::read(&ready).unwrap()).unwrap();
        let rpc_url = told["RPC"].as_str().unwrap().to_owned();
        Self { child, url: address.url, back_end: address.back_end, rpc_url, folder: folder.to_owned() }
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().unwrap().cast_signed()).unwrap()
    }

    /// The most memory it ever held, in bytes; `None` where the system does not tell.
    pub fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid().as_raw_nonzero())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
    }

    /// Its children, as the system lists them, that have begun to be a program of their own. One that is stopped before
    /// keeps the thread that starts it.
    pub fn children(&self) -> Vec<Pid> {
        let pid = self.pid().as_raw_nonzero();
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        let pids: Vec<_> =
            lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
        let command = |pid: &str| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let own = command(&pid.to_string());
        let begun = pids.iter().filter(|child| !command(child).is_empty() && command(child) != own);
        begun.filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
    }

    /// Ends it as a power failure would.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to end, and gives its exit code.
    pub async fn terminate(mut self) -> Option<i32> {
        kill_process(self.pid(), Signal::TERM).unwrap();
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("it does not end:\n{}", text(&self.folder.join("log")))).unwrap().code()
    }

    /// What it has logged so far, and all that went before it on the same folder.
    pub fn log(&self) -> String {
        text(&self.folder.join("log"))
    }

    /// What it keeps that is under way.
    pub fn staged(&self) -> Vec<PathBuf> {
        let folder = self.folder.join("data/objects/staging");
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    }

    /// Objects it keeps.
    pub fn objects(&self) -> usize {
        std::fs::read_dir(self.folder.join("data/objects/objects")).into_iter().flatten().count()
    }

    /// Somebody with a key.
    pub fn stranger(&self, index: usize) -> Client {
        Client {
            user: UserId::new(self.back_end.chain_id(), key(index).address()),
            signer: key(index),
            token: None,
            token_id: None,
            url: self.url.clone(),
            http: reqwest::Client::new(),
        }
    }

    pub async fn end_user(&self, index: usize) -> Client {
        let mut client = self.stranger(index);
        let answer = client.register(&client.person(), &ALL_SERVICES).await;
        answer.expect(201);
        client.take_token(&answer.body["RegisterData"]["Response"]["Tokens"]);
        client
    }

    pub async fn third_party(&self, chain: &Chain, index: usize, class: UserClass) -> Client {
        let client = self.stranger(index);
        client.register(&client.organisation(&class.to_string()), &ALL_SERVICES).await.expect(202);
        chain.vouch(client.user.address(), class).await;
        self.again(index).await
    }

    /// Somebody who is registered and comes back.
    pub async fn again(&self, index: usize) -> Client {
        let mut client = self.stranger(index);
        let answer = client.renew(&ALL_SERVICES).await;
        answer.expect(200);
        client.take_token(&answer.body);
        client
    }
}

/// Anvils at work on files below a folder. A port would not tell: once given back, it may be anybody's.
pub fn anvils_of(folder: &Path) -> usize {
    let folder = folder.to_str().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let commands = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    commands
        .filter(|command| {
            let words: Vec<_> = command.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
            words.first().is_some_and(|program| program.ends_with("anvil"))
                && words.iter().any(|word| word.contains(folder))
        })
        .count()
}

/// A file of settings, where the test wrote one.
fn settings(folder: &Path) -> Vec<std::ffi::OsString> {
    let file = folder.join("hbe.toml");
    if file.exists() { vec!["--config".into(), file.into()] } else { Vec::new() }
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Asks again and again until there is an answer.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("waited in vain until {what}"))
}
