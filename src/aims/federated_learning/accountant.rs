//! The privacy accountant: what the rounds of a lineage of models have told about any one Front End.
//!
//! Zero-concentrated differential privacy (M. Bun, T. Steinke, "Concentrated Differential Privacy: Simplifications,
//! Extensions, and Lower Bounds", TCC 2016): a round with noise multiplier z is ρ-zCDP with ρ = 1/(2z²) (proposition 1.6),
//! rounds add up (lemma 1.7), and ρ-zCDP is (ρ + 2√(ρ ln(1/δ)), δ)-DP (proposition 1.3). A budget is a pair (ε, δ) that
//! the lineage's first private round names; a round that would exceed it does not begin.

use serde::{Deserialize, Serialize};

/// What a lineage may tell about any one Front End.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Budget {
    /// ε.
    pub epsilon: f64,
    /// δ.
    pub delta: f64,
}

/// What has been told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spent {
    /// ρ of zero-concentrated differential privacy, summed over the rounds.
    pub rho: f64,
    /// The same as ε, at the budget's δ.
    pub epsilon: f64,
}

/// ρ of one round.
pub fn rho_of_round(noise_multiplier: f64) -> f64 {
    1.0 / (2.0 * noise_multiplier * noise_multiplier)
}

/// ε at δ of what is ρ-zCDP.
pub fn epsilon(rho: f64, delta: f64) -> f64 {
    rho + 2.0 * (rho * (1.0 / delta).ln()).sqrt()
}

impl Budget {
    /// Whether it is a budget: ε positive, δ between 0 and 1.
    pub fn is_one(&self) -> bool {
        self.epsilon.is_finite() && self.epsilon > 0.0 && self.delta > 0.0 && self.delta < 1.0
    }

    /// What has been spent, as this budget counts.
    pub fn spent(&self, rho: f64) -> Spent {
        Spent { rho, epsilon: epsilon(rho, self.delta) }
    }

    /// Whether one more round with this multiplier stays within it.
    pub fn allows(&self, spent_rho: f64, noise_multiplier: f64) -> bool {
        epsilon(spent_rho + rho_of_round(noise_multiplier), self.delta) <= self.epsilon
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_as_published() {
        // Bun & Steinke 2016: the Gaussian mechanism with sensitivity Δ and deviation σ is (Δ²/2σ²)-zCDP.
        assert!((rho_of_round(2.0) - 0.125).abs() < 1e-15);
        // Proposition 1.3, by hand: ρ = 0.1, δ = 10⁻⁶: 0.1 + 2√(0.1 · 13.8155) = 2.4508.
        assert!((epsilon(0.1, 1e-6) - 2.450_79).abs() < 1e-4, "{}", epsilon(0.1, 1e-6));
        // The 2020 census of the USA (person file of the redistricting data, June 2021) published ρ = 2.56 together with
        // ε = 17.14 at δ = 10⁻¹⁰, by a tighter conversion: ours must lie above, by less than a twentieth.
        let ours = epsilon(2.56, 1e-10);
        assert!(ours > 17.14 && ours < 17.14 * 1.05, "{ours}");
    }

    #[test]
    fn it_stops_when_the_budget_is_spent() {
        let budget = Budget { epsilon: 5.0, delta: 1e-5 };
        let (mut rho, mut rounds) = (0.0, 0);
        while budget.allows(rho, 4.0) {
            rho += rho_of_round(4.0);
            rounds += 1;
        }
        // ρ = 1/32 a round; ρ + 2√(ρ·11.51) ≤ 5 up to ρ = 0.449…: 14 rounds.
        assert_eq!(rounds, 14);
        assert!(budget.spent(rho).epsilon <= 5.0 && epsilon(rho + rho_of_round(4.0), 1e-5) > 5.0);
        assert!(!budget.allows(0.0, f64::NAN) && !budget.allows(0.0, 0.0));
        assert!(!Budget { epsilon: 1.0, delta: 0.0 }.is_one() && !Budget { epsilon: f64::NAN, delta: 0.1 }.is_one());
    }
}
