//! The noise of differential privacy: the mean of clipped updates on a grid, with discrete Gaussian noise.
//!
//! C. L. Canonne, G. Kamath, T. Steinke, "The Discrete Gaussian for Differential Privacy", NeurIPS 2020: algorithms 1–3,
//! exact with whole numbers only, so that the gaps between floating-point numbers tell nothing (I. Mironov, "On
//! Significance of the Least Significant Bits for Differential Privacy", CCS 2012).
//!
//! ```text
//! update ─ clip to C ─ towards zero onto a grid of width g ─▶ whole numbers ─ sum ─ + N_Z(0, σ²) ─ · g / n ─▶ mean
//! σ = z·C/g is a power of two, so g = z·C/σ.   Rounding towards zero makes no update longer.
//! ```
//!
//! Without one Front End the sum differs by at most C/g in L2 norm, so a round is (C/g)²/2σ² = 1/(2z²)-zCDP (theorem 4
//! there, with the number of answers public: a Front End is replaced by one that learned nothing).

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use super::AggregationError;

/// Deviation of the noise, in widths of the grid.
const SIGMA: u64 = 1 << 16;
/// Random bytes drawn at once.
const POOL_BYTES: usize = 8 << 10;

/// Noise for one round.
pub struct Noise {
    grid: f64,
    random: Random,
}

/// Random numbers from the system's generator.
struct Random {
    source: SystemRandom,
    pool: Vec<u8>,
    used: usize,
}

impl Noise {
    /// Noise whose deviation is `multiplier` times the clipping norm.
    ///
    /// # Errors
    /// [`AggregationError::Unsound`] unless both are positive numbers.
    pub fn new(clip_norm: f64, multiplier: f64) -> Result<Self, AggregationError> {
        let grid = multiplier * clip_norm / SIGMA as f64;
        if !(grid.is_normal() && grid > 0.0 && clip_norm > 0.0) {
            return Err(AggregationError::Unsound("ClipNorm and NoiseMultiplier are positive numbers"));
        }
        let random = Random { source: SystemRandom::new(), pool: Vec::new(), used: 0 };
        Ok(Self { grid, random })
    }

    /// The noisy mean of one slice.
    ///
    /// # Errors
    /// [`AggregationError::Random`].
    pub fn mean(&mut self, updates: &[Vec<f64>], count: usize) -> Result<Vec<f64>, AggregationError> {
        let mut sums = vec![0_i64; count];
        for update in updates {
            for (sum, value) in sums.iter_mut().zip(update) {
                // An update is at most as long as the clipping norm, so its steps are fewer than 2⁵³.
                *sum = sum.saturating_add((value / self.grid).trunc() as i64);
            }
        }
        let scale = self.grid / updates.len().max(1) as f64;
        let noisy = |sum: i64| Ok(sum.saturating_add(self.random.discrete_gaussian(SIGMA)?) as f64 * scale);
        sums.into_iter().map(noisy).collect()
    }
}

impl Random {
    fn bytes(&mut self, into: &mut [u8]) -> Result<(), AggregationError> {
        for byte in into {
            if self.used >= self.pool.len() {
                self.pool.resize(POOL_BYTES, 0);
                self.source.fill(&mut self.pool).map_err(|_| AggregationError::Random)?;
                self.used = 0;
            }
            *byte = self.pool.get(self.used).copied().ok_or(AggregationError::Random)?;
            self.used += 1;
        }
        Ok(())
    }

    /// Uniform in [0, below), by rejection.
    fn below(&mut self, below: u128) -> Result<u128, AggregationError> {
        let bits = 128 - (below - 1).leading_zeros();
        let mask = if bits == 128 { u128::MAX } else { (1 << bits) - 1 };
        loop {
            let mut bytes = [0; 16];
            let needed = bits.div_ceil(8) as usize;
            self.bytes(bytes.get_mut(..needed).unwrap_or_default())?;
            let number = u128::from_le_bytes(bytes) & mask;
            if number < below {
                return Ok(number);
            }
        }
    }

    /// True with probability `of / out_of`.
    fn bernoulli(&mut self, of: u128, out_of: u128) -> Result<bool, AggregationError> {
        Ok(self.below(out_of)? < of)
    }

    /// True with probability exp(−γ), γ = `of / out_of` (algorithm 1).
    fn bernoulli_exp(&mut self, of: u128, out_of: u128) -> Result<bool, AggregationError> {
        // exp(−γ) = exp(−1)^⌊γ⌋ · exp(−(γ − ⌊γ⌋))
        for _ in 0..of / out_of {
            if !self.bernoulli_exp_fraction(1, 1)? {
                return Ok(false);
            }
        }
        self.bernoulli_exp_fraction(of % out_of, out_of)
    }

