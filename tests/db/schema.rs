//! What the schema promises: constraints with names, rows that cannot lie quietly, queries served by indexes, and a
//! database that is opened properly or not at all.

use std::{collections::BTreeSet, path::Path};

use futures_util::TryStreamExt;
use health_back_end::db::{Database, DbError, Unique};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, Row};

use crate::fixture::{
    Place, answer, item, licence, new_item, new_licence, new_operation, new_user, operation_id, stored_item, user,
};

on_both!(
    it_is_opened_again_as_it_was,
    a_database_of_a_newer_program_is_left_alone,
    every_unique_constraint_has_its_error,
    a_row_that_cannot_be_read_says_where,
    a_row_that_lies_is_refused,
    a_nul_is_refused_on_both,
    no_query_walks_through_a_whole_table,
    many_writers_and_readers_do_not_disturb_each_other,
);

async fn it_is_opened_again_as_it_was(db: &Place) {
    db.insert_user(&new_user(1)).await.unwrap();
    db.ping().await.unwrap();
    let again = db.other_instance().await;
    assert_eq!(again.find_user(user(1)).await.unwrap(), db.find_user(user(1)).await.unwrap());
    again.close().await;
    assert!(matches!(again.ping().await, Err(DbError::Unavailable(_))));
    assert!(matches!(again.insert_user(&new_user(2)).await, Err(DbError::Unavailable(_))));
    db.ping().await.unwrap();
}

async fn a_database_of_a_newer_program_is_left_alone(db: &Place) {
    let mut raw = db.raw().await;
    raw.execute(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         SELECT 9999, description, success, checksum, execution_time FROM _sqlx_migrations WHERE version = 1",
    )
    .await
    .unwrap();
    assert!(matches!(Database::connect(&db.url, 2).await, Err(DbError::Migrate(_))));
}

async fn every_unique_constraint_has_its_error(db: &Place) {
    let known: BTreeSet<_> = Unique::ALL.iter().map(|(_, name, _)| (*name).to_owned()).collect();
    let mut raw = db.raw().await;
    if db.url.starts_with("sqlite") {
        let rows = raw.fetch_all("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").await.unwrap();
        let schema: String = rows.iter().map(|row| row.get::<String, _>(0)).collect();
        for (unique, name, columns) in Unique::ALL {
            assert_eq!(unique.name(), *name);
            let columns: Vec<_> = columns.split(", ").map(|column| column.rsplit_once('.').unwrap().1).collect();
            let columns = columns.join(", ");
            let declared = schema.lines().any(|line| line.contains(*name) && line.contains(&format!("({columns})")));
            assert!(declared, "{name} ({columns})");
        }
        return;
    }
    let rows = raw
        .fetch_all(
            "SELECT i.relname::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
             JOIN pg_namespace n ON n.oid = i.relnamespace
             WHERE x.indisunique AND n.nspname = 'public'
                 AND i.relname NOT IN ('_sqlx_migrations_pkey', 'counters_pk')",
        )
        .await
        .unwrap();
    assert_eq!(rows.iter().map(|row| row.get::<String, _>(0)).collect::<BTreeSet<_>>(), known);
}

fn assert_corrupt<T: std::fmt::Debug>(result: Result<T, DbError>, place: &str, named: &str) {
    match result {
        Err(DbError::Corrupt { table, column, key, .. }) => {
            assert_eq!((format!("{table}.{column}").as_str(), key.as_str()), (place, named));
        }
        other => panic!("{place}: {other:?}"),
    }
}

async fn damage(raw: &mut AnyConnection, statement: &str) {
    raw.execute(AssertSqlSafe(statement)).await.unwrap();
}

