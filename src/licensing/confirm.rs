//! **Confirm**: ask the chain, which records the answer, yes or no, with every failing term.

use std::time::Duration;

use alloy::primitives::Address;

use super::{
    ACT_TIME, Licensing, LicensingError,
    permit::{Grounds, Permit, Warrant},
    queue::{Done, QueueError, Work},
    vigil::{Doubt, Vigil},
};
use crate::{
    chain::convert::ConfirmRequest,
    domain::{
        ids::AihDataId,
        licence_event::{ConfirmId, Confirmation, Evidence},
        operation::Operation,
        taxonomy::Usage,
        verdict::{FailingTerm, Verdict},
    },
};

/// A question to the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The item.
    pub item: AihDataId,
    /// Who asks; the registry's address is the Back End.
    pub requester: Address,
    /// For what.
    pub operation: Operation,
    /// For which use.
    pub usage: Usage,
    /// Intended time, seconds since 1970.
    pub at: u64,
    /// Identifier of this Licence Confirm.
    pub confirm_id: ConfirmId,
}

/// The recorded answer.
#[derive(Debug)]
pub enum Answer {
    /// Yes.
    Permitted(Permit),
    /// No.
    Denied(Denial),
}

/// A recorded no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denial {
    /// The failing terms.
    pub verdict: Verdict,
    /// Where it is recorded.
    pub evidence: Evidence,
}

/// A result may not be released any more.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The licence no longer permits what was done.
    #[error("the licence no longer permits this")]
    Withheld(Verdict),
    /// It cannot be known whether it does.
    #[error(transparent)]
    Unknown(#[from] LicensingError),
}

/// A Licence Confirm ID finds an answer; that it answers this very question is looked at all the same: no permit is made
/// of somebody else's.
fn must_answer(question: &Question, said: &Confirmation) -> Result<(), QueueError> {
    let asked = to_request(question);
    let is_it = (said.confirm_id, said.aih_data, said.user, said.operation, said.usage, said.at)
        == (asked.confirm_id, asked.aih_data, asked.user, asked.operation, asked.usage, asked.at);
    is_it.then_some(()).ok_or_else(|| QueueError::NotRecorded("an answer to another question".to_owned()))
}

impl Licensing {
    /// Asks the chain and has the answer recorded. Nothing is permitted in doubt.
    ///
    /// # Errors
    /// When there is a doubt, the queue is full, or the chain gives no answer in time.
    pub async fn confirm(&self, question: &Question) -> Result<Answer, LicensingError> {
        self.confirm_within(question, ACT_TIME).await
    }

    /// As [`Licensing::confirm`], with a deadline of the caller's.
    ///
    /// # Errors
    /// As [`Licensing::confirm`].
    pub async fn confirm_within(&self, question: &Question, patience: Duration) -> Result<Answer, LicensingError> {
        self.vigil.pass()?;
        let done = self.queue.ask(Work::Confirm(to_request(question)), patience).await?;
        self.read_answer(question, done)
    }

    /// Asks several questions together, in one transaction as far as they fit one batch; the answers come in their order.
    ///
    /// # Errors
    /// Each as [`Licensing::confirm`].
    pub async fn confirm_together(&self, questions: &[Question]) -> Vec<Result<Answer, LicensingError>> {
        if let Err(doubt) = self.vigil.pass() {
            return questions.iter().map(|_| Err(doubt.into())).collect();
        }
        let works = questions.iter().map(|question| Work::Confirm(to_request(question))).collect();
        let done = self.queue.ask_together(works, ACT_TIME).await;
        questions.iter().zip(done).map(|(question, done)| self.read_answer(question, done?)).collect()
    }

    fn read_answer(&self, question: &Question, done: Done) -> Result<Answer, LicensingError> {
        let (confirmation, evidence) = match done {
            Done::Confirmed(confirmation, evidence) => (confirmation, evidence),
            Done::Mined(_) => return Err(QueueError::NotRecorded("no answer to this request".to_owned()).into()),
        };
        must_answer(question, &confirmation)?;
        Vigil::judge_clock(evidence.block_time, &self.clock)?;
        if !confirmation.verdict.is_permitted() {
            return Ok(Answer::Denied(Denial { verdict: confirmation.verdict, evidence }));
        }
        Ok(Answer::Permitted(Permit::new(Grounds {
            item: question.item,
            operation: question.operation,
            usage: question.usage,
            requester: question.requester,
            confirm_id: question.confirm_id,
            licence: confirmation.licence,
            evidence,
            since: evidence.block_time,
        })))
    }

    /// The answer the chain would give now; nothing is recorded and no permit is made.
    ///
    /// # Errors
    /// When there is a doubt or the chain does not answer.
    pub async fn check(&self, question: &Question) -> Result<Verdict, LicensingError> {
        self.pass_now().await?;
        Ok(self.node.check(&to_request(question)).await?)
    }

