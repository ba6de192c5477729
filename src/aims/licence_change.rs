//! Changing a licence (the service `LicenceChange`): the End User signs another Model Licence for the same item, the chain
//! puts it in the place of the old one, and everything derived under the old one falls. A withdrawn item is licensed anew
//! the same way.
//!
//! ```text
//! keep the signed document ─▶ change on chain ─▶ mark it in force (the old one: replaced) ─▶ the item's row names it
//! ```
//!
//! The address of a licence follows from its content, so the same request after a crash finds how far it came.

use alloy::primitives::{Address, Bytes};

use super::{AimError, Aims};
use crate::{
    db::{
        Transition,
        data_items::DataItemState,
        model_licences::{ModelLicenceRow, ModelLicenceState, NewModelLicence},
        operation_acts::Done,
    },
    domain::{ids::AihDataId, licence_event::Evidence, taxonomy::DataClass, terms::Offer},
    licensing::{
        LicensingError,
        read::{Reading, State},
        terms::compile,
    },
    schema::{self, canonical, wire::SignedDocument},
};

/// Rows read at once.
const PAGE_ROWS: u32 = 100;

/// Another Model Licence for a licensed item.
#[derive(Debug, Clone)]
pub struct LicenceChange {
    /// The item.
    pub item: AihDataId,
    /// What the End User signed.
    pub document: SignedDocument,
    /// Their EIP-712 signature of its terms.
    pub signature: Bytes,
    /// The moment in the item's history it was signed for.
    pub sequence: u64,
}

impl Aims {
    /// Puts another licence in the place of the one read. The same content again finds the first result.
    ///
    /// # Errors
    /// When the licence is not the item's own current one, the Model Licence cannot be expressed or is about something
    /// else, the signature is not the End User's for this moment, or chain or database do not answer.
    pub async fn change_licence(&self, reading: &Reading, change: &LicenceChange) -> Result<Address, AimError> {
        let (offer, data_class) = self.examine_change(reading, change)?;
        let item = self.database.find_data_item(change.item).await?.ok_or(AimError::NotFound)?;
        if data_class != item.data_class {
            return Err(AimError::Refused {
                pointer: "/BlockchainLicence/Request/ModelLicence/AIHDataType",
                reason: "the item is data of another class",
            });
        }
        if item.state == DataItemState::Erased {
            return Err(AimError::Erased);
        }
        let previous = item.licence.ok_or(AimError::Conflict("the upload of this item is not finished"))?;
        let node = self.licensing.node();
        let licence = node.predict(&offer).await.map_err(LicensingError::from)?;
        let is_done = self.is_in_force(change.item, licence).await?;
        if !is_done && reading.state == State::Superseded {
            return Err(AimError::Conflict("this licence is not the current one of its item"));
        }
        self.database.insert_model_licence(&self.kept(change, licence)).await?;
        let evidence = match is_done {
            true => self.licensing.made(change.item.hash(), licence).await?,
            false => self.change_on_chain(change, &offer, licence).await?,
        };
        self.take_effect(change.item, (previous, licence)).await?;
        self.note(Done::ChangeLicence, &item, item.owner.address(), (Some(licence), Some(evidence))).await;
        Ok(licence)
    }

    /// At a start: signed Model Licences of which a crash left unknown whether the chain has them are looked up there.
    /// Returns how many were settled; those of items not licensed yet are left to the upload that brings them again.
    ///
    /// # Errors
    /// When chain or database do not answer.
    pub async fn settle_signed_licences(&self) -> Result<usize, AimError> {
        let (began, mut after, mut settled) = (self.clock.micros(), None, 0);
        loop {
            let page = self.database.list_unfinished_model_licences(began, after.as_ref(), PAGE_ROWS).await?;
            for row in &page.rows {
                settled += usize::from(self.settle_signed(row).await?);
            }
            after = page.next;
            if after.is_none() {
                return Ok(settled);
            }
        }
    }

