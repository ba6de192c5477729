//! A model or scoring file arrives from an operator, signed by them as the Store signs its own: the text names this Back
//! End, the ID and the digest. It is checked from the cheapest to the dearest, and of what is refused nothing is kept.
//!
//! ```text
//! message ─ complete? signed by the sender? ─▶ parent ─▶ bytes: digest ─▶ child process: whole, of its format ─▶ row
//! ```

use std::error::Error;

use alloy::primitives::{B256, Bytes};
use bytes::Bytes as Piece;
use futures_util::{Stream, StreamExt};
use uuid::Uuid;

use super::message::stored_as;
use crate::{
    aims::{AimError, Aims},
    db::{
        DbError, Unique,
        models::{ModelRow, StoredFormat},
    },
    domain::ids::UserId,
    mpai_store::models::{
        ModelError,
        blobs::{parse, spelled},
        seal::ModelStatement,
    },
    schema::wire::{MlModelObject, MlModelQualifier},
    store,
};

const QUALIFIER: &str = "/MLModelQualifier";

/// What arrives, without its bytes.
#[derive(Debug, Clone)]
pub struct Upload {
    id: Uuid,
    name: String,
    format: StoredFormat,
    parent: Option<Uuid>,
    digest: B256,
    signer: UserId,
    signature: Bytes,
}

fn refuse(pointer: &'static str, reason: &'static str) -> AimError {
    AimError::Refused { pointer, reason }
}

impl Aims {
    /// Checks the message of an upload, before any of its bytes is read.
    ///
    /// # Errors
    /// [`AimError::Refused`] when something is missing, or the signature is not the sender's over this very upload.
    pub fn examine_upload(&self, message: MlModelObject, sender: UserId) -> Result<Upload, AimError> {
        let qualifier = message.ml_model_qualifier.ok_or(refuse(QUALIFIER, "a model of the Store has a Qualifier"))?;
        if says_what_the_store_says(&qualifier) {
            let reason = "the Store itself tells version, function, counts and training of a model; leave them out";
            return Err(refuse(QUALIFIER, reason));
        }
        let format = qualifier.format.and_then(stored_as);
        let digest = qualifier.digest.as_deref().and_then(parse);
        let upload = Upload {
            id: message.ml_model_object_id.uuid(),
            name: qualifier.name.ok_or(refuse("/MLModelQualifier/Name", "a model of the Store has a name"))?,
            format: format
                .ok_or(refuse("/MLModelQualifier/Format", "the Store keeps safetensors, ONNX and PGSCatalog"))?,
            parent: qualifier.parent_ml_model_object_id.map(|id| id.uuid()),
            digest: digest.ok_or(refuse("/MLModelQualifier/Digest", "the digest of the bytes is missing"))?,
            signer: sender,
            signature: qualifier.signature.ok_or(refuse("/MLModelQualifier/Signature", "a model is signed"))?,
        };
        if qualifier.signed_by != Some(sender) {
            return Err(refuse("/MLModelQualifier/SignedBy", "it is not the sender"));
        }
        let statement = ModelStatement { back_end: self.back_end(), model: upload.id, digest: upload.digest };
        match statement.verify(&upload.signature, sender.address()) {
            Ok(()) => Ok(upload),
            Err(_) => Err(refuse(
                "/MLModelQualifier/Signature",
                "it is not the sender's over this Back End, this model's ID and this digest",
            )),
        }
    }

