//! **AIH-STR Storage.** Payloads enter with a permit to store, which only an issue or a derivation gives, and leave with
//! a warrant. Each item has its own key, wrapped by its End User's key, wrapped by the root key;
//! [erasure](super::erasure) destroys it.

use alloy::primitives::B256;
use async_stream::stream;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream::BoxStream};
use uuid::Uuid;

use super::{
    AimError, Aims,
    retrieval::Span,
    running::{Work, revoked},
};
use crate::{
    db::{
        data_items::{DataItemRow, DataItemState, ObjectFacts},
        operation_acts::Done,
    },
    domain::{
        ids::{AihDataId, UserId},
        operation::Operation,
    },
    licensing::permit::{Grounds, Permit, Purpose, Warrant},
    store::{self, EndUserKey, ItemKey, Opened, WrappedKey},
};

/// Largest payload, in bytes: 64 GiB.
pub const MOST_PAYLOAD_BYTES: u64 = 64 << 30;

/// Plain bytes as they are read.
type Plain = BoxStream<'static, Result<Bytes, store::Error>>;

const OTHER_ATTEMPT: &str = "another upload of this item, or its erasure, came first";

/// A payload that was sealed, and is not acknowledged yet.
pub(super) struct Sealed {
    object: Uuid,
    facts: ObjectFacts,
    grounds: Grounds,
}

impl std::ops::Deref for Sealed {
    type Target = ObjectFacts;

    fn deref(&self) -> &ObjectFacts {
        &self.facts
    }
}

