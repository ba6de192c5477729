//! Withdrawing a licence: the End User's signature is relayed to the chain, or the Back End gives up its own right; and
//! the withdrawal is kept for good, so that a chain that is restored hears of it again.
//!
//! The chain comes first. Between its yes and our row lies at most a crash; then the same request again finds the licence
//! withdrawn and only makes up for the row.

use alloy::primitives::{Address, Bytes};

use super::{AimError, Aims};
use crate::{
    db::{
        operation_acts::Done,
        revocations::{Revocation, RevocationScope},
    },
    domain::{ids::AihDataId, licence_event::Evidence},
    licensing::{
        LicensingError, Refusal,
        read::{Reading, State},
        revoke,
    },
};

/// What is to be withdrawn.
#[derive(Debug, Clone)]
pub enum Withdrawal {
    /// Everything, signed by the End User.
    Whole(Bytes),
    /// The Back End's own right.
    BackEndRight,
}

impl Aims {
    /// Withdraws a licence, or finds it withdrawn. The evidence is of this withdrawal; none when it was done before.
    ///
    /// # Errors
    /// When the signature is not the End User's, or chain or database do not answer.
    pub async fn withdraw(
        &self,
        reading: &Reading,
        item: AihDataId,
        withdrawal: Withdrawal,
    ) -> Result<Option<Evidence>, AimError> {
        if reading.state == State::Superseded {
            return Err(AimError::Conflict(
                "this licence is not the current one of its item; there is nothing to withdraw",
            ));
        }
        // What the chain would surely refuse does not go there. In doubt it does: a withdrawal only takes rights away.
        if let Withdrawal::Whole(signature) = &withdrawal
            && matches!(self.licensing.is_withdrawal_signed(reading, signature).await, Ok(false))
        {
            return Err(LicensingError::Refused(Refusal::InvalidSignature).into());
        }
        let done = match &withdrawal {
            Withdrawal::Whole(signature) => self.licensing.revoke(item, signature).await,
            Withdrawal::BackEndRight => self.licensing.renounce(item).await,
        };
        let recorded = match done {
            Ok(mined) => revoke::recorded(&mined),
            // Kept for a restored chain, it must be good there: surely signed, and not only in doubt.
            Err(error) if error.refusal() == Some(&Refusal::AlreadyRevoked) => {
                self.require_signed(reading, &withdrawal).await?;
                None
            }
            Err(error) => return Err(error.into()),
        };
        let by = recorded.map(|(_, by)| by);
        let row = self.row(reading, item, withdrawal, by);
        self.database.insert_revocation(&row).await?;
        self.note_withdrawal(&row, recorded.map(|(evidence, _)| evidence)).await?;
        Ok(recorded.map(|(evidence, _)| evidence))
    }

    async fn note_withdrawal(&self, row: &Revocation, evidence: Option<Evidence>) -> Result<(), AimError> {
        let Some(item) = self.database.find_data_item(row.aih_data_id).await? else { return Ok(()) };
        let evidence = match evidence {
            Some(evidence) => Some(evidence),
            None => self.licensing.withdrawn(item.hash, row.licence).await?,
        };
        let done = Done::RevokeLicence(row.scope);
        self.note(done, &item, row.revoked_by, (Some(row.licence), evidence)).await;
        Ok(())
    }

    /// The chain judges a signature only while there is something to withdraw. What is kept for a restored chain must be
    /// good there, so afterwards it is judged here.
    async fn require_signed(&self, reading: &Reading, withdrawal: &Withdrawal) -> Result<(), AimError> {
        let Withdrawal::Whole(signature) = withdrawal else { return Ok(()) };
        match self.licensing.is_withdrawal_signed(reading, signature).await? {
            true => Ok(()),
            false => Err(LicensingError::Refused(Refusal::InvalidSignature).into()),
        }
    }

    fn row(&self, reading: &Reading, item: AihDataId, withdrawal: Withdrawal, by: Option<Address>) -> Revocation {
        let (scope, signature, who) = match withdrawal {
            Withdrawal::Whole(signature) => (RevocationScope::Licence, Some(signature), reading.terms.end_user),
            Withdrawal::BackEndRight => (RevocationScope::BackEnd, None, self.back_end().address()),
        };
        Revocation {
            licence: reading.licence.address(),
            scope,
            aih_data_id: item,
            signature,
            revoked_by: by.unwrap_or(who),
            revoked_at_us: self.clock.micros(),
        }
    }
}
