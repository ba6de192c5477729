//! What the registry on chain says happened. The whole register can be rebuilt from these.

use alloy::primitives::{Address, B256};

use super::{
    operation::Operation,
    taxonomy::{DataStatus, Usage, UserClass},
    terms::LicenceTerms,
    verdict::Verdict,
};

/// Identifier of one Licence Confirm, 128 bits.
pub type ConfirmId = [u8; 16];

/// Where an event stands; a transaction hash alone is not an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Block number.
    pub block: u64,
    /// Index of the log in its block.
    pub log_index: u64,
}

/// An event of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenceEvent {
    /// Its place.
    pub position: Position,
    /// Hash of the block it stands in.
    pub block_hash: B256,
    /// The transaction that caused it.
    pub transaction: B256,
    /// What happened.
    pub kind: LicenceEventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the contract events documented in ILicenceRegistry.sol")]
pub enum LicenceEventKind {
    /// A root licence was made from a signed Model Licence.
    Issued {
        aih_data: B256,
        licence: Address,
        end_user: Address,
        model_licence: B256,
        sequence: u64,
        terms: LicenceTerms,
    },
    /// A processed item got its licence from its parent's.
    Derived { aih_data: B256, licence: Address, parent_data: B256, parent: Address, status: DataStatus },
    /// An End User replaced a licence.
    Changed {
        aih_data: B256,
        licence: Address,
        previous: Address,
        model_licence: B256,
        sequence: u64,
        terms: LicenceTerms,
    },
    /// A licence was withdrawn, or the Back End gave up its own right.
    Revoked { aih_data: B256, licence: Address, by: Address, scope: RevocationScope },
    /// A user was registered, vouched for or suspended.
    UserClassSet { user: Address, class: UserClass, active: bool, by: Address },
    /// A request was judged, yes or no.
    Confirmed(Confirmation),
    /// A derivation in a batch could not be done.
    DerivationRefused { aih_data: B256, parent_data: B256, status: u8, reason: [u8; 4] },
}

/// How far a revocation reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationScope {
    /// The Back End gave up its own right; sub-licences stand.
    BackEnd,
    /// The whole licence and all that derives from it.
    Whole,
}

/// A recorded answer to a Licence Confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmation {
    /// The item asked for.
    pub aih_data: B256,
    /// Its licence then; zero when it had none.
    pub licence: Address,
    /// Who asked; the registry's own address is the Back End.
    pub user: Address,
    /// Which request this answers.
    pub confirm_id: ConfirmId,
    /// What was asked.
    pub operation: Operation,
    /// For which use.
    pub usage: Usage,
    /// Intended time, seconds since 1970.
    pub at: u64,
    /// The answer.
    pub verdict: Verdict,
}

impl LicenceEventKind {
    /// Whether the licence an item had until then no longer stands: it was withdrawn or replaced. That the Back End gave
    /// up its own right leaves it standing.
    pub fn ends_licence(&self) -> bool {
        matches!(self, Self::Revoked { scope: RevocationScope::Whole, .. } | Self::Changed { .. })
    }

    /// The event's name in the contract.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Issued { .. } => "LicenceIssued",
            Self::Derived { .. } => "LicenceDerived",
            Self::Changed { .. } => "LicenceChanged",
            Self::Revoked { .. } => "LicenceRevoked",
            Self::UserClassSet { .. } => "UserClassSet",
            Self::Confirmed(_) => "LicenceConfirmed",
            Self::DerivationRefused { .. } => "DerivationRefused",
        }
    }

    /// The data item concerned.
    pub fn aih_data(&self) -> Option<B256> {
        match self {
            Self::Issued { aih_data, .. }
            | Self::Derived { aih_data, .. }
            | Self::Changed { aih_data, .. }
            | Self::Revoked { aih_data, .. }
            | Self::DerivationRefused { aih_data, .. } => Some(*aih_data),
            Self::Confirmed(confirmation) => Some(confirmation.aih_data),
            Self::UserClassSet { .. } => None,
        }
    }

    /// The licence concerned.
    pub fn licence(&self) -> Option<Address> {
        match self {
            Self::Issued { licence, .. }
            | Self::Derived { licence, .. }
            | Self::Changed { licence, .. }
            | Self::Revoked { licence, .. } => Some(*licence),
            Self::Confirmed(confirmation) if confirmation.licence != Address::ZERO => Some(confirmation.licence),
            Self::Confirmed(_) | Self::UserClassSet { .. } | Self::DerivationRefused { .. } => None,
        }
    }

    /// The user concerned.
    pub fn user(&self) -> Option<Address> {
        match self {
            Self::Issued { end_user, .. } => Some(*end_user),
            Self::Revoked { by, .. } => Some(*by),
            Self::UserClassSet { user, .. } => Some(*user),
            Self::Confirmed(confirmation) => Some(confirmation.user),
            Self::Derived { .. } | Self::Changed { .. } | Self::DerivationRefused { .. } => None,
        }
    }
}

/// Where on chain an answer can be found and checked by anyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// The licence judged, when the item had one.
    pub licence: Option<Address>,
    /// The transaction that recorded the answer.
    pub transaction: B256,
    /// Place of the event.
    pub position: Position,
    /// Hash of that block.
    pub block_hash: B256,
    /// Time of that block, seconds since 1970.
    pub block_time: u64,
}
