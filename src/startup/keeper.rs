//! Anvil's keeper: a process between the Back End and its anvil that holds a pipe to the Back End. However the Back End
//! ends, by a kill that asks nobody too, the pipe closes, and the keeper stops anvil by SIGTERM, so that anvil writes its
//! state and holds no port for ever.
//!
//! ```text
//! hbe up ──stdin pipe──▶ hbe keep-anvil ──SIGTERM──▶ anvil ──stdout──▶ hbe up
//! ```

use std::{ffi::OsString, io::Read, path::PathBuf, process::Stdio, time::Duration};

use tokio::{
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

/// The sub-command of this program that is the keeper.
pub const COMMAND: &str = "keep-anvil";
/// How long anvil may take to write its state and go, before it is killed.
const STOP_TIME: Duration = Duration::from_secs(20);

/// Runs a program until it ends, the other end of standard input is closed, or SIGTERM comes. Gives whether the program
/// ended well.
///
/// # Errors
/// When it cannot be started or waited for.
pub async fn keep(program: PathBuf, arguments: Vec<OsString>) -> std::io::Result<bool> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        // The keeper shares its group: what ends the group as a whole ends both.
        .kill_on_drop(true)
        .spawn()?;
    tokio::select! {
        ended = child.wait() => return ended.map(|status| status.success()),
        _ = left_alone() => {}
        _ = terminate.recv() => {}
    }
    stop(&mut child).await
}

/// Returns when nobody holds the other end of standard input any more. In a thread of its own, which may still wait when
/// the program ends; a runtime would wait for it.
fn left_alone() -> oneshot::Receiver<()> {
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        let mut ignored = [0; 64];
        // Nobody writes here; an error is an end like any other.
        while std::io::stdin().read(&mut ignored).is_ok_and(|count| count > 0) {}
        let _ = tell.send(());
    });
    told
}

async fn stop(child: &mut Child) -> std::io::Result<bool> {
    // The child is ours and not yet reaped, so the number is still its own.
    if let Some(pid) = child.id().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed())) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    match tokio::time::timeout(STOP_TIME, child.wait()).await {
        Ok(ended) => ended.map(|status| status.success()),
        Err(_) => child.kill().await.map(|()| false),
    }
}
