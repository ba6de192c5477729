//! A round ends: the licences behind every answer are confirmed in batches of up to 512 items, what remains is aggregated, the
//! result is judged by held-out data, the licences are asked once more, and only then does a model stand in the Store.
//!
//! An answer with an item that is not permitted any more is left out whole. What interrupts (the chain away, the database)
//! leaves the round where it is, and the keeper tries again; what cannot be helped rejects it, with the reason.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufWriter, ErrorKind, Read},
    path::Path,
};

use alloy::primitives::B256;
use serde_json::json;
use uuid::Uuid;

use super::{
    aggregation::{Aggregated, AggregationError, Answer as Input, aggregate, slices::Numbers},
    aside,
    licences::Licensed,
    round::Settings,
};
use crate::{
    aims::{AimError, Aims},
    db::{
        federated_answers::{AnswerEnd, AnswerRow},
        federated_rounds::{RoundEnd, RoundRow, RoundState},
        models::{ModelRow, StoredFormat},
        notices::NewNotice,
    },
    domain::ids::{LicenceId, UserId},
    mpai_store::models::{ModelError, blobs::Blobs, layout::Layout},
};

/// A result that is not in the Store yet.
struct Made {
    model: B256,
    onnx: B256,
    scores: (f64, f64),
    used: Vec<usize>,
    left_out: Vec<AnswerEnd>,
}

/// Why there is no result.
enum Halt {
    /// For good, with the reason.
    Rejected(String),
    /// For now.
    Interrupted(AimError),
}

impl<E: Into<AimError>> From<E> for Halt {
    fn from(error: E) -> Self {
        match error.into() {
            // A child that refuses or dies would do so again.
            AimError::Unprocessable(why) => Self::Rejected(why),
            error => Self::Interrupted(error),
        }
    }
}

impl Aims {
    /// Ends a round that is due.
    ///
    /// # Errors
    /// When it was interrupted; it stays as it is and can be ended later.
    pub(super) async fn end_round(&self, round: &RoundRow) -> Result<(), AimError> {
        let settings = Settings::of(round)?;
        if round.state != RoundState::Aggregating {
            let answers = self.database.count_answers(round.id).await?;
            if answers < u64::from(round.least) {
                let reason = format!("{answers} answers came by the deadline; at least {} are needed", round.least);
                return self.finish(round, false, (RoundState::Expired, reason), Vec::new()).await;
            }
            // What is spent stands in the row before anything is computed: a crash never spends for nothing.
            if self.exceeds_budget(&settings, Some(round.lineage)).await? {
                let reason = "the privacy budget of this model is spent".to_owned();
                return self.finish(round, false, (RoundState::Rejected, reason), Vec::new()).await;
            }
            let begun = self.database.begin_aggregating(round.id, settings.rho(), self.clock.micros()).await?;
            if !begun.is_done() {
                return Ok(());
            }
        }
        let (answers, mut left_out) = self.whole_answers(round).await?;
        let (licensed, refused) = self.licensed(round, answers).await?;
        left_out.extend(refused);
        self.aggregate_and_promote(round, &settings, licensed, left_out).await
    }

    /// The answers whose files are what they were; one that was damaged must not hold the round up for ever. A file that
    /// cannot be read now is not damaged: the keeper tries again.
    async fn whole_answers(&self, round: &RoundRow) -> Result<(Vec<AnswerRow>, Vec<AnswerEnd>), AimError> {
        let (mut whole, mut left_out) = (Vec::new(), Vec::new());
        for answer in self.database.list_answers(round.id).await? {
            let (blobs, digest) = (self.models.blobs.clone(), answer.digest);
            match aside(move || blobs.verified(digest)).await? {
                Ok(_) => whole.push(answer),
                Err(error) if !is_damage(&error) => return Err(error.into()),
                Err(error) => {
                    tracing::error!(round = %round.id, %error, "federated_learning.answer_damaged");
                    let left_out_for = Some("its file was damaged in this Back End".to_owned());
                    left_out.push(AnswerEnd { front_end: answer.front_end, left_out: left_out_for });
                }
            }
        }
        Ok((whole, left_out))
    }

