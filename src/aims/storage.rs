//! **AIH-STR Storage.** Payloads enter with a permit to store, which only an issue or a derivation gives, and leave with
//! a warrant. Each item has its own key, wrapped by its End User's key, wrapped by the root key; erasure destroys it.

use alloy::primitives::{Address, B256};
use bytes::Bytes;
use futures_util::Stream;
use uuid::Uuid;

use super::{AimError, Aims, retrieval::Span, running::revoked};
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
    store::{EndUserKey, ItemKey, Opened, WrappedKey},
};

/// Largest payload, in bytes: 64 GiB.
pub const MOST_PAYLOAD_BYTES: u64 = 64 << 30;

/// A payload that was sealed, and is not acknowledged yet.
pub(super) struct Sealed {
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
        let object = object_name(item)?;
        let key = self.item_key(item).await?;
        let stored = self.objects.put(object, &key, payload, MOST_PAYLOAD_BYTES).await?;
        let facts = ObjectFacts {
            plain_length: stored.plain_length,
            stored_length: stored.stored_length,
            sha256: parse_digest(&stored.sha256_hex)?,
        };
        Ok(Sealed { facts, grounds })
    }

    /// From now on the payload can be read, and survives a crash.
    pub(super) async fn acknowledge(&self, item: &DataItemRow, sealed: &Sealed) -> Result<(), AimError> {
        self.database.mark_data_item_stored(item.id, &sealed.facts, self.clock.micros()).await?.required()?;
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
    pub(super) async fn new_item_key(&self, item: AihDataId, owner: UserId) -> Result<WrappedKey, AimError> {
        let owner_key = self.end_user_key(owner).await?;
        Ok(ItemKey::generate(&item.to_string())?.wrap(&owner_key)?)
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

    /// Destroys the key of an item, and of everything derived from it when it is the one the End User licensed; then
    /// frees the space. The rows stay for the audit. Gives the number of items erased.
    ///
    /// # Errors
    /// When the cellar fails. A failure to free the space is logged only: without the key the bytes are noise.
    pub async fn destroy(&self, item: &DataItemRow) -> Result<u64, AimError> {
        self.destroy_for(item, item.owner.address()).await
    }

    /// As [`Aims::destroy`], by the Back End itself: of something it made and nobody was told of.
    ///
    /// # Errors
    /// As [`Aims::destroy`].
    pub(super) async fn destroy_own(&self, item: &DataItemRow) -> Result<u64, AimError> {
        self.destroy_for(item, self.back_end().address()).await
    }

    async fn destroy_for(&self, item: &DataItemRow, by: Address) -> Result<u64, AimError> {
        let mut erased = self.destroy_one(item, by).await?;
        let mut after = None;
        loop {
            // Of a derived item this list is empty.
            let page = self.database.list_data_items_of_root(item.id, after.as_ref(), ERASE_PAGE).await?;
            for descendant in page.rows.iter().filter(|row| row.id != item.id) {
                erased += self.destroy_one(descendant, by).await?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(erased);
            }
        }
    }

    async fn destroy_one(&self, item: &DataItemRow, by: Address) -> Result<u64, AimError> {
        match item.state {
            DataItemState::Erased => return Ok(0),
            DataItemState::Announced => self.database.remove_data_item(item.id).await?.required()?,
            _ => {
                self.database.erase_data_item(item.id, self.clock.micros()).await?.required()?;
                // Sealed under the key that is gone; the rows go too.
                self.database.delete_findings(item.id).await?;
            }
        }
        if item.licence.is_some() {
            // An erasure waits for nothing: where the chain is away, or was reset, it is noted without what it rests on.
            let evidence = self.licensing.fallen(item.hash, item.root.hash()).await.unwrap_or_else(|error| {
                tracing::warn!(item = %item.hash, %error, "act.without_evidence");
                None
            });
            self.note(Done::Erase, item, by, (item.licence, evidence)).await;
        }
        if let Some(object) = item.object_name.as_deref().and_then(|name| Uuid::parse_str(name).ok())
            && let Err(error) = self.objects.delete(object).await
        {
            tracing::warn!(%object, %error, "object.not_deleted");
        }
        Ok(1)
    }
}

/// Rows read at once while erasing.
const ERASE_PAGE: u32 = 500;

fn object_name(item: &DataItemRow) -> Result<Uuid, AimError> {
    let name = item.object_name.as_deref().ok_or(AimError::Erased)?;
    Uuid::parse_str(name).map_err(|_| AimError::Worker("an object name that is none".to_owned()))
}

fn parse_digest(hex: &str) -> Result<B256, AimError> {
    hex.parse().map_err(|_| AimError::Worker("a digest that is none".to_owned()))
}
