//! The models of the Store: added by an operator or by a round, read by everybody. Built of parts, so that the command line
//! can add a model without a chain.

use std::{fs::File, io::Read};

use alloy::primitives::B256;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    aside,
    assets::damaged,
    message::stored_as,
    module::{EXAMPLES, ModelTask, Score},
};
use crate::{
    aims::{
        AimError, Aims,
        ai_modules::{
            task::{Attachment, Purpose, Task},
            worker::Worker,
        },
        aih_data_processing::{nn::graph::Graph, omics::weights::ScoringFile},
    },
    db::{
        Database,
        models::{EvaluationSetRow, ModelRow, StoredFormat},
    },
    domain::{ids::BackEndId, taxonomy::DataClass},
    mpai_store::models::{ModelError, layout::Layout, seal::ModelStatement, shelf::Shelf},
    schema::wire::{DataFormat, ModelFormat},
};

/// Bytes given to a child at once.
const PIECE_BYTES: usize = 256 << 10;

/// What it takes to work with models.
#[derive(Clone, Copy)]
pub struct Library<'a> {
    /// Their rows.
    pub database: &'a Database,
    /// Their files.
    pub shelf: &'a Shelf,
    /// Where files are parsed.
    pub worker: &'a Worker,
    /// Whose Store it is.
    pub back_end: BackEndId,
    /// Now, in microseconds since 1970.
    pub now_us: i64,
}

impl Aims {
    /// The models of this Back End.
    pub fn library(&self) -> Library<'_> {
        Library {
            database: &self.database,
            shelf: &self.models,
            worker: &self.worker,
            back_end: self.back_end(),
            now_us: self.clock.micros(),
        }
    }
}

/// What a child found in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Examined {
    /// As it stands in the row.
    pub layout: Value,
    /// Numbers in its tensors; rows of a scoring file.
    pub parameters: u64,
    /// What the file calls itself.
    pub name: Option<String>,
}

/// A file that begins a lineage.
#[derive(Debug, Clone, Copy)]
pub struct Founder<'a> {
    /// For people; what the file calls itself when not given.
    pub name: Option<&'a str>,
    /// Its format.
    pub format: ModelFormat,
    /// The file.
    pub digest: B256,
    /// Held-out data by which its successors will be judged.
    pub held_out: Option<B256>,
}