    /// As [`Licensing::check`], for two questions at once: both are under way together, so the second costs no time of
    /// its own.
    ///
    /// # Errors
    /// When there is a doubt; the answers each as [`Licensing::check`].
    pub async fn check_both(
        &self,
        one: &Question,
        other: &Question,
    ) -> Result<(Result<Verdict, LicensingError>, Result<Verdict, LicensingError>), LicensingError> {
        self.pass_now().await?;
        let (one, other) = (to_request(one), to_request(other));
        let (one, other) = tokio::join!(self.node.check(&one), self.node.check(&other));
        Ok((one.map_err(Into::into), other.map_err(Into::into)))
    }

    /// Passes when there is no doubt, the node's newest block included.
    pub(super) async fn pass_now(&self) -> Result<(), LicensingError> {
        self.vigil.pass()?;
        let (seen, head) = (self.vigil.head(), self.node.head().await?.number);
        // A node that fell behind may not have heard of a withdrawal yet.
        if head < seen { Err(Doubt::Stale(seen - head).into()) } else { Ok(()) }
    }

    /// Asks again before a result leaves the house: a licence withdrawn meanwhile stops it.
    ///
    /// # Errors
    /// [`ReleaseError::Withheld`] when the chain would say no by now; in doubt likewise nothing is released.
    pub async fn release(&self, warrant: &Warrant) -> Result<(), ReleaseError> {
        let verdict = self.check(&self.again(warrant.grounds())).await?;
        if verdict.is_permitted() { Ok(()) } else { Err(ReleaseError::Withheld(verdict)) }
    }

    /// Whether the chain would say yes on the same grounds now.
    ///
    /// # Errors
    /// When there is a doubt or the chain does not answer.
    pub async fn still_permits(&self, grounds: &Grounds) -> Result<bool, LicensingError> {
        Ok(self.check(&self.again(grounds)).await?.is_permitted())
    }

    fn again(&self, grounds: &Grounds) -> Question {
        Question {
            item: grounds.item,
            requester: grounds.requester,
            operation: grounds.operation,
            usage: grounds.usage,
            at: self.clock.seconds(),
            confirm_id: grounds.confirm_id,
        }
    }

    /// Asks again before a kept result is handed out once more, and gives the warrant to read it.
    ///
    /// # Errors
    /// [`ReleaseError::Withheld`] when the chain would say no by now, or the result's licence does not derive from the
    /// one the operation was permitted by; in doubt likewise.
    pub async fn redeliver(&self, original: &Grounds, result: AihDataId) -> Result<Warrant, ReleaseError> {
        self.release(&Warrant::new(*original)).await?;
        let licence = self.node.item(result.hash()).await.map_err(LicensingError::from)?.licence;
        let nothing = || ReleaseError::Withheld([FailingTerm::NoLicence].into_iter().collect());
        let licence = licence.ok_or_else(nothing)?;
        let (terms, derivation) = self.node.terms(licence).await.map_err(LicensingError::from)?;
        // The End User is not bound; to anybody else a result is worth what its own licence is.
        let own = terms.end_user == original.requester;
        if !own && !self.node.stands(licence).await.map_err(LicensingError::from)? {
            return Err(ReleaseError::Withheld([FailingTerm::Revoked].into_iter().collect()));
        }
        match derivation.is_some_and(|d| d.parent == original.licence && d.data_item == result.hash()) {
            true => Ok(Warrant::new(Grounds { item: result, licence, ..*original })),
            false => Err(nothing()),
        }
    }
}

fn to_request(question: &Question) -> ConfirmRequest {
    ConfirmRequest {
        aih_data: question.item.hash(),
        user: question.requester,
        operation: question.operation,
        usage: question.usage,
        at: question.at,
        confirm_id: question.confirm_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever of an answer is another's, no permit is made of it.
    #[test]
    fn an_answer_to_another_question_is_none() {
        let question = Question {
            item: AihDataId::from_uuid(uuid::Uuid::from_u128(1)),
            requester: Address::repeat_byte(1),
            operation: Operation::Retrieve,
            usage: Usage::Research,
            at: 1_500,
            confirm_id: [7; 16],
        };
        let good = Confirmation {
            aih_data: question.item.hash(),
            licence: Address::repeat_byte(2),
            user: question.requester,
            confirm_id: question.confirm_id,
            operation: question.operation,
            usage: question.usage,
            at: question.at,
            verdict: Verdict::PERMITTED,
        };
        assert!(must_answer(&question, &good).is_ok());
        let others = [
            Confirmation { aih_data: AihDataId::from_uuid(uuid::Uuid::from_u128(2)).hash(), ..good },
            Confirmation { user: Address::repeat_byte(3), ..good },
            Confirmation { confirm_id: [8; 16], ..good },
            Confirmation { operation: Operation::Store, ..good },
            Confirmation { usage: Usage::PatientUse, ..good },
            Confirmation { at: 1_501, ..good },
        ];
        for other in others {
            assert!(matches!(must_answer(&question, &other), Err(QueueError::NotRecorded(_))), "{other:?}");
        }
    }
}