    async fn aggregate_and_promote(
        &self,
        round: &RoundRow,
        settings: &Settings,
        mut licensed: Vec<Licensed>,
        mut left_out: Vec<AnswerEnd>,
    ) -> Result<(), AimError> {
        loop {
            let result = match self.result(round, settings, &licensed).await {
                Ok(result) => result,
                Err(Halt::Rejected(reason)) => {
                    left_out.extend(licensed.iter().map(|l| AnswerEnd {
                        front_end: l.answer.front_end,
                        left_out: Some("the round was rejected".to_owned()),
                    }));
                    let finished = self.finish(round, true, (RoundState::Rejected, reason), left_out).await;
                    return self.close_or_drop(&licensed, finished).await;
                }
                Err(Halt::Interrupted(error)) => {
                    self.drop_operations(&licensed, &error).await;
                    return Err(error);
                }
            };
            let files = [result.model, result.onnx];
            let withdrawn = match self.withdrawn(&licensed).await {
                Ok(withdrawn) => withdrawn,
                Err(error) => {
                    self.discard_all(&files).await;
                    return Err(error);
                }
            };
            if withdrawn.is_empty() {
                let promoted = self.promote(round, settings, (&licensed, result), left_out).await;
                if promoted.is_err() {
                    self.discard_all(&files).await;
                }
                return self.close_or_drop(&licensed, promoted).await;
            }
            // What the withdrawn data went into does not outlive the withdrawal.
            for file in files {
                self.discard(file).await?;
            }
            for (place, verdict) in withdrawn.into_iter().rev() {
                left_out.push(self.leave_out(&licensed.remove(place), verdict).await?);
            }
        }
    }

    /// What was permitted is done only when the round has ended by it; otherwise nothing came of it, and it is asked anew.
    async fn close_or_drop(&self, licensed: &[Licensed], ended: Result<(), AimError>) -> Result<(), AimError> {
        match ended {
            Ok(()) => self.close_operations(licensed).await,
            Err(error) => {
                self.drop_operations(licensed, &error).await;
                Err(error)
            }
        }
    }

    /// Aggregates and judges; nothing of it is in the Store yet.
    async fn result(&self, round: &RoundRow, settings: &Settings, licensed: &[Licensed]) -> Result<Made, Halt> {
        if licensed.len() < round.least as usize {
            let (left, least) = (licensed.len(), round.least);
            return Err(Halt::Rejected(format!("{left} answers remain; at least {least} are needed")));
        }
        let base = self.database.find_model(round.base_model).await?.ok_or(AimError::NotFound)?;
        let (aggregated, model) = self.aggregated(settings, &base, licensed).await?;
        let (scores, onnx) = match self.judged(round, &base, model).await {
            Ok(judged) => judged,
            Err(halt) => {
                self.discard(model).await?;
                return Err(halt);
            }
        };
        let mut left_out = Vec::new();
        for (place, one) in licensed.iter().enumerate().filter(|(place, _)| !aggregated.used.contains(place)) {
            let reason = aggregated.screened.get(place).and_then(|seen| seen.reason());
            let reason = reason.unwrap_or_else(|| "the aggregation chose other answers".to_owned());
            left_out.push(AnswerEnd { front_end: one.answer.front_end, left_out: Some(reason) });
        }
        Ok(Made { model, onnx, scores, used: aggregated.used, left_out })
    }

    /// Accuracy of base and result on the held-out data, and the result as ONNX.
    async fn judged(&self, round: &RoundRow, base: &ModelRow, model: B256) -> Result<((f64, f64), B256), Halt> {
        let held_out = self.database.find_evaluation_set(round.lineage).await?.ok_or(AimError::NotFound)?;
        let library = self.library();
        let before = library.score(base.digest, held_out.digest).await?.accuracy;
        let after = library.score(model, held_out.digest).await?.accuracy;
        if after < before {
            let fall = format!("the held-out accuracy would fall from {before:.4} to {after:.4}");
            return Err(Halt::Rejected(fall));
        }
        Ok(((before, after), library.export(model).await?))
    }

    /// Removes a file that no row names. The result of a round may be, byte for byte, the model it began with.
    async fn discard(&self, digest: B256) -> Result<(), AimError> {
        match self.database.is_model_file_in_use(digest).await? {
            true => Ok(()),
            false => Ok(self.models.blobs.remove(digest)?),
        }
    }

    /// As [`Aims::discard`], where something else has failed already; the next start sweeps what is left.
    async fn discard_all(&self, files: &[B256]) {
        for file in files {
            if let Err(error) = self.discard(*file).await {
                tracing::warn!(%error, "federated_learning.file_not_discarded");
            }
        }
    }

