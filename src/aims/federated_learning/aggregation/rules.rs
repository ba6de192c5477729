//! The rules that work coordinate by coordinate.
//!
//! | Rule | Source |
//! | --- | --- |
//! | weighted mean | H. B. McMahan et al., "Communication-Efficient Learning of Deep Networks from Decentralized Data", AISTATS 2017 |
//! | trimmed mean, median | D. Yin et al., "Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates", ICML 2018 |
//!
//! A sample count is a claim of whoever sends it. A weight is therefore at most [`MOST_WEIGHT`] times the median count: of
//! n answers f that boast weigh 1.5 f of 1.5 f + n - f, three of ten 39 %.

use std::thread;

use super::{AggregationError, Answer, Plan, workers};
use crate::schema::wire::Aggregation;

/// Largest weight, in medians of the round's sample counts. Any more, and those a round is to bear outweigh the others.
pub const MOST_WEIGHT: f64 = 1.5;

/// Places that are turned at once.
const TILE_NUMBERS: usize = 64;

/// A rule with what it knows of the answers.
pub(super) struct Combine {
    rule: Aggregation,
    weights: Vec<f64>,
    trimmed: usize,
}

impl Combine {
    pub(super) fn new(plan: &Plan, answers: &[Answer], used: &[usize]) -> Result<Self, AggregationError> {
        let too_few = |rule, needs| AggregationError::TooFew { rule, answers: used.len(), needs };
        if used.is_empty() {
            return Err(too_few("an aggregate", "there must be one answer"));
        }
        if plan.rule == Aggregation::TrimmedMean && answers.len() <= 2 * plan.attackers {
            return Err(too_few("the trimmed mean", "more than twice as many answers as are trimmed at each end"));
        }
        // When answers were left out before, at most so many can be cut off and leave one: then it is the median.
        let trimmed = plan.attackers.min((used.len() - 1) / 2);
        let counts = used.iter().filter_map(|place| answers.get(*place)).map(|answer| answer.samples as f64);
        Ok(Self { rule: plan.rule, weights: weights(counts.collect()), trimmed })
    }

    /// The combined update of one slice.
    pub(super) fn slice(&self, updates: &[Vec<f64>], count: usize) -> Vec<f64> {
        match self.rule {
            Aggregation::WeightedMean => mean(updates, &self.weights, count),
            // Of the answers Krum chose, the plain mean.
            Aggregation::Krum | Aggregation::MultiKrum => {
                mean(updates, &vec![1.0 / updates.len().max(1) as f64; updates.len()], count)
            }
            Aggregation::Median => median_of(updates, count),
            Aggregation::TrimmedMean => trimmed_mean_of(updates, self.trimmed, count),
        }
    }
}

/// Shares that sum to 1; no count counts for more than [`MOST_WEIGHT`] medians.
pub fn weights(counts: Vec<f64>) -> Vec<f64> {
    let most = MOST_WEIGHT * median(&mut counts.clone());
    let bounded: Vec<f64> = counts.into_iter().map(|count| count.min(most)).collect();
    let sum: f64 = bounded.iter().sum();
    bounded.into_iter().map(|count| count / sum).collect()
}

fn mean(updates: &[Vec<f64>], weights: &[f64], count: usize) -> Vec<f64> {
    let mut sums = vec![0.0; count];
    for (update, weight) in updates.iter().zip(weights) {
        for (sum, value) in sums.iter_mut().zip(update) {
            *sum += weight * value;
        }
    }
    sums
}

/// The median of each coordinate.
pub(super) fn median_of(updates: &[Vec<f64>], count: usize) -> Vec<f64> {
    by_coordinate(updates, count, median)
}

fn trimmed_mean_of(updates: &[Vec<f64>], trimmed: usize, count: usize) -> Vec<f64> {
    by_coordinate(updates, count, |column| {
        column.sort_unstable_by(f64::total_cmp);
        let kept = column.get(trimmed..column.len().saturating_sub(trimmed)).unwrap_or_default();
        kept.iter().sum::<f64>() / kept.len().max(1) as f64
    })
}

/// Applies a rule to what the updates have at each place, the places shared out among the processors.
fn by_coordinate(updates: &[Vec<f64>], count: usize, rule: impl Fn(&mut [f64]) -> f64 + Sync) -> Vec<f64> {
    let mut found = vec![0.0; count];
    let share = count.div_ceil(workers(count * updates.len())).max(1);
    thread::scope(|scope| {
        let rule = &rule;
        let mut shares = found.chunks_mut(share).enumerate();
        let own = shares.next();
        for (n, found) in shares {
            scope.spawn(move || columns(updates, n * share, found, rule));
        }
        if let Some((_, found)) = own {
            columns(updates, 0, found, rule);
        }
    });
    found
}

/// Turned tile by tile, so that the numbers of one place lie side by side.
fn columns(updates: &[Vec<f64>], from: usize, found: &mut [f64], rule: impl Fn(&mut [f64]) -> f64) {
    if updates.is_empty() {
        return;
    }
    let rows = updates.len();
    let mut turned = vec![0.0; TILE_NUMBERS * rows];
    for (tile, found) in found.chunks_mut(TILE_NUMBERS).enumerate() {
        let start = from + tile * TILE_NUMBERS;
        for (row, update) in updates.iter().enumerate() {
            let numbers = update.get(start..start + found.len()).unwrap_or_default();
            for (place, number) in turned.iter_mut().skip(row).step_by(rows).zip(numbers) {
                *place = *number;
            }
        }
        for (found, column) in found.iter_mut().zip(turned.chunks_exact_mut(rows)) {
            *found = rule(column);
        }
    }
}

/// The median; the mean of the two in the middle when there is none. Zero of nothing.
pub(super) fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    if values.is_empty() {
        return 0.0;
    }
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if values.len() % 2 == 1 { upper } else { (lower + upper) / 2.0 }
}
