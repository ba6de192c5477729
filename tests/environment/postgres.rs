//! PostgreSQL for tests: one server, a fresh database for each test.
//!
//! | `HBE_TEST_POSTGRES_URL` | `HBE_TEST_POSTGRES` | Then |
//! | --- | --- | --- |
//! | a URL | | databases are made on that server (`scripts/postgres run …` sets it for a whole run) |
//! | | `off` | the PostgreSQL half of the tests is skipped, and says so |
//! | | | the first test of the process starts a server by `scripts/postgres serve`, which ends with the process |
//!
//! Without binaries the tests fail: half a suite that passes silently is worth less than one that fails.
//! The tests that use it include it: `#[path = "environment/postgres.rs"] mod postgres;`

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};
use uuid::Uuid;

/// A database of one test; removed when dropped.
pub struct TestDatabase {
    server: String,
    name: String,
}

impl TestDatabase {
    /// A fresh database, or `None` when `HBE_TEST_POSTGRES=off`.
    pub async fn create() -> Option<Self> {
        if std::env::var("HBE_TEST_POSTGRES").is_ok_and(|word| word == "off") {
            eprintln!("SKIPPED: nothing was tested on PostgreSQL (HBE_TEST_POSTGRES=off)");
            return None;
        }
        sqlx::any::install_default_drivers();
        let server = match std::env::var("HBE_TEST_POSTGRES_URL") {
            Ok(url) => url,
            Err(_) => own_server().to_owned(),
        };
        let name = format!("hbe_{}", Uuid::new_v4().simple());
        execute(&server, format!("CREATE DATABASE {name}")).await;
        Some(Self { server, name })
    }

    /// Where the program connects to.
    pub fn url(&self) -> String {
        let (head, query) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let (authority, _) = head.rsplit_once('/').expect("the server's URL names a database");
        format!("{authority}/{}?{query}", self.name)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, drop) = (self.server.clone(), format!("DROP DATABASE {} WITH (FORCE)", self.name));
        // A runtime cannot wait inside another one, so this one has its own thread.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(execute(&server, drop));
        });
        if thread.join().is_err() && !std::thread::panicking() {
            panic!("the database {} could not be removed", self.name);
        }
    }
}

async fn execute(server: &str, statement: String) {
    let mut connection = AnyConnection::connect(server).await.expect("the PostgreSQL server answers");
    connection.execute(AssertSqlSafe(statement)).await.expect("the PostgreSQL server obeys");
    connection.close().await.expect("the connection closes");
}

/// The server of this process. It serves as long as it can read from us, and goes when we are gone, however we went.
fn own_server() -> &'static str {
    static SERVER: OnceLock<(Child, String)> = OnceLock::new();
    let (_, url) = SERVER.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres");
        let mut server = Command::new(script)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A process group of its own: what kills the test's group must leave it time to clean up.
            .process_group(0)
            .spawn()
            .expect("scripts/postgres can be run");
        let mut url = String::new();
        let output = server.stdout.take().expect("its output is piped");
        BufReader::new(output).read_line(&mut url).expect("its output can be read");
        let url = url.trim().to_owned();
        if !url.starts_with("postgres://") {
            let mut words = String::new();
            let _ = server.stderr.take().map(|mut stderr| stderr.read_to_string(&mut words));
            panic!(
                "PostgreSQL did not start. Run `npm ci`, or set HBE_TEST_POSTGRES=off to test SQLite only.\n{words}"
            );
        }
        (server, url)
    });
    url
}