    async fn aggregated(
        &self,
        settings: &Settings,
        base: &ModelRow,
        licensed: &[Licensed],
    ) -> Result<(Aggregated, B256), Halt> {
        let layout = |value: &serde_json::Value| {
            serde_json::from_value::<Layout>(value.clone())
                .map_err(|_| AimError::Index("the layout of a model cannot be read".to_owned()))
        };
        let base_layout = layout(&base.layout)?;
        let blobs = self.models.blobs.clone();
        let mut inputs = Vec::with_capacity(licensed.len());
        for one in licensed {
            let own = layout(&one.answer.layout)?;
            let numbers = Numbers::new(blobs.path(one.answer.digest), &own, &base_layout)?;
            inputs.push(Input { numbers, samples: one.answer.samples });
        }
        let (plan, base_digest) = (settings.plan, base.digest);
        let digests: Vec<B256> = licensed.iter().map(|one| one.answer.digest).collect();
        let work = move || -> Result<(Aggregated, B256), AggregationError> {
            // Hashed first: a file that was damaged meanwhile is not aggregated.
            for digest in digests {
                drop(blobs.verified(digest)?);
            }
            let numbers = Numbers::new(blobs.path(base_digest), &base_layout, &base_layout)?;
            let staged = tempfile::NamedTempFile::new()?;
            std::io::copy(&mut blobs.verified(base_digest)?, &mut staged.as_file())?;
            let mut output = BufWriter::new(File::options().write(true).open(staged.path())?);
            let aggregated = aggregate(&plan, &numbers, &inputs, &mut output)?;
            drop(output);
            Ok((aggregated, keep(&blobs, staged.path())?))
        };
        aside(work).await?.map_err(|error| match error {
            AggregationError::TooFew { .. } | AggregationError::Unsound(_) => Halt::Rejected(error.to_string()),
            AggregationError::Model(error) => Halt::Interrupted(error.into()),
            AggregationError::File(error) => Halt::Interrupted(ModelError::File(error).into()),
            AggregationError::Random => Halt::Interrupted(AimError::Worker(error.to_string())),
        })
    }

    async fn promote(
        &self,
        round: &RoundRow,
        settings: &Settings,
        (licensed, result): (&[Licensed], Made),
        left_out: Vec<AnswerEnd>,
    ) -> Result<(), AimError> {
        let Made { model, onnx, scores, used, left_out: chosen_against } = result;
        let base = self.database.find_model(round.base_model).await?.ok_or(AimError::NotFound)?;
        let of_used = || used.iter().filter_map(|place| licensed.get(*place));
        let mut licences: BTreeSet<LicenceId> = base.licences.iter().copied().collect();
        let chain_id = self.back_end().chain_id();
        licences.extend(
            of_used().flat_map(|one| &one.warrants).map(|(_, w)| LicenceId::new(chain_id, w.grounds().licence)),
        );
        let samples = of_used().fold(0_u64, |sum, one| sum.saturating_add(one.answer.samples));
        let rows = self.rows(round, &base, (model, onnx), licences, told_samples(settings, samples)).await?;
        let mut answers: Vec<AnswerEnd> =
            of_used().map(|one| AnswerEnd { front_end: one.answer.front_end, left_out: None }).collect();
        answers.extend(left_out);
        answers.extend(chosen_against);
        let end = RoundEnd {
            state: RoundState::Promoted,
            notices: self.notices(round, &answers, RoundState::Promoted, Some(rows[0].id)),
            models: rows.into(),
            scores: Some(scores),
            reason: None,
            answers,
        };
        self.commit(round, true, &end).await
    }

    /// A result as the Store is to tell it: its tensors, and the same as a graph for other runtimes.
    async fn rows(
        &self,
        round: &RoundRow,
        base: &ModelRow,
        (model, onnx): (B256, B256),
        licences: BTreeSet<LicenceId>,
        samples: Option<u64>,
    ) -> Result<[ModelRow; 2], AimError> {
        let library = self.library();
        let layout = library.inspect(model).await?;
        let finish_row = |row: ModelRow, parent: Uuid| ModelRow {
            version: base.version + 1,
            lineage: base.lineage,
            parent: Some(parent),
            round: Some(round.id),
            round_number: Some(round.number),
            sample_count: samples,
            licences: licences.iter().copied().collect(),
            parameter_count: layout.parameters(),
            ..row
        };
        let row = library.row(Uuid::now_v7(), base.name.clone(), StoredFormat::Safetensors, model, Some(&layout))?;
        let graph = library.row(Uuid::now_v7(), base.name.clone(), StoredFormat::Onnx, onnx, None)?;
        let graph = finish_row(graph, row.id);
        Ok([finish_row(row, base.id), graph])
    }

