//! Which answers are left out before any rule is applied, and how long an update may be.
//!
//! | Check | Left out | When |
//! | --- | --- | --- |
//! | length | an update more than [`MOST_MEDIANS`] times as long as the median of the round | without differential privacy |
//! | direction | an update whose cosine to the median update is below [`LEAST_COSINE`] | without it, from three answers on |
//! | clipping | nothing: an update longer than the clipping norm is shortened to it | always |
//!
//! The clipping norm is the one the round names, else the median length (T. D. Nguyen et al., "FLAME: Taming Backdoors in
//! Federated Learning", USENIX Security 2022, clips to the median too). The direction check follows the idea of X. Cao et
//! al., "FLTrust", NDSS 2021, with the coordinate median in place of a server's own update. Both checks look at all answers,
//! which differential privacy does not account for: under it only the named clipping norm is applied. Krum and multi-Krum choose
//! answers themselves, and their promise counts all of them: before these nothing is left out either.

use super::{AggregationError, Answer, Plan, clip_factor, rules, slices::Numbers, updates};
use crate::schema::wire::Aggregation;

/// An update longer than so many times the median is left out.
pub const MOST_MEDIANS: f64 = 10.0;
/// An update that points away from the median update by more than this is left out.
pub const LEAST_COSINE: f64 = -0.3;
/// Fewest answers for a direction of the many.
const LEAST_FOR_DIRECTION: usize = 3;

/// What is left out and clipped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// L2 norm to which updates are clipped; the median of the round when not given.
    pub clip_norm: Option<f64>,
    /// Whether answers are left out for their length or direction.
    pub screens: bool,
}

/// What was seen of an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Screened {
    /// L2 norm of its update.
    pub norm: f64,
    /// Cosine of its update to the median update, where it was looked at.
    pub cosine: Option<f64>,
    /// Whether it is too long.
    pub too_long: bool,
    /// Whether it points the other way.
    pub opposed: bool,
}

impl Screened {
    /// Whether it takes part.
    pub fn is_kept(&self) -> bool {
        !self.too_long && !self.opposed
    }

    /// Why it does not.
    pub fn reason(&self) -> Option<String> {
        if self.too_long {
            return Some(format!("the update is more than {MOST_MEDIANS} times as long as the median of the round"));
        }
        let cosine = self.cosine.filter(|_| self.opposed)?;
        Some(format!("the update points against that of the others (cosine {cosine:.2})"))
    }
}

/// Measures every answer; gives what was seen and the clipping norm.
pub(super) fn screen(
    plan: &Plan,
    base: &Numbers,
    answers: &[Answer],
) -> Result<(Vec<Screened>, f64), AggregationError> {
    let norms = norms(base, answers)?;
    let private = plan.noise_multiplier.is_some();
    let chooses = matches!(plan.rule, Aggregation::Krum | Aggregation::MultiKrum);
    let screens = plan.limits.screens && !private && !chooses;
    let median = rules::median(&mut norms.clone());
    let clip_norm = match plan.limits.clip_norm {
        Some(norm) => norm,
        None if private => return Err(AggregationError::Unsound("differential privacy needs a named ClipNorm")),
        None => median,
    };
    let seen = |norm: &f64| Screened {
        norm: *norm,
        cosine: None,
        too_long: screens && *norm > MOST_MEDIANS * median,
        opposed: false,
    };
    let mut screened: Vec<Screened> = norms.iter().map(seen).collect();
    if screens && screened.iter().filter(|seen| seen.is_kept()).count() >= LEAST_FOR_DIRECTION {
        directions(base, answers, &mut screened, clip_norm)?;
    }
    Ok((screened, clip_norm))
}

fn norms(base: &Numbers, answers: &[Answer]) -> Result<Vec<f64>, AggregationError> {
    let (all, ones): (Vec<usize>, Vec<f64>) = (0..answers.len()).map(|n| (n, 1.0)).unzip();
    let mut squares = vec![0.0; answers.len()];
    for slice in 0..base.slices() {
        let base_numbers = base.read(slice)?;
        for place in &all {
            let one = updates(&base_numbers, answers, &[*place], &ones, slice)?;
            let sum: f64 = one.iter().flatten().map(|update| update * update).sum();
            squares.iter_mut().skip(*place).take(1).for_each(|square| *square += sum);
        }
    }
    Ok(squares.into_iter().map(f64::sqrt).collect())
}

fn directions(
    base: &Numbers,
    answers: &[Answer],
    screened: &mut [Screened],
    clip_norm: f64,
) -> Result<(), AggregationError> {
    let kept: Vec<usize> = (0..screened.len()).filter(|n| screened.get(*n).is_some_and(Screened::is_kept)).collect();
    let factors: Vec<f64> = screened.iter().map(|seen| clip_factor(seen.norm, clip_norm)).collect();
    let (mut products, mut squares, mut middle_square) = (vec![0.0; kept.len()], vec![0.0; kept.len()], 0.0);
    for slice in 0..base.slices() {
        let base_numbers = base.read(slice)?;
        let updates = updates(&base_numbers, answers, &kept, &factors, slice)?;
        let middle = rules::median_of(&updates, base_numbers.len());
        middle_square += middle.iter().map(|m| m * m).sum::<f64>();
        for ((update, product), square) in updates.iter().zip(&mut products).zip(&mut squares) {
            *product += update.iter().zip(&middle).map(|(u, m)| u * m).sum::<f64>();
            *square += update.iter().map(|u| u * u).sum::<f64>();
        }
    }
    for ((place, product), square) in kept.iter().zip(products).zip(squares) {
        let length = (square * middle_square).sqrt();
        if let Some(seen) = screened.get_mut(*place).filter(|_| length > 0.0) {
            seen.cosine = Some(product / length);
            seen.opposed = product / length < LEAST_COSINE;
        }
    }
    Ok(())
}
