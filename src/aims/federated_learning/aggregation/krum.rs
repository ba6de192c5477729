//! **Krum**: the answer nearest to its neighbours, and multi-Krum, the mean of the best of them. P. Blanchard et al.,
//! "Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent", NeurIPS 2017. With n answers of which f may
//! be attackers, the score of an answer is the sum of its squared distances to its n − f − 2 nearest; n ≥ 2f + 3.
//!
//! Distances are summed up slice by slice, so no two models are ever in memory whole.

use super::{AggregationError, Answer, slices::Numbers, updates};

/// The `most` answers with the lowest scores, of those that are kept, in their order.
pub(super) fn choose(
    base: &mut Numbers,
    answers: &mut [Answer],
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
    let mut distances = vec![vec![0.0; count]; count];
    for slice in 0..base.slices() {
        let base_numbers = base.read(slice)?;
        let updates = updates(&base_numbers, answers, kept, factors, slice)?;
        for (row, (one, distances)) in updates.iter().zip(&mut distances).enumerate() {
            for (other, distance) in updates.iter().zip(distances).skip(row + 1) {
                *distance += squared_distance(one, other);
            }
        }
    }
    let mut scores: Vec<(f64, usize)> =
        (0..count).map(|place| (score(&distances, place, count - attackers - 2), place)).collect();
    scores.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    let mut chosen: Vec<usize> = scores.iter().take(most).filter_map(|(_, place)| kept.get(*place)).copied().collect();
    chosen.sort_unstable();
    Ok(chosen)
}

/// Only the upper half of the matrix is filled.
fn score(distances: &[Vec<f64>], place: usize, nearest: usize) -> f64 {
    let between = |other: usize| distances.get(place.min(other))?.get(place.max(other)).copied();
    let mut others: Vec<f64> = (0..distances.len()).filter(|other| *other != place).filter_map(between).collect();
    others.sort_unstable_by(f64::total_cmp);
    others.iter().take(nearest).sum()
}

fn squared_distance(one: &[f64], other: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (a, b) in one.iter().zip(other) {
        sum += (a - b) * (a - b);
    }
    sum
}