impl Aims {
    /// Keeps a payload under the permit to store it, and acknowledges it: after this it survives a crash.
    ///
    /// # Errors
    /// When the permit is for another item, the payload breaks off or is too large, or there is no room; then nothing
    /// of it is readable and it can be sent again.
    pub async fn keep<S, E>(&self, permit: Permit, item: &DataItemRow, payload: S) -> Result<ObjectFacts, AimError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let sealed = self.seal(permit, item, payload).await?;
        self.acknowledge(item, &sealed).await?;
        Ok(sealed.facts)
    }

    /// Seals a payload under the permit to store it; it cannot be read before it is acknowledged.
    pub(super) async fn seal<S, E>(&self, permit: Permit, item: &DataItemRow, payload: S) -> Result<Sealed, AimError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let purpose = Purpose { item: item.id, operation: Operation::Store, requester: permit.grounds().requester };
        let grounds = *permit.spend(&purpose, self.clock.seconds())?.grounds();
        let object = self.object_of_attempt(item).await?;
        let key = self.item_key(item).await?;
        let stored = self.objects.put(object, &key, payload, MOST_PAYLOAD_BYTES).await?;
        let facts = ObjectFacts {
            plain_length: stored.plain_length,
            stored_length: stored.stored_length,
            sha256: parse_digest(&stored.sha256_hex)?,
        };
        Ok(Sealed { object, facts, grounds })
    }

    /// The object an attempt to store writes: the one the row names, or, when a former attempt published that and could
    /// not acknowledge it, one of its own.
    async fn object_of_attempt(&self, item: &DataItemRow) -> Result<Uuid, AimError> {
        let named = object_name(item)?;
        if !self.objects.contains(named).await? {
            return Ok(named);
        }
        let fresh = Uuid::new_v4();
        let names = (named.to_string(), fresh.to_string());
        if !self.database.rename_object(item.id, (&names.0, &names.1), self.clock.micros()).await? {
            return Err(AimError::Conflict(OTHER_ATTEMPT));
        }
        // Never acknowledged, and nobody can acknowledge it now.
        self.free(named).await;
        Ok(fresh)
    }

    /// From now on the payload can be read, and survives a crash.
    pub(super) async fn acknowledge(&self, item: &DataItemRow, sealed: &Sealed) -> Result<(), AimError> {
        let stored = (sealed.object.to_string(), &sealed.facts);
        let step = self.database.mark_data_item_stored(item.id, (&stored.0, stored.1), self.clock.micros()).await?;
        if !step.is_done() {
            // Another attempt, or an erasure, came first.
            self.free(sealed.object).await;
            return Err(AimError::Conflict(OTHER_ATTEMPT));
        }
        let done = if item.parent.is_some() { Done::Derive } else { Done::Store };
        let grounds = &sealed.grounds;
        self.note(done, item, grounds.requester, (Some(grounds.licence), Some(grounds.evidence))).await;
        Ok(())
    }

    /// Opens a payload, or a part of it, for the operation a warrant stands for.
    ///
    /// # Errors
    /// When the item is not stored, was erased, or its object is damaged; [`AimError::Withheld`] when its licence fell
    /// since the operation was permitted.
    pub async fn open(&self, warrant: &Warrant, span: Span) -> Result<(DataItemRow, Opened), AimError> {
        let item = self.stored_item(warrant.grounds().item).await?;
        if Self::has_fallen(&item, warrant.grounds()) {
            return Err(revoked());
        }
        let key = self.item_key(&item).await?;
        let range = span.within(item.plain_length.unwrap_or_default());
        let opened = self.objects.get(object_name(&item)?, &key, range).await?;
        Ok((item, opened))
    }

    /// As [`Aims::open`], for somebody outside: the payload stops flowing when the licence falls while it is read, and the
    /// reader sees a body that broke off.
    ///
    /// # Errors
    /// As [`Aims::open`].
    pub async fn open_to_read(&self, warrant: &Warrant, span: Span) -> Result<(DataItemRow, Opened), AimError> {
        // Entered before the row is looked at, so that no fall slips through between.
        let work = self.enter(warrant);
        let (item, opened) = self.open(warrant, span).await?;
        Ok((item, Opened { bytes: until_fallen(opened.bytes, work), ..opened }))
    }

    /// The row of an item whose payload can be read.
    ///
    /// # Errors
    /// [`AimError::NotFound`] or [`AimError::Erased`].
    pub async fn stored_item(&self, id: AihDataId) -> Result<DataItemRow, AimError> {
        let item = self.database.find_data_item(id).await?.ok_or(AimError::NotFound)?;
        match item.state {
            DataItemState::Stored => Ok(item),
            DataItemState::Erased => Err(AimError::Erased),
            DataItemState::Announced | DataItemState::Licensed => Err(AimError::NotFound),
        }
    }

    /// A new item key with its wrapped form for the cellar.
    ///
    /// # Errors
    /// When the owner is not registered or the random source fails.
    pub(super) async fn new_item_key(&self, item: AihDataId, owner: UserId) -> Result<(ItemKey, WrappedKey), AimError> {
        let owner_key = self.end_user_key(owner).await?;
        let key = ItemKey::generate(&item.to_string())?;
        let wrapped = key.wrap(&owner_key)?;
        Ok((key, wrapped))
    }

    pub(super) async fn item_key(&self, item: &DataItemRow) -> Result<ItemKey, AimError> {
        let wrapped = item.item_key_wrapped.as_deref().ok_or(AimError::Erased)?;
        let owner_key = self.end_user_key(item.owner).await?;
        Ok(ItemKey::unwrap(&WrappedKey::parse(wrapped)?, &owner_key, &item.id.to_string())?)
    }

    pub(super) async fn end_user_key(&self, owner: UserId) -> Result<EndUserKey, AimError> {
        let user = self.database.find_user(owner).await?.ok_or(AimError::NotFound)?;
        Ok(EndUserKey::unwrap(&WrappedKey::parse(user.user_key_wrapped)?, &self.root_key, &owner.to_string())?)
    }

    /// Frees the space of an object nobody can read any more.
    async fn free(&self, object: Uuid) {
        if let Err(error) = self.objects.delete(object).await {
            tracing::warn!(%object, %error, "object.not_deleted");
        }
    }
}

fn until_fallen(mut bytes: Plain, work: Work) -> Plain {
    Box::pin(stream! {
        loop {
            tokio::select! {
                biased;
                () = work.fallen() => {
                    yield Err(store::Error::Input("the licence fell while it was read".into()));
                    return;
                }
                piece = bytes.next() => match piece {
                    Some(piece) => yield piece,
                    None => return,
                },
            }
        }
    })
}

fn object_name(item: &DataItemRow) -> Result<Uuid, AimError> {
    let name = item.object_name.as_deref().ok_or(AimError::Erased)?;
    Uuid::parse_str(name).map_err(|_| AimError::Worker("an object name that is none".to_owned()))
}

fn parse_digest(hex: &str) -> Result<B256, AimError> {
    hex.parse().map_err(|_| AimError::Worker("a digest that is none".to_owned()))
}
