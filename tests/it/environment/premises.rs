//! A folder for the files of a Back End, and the database that goes with it: a SQLite file in that folder, or a database
//! of its own on PostgreSQL when the whole run is asked for on it (`HBE_IT_DATABASE=postgres`). Both outlive the Back Ends
//! started on them and go with the test.

use std::path::Path;

use health_back_end::db::Database;

use super::postgres::TestDatabase;

/// The file that tells programs started on a folder which database goes with it.
const NOTE: &str = "database-url";

pub struct Premises {
    folder: tempfile::TempDir,
    _place: Option<TestDatabase>,
}

/// Whether this run is asked for on PostgreSQL.
pub fn on_postgres() -> bool {
    std::env::var("HBE_IT_DATABASE").as_deref() == Ok("postgres")
}

impl Premises {
    /// Fails when PostgreSQL is asked for and not there.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = match on_postgres() {
            true => Some(TestDatabase::create().await.expect("PostgreSQL was asked for and switched off")),
            false => None,
        };
        if let Some(place) = &place {
            std::fs::write(folder.path().join(NOTE), place.url()).unwrap();
        }
        Self { folder, _place: place }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The database of a house that is put together in the test.
    pub fn url(&self) -> String {
        let file = self.path().join("house.db");
        noted(self.path()).unwrap_or_else(|| format!("sqlite://{}?mode=rwc", file.display()))
    }

    pub async fn database(&self) -> Database {
        let connections = if on_postgres() { 8 } else { 4 };
        Database::connect(&self.url(), connections).await.unwrap()
    }
}

fn noted(folder: &Path) -> Option<String> {
    std::fs::read_to_string(folder.join(NOTE)).ok()
}

/// The database of `hbe` with its files in `data` below a folder.
pub fn database_url(folder: &Path) -> String {
    noted(folder).unwrap_or_else(|| format!("sqlite://{}", folder.join("data/hbe.db").display()))
}

/// What `hbe` is told by its environment. A test starts one Back End after the other, so none has to leave to another
/// what the one before it began.
pub fn environment(folder: &Path) -> Vec<(&'static str, String)> {
    let Some(url) = noted(folder) else { return Vec::new() };
    vec![("HBE_DATABASE_URL", url), ("HBE_SOLE_INSTANCE", "true".to_owned())]
}
