//! Acts: what the house does with an item not because a Licence Confirm permitted it, but because its End User signed
//! for it, or a permitted operation led to it. They are rows of `operations` like all others, written when they are done
//! and never moved; the audit tells them and compares them with the chain.
//!
//! | Act | Rests on |
//! | --- | --- |
//! | `Store` | the issue (or change) of the licence |
//! | `Derive` | the derivation of the result's licence |
//! | `ChangeLicence` | the change itself |
//! | `RevokeLicence` | the withdrawal itself |
//! | `Erase` | the withdrawal before it, where the chain still shows one |
//!
//! An act's ID follows from what was done to what, so that the same act is written once, however often it is tried.

use alloy::primitives::{Address, keccak256};
use serde_json::json;
use uuid::{Builder, Uuid};

use super::{
    Database, Result, State,
    columns::{Hex, bigint},
    operations::{Evidence, OperationKind},
    revocations::RevocationScope,
};
use crate::domain::{
    ids::{AihDataId, UserId},
    operation::Operation,
    taxonomy::{Usage, UserClass, Word},
};

/// An act that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAct {
    /// What was done, with its scope where there are several.
    pub done: Done,
    /// By whom, or at whose wish; the registry's account for the Back End itself.
    pub requester: UserId,
    /// Their class; `None` for the Back End itself.
    pub user_class: Option<UserClass>,
    /// The item.
    pub item: AihDataId,
    /// Its End User.
    pub owner: UserId,
    /// The licence made, changed to, or withdrawn.
    pub licence: Option<Address>,
    /// Where on chain it rests on; `None` only for an erasure that the chain shows no reason for.
    pub evidence: Option<Evidence>,
    /// Microseconds since 1970.
    pub at_us: i64,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// A payload was stored.
    Store,
    /// A result was stored under a derived licence.
    Derive,
    /// A licence was put in the place of another.
    ChangeLicence,
    /// A licence, or the Back End's own right, was withdrawn.
    RevokeLicence(RevocationScope),
    /// The key was destroyed.
    Erase,
}

impl Done {
    /// The room of such a row.
    pub fn kind(self) -> OperationKind {
        match self {
            Self::Store => OperationKind::Store,
            Self::Derive => OperationKind::Derive,
            Self::ChangeLicence => OperationKind::ChangeLicence,
            Self::RevokeLicence(_) => OperationKind::RevokeLicence,
            Self::Erase => OperationKind::Erase,
        }
    }

    /// The word of the standard that comes nearest: changing a licence includes withdrawing it, and all else is
    /// Storage's.
    pub fn operation(self) -> Operation {
        match self {
            Self::ChangeLicence | Self::RevokeLicence(_) => Operation::LicenceChange,
            Self::Store | Self::Derive | Self::Erase => Operation::Store,
        }
    }
}

/// The ID of an act: a UUID of version 8 from what was done to which item under which licence.
pub fn act_id(done: Done, item: AihDataId, licence: Option<Address>) -> Uuid {
    let scope = match done {
        Done::RevokeLicence(scope) => scope.word(),
        _ => "",
    };
    // An erasure is of the item, whatever its licence is called by then.
    let licence = licence.filter(|_| done != Done::Erase).map_or_else(String::new, |licence| licence.hex());
    let digest = keccak256(format!("{} {scope} {item} {licence}", done.kind()));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

impl Database {
    /// Notes an act that was done. The same act again changes nothing: false.
    ///
    /// # Errors
    /// [`super::DbError::Rule`] for an act without evidence that is no erasure; otherwise when the database fails.
    pub async fn insert_act(&self, act: &NewAct) -> Result<bool> {
        let evidence = act.evidence.as_ref();
        let number = |value: Option<u64>, what| value.map(|value| bigint(what, value)).transpose();
        let result = sqlx::query(
            "INSERT INTO operations (operation_id, kind, requester, user_class, aih_data_id, owner, operation,
                 usage_word, intended_at_s, parameters, state, verdict, licence, tx_hash, block_number, block_hash,
                 log_index, confirmed_at_s, progress, created_at_us, updated_at_us, started_at_us, finished_at_us)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'done', $11, $12, $13, $14, $15, $16, $17, 1, $18, $18,
                 $18, $18)
             ON CONFLICT (operation_id) DO NOTHING",
        )
        .bind(act_id(act.done, act.item, act.licence).to_string())
        .bind(act.done.kind().word())
        .bind(act.requester.to_string())
        .bind(act.user_class.map(Word::word))
        .bind(act.item.to_string())
        .bind(act.owner.to_string())
        .bind(act.done.operation().word())
        .bind(Usage::PatientUse.word())
        .bind(act.at_us.div_euclid(1_000_000))
        .bind(json!({}).to_string())
        .bind(evidence.map(|_| 0_i64))
        .bind(act.licence.as_ref().map(Hex::hex))
        .bind(evidence.map(|evidence| evidence.tx_hash.hex()))
        .bind(number(evidence.map(|evidence| evidence.block_number), "block_number")?)
        .bind(evidence.map(|evidence| evidence.block_hash.hex()))
        .bind(number(evidence.map(|evidence| evidence.log_index), "log_index")?)
        .bind(evidence.map(|evidence| evidence.confirmed_at_s))
        .bind(act.at_us)
        .execute(&self.writers)
        .await?;
        Ok(result.rows_affected() == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_has_one_id_and_another_act_another() {
        let (item, other) = (AihDataId::from_uuid(Uuid::from_u128(1)), AihDataId::from_uuid(Uuid::from_u128(2)));
        let licence = |n| Some(Address::repeat_byte(n));
        let id = act_id(Done::Store, item, licence(1));
        assert_eq!((id, id.get_version_num()), (act_id(Done::Store, item, licence(1)), 8));
        let whole = Done::RevokeLicence(RevocationScope::Licence);
        let ids = [
            id,
            act_id(Done::Store, other, licence(1)),
            act_id(Done::Store, item, licence(2)),
            act_id(Done::ChangeLicence, item, licence(1)),
            act_id(whole, item, licence(1)),
            act_id(Done::RevokeLicence(RevocationScope::BackEnd), item, licence(1)),
        ];
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len());
        assert_eq!(act_id(Done::Erase, item, licence(1)), act_id(Done::Erase, item, licence(2)));
    }
}
