//! The exact test of Hardy–Weinberg equilibrium.
//!
//! Given how often the rarer allele occurs among the called genotypes, the number of heterozygotes has a known
//! distribution when mating is random. Its probabilities follow from one another by a recurrence; the p-value is the
//! sum of all that are no larger than the observed one (Wigginton, Cutler, Abecasis, "A note on exact tests of
//! Hardy–Weinberg equilibrium", American Journal of Human Genetics 76(5), 887–893, 2005).

/// Genotype counts of a site with two alleles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GenotypeCounts {
    /// Two different alleles.
    pub heterozygous: u64,
    /// Two copies of one allele.
    pub homozygous_one: u64,
    /// Two copies of the other.
    pub homozygous_other: u64,
}

/// The p-value of the counts, `None` where nothing was counted.
pub fn exact_p(counts: GenotypeCounts) -> Option<f64> {
    let GenotypeCounts { heterozygous, homozygous_one, homozygous_other } = counts;
    let individuals = heterozygous + homozygous_one + homozygous_other;
    if individuals == 0 {
        return None;
    }
    let rare = 2 * homozygous_one.min(homozygous_other) + heterozygous;
    let weights = weights(individuals, rare);
    // The number of heterozygotes has the parity of the number of rare alleles.
    let observed = *weights.get(((heterozygous - rare % 2) / 2) as usize)?;
    let total = weights.iter().sum::<f64>();
    // Equal probabilities may differ in their last bits.
    let as_rare = weights.iter().filter(|w| **w <= observed * (1.0 + 1e-9)).sum::<f64>();
    Some((as_rare / total).min(1.0))
}

/// Relative probabilities of every possible number of heterozygotes, in steps of two from 0 or 1, scaled so that the
/// most likely one is about 1.
fn weights(individuals: u64, rare: u64) -> Vec<f64> {
    let (n, rare_f) = (individuals as f64, rare as f64);
    let parity = rare % 2;
    let places = (rare / 2 + 1) as usize;
    let mut weights = vec![0.0; places];
    let likely =
        ((rare_f * (2.0 * n - rare_f) / (2.0 * n) - parity as f64) / 2.0).round().clamp(0.0, places as f64 - 1.0);
    let likely = likely as usize;
    let genotypes = |place: usize| {
        let heterozygous = (place * 2) as f64 + parity as f64;
        let homozygous_rare = (rare_f - heterozygous) / 2.0;
        (heterozygous, homozygous_rare, n - heterozygous - homozygous_rare)
    };
    weights[likely] = 1.0;
    for place in (1..=likely).rev() {
        let (het, rare, common) = genotypes(place);
        weights[place - 1] = weights[place] * het * (het - 1.0) / (4.0 * (rare + 1.0) * (common + 1.0));
    }
    for place in likely..places - 1 {
        let (het, rare, common) = genotypes(place);
        weights[place + 1] = weights[place] * 4.0 * rare * common / ((het + 2.0) * (het + 1.0));
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(heterozygous: u64, homozygous_one: u64, homozygous_other: u64) -> f64 {
        exact_p(GenotypeCounts { heterozygous, homozygous_one, homozygous_other }).unwrap()
    }

    /// Published values of the snphwe package's own tests.
    #[test]
    fn agrees_with_published_values() {
        assert!((p(500, 10, 5000) - 0.651_571_899_91).abs() < 1e-10);
        assert!((p(1000, 20, 5000) - 1.265_984_91e-5).abs() < 1e-12);
        assert!((p(500, 5000, 10) - p(500, 10, 5000)).abs() < 1e-15);
    }

    /// Three people, three rare alleles: one heterozygote has 3!·2¹·3!·3!/(1!·1!·1!·6!) = 0.6, three have
    /// 3!·2³·3!·3!/(3!·6!) = 0.4.
    #[test]
    fn worked_by_hand() {
        assert!((p(1, 1, 1) - 1.0).abs() < 1e-12);
        assert!((p(3, 0, 0) - 0.4).abs() < 1e-12);
        assert!((p(0, 0, 7) - 1.0).abs() < 1e-12);
        assert_eq!(exact_p(GenotypeCounts::default()), None);
    }

    /// Against the closed form with factorials, which is another way to the same numbers.
    #[test]
    fn agrees_with_factorials_on_every_small_table() {
        let factorial = |n: u64| (1..=n).map(|k| k as f64).product::<f64>();
        for individuals in 1..=12_u64 {
            for one in 0..=individuals {
                for het in 0..=individuals - one {
                    let other = individuals - one - het;
                    let (a, b) = (2 * one + het, 2 * other + het);
                    let chance = |het: u64| {
                        let ways = factorial(individuals) * 2_f64.powi(het as i32) * factorial(a) * factorial(b);
                        let same = factorial((a - het) / 2) * factorial(het) * factorial((b - het) / 2);
                        ways / (same * factorial(2 * individuals))
                    };
                    let all = (0..=a.min(b)).filter(|h| h % 2 == a % 2).map(chance).collect::<Vec<_>>();
                    assert!((all.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                    let expected = all.iter().filter(|c| **c <= chance(het) * (1.0 + 1e-9)).sum::<f64>();
                    assert!((p(het, one, other) - expected.min(1.0)).abs() < 1e-9, "{het} {one} {other}");
                }
            }
        }
    }
}
