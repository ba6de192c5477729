//! **The past** of an item on chain: where the acts on its licences stand, when the transaction at hand did not do them
//! (they were done before), or somebody else did.

use alloy::primitives::{Address, B256};

use super::{Licensing, LicensingError};
use crate::{
    chain::ChainError,
    domain::licence_event::{Evidence, LicenceEvent, LicenceEventKind as Kind},
};

impl Licensing {
    /// Where the making of a licence stands: its issue, change or derivation.
    ///
    /// # Errors
    /// When the chain does not answer, or shows no such event.
    pub async fn made(&self, item: B256, licence: Address) -> Result<Evidence, LicensingError> {
        let found = self.last(item, |event| makes(&event.kind, licence)).await?;
        Ok(found.ok_or_else(|| ChainError::Contradiction(format!("licence {licence} stands and was never made")))?)
    }

    /// Where the withdrawal of a licence stands, and who withdrew it; the newest when the Back End gave up its own right
    /// before.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub async fn withdrawn(&self, item: B256, licence: Address) -> Result<Option<Evidence>, LicensingError> {
        self.last(item, |event| matches!(event.kind, Kind::Revoked { licence: named, .. } if named == licence)).await
    }

    /// Where the act stands by which an item's licence fell: its own withdrawal or, of a derived item, what became of
    /// its root.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub async fn fallen(&self, item: B256, root: B256) -> Result<Option<Evidence>, LicensingError> {
        let ends = |event: &LicenceEvent| event.kind.ends_licence();
        match self.last(item, ends).await? {
            None if root != item => self.last(root, ends).await,
            found => Ok(found),
        }
    }

    async fn last(
        &self,
        item: B256,
        wanted: impl Fn(&LicenceEvent) -> bool,
    ) -> Result<Option<Evidence>, LicensingError> {
        let events = self.node.licence_events_of(item).await?;
        let Some(event) = events.into_iter().rev().find(wanted) else { return Ok(None) };
        let moved = || ChainError::Contradiction("the chain moved while it was read".to_owned());
        let block = self.node.block_with_hash(event.block_hash).await?.ok_or_else(moved)?;
        Ok(Some(Evidence {
            licence: event.kind.licence(),
            transaction: event.transaction,
            position: event.position,
            block_hash: event.block_hash,
            block_time: block.timestamp,
        }))
    }
}

fn makes(kind: &Kind, named: Address) -> bool {
    match kind {
        Kind::Issued { licence, .. } | Kind::Changed { licence, .. } | Kind::Derived { licence, .. } => {
            *licence == named
        }
        _ => false,
    }
}
