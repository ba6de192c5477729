//! An answer arrives. It is checked from the cheapest to the dearest, and what fails is told and noted in the round; the
//! round goes on, and the same Front End may answer again.
//!
//! ```text
//! message ─ round takes answers? bound to it? ─▶ bytes: digest, signature ─▶ items: theirs, licensed?
//!         ─▶ child process: layout, finite ─▶ same tensors as the base ─▶ kept
//! ```

use std::error::Error;

use alloy::primitives::{B256, Bytes};
use bytes::Bytes as Piece;
use futures_util::{Stream, StreamExt};
use serde_json::{Map, json};
use uuid::Uuid;

use crate::{
    aims::{AimError, Aims, asking::ProcessRequest},
    db::{
        DbError, Unique,
        data_items::DataItemState,
        federated_answers::{AnswerRow, AnswerState, RefusalRow},
        federated_rounds::{RoundRow, RoundState},
        models::ModelRow,
        operations::{NewOperation, OperationKind, OperationRow},
    },
    domain::{
        ids::{AihDataId, UserId},
        operation::Operation,
    },
    licensing::confirm::{Answer, Question},
    mpai_store::models::{ModelError, layout::Layout, seal::AnswerStatement},
    schema::wire::{FederatedLearn, FederatedLearnResponse},
    store,
};

/// Most items behind one answer.
const MOST_ITEMS: usize = 500;
/// Refusals of one Front End that a round remembers.
const MOST_REFUSALS: u32 = 50;

/// An answer, without its bytes.
#[derive(Debug, Clone)]
pub struct Arriving {
    /// Whose Front End it is.
    pub sender: UserId,
    /// The round.
    pub round: RoundRow,
    base: ModelRow,
    response: FederatedLearnResponse,
    items: Vec<AihDataId>,
    samples: u64,
    signature: Bytes,
}

/// What became of an answer.
#[derive(Debug)]
pub enum Answered {
    /// It is kept.
    Kept(Box<RoundRow>),
    /// A licence does not permit it; recorded on chain.
    Denied(Box<OperationRow>),
}

fn refuse(pointer: &'static str, reason: &'static str) -> AimError {
    AimError::Refused { pointer, reason }
}

impl Aims {
    /// A round as this Front End may know it.
    ///
    /// # Errors
    /// [`AimError::NotFound`] when there is none, or another was asked.
    pub async fn round_for(&self, id: Uuid, front_end: UserId) -> Result<RoundRow, AimError> {
        let round = self.database.find_round(id).await?.ok_or(AimError::NotFound)?;
        match round.front_end.is_none_or(|asked| asked == front_end) {
            true => Ok(round),
            false => Err(AimError::NotFound),
        }
    }

    /// Checks an answer's message, before any of its bytes is read.
    ///
    /// # Errors
    /// When it is no answer to a round that takes answers.
    pub async fn examine_answer(&self, message: FederatedLearn, sender: UserId) -> Result<Arriving, AimError> {
        let round = self.round_for(message.federated_learn_id.uuid(), sender).await?;
        match self.bound(message, sender, &round).await {
            Ok(arriving) => Ok(arriving),
            Err(error) => Err(self.note_refusal(&round, sender, error).await),
        }
    }

    async fn bound(&self, message: FederatedLearn, sender: UserId, round: &RoundRow) -> Result<Arriving, AimError> {
        let end_user = message.end_user_id;
        let response = message.federated_learn.response();
        let response = *response.ok_or(refuse("/FederatedLearn", "a Front End answers with a Response"))?;
        if end_user.is_some_and(|named| named != sender) {
            return Err(refuse("/EndUserID", "it is not the sender"));
        }
        if response.round != Some(round.number) {
            return Err(refuse("/FederatedLearn/Response/Round", "it is not the number of this round"));
        }
        let is_late = self.clock.seconds().cast_signed() >= round.deadline_s;
        if is_late || !matches!(round.state, RoundState::Open | RoundState::Collecting) {
            return Err(AimError::Conflict("the round takes no more answers"));
        }
        let items = response.aih_data_ids.clone().unwrap_or_default();
        if !(1..=MOST_ITEMS).contains(&items.len()) {
            return Err(refuse(
                "/FederatedLearn/Response/AIHDataIDs",
                "an answer names 1 to 500 items it was trained on",
            ));
        }
        let samples = response.sample_count;
        let samples =
            samples.ok_or(refuse("/FederatedLearn/Response/SampleCount", "an answer says how many samples"))?;
        let signature = response.signature.clone();
        let signature = signature.ok_or(refuse("/FederatedLearn/Response/Signature", "an answer is signed"))?;
        let base = self.database.find_model(round.base_model).await?.ok_or(AimError::NotFound)?;
        Ok(Arriving { sender, round: round.clone(), base, response, items, samples, signature })
    }

