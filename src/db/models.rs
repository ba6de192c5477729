//! `models` and `evaluation_sets`: what the MPAI Store holds, apart from the files. Append-only.

use alloy::primitives::{B256, Bytes};
use serde_json::{Value, json};
use sqlx::{AnyConnection, any::AnyRow};
use uuid::Uuid;

use super::{
    Cursor, Database, Page, Result,
    columns::{Columns, Hex, bigint, exactly_one, storable},
    page::fetch_limit,
    state::{State as _, states},
};
use crate::domain::ids::{LicenceId, UserId};

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT model_id, name, version, format, digest, byte_length, layout, parameter_count, lineage, \
             parent_id, round_id, round_number, sample_count, licences, signer, signature, created_at_us \
             FROM models ",
            $tail
        )
    };
}

states! {
    /// Format of a file.
    StoredFormat in "models" {
        /// Tensors by name.
        Safetensors = "safetensors",
        /// A graph for other runtimes.
        Onnx = "ONNX",
        /// Weights of a polygenic score.
        ScoringFile = "PGSCatalog",
    }
}

/// A row of `models`.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRow {
    /// Its ID.
    pub id: Uuid,
    /// For people.
    pub name: String,
    /// Place in its lineage, from 1.
    pub version: u32,
    /// Format.
    pub format: StoredFormat,
    /// SHA-256 of its bytes.
    pub digest: B256,
    /// Bytes.
    pub length: u64,
    /// What stands in it: of safetensors the names, shapes and places of its tensors; of a scoring file what its head
    /// says; `null` for ONNX.
    pub layout: Value,
    /// Numbers in its tensors; rows of a scoring file.
    pub parameter_count: u64,
    /// Model it all began with.
    pub lineage: Uuid,
    /// Model it was trained from.
    pub parent: Option<Uuid>,
    /// Round that made it.
    pub round: Option<Uuid>,
    /// Number of that round.
    pub round_number: Option<u32>,
    /// Samples of that round.
    pub sample_count: Option<u64>,
    /// Licences of all data behind it, parents included.
    pub licences: Vec<LicenceId>,
    /// Account of the OPERATOR that signed it.
    pub signer: UserId,
    /// Its signature.
    pub signature: Bytes,
    /// Microseconds since 1970.
    pub created_at_us: i64,
}

/// A row of `evaluation_sets`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationSetRow {
    /// Models it judges.
    pub lineage: Uuid,
    /// SHA-256 of its bytes.
    pub digest: B256,
    /// Bytes.
    pub length: u64,
    /// Labelled windows in it.
    pub examples: u64,
    /// Microseconds since 1970.
    pub created_at_us: i64,
}

impl ModelRow {
    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "models", "model_id");
        let number = |column| -> Result<Option<u32>> {
            let value = columns.optional_unsigned(column)?.map(u32::try_from).transpose();
            value.map_err(|error| columns.corrupt(column, error))
        };
        let licences = serde_json::from_value(columns.json("licences")?);
        Ok(Self {
            id: columns.parsed("model_id")?,
            name: columns.text("name")?,
            version: number("version")?.unwrap_or_default(),
            format: columns.state("format")?,
            digest: columns.parsed("digest")?,
            length: columns.unsigned("byte_length")?,
            layout: columns.json("layout")?,
            parameter_count: columns.unsigned("parameter_count")?,
            lineage: columns.parsed("lineage")?,
            parent: columns.optional_parsed("parent_id")?,
            round: columns.optional_parsed("round_id")?,
            round_number: number("round_number")?,
            sample_count: columns.optional_unsigned("sample_count")?,
            licences: licences.map_err(|error| columns.corrupt("licences", error))?,
            signer: columns.parsed("signer")?,
            signature: columns.parsed("signature")?,
            created_at_us: columns.integer("created_at_us")?,
        })
    }
}

impl Database {
    /// Adds a model.
    ///
    /// # Errors
    /// [`super::DbError::Taken`] for an ID, or a version of its lineage, that is there already.
    pub async fn insert_model(&self, model: &ModelRow) -> Result<()> {
        let mut tx = self.begin().await?;
        add_model(&mut tx, model).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The model with this ID.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_model(&self, id: Uuid) -> Result<Option<ModelRow>> {
        let row =
            sqlx::query(select!("WHERE model_id = $1")).bind(id.to_string()).fetch_optional(&self.readers).await?;
        row.as_ref().map(ModelRow::read).transpose()
    }

    /// The newest version of a lineage in a format.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_newest_model(&self, lineage: Uuid, format: StoredFormat) -> Result<Option<ModelRow>> {
        let row = sqlx::query(select!("WHERE lineage = $1 AND format = $2 ORDER BY version DESC LIMIT 1"))
            .bind(lineage.to_string())
            .bind(format.word())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(ModelRow::read).transpose()
    }