    async fn settle_signed(&self, row: &ModelLicenceRow) -> Result<bool, AimError> {
        let Some(item) = self.database.find_data_item(row.aih_data_id).await? else { return Ok(false) };
        if !matches!(item.state, DataItemState::Licensed | DataItemState::Stored) {
            return Ok(false);
        }
        let on_chain = self.licensing.node().item(row.aih_data_id.hash()).await.map_err(LicensingError::from)?;
        if on_chain.licence == Some(row.licence) && !on_chain.revoked {
            self.take_effect(row.aih_data_id, (item.licence.unwrap_or(row.licence), row.licence)).await?;
            let evidence = self.licensing.made(item.hash, row.licence).await?;
            self.note(Done::ChangeLicence, &item, item.owner.address(), (Some(row.licence), Some(evidence))).await;
            return Ok(true);
        }
        // Its moment has passed: the chain will never take it.
        if on_chain.sequence > row.sequence && on_chain.licence != Some(row.licence) {
            return Ok(self.database.remove_model_licence(row.licence).await?.is_done());
        }
        Ok(false)
    }

    /// Writes what the chain has done. The clerk may have copied it already, and what came after it: what is written then
    /// stays.
    async fn take_effect(&self, item: AihDataId, (previous, licence): (Address, Address)) -> Result<(), AimError> {
        let now = self.clock.micros();
        match self.database.mark_model_licence_issued(licence, now).await? {
            Transition::Refused(ModelLicenceState::Replaced | ModelLicenceState::Revoked) => {}
            transition => transition.required()?,
        }
        self.database.change_data_item_licence(item, (previous, licence), now).await?;
        Ok(())
    }

    fn examine_change(&self, reading: &Reading, change: &LicenceChange) -> Result<(Offer, DataClass), AimError> {
        let refuse = |pointer, reason| Err(AimError::Refused { pointer, reason });
        if reading.derivation.is_some() {
            return Err(AimError::Conflict("a derived licence follows its root; change the root's"));
        }
        let licence = schema::into_domain(change.document.document())?;
        if licence.aih_data != change.item || change.item.hash() != reading.item() {
            return refuse("/BlockchainLicence/Request/AIHDataID", "licence and Model Licence are for different items");
        }
        if licence.end_user.address() != reading.terms.end_user {
            return refuse("/BlockchainLicence/Request/ModelLicence/EndUserID", "the licence has another End User");
        }
        Ok((compile(&licence, &self.back_end(), change.sequence)?, licence.data_class))
    }

    /// Gives where the change stands. The permit to store that comes with it is not needed: the payload is there.
    async fn change_on_chain(
        &self,
        change: &LicenceChange,
        offer: &Offer,
        licence: Address,
    ) -> Result<Evidence, AimError> {
        match self.licensing.change(change.item, offer, &change.signature).await {
            Ok(issued) => Ok(issued.permit.grounds().evidence),
            // An unknown end stays, to be found by the next attempt.
            Err(error) if error.refusal().is_none() => Err(error.into()),
            // The same change, asked for twice at once: the chain took the one and refuses the other. Its document stays.
            Err(_) if self.is_in_force(change.item, licence).await? => {
                Ok(self.licensing.made(change.item.hash(), licence).await?)
            }
            // What the contract refused was never in force.
            Err(error) => {
                if let Err(error) = self.database.remove_model_licence(licence).await {
                    tracing::warn!(%licence, %error, "licence.not_taken_back");
                }
                Err(error.into())
            }
        }
    }

    async fn is_in_force(&self, item: AihDataId, licence: Address) -> Result<bool, AimError> {
        let on_chain = self.licensing.node().item(item.hash()).await.map_err(LicensingError::from)?;
        Ok(on_chain.licence == Some(licence) && !on_chain.revoked)
    }

    fn kept(&self, change: &LicenceChange, licence: Address) -> NewModelLicence {
        let back_end = self.back_end();
        let canonical = canonical::canonical(change.document.document());
        NewModelLicence {
            licence,
            aih_data_id: change.item,
            // Canonical JSON is UTF-8.
            document: String::from_utf8_lossy(&canonical).into_owned(),
            signature: change.signature.clone(),
            sequence: change.sequence,
            chain_id: back_end.chain_id(),
            registry: back_end.address(),
            created_at_us: self.clock.micros(),
        }
    }
}
