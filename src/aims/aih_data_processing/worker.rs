//! The child process in which AI Modules meet data from outside. It has its own limits of memory, processor time and
//! wall-clock time; when it dies, a request fails and nothing else does.
//!
//! ```text
//! Back End                                   child (`hbe run-module`)
//!   task as one line of JSON ──stdin──▶        sets its limits, reads the line
//!   payload, decrypted as it flows ──▶         reads it all, runs the module
//!   ◀──stdout── {"Result": …} or {"Refused": "why"}
//! ```
//!
//! The plain payload never touches a disk on the way.

use std::{
    io::{BufRead, Read, Write},
    path::PathBuf,
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, Command},
    sync::Semaphore,
};

use super::modules::{self, Task};

/// The sub-command of this program that is the child.
pub const COMMAND: &str = "run-module";

/// Memory a child may use, in bytes.
const MOST_MEMORY_BYTES: u64 = 2 << 30;
/// Largest payload a child takes, in bytes: a day of a two-lead ECG is an eighth of it.
pub const MOST_PAYLOAD_BYTES: u64 = 1 << 30;
/// Processor time a child may use, in seconds.
const MOST_CPU_SECONDS: u64 = 120;
/// Wall-clock time a child may take.
const MOST_TIME: Duration = Duration::from_secs(300);
/// Longest result, in bytes.
const MOST_RESULT_BYTES: u64 = 64 << 20;
/// Longest line that says the task, in bytes.
const MOST_TASK_BYTES: u64 = 1 << 20;

/// What the child says.
#[derive(Debug, Serialize, Deserialize)]
enum Said {
    Result(Value),
    Refused(String),
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The module refused the data.
    #[error("{0}")]
    Refused(String),
    /// The child ran into a limit, or crashed.
    #[error("processing it exceeds the limits of memory or time, or crashes the AI Module")]
    Died,
    /// The payload is too large for a child.
    #[error("the payload is larger than an AI Module takes ({MOST_PAYLOAD_BYTES} bytes)")]
    TooLarge,
    /// The payload could not be read.
    #[error("the payload cannot be read")]
    Payload(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The child could not be started.
    #[error("the AI Module's process cannot be started")]
    Start(#[source] std::io::Error),
}

/// Starts children, no more at once than there are processors.
#[derive(Debug, Clone)]
pub struct Worker {
    program: Arc<PathBuf>,
    free: Arc<Semaphore>,
}

impl Worker {
    /// Children of a program that understands [`COMMAND`]: this very program, mostly.
    pub fn new(program: PathBuf) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self { program: Arc::new(program), free: Arc::new(Semaphore::new(processors)) }
    }

    /// Runs a task on a payload of a known length. Dropping the future ends the child.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn run<S, E>(&self, task: &Task, length: u64, payload: S) -> Result<Value, WorkerError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if length > MOST_PAYLOAD_BYTES {
            return Err(WorkerError::TooLarge);
        }
        // The semaphore is never closed; if it were, running unlimited would be the smaller harm.
        let _place = self.free.acquire().await.ok();
        let mut child = self.start()?;
        match tokio::time::timeout(MOST_TIME, converse(&mut child, task, payload)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(WorkerError::Died),
        }
    }

    fn start(&self) -> Result<Child, WorkerError> {
        Command::new(self.program.as_path())
            .arg(COMMAND)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(WorkerError::Start)
    }
}

async fn converse<S, E>(child: &mut Child, task: &Task, payload: S) -> Result<Value, WorkerError>
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else { return Err(WorkerError::Died) };
    let mut answer = Vec::new();
    let mut reader = stdout.take(MOST_RESULT_BYTES);
    let (fed, read) = tokio::join!(feed(stdin, task, payload), reader.read_to_end(&mut answer));
    fed?;
    let ended = child.wait().await;
    if read.is_err() || !ended.is_ok_and(|status| status.success()) {
        return Err(WorkerError::Died);
    }
    match serde_json::from_slice(&answer) {
        Ok(Said::Result(value)) => Ok(value),
        Ok(Said::Refused(why)) => Err(WorkerError::Refused(why)),
        Err(_) => Err(WorkerError::Died),
    }
}

async fn feed<S, E>(mut stdin: ChildStdin, task: &Task, mut payload: S) -> Result<(), WorkerError>
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut line = serde_json::to_vec(task).map_err(|error| WorkerError::Payload(error.into()))?;
    line.push(b'\n');
    // A child that stops listening says why on its output, or by its end: a broken pipe is no error of its own.
    if stdin.write_all(&line).await.is_err() {
        return Ok(());
    }
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| WorkerError::Payload(error.into()))?;
        if stdin.write_all(&chunk).await.is_err() {
            return Ok(());
        }
    }
    // An error here means the child has gone; its exit says so.
    let _ = stdin.shutdown().await;
    Ok(())
}

/// The child: reads a task and a payload from standard input, writes what it has to say to standard output.
///
/// # Errors
/// When standard input or output fail.
pub fn child() -> std::io::Result<()> {
    limit(Resource::As, MOST_MEMORY_BYTES);
    limit(Resource::Cpu, MOST_CPU_SECONDS);
    limit(Resource::Core, 0);
    let said = match run_child(std::io::stdin().lock()) {
        Ok(value) => Said::Result(value),
        Err(why) => Said::Refused(why),
    };
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, &said)?;
    out.flush()
}

fn limit(resource: Resource, most: u64) {
    // Where the system knows no such limit the parent's clock still ends the child.
    let _ = setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
}

fn run_child(mut input: impl BufRead) -> Result<Value, String> {
    let mut line = Vec::new();
    input.by_ref().take(MOST_TASK_BYTES).read_until(b'\n', &mut line).map_err(|e| e.to_string())?;
    let task: Task = serde_json::from_slice(&line).map_err(|_| "the task cannot be read".to_owned())?;
    let module = modules::find(&task).ok_or("no AIM in the Store performs this on this format")?;
    let mut payload = Vec::new();
    input.take(MOST_PAYLOAD_BYTES).read_to_end(&mut payload).map_err(|e| e.to_string())?;
    module.run(&task, &payload)
}
