//! **The job**: one permitted de-identification carried out. The copy can be read only when everything about it is kept:
//!
//! ```text
//! permit spent ─▶ payload opened ─▶ treated (child process) ─▶ what was proved? ─ less than asked ─▶ failed
//!   ─▶ licence still stands? ─ no ─▶ withheld
//!   ─▶ derived licence with the raised status ─▶ copy sealed ─▶ report signed, mapping sealed ─▶ copy acknowledged
//! ```

use futures_util::StreamExt;
use tokio::sync::watch;
use uuid::Uuid;

use super::{report::Facts, techniques::Algorithm};
use crate::{
    aims::{
        AimError, Aims,
        ai_modules::{
            task::Task,
            treatment::Outcome,
            worker::{Treating, WorkerError},
        },
        aih_data_processing::request::Accepted,
        derivation::Offspring,
        retrieval::Span,
        turns::Turn,
    },
    db::data_items::DataItemRow,
    domain::{
        ids::{AihDataId, UserId},
        taxonomy::DataStatus,
    },
    licensing::permit::{Permit, Purpose, Warrant},
    schema::wire::{DeIdAndAnonymType, Qualifier},
    store,
};

/// One permitted de-identification, as it was asked for.
pub(super) struct Treatment {
    /// The operation.
    pub id: Uuid,
    /// What was asked for, to be held against the permit.
    pub purpose: Purpose,
    /// What the child process is asked for.
    pub task: Task,
    /// Pseudonymised, anonymised or both.
    pub asked: DeIdAndAnonymType,
    /// What treats it.
    pub algorithm: &'static Algorithm,
    /// Whose pseudonyms it holds.
    pub recipient: UserId,
    /// What the copy is.
    pub copy: Qualifier,
}

impl Aims {
    pub(super) fn start_treatment(&self, treatment: Treatment, permit: Permit, turn: Turn) -> Accepted {
        let (ended, seen) = watch::channel(false);
        let (aims, id) = (self.clone(), treatment.id);
        tokio::spawn(async move {
            let requester = permit.grounds().requester;
            let outcome = aims.alive(id, aims.carry_treatment_out(&treatment, permit)).await;
            aims.conclude(id, requester, &outcome).await;
            drop(turn);
            ended.send_replace(true);
        });
        Accepted::Running(id, seen)
    }

    async fn carry_treatment_out(&self, treatment: &Treatment, permit: Permit) -> Result<AihDataId, AimError> {
        let warrant = permit.spend(&treatment.purpose, self.clock.seconds())?;
        self.note_start(treatment.id).await?;
        let work = async {
            let (item, opened) = self.open(&warrant, Span::Whole).await?;
            let (requester, payload) = (warrant.grounds().requester, (opened.length, opened.bytes));
            let treating = self.worker.treat(requester, &treatment.task, payload).await?;
            Ok((item, treating))
        };
        let (item, treating) = self.while_licensed(&warrant, work).await?;
        let status = proved(treatment.asked, item.status, &treating.outcome)?;
        self.release(&warrant).await?;
        let offspring = Offspring { status, qualifier: treatment.copy.clone() };
        let (copy, permit) = self.license_derived(&item, &offspring, &warrant).await?;
        match self.keep_copy(treatment, &warrant, (&item, &copy), permit, treating).await {
            Ok(()) => Ok(copy.id),
            Err(error) => {
                self.take_copy_back(&copy).await;
                Err(error)
            }
        }
    }

    async fn keep_copy(
        &self,
        treatment: &Treatment,
        warrant: &Warrant,
        (item, copy): (&DataItemRow, &DataItemRow),
        permit: Permit,
        mut treating: Treating,
    ) -> Result<(), AimError> {
        let mapping = std::mem::take(&mut treating.outcome.mapping);
        let outcome = treating.outcome.clone();
        let payload = treating.payload().map(|piece| piece.map_err(std::io::Error::other));
        let facts = self.seal(permit, copy, payload).await.map_err(cut_off)?;
        let sealed = self.seal_mapping(item, mapping).await?;
        let about = Facts { treatment, grounds: warrant.grounds(), item, copy, outcome: &outcome, facts: &facts };
        self.keep_report(&about, sealed).await?;
        self.acknowledge(copy, &facts).await
    }

    /// A copy nobody was told of. Should this fail too, the next start takes it back.
    async fn take_copy_back(&self, copy: &DataItemRow) {
        if let Err(error) = self.destroy_own(copy).await {
            tracing::error!(item = %copy.hash, %error, "treatment.copy_not_taken_back");
        }
    }
}

/// The status the copy gets: what was proved, as far as it was asked for; never less than the original had.
fn proved(asked: DeIdAndAnonymType, before: DataStatus, outcome: &Outcome) -> Result<DataStatus, AimError> {
    let proved = match asked {
        DeIdAndAnonymType::DeIdentify => outcome.status.min(DataStatus::Pseudonymised),
        DeIdAndAnonymType::Both => outcome.status,
        DeIdAndAnonymType::Anonymise if outcome.status == DataStatus::Anonymised => outcome.status,
        DeIdAndAnonymType::Anonymise => {
            let why = format!("the treatment proves {} only, not Anonymised; nothing was kept", outcome.status);
            return Err(AimError::Unprocessable(why));
        }
    };
    if proved == DataStatus::Identified {
        return Err(AimError::Unprocessable("the treatment proves nothing; nothing was kept".to_owned()));
    }
    Ok(proved.max(before))
}

/// A child that dies while its result is read is the data's fault, not the store's.
fn cut_off(error: AimError) -> AimError {
    match error {
        AimError::Store(store::Error::Input(_)) => WorkerError::Died.into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: DataStatus) -> Outcome {
        Outcome {
            status,
            steps: Vec::new(),
            measures: Vec::new(),
            residual: Vec::new(),
            mapping: Vec::new(),
            length: 0,
        }
    }

    #[test]
    fn no_more_is_claimed_than_was_proved_and_asked_for() {
        use DataStatus::{Anonymised, Identified, Pseudonymised};
        use DeIdAndAnonymType::{Anonymise, Both, DeIdentify};
        let status = |asked, before, reached| proved(asked, before, &outcome(reached)).ok();
        assert_eq!(status(DeIdentify, Identified, Anonymised), Some(Pseudonymised));
        assert_eq!(status(DeIdentify, Identified, Pseudonymised), Some(Pseudonymised));
        assert_eq!(status(Anonymise, Identified, Anonymised), Some(Anonymised));
        assert_eq!(status(Anonymise, Identified, Pseudonymised), None);
        assert_eq!(status(Both, Identified, Pseudonymised), Some(Pseudonymised));
        assert_eq!(status(Both, Identified, Anonymised), Some(Anonymised));
        for asked in [DeIdentify, Anonymise, Both] {
            assert_eq!(status(asked, Identified, Identified), None);
        }
        assert_eq!(status(DeIdentify, Anonymised, Pseudonymised), Some(Anonymised), "the status never falls");
    }
}
