//! The Back End's own copy of the models: the files, and the key it signs them with.

use std::path::Path;

use alloy::signers::local::PrivateKeySigner;

use super::{ModelError, blobs::Blobs, seal::ModelStatement};
use crate::domain::ids::UserId;

/// Files and key.
#[derive(Clone)]
pub struct Shelf {
    /// The files.
    pub blobs: Blobs,
    key: PrivateKeySigner,
}

impl Shelf {
    /// Files in a folder, signed with a key that holds the OPERATOR role on chain.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: &Path, key: PrivateKeySigner) -> Result<Self, ModelError> {
        Ok(Self { blobs: Blobs::open(folder)?, key })
    }

    /// Signs a model: who signed, and the signature.
    ///
    /// # Errors
    /// [`ModelError::Signature`] when the key cannot sign.
    pub fn sign(&self, statement: &ModelStatement) -> Result<(UserId, alloy::primitives::Bytes), ModelError> {
        let signer = self.key.address();
        let signature = statement.sign(&self.key).map_err(|_| ModelError::Signature(signer.to_checksum(None)))?;
        Ok((UserId::new(statement.back_end.chain_id(), signer), signature))
    }
}
