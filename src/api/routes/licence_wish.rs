//! What a Blockchain Licence message wishes for: another licence, or a withdrawal.

use crate::{
    aims::licence_change::LicenceChange,
    api::{Problem, problem::contradiction},
    domain::ids::AihDataId,
    schema::wire::{BlockchainLicence, Exchange, LicenceRequest, LicenceWish, Revocation},
};

/// Another licence for an item, whole: with signature and moment.
pub(super) fn change(message: BlockchainLicence) -> Result<LicenceChange, Problem> {
    let Some((item, LicenceWish::Licence { model_licence, signature, sequence })) = wish(message) else {
        return Err(contradiction("/BlockchainLicence", "a request with a ModelLicence is expected"));
    };
    let at = |label: &str| format!("/BlockchainLicence/Request/{label}");
    let signature =
        signature.ok_or_else(|| contradiction(&at("ModelLicenceSignature"), "the End User's signature is needed"))?;
    let sequence = sequence.ok_or_else(|| contradiction(&at("Sequence"), "the moment it was signed for is needed"))?;
    Ok(LicenceChange { item, document: *model_licence, signature, sequence })
}

/// A withdrawal.
pub(super) fn withdrawal(message: BlockchainLicence) -> Result<(AihDataId, Revocation), Problem> {
    match wish(message) {
        Some((item, LicenceWish::Revocation(revocation))) => Ok((item, revocation)),
        _ => Err(contradiction("/BlockchainLicence", "a request with a Revocation is expected")),
    }
}

fn wish(message: BlockchainLicence) -> Option<(AihDataId, LicenceWish)> {
    match message.blockchain_licence {
        Exchange::Request(LicenceRequest { aih_data_id, wish }) => Some((aih_data_id, wish)),
        Exchange::Response(_) => None,
    }
}
