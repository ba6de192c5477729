//! **Read**: what stands on chain about a licence, and what an End User would sign. Nothing here writes.

use alloy::primitives::{Address, B256, Signature};
use serde_json::Value;

use super::{
    Licensing, LicensingError,
    terms::{TermsRefused, compile},
};
use crate::{
    chain::typed_data,
    domain::{
        ids::LicenceId,
        model_licence::ModelLicence,
        taxonomy::{DataStatus, UserClass},
        terms::{Derivation, LicenceTerms, Offer},
        user::Registration,
    },
};

/// A licence as the chain has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The Licence ID.
    pub licence: LicenceId,
    /// Its terms; a derived licence has its root's.
    pub terms: LicenceTerms,
    /// Where it comes from, when it is derived.
    pub derivation: Option<Derivation>,
    /// Number of licence events of the item so far.
    pub sequence: u64,
    /// Its state.
    pub state: State,
}

/// State of a licence on chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// In force.
    Active,
    /// In force for third parties only.
    BackEndRenounced,
    /// No longer the current one of its item, or its root is not.
    Superseded,
    /// Withdrawn.
    Revoked,
}

impl Reading {
    /// keccak256 of the ID of the item it is for.
    pub fn item(&self) -> B256 {
        self.derivation.map_or(self.terms.aih_data, |derivation| derivation.data_item)
    }

    /// Status of that item.
    pub fn status(&self) -> DataStatus {
        self.derivation.map_or(DataStatus::Identified, |derivation| derivation.status)
    }

    /// Whether its terms concern an account of this standing: as End User, by name, or by class.
    pub fn concerns(&self, account: Address, standing: Registration) -> bool {
        let named = |class: Option<UserClass>| {
            self.terms.grants.iter().any(|grant| match grant.user {
                Some(user) => user == account,
                None => class.is_some_and(|class| grant.user_classes.contains(class)),
            })
        };
        self.terms.end_user == account || (standing.is_active() && named(standing.class()))
    }
}

/// A Model Licence ready to be signed.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// What it compiles to.
    pub offer: Offer,
    /// The Licence ID it will have.
    pub licence: LicenceId,
    /// For `eth_signTypedData_v4`.
    pub typed_data: Value,
    /// The hash that is signed.
    pub digest: B256,
}

/// Why a Model Licence cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// It cannot be expressed.
    #[error(transparent)]
    Terms(#[from] TermsRefused),
    /// The chain gives no answer.
    #[error(transparent)]
    Licensing(#[from] LicensingError),
}

impl Licensing {
    /// Reads a licence; `None` when the address is none of this registry's.
    ///
    /// # Errors
    /// When there is a doubt, or the chain does not answer.
    pub async fn read(&self, licence: LicenceId) -> Result<Option<Reading>, LicensingError> {
        self.vigil.pass()?;
        self.read_in_doubt(licence).await
    }

    /// As [`Licensing::read`], for what only takes rights away, or was done already: in doubt it is asked as well, unless
    /// the doubt is whether this is our chain and our contract at all.
    ///
    /// # Errors
    /// When the chain may be another, or does not answer.
    pub async fn read_in_doubt(&self, licence: LicenceId) -> Result<Option<Reading>, LicensingError> {
        self.vigil.pass_if_ours()?;
        let address = licence.address();
        if licence.chain_id() != self.node.chain_id() || !self.node.is_licence(address).await? {
            return Ok(None);
        }
        let (terms, derivation) = self.node.terms(address).await?;
        let item = self.node.item(derivation.map_or(terms.aih_data, |derivation| derivation.data_item)).await?;
        let state = match item.licence == Some(address) {
            true if item.revoked => State::Revoked,
            true if !self.node.stands(address).await? => State::Superseded,
            true if item.renounced => State::BackEndRenounced,
            true => State::Active,
            false => State::Superseded,
        };
        Ok(Some(Reading { licence, terms, derivation, sequence: item.sequence, state }))
    }

    /// Whether the current licence of an item, and the root it derives from, stands; `None` when the chain knows none.
    ///
    /// # Errors
    /// When there is a doubt, the node's newest block included, or the chain does not answer.
    pub async fn item_stands(&self, item: B256) -> Result<Option<bool>, LicensingError> {
        self.pass_now().await?;
        match self.node.item(item).await?.licence {
            Some(licence) => Ok(Some(self.node.stands(licence).await?)),
            None => Ok(None),
        }
    }

    /// Compiles a Model Licence for the present moment in its item's history and says what to sign. The history of an
    /// item that somebody else licensed is not told: then the moment is the first, and a signature of it is worthless.
    ///
    /// # Errors
    /// [`PrepareError`].
    pub async fn prepare(&self, licence: &ModelLicence) -> Result<Prepared, PrepareError> {
        self.vigil.pass().map_err(LicensingError::from)?;
        let sequence = self.own_sequence(licence).await?;
        let back_end = self.node.back_end();
        let offer = compile(licence, &back_end, sequence)?;
        let address = self.node.predict(&offer).await.map_err(LicensingError::from)?;
        Ok(Prepared {
            licence: LicenceId::new(back_end.chain_id(), address),
            typed_data: typed_data::offer_typed_data(&offer, &back_end),
            digest: typed_data::offer_hash(&offer, &back_end),
            offer,
        })
    }

    async fn own_sequence(&self, licence: &ModelLicence) -> Result<u64, LicensingError> {
        let item = self.node.item(licence.aih_data.hash()).await?;
        let Some(current) = item.licence else { return Ok(item.sequence) };
        let (terms, _) = self.node.terms(current).await?;
        Ok(if terms.end_user == licence.end_user.address() { item.sequence } else { 0 })
    }

    /// Whether a withdrawal of the whole licence is signed by its End User.
    ///
    /// # Errors
    /// When the chain does not answer about a smart account.
    pub async fn is_withdrawal_signed(&self, reading: &Reading, signature: &[u8]) -> Result<bool, LicensingError> {
        let hash = typed_data::revocation_hash(reading.item(), reading.licence.address(), &self.node.back_end());
        self.is_signed(reading.terms.end_user, hash, signature).await
    }

    /// Whether an account signed a hash: one with code as a contract (ERC-1271) and not with its key, any other with its
    /// key, in the one form the registry takes (v 27 or 28, the lower of both s). It judges the same; what it would refuse
    /// need not go there at the operator's cost and in everybody's way.
    ///
    /// # Errors
    /// When the chain does not answer about a smart account.
    pub(super) async fn is_signed(&self, by: Address, hash: B256, signature: &[u8]) -> Result<bool, LicensingError> {
        if self.node.has_code(by).await? {
            return Ok(self.node.accepts_signature(by, hash, signature.to_vec().into()).await?);
        }
        Ok(canonical(signature).is_some_and(|s| s.recover_address_from_prehash(&hash).is_ok_and(|signer| signer == by)))
    }

    /// What an End User signs to withdraw a licence as a whole, for `eth_signTypedData_v4`.
    pub fn withdrawal_to_sign(&self, reading: &Reading) -> Value {
        typed_data::revocation_typed_data(reading.item(), reading.licence.address(), &self.node.back_end())
    }
}

/// A signature in the form that OpenZeppelin's `ECDSA` takes.
fn canonical(signature: &[u8]) -> Option<Signature> {
    let parsed = Signature::from_raw(signature).ok()?;
    (matches!(signature, [.., 27 | 28]) && parsed.normalize_s().is_none()).then_some(parsed)
}
