//! The Back End's side of the pipe to the child processes in which AI Modules meet data from outside. A child has its own
//! limits of memory, processor time and wall-clock time; when it dies, a request fails and nothing else does.
//!
//! ```text
//! Back End                                   child (`hbe run-module`)
//!   task as one line of JSON ──stdin──▶        sets its limits, reads the line
//!   attachments, then the payload,
//!   decrypted as it flows ──▶                  reads it all, runs the module
//!   ◀──stdout── {"Result": …}, {"Both": …} or {"Refused": "why"}
//!               or {"Treated": …} and then the treated payload
//! ```
//!
//! The plain payload never touches a disk on the way.

use std::{path::PathBuf, process::Stdio, sync::Arc, time::Duration};

use alloy::primitives::Address;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::{Instant, timeout_at},
};

pub use super::places::Place;
use super::{
    places::Places,
    task::{Attachment, Line, Task},
    treatment::Outcome,
};

/// The sub-command of this program that is the child.
pub const COMMAND: &str = "run-module";

/// Largest payload a child takes, in bytes: a day of a two-lead ECG is an eighth of it.
pub const MOST_PAYLOAD_BYTES: u64 = 1 << 30;
/// Largest attachment, in bytes.
pub const MOST_ATTACHED_BYTES: u64 = 256 << 20;
/// Longest line that says the task, in bytes.
pub(super) const MOST_TASK_BYTES: u64 = 1 << 20;
/// Longest line that says the result, in bytes.
const MOST_RESULT_BYTES: u64 = 64 << 20;
/// Bytes of a treated payload read at once.
const PIECE_BYTES: usize = 64 << 10;

/// What the child says.
#[derive(Debug, Deserialize)]
enum Said {
    Result(Value),
    Both(Both),
    Treated(Outcome),
    Refused(String),
}

/// What came of a task that asked for both: each by itself, with why it was refused.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Both {
    /// Of the processing.
    pub result: Result<Value, String>,
    /// Of the measuring.
    pub observed: Result<Value, String>,
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

/// What one child may use. It sets the first two itself before it reads anything from outside, and can never raise them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory, in bytes of address space.
    pub memory_bytes: u64,
    /// Processor time, in seconds.
    pub processor_s: u64,
    /// Wall-clock time, which the Back End keeps.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_bytes: 2 << 30, processor_s: 120, time: Duration::from_secs(300) }
    }
}

/// Starts children, no more at once than there are processors.
#[derive(Debug, Clone)]
pub struct Worker {
    program: Arc<PathBuf>,
    places: Places,
    limits: Limits,
}

/// A treated payload on its way out of a child.
pub struct Treating {
    /// What was done.
    pub outcome: Outcome,
    talk: Talk,
}

/// A child, its output, and until when it may take.
struct Talk {
    child: Child,
    output: BufReader<ChildStdout>,
    until: Instant,
    _place: Place,
}

impl Worker {
    /// Children of a program that understands [`COMMAND`]: this very program, mostly.
    pub fn new(program: PathBuf) -> Self {
        Self::with_limits(program, Limits::default())
    }

