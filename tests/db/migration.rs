//! A database of an older program is brought up to date with everything that stood in it.

use std::path::Path;

use alloy::primitives::Address;
use health_back_end::db::{Database, federated_rounds::RoundState, models::StoredFormat};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, migrate::Migrator};
use uuid::Uuid;

/// The migrations below a number, as an older program had them.
async fn as_it_was(url: &str, below: u32) -> AnyConnection {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(Path::new("src/db/migrations")).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        if name[..4].parse::<u32>().unwrap() < below {
            std::fs::copy(&file, folder.path().join(name)).unwrap();
        }
    }
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    let migrator = Migrator::new(folder.path().to_owned()).await.unwrap();
    migrator.run_direct(None, &mut connection, false).await.unwrap();
    connection
}

/// Before 0052 the Store knew no scoring files; its table of models, and those that refer to it, are made anew.
async fn models_and_rounds_are_there_after_0052(url: &str) {
    let mut old = as_it_was(url, 52).await;
    let (model, round) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let signer = format!("eip155:31337:{}", Address::repeat_byte(9));
    let digest = "ab".repeat(32);
    for statement in [
        format!(
            "INSERT INTO models VALUES ('{model}', 'beats', 1, 'ONNX', '0x{digest}', 5, 'null', 0, '{model}', NULL, NULL,
                NULL, NULL, '[]', '{signer}', '0x01', 7)"
        ),
        format!("INSERT INTO evaluation_sets VALUES ('{model}', '0x{digest}', 5, 4, 8)"),
        format!(
            "INSERT INTO federated_rounds VALUES ('{round}', '{model}', 1, '{model}', NULL, 1, 2, 5000, 'Median',
                'Research', '{{}}', 'open', 0.5, NULL, NULL, NULL, NULL, '{signer}', 10, 11)"
        ),
        format!(
            "INSERT INTO federated_answers VALUES ('{round}', '{signer}', '0x{digest}', '{{}}', 3, '[]', 'null', '0x09',
                'received', NULL, 20)"
        ),
        format!("INSERT INTO federated_refusals VALUES ('{model}', '{round}', '{signer}', 'why', 21)"),
    ] {
        old.execute(AssertSqlSafe(statement)).await.unwrap();
    }
    old.close().await.unwrap();
    let database = Database::connect(url, 2).await.unwrap();
    let row = database.find_model(model).await.unwrap().unwrap();
    assert_eq!((row.format, row.length, row.created_at_us), (StoredFormat::Onnx, 5, 7));
    assert_eq!(database.find_evaluation_set(model).await.unwrap().unwrap().examples, 4);
    let found = database.find_round(round).await.unwrap().unwrap();
    assert_eq!((found.state, found.rho, found.base_model), (RoundState::Open, 0.5, model));
    assert_eq!(database.list_answers(round).await.unwrap()[0].samples, 3);
    let mut weights = row;
    (weights.id, weights.lineage) = (Uuid::from_u128(3), Uuid::from_u128(3));
    weights.format = StoredFormat::ScoringFile;
    database.insert_model(&weights).await.unwrap();
    assert_eq!(database.find_model(weights.id).await.unwrap(), Some(weights));
    database.close().await;
}

#[tokio::test]
async fn a_file_of_an_older_program_keeps_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("old.sqlite").display());
    models_and_rounds_are_there_after_0052(&url).await;
}

#[tokio::test]
async fn a_postgresql_database_of_an_older_program_keeps_its_rows() {
    let Some(database) = crate::postgres::TestDatabase::create().await else { return };
    models_and_rounds_are_there_after_0052(&database.url()).await;
}