async fn a_row_that_cannot_be_read_says_where(db: &Place) {
    stored_item(db, 1, 1).await;
    db.insert_model_licence(&new_licence(100, item(1), 0)).await.unwrap();
    db.insert_operation(&new_operation(1, 1, 2, 1)).await.unwrap();
    let permitted = health_back_end::domain::verdict::Verdict::PERMITTED;
    db.answer_operation(operation_id(1), &answer(permitted), 30).await.unwrap().required().unwrap();
    let mut raw = db.raw().await;

    damage(&mut raw, "UPDATE users SET requested_class = 'Wizard'").await;
    assert_corrupt(db.find_user(user(1)).await, "users.requested_class", &user(1).to_string());

    damage(&mut raw, "UPDATE model_licences SET sequence = -1").await;
    assert_corrupt(
        db.find_model_licence(licence(100)).await,
        "model_licences.sequence",
        &format!("{:#x}", licence(100)),
    );

    for (column, value) in
        [("verdict", "4611686018427387904"), ("verdict", "2048"), ("block_hash", "'0x12'"), ("tx_hash", "NULL")]
    {
        damage(&mut raw, "UPDATE operations SET state = 'denied', verdict = 1").await;
        damage(&mut raw, &format!("UPDATE operations SET {column} = {value}")).await;
        let place = format!("operations.{column}");
        assert_corrupt(db.find_operation(operation_id(1)).await, &place, &operation_id(1).to_string());
    }

    for (column, value) in [
        ("qualifier", "'{'"),
        ("hash", "'0x12'"),
        ("status", "'identified'"),
        ("plain_length", "-1"),
        ("root_id", "'urn:uuid:1'"),
    ] {
        let kept = match column {
            "plain_length" => "1".to_owned(),
            "qualifier" => "'{}'".to_owned(),
            "hash" => format!("'{:#x}'", item(1).hash()),
            "status" => "'Identified'".to_owned(),
            _ => format!("'{}'", item(1)),
        };
        damage(&mut raw, &format!("UPDATE data_items SET {column} = {value}")).await;
        let place = format!("data_items.{column}");
        assert_corrupt(db.find_data_item(item(1)).await, &place, &item(1).to_string());
        assert_corrupt(db.list_data_items(user(1), None, 9).await, &place, &item(1).to_string());
        damage(&mut raw, &format!("UPDATE data_items SET {column} = {kept}")).await;
    }
    db.find_data_item(item(1)).await.unwrap();
}

async fn a_row_that_lies_is_refused(db: &Place) {
    stored_item(db, 1, 1).await;
    db.insert_operation(&new_operation(1, 1, 2, 1)).await.unwrap();
    let mut raw = db.raw().await;
    for lie in [
        "UPDATE users SET standing = 'active'",
        "UPDATE users SET standing = 'friend'",
        "UPDATE data_items SET item_key_wrapped = NULL",
        "UPDATE data_items SET state = 'erased'",
        "UPDATE data_items SET licence = NULL",
        "UPDATE operations SET state = 'running'",
        "UPDATE operations SET state = 'done', verdict = 1",
        "UPDATE operations SET state = 'denied', verdict = 0",
        "UPDATE operations SET progress = 1.5",
        "UPDATE data_items SET owner = 'nobody'",
        "DELETE FROM users",
    ] {
        let refused = raw.execute(AssertSqlSafe(lie)).await.map(|_| ()).map_err(DbError::from);
        assert!(matches!(refused, Err(DbError::Rule(_) | DbError::Unrelated(_))), "{lie}: {refused:?}");
    }
}

