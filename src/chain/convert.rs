//! Domain words to ABI types and back.

use alloy::{
    primitives::{Address, B256, Bytes, FixedBytes, aliases::U40},
    sol_types::{SolError, SolInterface},
};

use super::{
    bindings::{
        Grant,
        LicenceRegistry::{self, LicenceRegistryErrors as Errors},
        Request, Terms,
    },
    error::Refusal,
};
use crate::domain::{
    licence_event::ConfirmId,
    operation::Operation,
    taxonomy::{Usage, Word},
    terms::{self, Offer},
    window::Window,
};

/// A request for confirmation as it goes to the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfirmRequest {
    /// keccak256 of the AIH Data ID.
    pub aih_data: B256,
    /// Who asks; the registry's own address is the Back End.
    pub user: Address,
    /// For what.
    pub operation: Operation,
    /// For which use.
    pub usage: Usage,
    /// Intended time, seconds since 1970.
    pub at: u64,
    /// Which request this is.
    pub confirm_id: ConfirmId,
}

impl From<&ConfirmRequest> for Request {
    fn from(request: &ConfirmRequest) -> Self {
        Self {
            aihData: request.aih_data,
            user: request.user,
            operation: request.operation.code(),
            usage: request.usage.code(),
            at: seconds(request.at),
            confirmId: FixedBytes(request.confirm_id),
        }
    }
}

impl From<&Offer> for Terms {
    fn from(offer: &Offer) -> Self {
        let terms = &offer.terms;
        Self {
            aihData: terms.aih_data,
            modelLicence: terms.model_licence,
            endUser: terms.end_user,
            dataClass: terms.data_class.code(),
            start: start(&terms.window),
            end: end(&terms.window),
            requiredStatus: terms.required_status.code(),
            operations: terms.operations.bits(),
            usages: terms.usages.byte(),
            sequence: offer.sequence,
            grants: terms.grants.iter().map(Grant::from).collect(),
        }
    }
}

impl From<&terms::Grant> for Grant {
    fn from(grant: &terms::Grant) -> Self {
        Self {
            user: grant.user.unwrap_or(Address::ZERO),
            userClasses: grant.user_classes.byte(),
            dataClasses: grant.data_classes.byte(),
            operations: grant.operations.bits(),
            usages: grant.usages.byte(),
            anomalies: grant.anomalies.byte(),
            start: start(&grant.window),
            end: end(&grant.window),
        }
    }
}

fn start(window: &Window) -> U40 {
    seconds(window.start())
}

fn end(window: &Window) -> U40 {
    seconds(window.end())
}

/// Seconds as the contract holds them. A time beyond 40 bits (the year 36812) lies after the end of every window a
/// licence can hold, and so does the largest 40-bit value: saturating keeps the verdict.
fn seconds(value: u64) -> U40 {
    const LARGEST: u64 = (1 << 40) - 1;
    U40::from(value.min(LARGEST))
}

/// Decodes revert data through the contracts' typed errors.
pub(super) fn refusal(data: &Bytes) -> Refusal {
    match Errors::abi_decode(data) {
        Ok(Errors::LicenceRegistry_InvalidSignature(_)) => Refusal::InvalidSignature,
        Ok(Errors::LicenceRegistry_AlreadyLicensed(_)) => Refusal::AlreadyLicensed,
        Ok(Errors::LicenceRegistry_NoLicence(_)) => Refusal::NoLicence,
        Ok(Errors::LicenceRegistry_StaleSequence(e)) => Refusal::StaleSequence { expected: e.expected, given: e.given },
        Ok(Errors::LicenceRegistry_AlreadyRevoked(_) | Errors::LicenceRegistry_AlreadyRenounced(_)) => {
            Refusal::AlreadyRevoked
        }
        Ok(Errors::LicenceRegistry_ParentNotStanding(_)) => Refusal::ParentNotStanding,
        Ok(error) => Refusal::Other(format!("{error:?}")),
        Err(_) => Refusal::Unknown(data.clone()),
    }
}

/// Reads the selector of a custom error, as `DerivationRefused` carries it.
pub fn refusal_of_derivation(selector: [u8; 4]) -> Refusal {
    if selector == LicenceRegistry::LicenceRegistry_ParentNotStanding::SELECTOR {
        return Refusal::ParentNotStanding;
    }
    let name = Errors::name_by_selector(selector).unwrap_or("an unknown reason");
    Refusal::Other(name.to_owned())
}
