//! The session in `docs/api.md`, run as it stands there against the program as it is shipped: `hbe up` in a process of
//! its own, with a chain of its own, and `bash` with `curl` and `hfe` at the other end.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::process::{Child, Command};

use crate::environment::premises::{self, Premises};

const PAGE: &str = "docs/api.md";
/// How long the Back End may take to stand, and the session to go through.
const PATIENCE: Duration = Duration::from_secs(240);

#[tokio::test]
async fn the_session_of_the_page_goes_through() {
    let folder = Premises::new().await;
    let back_end = start(folder.path()).await;
    // What the page finds where nothing else is named: `target/debug` and `ready.json` below the current folder.
    std::fs::create_dir(folder.path().join("target")).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_hfe")).parent().unwrap();
    std::os::unix::fs::symlink(programs, folder.path().join("target/debug")).unwrap();
    let session = Command::new("bash")
        .args(["-c", &session()])
        .current_dir(folder.path())
        .env_remove("READY")
        .env_remove("HBE_BIN")
        .env("TMPDIR", folder.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, session).await.expect("the session stands still").unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{PAGE} does not work:\n{said}\n{wrong}\n{}", left_behind(folder.path()));
    assert!(said.contains("Everything agrees with the chain."), "{said}");
    assert!(said.trim_end().ends_with("The session went through."), "{said}");
    stop(back_end).await;
}

/// What stands between the fences of the page's `sh` blocks.
fn session() -> String {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let blocks = page.split("\n```sh\n").skip(1).map(|after| after.split("\n```").next().unwrap());
    let blocks: Vec<&str> = blocks.collect();
    assert!(blocks.len() > 5, "the blocks were not found");
    blocks.join("\n")
}

async fn start(folder: &Path) -> Child {
    let ready = folder.join("ready.json");
    let mut child = Command::new(env!("CARGO_BIN_EXE_hbe"))
        .args(["up", "--config", "scripts/demo.toml", "--listen", "127.0.0.1:0", "--ready-file"])
        .arg(&ready)
        .arg("--data")
        .arg(folder.join("data"))
        .arg("--deployments")
        .arg(folder)
        .envs(premises::environment(folder))
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(folder.join("hbe.log")).unwrap())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let stands = async {
        let mut look = tokio::time::interval(Duration::from_millis(50));
        // Written in one piece, but seen between its making and its filling it is empty.
        while std::fs::metadata(&ready).map_or(0, |file| file.len()) == 0 {
            look.tick().await;
            assert!(child.try_wait().unwrap().is_none(), "hbe up ended:\n{}", log(folder));
        }
    };
    tokio::time::timeout(PATIENCE, stands).await.unwrap_or_else(|_| panic!("hbe up does not stand:\n{}", log(folder)));
    child
}

/// By SIGTERM, as an operator would, so that it takes its chain down with it.
async fn stop(mut back_end: Child) {
    let pid = back_end.id().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed())).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ended = tokio::time::timeout(PATIENCE, back_end.wait()).await.expect("hbe up does not end").unwrap();
    assert!(ended.success());
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("hbe.log")).unwrap_or_default()
}

/// The answers the session kept, for whoever must find out what went wrong.
fn left_behind(folder: &Path) -> String {
    let sessions =
        std::fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().join("licence.json").exists());
    let files = sessions.flat_map(|session| std::fs::read_dir(session.path()).unwrap().flatten());
    let json = files.filter(|file| file.path().extension().is_some_and(|ending| ending == "json"));
    let shown = json.map(|file| {
        let text = std::fs::read_to_string(file.path()).unwrap_or_default();
        format!("{}: {}", file.file_name().to_string_lossy(), text.chars().take(400).collect::<String>())
    });
    shown.collect::<Vec<_>>().join("\n")
}
