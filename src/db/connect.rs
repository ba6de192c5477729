//! Opening the database, and the two ways in: reading and writing.

use std::{fmt, sync::Once, time::Duration};

use sqlx::{
    Any, AnyConnection, AnyPool, AssertSqlSafe, Connection, Executor, Transaction, any::AnyPoolOptions,
    migrate::Migrator,
};

use super::{DbError, Result};

/// Schema changes, only forward; both databases run the same text.
///
/// Run by `run_direct`, hidden in sqlx's documentation but public: the future of `run` cannot be sent between threads.
static MIGRATIONS: Migrator = sqlx::migrate!("src/db/migrations");

/// How long a statement of ours waits for a writer in another process.
const SQLITE_BUSY_MILLISECONDS: u32 = 20_000;
/// How long a caller waits for a connection before the answer is "unavailable".
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a transaction that PostgreSQL gave up is run again.
const MOST_ATTEMPTS: u32 = 8;

/// Which database answers; the few differences are decided by it, here only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One file on this machine.
    Sqlite,
    /// A server.
    Postgres,
}

impl Kind {
    fn of(url: &str) -> Result<Self> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            // Each connection would see a database of its own.
            Some("sqlite") if url.contains(":memory:") || url.contains("mode=memory") => {
                Err(DbError::Url("an SQLite database in memory cannot be shared by connections; name a file".into()))
            }
            Some("sqlite") => Ok(Self::Sqlite),
            Some("postgres" | "postgresql") => Ok(Self::Postgres),
            // The URL may hold a password, so only its scheme is repeated.
            scheme => Err(DbError::Url(format!(
                "the scheme must be sqlite or postgres, not `{}`",
                scheme.unwrap_or_default().chars().take(20).collect::<String>()
            ))),
        }
    }

    fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }
}

/// A handle on the database; cheap to clone.
#[derive(Clone)]
pub struct Database {
    pub(super) kind: Kind,
    /// Connections for queries.
    pub(super) readers: AnyPool,
    /// Connections for statements that change rows: one with SQLite, the same pool as `readers` with PostgreSQL.
    pub(super) writers: AnyPool,
}

impl fmt::Debug for Database {
    // The pools know the URL, and the URL may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Database {
    /// Opens `sqlite://path?mode=rwc` or `postgres://…` with at most `max_connections` connections and brings the
    /// schema up to date. Several may do so at once.
    ///
    /// # Errors
    /// [`DbError::Url`] for another kind of URL, [`DbError::Migrate`] when the schema cannot be brought up to date (a
    /// database written by a newer program, for instance), [`DbError::Unavailable`] when nobody answers.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        match Kind::of(url)? {
            Kind::Sqlite => Self::connect_sqlite(url, max_connections.max(1)).await,
            Kind::Postgres => Self::connect_postgres(url, max_connections.max(1)).await,
        }
    }

    async fn connect_sqlite(url: &str, most: u32) -> Result<Self> {
        let writers = sqlite_pool(url, 1, false).await?;
        // The migrator takes no lock on SQLite; inside this transaction its own become savepoints.
        let mut tx = writers.begin_with(Kind::Sqlite.begin()).await?;
        MIGRATIONS.run_direct(None, &mut *tx, false).await?;
        tx.commit().await?;
        Ok(Self { kind: Kind::Sqlite, readers: sqlite_pool(url, most, true).await?, writers })
    }

    async fn connect_postgres(url: &str, most: u32) -> Result<Self> {
        let pool = AnyPoolOptions::new().max_connections(most).acquire_timeout(ACQUIRE_TIMEOUT).connect(url).await?;
        // Here the migrator takes an advisory lock.
        MIGRATIONS.run_direct(None, &mut *pool.acquire().await?, false).await?;
        Ok(Self { kind: Kind::Postgres, readers: pool.clone(), writers: pool })
    }

    /// Whether the database answers, reading and writing side.
    ///
    /// # Errors
    /// [`DbError::Unavailable`] when it does not.
    pub async fn ping(&self) -> Result<()> {
        self.readers.acquire().await?.ping().await?;
        if self.kind == Kind::Sqlite {
            self.writers.acquire().await?.ping().await?;
        }
        Ok(())
    }

    /// Waits for running statements and closes every connection.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }

    /// A transaction that may change rows. Dropped without `commit`, it never happened.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Any>> {
        Ok(self.writers.begin_with(self.kind.begin()).await?)
    }

    /// Runs a whole transaction, again when the database gave it up for the sake of another.
    pub(super) async fn retried<T, F: Future<Output = Result<T>>>(&self, mut attempt: impl FnMut() -> F) -> Result<T> {
        let mut attempts = 1;
        loop {
            match attempt().await {
                Err(error) if error.is_given_up() && attempts < MOST_ATTEMPTS => attempts += 1,
                result => return result,
            }
        }
    }
}

/// SQLite connections never expire: a new one would have to be set up again, and none goes stale.
async fn sqlite_pool(url: &str, most: u32, read_only: bool) -> Result<AnyPool> {
    let pool = AnyPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .max_lifetime(None)
        .idle_timeout(None)
        .test_before_acquire(false)
        .after_connect(move |connection, _| Box::pin(set_up_sqlite(connection, read_only)))
        .connect(url)
        .await?;
    Ok(pool)
}

async fn set_up_sqlite(connection: &mut AnyConnection, read_only: bool) -> sqlx::Result<()> {
    let wait = format!("PRAGMA busy_timeout = {SQLITE_BUSY_MILLISECONDS}");
    connection.execute(AssertSqlSafe(wait)).await?;
    connection.execute("PRAGMA foreign_keys = ON").await?;
    if read_only {
        connection.execute("PRAGMA query_only = ON").await?;
    } else {
        connection.execute("PRAGMA journal_mode = WAL").await?;
        connection.execute("PRAGMA synchronous = FULL").await?;
        // What is erased is overwritten, and not only forgotten.
        connection.execute("PRAGMA secure_delete = ON").await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::Row;

    use super::*;

    #[tokio::test]
    async fn sqlite_is_set_up_for_durable_writes_and_harmless_reads() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("hbe.sqlite").display());
        let database = Database::connect(&url, 2).await.unwrap();
        let pragma = async |pool: &AnyPool, name: &'static str| -> i64 { pool.fetch_one(name).await.unwrap().get(0) };
        assert_eq!(pragma(&database.writers, "PRAGMA synchronous").await, 2, "FULL");
        assert_eq!(pragma(&database.writers, "PRAGMA foreign_keys").await, 1);
        assert_eq!(pragma(&database.writers, "PRAGMA busy_timeout").await, i64::from(SQLITE_BUSY_MILLISECONDS));
        assert_eq!(pragma(&database.readers, "PRAGMA busy_timeout").await, i64::from(SQLITE_BUSY_MILLISECONDS));
        assert!(sqlx::query("DELETE FROM users").execute(&database.readers).await.is_err());
        assert!(sqlx::query("DELETE FROM users").execute(&database.writers).await.is_ok());
    }

    #[tokio::test]
    async fn a_transaction_that_is_dropped_never_happened() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("hbe.sqlite").display());
        let database = Database::connect(&url, 2).await.unwrap();
        let mut tx = database.begin().await.unwrap();
        sqlx::query("UPDATE counters SET value = 7").execute(&mut *tx).await.unwrap();
        drop(tx);
        assert_eq!(database.last_notice_seq().await.unwrap(), 0);
        assert_eq!(database.insert_notices(&[]).await.unwrap(), 0);
    }
}
