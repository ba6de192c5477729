//! An operator's upload to the MPAI Store: the message that announces a model or a scoring file, signed over Back End, ID
//! and digest.

use alloy::{primitives::hex, signers::local::PrivateKeySigner};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    domain::ids::{BackEndId, UserId},
    mpai_store::models::{
        blobs::{sha256, spelled},
        seal::ModelStatement,
    },
    schema::wire::ModelFormat,
};

/// A file to be put into the Store.
#[derive(Debug, Clone, Copy)]
pub struct Publication<'a> {
    /// Its ID.
    pub id: Uuid,
    /// For people.
    pub name: &'a str,
    /// Its format.
    pub format: ModelFormat,
    /// The model it is the next version of.
    pub parent: Option<Uuid>,
    /// The file.
    pub bytes: &'a [u8],
}

impl Publication<'_> {
    /// The ML Model Object that goes before the bytes.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn message(&self, back_end: &BackEndId, key: &PrivateKeySigner) -> Result<Value, alloy::signers::Error> {
        let digest = sha256(self.bytes);
        let signature = ModelStatement { back_end: *back_end, model: self.id, digest }.sign(key)?;
        let mut qualifier = json!({
            "Name": self.name,
            "Format": self.format,
            "Digest": spelled(digest),
            "SignedBy": UserId::new(back_end.chain_id(), key.address()),
            "Signature": hex::encode_prefixed(&signature),
        });
        if let (Some(parent), Some(qualifier)) = (self.parent, qualifier.as_object_mut()) {
            qualifier.insert("ParentMLModelObjectID".to_owned(), json!(format!("urn:uuid:{parent}")));
        }
        Ok(json!({
            "Header": "AIP-MLO-V1.0",
            "MLModelObjectID": format!("urn:uuid:{}", self.id),
            "MLModelData": [{ "DataLength": self.bytes.len(), "DataURI": "cid:payload" }],
            "MLModelQualifier": qualifier,
        }))
    }
}
