//! **Krum**: the answer nearest to its neighbours, and multi-Krum, the mean of the best of them. P. Blanchard et al.,
//! "Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent", NeurIPS 2017. With n answers of which f may
//! be attackers, the score of an answer is the sum of its squared distances to its n − f − 2 nearest; n ≥ 2f + 3.
//!
//! All n(n − 1)/2 distances come from one pass over the files. They are sums of squared differences, in double precision:
//! the shorter way by products, |a|² + |b|² − 2ab, loses the digits in which near neighbours differ, and Krum lives on these.
//!
//! ```text
//! slice of every update ─▶ block by block, small enough for a core's cache ─▶ every pair of rows ─▶ + (a − b)²
//! ```
//!
//! The pairs are shared out among the processors by their rows, so each distance is summed in one order, whatever their
//! number.

use std::thread;

use super::{AggregationError, Answer, slices::Numbers, updates, workers};

/// Numbers of each update that are compared before the next are: those of a hundred updates fit the cache of a core.
const BLOCK_NUMBERS: usize = 512;
/// Sums kept side by side, so that one addition need not wait for the last.
const LANES: usize = 16;

/// Squared distances between updates; row by row, to the updates behind it.
struct Distances(Vec<Vec<f64>>);

/// The `most` answers with the lowest scores, of those that are kept, in their order.
pub(super) fn choose(
    base: &Numbers,
    answers: &[Answer],
    kept: &[usize],
    factors: &[f64],
    attackers: usize,
    most: usize,
) -> Result<Vec<usize>, AggregationError> {
    let count = kept.len();
    if count < 2 * attackers + 3 {
        let needs = "at least twice as many as attackers are assumed, and three";
        return Err(AggregationError::TooFew { rule: "Krum", answers: count, needs });
    }
    let mut distances = Distances::new(count);
    for slice in 0..base.slices() {
        let base_numbers = base.read(slice)?;
        distances.add(&updates(&base_numbers, answers, kept, factors, slice)?);
    }
    let mut scores: Vec<(f64, usize)> =
        (0..count).map(|place| (distances.score(place, count - attackers - 2), place)).collect();
    scores.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    let mut chosen: Vec<usize> = scores.iter().take(most).filter_map(|(_, place)| kept.get(*place)).copied().collect();
    chosen.sort_unstable();
    Ok(chosen)
}

impl Distances {
    fn new(count: usize) -> Self {
        Self((0..count).map(|row| vec![0.0; count - row - 1]).collect())
    }

    /// Adds what one slice contributes.
    fn add(&mut self, updates: &[Vec<f64>]) {
        let workers = workers(updates.first().map_or(0, Vec::len) * updates.len());
        let mut shares: Vec<Vec<(usize, &mut Vec<f64>)>> = (0..workers).map(|_| Vec::new()).collect();
        // Dealt out in turn: the first rows are the longest.
        for (row, distances) in self.0.iter_mut().enumerate() {
            if let Some(share) = shares.get_mut(row % workers) {
                share.push((row, distances));
            }
        }
        thread::scope(|scope| {
            let mut shares = shares.into_iter();
            let own = shares.next();
            for share in shares {
                scope.spawn(move || add_rows(share, updates));
            }
            add_rows(own.unwrap_or_default(), updates);
        });
    }

    /// Only the distances to later updates are kept.
    fn between(&self, one: usize, other: usize) -> Option<f64> {
        let (first, second) = (one.min(other), one.max(other));
        self.0.get(first)?.get(second.checked_sub(first + 1)?).copied()
    }

    fn score(&self, place: usize, nearest: usize) -> f64 {
        let mut others: Vec<f64> = (0..self.0.len()).filter_map(|other| self.between(place, other)).collect();
        others.sort_unstable_by(f64::total_cmp);
        others.iter().take(nearest).sum()
    }
}

fn add_rows(mut rows: Vec<(usize, &mut Vec<f64>)>, updates: &[Vec<f64>]) {
    let length = updates.first().map_or(0, Vec::len);
    for start in (0..length).step_by(BLOCK_NUMBERS) {
        let block = start..(start + BLOCK_NUMBERS).min(length);
        for (row, distances) in &mut rows {
            let Some(one) = updates.get(*row).and_then(|update| update.get(block.clone())) else { continue };
            for (other, distance) in updates.iter().skip(*row + 1).zip(distances.iter_mut()) {
                *distance += squared_distance(one, other.get(block.clone()).unwrap_or_default());
            }
        }
    }
}

fn squared_distance(one: &[f64], other: &[f64]) -> f64 {
    let ((one, one_rest), (other, other_rest)) = (one.as_chunks::<LANES>(), other.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in one.iter().zip(other) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += (a - b) * (a - b);
        }
    }
    let rest: f64 = one_rest.iter().zip(other_rest).map(|(a, b)| (a - b) * (a - b)).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_far_from_the_base_are_told_apart() {
        // Updates of length 10⁸ that differ in the ninth digit: |a|² + |b|² − 2ab would give zero or noise.
        let far = |shift: f64| (0..1_000).map(|n| 1e8 + f64::from(n) + shift).collect::<Vec<f64>>();
        let mut distances = Distances::new(3);
        distances.add(&[far(0.0), far(0.25), far(1.0)]);
        let found: Vec<f64> =
            [(0, 1), (2, 0), (1, 2)].iter().filter_map(|(one, other)| distances.between(*one, *other)).collect();
        assert_eq!(found, [62.5, 1_000.0, 562.5]);
        assert_eq!(distances.between(1, 1), None);
    }

    #[test]
    fn a_distance_does_not_depend_on_the_number_of_processors() {
        let update =
            |n: usize| (0..5_003).map(|i| ((n * 7_919 + i * 104_729) % 1_000) as f64 / 7.0).collect::<Vec<_>>();
        let updates: Vec<Vec<f64>> = (0..7).map(update).collect();
        let alone = {
            let mut distances = Distances::new(7);
            add_rows(distances.0.iter_mut().enumerate().collect(), &updates);
            distances.0
        };
        let mut shared = Distances::new(7);
        shared.add(&updates);
        assert_eq!(shared.0, alone);
        for (row, distances) in alone.iter().enumerate() {
            for (other, distance) in updates.iter().skip(row + 1).zip(distances) {
                let plain: f64 = updates[row].iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum();
                assert!((distance / plain - 1.0).abs() < 1e-12, "{distance} for {plain}");
            }
        }
    }
}