    /// Takes the bytes of an upload in and keeps them. The same upload again finds the first.
    ///
    /// # Errors
    /// When it is refused; nothing of it is kept then.
    pub async fn take_upload<S, E>(&self, upload: &Upload, mut payload: S) -> Result<ModelRow, AimError>
    where
        S: Stream<Item = Result<Piece, E>> + Send + Unpin,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let place = self.place_of_upload(upload).await;
        let mut incoming = self.models.blobs.begin()?;
        // Read to its end even when it will be refused, so that the refusal reaches who sends it.
        while let Some(piece) = payload.next().await {
            let piece = piece.map_err(|cause| AimError::Store(store::Error::Input(cause.into())))?;
            incoming.write(&piece)?;
        }
        let parent = match place? {
            Place::Known(row) => return Ok(*row),
            Place::Free(parent) => parent,
        };
        let (digest, _) = self.models.blobs.keep(incoming)?;
        let outcome = self.keep_upload(upload, digest, parent.as_deref()).await;
        if outcome.is_err() && !self.database.is_model_file_in_use(digest).await? {
            self.models.blobs.remove(digest)?;
        }
        outcome
    }

    async fn place_of_upload(&self, upload: &Upload) -> Result<Place, AimError> {
        if let Some(row) = self.database.find_model(upload.id).await? {
            let same = (row.digest, row.format, &row.name, row.parent)
                == (upload.digest, upload.format, &upload.name, upload.parent);
            return match same {
                true => Ok(Place::Known(Box::new(row))),
                false => Err(AimError::Conflict("this MLModelObjectID was used for another model")),
            };
        }
        let Some(parent) = upload.parent else { return Ok(Place::Free(None)) };
        const AT: &str = "/MLModelQualifier/ParentMLModelObjectID";
        let parent =
            self.database.find_model(parent).await?.ok_or(refuse(AT, "there is no such model in the Store"))?;
        let founder = self.database.find_model(parent.lineage).await?.ok_or(AimError::NotFound)?;
        if founder.format == StoredFormat::Safetensors {
            return Err(refuse(AT, "versions of this model are made by rounds of federated learning"));
        }
        match parent.format == upload.format {
            true => Ok(Place::Free(Some(Box::new(parent)))),
            false => Err(refuse(AT, "a version has the format of its parent")),
        }
    }

    async fn keep_upload(
        &self,
        upload: &Upload,
        digest: B256,
        parent: Option<&ModelRow>,
    ) -> Result<ModelRow, AimError> {
        if digest != upload.digest {
            return Err(ModelError::Digest(spelled(upload.digest)).into());
        }
        let library = self.library();
        let examined = library.examine(upload.format, digest).await?;
        let row = ModelRow {
            id: upload.id,
            name: upload.name.clone(),
            version: parent.map_or(1, |parent| parent.version + 1),
            format: upload.format,
            digest,
            length: library.length(digest)?,
            layout: examined.layout,
            parameter_count: examined.parameters,
            lineage: parent.map_or(upload.id, |parent| parent.lineage),
            parent: upload.parent,
            round: None,
            round_number: None,
            sample_count: None,
            licences: Vec::new(),
            signer: upload.signer,
            signature: upload.signature.clone(),
            created_at_us: self.clock.micros(),
        };
        match self.database.insert_model(&row).await {
            Ok(()) => Ok(row),
            Err(DbError::Taken(Unique::Model)) => {
                Err(AimError::Conflict("this MLModelObjectID was used for another model"))
            }
            Err(DbError::Taken(Unique::ModelVersion)) => {
                Err(AimError::Conflict("the parent has a successor already; a version follows the newest"))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Where an upload goes.
enum Place {
    /// It is there.
    Known(Box<ModelRow>),
    /// It is new, perhaps a version of another.
    Free(Option<Box<ModelRow>>),
}

fn says_what_the_store_says(qualifier: &MlModelQualifier) -> bool {
    let MlModelQualifier { version, function, model_type, parameter_count, round, sample_count, .. } = qualifier;
    version.is_some()
        || function.is_some()
        || model_type.is_some()
        || parameter_count.is_some()
        || round.is_some()
        || sample_count.is_some()
        || qualifier.processing_types.is_some()
        || qualifier.input_data_classes.is_some()
        || qualifier.federated_learn_id.is_some()
        || qualifier.licences.is_some()
}
