//! A process that is killed in the middle of its work: what it had acknowledged is there, what it had not is whole or
//! absent, and the next process simply goes on.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use health_back_end::db::{Database, notices::NewNotice};
use serde_json::json;

use crate::fixture::{Place, user};

/// Tells the test below that it is the process to be killed, and where to write.
const VICTIM: &str = "HBE_TEST_CRASH_URL";
/// Notices of one transaction: all are there or none.
const TOGETHER: usize = 3;

on_both!(what_was_acknowledged_survives);

async fn what_was_acknowledged_survives(db: &Place) {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::the_process_to_be_killed", "--nocapture"])
        .env(VICTIM, &db.url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let mut acknowledged =
        lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("seq ")?.parse::<i64>().ok());
    let last = acknowledged.by_ref().take(25).last().unwrap();
    victim.kill().unwrap();
    victim.wait().unwrap();
    // Between the last line read and the end it may have gone on a little.
    let last = acknowledged.last().unwrap_or(last);

    let after = db.other_instance().await;
    let kept = after.list_notices(user(1), 0, 1_000).await.unwrap();
    assert!(kept.len() as i64 >= last, "{last} were acknowledged, {} are kept", kept.len());
    assert_eq!(kept.len() % TOGETHER, 0, "a transaction was torn");
    assert!(kept.iter().zip(1..).all(|(row, seq)| row.seq == seq));
    after.insert_notices(&[notice()]).await.unwrap();
}

fn notice() -> NewNotice {
    NewNotice { user: user(1), kind: "decision".into(), data: json!({}), created_at_us: 1 }
}

#[tokio::test]
async fn the_process_to_be_killed() {
    // Without the variable this is an ordinary run of the tests, and there is nothing to do.
    let Ok(url) = std::env::var(VICTIM) else { return };
    let db = Database::connect(&url, 2).await.unwrap();
    for _ in 0..300 {
        let last = db.insert_notices(&vec![notice(); TOGETHER]).await.unwrap();
        println!("seq {last}");
    }
}