    /// The same, whose children may use other amounts than usual.
    pub fn with_limits(program: PathBuf, limits: Limits) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self { program: Arc::new(program), places: Places::new(processors), limits }
    }

    /// Waits for a place, in turn with all other users who wait. Whoever needs much memory to begin with asks for it first.
    pub async fn place(&self, user: Address) -> Place {
        self.places.take(user).await
    }

    /// Runs a task that gives a result, on a payload of a known length, in a user's turn. Dropping the future ends the
    /// child.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn run<S, E>(
        &self,
        user: Address,
        task: &Task,
        attachments: &[Attachment],
        (length, payload): (u64, S),
    ) -> Result<Value, WorkerError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.run_in(self.place(user).await, task, attachments, (length, payload)).await
    }

    /// As [`Worker::run`], in a place that was waited for.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn run_in<S, E>(
        &self,
        place: Place,
        task: &Task,
        attachments: &[Attachment],
        (length, payload): (u64, S),
    ) -> Result<Value, WorkerError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (said, talk) = self.ask(place, task, attachments, (length, payload)).await?;
        match said {
            Said::Result(value) => talk.end().await.map(|()| value),
            Said::Refused(why) => Err(WorkerError::Refused(why)),
            Said::Treated(_) | Said::Both(_) => Err(WorkerError::Died),
        }
    }

    /// As [`Worker::run_in`], of a task that asks for both.
    ///
    /// # Errors
    /// [`WorkerError`]; not when one of both was refused, which stands in its place.
    pub async fn run_both_in<S, E>(
        &self,
        place: Place,
        task: &Task,
        attachments: &[Attachment],
        (length, payload): (u64, S),
    ) -> Result<Both, WorkerError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (said, talk) = self.ask(place, task, attachments, (length, payload)).await?;
        match said {
            Said::Both(both) => talk.end().await.map(|()| both),
            Said::Refused(why) => Err(WorkerError::Refused(why)),
            Said::Result(_) | Said::Treated(_) => Err(WorkerError::Died),
        }
    }

    /// Runs a treatment on a payload of a known length, in a user's turn. Dropping what it gives ends the child.
    ///
    /// # Errors
    /// [`WorkerError`].
    pub async fn treat<S, E>(
        &self,
        user: Address,
        task: &Task,
        (length, payload): (u64, S),
    ) -> Result<Treating, WorkerError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (said, talk) = self.ask(self.place(user).await, task, &[], (length, payload)).await?;
        match said {
            Said::Treated(outcome) => Ok(Treating { outcome, talk }),
            Said::Refused(why) => Err(WorkerError::Refused(why)),
            Said::Result(_) | Said::Both(_) => Err(WorkerError::Died),
        }
    }

    async fn ask<S, E>(
        &self,
        place: Place,
        task: &Task,
        attachments: &[Attachment],
        (length, payload): (u64, S),
    ) -> Result<(Said, Talk), WorkerError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let attached = |attachment: &Attachment| attachment.bytes.len() as u64 > MOST_ATTACHED_BYTES;
        if length > MOST_PAYLOAD_BYTES || attachments.iter().any(attached) {
            return Err(WorkerError::TooLarge);
        }
        let (mut talk, stdin) = self.start(place).await?;
        let until = talk.until;
        let line = async {
            let (fed, line) = tokio::join!(feed(stdin, task, attachments, payload), talk.line());
            fed.and(line)
        };
        let said = timeout_at(until, line).await.unwrap_or(Err(WorkerError::Died))?;
        Ok((said, talk))
    }

    /// Starting a program stops the thread that does it until the program has begun. That may take long, when the disk is
    /// slow or somebody stops the child first; and what else that thread was about to do, with a connection of the
    /// database in its hands perhaps, would wait with it.
    async fn start(&self, place: Place) -> Result<(Talk, ChildStdin), WorkerError> {
        let mut command = Command::new(self.program.as_path());
        command
            .arg(COMMAND)
            .arg(self.limits.memory_bytes.to_string())
            .arg(self.limits.processor_s.to_string())
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let spawned = tokio::task::spawn_blocking(move || command.spawn()).await;
        let mut child = spawned.map_err(|_| WorkerError::Died)?.map_err(WorkerError::Start)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(WorkerError::Died);
        };
        let until = Instant::now() + self.limits.time;
        Ok((Talk { child, output: BufReader::new(stdout), until, _place: place }, stdin))
    }
}

impl Talk {
    /// What the child says.
    async fn line(&mut self) -> Result<Said, WorkerError> {
        let mut line = Vec::new();
        let mut output = (&mut self.output).take(MOST_RESULT_BYTES);
        output.read_until(b'\n', &mut line).await.map_err(|_| WorkerError::Died)?;
        serde_json::from_slice(&line).map_err(|_| WorkerError::Died)
    }

    /// Nothing more is said and the child ends well.
    async fn end(mut self) -> Result<(), WorkerError> {
        let ended = async {
            let mut more = [0];
            let silent = matches!(self.output.read(&mut more).await, Ok(0));
            silent && self.child.wait().await.is_ok_and(|status| status.success())
        };
        match timeout_at(self.until, ended).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(WorkerError::Died),
        }
    }
}

impl Treating {
    /// The treated payload. It ends with an error when the child dies before the length it named is reached, says more,
    /// or does not end well.
    pub fn payload(self) -> impl Stream<Item = Result<Bytes, WorkerError>> + Send + Unpin {
        let Self { outcome, mut talk } = self;
        let mut left = outcome.length;
        Box::pin(async_stream::stream! {
            while left > 0 {
                let most = PIECE_BYTES.min(usize::try_from(left).unwrap_or(PIECE_BYTES));
                let mut piece = vec![0; most];
                match timeout_at(talk.until, talk.output.read(&mut piece)).await {
                    Ok(Ok(read)) if read > 0 => {
                        piece.truncate(read);
                        left -= read as u64;
                        yield Ok(Bytes::from(piece));
                    }
                    _ => {
                        yield Err(WorkerError::Died);
                        return;
                    }
                }
            }
            if let Err(error) = talk.end().await {
                yield Err(error);
            }
        })
    }
}

async fn feed<S, E>(
    mut stdin: ChildStdin,
    task: &Task,
    attachments: &[Attachment],
    mut payload: S,
) -> Result<(), WorkerError>
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let lengths = attachments.iter().map(|attachment| (attachment.name.clone(), attachment.bytes.len() as u64));
    let line = Line { task: task.clone(), attachments: lengths.collect() };
    let mut line = serde_json::to_vec(&line).map_err(|error| WorkerError::Payload(error.into()))?;
    line.push(b'\n');
    // A child that stops listening says why on its output, or by its end: a broken pipe is no error of its own.
    if stdin.write_all(&line).await.is_err() {
        return Ok(());
    }
    for attachment in attachments {
        if stdin.write_all(&attachment.bytes).await.is_err() {
            return Ok(());
        }
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
