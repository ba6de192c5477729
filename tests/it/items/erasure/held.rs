//! Everything that is held somewhere, piece by piece, and searching it.

use std::{fs, path::Path};

use alloy::providers::{DynProvider, Provider};
use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Row};

use super::identifiers::Identifier;

/// A piece of what is held, and where it lies.
pub struct Held {
    pub place: String,
    /// One character for each byte, because searching texts is fast.
    text: String,
}

impl Held {
    fn new(place: String, bytes: &[u8]) -> Self {
        Self { place, text: latin(bytes) }
    }

    pub fn len(&self) -> usize {
        self.text.chars().count()
    }
}

fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// Where an identifier lies, and in which form.
pub fn find(held: &[Held], identifier: &Identifier) -> Vec<String> {
    let forms: Vec<_> = identifier.forms().into_iter().map(|(name, bytes)| (name, latin(&bytes))).collect();
    let places = held.iter().flat_map(|held| {
        let found = forms.iter().find(|(_, form)| held.text.contains(form));
        found.map(|(name, _)| format!("{} ({name})", held.place))
    });
    places.collect()
}

/// Everything a node tells of its chain: of every block the header, the transactions with their call data, the receipts
/// with topics and data of their logs, and what each transaction wrote: every slot of storage with every value it ever
/// had, and all code. Then the code and the storage as they are now, of every contract that was seen.
pub async fn on_chain(node: &DynProvider) -> Vec<Held> {
    let mut held = Vec::new();
    let head = node.get_block_number().await.unwrap();
    let mut written = Value::Null;
    for number in 0..=head {
        let tag = format!("{number:#x}");
        let block = ask(node, "eth_getBlockByNumber", json!([tag, true])).await;
        for (at, transaction) in block["transactions"].as_array().unwrap().iter().enumerate() {
            let how = json!({"tracer": "prestateTracer", "tracerConfig": {"diffMode": true}});
            let trace = ask(node, "debug_traceTransaction", json!([transaction["hash"], how])).await;
            take(&format!("block {number} transaction {at} wrote"), &trace, &mut held);
            merge(&mut written, &trace["post"]);
        }
        take(&format!("block {number}"), &block, &mut held);
        take(&format!("receipts of block {number}"), &ask(node, "eth_getBlockReceipts", json!([tag])).await, &mut held);
    }
    for (account, left) in written.as_object().into_iter().flatten() {
        let code = ask(node, "eth_getCode", json!([account, "latest"])).await;
        take(&format!("code of {account}"), &code, &mut held);
        for slot in left["storage"].as_object().into_iter().flatten().map(|(slot, _)| slot) {
            let value = ask(node, "eth_getStorageAt", json!([account, slot, "latest"])).await;
            take(&format!("storage of {account} at {slot}"), &value, &mut held);
        }
    }
    held
}

async fn ask(node: &DynProvider, method: &'static str, parameters: Value) -> Value {
    let answer: Value = node.raw_request(method.into(), parameters).await.unwrap();
    assert!(!answer.is_null(), "{method} gives nothing");
    answer
}

/// Every text in an answer, keys too; what is hex as the bytes it stands for.
fn take(place: &str, answer: &Value, held: &mut Vec<Held>) {
    match answer {
        Value::String(text) => held.push(Held::new(place.to_owned(), &bytes_of(text))),
        Value::Array(items) => items.iter().enumerate().for_each(|(n, item)| take(&format!("{place} {n}"), item, held)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            let place = format!("{place} {name}");
            held.push(Held::new(place.clone(), &bytes_of(name)));
            take(&place, value, held);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn bytes_of(text: &str) -> Vec<u8> {
    let hex = text.strip_prefix("0x").and_then(|digits| alloy::hex::decode(digits).ok());
    hex.unwrap_or_else(|| text.as_bytes().to_vec())
}

/// Later values over earlier ones, object by object: which accounts and slots there are is what counts.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            from.iter().for_each(|(name, value)| merge(into.entry(name).or_insert(Value::Null), value));
        }
        (into, from) => *into = from.clone(),
    }
}

/// Every file below a folder, whatever it is.
pub fn in_files(folder: &Path) -> Vec<Held> {
    let mut held = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => held.extend(in_files(&path)),
            false => held.push(Held::new(path.display().to_string(), &fs::read(&path).unwrap_or_default())),
        }
    }
    held
}

/// A connection to a PostgreSQL database, for what only it can tell.
pub async fn server(url: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    AnyConnection::connect(url).await.unwrap()
}

async fn texts(server: &mut AnyConnection, query: String) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(server).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(0)).collect()
}

async fn tables(server: &mut AnyConnection) -> Vec<String> {
    let query = "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = 'public'";
    texts(server, query.to_owned()).await
}

/// Every row of every table of a PostgreSQL database: what `pg_dump` would write.
pub async fn in_rows(server: &mut AnyConnection) -> Vec<Held> {
    let mut held = Vec::new();
    for table in tables(server).await {
        let rows = texts(server, format!("SELECT CAST(t AS TEXT) FROM {table} AS t")).await;
        held.extend(rows.iter().map(|row| Held::new(format!("a row of {table}"), row.as_bytes())));
    }
    held
}

/// The files of every table and of its index and overflow tables, as they lie on the server's disk: dead rows are in
/// them too.
pub async fn in_pages(server: &mut AnyConnection) -> Vec<Held> {
    sqlx::query("CHECKPOINT").execute(&mut *server).await.unwrap();
    let relations = texts(
        server,
        "SELECT CAST(c.relname AS TEXT) || ' ' || pg_relation_filepath(c.oid) FROM pg_class c
         JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('public', 'pg_toast') AND c.relkind IN ('r', 'i', 't')"
            .to_owned(),
    )
    .await;
    let mut held = Vec::new();
    for relation in relations {
        let (name, path) = relation.split_once(' ').unwrap();
        let pages = texts(server, format!("SELECT encode(pg_read_binary_file('{path}'), 'hex')")).await;
        held.push(Held::new(format!("pages of {name}"), &alloy::hex::decode(&pages[0]).unwrap()));
    }
    held
}
