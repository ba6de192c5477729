//! What the contracts answer without recording anything.

use alloy::{
    network::Ethereum,
    primitives::{Address, B256, Bytes},
    providers::{DynProvider, Provider},
    sol_types::SolCall,
};

use super::{ItemState, Node, connection::answer, in_time};
use crate::{
    chain::{
        ChainError,
        bindings::{IERC1271, LicenceRegistry, Request, licence::Licence},
        convert::ConfirmRequest,
    },
    domain::{
        taxonomy::{DataStatus, UserClass, Word},
        terms::{Derivation, LicenceTerms},
        user::Registration,
        verdict::Verdict,
    },
};

impl Node {
    fn contract(&self) -> LicenceRegistry::LicenceRegistryInstance<&DynProvider, Ethereum> {
        LicenceRegistry::new(self.registry, &self.provider)
    }

    /// The registry's answer without recording it.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn check(&self, request: &ConfirmRequest) -> Result<Verdict, ChainError> {
        let bits = answer(async { self.contract().check(Request::from(request)).call().await }).await?;
        Verdict::from_bits(bits).map_err(|b| ChainError::Contradiction(format!("verdict with unknown terms {b:#x}")))
    }

    /// The licence state of a data item.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn item(&self, aih_data: B256) -> Result<ItemState, ChainError> {
        let item = answer(async { self.contract().itemOf(aih_data).call().await }).await?;
        Ok(ItemState {
            licence: (item.licence != Address::ZERO).then_some(item.licence),
            sequence: item.sequence,
            revoked: item.state == 2,
            renounced: item.state == 1,
        })
    }

    /// What the registry knows of a user.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn user(&self, user: Address) -> Result<Registration, ChainError> {
        let known = answer(async { self.contract().userClassOf(user).call().await }).await?;
        if !known.known {
            return Ok(Registration::Unknown);
        }
        let class = UserClass::from_code(known.class)
            .ok_or_else(|| ChainError::Contradiction(format!("unknown user class {}", known.class)))?;
        Ok(Registration::Known { class, active: known.active })
    }

    /// Whether a licence, and the root it derives from, is current and not withdrawn.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn stands(&self, licence: Address) -> Result<bool, ChainError> {
        answer(async { self.contract().standing(licence).call().await }).await
    }

    /// Whether an address is a licence of this registry. The registry tries every moment in the history of the item for
    /// it, two hashes each, so an item of very many changes may exceed what a node grants a call; nothing that is sent
    /// depends on it.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn is_licence(&self, address: Address) -> Result<bool, ChainError> {
        answer(async { self.contract().isLicence(address).call().await }).await
    }

    /// The terms a licence contract carries in its code, and for a derived licence where it comes from.
    ///
    /// # Errors
    /// When the node does not answer, or the address holds no licence.
    pub async fn terms(&self, licence: Address) -> Result<(LicenceTerms, Option<Derivation>), ChainError> {
        let code = in_time(async { self.provider.get_code_at(licence).await }).await?;
        // A minimal clone is 45 bytes of program; the immutable arguments follow.
        const CLONE_BYTES: usize = 45;
        let arguments =
            code.get(CLONE_BYTES..).ok_or_else(|| ChainError::Contradiction(format!("{licence} is no licence")))?;
        LicenceTerms::unpack_code(arguments).map_err(|e| ChainError::Contradiction(e.to_string()))
    }

    /// The address an offer becomes or became.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn predict(&self, offer: &crate::domain::terms::Offer) -> Result<Address, ChainError> {
        answer(async { self.contract().predict(offer.into()).call().await }).await
    }

    /// The address an item would get if it were derived now, tried without sending anything; `None` when the contract
    /// refuses. Only an operator may derive, so one is named.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn would_derive(
        &self,
        operator: Address,
        (parent, item): (B256, B256),
        status: DataStatus,
    ) -> Result<Option<Address>, ChainError> {
        let contract = self.contract();
        match answer(async { contract.derive(parent, item, status.code()).from(operator).call().await }).await {
            Ok(address) => Ok(Some(address)),
            Err(ChainError::Refused(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether an account holds the OPERATOR role.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn is_operator(&self, account: Address) -> Result<bool, ChainError> {
        let role = answer(async { self.contract().OPERATOR_ROLE().call().await }).await?;
        answer(async { self.contract().hasRole(role, account).call().await }).await
    }

    /// Whether an account has code, be it only a delegation (EIP-7702).
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn has_code(&self, account: Address) -> Result<bool, ChainError> {
        Ok(!in_time(async { self.provider.get_code_at(account).await }).await?.is_empty())
    }

    /// Whether a smart account accepts a signature of this hash (ERC-1271). An account without code accepts none.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn accepts_signature(&self, account: Address, hash: B256, signature: Bytes) -> Result<bool, ChainError> {
        if !self.has_code(account).await? {
            return Ok(false);
        }
        let asked = IERC1271::new(account, &self.provider);
        match answer(async { asked.isValidSignature(hash, signature).call().await }).await {
            Ok(magic) => Ok(magic == IERC1271::isValidSignatureCall::SELECTOR),
            // It reverted, or answered what no such account answers.
            Err(ChainError::Refused(_) | ChainError::Contradiction(_)) => Ok(false),
            // It ran into an error that carries no revert data: the node answered, and it was no yes.
            Err(ChainError::Unavailable(error)) if error.as_error_resp().is_some() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A handle on the licence contract itself.
    pub fn licence(&self, address: Address) -> Licence::LicenceInstance<&DynProvider, Ethereum> {
        Licence::new(address, &self.provider)
    }
}

/// A failed call: the transport's fault, or the contract's refusal.
pub(in crate::chain) fn call_error(error: alloy::contract::Error) -> ChainError {
    match error {
        alloy::contract::Error::TransportError(error) => error.into(),
        other => ChainError::Contradiction(other.to_string()),
    }
}
