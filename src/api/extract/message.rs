//! A message of the standard.

use alloy::primitives::B256;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use serde_json::Value;

use super::body::read_bounded;
use crate::{
    api::{Door, Problem, once},
    schema::{self, wire},
};

/// A message as it came in: bounded, strict JSON, valid against its schema, typed.
#[derive(Debug)]
pub struct Message<M> {
    /// The message.
    pub message: M,
    /// The document it was read from; what is signed or hashed is this.
    pub document: Value,
    /// The bytes it arrived as; what makes two requests the same.
    pub bytes: Bytes,
}

impl<M> Message<M> {
    /// What two bodies of the same request share.
    pub fn digest(&self) -> B256 {
        once::digest(&self.bytes)
    }
}

impl<M: wire::Message> FromRequest<Door> for Message<M> {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Problem> {
        let most = door.limits.most_message_bytes;
        let bytes = read_bounded(request, door, most).await?;
        let received = schema::read::<M>(&bytes, most)?;
        Ok(Self { message: received.message, document: received.document, bytes })
    }
}
