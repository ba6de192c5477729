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
    module::{EXAMPLES, ModelTask, Score},
};
use crate::{
    aims::{
        AimError, Aims,
        ai_modules::{
            task::{Attachment, Purpose, Task},
            worker::Worker,
        },
    },
    db::{
        Database,
        models::{EvaluationSetRow, ModelRow, StoredFormat},
    },
    domain::{ids::BackEndId, taxonomy::DataClass},
    mpai_store::models::{ModelError, layout::Layout, seal::ModelStatement, shelf::Shelf},
    mpai_store::processing,
    schema::wire::DataFormat,
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
    /// The assets of the Store that an AIM needs, by the parameters that name them.
    ///
    /// # Errors
    /// [`AimError::Refused`] when a parameter names no ONNX model of the Store.
    pub async fn attachments(&self, task: &Task) -> Result<Vec<Attachment>, AimError> {
        let Purpose::Process { aim, .. } = &task.purpose else { return Ok(Vec::new()) };
        let declared = processing::all().iter().find(|declared| declared.aim_name == *aim);
        let names = declared.map(|declared| declared.attachments.as_slice()).unwrap_or_default();
        let mut attachments = Vec::with_capacity(names.len());
        for name in names {
            let refuse = || AimError::Refused {
                pointer: "/AIHDataProcess/Request/Parameters",
                reason: "a parameter that names a model does not name an ONNX model of the Store",
            };
            // Whether it must be there is for the schema of the processing type to say: most types of an AIM need none.
            let Some(named) = task.parameters.get(name) else { continue };
            let text = named.as_str().and_then(|text| text.strip_prefix("urn:uuid:"));
            let id = text.and_then(|text| text.parse().ok()).ok_or_else(refuse)?;
            let row = self.database.find_model(id).await?.filter(|row| row.format == StoredFormat::Onnx);
            let bytes = self.models.blobs.read(row.ok_or_else(refuse)?.digest)?;
            attachments.push(Attachment { name: name.clone(), bytes });
        }
        Ok(attachments)
    }

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

impl Library<'_> {
    /// Adds a model that begins a lineage, with the held-out data that will judge its successors, when there is some.
    ///
    /// # Errors
    /// When a file is refused, the two do not fit, or the cellar fails; then neither is in the Store.
    pub async fn add(
        &self,
        name: &str,
        model: B256,
        held_out: Option<B256>,
    ) -> Result<(ModelRow, Option<Score>), AimError> {
        let layout = self.inspect(model).await?;
        let score = match held_out {
            Some(held_out) => Some(self.score(model, held_out).await?),
            None => None,
        };
        let id = Uuid::now_v7();
        let row = self.row(id, name.to_owned(), StoredFormat::Safetensors, model, Some(&layout))?;
        self.database.insert_model(&row).await?;
        if let (Some(digest), Some(score)) = (held_out, score) {
            let length = self.length(digest)?;
            let set =
                EvaluationSetRow { lineage: id, digest, length, examples: score.examples, created_at_us: self.now_us };
            self.database.insert_evaluation_set(&set).await?;
        }
        Ok((row, score))
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

    fn length(&self, digest: B256) -> Result<u64, AimError> {
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
        let answer: Value = self.worker.run(&task, attachments, length, Box::pin(pieces(file))).await?;
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
