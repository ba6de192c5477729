//! **Retrieving** a payload: an operation like any other, confirmed on chain and recorded, and handing out the result of
//! an operation that was.

use std::ops::Range;

use super::{AimError, Aims, asking::ProcessRequest};
use crate::{
    db::{
        data_items::{DataItemRow, DataItemState},
        operations::{OperationKind, OperationRow, OperationState, Requested},
        revocations::RevocationScope,
    },
    domain::{
        ids::AihDataId,
        licence_event::{Evidence, Position},
    },
    licensing::{
        confirm::{Answer, ReleaseError},
        permit::{Grounds, Purpose, Warrant},
    },
    store::Opened,
};

/// Which part of a payload is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// All of it.
    Whole,
    /// These bytes, counted from 0; the end may lie beyond the payload's.
    Bytes(Range<u64>),
    /// So many bytes at the end, or all when there are fewer.
    Last(u64),
}

impl Span {
    /// The bytes of a payload of this length; `None` for all. What lies outside is left for the store to refuse.
    pub(super) fn within(self, length: u64) -> Option<Range<u64>> {
        match self {
            Self::Whole => None,
            Self::Bytes(range) => Some(range),
            Self::Last(bytes) => Some(length.saturating_sub(bytes)..length),
        }
    }
}

/// What became of asking for a payload.
pub enum Retrieved {
    /// The payload, as it is read.
    Opened(Box<DataItemRow>, Opened),
    /// The chain recorded a no.
    Denied(Box<OperationRow>),
}

impl Aims {
    /// Asks the chain for `Retrieve` and opens the payload, or a part of it.
    ///
    /// # Errors
    /// When the item is not there, the range lies outside, or the chain gives no answer.
    pub async fn retrieve(&self, request: &ProcessRequest, span: Span) -> Result<Retrieved, AimError> {
        let item = self.database.find_data_item(request.item).await?;
        let operation = self.new_operation(request, OperationKind::Retrieve, item.as_ref()).await?;
        if let Requested::Existing(_) = self.database.insert_operation(&operation).await? {
            return Err(AimError::Conflict("this reading is recorded already"));
        }
        let permit = match self.ask(&operation).await {
            Ok(Answer::Permitted(permit)) => permit,
            Ok(Answer::Denied(_)) => return Ok(Retrieved::Denied(Box::new(self.operation(operation.id).await?))),
            Err(error) => {
                self.give_up(operation.id, &error).await;
                return Err(error);
            }
        };
        let purpose =
            Purpose { item: request.item, operation: request.operation, requester: request.requester.address() };
        let opened = match permit.spend(&purpose, self.clock.seconds()) {
            Ok(warrant) => {
                self.note_start(operation.id).await?;
                self.open_to_read(&warrant, span).await
            }
            Err(error) => Err(error.into()),
        };
        match opened {
            Ok((item, opened)) => {
                self.database.finish_operation(operation.id, None, self.clock.micros()).await?.required()?;
                Ok(Retrieved::Opened(Box::new(item), opened))
            }
            Err(error) => {
                self.give_up(operation.id, &error).await;
                Err(error)
            }
        }
    }

    /// The result of a finished operation, for whoever asked for it; the licence is asked again first.
    ///
    /// # Errors
    /// [`AimError::Withheld`] when the chain says no by now.
    pub async fn result_of(&self, operation: &OperationRow) -> Result<(DataItemRow, Opened), AimError> {
        self.open_to_read(&self.redelivery_of(operation).await?, Span::Whole).await
    }

    /// Asks the licence again before what a finished operation made is handed out, or told of.
    ///
    /// # Errors
    /// [`AimError::Withheld`] when the chain says no by now.
    pub async fn redelivery_of(&self, operation: &OperationRow) -> Result<Warrant, AimError> {
        // One that is not done may name what it is about to make.
        let done = operation.state == OperationState::Done;
        let result = operation.result_id.filter(|_| done).ok_or(AimError::NotFound)?;
        let grounds = grounds_of(operation).ok_or(AimError::NotFound)?;
        self.licensing.redeliver(&grounds, result).await.map_err(|error| match error {
            ReleaseError::Withheld(verdict) => AimError::Withheld(verdict),
            ReleaseError::Unknown(error) => error.into(),
        })
    }

    /// Items of an End User, newest first.
    ///
    /// # Errors
    /// When the cellar fails.
    pub async fn own_items(
        &self,
        owner: crate::domain::ids::UserId,
        after: Option<&crate::db::Cursor>,
        limit: u32,
    ) -> Result<crate::db::Page<DataItemRow>, AimError> {
        Ok(self.database.list_data_items(owner, after, limit).await?)
    }

    /// Whether the item's current licence stands, as the chain says and not our row: what is asked before an erasure,
    /// which cannot be undone.
    ///
    /// # Errors
    /// In doubt, or when the chain does not answer. [`AimError::Conflict`] when the chain knows no licence of an item
    /// that had one, and no withdrawal is known: it may have been reset, and not be restored yet.
    pub async fn is_licensed(&self, item: &DataItemRow) -> Result<bool, AimError> {
        if item.state == DataItemState::Erased {
            return Ok(false);
        }
        match self.licensing.item_stands(item.hash).await? {
            Some(stands) => Ok(stands),
            None if item.licence.is_none() || self.was_withdrawn(item).await? => Ok(false),
            None => Err(AimError::Conflict(
                "the chain knows no licence of this item, although it was licensed, and no withdrawal of it is known; \
                 the chain may have been reset and not be restored yet",
            )),
        }
    }

    /// Whether we know of a withdrawal of the item's licence, or of its root's.
    async fn was_withdrawn(&self, item: &DataItemRow) -> Result<bool, AimError> {
        let root = self.database.find_data_item(item.root).await?;
        for licence in [item.licence, root.and_then(|root| root.licence)].into_iter().flatten() {
            let withdrawals = self.database.list_revocations_of(licence).await?;
            if withdrawals.iter().any(|withdrawal| withdrawal.scope == RevocationScope::Licence) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The item an End User asks about, when it is theirs.
    ///
    /// # Errors
    /// [`AimError::NotFound`] for items that are not there and for other people's alike.
    pub async fn own_item(&self, owner: crate::domain::ids::UserId, id: AihDataId) -> Result<DataItemRow, AimError> {
        let item = self.database.find_data_item(id).await?;
        item.filter(|item| item.owner == owner).ok_or(AimError::NotFound)
    }
}

fn grounds_of(operation: &OperationRow) -> Option<Grounds> {
    let answer = operation.answer.filter(|answer| answer.verdict.is_permitted())?;
    let evidence = evidence_of(operation)?;
    Some(Grounds {
        item: operation.aih_data_id,
        operation: operation.operation,
        usage: operation.usage,
        requester: operation.requester.address(),
        confirm_id: operation.confirm_id?.0,
        licence: answer.licence?,
        since: evidence.block_time,
        evidence,
    })
}

/// Where the answer to an operation stands on chain.
pub fn evidence_of(operation: &OperationRow) -> Option<Evidence> {
    let answer = operation.answer?;
    Some(Evidence {
        licence: answer.licence,
        transaction: answer.evidence.tx_hash,
        position: Position { block: answer.evidence.block_number, log_index: answer.evidence.log_index },
        block_hash: answer.evidence.block_hash,
        block_time: answer.evidence.confirmed_at_s.cast_unsigned(),
    })
}