async fn a_nul_is_refused_on_both(db: &Place) {
    stored_item(db, 1, 1).await;
    let mut described = new_item(2, 1);
    described.descr_metadata = Some("a\0b".into());
    assert!(matches!(db.insert_data_item(&described).await, Err(DbError::Nul("descr_metadata"))));
    let mut operation = new_operation(1, 1, 2, 1);
    operation.message_id = Some("\0".into());
    assert!(matches!(db.insert_operation(&operation).await, Err(DbError::Nul("message_id"))));
    assert_eq!(db.find_operation_by_message(user(2), "\0").await.unwrap(), None);
    assert_eq!(db.take_challenge("\0", 1).await.unwrap(), None);
    assert_eq!(db.find_token("\0").await.unwrap(), None);
    assert!(!db.revoke_token("\0", user(1), 1).await.unwrap());
    // Inside JSON it is an escape and comes back as it was.
    operation.message_id = None;
    operation.parameters = serde_json::json!({"a\0": "\0"});
    db.insert_operation(&operation).await.unwrap();
    assert_eq!(db.find_operation(operation.id).await.unwrap().unwrap().parameters, operation.parameters);
}

/// Every SQL text of the adapter that looks for rows, read from its sources.
fn queries() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/db");
    let mut queries = Vec::new();
    // A macro that another file uses as well has a name of its own; its file comes first in the alphabet's reverse.
    let mut shared = std::collections::HashMap::new();
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    paths.sort();
    for path in paths.into_iter().rev() {
        let source = std::fs::read_to_string(path).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap();
        let mut heads = shared.clone();
        // Odd pieces between quotation marks are texts: SQL holds no quotation marks, nor do these files other ones
        // that matter here.
        let pieces: Vec<_> = source.split('"').collect();
        for pair in pieces.chunks_exact(2) {
            let (before, text) = (pair[0].trim_end(), pair[1].replace("\\\n", " ").replace("{}", "$6, $7"));
            let word = before.trim_end_matches("!(").rsplit(|c: char| !c.is_alphanumeric() && c != '_').next();
            let called = word.unwrap_or_default().to_owned();
            if before.ends_with("concat!(") {
                let name = source[..source.find(pair[1]).unwrap()].rsplit("macro_rules! ").next().unwrap();
                let name = name.split_whitespace().next().unwrap().to_owned();
                if name != "select" {
                    shared.insert(name.clone(), text.clone());
                }
                heads.insert(name, text);
            } else if before.ends_with("!(") && called.starts_with("select") {
                let head = heads.get(&called).unwrap_or_else(|| panic!("no macro {called} before {text}"));
                queries.push(format!("{head}{text}"));
            } else if ["SELECT ", "UPDATE ", "DELETE "].iter().any(|verb| text.starts_with(verb)) {
                queries.push(text);
            }
        }
    }
    queries
}

/// Tables of one row each, by their nature.
const SINGLE_ROWS: [&str; 2] = ["chain_cursor", "counters"];

async fn no_query_walks_through_a_whole_table(db: &Place) {
    let queries = queries();
    assert!(queries.len() > 70, "only {} queries were found in the sources", queries.len());
    let mut raw = db.raw().await;
    let sqlite = db.url.starts_with("sqlite");
    if !sqlite {
        // With empty tables every index looks expensive; what remains of walking then has no index.
        raw.execute("SET enable_seqscan = off").await.unwrap();
    }
    for query in queries {
        let explain = if sqlite { "EXPLAIN QUERY PLAN" } else { "EXPLAIN (GENERIC_PLAN)" };
        let column = if sqlite { 3 } else { 0 };
        let rows: Vec<_> = raw
            .fetch(AssertSqlSafe(format!("{explain} {query}")))
            .try_collect()
            .await
            .unwrap_or_else(|e| panic!("{query}: {e}"));
        for row in rows {
            let step: String = row.get(column);
            let walks = step.starts_with("SCAN ") && !step.contains("VIRTUAL") || step.contains("Seq Scan");
            let single = SINGLE_ROWS.iter().any(|table| step.contains(table));
            assert!(!walks || single, "{query}\n walks: {step}");
        }
    }
}

