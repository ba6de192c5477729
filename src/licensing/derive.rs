//! **Derive**: the contract copies the parent's terms into the licence of a result; it can never be wider.

use alloy::primitives::Address;

use super::{
    ACT_TIME, Licensing, LicensingError,
    batch::evidence,
    permit::Permit,
    queue::{DeriveRequest, Done, QueueError, Work},
};
use crate::{
    chain::{Refusal, convert::refusal_of_derivation, operator::Mined},
    domain::{
        ids::{AihDataId, LicenceId},
        licence_event::{Evidence, LicenceEventKind as Kind},
        taxonomy::DataStatus,
    },
};

/// A derived licence.
#[derive(Debug)]
pub struct Derived {
    /// The Licence ID.
    pub licence: LicenceId,
    /// Permission to store the derived item.
    pub permit: Permit,
}

/// What is derived from what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lineage {
    /// The item processed.
    pub parent: AihDataId,
    /// The item that came of it.
    pub item: AihDataId,
    /// Its status, at least the parent's.
    pub status: DataStatus,
    /// For whom it was made.
    pub requester: Address,
}

impl Licensing {
    /// Has the licence of a result made. Fails when the parent's licence no longer stands, which also makes it the last
    /// check before a result is kept.
    ///
    /// # Errors
    /// [`LicensingError::Refused`] with the contract's reason; otherwise a doubt or that the chain does not answer.
    pub async fn derive(&self, lineage: &Lineage) -> Result<Derived, LicensingError> {
        self.vigil.pass()?;
        let request =
            DeriveRequest { parent: lineage.parent.hash(), aih_data: lineage.item.hash(), status: lineage.status };
        let mined = match self.queue.ask(Work::Derive(request), ACT_TIME).await? {
            Done::Mined(mined) => mined,
            Done::Confirmed(..) => {
                return Err(QueueError::NotRecorded("an answer to another request".to_owned()).into());
            }
        };
        let (licence, evidence) = self.find_derived(lineage, &mined).await?;
        super::vigil::Vigil::judge_clock(mined.block_time, &self.clock)?;
        Ok(Derived {
            licence: LicenceId::new(self.node.chain_id(), licence),
            permit: self.permit_to_store(lineage.item, lineage.requester, (licence, evidence), mined.block_time),
        })
    }

    async fn find_derived(&self, lineage: &Lineage, mined: &Mined) -> Result<(Address, Evidence), LicensingError> {
        for event in &mined.events {
            match &event.kind {
                Kind::Derived { aih_data, licence, .. } if *aih_data == lineage.item.hash() => {
                    return Ok((*licence, evidence(event, mined)));
                }
                Kind::DerivationRefused { aih_data, reason, .. } if *aih_data == lineage.item.hash() => {
                    return Err(LicensingError::Refused(refusal_of_derivation(*reason)));
                }
                _ => {}
            }
        }
        // No event: the very same derivation stands already.
        match self.node.item(lineage.item.hash()).await?.licence {
            Some(licence) if self.node.stands(licence).await? => {
                Ok((licence, self.made(lineage.item.hash(), licence).await?))
            }
            _ => Err(LicensingError::Refused(Refusal::Other("the registry made no licence".to_owned()))),
        }
    }
}