    /// As [`Random::bernoulli_exp`], for γ of at most 1.
    fn bernoulli_exp_fraction(&mut self, of: u128, out_of: u128) -> Result<bool, AggregationError> {
        let mut k: u128 = 1;
        while self.bernoulli(of, out_of * k)? {
            k += 1;
        }
        Ok(k % 2 == 1)
    }

    /// A whole number with probability proportional to exp(−|x|/t) (algorithm 2).
    fn discrete_laplace(&mut self, t: u64) -> Result<i64, AggregationError> {
        let t = u128::from(t);
        loop {
            let u = self.below(t)?;
            if !self.bernoulli_exp_fraction(u, t)? {
                continue;
            }
            let mut v: u128 = 0;
            while self.bernoulli_exp_fraction(1, 1)? {
                v += 1;
            }
            let (x, negative) = (u + t * v, self.bernoulli(1, 2)?);
            if negative && x == 0 {
                continue;
            }
            // Beyond 63 bits with probability exp(−2⁴⁶).
            let x = i64::try_from(x).map_err(|_| AggregationError::Random)?;
            return Ok(if negative { -x } else { x });
        }
    }

    /// A whole number with probability proportional to exp(−x²/2σ²) (algorithm 3).
    fn discrete_gaussian(&mut self, sigma: u64) -> Result<i64, AggregationError> {
        let t = sigma + 1;
        let (t_wide, square) = (u128::from(t), u128::from(sigma) * u128::from(sigma));
        loop {
            let x = self.discrete_laplace(t)?;
            // γ = (|x| − σ²/t)² / 2σ² = (|x|·t − σ²)² / (2σ²t²)
            let away = (u128::from(x.unsigned_abs()) * t_wide).abs_diff(square);
            let Some(of) = away.checked_mul(away) else { continue };
            if self.bernoulli_exp(of, 2 * square * t_wide * t_wide)? {
                return Ok(x);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random() -> Random {
        Random { source: SystemRandom::new(), pool: Vec::new(), used: 0 }
    }

    #[test]
    fn the_noise_has_the_mean_and_the_deviation_it_should() {
        let (mut random, count, sigma) = (random(), 20_000, 40_u64);
        let drawn: Vec<f64> = (0..count).map(|_| random.discrete_gaussian(sigma).unwrap() as f64).collect();
        let mean = drawn.iter().sum::<f64>() / f64::from(count);
        let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(count);
        // Five standard errors: σ/√n of the mean, σ²√(2/n) of the variance.
        assert!(mean.abs() < 5.0 * 40.0 / f64::from(count).sqrt(), "{mean}");
        assert!((variance / 1_600.0 - 1.0).abs() < 5.0 * (2.0 / f64::from(count)).sqrt(), "{variance}");
        let within = drawn.iter().filter(|x| x.abs() <= 40.0).count() as f64 / f64::from(count);
        assert!((within - 0.689).abs() < 0.02, "P(|x| ≤ σ) = {within}");
    }

    #[test]
    fn small_deviations_follow_the_formula_number_by_number() {
        let (mut random, count) = (random(), 40_000);
        let mut seen = std::collections::HashMap::new();
        for _ in 0..count {
            *seen.entry(random.discrete_gaussian(1).unwrap()).or_insert(0_u32) += 1;
        }
        let weight = |x: i64| (-(x * x) as f64 / 2.0).exp();
        let total: f64 = (-20..=20).map(weight).sum();
        for x in -3..=3_i64 {
            let share = f64::from(*seen.get(&x).unwrap_or(&0)) / f64::from(count);
            let expected = weight(x) / total;
            let error = (expected * (1.0 - expected) / f64::from(count)).sqrt();
            assert!((share - expected).abs() < 5.0 * error, "{x}: {share} for {expected}");
        }
    }

    #[test]
    fn a_mean_without_noise_to_speak_of_is_the_mean() {
        let mut noise = Noise::new(1.0, 1e-9).unwrap();
        let mean = noise.mean(&[vec![0.5, -0.25], vec![0.25, 0.25]], 2).unwrap();
        assert!((mean[0] - 0.375).abs() < 1e-7 && mean[1].abs() < 1e-7, "{mean:?}");
        assert!(Noise::new(0.0, 1.0).is_err() && Noise::new(1.0, 0.0).is_err() && Noise::new(1.0, f64::NAN).is_err());
    }
}
