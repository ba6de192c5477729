//! Noting the **acts** of the house: what it did with an item on its End User's signature or as the last step of a
//! permitted operation, with what it rests on. The audit tells them; see [`operation_acts`](crate::db::operation_acts).
//!
//! The note comes after the act, which the chain and the item's own row hold already: a note that a crash loses costs
//! the audit the house's word on it, never the event itself.

use alloy::primitives::Address;

use super::{AimError, Aims};
use crate::{
    db::{
        data_items::DataItemRow,
        operation_acts::{Done, NewAct},
        operations::Evidence as Place,
    },
    domain::{ids::UserId, licence_event::Evidence},
};

impl Aims {
    /// Notes an act on an item: by whom, under which licence, resting on what. A failure is logged and spoils nothing.
    pub(super) async fn note(
        &self,
        done: Done,
        item: &DataItemRow,
        by: Address,
        (licence, evidence): (Option<Address>, Option<Evidence>),
    ) {
        if let Err(error) = self.try_note(done, item, by, (licence, evidence), self.clock.micros()).await {
            tracing::error!(item = %item.hash, ?done, %error, "act.not_noted");
        }
    }

    /// As [`Aims::note`], of something done at a moment (microseconds since 1970), for who goes on with it until it is
    /// noted.
    pub(super) async fn try_note(
        &self,
        done: Done,
        item: &DataItemRow,
        by: Address,
        (licence, evidence): (Option<Address>, Option<Evidence>),
        at_us: i64,
    ) -> Result<(), AimError> {
        let requester = UserId::new(self.back_end().chain_id(), by);
        let user = self.database.find_user(requester).await?;
        let act = NewAct {
            done,
            requester,
            user_class: user.and_then(|user| user.user_class),
            item: item.id,
            owner: item.owner,
            licence,
            evidence: evidence.map(|evidence| place_of(&evidence)),
            at_us,
        };
        self.database.insert_act(&act).await?;
        Ok(())
    }
}

/// A place on chain as rows keep it.
pub(super) fn place_of(evidence: &Evidence) -> Place {
    Place {
        tx_hash: evidence.transaction,
        block_number: evidence.position.block,
        block_hash: evidence.block_hash,
        log_index: evidence.position.log_index,
        confirmed_at_s: evidence.block_time.cast_signed(),
    }
}
