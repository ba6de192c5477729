//! **Issue**: a signed Model Licence becomes a licence contract; its address is the Licence ID.

use alloy::{primitives::Address, sol_types::SolCall};

use super::{
    ACT_TIME, Licensing, LicensingError,
    batch::evidence,
    permit::{Grounds, Permit},
    queue::{Done, QueueError, Work},
};
use crate::{
    chain::{
        Refusal,
        bindings::LicenceRegistry,
        operator::{Call, Mined},
        typed_data,
    },
    domain::{
        ids::{AihDataId, LicenceId},
        licence_event::{Evidence, LicenceEventKind as Kind},
        operation::Operation,
        taxonomy::Usage,
        terms::Offer,
    },
};

/// Most gas an issue or a change may use: eight grants and a smart account's signature check.
const ISSUE_GAS: u64 = 1_500_000;

/// A licence that came of it.
#[derive(Debug)]
pub struct Issued {
    /// The Licence ID.
    pub licence: LicenceId,
    /// Permission to store the item.
    pub permit: Permit,
    /// The transaction and its gas; `None` when the licence was there already.
    pub gas_used: u64,
}

impl Licensing {
    /// Has a licence made. The same content again finds the first result.
    ///
    /// # Errors
    /// When there is a doubt, the signature is not the End User's, the item has another licence, or the chain does not
    /// answer.
    pub async fn issue(&self, item: AihDataId, offer: &Offer, signature: &[u8]) -> Result<Issued, LicensingError> {
        let data =
            LicenceRegistry::issueCall { terms: offer.into(), signature: signature.to_vec().into() }.abi_encode();
        self.license(item, (offer, signature), Call { data: data.into(), gas_limit: ISSUE_GAS }).await
    }

    /// Has a licence replaced; everything derived under the old one falls with it.
    ///
    /// # Errors
    /// As [`Licensing::issue`]; also when the signature was made for another moment in the item's history.
    pub async fn change(&self, item: AihDataId, offer: &Offer, signature: &[u8]) -> Result<Issued, LicensingError> {
        let data =
            LicenceRegistry::changeCall { terms: offer.into(), signature: signature.to_vec().into() }.abi_encode();
        self.license(item, (offer, signature), Call { data: data.into(), gas_limit: ISSUE_GAS }).await
    }

    async fn license(
        &self,
        item: AihDataId,
        (offer, signature): (&Offer, &[u8]),
        call: Call,
    ) -> Result<Issued, LicensingError> {
        self.vigil.pass()?;
        let signed = typed_data::offer_hash(offer, &self.node.back_end());
        if !self.is_signed(offer.terms.end_user, signed, signature).await? {
            return Err(LicensingError::Refused(Refusal::InvalidSignature));
        }
        let mined = self.alone(call).await?;
        let found = mined.events.iter().find_map(|event| match &event.kind {
            Kind::Issued { aih_data, licence, .. } | Kind::Changed { aih_data, licence, .. }
                if *aih_data == item.hash() =>
            {
                Some((*licence, evidence(event, &mined)))
            }
            _ => None,
        });
        let (licence, evidence) = match found {
            Some(found) => found,
            None => self.found_before(item, offer).await?,
        };
        super::vigil::Vigil::judge_clock(mined.block_time, &self.clock)?;
        Ok(Issued {
            licence: LicenceId::new(self.node.chain_id(), licence),
            permit: self.permit_to_store(item, offer.terms.end_user, (licence, evidence), mined.block_time),
            gas_used: mined.gas_used,
        })
    }

    /// No event: the contract found the very same licence standing already.
    async fn found_before(&self, item: AihDataId, offer: &Offer) -> Result<(Address, Evidence), LicensingError> {
        let state = self.node.item(item.hash()).await?;
        let expected = self.node.predict(offer).await?;
        if state.licence != Some(expected) || state.revoked {
            return Err(LicensingError::Refused(Refusal::Other("the registry made no licence".to_owned())));
        }
        Ok((expected, self.made(item.hash(), expected).await?))
    }

    pub(super) fn permit_to_store(
        &self,
        item: AihDataId,
        for_whom: Address,
        (licence, evidence): (Address, Evidence),
        since: u64,
    ) -> Permit {
        Permit::new(Grounds {
            item,
            operation: Operation::Store,
            usage: Usage::PatientUse,
            requester: for_whom,
            confirm_id: [0; 16],
            licence,
            evidence,
            since,
        })
    }

    pub(super) async fn alone(&self, call: Call) -> Result<Mined, LicensingError> {
        match self.queue.ask(Work::Alone(call), ACT_TIME).await? {
            Done::Mined(mined) => Ok(mined),
            Done::Confirmed(..) => Err(QueueError::NotRecorded("an answer to another request".to_owned()).into()),
        }
    }
}