    async fn finish(
        &self,
        round: &RoundRow,
        aggregating: bool,
        (state, reason): (RoundState, String),
        mut answers: Vec<AnswerEnd>,
    ) -> Result<(), AimError> {
        for answer in self.database.list_answers(round.id).await? {
            if !answers.iter().any(|end| end.front_end == answer.front_end) {
                let left_out = Some(format!("the round is {state}"));
                answers.push(AnswerEnd { front_end: answer.front_end, left_out });
            }
        }
        let notices = self.notices(round, &answers, state, None);
        let end = RoundEnd { state, models: Vec::new(), scores: None, reason: Some(reason), answers, notices };
        self.commit(round, aggregating, &end).await
    }

    async fn commit(&self, round: &RoundRow, aggregating: bool, end: &RoundEnd) -> Result<(), AimError> {
        let digests = self.database.answer_digests(round.id).await?;
        let moved = self.database.end_round(round.id, aggregating, end, self.clock.micros()).await?;
        tracing::info!(round = %round.id, state = %end.state, done = moved.is_done(), "federated_learning.round_ended");
        if !moved.is_done() {
            return Err(AimError::Conflict("another instance has moved this round meanwhile"));
        }
        // Front Ends' own models have served: what they told is in the result, and their files go.
        self.discard_all(&digests).await;
        Ok(())
    }

    fn notices(&self, round: &RoundRow, ends: &[AnswerEnd], state: RoundState, model: Option<Uuid>) -> Vec<NewNotice> {
        let told: BTreeSet<UserId> = ends.iter().map(|end| end.front_end).chain(round.front_end).collect();
        let notice = |user| NewNotice {
            user,
            kind: "federated-learn.ended".to_owned(),
            data: json!({
                "FederatedLearnID": format!("urn:uuid:{}", round.id),
                "Round": round.number,
                "State": state.to_string(),
                "MLModelObjectID": model.map(|id| format!("urn:uuid:{id}")),
            }),
            created_at_us: self.clock.micros(),
        };
        told.into_iter().map(notice).collect()
    }
}

/// The samples behind a model, as everybody is told. Under differential privacy nobody is: an exact sum over the Front Ends'
/// data would tell what the noise hides, and no budget counts it.
fn told_samples(settings: &Settings, samples: u64) -> Option<u64> {
    settings.plan.noise_multiplier.is_none().then(|| samples.min(MOST_SAMPLES))
}

/// Whether a file is not what it was, rather than not to be had at the moment.
fn is_damage(error: &ModelError) -> bool {
    match error {
        ModelError::File(error) => error.kind() == ErrorKind::NotFound,
        _ => true,
    }
}

/// Largest count a message can carry exactly.
const MOST_SAMPLES: u64 = (1 << 53) - 1;

/// Takes a file among the models; gives its digest.
fn keep(blobs: &Blobs, path: &Path) -> Result<B256, AggregationError> {
    let (mut incoming, mut file) = (blobs.begin()?, File::open(path)?);
    loop {
        let mut piece = vec![0; 256 << 10];
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        incoming.write(piece.get(..read).unwrap_or_default())?;
    }
    Ok(blobs.keep(incoming)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_round_tells_no_exact_sum() {
        use crate::schema::wire::Aggregation::WeightedMean;
        let read =
            |parameters: serde_json::Value| Settings::read(WeightedMean, parameters.as_object().unwrap()).unwrap();
        let noise = json!({"NoiseMultiplier": 1.0, "EpsilonBudget": 5.0, "Delta": 1e-5, "ClipNorm": 1.0});
        assert_eq!(told_samples(&read(noise), 4_711), None);
        assert_eq!(told_samples(&read(json!({})), 4_711), Some(4_711));
        assert_eq!(told_samples(&read(json!({})), u64::MAX), Some(MOST_SAMPLES));
    }

    #[test]
    fn a_disk_that_is_slow_or_full_of_handles_damages_no_answer() {
        for kind in [ErrorKind::TimedOut, ErrorKind::Interrupted, ErrorKind::PermissionDenied, ErrorKind::Other] {
            assert!(!is_damage(&ModelError::File(kind.into())), "{kind}");
        }
        assert!(is_damage(&ModelError::File(ErrorKind::NotFound.into())));
        assert!(is_damage(&ModelError::Digest(String::new())));
    }
}
