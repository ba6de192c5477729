//! **Restoring a chain** that was reset: what End Users signed is given to the empty registry again, in the order of then.
//! Addresses follow from content, so every licence comes back under its Licence ID, and with it every verdict.
//!
//! ```text
//! item by item:   issue ─▶ what was derived under it ─▶ what was given up or withdrawn ─▶ change ─▶ …
//! ```
//!
//! Each step looks first whether the chain has it already, so that a restoration that broke off goes on where it stopped.
//! A withdrawal that an End User sent to the chain themselves, without a signature, cannot be repeated by anybody else:
//! such a licence is not brought back at all, and neither is what came after it. It was withdrawn; now there is none.

use alloy::primitives::Address;

use super::{AimError, Aims};
use crate::{
    db::{
        data_items::DataItemRow,
        model_licences::{ModelLicenceRow, RestoreCursor},
        revocations::{Revocation, RevocationScope},
    },
    domain::{ids::AihDataId, terms::Offer},
    licensing::{LicensingError, derive::Lineage, terms::compile},
    schema,
};

/// Rows read at once.
const PAGE: u32 = 200;

/// What a restoration did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// Signed licences that are on chain now, and were before.
    pub licences: u64,
    /// Derived licences likewise.
    pub derived: u64,
    /// Withdrawals likewise.
    pub withdrawals: u64,
    /// Transactions that it took.
    pub sent: u64,
    /// Items left without a licence: a withdrawal cannot be repeated, or no licence restored gives them theirs.
    pub left: Vec<AihDataId>,
}

/// Why a chain cannot be restored, or not further.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// A room, the chain or the cellar.
    #[error(transparent)]
    Aim(#[from] AimError),
    /// A kept Model Licence is none any more.
    #[error("the Model Licence kept for {0} cannot be read")]
    Document(AihDataId),
    /// A licence would come back under another ID: another registry, another chain, or other contracts.
    #[error("the licence of {item} would become {found} and was {kept}; this is not the registry it was made by")]
    OtherAddress {
        /// The item.
        item: AihDataId,
        /// As kept.
        kept: Address,
        /// As it would be.
        found: Address,
    },
    /// The chain has something else for an item than what was kept.
    #[error("the chain has another history of {0} than this Back End kept")]
    OtherHistory(AihDataId),
}

impl<E: Into<LicensingError>> From<E> for RestoreError {
    fn from(error: E) -> Self {
        Self::Aim(AimError::Licensing(error.into()))
    }
}

impl From<crate::db::DbError> for RestoreError {
    fn from(error: crate::db::DbError) -> Self {
        Self::Aim(error.into())
    }
}

/// One item with all that happened to its licences.
struct History {
    licences: Vec<ModelLicenceRow>,
    withdrawals: Vec<Revocation>,
    descendants: Vec<DataItemRow>,
}

impl Aims {
    /// Gives the chain every signed licence, every derivation and every withdrawal that this Back End kept. Users must be
    /// registered there before. `operator` is the account that the queue sends from.
    ///
    /// # Errors
    /// [`RestoreError`]; what was restored until then stays, and is found by the next attempt.
    pub async fn restore_licences(&self, operator: Address) -> Result<Restored, RestoreError> {
        let mut restored = Restored::default();
        let (mut cursor, mut gathered): (Option<RestoreCursor>, Vec<ModelLicenceRow>) = (None, Vec::new());
        loop {
            let page = self.database.list_model_licences_to_restore(cursor.as_ref(), PAGE).await?;
            cursor = page.last().map(RestoreCursor::from);
            let ended = page.is_empty();
            for row in page {
                if gathered.last().is_some_and(|last| last.aih_data_id != row.aih_data_id) {
                    self.restore_item(std::mem::take(&mut gathered), operator, &mut restored).await?;
                }
                gathered.push(row);
            }
            if ended {
                self.restore_item(gathered, operator, &mut restored).await?;
                return Ok(restored);
            }
        }
    }

    async fn restore_item(
        &self,
        licences: Vec<ModelLicenceRow>,
        operator: Address,
        restored: &mut Restored,
    ) -> Result<(), RestoreError> {
        let Some(item) = licences.first().map(|row| row.aih_data_id) else { return Ok(()) };
        let history = History {
            withdrawals: self.database.list_revocations_of_item(item).await?,
            descendants: self.descendants_of(item).await?,
            licences,
        };
        let mut waiting = history.descendants;
        for row in &history.licences {
            let is_lost = history.withdrawals.iter().any(|w| w.licence == row.licence && is_lost(w));
            if is_lost || !self.restore_licence(row, restored).await? {
                // With the item what derives from it, as far as it was not restored under an earlier licence.
                restored.left.push(item);
                break;
            }
            restored.licences += 1;
            let on_chain = self.licensing.node().item(item.hash()).await?;
            let in_force = on_chain.licence == Some(row.licence) && !on_chain.revoked;
            let withdrawals: Vec<_> = history.withdrawals.iter().filter(|w| w.licence == row.licence).collect();
            waiting = self.restore_below(waiting, (operator, in_force), restored).await?;
            match in_force {
                true => self.withdraw_again(item, &withdrawals, restored).await?,
                // An earlier attempt came past here.
                false => restored.withdrawals += withdrawals.len() as u64,
            }
        }
        restored.left.extend(waiting.iter().map(|child| child.id));
        Ok(())
    }