    /// Takes the bytes of an answer in and keeps it.
    ///
    /// # Errors
    /// When the answer is refused; why is noted in the round.
    pub async fn take_answer<S, E>(&self, arriving: &Arriving, payload: S) -> Result<Answered, AimError>
    where
        S: Stream<Item = Result<Piece, E>> + Send + Unpin,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        match self.check_and_keep(arriving, payload).await {
            Err(error) => Err(self.note_refusal(&arriving.round, arriving.sender, error).await),
            kept => kept,
        }
    }

    async fn check_and_keep<S, E>(&self, arriving: &Arriving, mut payload: S) -> Result<Answered, AimError>
    where
        S: Stream<Item = Result<Piece, E>> + Send + Unpin,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let mut incoming = self.models.blobs.begin()?;
        while let Some(piece) = payload.next().await {
            let piece = piece.map_err(|cause| AimError::Store(store::Error::Input(cause.into())))?;
            incoming.write(&piece)?;
        }
        let (digest, _) = self.models.blobs.keep(incoming)?;
        let outcome = self.check(arriving, digest).await;
        let is_kept = matches!(outcome, Ok(Answered::Kept(_)));
        if !is_kept && !self.database.is_model_file_in_use(digest).await? {
            self.models.blobs.remove(digest)?;
        }
        outcome
    }

    async fn check(&self, arriving: &Arriving, digest: B256) -> Result<Answered, AimError> {
        let Arriving { sender, round, .. } = arriving;
        self.must_be_bound(arriving, digest).await?;
        let before = self.database.list_answers(round.id).await?;
        if let Some(first) = before.iter().find(|answer| answer.front_end == *sender) {
            return match first.digest == digest {
                true => {
                    Ok(Answered::Kept(Box::new(self.database.find_round(round.id).await?.ok_or(AimError::NotFound)?)))
                }
                false => Err(AimError::Conflict("this Front End has answered in this round")),
            };
        }
        if let Some(denied) = self.unlicensed(arriving).await? {
            return Ok(Answered::Denied(Box::new(denied)));
        }
        let layout = self.library().inspect(digest).await?;
        let base: Layout = serde_json::from_value(arriving.base.layout.clone())
            .map_err(|_| AimError::Index("the layout of a model cannot be read".to_owned()))?;
        layout.must_equal(&base)?;
        self.keep_answer(arriving, digest, &layout).await
    }

    /// The signature is over these bytes and this round; without that nothing of the answer is believed.
    async fn must_be_bound(&self, arriving: &Arriving, digest: B256) -> Result<(), AimError> {
        let declared = arriving.response.post_learn_nn_model.ml_model_qualifier.as_ref().and_then(|q| q.digest.clone());
        if declared.is_some_and(|declared| declared != crate::mpai_store::models::blobs::spelled(digest)) {
            return Err(ModelError::Digest("the message names".to_owned()).into());
        }
        let statement = AnswerStatement {
            back_end: self.back_end(),
            round: arriving.round.id,
            number: arriving.round.number,
            base: arriving.base.id,
            digest,
            samples: arriving.samples,
            items: arriving.items.clone(),
        };
        let signer = arriving.sender.address();
        if statement.verify(&arriving.signature, signer).is_ok() {
            return Ok(());
        }
        let node = self.licensing.node();
        let accepted = node.accepts_signature(signer, statement.hash(), arriving.signature.clone()).await;
        match accepted.map_err(crate::licensing::LicensingError::from)? {
            true => Ok(()),
            false => Err(AimError::Unprocessable(
                "the signature is not the Front End's over this round, these bytes, samples and items".to_owned(),
            )),
        }
    }

    /// The first item whose licence does not permit training; its denial is recorded. The recorded yes comes when the
    /// round is aggregated, in batches for all.
    async fn unlicensed(&self, arriving: &Arriving) -> Result<Option<OperationRow>, AimError> {
        const AT: &str = "/FederatedLearn/Response/AIHDataIDs";
        for item in &arriving.items {
            let row = self.database.find_data_item(*item).await?;
            let is_theirs = row.as_ref().is_some_and(|row| row.owner == arriving.sender);
            if !is_theirs || row.is_some_and(|row| row.state == DataItemState::Erased) {
                return Err(refuse(AT, "an item is not known here as this End User's"));
            }
            let operation = self.training_of(*item, &arriving.round).await?;
            let question = Question {
                item: *item,
                requester: operation.requester.address(),
                operation: Operation::FederatedLearning,
                usage: arriving.round.usage,
                at: self.clock.seconds(),
                confirm_id: operation.id.into_bytes(),
            };
            if self.licensing.check(&question).await?.is_permitted() {
                continue;
            }
            let _ = self.database.insert_operation(&operation).await?;
            match self.ask(&operation).await {
                Ok(Answer::Denied(_)) => return Ok(Some(self.operation(operation.id).await?)),
                // Permitted between the two questions: nothing is done with it now.
                Ok(Answer::Permitted(_)) => {
                    self.give_up(operation.id, &AimError::Conflict("the licence changed meanwhile")).await;
                }
                Err(error) => {
                    self.give_up(operation.id, &error).await;
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// The operation of training on an item in a round; the Back End itself asks.
    pub(super) async fn training_of(&self, item: AihDataId, round: &RoundRow) -> Result<NewOperation, AimError> {
        let back_end = self.back_end();
        let request = ProcessRequest {
            message_id: None,
            requester: UserId::new(back_end.chain_id(), back_end.address()),
            item,
            operation: Operation::FederatedLearning,
            usage: round.usage,
            parameters: Map::from_iter([("FederatedLearnID".to_owned(), json!(format!("urn:uuid:{}", round.id)))]),
        };
        let row = self.database.find_data_item(item).await?;
        self.new_operation(&request, OperationKind::FederatedLearn, row.as_ref()).await
    }

    async fn keep_answer(&self, arriving: &Arriving, digest: B256, layout: &Layout) -> Result<Answered, AimError> {
        let round = arriving.round.id;
        let row = AnswerRow {
            round,
            front_end: arriving.sender,
            digest,
            layout: json!(layout),
            samples: arriving.samples,
            items: arriving.items.clone(),
            metrics: json!(arriving.response.metrics),
            signature: arriving.signature.clone(),
            state: AnswerState::Received,
            reason: None,
            received_at_us: self.clock.micros(),
        };
        match self.database.insert_answer(&row).await {
            Ok(true) => {}
            Ok(false) => return Err(AimError::Conflict("the round takes no more answers")),
            Err(DbError::Taken(Unique::FederatedModel)) => {
                return Err(AimError::Conflict("another Front End has sent this very model in this round"));
            }
            Err(DbError::Taken(Unique::FederatedAnswer)) => {
                return Err(AimError::Conflict("this Front End has answered in this round"));
            }
            Err(error) => return Err(error.into()),
        }
        self.database.begin_collecting(round, self.clock.micros()).await?;
        Ok(Answered::Kept(Box::new(self.database.find_round(round).await?.ok_or(AimError::NotFound)?)))
    }

    /// Notes in the round why an answer was refused, when the answer was the reason, and gives the error back.
    async fn note_refusal(&self, round: &RoundRow, sender: UserId, error: AimError) -> AimError {
        let is_their_fault = matches!(
            error,
            AimError::Refused { .. } | AimError::Conflict(_) | AimError::Unprocessable(_) | AimError::Model(_)
        );
        if is_their_fault {
            let refusal = RefusalRow {
                id: Uuid::now_v7(),
                round: round.id,
                front_end: sender,
                reason: error.to_string(),
                refused_at_us: self.clock.micros(),
            };
            if let Err(error) = self.database.insert_refusal(&refusal, MOST_REFUSALS).await {
                tracing::error!(round = %round.id, %error, "federated_learning.refusal_not_noted");
            }
        }
        error
    }
}
