//! **What is made of an item is an item of its own**: a new ID, a licence the contract derives from the parent's, a key of
//! its own, under the same End User. Whoever makes something (processing, de-identification) has it licensed here first
//! and then keeps it with the permit this gives.

use alloy::primitives::B128;
use serde_json::json;
use uuid::Uuid;

use super::{AimError, Aims};
use crate::{
    db::{
        Transition,
        data_items::{DataItemRow, DataItemState, NewDataItem},
    },
    domain::{
        ids::AihDataId,
        taxonomy::DataStatus,
        verdict::{FailingTerm, Verdict},
    },
    licensing::{
        Refusal,
        derive::Lineage,
        permit::{Permit, Warrant},
    },
    schema::wire::{DateTime, Qualifier},
};

/// What is made of an item.
#[derive(Debug, Clone)]
pub struct Offspring {
    /// Its status, at least the parent's.
    pub status: DataStatus,
    /// What kind of data it is.
    pub qualifier: Qualifier,
}

impl Aims {
    /// Makes the row of a derived item and has its licence derived; the permit is to store it.
    ///
    /// # Errors
    /// [`AimError::Withheld`] when the parent's licence no longer stands; otherwise when the chain or the cellar fail.
    pub(in crate::aims) async fn license_derived(
        &self,
        parent: &DataItemRow,
        offspring: &Offspring,
        warrant: &Warrant,
    ) -> Result<(DataItemRow, Permit), AimError> {
        let id = AihDataId::from_uuid(Uuid::now_v7());
        self.database.insert_data_item(&self.derived_row(id, parent, offspring).await?).await?;
        // Named before it is licensed: an operation that a crash cuts off leads to what it made.
        let (confirm_id, now) = (B128::from(warrant.grounds().confirm_id), self.clock.micros());
        if let Err(error) = self.database.name_result(confirm_id, id, now).await?.required() {
            self.forget(id).await?;
            return Err(error.into());
        }
        let requester = warrant.grounds().requester;
        let lineage = Lineage { parent: parent.id, item: id, status: offspring.status, requester };
        let derived = match self.licensing.derive(&lineage).await {
            Ok(derived) => derived,
            Err(error) => {
                // One whose end is unknown may stand on chain by now; its row waits for [`Aims::settle_derivations`].
                if error.refusal().is_some() {
                    self.forget(id).await?;
                }
                return Err(match error.refusal() {
                    Some(Refusal::ParentNotStanding) => AimError::Withheld(revoked()),
                    _ => error.into(),
                });
            }
        };
        let licence = derived.licence.address();
        match self.database.mark_data_item_licensed(id, licence, self.clock.micros()).await? {
            // With what it was made of, while the chain derived its licence.
            Transition::Refused(DataItemState::Erased) => return Err(AimError::Erased),
            step => step.required()?,
        }
        let row = self.database.find_data_item(id).await?.ok_or(AimError::NotFound)?;
        Ok((row, derived.permit))
    }

    /// Takes back the row of what got no licence, unless it was erased with what it was to be made of.
    async fn forget(&self, id: AihDataId) -> Result<(), AimError> {
        match self.database.remove_data_item(id).await? {
            Transition::Refused(DataItemState::Erased) => Ok(()),
            step => Ok(step.required()?),
        }
    }

    async fn derived_row(
        &self,
        id: AihDataId,
        parent: &DataItemRow,
        offspring: &Offspring,
    ) -> Result<NewDataItem, AimError> {
        // When it was made: the parent's own time may be what de-identification takes away.
        let now = DateTime::from_seconds(self.clock.seconds()).map_err(|error| AimError::Worker(error.to_string()))?;
        Ok(NewDataItem {
            id,
            owner: parent.owner,
            data_class: parent.data_class,
            status: offspring.status,
            qualifier: json!(offspring.qualifier),
            data_time: json!(now),
            descr_metadata: None,
            root: Some(parent.root),
            parent: Some(parent.id),
            object_name: Uuid::new_v4().to_string(),
            item_key_wrapped: self.new_item_key(id, parent.owner).await?.1.as_str().to_owned(),
            created_at_us: self.clock.micros(),
        })
    }
}

/// The contract refused to derive because the parent's licence fell: what the chain would say to anyone.
fn revoked() -> Verdict {
    [FailingTerm::Revoked].into_iter().collect()
}