impl Library<'_> {
    /// Adds a file that begins a lineage, with the held-out data that will judge its successors, when there is some.
    ///
    /// # Errors
    /// When a file is refused, the two do not fit, nothing names it, or the cellar fails; then neither is in the Store.
    pub async fn add(&self, founder: &Founder<'_>) -> Result<(ModelRow, Option<Score>), AimError> {
        let Founder { name, digest, held_out, .. } = *founder;
        let format = stored_as(founder.format);
        let format = format.ok_or_else(|| AimError::Unprocessable("the Store does not keep this format".to_owned()))?;
        let examined = self.examine(format, digest).await?;
        let score = match held_out {
            Some(_) if format != StoredFormat::Safetensors => {
                return Err(AimError::Unprocessable("held-out data goes with a safetensors model only".to_owned()));
            }
            Some(held_out) => Some(self.score(digest, held_out).await?),
            None => None,
        };
        let name = name.map(str::to_owned).or(examined.name);
        let name =
            name.ok_or_else(|| AimError::Unprocessable("it does not say its name, and none is given".to_owned()))?;
        let id = Uuid::now_v7();
        let row = ModelRow {
            layout: examined.layout,
            parameter_count: examined.parameters,
            ..self.row(id, name, format, digest, None)?
        };
        self.database.insert_model(&row).await?;
        if let (Some(digest), Some(score)) = (held_out, score) {
            let length = self.length(digest)?;
            let set =
                EvaluationSetRow { lineage: id, digest, length, examples: score.examples, created_at_us: self.now_us };
            self.database.insert_evaluation_set(&set).await?;
        }
        Ok((row, score))
    }

    /// Has a child read a file that came from outside.
    ///
    /// # Errors
    /// [`AimError::Unprocessable`] with what is wrong.
    pub async fn examine(&self, format: StoredFormat, digest: B256) -> Result<Examined, AimError> {
        match format {
            StoredFormat::Safetensors => {
                let layout = self.inspect(digest).await?;
                Ok(Examined { parameters: layout.parameters(), layout: json!(layout), name: None })
            }
            StoredFormat::Onnx => {
                let graph: Graph = self.ask(ModelTask::Graph, digest, &[]).await?;
                Ok(Examined { parameters: graph.parameters, layout: Value::Null, name: None })
            }
            StoredFormat::ScoringFile => {
                let file: ScoringFile = self.ask(ModelTask::Weights, digest, &[]).await?;
                Ok(Examined { parameters: file.variants, layout: json!(file), name: file.id })
            }
        }
    }

    /// Passes when the signature of a row is its signer's over this Back End, this ID and these bytes.
    ///
    /// # Errors
    /// When the row was changed.
    pub fn must_be_signed(&self, row: &ModelRow) -> Result<(), AimError> {
        let statement = ModelStatement { back_end: self.back_end, model: row.id, digest: row.digest };
        statement.verify(&row.signature, row.signer.address()).map_err(|error| damaged(&error))
    }

    /// A signed row; lineage, parent and round are the caller's to set.
    ///
    /// # Errors
    /// When the file is not there or the key cannot sign.
    pub fn row(
        &self,
        id: Uuid,
        name: String,
        format: StoredFormat,
        digest: B256,
        layout: Option<&Layout>,
    ) -> Result<ModelRow, AimError> {
        let (signer, signature) = self.shelf.sign(&ModelStatement { back_end: self.back_end, model: id, digest })?;
        Ok(ModelRow {
            id,
            name,
            version: 1,
            format,
            digest,
            length: self.length(digest)?,
            layout: json!(layout),
            parameter_count: layout.map_or(0, Layout::parameters),
            lineage: id,
            parent: None,
            round: None,
            round_number: None,
            sample_count: None,
            licences: Vec::new(),
            signer,
            signature,
            created_at_us: self.now_us,
        })
    }

    pub(super) fn length(&self, digest: B256) -> Result<u64, AimError> {
        Ok(std::fs::metadata(self.shelf.blobs.path(digest)).map_err(ModelError::File)?.len())
    }

    /// Has a child read the header and look at every number.
    ///
    /// # Errors
    /// [`AimError::Unprocessable`] with what is wrong.
    pub async fn inspect(&self, digest: B256) -> Result<Layout, AimError> {
        self.ask(ModelTask::Inspect, digest, &[]).await
    }

    /// Has a child judge a model by held-out data.
    ///
    /// # Errors
    /// [`AimError::Unprocessable`] when they do not fit.
    pub async fn score(&self, model: B256, held_out: B256) -> Result<Score, AimError> {
        let blobs = self.shelf.blobs.clone();
        let bytes = aside(move || blobs.read(held_out)).await??;
        self.ask(ModelTask::Score, model, &[Attachment { name: EXAMPLES.to_owned(), bytes }]).await
    }

    /// Has a child write a model as ONNX, and keeps it.
    ///
    /// # Errors
    /// When the model is not of a network known here.
    pub async fn export(&self, model: B256) -> Result<B256, AimError> {
        let text: String = self.ask(ModelTask::Export, model, &[]).await?;
        let bytes = STANDARD.decode(text).map_err(|error| AimError::Worker(error.to_string()))?;
        Ok(self.shelf.blobs.put(&bytes)?)
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        task: ModelTask,
        digest: B256,
        attachments: &[Attachment],
    ) -> Result<T, AimError> {
        let blobs = self.shelf.blobs.clone();
        let file = aside(move || blobs.verified(digest)).await??;
        let length = file.metadata().map_err(ModelError::File)?.len();
        let task = Task {
            purpose: Purpose::Model(task),
            data_class: DataClass::PhysiologicalSignal,
            format: DataFormat::Safetensors,
            parameters: Map::new(),
        };
        let payload = (length, Box::pin(pieces(file)));
        let answer: Value = self.worker.run(self.back_end.address(), &task, attachments, payload).await?;
        serde_json::from_value(answer).map_err(|error| AimError::Worker(error.to_string()))
    }
}

/// A file, piece by piece.
pub fn pieces(mut file: File) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send {
    stream::iter(std::iter::from_fn(move || {
        let mut piece = vec![0; PIECE_BYTES];
        match file.read(&mut piece) {
            Ok(0) => None,
            Ok(read) => {
                piece.truncate(read);
                Some(Ok(piece.into()))
            }
            Err(error) => Some(Err(error)),
        }
    }))
}
