//! **Revoke**: the End User withdraws a licence, or the Back End gives up its own right to it.

use alloy::{
    primitives::{Address, Bytes},
    sol_types::SolCall,
};

use super::{Licensing, LicensingError, batch::evidence};
use crate::{
    chain::{
        bindings::LicenceRegistry,
        operator::{Call, Mined},
    },
    domain::{
        ids::AihDataId,
        licence_event::{Evidence, LicenceEventKind as Kind},
        taxonomy::{UserClass, Word},
    },
};

/// Most gas a withdrawal may use: whoever could license with a smart account must be able to withdraw with it. What is not
/// used costs nothing.
const REVOKE_GAS: u64 = 1_500_000;
const USER_GAS: u64 = 150_000;

impl Licensing {
    /// Relays an End User's signed withdrawal. One transaction, whatever hangs below the licence.
    ///
    /// # Errors
    /// When the signature is not the End User's, the licence is withdrawn already, or the chain does not answer. A
    /// withdrawal is relayed in doubt as well: it only takes rights away.
    pub async fn revoke(&self, item: AihDataId, signature: &[u8]) -> Result<Mined, LicensingError> {
        self.alone(revocation(item, signature.to_vec().into())).await
    }

    /// Gives up the Back End's own right to an item; sub-licences stand.
    ///
    /// # Errors
    /// When it was given up before, or the chain does not answer.
    pub async fn renounce(&self, item: AihDataId) -> Result<Mined, LicensingError> {
        self.alone(revocation(item, Bytes::new())).await
    }

    /// Registers an End User on chain; an OPERATOR may register nobody else.
    ///
    /// # Errors
    /// When the account has a class already, or the chain does not answer.
    pub async fn register_end_user(&self, user: Address) -> Result<Mined, LicensingError> {
        self.vigil.pass()?;
        let class = UserClass::EndUser.code();
        let data = LicenceRegistry::setUserClassCall { user, class, active: true }.abi_encode();
        self.alone(Call { data: data.into(), gas_limit: USER_GAS }).await
    }
}

/// Where a withdrawal is recorded, and who sent it.
pub fn recorded(mined: &Mined) -> Option<(Evidence, Address)> {
    mined.events.iter().find_map(|event| match event.kind {
        Kind::Revoked { by, .. } => Some((evidence(event, mined), by)),
        _ => None,
    })
}

fn revocation(item: AihDataId, signature: Bytes) -> Call {
    let data = LicenceRegistry::revokeCall { aihData: item.hash(), signature }.abi_encode();
    Call { data: data.into(), gas_limit: REVOKE_GAS }
}