    /// The models, newest first.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_models(&self, after: Option<&Cursor>, limit: u32) -> Result<Page<ModelRow>> {
        let after = Cursor::highest(after);
        let rows = sqlx::query(select!(
            "WHERE (created_at_us, model_id) < ($1, $2) ORDER BY created_at_us DESC, model_id DESC LIMIT $3"
        ))
        .bind(after.at)
        .bind(after.key)
        .bind(fetch_limit(limit))
        .fetch_all(&self.readers)
        .await?;
        let rows = rows.iter().map(ModelRow::read).collect::<Result<Vec<_>>>()?;
        Ok(Page::of(rows, limit, |model| Cursor::new(model.created_at_us, model.id.to_string())))
    }

    /// Adds the held-out data of a lineage.
    ///
    /// # Errors
    /// [`super::DbError::Taken`] when it has some, [`super::DbError::Unrelated`] when there is no such model.
    pub async fn insert_evaluation_set(&self, set: &EvaluationSetRow) -> Result<()> {
        let result = sqlx::query(
            "INSERT INTO evaluation_sets (lineage, digest, byte_length, example_count, created_at_us)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(set.lineage.to_string())
        .bind(set.digest.hex())
        .bind(bigint("byte_length", set.length)?)
        .bind(bigint("example_count", set.examples)?)
        .bind(set.created_at_us)
        .execute(&self.writers)
        .await?;
        exactly_one("evaluation_sets", result.rows_affected())
    }

    /// The held-out data of a lineage.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_evaluation_set(&self, lineage: Uuid) -> Result<Option<EvaluationSetRow>> {
        let row = sqlx::query(
            "SELECT lineage, digest, byte_length, example_count, created_at_us FROM evaluation_sets WHERE lineage = $1",
        )
        .bind(lineage.to_string())
        .fetch_optional(&self.readers)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let columns = Columns::new(&row, "evaluation_sets", "lineage");
        Ok(Some(EvaluationSetRow {
            lineage: columns.parsed("lineage")?,
            digest: columns.parsed("digest")?,
            length: columns.unsigned("byte_length")?,
            examples: columns.unsigned("example_count")?,
            created_at_us: columns.integer("created_at_us")?,
        }))
    }

    /// Whether a file belongs to a model, to held-out data, or to an answer of a round that has not ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_model_file_in_use(&self, digest: B256) -> Result<bool> {
        let row = sqlx::query(
            "SELECT digest FROM models WHERE digest = $1
             UNION ALL SELECT digest FROM evaluation_sets WHERE digest = $1
             UNION ALL SELECT a.digest FROM federated_answers a JOIN federated_rounds r ON r.round_id = a.round_id
                 WHERE a.digest = $1 AND r.state IN ('open', 'collecting', 'aggregating')
             LIMIT 1",
        )
        .bind(digest.hex())
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.is_some())
    }
}

/// [`Database::insert_model`] inside a larger transaction.
pub(super) async fn add_model(connection: &mut AnyConnection, model: &ModelRow) -> Result<()> {
    let result = sqlx::query(
        "INSERT INTO models (model_id, name, version, format, digest, byte_length, layout, parameter_count, lineage,
             parent_id, round_id, round_number, sample_count, licences, signer, signature, created_at_us)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(model.id.to_string())
    .bind(storable("name", &model.name)?)
    .bind(i64::from(model.version))
    .bind(model.format.word())
    .bind(model.digest.hex())
    .bind(bigint("byte_length", model.length)?)
    .bind(model.layout.to_string())
    .bind(bigint("parameter_count", model.parameter_count)?)
    .bind(model.lineage.to_string())
    .bind(model.parent.map(|id| id.to_string()))
    .bind(model.round.map(|id| id.to_string()))
    .bind(model.round_number.map(i64::from))
    .bind(model.sample_count.map(|count| bigint("sample_count", count)).transpose()?)
    .bind(json!(model.licences).to_string())
    .bind(model.signer.to_string())
    .bind(model.signature.hex())
    .bind(model.created_at_us)
    .execute(connection)
    .await?;
    exactly_one("models", result.rows_affected())
}