async fn many_writers_and_readers_do_not_disturb_each_other(db: &Place) {
    const EACH: u8 = 12;
    let other = db.other_instance().await;
    db.insert_user(&new_user(1)).await.unwrap();
    let tasks: Vec<_> = (0..8_u8)
        .map(|task| {
            let db = if task % 2 == 0 { db.handle() } else { other.clone() };
            tokio::spawn(async move {
                for n in 0..EACH {
                    let number = u128::from(task) * 100 + u128::from(n) + 1;
                    db.insert_data_item(&new_item(number, 1)).await.unwrap();
                    db.take_challenge("none", 1).await.unwrap();
                    let names: Vec<String> = db.object_names().try_collect().await.unwrap();
                    assert!(!names.is_empty());
                    db.remove_data_item(item(number)).await.unwrap().required().unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(db.list_data_items(user(1), None, 9).await.unwrap().rows, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_may_open_a_new_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let url = format!("sqlite://{}?mode=rwc", folder.path().join(format!("{round}.sqlite")).display());
        let openers: Vec<_> = (0..6)
            .map(|_| {
                let url = url.clone();
                tokio::spawn(async move { Database::connect(&url, 2).await })
            })
            .collect();
        for opener in openers {
            opener.await.unwrap().unwrap().ping().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_may_open_a_new_postgresql_database_at_once() {
    let Some(database) = crate::postgres::TestDatabase::create().await else { return };
    let openers: Vec<_> = (0..6)
        .map(|_| {
            let url = database.url();
            tokio::spawn(async move { Database::connect(&url, 2).await })
        })
        .collect();
    for opener in openers {
        opener.await.unwrap().unwrap().ping().await.unwrap();
    }
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("postgres://hbe:secret@localhost/x?host={}", folder.path().display());
    let refused = Database::connect(&url, 1).await;
    assert!(matches!(refused, Err(DbError::Unavailable(_))), "{refused:?}");
    assert!(!refused.unwrap_err().to_string().contains("secret"));
}

#[tokio::test]
async fn an_unusable_url_is_refused() {
    for url in ["", "mysql://localhost/x", "hbe.sqlite", "sqlite::memory:", "sqlite://x?mode=memory"] {
        let refused = Database::connect(url, 1).await;
        assert!(matches!(refused, Err(DbError::Url(_))), "{url}: {refused:?}");
    }
    let secret = Database::connect("mongodb://user:secret@host/x", 1).await.unwrap_err().to_string();
    assert!(!secret.contains("secret"), "{secret}");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_made_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rw", folder.path().join("none.sqlite").display());
    assert!(Database::connect(&url, 1).await.is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_was_acknowledged_is_in_the_file() {
    let place = Place::sqlite().await;
    place.insert_user(&new_user(1)).await.unwrap();
    // A reader of the bare files, while the writer is still open and has closed nothing.
    let mut raw = place.raw().await;
    let mode: String = raw.fetch_one("PRAGMA journal_mode").await.unwrap().get(0);
    assert_eq!(mode, "wal");
    let count: i64 = raw.fetch_one("SELECT COUNT(*) FROM users").await.unwrap().get(0);
    assert_eq!(count, 1);
    raw.close().await.unwrap();
}

/// Handlers and tasks move between threads, so must what they wait for.
#[allow(dead_code, reason = "that it compiles is the test")]
fn futures_can_be_sent(db: &'static Database, batch: &'static health_back_end::db::chain_blocks::ChainBatch) {
    use alloy::primitives::{Address, B256};
    use health_back_end::db::chain_blocks::{BlockRef, ChainKey};

    fn send<T: Send>(_: T) {}
    let key = ChainKey { chain_id: 1, registry: Address::ZERO };
    let block = BlockRef { number: 1, hash: B256::ZERO };
    send(Database::connect("", 1));
    send(db.append_chain(key, Some(block), batch));
    send(db.roll_back_chain(key, block, None, &[]));
    send(db.mark_model_licence_issued(licence(1), 1));
    send(db.mark_transaction_mined(B256::ZERO, 1));
    send(db.remove_data_item(item(1)));
    send(db.object_names());
    send(db.events());
}