    async fn descendants_of(&self, root: AihDataId) -> Result<Vec<DataItemRow>, RestoreError> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.database.list_data_items_of_root(root, after.as_ref(), PAGE).await?;
            found.extend(page.rows.into_iter().filter(|row| row.id != root && row.licence.is_some()));
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// Issues or changes to a licence, unless the chain is past it. False when something before it is missing.
    async fn restore_licence(&self, row: &ModelLicenceRow, restored: &mut Restored) -> Result<bool, RestoreError> {
        let offer = self.offer_of(row)?;
        let node = self.licensing.node();
        let found = node.predict(&offer).await?;
        if found != row.licence {
            return Err(RestoreError::OtherAddress { item: row.aih_data_id, kept: row.licence, found });
        }
        let on_chain = node.item(row.aih_data_id.hash()).await?;
        if on_chain.sequence > row.sequence {
            return match node.is_licence(row.licence).await? {
                true => Ok(true),
                false => Err(RestoreError::OtherHistory(row.aih_data_id)),
            };
        }
        if on_chain.sequence < row.sequence {
            return Ok(false);
        }
        let issued = match on_chain.licence {
            None => self.licensing.issue(row.aih_data_id, &offer, &row.signature).await?,
            Some(_) => self.licensing.change(row.aih_data_id, &offer, &row.signature).await?,
        };
        restored.sent += 1;
        // The payload is there, or is not wanted any more.
        drop(issued.permit);
        Ok(true)
    }

    fn offer_of(&self, row: &ModelLicenceRow) -> Result<Offer, RestoreError> {
        let unreadable = || RestoreError::Document(row.aih_data_id);
        let document = serde_json::from_str(&row.document).map_err(|_| unreadable())?;
        let licence = schema::into_domain(&document).map_err(|_| unreadable())?;
        compile(&licence, &self.back_end(), row.sequence).map_err(|_| unreadable())
    }

    /// What was derived from the licence in force, oldest first, so that parents come before their children. The registry
    /// says itself which that is: under any other licence an item gets another address. Times would not do, because a
    /// change can be kept long before it is mined. Gives back what belongs to none until now.
    async fn restore_below(
        &self,
        waiting: Vec<DataItemRow>,
        (operator, in_force): (Address, bool),
        restored: &mut Restored,
    ) -> Result<Vec<DataItemRow>, RestoreError> {
        let (mut later, mut placed) = (Vec::new(), Vec::new());
        for child in waiting {
            let Some(licence) = child.licence else { continue };
            let withdrawals = self.database.list_revocations_of(licence).await?;
            if withdrawals.iter().any(is_lost) {
                restored.left.push(child.id);
            } else if self.restore_derived(&child, licence, (operator, in_force), restored).await? {
                restored.derived += 1;
                placed.push((child.id, withdrawals));
            } else {
                later.push(child);
            }
        }
        // Only then: from what was withdrawn nothing can be derived.
        for (child, withdrawals) in &placed {
            self.withdraw_again(*child, &withdrawals.iter().collect::<Vec<_>>(), restored).await?;
        }
        Ok(later)
    }

    /// Whether the item stands under its licence of then, derived now where it would get just that one.
    async fn restore_derived(
        &self,
        child: &DataItemRow,
        licence: Address,
        (operator, in_force): (Address, bool),
        restored: &mut Restored,
    ) -> Result<bool, RestoreError> {
        let (node, Some(parent)) = (self.licensing.node(), child.parent) else { return Ok(false) };
        match node.item(child.hash).await?.licence {
            Some(found) if found == licence => return Ok(true),
            Some(_) => return Err(RestoreError::OtherHistory(child.id)),
            None if !in_force => return Ok(false),
            None => {}
        }
        if node.would_derive(operator, (parent.hash(), child.hash), child.status).await? != Some(licence) {
            return Ok(false);
        }
        let requester = self.back_end().address();
        let lineage = Lineage { parent, item: child.id, status: child.status, requester };
        let derived = self.licensing.derive(&lineage).await?;
        restored.sent += 1;
        let found = derived.licence.address();
        drop(derived.permit);
        match found == licence {
            true => Ok(true),
            false => Err(RestoreError::OtherAddress { item: child.id, kept: licence, found }),
        }
    }

    /// First what the Back End gave up, then the whole: after that there is nothing to give up.
    async fn withdraw_again(
        &self,
        item: AihDataId,
        withdrawals: &[&Revocation],
        restored: &mut Restored,
    ) -> Result<(), RestoreError> {
        for scope in [RevocationScope::BackEnd, RevocationScope::Licence] {
            let Some(withdrawal) = withdrawals.iter().find(|withdrawal| withdrawal.scope == scope) else { continue };
            let on_chain = self.licensing.node().item(item.hash()).await?;
            match (scope, &withdrawal.signature) {
                (RevocationScope::BackEnd, _) if !on_chain.renounced && !on_chain.revoked => {
                    self.licensing.renounce(item).await?;
                    restored.sent += 1;
                }
                (RevocationScope::Licence, Some(signature)) if !on_chain.revoked => {
                    self.licensing.revoke(item, signature).await?;
                    restored.sent += 1;
                }
                _ => {}
            }
            restored.withdrawals += 1;
        }
        Ok(())
    }
}

/// Withdrawn as a whole, and nobody but the End User could do it again.
fn is_lost(withdrawal: &Revocation) -> bool {
    withdrawal.scope == RevocationScope::Licence && withdrawal.signature.is_none()
}
