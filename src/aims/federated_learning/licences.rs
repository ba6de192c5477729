//! The licences behind the answers of a round: confirmed all at once, asked once more before the result stands, and the
//! operations' rows that say so.

use uuid::Uuid;

use crate::{
    aims::{AimError, Aims},
    db::{
        federated_answers::{AnswerEnd, AnswerRow},
        federated_rounds::RoundRow,
        operation_steps::Failure,
        operations::NewOperation,
    },
    domain::{taxonomy::Word, verdict::Verdict},
    licensing::{confirm::Answer, permit::Warrant},
};

/// Items confirmed together: what one transaction holds.
const MOST_AT_ONCE: usize = 512;

/// The operations behind an answer, each with its warrant.
type Warrants = Vec<(Uuid, Warrant)>;

/// An answer with the warrants for every item behind it.
pub(super) struct Licensed {
    pub(super) answer: AnswerRow,
    pub(super) warrants: Warrants,
}

impl Aims {
    /// Has every item behind every answer confirmed, in as few batches as it takes. A permit does not last, so those of one
    /// batch are spent before the next is asked for; and a round of any size leaves room in the queue for others.
    pub(super) async fn licensed(
        &self,
        round: &RoundRow,
        answers: Vec<AnswerRow>,
    ) -> Result<(Vec<Licensed>, Vec<AnswerEnd>), AimError> {
        let mut operations: Vec<(usize, NewOperation)> = Vec::new();
        for (place, answer) in answers.iter().enumerate() {
            for item in &answer.items {
                let operation = self.training_of(*item, round).await?;
                let _ = self.database.insert_operation(&operation).await?;
                operations.push((place, operation));
            }
        }
        let mut found: Vec<(Warrants, Option<Verdict>)> = answers.iter().map(|_| (Vec::new(), None)).collect();
        let mut failure = None;
        for batch in operations.chunks(MOST_AT_ONCE) {
            let questions: Vec<&NewOperation> = batch.iter().map(|(_, operation)| operation).collect();
            let answers = self.ask_together(&questions).await;
            // All permits of the batch first: noting 512 starts on a slow disk may take longer than a permit lasts.
            let spent: Vec<Result<Result<Warrant, Verdict>, AimError>> = batch
                .iter()
                .zip(answers)
                .map(|((_, operation), answer)| match answer? {
                    Answer::Permitted(permit) => Ok(Ok(self.spend(permit, operation)?)),
                    Answer::Denied(denial) => Ok(Err(denial.verdict)),
                })
                .collect();
            for ((place, operation), spent) in batch.iter().zip(spent) {
                let Some((warrants, verdict)) = found.get_mut(*place) else { continue };
                let begun = match spent {
                    Ok(Ok(warrant)) => {
                        self.note_start(operation.id).await.map(|()| warrants.push((operation.id, warrant)))
                    }
                    Ok(Err(denied)) => {
                        *verdict = Some(denied);
                        Ok(())
                    }
                    Err(error) => Err(error),
                };
                if let Err(error) = begun {
                    self.give_up(operation.id, &error).await;
                    failure = Some(error);
                }
            }
        }
        let (mut licensed, mut refused) = (Vec::new(), Vec::new());
        for (answer, (warrants, verdict)) in answers.into_iter().zip(found) {
            let whole = Licensed { answer, warrants };
            match verdict {
                None => licensed.push(whole),
                Some(verdict) => refused.push(self.leave_out(&whole, verdict).await?),
            }
        }
        match failure {
            None => Ok((licensed, refused)),
            Some(error) => {
                self.drop_operations(&licensed, &error).await;
                Err(error)
            }
        }
    }

    /// Answers with an item that the chain would not permit by now.
    pub(super) async fn withdrawn(&self, licensed: &[Licensed]) -> Result<Vec<(usize, Verdict)>, AimError> {
        let mut gone = Vec::new();
        for (place, one) in licensed.iter().enumerate() {
            for (_, warrant) in &one.warrants {
                match self.release(warrant).await {
                    Ok(()) => {}
                    Err(AimError::Withheld(verdict)) => {
                        gone.push((place, verdict));
                        break;
                    }
                    Err(error) => {
                        self.drop_operations(licensed, &error).await;
                        return Err(error);
                    }
                }
            }
        }
        Ok(gone)
    }

    /// Notes that what was permitted is done.
    pub(super) async fn close_operations(&self, licensed: &[Licensed]) -> Result<(), AimError> {
        for (id, _) in licensed.iter().flat_map(|one| &one.warrants) {
            self.database.finish_operation(*id, None, self.clock.micros()).await?.required()?;
        }
        Ok(())
    }

    /// Notes that nothing came of what was permitted.
    pub(super) async fn drop_operations(&self, licensed: &[Licensed], error: &AimError) {
        for (id, _) in licensed.iter().flat_map(|one| &one.warrants) {
            self.give_up(*id, error).await;
        }
    }

    /// An answer that does not count for want of a licence; its operations end with that.
    pub(super) async fn leave_out(&self, one: &Licensed, verdict: Verdict) -> Result<AnswerEnd, AimError> {
        self.withhold(one, verdict).await?;
        Ok(AnswerEnd { front_end: one.answer.front_end, left_out: Some(denied(verdict)) })
    }

    /// Another item of the same answer fell, so these were not used after all; the one that fell withholds them.
    async fn withhold(&self, one: &Licensed, verdict: Verdict) -> Result<(), AimError> {
        let text = verdict.reasons().map(Word::word).collect::<Vec<_>>().join(",");
        for (id, _) in &one.warrants {
            let failure = Failure { kind: "withheld".to_owned(), text: text.clone() };
            self.database.withhold_operation(*id, &failure, self.clock.micros()).await?.required()?;
        }
        Ok(())
    }
}

/// Why an answer is left out for a licence.
fn denied(verdict: Verdict) -> String {
    let words: Vec<&str> = verdict.reasons().map(Word::word).collect();
    format!("a licence behind it does not permit it: {}", words.join(", "))
}
