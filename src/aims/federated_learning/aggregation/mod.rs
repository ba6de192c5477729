//! **Aggregation**: the new model from the models of many Front Ends.
//!
//! ```text
//! base ──┐                    ┌─ slice of every answer ─▶ clip ─▶ rule ─▶ base + update ─▶ new file
//! answer ┼─ same tensors, ────┤  (a few thousand numbers of each at once)
//! answer ┘  anywhere in file  └─ … next slice
//! ```
//!
//! | File | What |
//! | --- | --- |
//! | [`slices`] | numbers of a file, slice by slice |
//! | [`screen`] | which answers are left out, and how long an update may be |
//! | [`rules`] | weighted mean, trimmed mean, median, coordinate by coordinate |
//! | [`krum`] | Krum and multi-Krum: which answers lie among their neighbours |
//! | [`noise`] | the discrete Gaussian of differential privacy |
//!
//! What is combined are *updates*, answer minus base, each clipped to a norm. Files are read slice by slice in several
//! passes, so a hundred models of ten million numbers take the memory of one slice of each. What is done to a slice is shared
//! out among the processors; the result does not depend on their number.

pub mod krum;
pub mod noise;
pub mod rules;
pub mod screen;
pub mod slices;

#[cfg(test)]
mod tests;

use std::io::{Seek, SeekFrom, Write};

use self::{
    noise::Noise,
    screen::{Limits, Screened},
    slices::Numbers,
};
use crate::{mpai_store::models::ModelError, schema::wire::Aggregation};

/// Why nothing was aggregated.
#[derive(Debug, thiserror::Error)]
pub enum AggregationError {
    /// A file.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A file.
    #[error("a model file cannot be read or written")]
    File(#[from] std::io::Error),
    /// Too few answers for the rule.
    #[error("{rule} of {answers} answers is not defined: {needs}")]
    TooFew {
        /// The rule.
        rule: &'static str,
        /// Answers there are.
        answers: usize,
        /// What it needs.
        needs: &'static str,
    },
    /// The rule's promise would not hold.
    #[error("{0}")]
    Unsound(&'static str),
    /// The random source failed.
    #[error("the random source failed")]
    Random,
}

/// How answers become a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// The rule.
    pub rule: Aggregation,
    /// Answers that may be the work of an attacker: as many are trimmed at each end, or assumed by Krum.
    pub attackers: usize,
    /// What is left out and clipped.
    pub limits: Limits,
    /// Ratio of the noise's deviation to the clipping norm; none without differential privacy.
    pub noise_multiplier: Option<f64>,
}

/// One answer: its numbers and its weight.
pub struct Answer {
    /// The numbers, in the order of the base's tensors.
    pub numbers: Numbers,
    /// Samples it was trained on.
    pub samples: u64,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregated {
    /// What was seen of each answer.
    pub screened: Vec<Screened>,
    /// Positions of the answers that Krum chose; all that were not left out for the other rules.
    pub used: Vec<usize>,
    /// L2 norm to which updates were clipped.
    pub clip_norm: f64,
}

/// Aggregates. `output` holds a copy of the base file; its numbers are overwritten.
///
/// # Errors
/// [`AggregationError`]; the output is then worth nothing.
pub fn aggregate(
    plan: &Plan,
    base: &Numbers,
    answers: &[Answer],
    output: &mut (impl Write + Seek),
) -> Result<Aggregated, AggregationError> {
    if plan.noise_multiplier.is_some() && plan.rule != Aggregation::WeightedMean {
        return Err(AggregationError::Unsound("differential privacy is offered with WeightedMean only"));
    }
    let (screened, clip_norm) = screen::screen(plan, base, answers)?;
    let kept: Vec<usize> = (0..answers.len()).filter(|n| screened.get(*n).is_some_and(Screened::is_kept)).collect();
    let factors: Vec<f64> = screened.iter().map(|seen| clip_factor(seen.norm, clip_norm)).collect();
    let used = match plan.rule {
        Aggregation::Krum => krum::choose(base, answers, &kept, &factors, plan.attackers, 1)?,
        Aggregation::MultiKrum => {
            let most = kept.len().saturating_sub(plan.attackers).max(1);
            krum::choose(base, answers, &kept, &factors, plan.attackers, most)?
        }
        Aggregation::WeightedMean | Aggregation::TrimmedMean | Aggregation::Median => kept,
    };
    let combine = rules::Combine::new(plan, answers, &used)?;
    let mut noise = plan.noise_multiplier.map(|multiplier| Noise::new(clip_norm, multiplier)).transpose()?;
    for slice in 0..base.slices() {
        let base_numbers = base.read(slice)?;
        let updates = updates(&base_numbers, answers, &used, &factors, slice)?;
        let combined = match &mut noise {
            Some(noise) => noise.mean(&updates, base_numbers.len())?,
            None => combine.slice(&updates, base_numbers.len()),
        };
        output.seek(SeekFrom::Start(base.place(slice)))?;
        let new = base_numbers.iter().zip(combined).flat_map(|(b, u)| ((f64::from(*b) + u) as f32).to_le_bytes());
        output.write_all(&new.collect::<Vec<_>>())?;
    }
    output.flush()?;
    Ok(Aggregated { screened, used, clip_norm })
}

/// The clipped updates of one slice, in the order of `used`.
fn updates(
    base: &[f32],
    answers: &[Answer],
    used: &[usize],
    factors: &[f64],
    slice: usize,
) -> Result<Vec<Vec<f64>>, AggregationError> {
    let mut updates = Vec::with_capacity(used.len());
    for place in used {
        let (Some(answer), Some(factor)) = (answers.get(*place), factors.get(*place)) else { continue };
        let numbers = answer.numbers.read(slice)?;
        updates.push(numbers.iter().zip(base).map(|(n, b)| factor * (f64::from(*n) - f64::from(*b))).collect());
    }
    Ok(updates)
}

fn clip_factor(norm: f64, clip_norm: f64) -> f64 {
    if norm > clip_norm { clip_norm / norm } else { 1.0 }
}

/// Numbers below which another thread is not worth starting.
const LEAST_TO_SHARE: usize = 64 << 10;

/// Threads for work on so many numbers: the processors there are, or one when there is little to do.
fn workers(numbers: usize) -> usize {
    let most = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    most.min(numbers / LEAST_TO_SHARE + 1)
}
